"""A Socket.IO client as cheap as Python allows: cuts the stream into frames and hands out bytes. Never decodes JSON."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable

_REQUEST = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class LightClient(asyncio.Protocol):
    """`on_event` gets the packet of each event, from `42` on. `connected` and the acks are futures."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.on_event: Callable[[bytes], None] = lambda packet: None
        self.connected: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()
        self._upgraded = False
        self._rest = b""
        self._acks: dict[bytes, asyncio.Future[bytes]] = {}
        self._ids = itertools.count()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def connect(cls, port: int) -> LightClient:
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(cls, "127.0.0.1", port)
        await client.connected
        return client

    def call(self, name: str, arguments: object) -> asyncio.Future[bytes]:
        """The packet of the ack, from `43` on."""
        ack_id = str(next(self._ids))
        ack: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._acks[ack_id.encode()] = ack
        self._send(f"42{ack_id}{json.dumps([name, arguments])}")
        return ack

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(_REQUEST.encode())

    def connection_lost(self, error: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        if not self._upgraded:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            self._upgraded = True
        at, size = 0, len(data)
        while size - at >= 2:
            length, start = data[at + 1], at + 2
            if length == 126:
                length, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                length, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if start + length > size:
                break
            self._packet(data[start : start + length])
            at = start + length
        self._rest = data[at:]

    def _packet(self, packet: bytes) -> None:
        kind = packet[:2]
        if kind == b"42":
            self.on_event(packet)
        elif kind == b"43":
            ack = self._acks.pop(packet[2 : packet.index(b"[")], None)
            if ack is not None and not ack.done():
                ack.set_result(packet)
        elif kind == b"40":
            self.connected.set_result(None)
        elif packet == b"2":
            self._send("3")
        elif packet[:1] == b"0":
            self._send("40")

    def _send(self, packet: str) -> None:
        """A text frame, masked with zeros: the payload stays as it is (RFC 6455 §5.2)."""
        assert self._transport is not None
        payload = packet.encode()
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
        self._transport.write(b"\x81" + size + b"\0\0\0\0" + payload)
