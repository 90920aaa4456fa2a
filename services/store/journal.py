"""The journal's interface: append events, load the context that they come to, read them since a position.

An append is one transaction: the events and their projections, guarded by the head that was decided on and, for a run,
by its fence. Nothing here decides anything. Every back end passes tests/contracts/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from models.branches import Branch
from models.errors import EventsGone
from models.events import BranchSwitched, Event
from models.heads import Head
from services.engine.context import Context
from services.store.leases import Lease

PAGE_EVENTS = 1_000
PAGE_BYTES = 256 * 1024
"""Bounds of one page of events, in a join and by REST (design §5)."""
NOT_DELETED = "The session was restored in the meantime"
"""Why a purge is refused."""


@dataclass(frozen=True, slots=True)
class Append:
    """`before` None creates the session. `after` is `before` with `events` applied. `fence`, when given, must be
    that of the run which holds the session. `lease` claims the session's run for its owner: nobody else may have one
    that lasts beyond the instant of the events. It is that of the run which is active after them."""

    before: Context | None
    after: Context
    events: tuple[Event, ...]
    fence: str | None = None
    lease: Lease | None = None

    def on_branches(self) -> Iterator[tuple[Event, Branch]]:
        """The events, each with the branch that was active for it, as that is after all of them."""
        active = (self.before or self.after).active_branch
        for event in self.events:
            active = event.body.name if isinstance(event.body, BranchSwitched) else active
            yield event, self.after.branches[active]


OnAppended = Callable[[BaseException | None], None]
"""Called in the event loop once an append is durable (None) or is not (StaleHead, Fenced, ClientMessageIdTaken,
ProjectNotFound, StorageUnavailable). After StorageUnavailable the outcome is unknown: load the head before anything
else."""


def check_reach(after: int, events: Sequence[Event]) -> None:
    """`events` are the first that were found after a position. Raises EventsGone when there is a hole before them."""
    if events and events[0].seq != after + 1:
        raise EventsGone(oldest=events[0].seq)


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events after a position, in order; `head` is the journal's last seq in the same read transaction."""

    epoch: str
    head: int
    events: tuple[Event, ...]
    has_more: bool


class Journal(Protocol):
    """Raises SessionNotFound for sessions that it does not hold and, all but `load`, for deleted ones."""

    def append(self, append: Append, done: OnAppended) -> None: ...
    async def load(self, session_id: str) -> Context: ...
    async def heads(self, session_ids: Sequence[str]) -> dict[str, Head]:
        """In one query, of deleted sessions too. Who is missing was purged, or never was."""
        ...

    async def since(
        self,
        session_id: str,
        after: int,
        *,
        limit: int = PAGE_EVENTS,
        limit_bytes: int = PAGE_BYTES,
        deleted: bool = False,
    ) -> EventPage:
        """With `deleted` of a deleted session too. Raises EventsGone when the journal does not reach back that far."""
        ...

    async def purge(self, session_id: str) -> None:
        """Removes a deleted session and everything of it, for good. Raises Conflict when it isn't deleted: somebody
        restored it."""
        ...
