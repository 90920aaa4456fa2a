"""Engine.IO over aiohttp: who gets in, which sessions live, and the one sweep over all of them. Never reads events.

Every request is answered here: the stock path keeps the request's WSGI dictionary and five coroutines alive per
WebSocket, makes a task per message, and answers a body that it can't read as if it had been read.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

import engineio
import structlog
from aiohttp import web

from hub.socket import answers, frames
from hub.socket.engine_socket import HubSocket
from hub.socket.frames import Frame
from hub.socket.liveness import LATE
from hub.socket.websocket import TRANSPORT_LIMIT_BYTES, open_websocket
from models.errors import InvalidArgument, MethodNotAllowed, ParleyError

log = structlog.get_logger(__name__)

SWEEP_EVERY_S = 1.0
SWEEP_AT_ONCE = 500
"""Sessions looked at before the loop gets a turn: about a millisecond."""


class HubEngine(engineio.AsyncServer):  # type: ignore[misc]  # engineio is untyped
    """`gate` answers a request that may not talk to us, any request; `room` a handshake for which there is no room.
    `handlers` are the three of the stock server."""

    def __init__(
        self,
        *,
        gate: Callable[[web.Request], web.Response | None],
        room: Callable[[], web.Response | None],
        stall_timeout: float,
        connect_timeout: float | None,
        on_let_go: Callable[[HubSocket], None],
        **options: Any,
    ) -> None:
        super().__init__(monitor_clients=False, **options)
        self.gate = gate
        self.room = room
        self.stall_timeout = stall_timeout
        self.on_let_go = on_let_go
        self.connect_timeout = connect_timeout or self.ping_interval + self.ping_timeout
        self.clock = time.monotonic
        self.live: dict[str, HubSocket] = {}
        self._sweeper: asyncio.Task[None] | None = None

    def attach(self, app: web.Application, engineio_path: str = "engine.io") -> None:
        """The stock routes know three methods; what the others are told is for us to say too."""
        app.router.add_route("*", f"/{engineio_path.strip('/')}/", self.handle_request)

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        """Every HTTP request below the path. That a client is gone is no fault of anybody."""
        response: web.StreamResponse
        refused = self._refusal(request)
        if refused is not None:
            refused.headers.update(answers.HEADERS)
            return refused
        try:
            response = await self._handle(request)
        except ParleyError as error:
            response = answers.refusal(error)
        except ConnectionError:
            response = answers.payload([])  # to nobody
        if not response.prepared:
            answers.dress(request, response)
        return response

    def _refusal(self, request: web.Request) -> web.Response | None:
        """A sid is no proof that the origin was judged: who knows one may be any page."""
        if _wants_script(request):
            return answers.refusal(InvalidArgument("JSONP is not served", field="j"))
        return self.gate(request)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.method == "OPTIONS":
            return answers.payload([])
        sid = request.query.get("sid")
        if sid is None:
            return await self._begin(request)
        session = self.live.get(sid)
        if session is None or session.closed:
            raise InvalidArgument("There is no such session, or it has ended", field="sid")
        match request.method:
            case "GET" if _wants_websocket(request):
                return await session.upgrade(request)
            case "GET":
                _check_transport(request, "polling")
                return answers.payload(await session.poll(request))
            case "POST":
                await session.post(request)
                return answers.payload(["ok"])
            case _:
                raise MethodNotAllowed(allowed=list(answers.METHODS))

    async def _begin(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("EIO") != "4":
            raise InvalidArgument("Only version 4 of Engine.IO is served", field="EIO")
        if request.method != "GET":
            raise InvalidArgument("A session begins with a GET; any other request names its sid", field="sid")
        websocket = _wants_websocket(request)
        _check_transport(request, "websocket" if websocket else "polling")
        refusal = self.room()
        if refusal is not None:
            return refusal
        return await (self._open(request) if websocket else self._open_polling(request))

    async def _open(self, request: web.Request) -> web.StreamResponse:
        ws, writer = await open_websocket(request)
        session = await self._admit(request)
        session.outbox.put(self._handshake(session, upgrades=[]))
        await session.serve(ws, writer, request)
        return ws

    async def _open_polling(self, request: web.Request) -> web.StreamResponse:
        session = await self._admit(request)
        return answers.payload([self._handshake(session, upgrades=["websocket"]).text])

    async def _admit(self, request: web.Request) -> HubSocket:
        sid: str = self.generate_id()
        session = HubSocket(self, sid, request)
        self.live[sid] = session
        await self.handlers["connect"](sid, session)
        return session

    def _handshake(self, session: HubSocket, upgrades: list[str]) -> Frame:
        return frames.open_frame(
            {
                "sid": session.sid,
                "upgrades": upgrades,
                "pingInterval": int(self.ping_interval * 1000),
                "pingTimeout": int(self.ping_timeout * 1000),
                "maxPayload": TRANSPORT_LIMIT_BYTES,
            }
        )

    async def bury(self, session: HubSocket) -> None:
        """Forget a finished session and tell the layer above, once."""
        if session.sid in self.live:
            await self.handlers["disconnect"](session.sid, session.reason)
            self.live.pop(session.sid, None)

    def call_later(self, delay_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(delay_s, call)

    def start_sweeping(self) -> None:
        self._sweeper = asyncio.ensure_future(self._sweep_for_ever())

    async def stop_sweeping(self) -> None:
        """Stop, and cut and bury what is left."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        for session in list(self.live.values()):
            session.abort("server shutdown")
            if not session.upgraded:
                await self.bury(session)

    async def _sweep_for_ever(self) -> None:
        tick_s = min(
            SWEEP_EVERY_S,
            self.ping_interval / 4,
            self.ping_timeout * LATE,
            self.stall_timeout / 4,
            self.connect_timeout / 4,
        )
        while True:
            await asyncio.sleep(tick_s)
            await self.sweep()

    async def sweep(self) -> None:
        """One look at every session, with a pause for everybody else now and then."""
        for index, session in enumerate(list(self.live.values())):
            if index % SWEEP_AT_ONCE == SWEEP_AT_ONCE - 1:
                await asyncio.sleep(0)
            await self._look_at(session)

    async def _look_at(self, session: HubSocket) -> None:
        """A fault in one session must not stop the sweep for all."""
        try:
            if not session.closed:
                session.check(self.clock())
            if session.buriable:
                await self.bury(session)
        except Exception:
            log.exception("sweep_failed", sid=session.sid)


def _wants_script(request: web.Request) -> bool:
    """JSONP would answer with a script, which any page may embed without an Origin. Looked for as old clients write it,
    who encode the query twice."""
    return "j" in urllib.parse.parse_qs(request.query_string, keep_blank_values=True)


def _wants_websocket(request: web.Request) -> bool:
    return (
        request.method == "GET"
        and request.query.get("transport") == "websocket"
        and request.headers.get("Upgrade", "").lower() == "websocket"
    )


def _check_transport(request: web.Request, served: str) -> None:
    if request.query.get("transport") != served:
        raise InvalidArgument("The transport is polling, or websocket with the upgrade of HTTP", field="transport")
