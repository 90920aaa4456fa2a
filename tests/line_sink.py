"""A second form beside Socket.IO's, as a stream would write it, and a sink of it in memory whose reader may stop.

Heals nothing and hides nothing: what a test sees is what was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson

from models.events import Event
from services.access import LOCAL
from services.sessions.follow import Follower
from services.sessions.following import Following
from services.sessions.forms import FeedMode, Form
from services.sessions.join import Joined, Joiner, Position

Json = dict[str, Any]
HIGH_WATER_BYTES = 4_000
LOW_WATER_BYTES = 1_000


def _wrap(name: str, data: bytes, event: Event | None) -> bytes:
    position = f"id: {event.epoch}:{event.seq}\n".encode() if event is not None else b""
    return b"".join((position, b"event: ", name.encode(), b"\ndata: ", data, b"\n\n"))


def _batch(frames: Sequence[bytes]) -> bytes:
    return b"".join(frames)


LINES: Form[bytes] = Form("lines", _wrap, _batch)


def read_lines(text: bytes) -> list[tuple[str, Json]]:
    """What whole records of LINES say: `(name, data)` each."""
    said = []
    for record in text.split(b"\n\n")[:-1]:
        fields = dict(line.split(b": ", 1) for line in record.split(b"\n"))
        said.append((fields[b"event"].decode(), orjson.loads(fields[b"data"])))
    return said


class LineSink:
    """`taken` is what the reader has read; while it has stopped, what is sent waits."""

    def __init__(self) -> None:
        self.taken = b""
        self.closed = False
        self.most_bytes = 0
        self._waiting: list[bytes] = []
        self._reads = True
        self._moved = asyncio.Event()

    @property
    def backlog_bytes(self) -> int:
        return sum(len(frame) for frame in self._waiting)

    @property
    def over_high_water(self) -> bool:
        return self.backlog_bytes > HIGH_WATER_BYTES

    def send(self, frame: bytes) -> None:
        if self.closed:
            return
        self._waiting.append(frame)
        self.most_bytes = max(self.most_bytes, self.backlog_bytes)
        if self._reads:
            self.take()

    async def drained(self) -> None:
        while self.backlog_bytes > LOW_WATER_BYTES and not self.closed:
            self._moved.clear()
            await self._moved.wait()

    def take(self, frames: int | None = None) -> None:
        """The reader reads so many frames, or all that wait."""
        taken, self._waiting = self._waiting[:frames], self._waiting[len(self._waiting[:frames]) :]
        self.taken += b"".join(taken)
        self._moved.set()

    def stop(self) -> None:
        self._reads = False

    def go_on(self) -> None:
        self._reads = True
        self.take()

    def drop(self) -> None:
        """The network is gone, and with it what was on its way."""
        self.closed = True
        self._waiting.clear()
        self._moved.set()


class Reader:
    """A client over LineSinks: it keeps what it was answered and what it was sent, and comes back from its last."""

    def __init__(self, following: Following, joiner: Joiner, session_id: str, mode: FeedMode = "push") -> None:
        self.following = following
        self.joiner = joiner
        self.session_id = session_id
        self.mode: FeedMode = mode
        self.epoch: str | None = None
        self.events: list[Json] = []
        self.others: list[tuple[str, Json]] = []
        self.sink = LineSink()
        self.follower: Follower[bytes] | None = None

    async def join(self, after: int | None) -> Joined:
        """Enters if it is not in, joins, and takes over what it is answered, like any client that applies it."""
        if self.follower is None:
            self.sink = LineSink()
            self.follower = self.following.follow(self.session_id, self.sink, LINES)
        try:
            joined = await self.joiner.join(LOCAL, self.follower, Position(after, self.epoch), self.mode)
        except BaseException:
            self.leave()
            raise
        self.epoch = joined.epoch
        self.events.extend(event.to_wire() for event in joined.events)
        self.joiner.go(self.follower, joined)
        return joined

    @property
    def last(self) -> int:
        self.read()
        return int(self.events[-1]["seq"]) if self.events else 0

    def read(self) -> list[Json]:
        """All events so far, in the order in which they came."""
        said, self.sink.taken = read_lines(self.sink.taken), b""
        self.events.extend(data for name, data in said if name == "event")
        self.others.extend(each for each in said if each[0] != "event")
        return self.events

    def named(self, name: str) -> list[Json]:
        self.read()
        return [data for each, data in self.others if each == name]

    def leave(self) -> None:
        follower, self.follower = self.follower, None
        if follower is not None:
            self.following.leave(follower)

    def lose(self) -> None:
        """The connection drops: what it has read stays, what was under way is lost."""
        self.read()
        self.sink.drop()
        self.leave()
