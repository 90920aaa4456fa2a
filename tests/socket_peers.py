"""Peers for the transport's tests: a recording handler, and raw clients that speak exactly what a test tells them."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestServer
from patience import HANG_S

from hub.socket.connection import Connection
from hub.socket.engine import HubEngine
from hub.socket.transport import Ack, Transport
from models.errors import ParleyError

ServerFactory = Callable[[web.Application], Awaitable[TestServer]]
Call = Callable[[Connection, list[object]], Awaitable[Ack]]


async def eventually(condition: Callable[[], bool], within_s: float = HANG_S) -> None:
    """Poll until the condition holds; fails with TimeoutError."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110  # the conditions are plain reads of foreign state
            await asyncio.sleep(0.005)


async def stays(condition: Callable[[], bool], for_s: float = 0.05) -> None:
    """The opposite: it must hold all the while."""
    until = time.monotonic() + for_s
    while time.monotonic() < until:
        assert condition()
        await asyncio.sleep(0.005)


class Recorder:
    """A handler that remembers. Set `refuse_http` or `refuse` to turn clients away; add calls to `calls`."""

    def __init__(self) -> None:
        self.calls: dict[str, Call] = {}
        self.log: list[str] = []
        self.auths: list[object] = []
        self.connections: list[Connection] = []
        self.reasons: list[str] = []
        self.refuse_http: ParleyError | None = None
        self.refuse: Exception | None = None

    def admit(self, request: web.Request) -> None:
        if self.refuse_http is not None:
            raise self.refuse_http

    async def on_connect(self, connection: Connection, auth: object) -> None:
        self.auths.append(auth)
        if self.refuse is not None:
            raise self.refuse
        connection.principal = auth
        self.connections.append(connection)

    async def on_call(self, connection: Connection, name: str, args: list[object]) -> Ack:
        self.log.append(name)
        if name in self.calls:
            return await self.calls[name](connection, args)
        return Ack({"name": name, "args": args})

    def on_disconnect(self, connection: Connection, reason: str) -> None:
        self.reasons.append(reason)


class Hub:
    """A transport on a real server."""

    def __init__(self, handler: Recorder, transport: Transport, server: TestServer) -> None:
        self.handler = handler
        self.transport = transport
        self.server = server
        self.url = str(server.make_url("/")).rstrip("/")

    @property
    def engine(self) -> HubEngine:
        return self.transport._server.eio

    @property
    def only(self) -> Connection:
        """The one connection."""
        (connection,) = self.transport.connections.values()
        return connection


async def start_hub(serve: ServerFactory, **options: Any) -> Hub:
    handler = Recorder()
    transport = Transport(handler, **options)
    app = web.Application()
    transport.attach(app)
    return Hub(handler, transport, await serve(app))


class WebSocketPeer:
    """Speaks Engine.IO packets over a WebSocket; answers pings unless told otherwise."""

    def __init__(self, ws: ClientWebSocketResponse, answers_pings: bool = True) -> None:
        self.ws = ws
        self.answers_pings = answers_pings
        self.opened: dict[str, Any] = {}
        self._ids = itertools.count(1)

    async def packet(self, within_s: float = HANG_S) -> str:
        """The next packet that is not a ping; raises ConnectionError when the server closed."""
        while True:
            message = await self.ws.receive(timeout=within_s)
            if message.type is not WSMsgType.TEXT:
                raise ConnectionError(f"{message.type.name} {self.ws.close_code}")
            if message.data != "2":
                return str(message.data)
            if self.answers_pings:
                await self.ws.send_str("3")

    async def event(self) -> list[Any]:
        packet = await self.packet()
        assert packet.startswith("42"), packet
        event: list[Any] = json.loads(packet[2:])
        return event

    async def ack(self, ack_id: str, namespace: str = "") -> dict[str, Any]:
        """The next packet, which must be the ack of this id."""
        packet = await self.packet()
        head = f"43{namespace}{ack_id}["
        assert packet.startswith(head), packet[:100]
        ack: dict[str, Any] = json.loads(packet[len(head) - 1 :])[0]
        return ack

    async def call(self, name: str, *args: object) -> dict[str, Any]:
        ack_id = str(next(self._ids))
        await self.ws.send_str(f"42{ack_id}{json.dumps([name, *args])}")
        return await self.ack(ack_id)

    async def connect(self, auth: object = None) -> str:
        await self.ws.send_str("40" + ("" if auth is None else json.dumps(auth)))
        return await self.packet()

    async def closed(self, within_s: float = HANG_S) -> int | None:
        """Wait for the server to close; the close code, None when it just cut."""
        async with asyncio.timeout(within_s):
            while not self.ws.closed:
                await self.ws.receive()
        return self.ws.close_code


async def open_websocket(session: ClientSession, hub: Hub, **options: Any) -> WebSocketPeer:
    """The Engine.IO handshake only."""
    url = f"{hub.url}/socket.io/?EIO=4&transport=websocket"
    peer = WebSocketPeer(await session.ws_connect(url, max_msg_size=0), **options)
    peer.opened = json.loads((await peer.packet())[1:])
    return peer


async def connect_websocket(session: ClientSession, hub: Hub, **options: Any) -> WebSocketPeer:
    peer = await open_websocket(session, hub, **options)
    assert (await peer.connect()).startswith("40{")
    return peer


class PollingPeer:
    """Speaks Engine.IO over polling, one request at a time, as told."""

    def __init__(self, session: ClientSession, hub: Hub) -> None:
        self.session = session
        self.base = f"{hub.url}/socket.io/?EIO=4&transport=polling"
        self.sid = ""

    @property
    def url(self) -> str:
        return f"{self.base}&sid={self.sid}"

    async def open(self) -> None:
        async with self.session.get(self.base) as response:
            assert response.status == 200, await response.text()
            self.sid = json.loads((await response.text())[1:])["sid"]

    async def connect(self) -> None:
        await self.open()
        assert await self.post("40") == 200
        assert (await self.poll())[0].startswith("40{")

    async def poll(self) -> list[str]:
        """One poll's packets; raises ConnectionError when the session is gone."""
        async with self.session.get(self.url) as response:
            if response.status != 200:
                raise ConnectionError(response.status)
            return (await response.text()).split("\x1e")

    async def post(self, *packets: str) -> int:
        async with self.session.post(self.url, data=io.BytesIO("\x1e".join(packets).encode())) as response:
            return response.status

    async def packets(self, count: int) -> list[str]:
        """Poll until so many packets, pings and noops aside, have come."""
        got: list[str] = []
        while len(got) < count:
            got += [packet for packet in await self.poll() if packet not in ("2", "6")]
        return got


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits for clients that are told to close, where a test does not measure them."""
    monkeypatch.setattr("hub.socket.connection.DISCONNECT_GRACE_S", 0.05)
    monkeypatch.setattr("hub.socket.engine_socket.CLOSE_WITHIN_S", 0.3)
