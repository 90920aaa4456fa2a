"""Clients that others wrote, driven alike: socket.io-client of npm in a Node process, and python-socketio's own.

Each joins when it connects, from its last position on, and reports what happens in `told`, as
`{"what": "joined" | "event" | "sent" | "goodbye" | "disconnected" | "upgraded" | "wrong" | "refused", …}`.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest
import socketio
from journal_rows import Entry
from patience import HANG_S

Json = dict[str, Any]
ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "tests" / "e2e" / "stock_client.cjs"
NPM_PACKAGES = ROOT / "web" / "node_modules"


class StockPeer(Protocol):
    told: list[Json]

    async def send(self, text: str) -> None: ...


class Told:
    """What a client reported, and waiting for it."""

    def __init__(self) -> None:
        self.told: list[Json] = []
        self._more = asyncio.Event()

    def tell(self, what: str, **data: Any) -> None:
        self.told.append({"what": what, **data})
        self._more.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Raises TimeoutError."""
        async with asyncio.timeout(HANG_S):
            while not condition():
                self._more.clear()
                await self._more.wait()

    def all(self, what: str) -> list[Json]:
        return [each for each in self.told if each["what"] == what]

    def entries(self) -> list[Entry]:
        return [(each["seq"], each["type"], each["data"]) for each in self.all("event")]

    def finished_runs(self) -> int:
        return sum(each["type"] == "run.finished" for each in self.all("event"))


class NodePeer(Told):
    """`transports` as the npm client takes them, in order."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__()
        self._process = process

    async def listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.tell(**json.loads(line))

    async def send(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"send {text}\n".encode())
        await self._process.stdin.drain()


@asynccontextmanager
async def node_peer(url: str, session_id: str, transports: str) -> AsyncIterator[NodePeer]:
    process = await asyncio.create_subprocess_exec(
        "node",
        str(SCRIPT),
        url,
        session_id,
        transports,
        env={**os.environ, "NODE_PATH": str(NPM_PACKAGES)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**22,
    )
    peer = NodePeer(process)
    listening = asyncio.create_task(peer.listen())
    try:
        yield peer
    finally:
        process.kill()
        await listening
        await process.wait()


class PythonPeer(Told):
    """python-socketio's AsyncClient with its own reconnection."""

    def __init__(self, session_id: str, http: aiohttp.ClientSession) -> None:
        super().__init__()
        self._session_id = session_id
        self._last: int | None = None
        self._epoch: str | None = None
        self.socket = socketio.AsyncClient(
            reconnection_delay=0.1, reconnection_delay_max=0.3, handle_sigint=False, http_session=http
        )
        self.socket.on("connect", self._join)
        self.socket.on("event", self._take)
        self.socket.on("goodbye", lambda goodbye: self.tell("goodbye", **goodbye))
        self.socket.on("disconnect", lambda reason: self.tell("disconnected", reason=reason))

    async def send(self, text: str) -> None:
        await self.socket.emit(
            "send_message",
            {"sessionId": self._session_id, "content": text},
            callback=lambda ack: self.tell("sent", ack=ack),
        )

    async def _join(self) -> None:
        join: Json = {"sessionId": self._session_id}
        if self._last is not None:
            join |= {"after": self._last, "epoch": self._epoch}
        await self.socket.emit("join_session", join, callback=self._joined)

    def _joined(self, ack: Json) -> None:
        if not ack["ok"]:
            self.tell("refused", **ack["error"])
            return
        self._epoch = ack["epoch"]
        if "snapshot" in ack:
            self._last = ack["snapshot"]["head"]
        self.tell("joined", recovered=ack["recovered"], last=self._last, transport=self.socket.transport())
        for event in ack["events"]:
            self._take(event)

    def _take(self, event: Json) -> None:
        if self._last is None or event["seq"] != self._last + 1:
            self.tell("wrong", seq=event["seq"], last=self._last)
            return
        self._last = event["seq"]
        self.tell("event", seq=event["seq"], type=event["type"], data=event["data"])


@asynccontextmanager
async def python_peer(url: str, session_id: str, transports: str) -> AsyncIterator[PythonPeer]:
    # Ours, for the library forgets the one of an attempt that fails.
    async with aiohttp.ClientSession() as http:
        peer = PythonPeer(session_id, http)
        await peer.socket.connect(url, transports=transports.split(","))
        try:
            yield peer
        finally:
            await peer.socket.shutdown()


def need(there: bool, what: str) -> None:
    """Skips without it; where CI=true promises that all is installed, its absence is a failure."""
    if there:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)
