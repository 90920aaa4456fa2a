"""A request's body before anybody looks into it: in which codings it may come, when it is asked for, and how much of
it is read. Never parses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import HttpVersion11, web

from models.errors import PayloadTooLarge, UnsupportedEncoding

PLAIN = {"Content-Encoding": ("identity",), "Transfer-Encoding": ("identity", "chunked")}
"""Each header's codings that leave the bytes as they are."""
NAME_MAX_CHARS = 64
EXPECTS = web.RequestKey("expects", bool)
"""Whether the client waits to be asked for the body (`Expect: 100-continue`)."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def check_coding(request: web.BaseRequest) -> None:
    """Nothing is ever unpacked: a megabyte may stand for a gigabyte. Raises UnsupportedEncoding."""
    for header, plain in PLAIN.items():
        for part in ",".join(request.headers.getall(header, ())).split(","):
            coding = part.strip().lower()
            if coding and coding not in plain:
                raise packed(header, coding)


def packed(header: str, coding: str) -> UnsupportedEncoding:
    name = coding[:NAME_MAX_CHARS]
    return UnsupportedEncoding(f"No request is unpacked; send it without {header}: {name}", field=header, encoding=name)


LARGE_BYTES = 64 * 1024


async def read_body(
    request: web.BaseRequest, limit_bytes: int, on_more: Callable[[int], Awaitable[None]] | None = None
) -> bytes:
    """Call it once it is known who asks: only now a client that waits for it is told to go on (Expect). Once more than
    LARGE_BYTES has come, `on_more` is awaited with each piece's size, before the next is read. Raises PayloadTooLarge,
    and what aiohttp raises when the body breaks off."""
    declared = request.content_length
    if declared is not None and declared > limit_bytes:
        raise _too_large(limit_bytes, size=declared)
    await _ask_for(request)
    chunks: list[bytes] = []
    try:
        size = 0
        while chunk := await request.content.readany():
            size += len(chunk)
            if size > limit_bytes:
                raise _too_large(limit_bytes)
            chunks.append(chunk)
            if on_more is not None and size > LARGE_BYTES:
                await on_more(len(chunk))
        return b"".join(chunks)
    finally:
        # Whoever keeps the error's traceback shall not keep the body.
        chunks.clear()


async def _ask_for(request: web.BaseRequest) -> None:
    if request.get(EXPECTS) and request.version >= HttpVersion11 and not request.content.is_eof():
        await request.writer.write(CONTINUE)
        # The answer itself has not begun.
        request.writer.output_size = 0


def _too_large(limit_bytes: int, **details: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body is larger than {limit_bytes} bytes", field="body", limit=limit_bytes, **details)
