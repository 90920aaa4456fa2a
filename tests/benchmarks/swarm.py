"""A thousand WebSocket clients in one cheap process: connects and counts bytes, as stdin says. Never decodes.

Runs as a process of its own, so that its cost is not the server's. One line in, one line out:
`connect PORT COUNT`, `expect BYTES` (per client, from now on), `wait` (until each has them); each is answered `done`.
"""

from __future__ import annotations

import asyncio
import sys

_REQUEST = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
# Masked with zeros: the payload stays as it is.
_CONNECT = b"\x81\x82\x00\x00\x00\x0040"
_PONG = b"\x81\x81\x00\x00\x00\x003"


class Client(asyncio.Protocol):
    """Cuts the stream into frames only until it is connected; afterwards it counts bytes."""

    def __init__(self, swarm: Swarm) -> None:
        self.swarm = swarm
        self.head: bytearray | None = bytearray()
        self.received = 0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(_REQUEST.encode())

    def data_received(self, data: bytes) -> None:
        if self.head is None:
            self._count(data)
            return
        before = self.head
        before += data
        assert self.transport is not None
        if before.endswith(b"}") and b"40{" in before:
            self.head = None
            self.swarm.connected()
        elif before.endswith(b"}") and b"0{" in before and not self.swarm.asked(self):
            self.transport.write(_CONNECT)

    def _count(self, data: bytes) -> None:
        if data == b"\x81\x012":
            assert self.transport is not None
            self.transport.write(_PONG)
            return
        self.received += len(data)
        if self.received >= self.swarm.expected:
            self.swarm.complete(self)


class Swarm:
    def __init__(self) -> None:
        self.expected = sys.maxsize
        self._clients: list[Client] = []
        self._asked: set[int] = set()
        self._waiting = 0
        self._done = asyncio.Event()

    def asked(self, client: Client) -> bool:
        known = id(client) in self._asked
        self._asked.add(id(client))
        return known

    def connected(self) -> None:
        self._count_down()

    def complete(self, client: Client) -> None:
        client.received = -sys.maxsize
        self._count_down()

    def _count_down(self) -> None:
        self._waiting -= 1
        if self._waiting == 0:
            self._done.set()

    async def connect(self, port: int, count: int) -> None:
        """In groups: a listening socket's queue is short."""
        loop = asyncio.get_running_loop()
        for start in range(0, count, 50):
            self._await(min(50, count - start))
            for _ in range(self._waiting):
                _, client = await loop.create_connection(lambda: Client(self), "127.0.0.1", port)
                self._clients.append(client)
            await self._done.wait()

    def expect(self, size_bytes: int) -> None:
        self._await(len(self._clients))
        self.expected = size_bytes
        for client in self._clients:
            client.received = 0

    async def got(self) -> None:
        await self._done.wait()

    def _await(self, count: int) -> None:
        self._waiting = count
        self._done.clear()


async def main() -> None:
    swarm = Swarm()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        match line.split():
            case ["connect", port, count]:
                await swarm.connect(int(port), int(count))
            case ["expect", size_bytes]:
                swarm.expect(int(size_bytes))
            case ["wait"]:
                await swarm.got()
        print("done", flush=True)  # stdout is the answer to the benchmark


if __name__ == "__main__":
    asyncio.run(main())
