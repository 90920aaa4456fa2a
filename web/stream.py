"""Answers that are written bit by bit: heartbeats, and every way in which they can end. Never knows what is written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog
from aiohttp import web

from hub.socket.transport import remote
from models.errors import Draining, ParleyError
from web.outflow import Outflow

log = structlog.get_logger(__name__)

SWEEP_EVERY_S = 1.0
STALL_S = 10.0
"""How long a client may take nothing once back-pressure began, as on the socket."""
FAREWELL_WITHIN_S = 2.0
"""How long a server that stops waits for the last bytes to be taken."""
UNBUFFERED = {"X-Accel-Buffering": "no"}
"""Else a proxy holds back what shall come at once."""


@dataclass(frozen=True, slots=True)
class AnswerStream:
    """What a handler gives instead of a body. `write` sends into the outflow and returns when nothing follows; it is
    cancelled when the client or the server goes. As long as it has sent nothing it may raise a ParleyError, which is
    answered as ever. `heartbeat` is sent in silence, `farewell` last when the server stops."""

    content_type: str
    write: Callable[[Outflow], Awaitable[None]]
    heartbeat: bytes = b""
    heartbeat_s: float = 15.0
    farewell: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _Open:
    stream: AnswerStream
    outflow: Outflow
    writing: asyncio.Task[None]
    request: web.Request


class AnswerStreams:
    """All streams of a server. `on_let_go` is told the code of each client that is cut because it takes nothing."""

    def __init__(
        self,
        on_let_go: Callable[[str], None],
        *,
        client_of: Callable[[web.Request], str] = remote,
        stall_s: float = STALL_S,
        sweep_every_s: float = SWEEP_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_let_go = on_let_go
        self._client_of = client_of
        self._stall_s = stall_s
        self._sweep_every_s = sweep_every_s
        self._clock = clock
        self._open: set[_Open] = set()
        self._draining = False
        self._all_gone = asyncio.Event()

    def __len__(self) -> int:
        return len(self._open)

    def close_door(self) -> None:
        """Begins no stream any more; those that are open stay."""
        self._draining = True

    def attach(self, app: web.Application) -> None:
        app.cleanup_ctx.append(self._sweeping)

    async def answer(self, request: web.Request, stream: AnswerStream, status: int) -> web.StreamResponse:
        """Returns when the stream has ended; at once for HEAD. Raises what `write` raised before it sent anything, and
        Draining."""
        if self._draining:
            raise Draining()
        response = web.StreamResponse(status=status, headers={**UNBUFFERED, **stream.headers})
        response.content_type = stream.content_type
        if request.method == "HEAD":
            return response
        outflow = Outflow(request.transport, self._clock)
        writing = asyncio.get_running_loop().create_task(_write(stream, outflow))
        entry = _Open(stream, outflow, writing, request)
        self._open.add(entry)
        try:
            await self._carry(entry, response)
        finally:
            self._open.discard(entry)
            if not self._open:
                self._all_gone.set()
        return response

    async def drain(self) -> None:
        """Says farewell on those that are open, and waits until they are over, 2 s at most."""
        self.close_door()
        self._all_gone.clear()
        for entry in self._open:
            entry.outflow.finish(entry.stream.farewell)
            entry.writing.cancel()
        if self._open:
            try:
                await asyncio.wait_for(self._all_gone.wait(), FAREWELL_WITHIN_S)
            except TimeoutError:
                for entry in self._open:
                    entry.outflow.cut()

    async def _carry(self, entry: _Open, response: web.StreamResponse) -> None:
        outflow, writing = entry.outflow, entry.writing
        try:
            await outflow.pump(entry.request, response)
        except ConnectionError:
            pass  # the client is gone
        finally:
            outflow.close()
            writing.cancel()
            await asyncio.wait([writing])
        if response.prepared:
            return
        if writing.cancelled() and self._draining:
            raise Draining()
        if not writing.cancelled():
            writing.result()

    async def _sweeping(self, app: web.Application) -> AsyncIterator[None]:
        sweeper = asyncio.get_running_loop().create_task(self._sweep_for_ever())
        yield
        sweeper.cancel()
        await asyncio.gather(sweeper, return_exceptions=True)

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_every_s)
            self.sweep()

    def sweep(self) -> None:
        """One look at every stream. A fault in one must not stop the sweep for all."""
        for entry in list(self._open):
            try:
                self._look_at(entry)
            except Exception:
                log.exception("sweep_failed", peer=self._client_of(entry.request))

    def _look_at(self, entry: _Open) -> None:
        stream, outflow, now = entry.stream, entry.outflow, self._clock()
        if outflow.lost:
            outflow.close()
        elif outflow.stalled_for_s(now) >= self._stall_s:
            log.warning("slow_consumer", peer=self._client_of(entry.request), backlog_bytes=outflow.backlog_bytes)
            self._on_let_go("slow_consumer")
            outflow.cut()
        elif stream.heartbeat and outflow.sent_at is not None and now - outflow.sent_at >= stream.heartbeat_s:
            if not outflow.backlog_bytes:
                outflow.send(stream.heartbeat)


async def _write(stream: AnswerStream, outflow: Outflow) -> None:
    try:
        await stream.write(outflow)
    except Exception as error:
        if outflow.sent_at is None:
            raise
        # No status can tell it any more.
        if isinstance(error, ParleyError):
            log.warning("a stream broke off", content_type=stream.content_type, reason=error.message)
        else:
            log.exception("a stream failed", content_type=stream.content_type)
        outflow.cut()
    finally:
        outflow.finish()
