"""Clients that leave in the middle of anything, and what is no request at all: no line of the log calls it an error."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web
from patience import HANG_S
from rest_fixtures import QUICK
from structlog.testing import capture_logs
from world import eventually

from web.app import create_app
from web.keys import HUB
from web.settings import Settings

RESET, CLOSE = "reset", "close"
WEBSOCKET = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
SOCKET = "/socket.io/?EIO=4&transport="
BROKEN_KEY = WEBSOCKET.replace("dGhl", "\xe4\xf6")
PING = b"\x89\x80\0\0\0\0"


def head(method: str, path: str, more: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode("latin-1")


def text(packet: str, first: int = 0x81) -> bytes:
    """A WebSocket's text, masked with zeros."""
    payload = packet.encode()
    assert len(payload) < 126
    return bytes([first, 0x80 | len(payload)]) + b"\0\0\0\0" + payload


def chunked(path: str, body: bytes) -> bytes:
    return head("POST", path, "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n") + body


UPGRADED = head("GET", SOCKET + "websocket", WEBSOCKET)
CASES: dict[str, tuple[bytes, bytes]] = {
    "nothing": (b"", b""),
    "no HTTP": (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\xff" * 40 + b"\r\n\r\n", b""),
    "half a head": (b"POST /api/sessions HTTP/1.1\r\nHost: loc", b""),
    "half a body": (
        head("POST", "/api/sessions", "Content-Length: 99\r\nContent-Type: application/json\r\n") + b"{",
        b"",
    ),
    "a chunk without a size": (chunked("/api/sessions", b"zz\r\n{}\r\n"), b""),
    "an answer that nobody takes": (head("GET", "/api/openapi.json") * 20, b""),
    "a handshake": (head("GET", SOCKET + "polling"), b"sid"),
    "a WebSocket's handshake": (UPGRADED, b""),
    "a key beyond ASCII": (head("GET", SOCKET + "websocket", BROKEN_KEY), b"400"),
    "an open WebSocket": (UPGRADED, b"sid"),
    "a ping": (UPGRADED + PING, b""),
    "many pings": (UPGRADED + PING * 500, b"sid"),
    "an unknown frame": (UPGRADED + b"\x83\x80\0\0\0\0", b"sid"),
    "bad text": (UPGRADED + b"\x81\x82\0\0\0\0\xff\xfe", b"sid"),
    "a close without an end": (UPGRADED + b"\x88\x80\0\0\0\0", b"sid"),
    "connecting": (UPGRADED + text("40"), b"sid"),
    "a connection": (UPGRADED + text("40"), b"user_state"),
    "a call": (UPGRADED + text("40") + text('420["watch_running",{}]') * 200, b"user_state"),
    "a wrong token": (UPGRADED + text('40{"token":5}'), b"44{"),
}
"""What is sent, and what is waited for, before the client leaves."""
POLLING: dict[str, bytes] = {
    "a poll": head("GET", SOCKET + "polling&sid={sid}"),
    "half a post": head("POST", SOCKET + "polling&sid={sid}", "Content-Length: 99\r\n") + b"40",
    "a post without a size": chunked(SOCKET + "polling&sid={sid}", b"zz\r\n{}\r\n"),
    "a post of another alphabet": head("POST", SOCKET + "polling&sid={sid}", "Content-Length: 2\r\n") + b"4\xff",
    "a post that says nothing": head("POST", SOCKET + "polling&sid={sid}", "Content-Length: 0\r\n"),
    "a probe": head("GET", SOCKET + "websocket&sid={sid}", WEBSOCKET) + text("2probe"),
    "an upgrade": head("GET", SOCKET + "websocket&sid={sid}", WEBSOCKET) + text("2probe") + text("5") + PING,
    "no such session": head("GET", SOCKET + "polling&sid={sid}x"),
}


@dataclass(frozen=True)
class Running:
    app: web.Application
    address: tuple[str, int]


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    """As `parley serve` runs it; aiohttp's own test server cancels handlers whose client is gone."""
    app = create_app(Settings(**QUICK))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Running(app, runner.addresses[0])
    await runner.cleanup()


async def leave(running: Running, sent: bytes, awaited: bytes, how: str) -> bytes:
    """Sends, waits for a word of the answer, and is gone; what came."""
    loop = asyncio.get_running_loop()
    with socket.socket() as peer:
        peer.setblocking(False)
        await loop.sock_connect(peer, running.address)
        await loop.sock_sendall(peer, sent)
        seen = b""
        async with asyncio.timeout(HANG_S):
            while awaited not in seen and (came := await loop.sock_recv(peer, 4096)):
                seen += came
        assert awaited in seen, seen
        if how == RESET:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return seen


async def handshake(running: Running) -> str:
    came = await leave(running, head("GET", SOCKET + "polling", "Connection: close\r\n"), b"}", CLOSE)
    sid: str = json.loads(came[came.index(b"{") :])["sid"]
    return sid


@pytest.mark.parametrize("how", [RESET, CLOSE])
async def test_whoever_leaves_whenever_is_no_error(
    running: Running, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as logged:
        for sent, awaited in CASES.values():
            await leave(running, sent, awaited, how)
        for sent in POLLING.values():
            sid = await handshake(running)
            await leave(running, sent.replace(b"{sid}", sid.encode()), b"", how)
        await leave(running, head("GET", "/healthz", "Connection: close\r\n"), b"200 OK", CLOSE)
        engine = running.app[HUB].transport._server.eio
        await eventually(lambda: all(not session.upgraded for session in engine.live.values()), "the WebSockets' end")
        gc.collect()
    found = [(record.name, record.getMessage()) for record in caplog.records if record.levelno >= logging.ERROR]
    assert found == []
    assert [record for record in caplog.records if record.exc_info] == []
    assert [entry for entry in logged if entry["log_level"] in ("error", "critical") or "exc_info" in entry] == []
