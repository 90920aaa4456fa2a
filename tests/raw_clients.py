"""Clients of the socket that send what a test says, byte by byte: polling on bare HTTP, WebSocket on bare frames. The
same few verbs for both. Never answer by themselves."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from patience import HANG_S
from raw_websocket import RawWebSocket, frame, raw_websocket

PATH = "/socket.io/"
POLLING, WEBSOCKET = "EIO=4&transport=polling", "EIO=4&transport=websocket"
TransportName = Literal["polling", "websocket"]


@dataclass(frozen=True)
class Told:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def packets(self) -> list[str]:
        return self.text.split("\x1e")


async def ask(port: int, method: str, query: str, body: str = "", headers: str = "") -> Told:
    """One request on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    try:
        sent = body.encode()
        size = f"Content-Length: {len(sent)}\r\n" if method in ("POST", "PUT") else ""
        head = f"{method} {PATH}?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{size}{headers}\r\n"
        writer.write(head.encode() + sent)
        async with asyncio.timeout(HANG_S):
            answer = (await reader.read()).decode()
    finally:
        writer.transport.abort()
    top, _, text = answer.partition("\r\n\r\n")
    first, *lines = top.split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return Told(int(first.split()[1]), {name.lower(): value for name, _, value in pairs}, text)


class RawClient(Protocol):
    """`receive` gives the next packet, pings too. `ended` returns when the server has ended the session."""

    opened: dict[str, Any]

    async def send(self, *packets: str) -> None: ...

    async def receive(self) -> str: ...

    async def ended(self) -> None: ...


@dataclass
class Polling:
    port: int
    opened: dict[str, Any] = field(default_factory=dict)
    waiting: deque[str] = field(default_factory=deque)

    @property
    def query(self) -> str:
        return f"{POLLING}&sid={self.opened['sid']}"

    async def open(self) -> None:
        self.opened = json.loads((await ask(self.port, "GET", POLLING)).text[1:])

    async def post(self, body: str) -> Told:
        return await ask(self.port, "POST", self.query, body)

    async def poll(self) -> Told:
        return await ask(self.port, "GET", self.query)

    async def send(self, *packets: str) -> None:
        told = await self.post("\x1e".join(packets))
        assert (told.status, told.text) == (200, "ok")

    async def receive(self) -> str:
        if not self.waiting:
            told = await self.poll()
            if told.status != 200:
                raise ConnectionError(told.text)
            self.waiting.extend(told.packets)
        return self.waiting.popleft()

    async def ended(self) -> None:
        try:
            async with asyncio.timeout(HANG_S):
                while True:
                    await self.receive()
        except ConnectionError:
            return


@dataclass
class WebSocket:
    raw: RawWebSocket
    opened: dict[str, Any] = field(default_factory=dict)

    async def send(self, *packets: str) -> None:
        for packet in packets:
            await self.raw.send(frame(packet))

    async def receive(self) -> str:
        return await self.raw.text()

    async def ended(self) -> None:
        await self.raw.ended()


async def open_client(stack: AsyncExitStack, port: int, transport: TransportName) -> RawClient:
    """After the handshake of Engine.IO."""
    if transport == "polling":
        polling = Polling(port)
        await polling.open()
        return polling
    websocket = WebSocket(await stack.enter_async_context(raw_websocket(port)))
    websocket.opened = json.loads((await websocket.receive())[1:])
    return websocket
