"""The bytes of one streamed answer on their way to its client, in order and counted. Never knows what they are, never
decides when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from hub.socket.backlog import HIGH_WATER_BYTES, LOW_WATER_BYTES, OVERFLOW_BYTES, Backlog
from hub.socket.kernel import bound_send_buffer


class Outflow(Backlog):
    """A sink. The headers go out with the first bytes: `sent_at` is None until then. `closed` means that the client is
    gone."""

    __slots__ = (
        "_changed",
        "_clock",
        "_finished",
        "_queue",
        "_queued_bytes",
        "_transport",
        "_waiters",
        "closed",
        "sent_at",
    )

    def __init__(self, transport: asyncio.Transport | None, clock: Callable[[], float]) -> None:
        super().__init__()
        self.closed = transport is None
        self.sent_at: float | None = None
        self._transport = self._carrier = transport
        self._clock = clock
        self._queue: list[bytes] = []
        self._queued_bytes = 0
        self._finished = False
        self._changed = asyncio.Event()
        self._waiters: list[asyncio.Future[None]] = []
        if transport is not None:
            bound_send_buffer(transport)
            transport.set_write_buffer_limits(high=LOW_WATER_BYTES, low=LOW_WATER_BYTES)

    @property
    def backlog_bytes(self) -> int:
        """Sent and not yet taken by the kernel."""
        return self._queued_bytes + (self._transport.get_write_buffer_size() if self._transport is not None else 0)

    @property
    def over_high_water(self) -> bool:
        return self.backlog_bytes > HIGH_WATER_BYTES

    @property
    def lost(self) -> bool:
        """Whether the connection is gone without our having noticed."""
        return not self.closed and self._transport is not None and self._transport.is_closing()

    def send(self, frame: bytes) -> None:
        """Never blocks and never raises; after the end nothing is sent."""
        if self.closed or self._finished:
            return
        self._queue.append(frame)
        self._queued_bytes += len(frame)
        self._put_bytes += len(frame)
        self.sent_at = self._clock()
        self._changed.set()
        if self._queued_bytes > OVERFLOW_BYTES:
            self.cut()

    async def drained(self) -> None:
        """Returns once the backlog is under the low-water mark, or the stream is closed."""
        while not self.closed and self.backlog_bytes > LOW_WATER_BYTES:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def finish(self, last: bytes = b"") -> None:
        """Nothing follows: what waits is sent, `last` after it, and the answer ends. What has not begun is not begun
        for that."""
        if last and self.sent_at is not None:
            self.send(last)
        self._finished = True
        self._changed.set()

    def close(self) -> None:
        """Drops what waits and lets everybody who waits go on."""
        self.closed = True
        self._queue.clear()
        self._queued_bytes = 0
        self._changed.set()
        self._wake()

    def cut(self) -> None:
        """Ends in a way that no client takes for the end."""
        if self._transport is not None:
            self._transport.abort()
        self.close()

    async def pump(self, request: web.Request, response: web.StreamResponse) -> None:
        """Writes until `finish` was called and all is out, or the stream is closed. Raises ConnectionError when the
        client is gone."""
        while await self._more():
            writer = await response.prepare(request)
            while self._queue:
                chunk = b"".join(self._queue)
                self._queue.clear()
                self._queued_bytes = 0
                await response.write(chunk)
                if writer is not None:
                    await writer.drain()
                self._wake()
        if response.prepared and not self.closed:
            await response.write_eof()

    async def _more(self) -> bool:
        while not self._queue and not self._finished and not self.closed:
            self._changed.clear()
            await self._changed.wait()
        return bool(self._queue)

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
