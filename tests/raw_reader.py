"""A client on a bare socket that joins a session and then never reads again. Never decodes more than it must."""

from __future__ import annotations

import json
import socket

RECEIVE_BUFFER_BYTES = 4096
_REQUEST = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class RawReader:
    """Joins on construction, and goes on from a position. Raises OSError, AssertionError."""

    def __init__(self, port: int, session_id: str, after: int, epoch: str | None) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self._socket.settimeout(10)
        self._socket.connect(("127.0.0.1", port))
        self._socket.sendall(_REQUEST.encode())
        self._read_until(b"0{")
        self._send("40")
        self._read_until(b"40{")
        join = {"sessionId": session_id, "after": after, "epoch": epoch}
        self._send("420" + json.dumps(["join_session", join]))
        self._read_until(b'430[{"ok":true')

    def close(self) -> None:
        self._socket.close()

    def _read_until(self, mark: bytes) -> None:
        """Also what follows it may be read; nobody looks at it."""
        seen = b""
        while mark not in seen:
            data = self._socket.recv(4096)
            assert data, f"the server closed before {mark!r}: {seen[-300:]!r}"
            seen += data

    def _send(self, packet: str) -> None:
        """A text frame, masked with zeros: the payload stays as it is (RFC 6455 §5.2)."""
        payload = packet.encode()
        assert len(payload) < 126 or len(payload) < 65536
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
        self._socket.sendall(b"\x81" + size + b"\0\0\0\0" + payload)
