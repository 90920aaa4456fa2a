"""One client's outgoing frames, strictly in order and counted in bytes. Never decides what is sent, never closes.

An attached WebSocket takes each frame at once: the bytes go to the transport, whose own buffer is the queue.
Otherwise (polling, and until an upgrade is done) frames wait here until `poll` fetches or `attach` flushes them.
Acks, pings and events all pass through `put`, so nothing can overtake.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from hub.socket.backlog import HIGH_WATER_BYTES, LOW_WATER_BYTES, OVERFLOW_BYTES, Backlog
from hub.socket.frames import Frame


class Drainable(Protocol):
    """aiohttp's payload writer: `drain` returns once the transport's buffer is at its low-water mark."""

    async def drain(self) -> None: ...


class Outbox(Backlog):
    __slots__ = (
        "_closed",
        "_poller",
        "_queue",
        "_queued_bytes",
        "_transport",
        "_waiters",
        "_writer",
    )

    def __init__(self) -> None:
        super().__init__()
        self._transport: asyncio.WriteTransport | None = None
        self._writer: Drainable | None = None
        # A deque weighs 600 bytes; a WebSocket that connects directly never needs one.
        self._queue: deque[Frame] | None = None
        self._queued_bytes = 0
        self._poller: asyncio.Future[None] | None = None
        self._waiters: list[asyncio.Future[None]] | None = None
        self._closed = False

    @property
    def backlog_bytes(self) -> int:
        """Put and not yet taken by the kernel (WebSocket) or fetched by a poll."""
        if self._transport is None:
            return self._queued_bytes
        return self._transport.get_write_buffer_size()

    @property
    def over_high_water(self) -> bool:
        # Asked before every delivery, hence not by way of `backlog_bytes`.
        transport = self._transport
        backlog = self._queued_bytes if transport is None else transport.get_write_buffer_size()
        return backlog > HIGH_WATER_BYTES

    @property
    def untaken_bytes(self) -> int:
        carrier = self._carrier
        if carrier is None or carrier is self._transport:
            return super().untaken_bytes
        return super().untaken_bytes + carrier.get_write_buffer_size()

    def carried_by(self, transport: asyncio.WriteTransport | None) -> None:
        """What `poll` gave is about to go out this way; on a slow line that may take longer than a ping waits."""
        if self._transport is None:
            self._carrier = transport

    def put(self, frame: Frame) -> bool:
        """Send or queue. After `close` the frame is dropped. False when the backlog is beyond all bounds."""
        transport = self._transport
        if transport is None:
            return self._enqueue(frame)
        if transport.is_closing():
            return True
        self._put_bytes += len(frame.ws)
        transport.write(frame.ws)
        return transport.get_write_buffer_size() <= OVERFLOW_BYTES

    def attach(self, transport: asyncio.WriteTransport, writer: Drainable) -> None:
        """From here on frames go to this WebSocket; what was queued goes first."""
        transport.set_write_buffer_limits(high=LOW_WATER_BYTES, low=LOW_WATER_BYTES)
        queued = self._take()
        self._transport = self._carrier = transport
        self._writer = writer
        if queued:
            transport.write(b"".join(frame.ws for frame in queued))
        self._wake()

    async def poll(self, within_s: float | None = None) -> list[Frame]:
        """All that waits, else the next to come. Empty when time, `release` or `close` ended the wait."""
        if not self._queue and not self._closed:
            loop = asyncio.get_running_loop()
            self._poller = loop.create_future()
            timer = None if within_s is None else loop.call_later(within_s, self.release)
            try:
                await self._poller
            finally:
                self._poller = None
                if timer is not None:
                    timer.cancel()
        return self._take()

    def release(self) -> None:
        """End a waiting poll, with nothing if need be: an upgrade waits for it."""
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(None)

    async def drained(self) -> None:
        """Wait until the backlog is under the low-water mark, or the outbox is closed."""
        while not self._closed and self.backlog_bytes > LOW_WATER_BYTES:
            await self._moved()

    def close(self) -> None:
        """Drop what is queued and let everybody who waits go on."""
        self._closed = True
        self._take()
        self.release()
        self._wake()

    def _enqueue(self, frame: Frame) -> bool:
        if self._closed:
            return True
        if self._queue is None:
            self._queue = deque()
        self._queue.append(frame)
        self._queued_bytes += len(frame.ws)
        self._put_bytes += len(frame.ws)
        self.release()
        return self._queued_bytes <= OVERFLOW_BYTES

    def _take(self) -> list[Frame]:
        frames = list(self._queue or ())
        self._queue = None
        self._queued_bytes = 0
        self._wake()
        return frames

    async def _moved(self) -> None:
        if self._transport is None or self._writer is None or self._transport.is_closing():
            await self._woken()
            return
        try:
            # The writer's drain shares one future among its callers: a cancelled caller must not cancel it for all.
            await asyncio.shield(asyncio.ensure_future(self._writer.drain()))
        except ConnectionError:
            await self._woken()

    async def _woken(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters = [*(self._waiters or ()), waiter]
        await waiter

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)
