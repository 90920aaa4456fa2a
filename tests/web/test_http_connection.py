"""Below the application, on bare sockets: nothing is unpacked, a body that is not wanted is not read on, and whatever
can't be read is told so in our JSON."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from patience import HANG_S
from rest_client import Rest

from web import http_connection
from web.rest.errors import ErrorBody
from web.rest.reading import BODY_LIMIT_BYTES

Serve = Callable[..., Awaitable[Rest]]
TOKEN = "open-sesame"
MEGABYTE = 1 << 20
SOCKET_POST = "/socket.io/?EIO=4&transport=polling&sid=nobody"
CODINGS = ("gzip", "x-gzip", "deflate", "br", "zstd", "compress", "GZIP", "identity, gzip", "nonsense")


@dataclass(frozen=True)
class Told:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        ErrorBody.model_validate(data := orjson.loads(self.body), by_alias=True, by_name=False)
        assert self.headers["content-type"].startswith("application/json")
        return dict(data)


class Raw:
    """One TCP connection that sends what no HTTP library would."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def told(self) -> Told:
        async with asyncio.timeout(HANG_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Told(int(first.split()[1]), headers, body)

    async def ended(self) -> bytes:
        """What still comes until the server closes."""
        async with asyncio.timeout(HANG_S):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def takes(self, limit_bytes: int) -> int:
        """How many bytes the server takes until it closes, at most so many."""
        sent = 0
        async with asyncio.timeout(HANG_S):
            try:
                while sent < limit_bytes and not self.reader.at_eof():
                    self.writer.write(bytes(MEGABYTE // 4))
                    await self.writer.drain()
                    sent += MEGABYTE // 4
                    await asyncio.sleep(0)
            except ConnectionError:
                pass
        return sent


@asynccontextmanager
async def raw(rest: Rest) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", rest.client.port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()


async def tell(rest: Rest, data: bytes) -> Told:
    async with raw(rest) as peer:
        peer.send(data)
        return await peer.told()


def head(path: str = "/api/sessions", *lines: str, method: str = "POST", token: str = TOKEN) -> bytes:
    given = ("Host: 127.0.0.1", "Content-Type: application/json", f"Authorization: Bearer {token}", *lines)
    return "\r\n".join((f"{method} {path} HTTP/1.1", *given, "", "")).encode()


@pytest.fixture
async def rest(serve: Serve) -> Rest:
    return await serve(token=TOKEN)


@pytest.mark.parametrize("path", ["/api/sessions", "/contexts/x/actions/pin", "/nowhere", SOCKET_POST])
async def test_a_packed_body_is_refused_by_the_name_of_its_coding(rest: Rest, path: str) -> None:
    """Whoever asks and wherever: REST, aliases, no route at all, polling. Fails without `check_coding`."""
    for coding in CODINGS:
        for line, frame in (
            (f"Content-Encoding: {coding}", "Content-Length: 3"),
            (f"Transfer-Encoding: {coding}, chunked", "X: y"),
        ):
            told = await tell(rest, head(path, line, frame) + b"0\r\n\r\n")
            assert (told.status, told.error["code"]) == (415, "unsupported_encoding"), (line, told)
            name = coding.rpartition(", ")[2].lower()
            assert (told.error["details"]["encoding"], name in told.error["error"]) == (name, True)


@pytest.mark.parametrize("body", [b"", b"abc"])
async def test_a_packed_body_without_a_frame_is_named_too(rest: Rest, body: bytes) -> None:
    """The parser gives such a head up before anybody sees it."""
    told = await tell(rest, head("/api/sessions", "Transfer-Encoding: gzip") + (body or b"x"))
    assert (told.status, told.error["details"]["encoding"]) == (415, "gzip")


async def test_nothing_is_unpacked_before_the_refusal(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    """aiohttp unpacks while it receives, before any handler. Fails without `auto_decompress: False`."""
    monkeypatch.setattr("aiohttp.http_parser.DeflateBuffer.__init__", _never)
    packed = gzip.compress(b" " * (8 * MEGABYTE))
    told = await tell(rest, head("/api/sessions", "Content-Encoding: gzip", f"Content-Length: {len(packed)}") + packed)
    assert told.status == 415


async def test_codings_that_change_nothing_are_taken(rest: Rest) -> None:
    for line in ("Content-Encoding: identity", "Content-Encoding: ", "Content-Encoding: Identity, identity"):
        told = await tell(rest, head("/api/sessions", line, "Content-Length: 2") + b"{}")
        assert told.status == 201, line
    assert (
        await tell(rest, head("/api/sessions", "Transfer-Encoding: Chunked") + b"2\r\n{}\r\n0\r\n\r\n")
    ).status == 201


@pytest.mark.parametrize(
    ("path", "lines", "status"),
    [
        ("/api/sessions", ("Authorization: Bearer wrong",), 401),
        ("/api/sessions", ("Origin: https://evil.example",), 403),
        ("/nowhere", (), 404),
        ("/api/models", (), 405),
        ("/api/sessions", ("Content-Encoding: gzip",), 415),
        ("/api/sessions", (f"Content-Length: {BODY_LIMIT_BYTES + 1}",), 413),
        (SOCKET_POST, (), 400),
        (SOCKET_POST, ("Origin: https://evil.example",), 403),
    ],
)
async def test_a_body_that_is_refused_is_not_read_on(
    rest: Rest, path: str, lines: tuple[str, ...], status: int
) -> None:
    """The answer comes at once, says that the connection ends, and soon it does. Fails when aiohttp lingers."""
    token = "wrong" if status == 401 else TOKEN
    own_length = any(line.startswith("Content-Length") for line in lines)
    length = () if own_length else (f"Content-Length: {BODY_LIMIT_BYTES}",)
    lines = tuple(line for line in lines if "wrong" not in line)
    async with raw(rest) as peer:
        peer.send(head(path, *lines, *length, token=token) + b"{")
        told = await peer.told()
        assert (told.status, told.headers["connection"]) == (status, "close")
        # The kernel's own buffers hold some megabytes.
        assert await peer.takes(64 * MEGABYTE) < 32 * MEGABYTE
        assert await peer.ended() == b""


async def test_a_small_body_that_is_refused_leaves_the_connection_as_it_is(rest: Rest) -> None:
    async with raw(rest) as peer:
        for _ in range(2):
            peer.send(head("/api/sessions", "Content-Length: 2", token="wrong") + b"{}")
            assert (await peer.told()).status == 401
        peer.send(head("/api/sessions", "Content-Length: 2") + b"{}")
        assert (await peer.told()).status == 201


async def test_a_client_that_waits_to_be_asked_is_asked_once_it_is_known(rest: Rest) -> None:
    """Fails when `Expect` is answered by aiohttp, before the token is looked at."""
    waits = ("Expect: 100-continue", "Content-Length: 2")
    for path, token, status in (("/api/sessions", "wrong", 401), ("/nowhere", TOKEN, 404), (SOCKET_POST, TOKEN, 400)):
        async with raw(rest) as peer:
            peer.send(head(path, *waits, token=token))
            assert (await peer.told()).status == status
    async with raw(rest) as peer:
        peer.send(head("/api/sessions", *waits))
        assert (await peer.told()).status == 100
        peer.send(b"{}")
        assert (await peer.told()).status == 201


async def test_heads_are_copied_only_to_take_expect_out(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []

    def copy(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
        copied.append(headers["X-Name"])
        return CIMultiDict(headers)

    monkeypatch.setattr(http_connection, "CIMultiDict", copy)
    await tell(rest, head("/api/sessions", "X-Name: plain", "Content-Length: 0"))
    await tell(rest, head("/api/sessions", "X-Name: waits", "Expect: 100-continue", "Content-Length: 2"))
    assert copied == ["waits"]


async def test_the_socket_asks_a_polling_client_for_its_body(rest: Rest) -> None:
    sid = orjson.loads((await tell(rest, head(SOCKET_POST.partition("&sid")[0], method="GET"))).body[1:])["sid"]
    async with raw(rest) as peer:
        path = SOCKET_POST.replace("nobody", sid)
        peer.send(head(path, "Expect: 100-continue", "Content-Length: 2"))
        assert (await peer.told()).status == 100
        peer.send(b"40")
        assert (await peer.told()).body == b"ok"


UNREADABLE = [
    (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431, "head_too_large"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", 431, "head_too_large"),
    (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X" * 100_000 + b": a\r\n\r\n", 431, "head_too_large"),
    (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 500 + b"\r\n", 431, "head_too_large"),
    (b"nonsense\r\n\r\n", 400, "invalid_argument"),
    (b"GET /\r\n\r\n", 400, "invalid_argument"),
    (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 400, "invalid_argument"),
    (b"GET / HTTP/2.0\r\nHost: 127.0.0.1\r\n\r\n", 400, "invalid_argument"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "invalid_argument"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "invalid_argument"),
    (b"GET / HTTP/1.1\r\n\r\n", 400, "invalid_argument"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "invalid_argument"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n", 400, "invalid_argument"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400, "invalid_argument"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "invalid_argument"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: nonsense\r\n\r\nx", 400, "invalid_argument"),
    (b"FETCH / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "not_supported"),
    (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "not_supported"),
    (b"PROPFIND /api/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 405, "method_not_allowed"),
    (b"CONNECT a:1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404, "not_found"),
]


async def test_what_is_no_http_is_told_so_in_our_json(rest: Rest, subtests: pytest.Subtests) -> None:
    for data, status, code in UNREADABLE:
        with subtests.test(repr(data[:60])):
            told = await tell(rest, data)
            assert (told.status, told.error["code"]) == (status, code), told
            assert (told.error["retryable"], told.headers["x-content-type-options"]) == (False, "nosniff")
            assert len(told.body) < 600


async def test_a_websocket_is_never_packed(rest: Rest) -> None:
    """The extension is not agreed to, and a frame that is packed all the same ends the connection."""
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
    async with raw(rest) as peer:
        peer.send(head("/socket.io/?EIO=4&transport=websocket", *upgrade, key, offer, method="GET"))
        told = await peer.told()
        assert (told.status, "sec-websocket-extensions" in told.headers) == (101, False)
        peer.send(b"\xc1\x85\0\0\0\0\xaa\xaa\xaa\xaa\xaa")
        assert b"\x88" in await peer.ended()


def _never(*args: object, **kwargs: object) -> None:
    raise AssertionError("something is unpacked")
