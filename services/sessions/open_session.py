"""A session in memory: its context as of the last shown event, its newest events, and the commands that wait. Decides
nothing and reads nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.actors import Actor
from models.commands import Command
from models.errors import ParleyError, forget_frames
from models.events import Event
from models.heads import Head
from models.results import Result
from services.engine.context import Context
from services.sessions.tail import Tail
from services.store.leases import Lease

if TYPE_CHECKING:
    from opentelemetry.trace import Span

OPEN_BYTES, BRANCH_BYTES, EVENT_BYTES, CHAR_BYTES = 6_000, 1_500, 1_000, 2
"""A session, each of its branches, each event in its tail, each character (of 1 to 4 bytes). Measured on CPython 3.11:
the sum is right for a short session and up to 1.6 times too much for long replies in ASCII."""


@dataclass(slots=True)
class Pending:
    """A command that waits for its turn; None asks only that nothing committed by now is left to show. `since` is how
    often the journal had been asked when it came, `expected_version` the session's as the caller knew it. `span` is its
    trace's, where it has one."""

    command: Command | None
    by: Actor
    future: asyncio.Future[Result]
    lease: Lease | None = None
    expected_version: int | None = None
    since: int = 0
    tries: int = 0
    span: Span | None = None

    def resolve(self, result: Result) -> None:
        if not self.future.done():
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        if isinstance(error, ParleyError):
            # Its frames hold this command, which holds the future.
            forget_frames(error)
        if not self.future.done():
            self.future.set_exception(error)


class WeighedTail(Tail):
    @property
    def weight_bytes(self) -> int:
        return EVENT_BYTES * len(self._events) + CHAR_BYTES * self._chars


@dataclass(slots=True)
class OpenSession:
    """`known` is false until its context was read, and again when an append's outcome is unknown. While `busy` the
    inbox waits. `hinted` is the highest head that was heard of since the last read; `doubted` says that the head is not
    there any more, or of another epoch. `appended_at` is the loop's time."""

    session_id: str
    context: Context | None = None
    known: bool = False
    busy: bool = False
    inbox: deque[Pending] = field(default_factory=deque)
    tail: WeighedTail = field(default_factory=WeighedTail)
    followers: int = 0
    asked: int = 0
    confirmed: int = 0
    appended_at: float = 0.0
    hinted: int = 0
    doubted: bool = False

    @property
    def at_work(self) -> bool:
        """Whether something of it is under way, its run included. It must not be let go: two doors would show twice."""
        running = self.context is not None and self.context.busy
        return self.busy or bool(self.inbox) or self.followers > 0 or running

    @property
    def behind(self) -> bool:
        return self.doubted or self.hinted > (self.context.head if self.context is not None else 0)

    @property
    def head(self) -> Head | None:
        return Head(self.context.epoch, self.context.head) if self.context is not None else None

    def ask(self) -> int:
        """Counts a question to the journal. Its answer, which sets `confirmed`, is news for every command that came
        before."""
        self.asked += 1
        return self.asked

    def hear(self, head: Head | None) -> None:
        """Of the journal's head, None when there is none any more. What is known already changes nothing."""
        if head is None or (self.context is not None and head.epoch != self.context.epoch):
            self.doubted = True
        else:
            self.hinted = max(self.hinted, head.seq)

    def lost(self) -> None:
        """The race for the head: it is at least one further."""
        self.hinted = max(self.hinted, self.context.head + 1 if self.context is not None else 1)

    def show(self, context: Context, events: tuple[Event, ...]) -> None:
        self.context, self.known = context, True
        self.tail.extend(events)

    def begin(self, context: Context | None) -> None:
        """Anew: nothing was shown yet. Without `context` there is no such session."""
        self.context, self.known = context, True
        self.tail = WeighedTail()

    @property
    def weight_bytes(self) -> int:
        """An estimate for a session at rest. Cheap: it walks over branches, never over history."""
        chars = 0
        branches = self.context.branches.values() if self.context is not None else ()
        for branch in branches:
            chars += len(branch.system_prompt or "")
            chars += sum(len(pin.text) for pin in branch.pins) + sum(len(item.text) for item in branch.plan)
        return OPEN_BYTES + BRANCH_BYTES * len(branches) + CHAR_BYTES * chars + self.tail.weight_bytes
