"""A raw client of the hub that keeps every packet in the order of arrival, and ways to make clients slow or lose them.

Heals nothing and hides nothing: what a test sees is what was sent.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from harness import Harness, serving
from journal_store import KINDS
from patience import HANG_S

from hub.socket.connection import Connection
from hub.socket.outbox import Outbox

Json = dict[str, Any]
SETTLES = 30
"""Turns of the loop after which everything that waits for nothing outside has run."""


async def eventually(holds: Callable[[], object], what: str = "the condition") -> None:
    """Polls until `holds()` is true; fails after a deadline that only a hang reaches."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + HANG_S
    while not holds():
        assert loop.time() < deadline, f"{what} did not come true in {HANG_S} s"
        await asyncio.sleep(0.002)


async def settled() -> None:
    for _ in range(SETTLES):
        await asyncio.sleep(0)


@pytest.fixture(params=KINDS)
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    """A running server, once with each journal. A test module takes it in by `server = hub_peer.server`."""
    async with serving(tmp_path if request.param == "sqlite" else None) as harness:
        yield harness


@pytest.fixture
async def in_memory() -> AsyncIterator[Harness]:
    """A running server, where the kind of journal makes no difference."""
    async with serving() as harness:
        yield harness


class Peer:
    """`log` has `(name, data)` for every event and `(call, ack)` for every ack, in the order of arrival."""

    def __init__(self, http: ClientSession, ws: ClientWebSocketResponse) -> None:
        self.log: list[tuple[str, Json]] = []
        self.sid = ""
        self.closed = asyncio.Event()
        self.reading = asyncio.Event()
        self.reading.set()
        self._http = http
        self._ws = ws
        self._ids = itertools.count(1)
        self._calls: dict[str, tuple[str, asyncio.Future[Json]]] = {}
        self._reader = asyncio.get_running_loop().create_task(self._read())

    @classmethod
    async def connect(cls, url: str, token: str | None = None) -> Self:
        http = ClientSession()
        ws = await http.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket", max_msg_size=0)
        peer = cls(http, ws)
        await ws.send_str("40" + (json.dumps({"token": token}) if token else ""))
        await eventually(lambda: peer.sid or peer.closed.is_set(), "the connection")
        return peer

    def call_soon(self, name: str, *arguments: object) -> asyncio.Future[Json]:
        """Sends a call; the future is its ack, or ConnectionError."""
        ack_id = str(next(self._ids))
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._calls[ack_id] = (name, future)
        self._sending = asyncio.get_running_loop().create_task(
            self._ws.send_str(f"42{ack_id}{json.dumps([name, *arguments])}")
        )
        return future

    async def call(self, name: str, *arguments: object) -> Json:
        async with asyncio.timeout(HANG_S):
            return await self.call_soon(name, *arguments)

    async def raw_call(self, ack_id: str, array: str) -> Json:
        """A call whose JSON the test writes itself."""
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._calls[ack_id] = ("raw", future)
        await self._ws.send_str(f"42{ack_id}{array}")
        async with asyncio.timeout(HANG_S):
            return await future

    async def join(self, session_id: str, **more: object) -> Json:
        ack = await self.call("join_session", {"sessionId": session_id, **more})
        assert ack["ok"], ack
        return ack

    def named(self, name: str) -> list[Json]:
        return [data for each, data in self.log if each == name]

    def sequence(self, session_id: str) -> list[Json]:
        """Every event that came, in acks and live, in the order of arrival."""
        events: list[Json] = []
        for name, data in self.log:
            if data.get("sessionId") != session_id:
                continue
            if name == "join_session":
                events.extend(data["events"])
            elif name == "event":
                events.append(data)
        return events

    async def reaches(self, session_id: str, seq: int) -> list[Json]:
        """The sequence, once it ends with `seq`."""

        def there() -> bool:
            return any(data.get("sessionId") == session_id and _reach(name, data) >= seq for name, data in self.log)

        await eventually(there, f"event {seq}")
        return self.sequence(session_id)

    async def until(self, name: str, count: int = 1) -> list[Json]:
        await eventually(lambda: len(self.named(name)) >= count or self.closed.is_set(), f"{count} of {name}")
        return self.named(name)

    def drop(self) -> None:
        """The network is gone: no close, no goodbye."""
        connection = self._ws._response.connection
        if connection is not None and connection.transport is not None:
            connection.transport.abort()

    async def close(self) -> None:
        self.reading.set()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._ws.close()
        await self._http.close()

    async def _read(self) -> None:
        try:
            while True:
                await self.reading.wait()
                message = await self._ws.receive()
                if message.type is not WSMsgType.TEXT:
                    return
                await self._take(message.data)
        except ConnectionError:
            return
        finally:
            self.closed.set()
            for _, future in self._calls.values():
                if not future.done():
                    future.cancel()

    async def _take(self, packet: str) -> None:
        if packet == "2":
            await self._ws.send_str("3")
        elif packet.startswith("42"):
            name, data = json.loads(packet[2:])
            self.log.append((name, data))
        elif packet.startswith("43"):
            ack_id, _, array = packet[2:].partition("[")
            name, future = self._calls.pop(ack_id)
            ack: Json = json.loads("[" + array)[0]
            self.log.append((name, ack))
            if not future.done():
                future.set_result(ack)
        elif packet.startswith("40"):
            self.sid = json.loads(packet[2:])["sid"]
        elif packet.startswith("44"):
            self.log.append(("connect_error", json.loads(packet[2:])))


def _reach(name: str, data: Json) -> int:
    """How far a packet brings its receiver."""
    if name in ("event", "signal"):
        return int(data["seq"])
    events = data.get("events") or [] if name == "join_session" else []
    return int(events[-1]["seq"]) if events else 0


@asynccontextmanager
async def peers(url: str, count: int = 1, token: str | None = None) -> AsyncIterator[list[Peer]]:
    """Connected clients, closed at the end."""
    opened = [await Peer.connect(url, token) for _ in range(count)]
    try:
        yield opened
    finally:
        for peer in opened:
            await peer.close()


class Throttle:
    """Makes chosen connections look full: over the high-water mark, and not drained until released."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._held: dict[Outbox, asyncio.Event] = {}
        over, drained, close = Outbox.over_high_water, Outbox.drained, Outbox.close

        def is_over(outbox: Outbox) -> bool:
            return outbox in self._held or bool(over.__get__(outbox))

        async def until_drained(outbox: Outbox) -> None:
            if (held := self._held.get(outbox)) is not None:
                await held.wait()
            await drained(outbox)

        def close_anyway(outbox: Outbox) -> None:
            close(outbox)
            if (held := self._held.pop(outbox, None)) is not None:
                held.set()

        monkeypatch.setattr(Outbox, "close", close_anyway)
        monkeypatch.setattr(Outbox, "over_high_water", property(is_over))
        monkeypatch.setattr(Outbox, "drained", until_drained)

    def hold(self, connection: Connection) -> None:
        self._held.setdefault(connection.outbox, asyncio.Event())

    def release(self, connection: Connection) -> None:
        held = self._held.pop(connection.outbox, None)
        if held is not None:
            held.set()

    def release_all(self) -> None:
        for held in self._held.values():
            held.set()
        self._held.clear()
