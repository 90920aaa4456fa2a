"""One client's Engine.IO session: polling, upgrade and WebSocket, and its end. Never looks into Socket.IO packets.

Takes the place of engineio's AsyncSocket behind the same duck type (`connected`, `upgraded`, `closed`,
`handle_get_request`, `handle_post_request`, `close`). One task per WebSocket, none per message, none per ping.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from aiohttp import WSMsgType, web
from aiohttp.abc import AbstractStreamWriter
from engineio import exceptions as stock_exceptions
from engineio import packet as stock

from hub.socket import frames
from hub.socket.backlog import bound_send_buffer
from hub.socket.bodies import read_body
from hub.socket.connection import CLOSE_POLICY, Connection
from hub.socket.frames import Frame
from hub.socket.liveness import Liveness
from hub.socket.outbox import Outbox
from hub.socket.packets import BinaryNotSupported, MalformedPacket
from models.errors import PayloadTooLarge

TRANSPORT_LIMIT_BYTES = 2_000_000
CLOSE_WITHIN_S = 2.0
PROBE_WITHIN_S = 10.0


class SocketKeeper(Protocol):
    """What a session asks of the engine that keeps it. The last three are the stock server's."""

    clock: Callable[[], float]
    ping_interval: float
    ping_timeout: float
    connect_timeout: float
    stall_timeout: float
    on_let_go: Callable[[HubSocket], None]

    @property
    def live(self) -> Mapping[str, HubSocket]: ...

    async def bury(self, session: HubSocket) -> None: ...

    def call_later(self, delay_s: float, call: Callable[[], None]) -> asyncio.TimerHandle: ...

    sockets: dict[str, Any]
    handlers: dict[str, Callable[..., Awaitable[None]]]

    def _bad_request(self, message: str) -> object: ...


class HubSocket:
    __slots__ = (
        "_gone",
        "_polling",
        "_posting",
        "_probing",
        "_timer",
        "_transport",
        "busy",
        "closed",
        "connected",
        "connection",
        "engine",
        "leaving",
        "liveness",
        "outbox",
        "reason",
        "request",
        "sid",
        "since",
        "upgraded",
        "upgrading",
    )

    def __init__(self, engine: SocketKeeper, sid: str, request: web.Request) -> None:
        self.engine = engine
        self.sid = sid
        self.request = request
        self.outbox = Outbox()
        self.connection: Connection
        self.since = engine.clock()
        # Clients that came in one wave, after a restart, shall not be pinged in one wave for ever.
        early = len(engine.live) % 8 / 16
        self.liveness = Liveness(self.since, engine.ping_interval, engine.ping_timeout, early)
        self.reason = ""
        # The stock server asks for these: `connected` once polling may begin, `upgraded` once it may not.
        self.connected = True
        self.upgrading = self.upgraded = self.closed = self.leaving = False
        self.busy = False
        self._polling = self._posting = False
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._gone: asyncio.Future[None] | None = None
        self._probing: asyncio.Transport | None = None

    # WebSocket ---------------------------------------------------------------------------------------------------

    async def serve(self, ws: web.WebSocketResponse, writer: AbstractStreamWriter, request: web.Request) -> None:
        """Carry this session over the WebSocket until either side ends it."""
        transport = request.transport
        if transport is None:
            self.finish("transport close")
        else:
            self._attach(transport, writer)
        try:
            await self._read(ws)
        finally:
            self.finish("transport close")
            self._settle_transport()
            await self.engine.bury(self)

    async def upgrade(self, request: web.Request) -> web.StreamResponse:
        """Move a polling session to this WebSocket: probe, wait until the client stopped polling, flush, go on."""
        if self.upgraded or self.upgrading or self.closed:
            return web.Response(status=400, text="This session can't be upgraded")
        self.upgrading = True
        self._probing = request.transport
        try:
            ws, writer = await open_websocket(request)
            ready = await self._probe(ws)
        finally:
            self.upgrading = False
            self._probing = None
        if ready:
            await self.serve(ws, writer, request)
        else:
            await ws.close(drain=False)
        return ws

    async def _probe(self, ws: web.WebSocketResponse) -> bool:
        try:
            first = await ws.receive(timeout=PROBE_WITHIN_S)
            if first.data != b"2probe":
                return False
            await ws.send_str("3probe")
            self.outbox.release()
            second = await ws.receive(timeout=PROBE_WITHIN_S)
        except (TimeoutError, ConnectionError):
            return False
        return second.data == b"5" and not (self.closed or self._polling or self._posting)

    def _attach(self, transport: asyncio.Transport, writer: AbstractStreamWriter) -> None:
        bound_send_buffer(transport)
        self._transport = transport
        self.upgraded = True
        self.outbox.attach(transport, writer)
        if self.leaving:
            self._send_close(CLOSE_POLICY)

    async def _read(self, ws: web.WebSocketResponse) -> None:
        while not self.closed:
            if self.outbox.over_high_water:
                await self._wait_until_drained()
            message = await ws.receive()
            match message.type:
                case WSMsgType.TEXT:
                    await self._take(message.data)
                case WSMsgType.BINARY:
                    self._refuse_binary()
                case WSMsgType.CLOSE:
                    await self._answer_close(ws)
                    return
                case _:
                    return

    async def _answer_close(self, ws: web.WebSocketResponse) -> None:
        if self.leaving and self._transport is not None:
            self._transport.close()
        await ws.close(drain=False)

    def _settle_transport(self) -> None:
        """A peer that has closed takes nothing more: what is still buffered must not keep the transport alive."""
        if self._transport is not None and self._transport.get_write_buffer_size():
            self._transport.abort()

    # Polling, called by the stock server ---------------------------------------------------------------------------

    async def handle_get_request(self, environ: dict[str, Any]) -> object:
        """One poll: a list of packets, or a ready answer."""
        if self._polling:
            self.abort("overlapping polls")
            return self.engine._bad_request("Overlapping polls")
        self._polling = True
        try:
            packets = await self._poll()
            if packets and self.leaving:
                self.finish(self.reason)
        finally:
            self._polling = False
            await self._bury_if_over()
        self.liveness.heard_at = self.engine.clock()
        if not packets:
            return self.engine._bad_request("The session is closed")
        return [stock.Packet(int(text[0]), text[1:]) for text in packets]

    async def _poll(self) -> list[str]:
        if self.upgrading and not self.outbox.backlog_bytes:
            return [frames.NOOP.text]
        packets = [frame.text for frame in await self.outbox.poll()]
        return packets or ([] if self.closed else [frames.NOOP.text])

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        """One batch of packets, handled in order before it is answered. Raises EngineIOError to end the session."""
        if self._posting:
            raise stock_exceptions.EngineIOError("overlapping posts")
        self._posting = True
        try:
            body = await self._body(environ["aiohttp.request"])
            for packet in body.split(b"\x1e"):
                await self._take_polled(packet)
        finally:
            self._posting = False
            await self._bury_if_over()

    async def _bury_if_over(self) -> None:
        """Sooner than the sweep would."""
        if self.buriable:
            await self.engine.bury(self)

    async def _take_polled(self, packet: bytes) -> None:
        if self.closed:
            return
        if self.outbox.over_high_water:
            await self._wait_until_drained()
        if packet.startswith(b"b"):
            self._refuse_binary()
        else:
            await self._take(packet)

    async def _body(self, request: web.Request) -> bytes:
        """The stock driver reads once and so truncates a body that comes in several chunks."""
        try:
            async with asyncio.timeout(self.engine.ping_timeout):
                return await read_body(request, TRANSPORT_LIMIT_BYTES)
        except PayloadTooLarge:
            raise stock_exceptions.ContentTooLongError() from None
        except TimeoutError:
            raise stock_exceptions.EngineIOError("the body took too long") from None

    # Packets -----------------------------------------------------------------------------------------------------

    async def _take(self, packet: bytes) -> None:
        self.liveness.heard_at = self.engine.clock()
        if packet[:1] == b"1":
            self._client_closed()
        if self.leaving or self.closed:
            return
        match packet[:1]:
            case b"4":
                await self._message(packet[1:])
            case b"3" | b"5" | b"6":
                pass
            case _:
                self._dismiss(MalformedPacket("The packet is not valid Engine.IO"))

    async def _message(self, packet: bytes) -> None:
        self.busy = True
        try:
            await self.engine.handlers["message"](self.sid, packet)
        finally:
            self.busy = False
            self.liveness.heard_at = self.engine.clock()

    async def _wait_until_drained(self) -> None:
        self.busy = True
        try:
            await self.outbox.drained()
        finally:
            self.busy = False
            self.liveness.heard_at = self.engine.clock()

    def _refuse_binary(self) -> None:
        self.liveness.heard_at = self.engine.clock()
        if self.connection.attachments_due:
            self.connection.attachments_due -= 1
        else:
            self._dismiss(BinaryNotSupported())

    def _dismiss(self, error: MalformedPacket | BinaryNotSupported) -> None:
        self.connection.dismiss(error.code, error.message, retryable=False)

    def _client_closed(self) -> None:
        self.finish("client disconnect")
        if self._transport is not None:
            self._transport.close()

    # The end -----------------------------------------------------------------------------------------------------

    def leave(self, last: list[Frame], reason: str, *, close_code: int, grace_s: float) -> None:
        """Queue the last frames, then close; what is not closed in time is cut. Nothing more is read."""
        if self.leaving or self.closed:
            return
        self.leaving = True
        self.reason = reason
        for frame in last:
            self.outbox.put(frame)
        if grace_s:
            self._timer = self.engine.call_later(grace_s, lambda: self._send_close(close_code))
        else:
            self._send_close(close_code)

    def _send_close(self, close_code: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.engine.call_later(CLOSE_WITHIN_S, lambda: self.abort(self.reason))
        if self._transport is not None:
            self.outbox.put(frames.close_frame(close_code))

    async def gone(self) -> None:
        """Returns when this session has ended; `leave` bounds the time."""
        if self.closed:
            return
        if self._gone is None:
            self._gone = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._gone)

    def abort(self, reason: str) -> None:
        self.finish(reason)
        if self._transport is not None:
            self._transport.abort()

    def let_go(self) -> None:
        """A slow consumer: it can't be told, only counted and cut."""
        if not self.closed:
            self.engine.on_let_go(self)
            self.abort("slow_consumer")

    def finish(self, reason: str) -> None:
        """From here on the session is over for everybody; its burial tells the hub. The first reason stays."""
        if self.closed:
            return
        self.closed = self.connection.closed = True
        self.reason = self.reason or reason
        if self._timer is not None:
            self._timer.cancel()
        if self._probing is not None:
            self._probing.abort()
        self.outbox.close()
        self.engine.sockets.pop(self.sid, None)
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """The stock server's way to end a polling session after a bad request. Never waits for the client."""
        self.abort(reason or "transport error")

    # The sweep -----------------------------------------------------------------------------------------------------

    @property
    def is_polled(self) -> bool:
        """Whether a poll waits for an answer."""
        return self._polling

    @property
    def buriable(self) -> bool:
        """A WebSocket's own task buries it; a polling session has none. Never while a call is being handled."""
        return self.closed and not self.upgraded and not self.busy

    def check(self, now: float) -> None:
        """About once a second: let stalled clients go, ping, and find the dead."""
        if self._transport is not None and self._transport.is_closing():
            self.finish("transport close")
        elif self.outbox.stalled_for_s(now) >= self.engine.stall_timeout:
            self.let_go()
        elif self.liveness.is_dead(now, self.outbox, busy=self.busy):
            self.abort("ping timeout")
        elif not self.connection.connected and now - self.since > self.engine.connect_timeout:
            self.abort("connect timeout")
        elif self.liveness.is_due(now) and not self.leaving:
            self.outbox.put(frames.PING)
            self.liveness.pinged(now)


async def open_websocket(request: web.Request) -> tuple[web.WebSocketResponse, AbstractStreamWriter]:
    """Answer the upgrade. Without compression: it costs 100 KB per connection. Raises HTTPBadRequest."""
    ws = web.WebSocketResponse(
        compress=False,
        max_msg_size=TRANSPORT_LIMIT_BYTES + 1,
        timeout=CLOSE_WITHIN_S,
        autoclose=False,
        decode_text=False,
    )
    writer = await ws.prepare(request)
    return ws, writer
