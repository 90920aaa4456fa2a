"""What goes out, encoded once: Engine.IO text inside a complete WebSocket frame. Never knows who receives it.

Server frames are not masked and, without per-message compression, the same for every client: one `Frame` serves a whole
room.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

SEPARATOR = "\x1e"
"""Between the packets of one polling payload."""
_FIN_TEXT = 0x81
_FIN_CLOSE = 0x88
_FIN_PONG = 0x8A
_SHORT = struct.Struct("!BB")
_MEDIUM = struct.Struct("!BBH")
_LONG = struct.Struct("!BBQ")


@dataclass(frozen=True, slots=True)
class Frame:
    """One Engine.IO packet, or several. `ws` is the WebSocket frame, whose payload begins at `start`."""

    ws: bytes
    start: int
    parts: tuple[Frame, ...] = ()

    @property
    def text(self) -> str:
        """The packet as polling carries it, for example `42["event",{…}]`."""
        if self.parts:
            return SEPARATOR.join(part.text for part in self.parts)
        return str(self.ws[self.start :], "utf-8")


def text_frame(payload: bytes) -> Frame:
    """Frame an encoded Engine.IO packet (RFC 6455 §5.2, no mask, no extension)."""
    size = len(payload)
    if size < 126:
        header = _SHORT.pack(_FIN_TEXT, size)
    elif size < 65536:
        header = _MEDIUM.pack(_FIN_TEXT, 126, size)
    else:
        header = _LONG.pack(_FIN_TEXT, 127, size)
    return Frame(header + payload, len(header))


def close_frame(code: int) -> Frame:
    """The WebSocket's own goodbye. It has no counterpart in polling."""
    body = struct.pack("!H", code)
    return Frame(_SHORT.pack(_FIN_CLOSE, len(body)) + body, 4)


def pong_frame(payload: bytes) -> Frame:
    """Answers a ping of the WebSocket itself, whose payload has at most 125 bytes (RFC 6455 §5.5). Polling has none."""
    return Frame(_SHORT.pack(_FIN_PONG, len(payload)) + payload, 2)


CLOSE = text_frame(b"1")
PING = text_frame(b"2")
NOOP = text_frame(b"6")
DISCONNECT = text_frame(b"41")


def open_frame(fields: dict[str, Any]) -> Frame:
    """Engine.IO's handshake answer."""
    return text_frame(b"0" + orjson.dumps(fields))


def event_frame(name: str, data: object) -> Frame:
    """`data` is JSON-ready; raises TypeError on what JSON can't carry (lone surrogates too)."""
    return text_frame(b"42" + orjson.dumps([name, data]))


def raw_event_frame(name: str, data_json: bytes) -> Frame:
    """An event whose data is encoded already, for example as the journal keeps it."""
    return text_frame(b"".join((b"42[", orjson.dumps(name), b",", data_json, b"]")))


def batch_frame(batch: Sequence[Frame]) -> Frame:
    """What was committed together goes out in one write: a system call is three quarters of a delivery's cost."""
    if len(batch) == 1:
        return batch[0]
    return Frame(b"".join(frame.ws for frame in batch), 0, tuple(batch))


def ack_frame(namespace: bytes, ack_id: bytes, ack: dict[str, Any]) -> Frame:
    """The answer to one call. `ack_id` is echoed as it came, so that no number is too large."""
    return text_frame(b"".join((b"43", _prefix(namespace), ack_id, orjson.dumps([ack]))))


def connect_frame(sid: str) -> Frame:
    return text_frame(b"40" + orjson.dumps({"sid": sid}))


def connect_error_frame(namespace: bytes, error: dict[str, Any]) -> Frame:
    """Refuses a Socket.IO connection for good. Stock clients show `err.message` and `err.data`."""
    body = {"message": error["message"], "data": error}
    return text_frame(b"".join((b"44", _prefix(namespace), orjson.dumps(body))))


def _prefix(namespace: bytes) -> bytes:
    return b"" if namespace == b"/" else namespace + b","
