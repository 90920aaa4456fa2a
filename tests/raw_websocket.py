"""A WebSocket on a bare socket, for what no library would send. Never answers by itself."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from patience import HANG_S

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
FIN = 0x80
SOCKET_PATH = "/socket.io/?EIO=4&transport=websocket"
MASK = b"\x01\x02\x03\x04"


def handshake(path: str = SOCKET_PATH) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def frame(payload: bytes | str, first: int = FIN | TEXT, *, masked: bool = True) -> bytes:
    data = payload.encode() if isinstance(payload, str) else payload
    bit = 0x80 if masked else 0
    size = bytes([bit | len(data)]) if len(data) < 126 else bytes([bit | 126]) + len(data).to_bytes(2)
    body = bytes(byte ^ MASK[at % 4] for at, byte in enumerate(data)) if masked else data
    return bytes([first]) + size + (MASK if masked else b"") + body


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(code.to_bytes(2) + reason, FIN | CLOSE)


class RawWebSocket:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def frame(self) -> tuple[int, bytes]:
        """The next frame's opcode and payload. Raises IncompleteReadError at the end of the connection."""
        async with asyncio.timeout(HANG_S):
            first, size = await self._reader.readexactly(2)
            if size == 126:
                size = int.from_bytes(await self._reader.readexactly(2))
            elif size == 127:
                size = int.from_bytes(await self._reader.readexactly(8))
            return first & 0x0F, await self._reader.readexactly(size)

    async def text(self) -> str:
        opcode, payload = await self.frame()
        assert opcode == TEXT, (opcode, payload)
        return payload.decode()

    async def ended(self) -> int | None:
        """The code of the close that ends it; None when it is just cut."""
        try:
            while True:
                opcode, payload = await self.frame()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2])
        except (asyncio.IncompleteReadError, ConnectionError):
            return None


@asynccontextmanager
async def raw_websocket(port: int, early: bytes = b"", path: str = SOCKET_PATH) -> AsyncIterator[RawWebSocket]:
    """After the handshake, with which `early` is sent in one go."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        writer.write(handshake(path) + early)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in head, head
        yield RawWebSocket(reader, writer)
    finally:
        writer.transport.abort()
