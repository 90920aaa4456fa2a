"""The door for Socket.IO clients: attach it to an aiohttp application and give it a handler. Never knows sessions.

Transport ── HubServer (Socket.IO: connect, calls, acks) ── HubEngine (Engine.IO: handshakes, the sweep)
                 └─ Connection, one per client  ────────────── HubSocket ── Outbox
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import structlog
from aiohttp import web

from hub.socket.answers import refusal
from hub.socket.antechamber import Antechamber
from hub.socket.bodies import check_coding
from hub.socket.calls import Ack, CallHandler
from hub.socket.connection import Connection
from hub.socket.engine_socket import HubSocket
from hub.socket.server import HubServer
from models.errors import Draining, ParleyError, TooManyConnections

__all__ = ["Ack", "CallHandler", "Connection", "Transport"]

log = structlog.get_logger(__name__)

MAX_CONNECTIONS = 10_000
"""At 25 KB for an idle connection a quarter of a gigabyte."""
FEWEST_STRANGERS = 64
STRANGERS_PART = 10
"""Where a token is demanded, clients that have not shown it yet may be one for so many places: enough for the wave of
reconnections after a restart."""


def remote(request: web.Request) -> str:
    """The client's address where no proxy is in between."""
    return request.remote or ""


class Transport:
    """`on_let_go` is told the goodbye code of each client that is cut without a goodbye, for the metrics.

    With `connect_timeout_s` strangers are few: who has not shown a token within that time is cut, and takes no place
    before. Without it nobody is a stranger.
    """

    def __init__(
        self,
        handler: CallHandler,
        *,
        ping_interval_s: float = 25,
        ping_timeout_s: float = 20,
        stall_timeout_s: float = 10,
        connect_timeout_s: float | None = None,
        max_connections: int = MAX_CONNECTIONS,
        client_of: Callable[[web.Request], str] = remote,
        on_let_go: Callable[[str], None] | None = None,
    ) -> None:
        self._handler = handler
        self._on_let_go = on_let_go
        self._client_of = client_of
        self._draining = False
        self._server = HubServer(
            handler,
            antechamber=_antechamber(max_connections, strangers=connect_timeout_s is not None),
            max_connections=max_connections,
            client_of=client_of,
            connect_timeout=connect_timeout_s,
            gate=self._gate,
            room=self._room,
            ping_interval=ping_interval_s,
            ping_timeout=ping_timeout_s,
            stall_timeout=stall_timeout_s,
            on_let_go=self._let_go,
        )

    @property
    def connections(self) -> Mapping[str, Connection]:
        """Connected clients by `Connection.sid`."""
        return self._server.connections

    @property
    def draining(self) -> bool:
        return self._draining

    def attach(self, app: web.Application, path: str = "socket.io") -> None:
        """Add the routes; the sweep starts and stops with the application, whose shutdown drains first."""
        self._server.attach(app, path)
        app.cleanup_ctx.append(self._sweeping)
        app.on_shutdown.append(self._shut_down)

    def close_door(self) -> None:
        """Refuse new handshakes; who is connected stays."""
        self._draining = True

    def begin_draining(self) -> None:
        """Refuse new handshakes and tell every client to come back; returns at once."""
        self.close_door()
        for session in list(self._server.eio.live.values()):
            session.connection.dismiss(Draining.code, Draining.default_message, retryable=True)

    async def drain(self) -> None:
        """Begin draining and wait until all clients are gone (about 2 s at most)."""
        self.begin_draining()
        await asyncio.gather(*(session.gone() for session in list(self._server.eio.live.values())))
        await self._server.eio.sweep()

    def _gate(self, request: web.Request) -> web.Response | None:
        try:
            self._handler.admit(request)
            check_coding(request)
        except ParleyError as error:
            return refusal(error)
        return None

    def _room(self) -> web.Response | None:
        if self._draining:
            return refusal(Draining())
        if self._server.is_full:
            return refusal(TooManyConnections())
        return None

    def _let_go(self, session: HubSocket) -> None:
        log.warning(
            "slow_consumer",
            goodbye="slow_consumer",
            sid=session.connection.sid,
            peer=self._client_of(session.request),
            backlog_bytes=session.outbox.backlog_bytes,
        )
        if self._on_let_go is not None:
            self._on_let_go("slow_consumer")

    async def _sweeping(self, app: web.Application) -> AsyncIterator[None]:
        self._server.eio.start_sweeping()
        yield
        await self._server.eio.stop_sweeping()

    async def _shut_down(self, app: web.Application) -> None:
        await self.drain()


def _antechamber(max_connections: int, *, strangers: bool) -> Antechamber[HubSocket]:
    if not strangers:
        return Antechamber(max_connections, share=max_connections)
    allowance = max(FEWEST_STRANGERS, max_connections // STRANGERS_PART)
    return Antechamber(allowance, share=allowance // 2)
