"""Joining a session without a gap and without a duplicate (design §5, Join), whatever is behind the follower's sink.

What is published counts for a follower from before the journal is read; what is committed during the read comes from
the open session's tail, or, when that has moved on too far, through the follower's own cursor. No lock is held.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from models.errors import EventsGone, SessionNotFound
from models.events import Event
from models.snapshot import Snapshot
from services.access import OnSession, Principal
from services.sessions.follow import Follower
from services.sessions.forms import FeedMode, event_json
from services.sessions.manager import SessionManager
from services.store.journal import PAGE_BYTES, PAGE_EVENTS


@dataclass(frozen=True, slots=True)
class Position:
    """Where a client stands: it has everything up to `after` (None: nothing) of the journal `epoch`."""

    after: int | None = None
    epoch: str | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """What a client is answered: a snapshot, or the events that it missed; `events` follow the snapshot. They end at
    `cursor`, the journal at `head`. `has_more`: it is fed nothing before it has joined again from its last event."""

    epoch: str
    head: int
    cursor: int
    events: tuple[Event, ...] = ()
    has_more: bool = False
    snapshot: Snapshot | None = None

    @property
    def recovered(self) -> bool:
        """Whether its position was found."""
        return self.snapshot is None


@dataclass(slots=True)
class Joiner:
    """`after_read` is awaited between the read and the merge: tests publish there what a slow disk would let in."""

    sessions: SessionManager
    after_read: Callable[[str], Awaitable[None]] | None = field(default=None)

    async def join(
        self, principal: Principal, follower: Follower[Any], position: Position, mode: FeedMode = "push"
    ) -> Joined:
        """Answer with it, then `go`. If there is no await in between, everything later comes live; else the follower
        catches up first. Raises SessionNotFound, Forbidden, StorageUnavailable: then the follower is to leave."""
        follower.restart(mode)
        session_id = follower.source.session_id
        await self.sessions.access.check(principal, "read", OnSession(session_id))
        read = await self._read(session_id, position)
        if self.after_read is not None:
            await self.after_read(session_id)
        if follower.state == "ended":
            raise SessionNotFound()  # deleted while it was read
        return self._merged(read, follower)

    def go(self, follower: Follower[Any], joined: Joined) -> None:
        """Right after the answer. A part is answered with `has_more`: then the client has to ask for the rest."""
        if joined.has_more:
            follower.page(joined.epoch, joined.cursor)
        else:
            follower.go_live(joined.epoch, joined.cursor)

    def _merged(self, read: Joined, follower: Follower[Any]) -> Joined:
        """What was read, and, as far as it fits, what was published since.

        In signal mode nothing is left to ask for here: the client pulls up to `head`, and is told of what follows it.
        """
        source, cursor, events = follower.source, read.cursor, read.events
        if not read.has_more and source.last_seq > cursor:
            events = _bounded((*events, *(self.sessions.tail(source.session_id, cursor) or ())))
            cursor = events[-1].seq if events else cursor
        head = max(read.head, source.last_seq)
        if follower.mode == "signal":
            return Joined(read.epoch, head, max(cursor, read.head), events, False, read.snapshot)
        return Joined(read.epoch, head, cursor, events, read.has_more, read.snapshot)

    async def _read(self, session_id: str, position: Position) -> Joined:
        await self.sessions.catch_up(session_id)
        missed = await self._missed(session_id, position) if position.after is not None else None
        if missed is not None:
            return missed
        snapshot = await self.sessions.store.reads.snapshot(session_id)
        return Joined(snapshot.epoch, snapshot.head, snapshot.head, snapshot=snapshot)

    async def _missed(self, session_id: str, position: Position) -> Joined | None:
        """The events after the client's position; None when it needs a snapshot instead."""
        after = position.after or 0
        context = self.sessions.context(session_id)
        if context is not None and after and position.epoch == context.epoch and context.deleted_at is None:
            tail = self.sessions.tail(session_id, after)
            if after <= context.head and tail is not None and len(tail) == context.head - after:
                events = _bounded(tail)
                return Joined(context.epoch, context.head, after + len(events), events, len(events) < len(tail))
        try:
            page = await self.sessions.store.journal.since(session_id, after)
        except EventsGone:
            return None
        if after > page.head or (after > 0 and position.epoch != page.epoch):
            return None
        cursor = page.events[-1].seq if page.events else after
        return Joined(page.epoch, page.head, cursor, page.events, page.has_more)


def _bounded(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """As many as one page may hold."""
    size = 0
    for index, event in enumerate(events):
        size += len(event_json(event))
        if index and (size > PAGE_BYTES or index >= PAGE_EVENTS):
            return events[:index]
    return events
