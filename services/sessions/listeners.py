"""Who hears of what was committed: those that are told of every commit, and those that wait for a session to change.
Decides nothing and reads nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from models.events import Event
from services.engine.context import Context

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Committed:
    """What listeners get, in order, once per append. `before` is None for a new session. What was committed elsewhere
    and is shown later, possibly several appends at once, is not `own`."""

    before: Context | None
    after: Context
    events: tuple[Event, ...]
    own: bool = True


Listener = Callable[[Committed], None]
CutListener = Callable[[str, str], None]
"""Gets a session's id and why what was shown of it is not continued."""
FarListener = Callable[[str], None]
"""Gets the id of a session that is not in memory, and that another node has changed."""


class Listeners:
    """All are called in the loop and must not block. One that fails keeps nothing from the others."""

    def __init__(self) -> None:
        self.of_commits: list[Listener] = []
        self.of_cuts: list[CutListener] = []
        self.of_far: list[FarListener] = []
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}

    def committed(self, committed: Committed) -> None:
        session_id = committed.after.session_id
        self._wake(session_id)
        for listener in self.of_commits:
            with _told(session_id):
                listener(committed)

    def cut(self, session_id: str, reason: str) -> None:
        self._wake(session_id)
        for listener in self.of_cuts:
            with _told(session_id):
                listener(session_id, reason)

    def changed_far_away(self, session_id: str) -> None:
        for listener in self.of_far:
            with _told(session_id):
                listener(session_id)

    @contextmanager
    def change_of(self, session_id: str) -> Iterator[asyncio.Future[None]]:
        """A future that is done once something of the session was shown after this was entered."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(session_id, set())
        waiters.add(waiter)
        try:
            yield waiter
        finally:
            waiters.discard(waiter)
            if not waiters:
                self._waiters.pop(session_id, None)

    def _wake(self, session_id: str) -> None:
        for waiter in self._waiters.get(session_id, ()):
            if not waiter.done():
                waiter.set_result(None)


@contextmanager
def _told(session_id: str) -> Iterator[None]:
    try:
        yield
    except Exception:
        log.exception("a listener failed", session=session_id)
