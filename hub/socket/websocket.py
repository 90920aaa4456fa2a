"""One client's WebSocket, which holds the client to RFC 6455 where aiohttp does not. Never knows packets."""

from __future__ import annotations

from typing import Protocol, cast

from aiohttp import WebSocketError, WSCloseCode, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import WebSocketWriter

from models.errors import InvalidArgument

TRANSPORT_LIMIT_BYTES = 2_000_000
CLOSE_WITHIN_S = 2.0
_FIN, _OPCODE, _MASKED, _LENGTH = 0x80, 0x0F, 0x80, 0x7F
_CONTINUATION, _CONTROL = 0x0, 0x8
_EXTENDED = {126: 2, 127: 8}
_MASK_BYTES = 4
_HEAD_MAX_BYTES = 10


async def open_websocket(request: web.Request) -> tuple[web.WebSocketResponse, AbstractStreamWriter]:
    """Answer the upgrade. Without compression: it costs 100 KB per connection. Raises InvalidArgument and
    ConnectionError."""
    ws = HubWebSocket(
        compress=False,
        max_msg_size=TRANSPORT_LIMIT_BYTES + 1,
        timeout=CLOSE_WITHIN_S,
        autoclose=False,
        autoping=False,  # a pong that can't be written would be an error, and one that isn't taken would pile up
        decode_text=False,
    )
    try:
        return ws, await ws.prepare(request)
    except (web.HTTPBadRequest, ValueError):
        raise InvalidArgument("This is no handshake of a WebSocket", field="Sec-WebSocket-Key") from None


def close_code(told: int) -> int:
    """What a client's close is answered with: its own code, unless it may not send that one (RFC 6455 §7.4)."""
    if told == WSCloseCode.ABNORMAL_CLOSURE or told >= 5000:
        return WSCloseCode.PROTOCOL_ERROR
    return told or WSCloseCode.OK


class HubWebSocket(web.WebSocketResponse):
    def _post_start(self, request: web.BaseRequest, protocol: str | None, writer: WebSocketWriter) -> None:
        """Puts the guard between the connection and aiohttp's reader, before what came with the handshake is read."""
        connection = request.protocol
        early, connection._message_tail = connection._message_tail, b""
        super()._post_start(request, protocol, writer)
        connection._payload_parser = FrameGuard(connection._payload_parser, cast(Failing, self._reader))
        if early:
            connection.data_received(early)


class Reader(Protocol):
    def feed_data(self, data: bytes) -> tuple[bool, bytes]: ...

    def feed_eof(self) -> None: ...


class Failing(Protocol):
    def set_exception(self, exc: BaseException) -> None: ...


class FrameGuard:
    """Walks over the heads of a client's frames, and fails the connection at the first that is not masked (§5.1) or
    begins a message inside another (§5.4). Everything else about frames is the reader's."""

    __slots__ = ("_head", "_in_message", "_left", "_messages", "_reader")

    def __init__(self, reader: Reader, messages: Failing) -> None:
        self._reader = reader
        self._messages = messages
        self._head = b""
        self._left = 0
        self._in_message = False

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        at = 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            known = len(self._head)
            head = self._head + data[at : at + _HEAD_MAX_BYTES - known]
            if len(head) < 2 or len(head) < (size := 2 + _EXTENDED.get(head[1] & _LENGTH, 0)):
                self._head = head
                break
            if (fault := self._fault(head[0], head[1])) is not None:
                self._reader.feed_data(data[:at])
                self._messages.set_exception(WebSocketError(WSCloseCode.PROTOCOL_ERROR, fault))
                return True, b""
            self._head = b""
            self._left = _MASK_BYTES + (int.from_bytes(head[2:size]) if size > 2 else head[1] & _LENGTH)
            at += size - known
        return self._reader.feed_data(data)

    def feed_eof(self) -> None:
        self._reader.feed_eof()

    def _fault(self, first: int, second: int) -> str | None:
        if not second & _MASKED:
            return "A client masks its frames"
        opcode = first & _OPCODE
        if opcode >= _CONTROL:
            return None
        if opcode != _CONTINUATION and self._in_message:
            return "A message begins inside another"
        self._in_message = not first & _FIN
        return None
