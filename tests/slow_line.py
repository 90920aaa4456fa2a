"""Bad lines on loopback: a proxy that lets through only so many bytes a second, or swallows what the server says."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

SLICE_S = 0.05
"""How often a slow line moves: often enough to look steady."""
BUFFER_BYTES = 4096
"""Asked of the kernel on both sides, so that the line and not a buffer is what the server feels."""


class Line:
    """`bytes_per_s` None is as fast as can be. While `mute`, what the server says vanishes; what it hears does not."""

    def __init__(self, upstream_port: int, bytes_per_s: int | None = None) -> None:
        self.mute = False
        self.port = 0
        self.heard_bytes = 0
        self.passed_bytes = 0
        self._upstream_port = upstream_port
        self._bytes_per_s = bytes_per_s
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        """One client's connection. When either side ends it, the other is cut too."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            far, far_out = await asyncio.open_connection(sock=await self._dial(), limit=BUFFER_BYTES)
        except OSError:
            near_out.transport.abort()
            return
        finally:
            self._tasks.discard(task)
        up = asyncio.create_task(self._up(near, far_out))
        down = asyncio.create_task(self._down(far, near_out))
        self._tasks |= {up, down}
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        for each in (up, down):
            each.cancel()
            self._tasks.discard(each)
        near_out.transport.abort()
        far_out.transport.abort()

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _dial(self) -> socket.socket:
        dialled = socket.socket()
        dialled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        dialled.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(dialled, ("127.0.0.1", self._upstream_port))
        except BaseException:
            dialled.close()
            raise
        return dialled

    async def _up(self, near: asyncio.StreamReader, far: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await near.read(65536):
                self.heard_bytes += len(data)
                far.write(data)
                await far.drain()

    async def _down(self, far: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        size = 65536 if self._bytes_per_s is None else max(1, int(self._bytes_per_s * SLICE_S))
        with suppress(ConnectionError):
            while data := await far.read(size):
                if self.mute:
                    continue
                self.passed_bytes += len(data)
                near.write(data)
                await near.drain()
                if self._bytes_per_s is not None:
                    await asyncio.sleep(len(data) / self._bytes_per_s)


@asynccontextmanager
async def line(upstream_port: int, bytes_per_s: int | None = None) -> AsyncIterator[Line]:
    made = Line(upstream_port, bytes_per_s)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, limit=BUFFER_BYTES)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.close()
