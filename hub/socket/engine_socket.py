"""One client's Engine.IO session: polling, upgrade and WebSocket, and its end. Never looks into Socket.IO packets.

One task per WebSocket, none per message, none per ping.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from aiohttp import WSMessage, WSMsgType, web
from aiohttp.abc import AbstractStreamWriter

from hub.socket import frames
from hub.socket.answers import is_gone
from hub.socket.bodies import read_body
from hub.socket.connection import CLOSE_POLICY, Connection
from hub.socket.frames import Frame
from hub.socket.kernel import bound_send_buffer
from hub.socket.liveness import Liveness
from hub.socket.outbox import Outbox
from hub.socket.packets import BinaryNotSupported, MalformedPacket, is_utf8
from hub.socket.websocket import CLOSE_WITHIN_S, TRANSPORT_LIMIT_BYTES, close_code, open_websocket
from models.errors import InvalidArgument, PayloadTooLarge

CLOSE_BAD_TEXT = 1007
PROBE_WITHIN_S = 10.0
"""How long an upgrade may take from its first byte to its last."""
RELEASE_EVERY_S = 0.1
"""How often a poll that waits is answered with nothing while an upgrade waits for the client to stop polling. At once,
a client whose WebSocket is swallowed on the way would poll as fast as it can."""
CLIENT_LEFT = "client disconnect"
_CLIENT_TYPES = (b"1", b"3", b"4", b"5", b"6", b"b")
_SEPARATOR = frames.SEPARATOR.encode()
TURN_PACKETS = 64
"""So many packets of one client are handled before the others get a turn: a megabyte may hold a hundred thousand."""
BATCH_MAX_PACKETS = 10_000
"""In one request of a polling client."""


class SocketKeeper(Protocol):
    """What a session asks of the engine that keeps it. `handlers` are the stock server's."""

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

    handlers: dict[str, Callable[..., Awaitable[None]]]


class HubSocket:
    __slots__ = (
        "_candidate",
        "_gone",
        "_poll",
        "_posting",
        "_taken",
        "_timer",
        "_transport",
        "busy",
        "closed",
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
        # `upgrading` from the client's probe on, `upgraded` once nothing is polled any more.
        self.upgrading = self.upgraded = self.closed = self.leaving = False
        self.busy = False
        self._poll: web.Request | None = None
        self._posting = False
        self._taken = 0
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._gone: asyncio.Future[None] | None = None
        # The WebSocket that may take over from polling.
        self._candidate: asyncio.Transport | None = None

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
        """Move a polling session to this WebSocket: probe, wait until the client stopped polling, flush, go on. One
        that has moved, or is about to, moves no second time: such a WebSocket is closed."""
        if self.upgraded or self.upgrading:
            ws, _ = await open_websocket(request)
            await ws.close(code=CLOSE_POLICY, drain=False)
            return ws
        if self._candidate is not None:
            self._candidate.abort()  # the client has given it up, or it never got through
        candidate = self._candidate = request.transport
        try:
            ws, writer = await open_websocket(request)
            ready = await self._probe(ws)
        finally:
            if self._candidate is candidate:
                self._candidate = None
        if ready:
            await self.serve(ws, writer, request)
        else:
            await ws.close(drain=False)
        return ws

    async def _probe(self, ws: web.WebSocketResponse) -> bool:
        """Polling goes on undisturbed until the first frame has come through."""
        try:
            async with asyncio.timeout(PROBE_WITHIN_S):
                if (await _receive(ws)).data != b"2probe" or self.upgrading or self.upgraded or self.closed:
                    return False
                self.upgrading = True
                try:
                    await ws.send_str("3probe")
                    self.outbox.release()
                    last = await _receive(ws)
                finally:
                    self.upgrading = False
        except (TimeoutError, ConnectionError):
            return False
        return last.data == b"5" and not (self.closed or self._posting)

    def _attach(self, transport: asyncio.Transport, writer: AbstractStreamWriter) -> None:
        bound_send_buffer(transport)
        self._transport = transport
        self.upgraded = True
        self.outbox.attach(transport, writer)
        self.outbox.release()
        if self.leaving:
            self._send_close(CLOSE_POLICY)

    async def _read(self, ws: web.WebSocketResponse) -> None:
        while not self.closed:
            if self.outbox.over_high_water:
                await self._wait_until_drained()
            message = await ws.receive()
            match message.type:
                case WSMsgType.TEXT if not is_utf8(message.data):
                    self.leave([], "text that is not UTF-8", close_code=CLOSE_BAD_TEXT, grace_s=0.0)
                case WSMsgType.TEXT:
                    await self._take(message.data)
                case WSMsgType.BINARY:
                    self._refuse_binary()
                case WSMsgType.PING:
                    self.liveness.heard()
                    self.outbox.put(frames.pong_frame(message.data))
                case WSMsgType.PONG:
                    self.liveness.heard()
                case WSMsgType.CLOSE:
                    await self._answer_close(ws, close_code(message.data))
                    return
                case _:
                    return

    async def _answer_close(self, ws: web.WebSocketResponse, code: int) -> None:
        if self.leaving and self._transport is not None:
            self._transport.close()
        await ws.close(code=code, drain=False)

    def _settle_transport(self) -> None:
        """A peer that has closed takes nothing more: what is still buffered must not keep the transport alive."""
        if self._transport is not None and self._transport.get_write_buffer_size():
            self._transport.abort()

    # Polling -------------------------------------------------------------------------------------------------------

    async def poll(self, request: web.Request) -> list[str]:
        """The packets that answer this poll. Raises InvalidArgument when the session is over or not polled."""
        await self._admit("" if self._poll is None else "overlapping polls")
        self._poll = request
        try:
            packets = await self._next_packets()
            self.outbox.carried_by(request.transport)
            if self.leaving and packets != [frames.NOOP.text]:
                self.finish(self.reason)
            elif is_gone(request):
                self.finish("transport close")  # what was taken for it is lost
        except asyncio.CancelledError:
            self.finish("transport close")
            raise
        finally:
            self._poll = None
            await self._bury_if_over()
        return packets

    async def _next_packets(self) -> list[str]:
        frames_due = await self.outbox.poll(RELEASE_EVERY_S if self.upgrading else None)
        if frames_due or not self.closed:
            return [frame.text for frame in frames_due] or [frames.NOOP.text]
        return [frames.NOOP.text if self.reason == CLIENT_LEFT else frames.CLOSE.text]

    async def post(self, request: web.Request) -> None:
        """One batch of packets, handled in order before it is answered; one that can't be read ends the session. Raises
        InvalidArgument, PayloadTooLarge."""
        await self._admit("overlapping posts" if self._posting else "")
        self._posting = True
        try:
            for packet in await self._read_batch(request):
                await self._take_polled(packet)
        except BaseException:
            self.abort("transport error")
            raise
        finally:
            self._posting = False
            await self._bury_if_over()

    async def _admit(self, fault: str) -> None:
        """A client that is dead by now is dead, even before the sweep has found it."""
        self.check(self.engine.clock())
        if fault:
            self.abort(fault)
        await self._bury_if_over()
        if self.closed or self.upgraded:
            raise InvalidArgument(fault or "The session has ended, or is carried by a WebSocket", field="sid")
        self.liveness.heard()

    async def _bury_if_over(self) -> None:
        """Sooner than the sweep would."""
        if self.buriable:
            await self.engine.bury(self)

    async def _read_batch(self, request: web.Request) -> list[bytes]:
        """All or nothing: what stands before an unreadable packet is not carried out."""
        body = await self._body(request)
        if body.count(_SEPARATOR) >= BATCH_MAX_PACKETS:
            raise PayloadTooLarge(field="body", limit=BATCH_MAX_PACKETS)
        batch = body.split(_SEPARATOR)
        if not is_utf8(body) or not all(packet[:1] in _CLIENT_TYPES for packet in batch):
            raise MalformedPacket("The body is not a payload of Engine.IO")
        return batch

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
        """Whoever breaks off is no error, and a body in an unknown coding is bad input."""
        try:
            async with asyncio.timeout(self.engine.ping_timeout):
                return await read_body(request, TRANSPORT_LIMIT_BYTES)
        except (TimeoutError, OSError, web.RequestPayloadError):
            raise InvalidArgument("The body broke off, took too long, or is not encoded as it says") from None

    # Packets -----------------------------------------------------------------------------------------------------

    async def _take(self, packet: bytes) -> None:
        self.liveness.heard()
        if packet[:1] == b"1":
            self._client_closed()
        if self.leaving or self.closed:
            return
        self._taken += 1
        if self._taken % TURN_PACKETS == 0:
            await asyncio.sleep(0)
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
            self.liveness.excuse(self.engine.clock())

    async def _wait_until_drained(self) -> None:
        self.busy = True
        try:
            await self.outbox.drained()
        finally:
            self.busy = False
            self.liveness.excuse(self.engine.clock())

    def _refuse_binary(self) -> None:
        self.liveness.heard()
        if self.connection.attachments_due:
            self.connection.attachments_due -= 1
        else:
            self._dismiss(BinaryNotSupported())

    def _dismiss(self, error: MalformedPacket | BinaryNotSupported) -> None:
        self.connection.dismiss(error.code, error.message, retryable=False)

    def _client_closed(self) -> None:
        self.finish(CLIENT_LEFT)
        if self._transport is not None:
            self._transport.close()

    async def renew(self) -> None:
        """The client left and may connect once more, as if its session had just begun."""
        self.since = self.engine.clock()
        await self.engine.handlers["connect"](self.sid, self)

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
        if self._candidate is not None:
            self._candidate.abort()
        self.outbox.close()
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    # The sweep -----------------------------------------------------------------------------------------------------

    @property
    def is_polled(self) -> bool:
        """Whether a poll waits for an answer."""
        return self._poll is not None

    @property
    def buriable(self) -> bool:
        """A WebSocket's own task buries it; a polling session has none. Never while a call is being handled."""
        return self.closed and not self.upgraded and not self.busy

    def check(self, now: float) -> None:
        """About once a second: let stalled clients go, ping, and find the dead."""
        if (self._transport is not None and self._transport.is_closing()) or (
            self._poll is not None and is_gone(self._poll)
        ):
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


async def _receive(ws: web.WebSocketResponse) -> WSMessage:
    """The next message before the outbox is attached."""
    while (message := await ws.receive()).type in (WSMsgType.PING, WSMsgType.PONG):
        if message.type is WSMsgType.PING:
            await ws.pong(message.data)
    return message
