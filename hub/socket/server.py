"""Socket.IO over our Engine.IO: connect, calls in order, every one acknowledged. Never uses the stock rooms or tasks.

The stock manager keeps two bidicts per client and scans every room at a disconnect; the hub has its own index, so the
manager stays empty and the three Engine.IO handlers are replaced.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import socketio
import structlog
from aiohttp import web

from hub.socket import frames, packets
from hub.socket.antechamber import Antechamber
from hub.socket.calls import Ack, CallHandler
from hub.socket.connection import Connection
from hub.socket.engine import HubEngine
from hub.socket.engine_socket import CLIENT_LEFT, HubSocket
from hub.socket.packets import BinaryNotSupported, MalformedPacket, NotConnected, PacketHead, UnknownNamespace
from hub.socket.proxies import crowd_of
from models.errors import ParleyError, PayloadTooLarge, TooManyConnections, forget_frames
from services.operating.seldom import Seldom

log = structlog.get_logger(__name__)

PAYLOAD_LIMIT_BYTES = 1_000_000
INTRODUCTION_LIMIT_BYTES = 16 * 1024
"""For what comes before it is known who is there: a token, and something around it."""
_CALLS = (packets.EVENT, packets.BINARY_EVENT)


class HubServer(socketio.AsyncServer):  # type: ignore[misc]  # socketio is untyped
    eio: HubEngine

    def __init__(
        self,
        handler: CallHandler,
        *,
        antechamber: Antechamber[HubSocket],
        max_connections: int,
        client_of: Callable[[web.Request], str],
        **options: Any,
    ) -> None:
        stock_log = logging.getLogger("parley.socketio")
        super().__init__(async_mode="aiohttp", logger=stock_log, engineio_logger=stock_log, **options)
        self.handler = handler
        self.connections: dict[str, Connection] = {}
        self.antechamber = antechamber
        self.max_connections = max_connections
        self.client_of = client_of
        self._seldom = Seldom(log)

    @property
    def is_full(self) -> bool:
        """Who has not been introduced takes no place."""
        return len(self.connections) >= self.max_connections

    def _engineio_server_class(self) -> type[HubEngine]:
        return HubEngine

    async def _handle_eio_connect(self, eio_sid: str, environ: HubSocket) -> None:
        # socket.id is shown around, the Engine.IO sid is a polling client's key: they must differ.
        environ.connection = Connection(self.eio.generate_id(), environ.request, environ)
        crowded_out = self.antechamber.enter(environ, crowd_of(self.client_of(environ.request)))
        if crowded_out is not None:
            self._seldom.say(logging.WARNING, "handshakes crowded out", peer=self.client_of(crowded_out.request))
            crowded_out.abort("crowded out")
            if crowded_out.buriable:
                await self.eio.bury(crowded_out)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        session = self.eio.live[eio_sid]
        self.antechamber.leave(session)
        self._forget(session.connection, reason)

    def _forget(self, connection: Connection, reason: str) -> None:
        if self.connections.pop(connection.sid, None) is None:
            return
        try:
            self.handler.on_disconnect(connection, reason)
        except Exception:
            log.exception("disconnect_failed", sid=connection.sid)

    async def _handle_eio_message(self, eio_sid: str, data: bytes) -> None:
        session = self.eio.live[eio_sid]
        connection, introduced = session.connection, session.connection.connected
        connection.attachments_due = 0
        try:
            head = packets.read_head(data)
        except MalformedPacket as error:
            connection.dismiss(error.code, error.message, retryable=False)
            return
        try:
            await self._dispatch(connection, head, data)
        except ParleyError as error:
            self._refuse(connection, head, error)
        if connection.connected and not introduced:
            self.antechamber.leave(session)

    async def _dispatch(self, connection: Connection, head: PacketHead, packet: bytes) -> None:
        limit = PAYLOAD_LIMIT_BYTES if connection.connected else INTRODUCTION_LIMIT_BYTES
        if len(packet) > limit:
            raise PayloadTooLarge(limit=limit, size=len(packet))
        match head.type:
            case packets.EVENT:
                await self._call(connection, head, packet)
            case packets.CONNECT:
                await self._connect(connection, head, packet)
            case packets.DISCONNECT if head.namespace == b"/" and connection.connected:
                await self._depart(connection)
            case packets.DISCONNECT:
                pass  # from where it is not
            case packets.ACK:
                pass  # nothing we send asks for one
            case packets.BINARY_EVENT | packets.BINARY_ACK:
                connection.attachments_due = head.attachments
                raise BinaryNotSupported()
            case _:
                raise MalformedPacket("A client sends no such packet")

    async def _depart(self, connection: Connection) -> None:
        """The client left the namespace. Its transport stays for another connect packet, as after a refusal."""
        connection.closed = True
        self._forget(connection, CLIENT_LEFT)
        await connection.link.renew()

    def _refuse(self, connection: Connection, head: PacketHead, error: ParleyError) -> None:
        """In the ack where there is one to give; else by a goodbye: never silence."""
        if head.type in _CALLS and head.ack_id is not None:
            connection.answer(frames.ack_frame(head.namespace, head.ack_id, _failure(error).data))
        else:
            connection.dismiss(error.code, error.message, retryable=False)

    async def _call(self, connection: Connection, head: PacketHead, packet: bytes) -> None:
        if head.namespace != b"/":
            raise UnknownNamespace()
        if not connection.connected:
            raise NotConnected()
        name, args = packets.read_event(packet, head)
        ack = await self._ask(connection, name, args)
        if head.ack_id is not None:
            connection.answer(self._ack(head, name, ack))
        if ack.then is not None:
            self._go_on(connection, name, ack.then)

    async def _ask(self, connection: Connection, name: str, args: list[object]) -> Ack:
        try:
            return await self.handler.on_call(connection, name, args)
        except ParleyError as error:
            forget_frames(error)
            return _failure(error)
        except Exception as error:
            log.exception("call_failed", call=name[:64], sid=connection.sid)
            forget_frames(error)
            return _failure(ParleyError())

    def _ack(self, head: PacketHead, name: str, ack: Ack) -> frames.Frame:
        ack_id = head.ack_id or b""
        try:
            return frames.ack_frame(head.namespace, ack_id, {"ok": True} | ack.data)
        except (TypeError, ValueError):
            log.exception("ack_not_json", call=name[:64])
            return frames.ack_frame(head.namespace, ack_id, _failure(ParleyError()).data)

    def _go_on(self, connection: Connection, name: str, then: Callable[[], None]) -> None:
        """The ack promised what `then` does. If that fails, the client must start over, not wait."""
        try:
            then()
        except Exception:
            log.exception("call_failed_after_ack", call=name[:64], sid=connection.sid)
            connection.dismiss("internal_error", "Internal error", retryable=True)

    async def _connect(self, connection: Connection, head: PacketHead, packet: bytes) -> None:
        if head.namespace != b"/":
            error = UnknownNamespace().to_wire()
            connection.answer(frames.connect_error_frame(head.namespace, error))
            return
        if connection.connecting:
            raise MalformedPacket("Connected already")
        connection.connecting = True
        auth = packets.read_auth(packet, head)
        refusal = await self._introduce(connection, auth)
        if refusal is not None:
            connection.turn_away(refusal.to_wire())
            return
        self.connections[connection.sid] = connection
        connection.welcome()

    async def _introduce(self, connection: Connection, auth: object) -> ParleyError | None:
        if self.is_full:
            return TooManyConnections()
        try:
            await self.handler.on_connect(connection, auth)
        except ParleyError as error:
            return error
        except Exception:
            log.exception("connect_failed", sid=connection.sid)
            return ParleyError()
        return None


def _failure(error: ParleyError) -> Ack:
    return Ack({"ok": False, "error": error.to_wire()})
