"""One follower of one session: its cursor, and how its sink is fed. Never knows what is behind the sink.

    joining ──answered──▶ live ──sink over its high water, or a gap──▶ lagging ──drained and caught up──▶ live
       └──hasMore──▶ paged (fed nothing until it joins again)

While a follower lags nothing is kept for it in memory: its cursor is a place in the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Generic, Literal, Protocol, TypeVar

import structlog

from models.backoff import Backoff
from models.errors import EventsGone, SessionNotFound, StorageUnavailable
from models.events import Event
from services.faults import report
from services.sessions.forms import FeedMode, Form, Telling
from services.sessions.manager import SessionManager

log = structlog.get_logger(__name__)

FollowerState = Literal["joining", "paged", "live", "lagging", "ended"]
STORAGE_RETRY = Backoff(1.0, 8.0)
F = TypeVar("F")
F_contra = TypeVar("F_contra", contravariant=True)


class Sink(Protocol[F_contra]):
    """Where the frames of one follower go: a socket, a stream, a list in a test."""

    @property
    def over_high_water(self) -> bool:
        """Whether so much waits in it that nothing more should be sent. Asked before every frame."""
        ...

    @property
    def closed(self) -> bool:
        """Whether nothing will be sent any more."""
        ...

    def send(self, frame: F_contra) -> None:
        """Never blocks and never raises; when it is closed, nothing happens."""
        ...

    async def drained(self) -> None:
        """Returns once most of it was taken, or it is closed."""
        ...


class FollowSource(Protocol):
    """What a follower knows of its session. `last_seq` is the newest event that was published since anybody follows;
    0 before the first."""

    session_id: str
    sessions: SessionManager
    last_seq: int
    last_event: Event | None


class Follower(Generic[F]):
    """`cursor` is the seq of the last event that was handed to the sink (in signal mode: announced)."""

    __slots__ = ("_ended", "_failures", "_key", "_task", "cursor", "epoch", "form", "mode", "sink", "source", "state")

    def __init__(self, source: FollowSource, sink: Sink[F], form: Form[F]) -> None:
        self.source = source
        self.sink = sink
        self.form = form
        self.mode: FeedMode = "push"
        self.epoch = ""
        self.cursor = 0
        self.state: FollowerState = "joining"
        self._key = form.key("push")
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._ended: asyncio.Future[None] | None = None

    def restart(self, mode: FeedMode) -> None:
        """A join, the first or a further one: nothing is fed until it is answered."""
        self._stop()
        self.mode, self._key = mode, self.form.key(mode)
        self.state = "joining"

    def page(self, epoch: str, cursor: int) -> None:
        """The answer held only a part: the client joins again from its last event."""
        self.epoch, self.cursor, self.state = epoch, cursor, "paged"

    def go_live(self, epoch: str, cursor: int) -> None:
        """Follows the answer to a join. What was published since `cursor` is fed first."""
        self.epoch, self.cursor, self.state = epoch, cursor, "live"
        if self.source.last_seq > cursor:
            self.lag()

    def offer(self, telling: Telling) -> None:
        """The next events, already committed. They are sent, or the follower starts to lag."""
        if self.state != "live" or telling.last <= self.cursor:
            return
        if self.sink.over_high_water or (telling.first != self.cursor + 1 and self.mode == "push"):
            self.lag()
            return
        self.cursor = telling.last
        # Here and not behind a call: a room of a thousand asks a thousand times.
        frame = telling.made.get(self._key)
        self.sink.send(telling.make(self.form, self.mode) if frame is None else frame)

    def lag(self) -> None:
        """Stops feeding; a task goes on from the cursor once the sink has drained."""
        self.state = "lagging"
        self._task = asyncio.get_running_loop().create_task(self._catch_up())

    def end(self) -> None:
        """Nothing is fed any more until a restart."""
        self._stop()
        self._end()

    def evict(self) -> None:
        """The session was deleted. Who had not caught up until then can't any more, and must not wait for it."""
        behind = self.state == "lagging"
        self._stop()
        if behind:
            self.resync("the session was deleted")
        else:
            self._end()

    def cut(self, reason: str) -> None:
        """What it was fed has no continuation."""
        self._stop()
        self.resync(reason)

    def resync(self, reason: str) -> None:
        """The client has to join again without a position."""
        self.sink.send(self.form.resync(self.source.session_id, reason))
        self._end()

    async def ended(self) -> None:
        """Returns once nothing is fed any more: the session was deleted, the client has to join anew, or it left."""
        if self.state == "ended":
            return
        if self._ended is None:
            self._ended = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._ended)

    def _end(self) -> None:
        self.state = "ended"
        waiting, self._ended = self._ended, None
        if waiting is not None:
            waiting.set_result(None)

    def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    async def _catch_up(self) -> None:
        feed: Callable[[], Coroutine[None, None, bool]] = (
            self._feed_signal if self.mode == "signal" else self._feed_page
        )
        try:
            while not self.sink.closed:
                await self.sink.drained()
                if await feed():
                    self._task = None
                    if self.state == "lagging":
                        self.state = "live"
                    return
        except SessionNotFound:
            self.resync("the session was deleted")
        except EventsGone:
            self.resync("the journal does not reach back that far any more")
        except Exception as error:
            # Without a word the client would take the silence for peace.
            report(log, "catch_up_failed", error, session=self.source.session_id, cursor=self.cursor)
            self.resync("internal error")

    async def _feed_signal(self) -> bool:
        """One signal stands for all that was missed: its seq is a high-water mark."""
        event = self.source.last_event
        self.cursor = self.source.last_seq
        if event is not None:
            self.sink.send(self.form.event("signal", event))
        return True

    async def _feed_page(self) -> bool:
        """Sends what follows the cursor, from memory or from the journal. True when nothing is missing any more."""
        source = self.source
        events = source.sessions.tail(source.session_id, self.cursor)
        if events is None:
            try:
                page = await source.sessions.store.journal.since(source.session_id, self.cursor)
            except StorageUnavailable:
                self._failures += 1
                await asyncio.sleep(STORAGE_RETRY.wait_s(self._failures))
                return False
            self._failures = 0
            if page.epoch != self.epoch:
                self.resync("the journal was replaced")
                return True
            events = page.events
        for event in events:
            if self.sink.over_high_water:
                return False
            self.cursor = event.seq
            self.sink.send(self.form.event("push", event))
        return self.cursor >= source.last_seq
