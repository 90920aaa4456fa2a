"""One client's place in one session: its cursor, and how it is fed. Never reads commands, never knows presence.

    joining ──ack──▶ live ──outbox over 256 KiB, or a gap──▶ lagging ──drained and caught up──▶ live
       └──hasMore──▶ paged (fed nothing until the client joins again)

While a subscription lags nothing is kept for it in memory: its cursor is a place in the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Literal, Protocol

import orjson
import structlog

from hub.socket.connection import Connection
from hub.socket.frames import Frame, event_frame, raw_event_frame
from models.errors import SessionNotFound, StorageUnavailable
from models.events import Event
from services.sessions.manager import SessionManager

log = structlog.get_logger(__name__)

Mode = Literal["push", "signal"]
State = Literal["joining", "paged", "live", "lagging", "ended"]
STORAGE_RETRY_S = 1.0


class Source(Protocol):
    """What a subscription knows of its room."""

    session_id: str
    last_seq: int

    def signal(self) -> Frame | None: ...


def push_frame(event: Event) -> Frame:
    return raw_event_frame("event", orjson.dumps(event.to_wire()))


def signal_frame(event: Event) -> Frame:
    return raw_event_frame("signal", orjson.dumps(event.to_signal()))


class Subscription:
    """`cursor` is the seq of the last event that was handed to the connection (in signal mode: announced)."""

    __slots__ = ("_task", "connection", "cursor", "epoch", "mode", "room", "state")

    def __init__(self, connection: Connection, room: Source) -> None:
        self.connection = connection
        self.room = room
        self.mode: Mode = "push"
        self.epoch = ""
        self.cursor = 0
        self.state: State = "joining"
        self._task: asyncio.Task[None] | None = None

    def restart(self, mode: Mode) -> None:
        """A join, the first or a further one: nothing is fed until it is answered."""
        self._stop()
        self.mode = mode
        self.state = "joining"

    def page(self, epoch: str, cursor: int) -> None:
        """The answer held only a part: the client joins again from its last event."""
        self.epoch, self.cursor, self.state = epoch, cursor, "paged"

    def go_live(self, sessions: SessionManager, epoch: str, cursor: int) -> None:
        """Follows the answer to a join with no await in between, so no event can slip through."""
        self.epoch, self.cursor, self.state = epoch, cursor, "live"
        if self.room.last_seq > cursor:
            self.lag(sessions)

    def offer(self, sessions: SessionManager, first: int, last: int, frame: Callable[[Mode], Frame]) -> None:
        """The next events, `first` to `last`, already committed. They are sent, or the subscription starts to lag."""
        if self.state != "live" or last <= self.cursor:
            return
        if self.connection.outbox.over_high_water or (first != self.cursor + 1 and self.mode == "push"):
            self.lag(sessions)
            return
        self.cursor = last
        self.connection.send(frame(self.mode))

    def lag(self, sessions: SessionManager) -> None:
        """Stops feeding; a task goes on from the cursor once the outbox has drained."""
        self.state = "lagging"
        self._task = asyncio.get_running_loop().create_task(self._catch_up(sessions))

    def end(self) -> None:
        self._stop()
        self.state = "ended"

    def evict(self) -> None:
        """The session was deleted. Who had not caught up until then can't any more, and must not wait for it."""
        behind = self.state == "lagging"
        self.end()
        if behind:
            self.resync("the session was deleted")

    def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    async def _catch_up(self, sessions: SessionManager) -> None:
        feed: Callable[[SessionManager], Coroutine[None, None, bool]]
        feed = self._feed_signal if self.mode == "signal" else self._feed_page
        try:
            while not self.connection.closed:
                await self.connection.outbox.drained()
                if await feed(sessions):
                    self._task = None
                    if self.state == "lagging":
                        self.state = "live"
                    return
        except SessionNotFound:
            self.resync("the session was deleted")
        except Exception:
            # Without a word the client would take the silence for peace.
            log.exception("catch_up_failed", session=self.room.session_id, cursor=self.cursor)
            self.resync("internal error")

    async def _feed_signal(self, sessions: SessionManager) -> bool:
        """One signal stands for all that was missed: its seq is a high-water mark."""
        signal = self.room.signal()
        self.cursor = self.room.last_seq
        if signal is not None:
            self.connection.send(signal)
        return True

    async def _feed_page(self, sessions: SessionManager) -> bool:
        """Sends what follows the cursor, from memory or from the journal. True when nothing is missing any more."""
        events = sessions.tail(self.room.session_id, self.cursor)
        if events is None:
            try:
                page = await sessions.journal.since(self.room.session_id, self.cursor)
            except StorageUnavailable:
                await asyncio.sleep(STORAGE_RETRY_S)
                return False
            if page.epoch != self.epoch:
                self.resync("the journal was replaced")
                return True
            events = page.events
        for event in events:
            if self.connection.outbox.over_high_water:
                return False
            self.cursor = event.seq
            self.connection.send(push_frame(event))
        return self.cursor >= self.room.last_seq

    def resync(self, reason: str) -> None:
        """The client has to join again without `after`."""
        self.state = "ended"
        self.connection.send(event_frame("resync", {"sessionId": self.room.session_id, "reason": reason}))
