"""What a request brought is let go of when its connection has ended, however it ended: by reference counts alone, for a
collector that counts objects sees a body of megabytes as one of many."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import struct
import tracemalloc
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from rest_client import Rest
from socket_peers import eventually

from web.keys import HUB

Serve = Callable[..., Awaitable[Rest]]
BODY_BYTES = 6_000_000
PACKET_BYTES = 900_000
TIMES = 4
LEFT_BYTES = 200_000
"""What all of them together may leave behind: connections, log lines, a cache or two."""
RESET = struct.pack("ii", 1, 0)
SEND = "/api/contexts/nobody/actions/send_message"


def head(path: str, size: int, *lines: str) -> bytes:
    given = ("Host: 127.0.0.1", "Content-Type: application/json", f"Content-Length: {size}", *lines)
    return "\r\n".join((f"POST {path} HTTP/1.1", *given, "", "")).encode()


def body(before: str, after: str = '"}', size: int = BODY_BYTES) -> bytes:
    return before.encode() + b"a" * (size - len(before) - len(after)) + after.encode()


CUT = body('{"title":"')[: BODY_BYTES // 2]
UPLOADS: dict[str, bytes] = {
    "cut off": head("/api/sessions", BODY_BYTES) + CUT,
    "cut off in a chunk": head("/api/sessions", 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    + b"%x\r\n" % BODY_BYTES
    + CUT,
    "refused unread": head("/nowhere", BODY_BYTES) + CUT,
    "no JSON": head("/api/sessions", BODY_BYTES) + body('{"title":"', ""),
    "a lone surrogate": head("/api/sessions", BODY_BYTES) + body('{"title":"', '\\ud800"}'),
    "a title that is too long": head("/api/sessions", BODY_BYTES) + body('{"title":"'),
    "a field that nobody knows": head("/api/sessions", BODY_BYTES) + body('{"other":"'),
    "a message to no session": head(SEND, BODY_BYTES) + body('{"content":"'),
}


GARBAGE = bytes(range(128, 256)) * 2000
UNREADABLE: dict[str, bytes] = {
    "no HTTP": GARBAGE,
    "a head that is too long": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * len(GARBAGE),
    "no HTTP after an upgrade that is declined": b"GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\n\r\n" + GARBAGE,
}


def frame(payload: bytes, size: int | None = None, opcode: int = 0x81) -> bytes:
    """Masked with zeros; with `size` it is said to be longer than it is."""
    return bytes([opcode, 0xFF]) + struct.pack("!Q", size or len(payload)) + bytes(4) + payload


UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
CONNECTED = UPGRADE + frame(b"40")
CALL = '420["send_message",{"sessionId":"nobody","content":"'
FRAMES: dict[str, bytes] = {
    "a frame that is cut off": CONNECTED + frame(body("4", "", PACKET_BYTES), PACKET_BYTES + 100_000),
    "a message that is cut off": CONNECTED + frame(body("4", "", PACKET_BYTES), opcode=0x01),
    "a packet that is too large": CONNECTED + frame(body(CALL, '"}]', PACKET_BYTES * 2)),
    "a frame that is too large": CONNECTED + frame(body(CALL, '"}]', PACKET_BYTES * 3)),
    "a token that is too large": UPGRADE + frame(body('40{"token":"', '"}', PACKET_BYTES)),
    "a packet that is no JSON": CONNECTED + frame(body(CALL, "", PACKET_BYTES)),
    "an argument that nobody knows": CONNECTED + frame(body(CALL, '","x":1}]', PACKET_BYTES)),
    "a call for no session": CONNECTED + frame(body(CALL, '"}]', PACKET_BYTES)),
}


def _send(port: int, data: bytes, *, reset: bool, waits: bool) -> None:
    """Then goes, by a reset or in order; `waits` for an answer first."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection:
        try:
            connection.sendall(data)
            if waits:
                connection.recv(65536)
        except OSError:
            pass  # it was told to go
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


async def send(rest: Rest, data: bytes, *, reset: bool = False, waits: bool = True) -> None:
    assert rest.client.port is not None
    await asyncio.to_thread(_send, rest.client.port, data, reset=reset, waits=waits)


@contextmanager
def counted() -> Iterator[Callable[[], int]]:
    """What is held now and was not before, in bytes, without any help of the collector."""
    gc.collect()
    gc.disable()
    tracemalloc.start(1)
    before = tracemalloc.get_traced_memory()[0]
    try:
        yield lambda: tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        gc.enable()


@pytest.fixture
async def rest(serve: Serve) -> Rest:
    rest = await serve(log_level="error")
    for data in (UPLOADS["no JSON"], FRAMES["a packet that is no JSON"], FRAMES["a frame that is cut off"]):
        await send(rest, data)  # what is made at first use
    await eventually(lambda: rest.app[HUB].connections == 0)
    return rest


async def left_by(rest: Rest, data: Callable[[], Awaitable[bytes]], *, waits: bool) -> None:
    with counted() as held:
        for index in range(TIMES):
            await send(rest, await data(), reset=index % 2 == 1, waits=waits)
        await eventually(lambda: held() < LEFT_BYTES)


async def test_memory_is_back_when_an_upload_has_ended(rest: Rest, subtests: pytest.Subtests) -> None:
    """Fails when a body's chunks, or an error's frames, are kept by a cycle."""
    for name, data in UPLOADS.items():
        with subtests.test(name):
            await left_by(rest, _always(data), waits="cut off" not in name)


async def test_memory_is_back_when_nothing_could_be_read(rest: Rest, subtests: pytest.Subtests) -> None:
    """Fails when the parser's fault keeps the frame that received it."""
    for name, data in UNREADABLE.items():
        with subtests.test(name):
            await left_by(rest, _always(data), waits=True)


async def test_memory_is_back_when_a_websocket_has_ended(rest: Rest, subtests: pytest.Subtests) -> None:
    for name, data in FRAMES.items():
        with subtests.test(name):
            await left_by(rest, _always(data), waits="cut off" not in name)
            await eventually(lambda: rest.app[HUB].connections == 0)


async def test_memory_is_back_when_a_post_of_a_polling_client_has_ended(rest: Rest, subtests: pytest.Subtests) -> None:
    bad = body("42", "", PACKET_BYTES)
    for name, sent in (("cut off", bad[: PACKET_BYTES // 2]), ("no JSON", bad)):

        async def posted(sent: bytes = sent) -> bytes:
            path = f"/socket.io/?EIO=4&transport=polling&sid={await _handshake(rest)}"
            return head(path, PACKET_BYTES) + sent

        with subtests.test(name):
            await left_by(rest, posted, waits=name != "cut off")


def _always(data: bytes) -> Callable[[], Awaitable[bytes]]:
    async def give() -> bytes:
        return data

    return give


async def _handshake(rest: Rest) -> str:
    url = f"http://127.0.0.1:{rest.client.port}/socket.io/?EIO=4&transport=polling"

    def ask() -> bytes:
        with urllib.request.urlopen(url) as response:
            read: bytes = response.read()
            return read

    return str(json.loads((await asyncio.to_thread(ask))[1:])["sid"])
