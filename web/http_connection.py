"""HTTP below the application: what is answered to a request that can't be read, and how a connection ends whose body is
not wanted. Never knows routes.

Application ── HttpServer ── HttpConnection, one per TCP connection; aiohttp's, and what is ours in their place.
"""

from __future__ import annotations

import asyncio
import logging
import re
import warnings
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMethod, LineTooLong
from aiohttp.web_protocol import RequestHandler, _ErrInfo
from multidict import CIMultiDict, CIMultiDictProxy

from hub.socket.bodies import EXPECTS, packed
from models.errors import (
    HeadTooLarge,
    InvalidArgument,
    NotSupported,
    ParleyError,
    UnsupportedEncoding,
    forget_frames,
)
from services.operating.seldom import Seldom
from web.rest.errors import error_response, from_aiohttp

log = structlog.get_logger(__name__)

READ_AHEAD_BYTES = 32 * 1024
"""Twice as much of a body is taken from the network before anybody asks for it."""
LINGER_S = 1.0
LINGER_BYTES = 256 * 1024
"""How long and how much more is taken of a body that is not wanted. Without that the kernel resets the connection, and
some clients never see the answer."""
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
_REASON_MAX_CHARS = 200
_CODING = re.compile(rb"\r\nTransfer-Encoding:[ \t]*(gzip|x-gzip|deflate|compress|x-compress|br|zstd)\b", re.IGNORECASE)
_UNKNOWN_METHOD = re.compile(r"\n  b['\"][A-Za-z-]{1,32} \S+ HTTP/1\.")


class HttpConnection(RequestHandler):
    """`seldom` keeps what anybody can provoke from filling the log."""

    __slots__ = ("seldom",)

    def __init__(self, manager: web.Server, *, seldom: Seldom | None = None, **options: Any) -> None:
        super().__init__(manager, **options)
        self.seldom = seldom or Seldom(log)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._messages:
            return
        for fault in self._faults():
            if (coding := _CODING.search(data)) is not None:
                # A body that is packed and not chunked can't be framed, so the parser gives up without its head.
                fault.__cause__ = packed("Transfer-Encoding", coding.group(1).decode().lower())

    def _faults(self) -> list[BaseException]:
        """What the parser found wrong and nobody was told yet, without the frames that hold it and all that came."""
        faults = [told.exc for told, _ in self._messages if isinstance(told, _ErrInfo)]
        for fault in faults:
            forget_frames(fault)
        return faults

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        # Nobody will be answered.
        self._messages.clear()
        self._message_tail = b""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if isinstance(exc, ConnectionError) or request.writer.output_size > 0:
            raise ConnectionError("Nobody is there to be told")
        if status == 500:
            log.error("request failed", path=request.path[:_REASON_MAX_CHARS], exc_info=exc)
            error = ParleyError()
        else:
            error = why_unreadable(exc, message or "")
            self.seldom.say(
                logging.INFO, "malformed request", peer=request.remote, code=error.code, reason=error.message
            )
        return last_answer(error)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        if isinstance(resp, web.HTTPException) and resp.status >= 400:
            resp = _dressed(from_aiohttp(resp))
        if not request.content.is_eof():
            resp.force_close()
        answered, lost = await super().finish_response(request, resp, start_time)
        self._faults()
        if not lost and not request.content.is_eof():
            await self._linger(request)
        return answered, lost

    async def _linger(self, request: web.BaseRequest) -> None:
        """Reads and drops a little, so that a client which is still sending comes to read the answer."""
        taken = 0
        try:
            async with asyncio.timeout(LINGER_S):
                while taken < LINGER_BYTES and (chunk := await request.content.readany()):
                    taken += len(chunk)
        except (TimeoutError, ConnectionError, web.RequestPayloadError):
            pass


class HttpServer(web.Server):
    def __init__(self, make: Callable[..., HttpConnection], handler: Any, **options: Any) -> None:
        super().__init__(handler, **options)
        self._make = make

    def __call__(self) -> RequestHandler:
        return self._make(self, loop=self._loop, **self._kwargs)


with warnings.catch_warnings():
    # aiohttp advises against it and offers no other way to bring one's own protocol.
    warnings.simplefilter("ignore", DeprecationWarning)

    class Application(web.Application):
        """Whoever serves it, its connections are ours: those that `connection` makes."""

        def __init__(self, connection: Callable[..., HttpConnection] = HttpConnection, **options: Any) -> None:
            self._connection = connection
            reading = {"auto_decompress": False, "read_bufsize": READ_AHEAD_BYTES, "lingering_time": 0}
            super().__init__(handler_args=reading, **options)

        def _make_handler(self, **options: Any) -> web.Server:
            stock = super()._make_handler(**options)
            return HttpServer(
                self._connection,
                stock.request_handler,
                request_factory=stock.request_factory,
                handler_cancellation=stock.handler_cancellation,
                loop=self._loop,
                **stock._kwargs,
            )

        def _make_request(self, message: RawRequestMessage, *rest: Any) -> web.Request:
            """`Expect` is kept from aiohttp, which answers it before it is known who asks: bodies.read_body does."""
            if "Expect" not in message.headers:
                return super()._make_request(message, *rest)
            headers = CIMultiDict(message.headers)
            expected = headers.popall("Expect")
            request = super()._make_request(message._replace(headers=CIMultiDictProxy(headers)), *rest)
            request[EXPECTS] = "100-continue" in (each.lower() for each in expected)
            return request


def why_unreadable(exc: BaseException | None, message: str) -> ParleyError:
    """What aiohttp's parser did not take, by the codes that clients know."""
    if exc is not None and isinstance(exc.__cause__, UnsupportedEncoding):
        return exc.__cause__
    reason = message.partition("\n")[0].strip().rstrip(":")[:_REASON_MAX_CHARS]
    if isinstance(exc, LineTooLong) or reason == "Too many headers received":
        return HeadTooLarge()
    if isinstance(exc, BadHttpMethod) and _UNKNOWN_METHOD.search(message):
        return NotSupported("This method is not known", field="method")
    return InvalidArgument(f"This is no request of HTTP/1.1: {reason}", field="head")


def last_answer(error: ParleyError) -> web.Response:
    """By it the connection ends."""
    response = _dressed(error_response(error))
    response.force_close()
    return response


def _dressed(response: web.Response) -> web.Response:
    response.headers.update(HEADERS)
    return response
