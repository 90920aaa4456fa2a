"""Joining a session without a gap and without a duplicate (design §5, Join).

The room counts published events from before the journal is read; what is committed during the read comes from the open
session's tail, or, when that has moved on too far, through the subscription's own cursor. No lock is held.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from hub.rooms import Room
from hub.subscription import Subscription
from models.calls import JoinSession
from models.events import Event
from models.snapshot import Snapshot
from services.chat import Chat
from services.store.journal import PAGE_BYTES, PAGE_EVENTS


@dataclass(frozen=True, slots=True)
class Joined:
    """What was read: a snapshot as of `cursor`, or the events up to it (`has_more`: not all there were)."""

    epoch: str
    head: int
    cursor: int
    events: tuple[Event, ...] = ()
    has_more: bool = False
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """An ack, and where it leaves the client."""

    ack: dict[str, Any]
    epoch: str
    cursor: int
    has_more: bool


@dataclass(slots=True)
class Joiner:
    """`after_read` is awaited between the read and the merge: tests publish there what a slow disk would let in."""

    chat: Chat
    after_read: Callable[[str], Awaitable[None]] | None = field(default=None)

    async def read(self, wanted: JoinSession) -> Joined:
        """Raises SessionNotFound, StorageUnavailable."""
        joined = await self._missed(wanted) if wanted.after is not None else None
        if joined is None:
            snapshot = await self.chat.journal.snapshot(wanted.session_id)
            joined = Joined(snapshot.epoch, snapshot.head, snapshot.head, snapshot=snapshot)
        if self.after_read is not None:
            await self.after_read(wanted.session_id)
        return joined

    def answer(self, joined: Joined, wanted: JoinSession, room: Room) -> Answered:
        """The ack: what was read, and, as far as it fits, what was published since. `events` follow the snapshot.

        In signal mode nothing is left to ask for here: the client pulls up to `head`, and is told of what follows it.
        """
        cursor, events = joined.cursor, joined.events
        has_more = joined.has_more and wanted.mode == "push"
        if not joined.has_more and room.last_seq > cursor:
            events = _bounded((*events, *(self.chat.sessions.tail(wanted.session_id, cursor) or ())))
            cursor = events[-1].seq if events else cursor
        if wanted.mode == "signal":
            cursor = max(cursor, joined.head)
        ack: dict[str, Any] = {
            "ok": True,
            "sessionId": wanted.session_id,
            "epoch": joined.epoch,
            "head": max(joined.head, room.last_seq),
            "recovered": joined.snapshot is None,
            "events": [event.to_signal() if wanted.mode == "signal" else event.to_wire() for event in events],
            "hasMore": has_more,
            "participants": room.presence.announced(),
            "presenceVersion": room.presence.version,
        }
        if joined.snapshot is not None:
            ack["snapshot"] = joined.snapshot.to_wire()
        return Answered(ack, joined.epoch, cursor, has_more)

    def go(self, subscription: Subscription, answered: Answered) -> None:
        """Right after the ack. A part is answered with `hasMore`: then the client has to ask for the rest."""
        if answered.has_more:
            subscription.page(answered.epoch, answered.cursor)
        else:
            subscription.go_live(self.chat.sessions, answered.epoch, answered.cursor)

    async def _missed(self, wanted: JoinSession) -> Joined | None:
        """The events after the client's position; None when it needs a snapshot instead."""
        after = wanted.after or 0
        context = self.chat.sessions.context(wanted.session_id)
        if context is not None and after and wanted.epoch == context.epoch and context.deleted_at is None:
            tail = self.chat.sessions.tail(wanted.session_id, after)
            if after <= context.head and tail is not None and len(tail) == context.head - after:
                events = _bounded(tail)
                return Joined(context.epoch, context.head, after + len(events), events, len(events) < len(tail))
        page = await self.chat.journal.since(wanted.session_id, after)
        if after > page.head or (after > 0 and wanted.epoch != page.epoch):
            return None
        cursor = page.events[-1].seq if page.events else after
        return Joined(page.epoch, page.head, cursor, page.events, page.has_more)


def _bounded(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """As many as one page may hold."""
    size = 0
    for index, event in enumerate(events):
        size += len(orjson.dumps(event.to_wire()))
        if index and (size > PAGE_BYTES or index >= PAGE_EVENTS):
            return events[:index]
    return events
