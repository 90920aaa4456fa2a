"""One HTTP connection: how long it may take to say what it wants, and to take what it is told. Never handles a request.

aiohttp ends a connection that is idle between requests; nothing in it ends one that never finishes a head or a body, or
that takes no answer. What of its private state is read here is pinned by tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import Any, Literal, cast

from aiohttp import web
from aiohttp.http import RawRequestMessage, StreamWriter
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from hub.socket.kernel import unacknowledged_bytes
from hub.socket.proxies import Proxies
from models.errors import RequestTimeout
from web.http_connection import HttpConnection, last_answer
from web.listening.deadlines import Deadlines
from web.listening.places import Places

BODY_STEP_BYTES = 1024
"""So much more of a body, or its end, is progress; a byte now and then is not."""
PROXY_IDLE_S = 3630.0
"""Longer than a proxy keeps a connection to us: else it sends a request into one that is just being closed."""

NO_PROXIES = Proxies()
Phase = Literal["head", "body", "idle", "work"]


class Caller(HttpConnection):
    """A guest of `places`. Somebody has to call `look_at` now and then."""

    __slots__ = (
        "_body",
        "_body_step",
        "_cutting",
        "_head_began",
        "_heard",
        "_moved_at",
        "_peer",
        "_phase",
        "_phase_began",
        "_proxies",
        "_unsent_bytes",
        "_wire",
        "address",
        "deadlines",
        "places",
        "well_known",
    )

    def __init__(
        self,
        manager: web.Server,
        *,
        places: Places,
        deadlines: Deadlines,
        proxies: Proxies = NO_PROXIES,
        **options: Any,
    ) -> None:
        super().__init__(manager, **options)
        self.places = places
        self.deadlines = deadlines
        self.address = self._peer = ""
        self.well_known = False
        self._proxies = proxies
        self._wire: asyncio.Transport | None = None
        self._body: StreamReader = EMPTY_PAYLOAD
        self._body_step = 0
        self._head_began: float | None = None
        self._phase: Phase = "head"
        self._phase_began = self._moved_at = 0.0
        self._unsent_bytes = 0
        self._heard = self._cutting = False

    # What aiohttp and the transport call ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.address = self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        self.well_known = self._proxies.trusts(self._peer)
        self._head_began = self._phase_began = self._moved_at = self._loop.time()
        super().connection_made(transport)
        self.places.enter(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._wire = None
        self.places.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        heads = self._request_count
        super().data_received(data)
        heads = self._request_count - heads
        if self._payload_parser is None and (data or heads):
            self._note(len(data), heads)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """What came behind an upgrade that is declined is read here, and nowhere else."""
        heads = self._request_count
        finished = await super().finish_response(request, resp, start_time)
        if self._request_count > heads and self._messages:
            self._note(0, 1)
        return finished

    # Deadlines -----------------------------------------------------------------------------------------------------

    def _note(self, size_bytes: int, heads: int) -> None:
        """Something came: a head's end, a piece of a body, a piece of a head."""
        self._heard = True
        now = self._loop.time()
        if heads:
            head, self._body = self._messages[-1] if self._messages else (None, EMPTY_PAYLOAD)
            self._body_step = BODY_STEP_BYTES
            self._head_began = None
            if isinstance(head, RawRequestMessage):
                self._stand_for(self._proxies.asked_by(self._peer, head.headers).address)
        elif not self._body.is_eof():
            self._body_step -= size_bytes
            if self._body_step <= 0:
                self._body_step = BODY_STEP_BYTES
                self._phase_began = now
        elif self._head_began is None:
            self._head_began = now
        self._settle(now)

    def _settle(self, now: float) -> None:
        phase = self._observe()
        if phase != self._phase:
            self._phase, self._phase_began = phase, now
            if phase in ("idle", "head"):
                self._stand_for(self._peer)
        if phase == "work":
            if self._head_began is not None:
                self._head_began = now  # of the next request, which waits for us
            self.places.works(self)
        else:
            self.places.waits(self)

    def _stand_for(self, address: str) -> None:
        """A proxy's connection counts as that of the client whose request it carries, until it has its answer."""
        if address == self.address:
            return
        self.places.works(self)
        self.address, self.well_known = address, self._proxies.trusts(address)

    def _observe(self) -> Phase:
        """A body that we hold back ourselves is not waited for."""
        if self._upgraded:
            return "work"
        if not self._body.is_eof():
            return "body" if self._wire is not None and self._wire.is_reading() else "work"
        if self._waiter is None or self._waiter.done():
            return "head" if self._request_count == 0 else "work"
        return "idle" if self._head_began is None else "head"

    def look_at(self, now: float) -> None:
        """Ends the connection when its time is over. A WebSocket has a sweep and rules of its own."""
        if self._wire is None or self._payload_parser is not None:
            return
        if self._takes_nothing(self._wire, now):
            self._cut(self._wire)
            return
        self._settle(now)
        limits, began = self.deadlines, self._phase_began
        match self._phase:
            case "head" if self._head_began is not None and now - self._head_began >= limits.head_s:
                self._refuse(self._wire, "The head of the request took too long")
            case "body" if now - began >= limits.progress_s:
                self._refuse(self._wire, "The body of the request took too long")
            case "idle" if now - began >= (PROXY_IDLE_S if self.well_known else limits.idle_s):
                self.force_close()
            case _:
                pass

    def _takes_nothing(self, wire: asyncio.Transport, now: float) -> bool:
        """An answer has been on its way for so long without a byte of it being acknowledged."""
        unsent_bytes = wire.get_write_buffer_size() + unacknowledged_bytes(wire)
        if not unsent_bytes or unsent_bytes != self._unsent_bytes:
            self._unsent_bytes, self._moved_at = unsent_bytes, now
        return now - self._moved_at >= self.deadlines.progress_s

    # Ends ----------------------------------------------------------------------------------------------------------

    def displace(self) -> None:
        if self._wire is not None:
            self._wire.abort()

    def _cut(self, wire: asyncio.Transport) -> None:
        """A file on its way waits at the socket itself: it must see the end before the socket is closed under it."""
        if self._cutting:
            wire.abort()
            return
        self._cutting = True
        self.seldom.say(logging.INFO, "answer not taken", peer=self.address)
        with contextlib.suppress(OSError):
            wire.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def _refuse(self, wire: asyncio.Transport, reason: str) -> None:
        """By 408 if something was said that has no answer yet."""
        self.seldom.say(logging.INFO, "request too slow", reason=reason, peer=self.address)
        request = self._current_request
        if self._heard and (request is None or not cast(StreamWriter, request.writer).output_size):
            wire.write(_written(last_answer(RequestTimeout(reason))))
        self.force_close()


def _written(response: web.Response) -> bytes:
    """Where there is no request to answer yet aiohttp writes nothing."""
    body = cast(bytes, response.body)
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode() + body
