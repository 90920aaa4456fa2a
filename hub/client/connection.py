"""One connection to the hub that heals itself: calls with answers, events, connecting again for ever.

A lost or stalled connection is replaced, with growing waits. A call without an answer counts as a stalled socket. Knows
no session's contents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp
import socketio
import structlog

from hub.client.errors import CallError, CallFailed, ConnectionLost, NoAnswer
from hub.client.wire import Json
from models.backoff import Backoff

log = structlog.get_logger(__name__)

ConnectionState = Literal["connecting", "connected", "reconnecting", "closed"]
BACKOFF_S = (0.1, 5.0)
"""The first and the longest bound of the wait between attempts, which never end."""
CALL_TIMEOUT_S = 10.0
LIBRARY_TIMEOUT_S = 3600.0
"""python-engineio stops sending when no ping came in time, but on a slow line pings wait behind events. The watchdog
here takes its place."""
ARRIVE_WITHIN_S = 1.0
"""How long closing the client waits for a connection that is just being made."""
SILENCE_S = 30.0
"""A connection that brought nothing for this long (heads come every 25 s) is probed by asking for something."""
SERVER_EVENTS = ("event", "signal", "head", "presence", "user_state", "resync", "goodbye")


@dataclass(frozen=True)
class ConnectionHooks:
    """Called with what happens. `opening`: a new one is about to be made. `ask`: it is open, or was silent for long, so
    whatever is wanted from the server has to be asked for. `take`: an event of the server."""

    opening: Callable[[], None]
    ask: Callable[[], None]
    take: Callable[[str, Json], None]


class ClientConnection:
    """`on` has callbacks for server events, by name; those that are there when a connection is made are called. Without
    an answer within `call_timeout_s` a call counts as lost."""

    def __init__(
        self,
        url: str,
        token: str | None,
        hooks: ConnectionHooks,
        *,
        call_timeout_s: float = CALL_TIMEOUT_S,
        silence_s: float = SILENCE_S,
        backoff_s: tuple[float, ...] = BACKOFF_S,
        on_state: Callable[[ConnectionState], None] | None = None,
    ) -> None:
        self.state: ConnectionState = "connecting"
        self.refusal: Json | None = None
        self.on: dict[str, Callable[[Json], None]] = {}
        self.call_timeout_s = call_timeout_s
        self.backoff = Backoff(backoff_s[0], backoff_s[-1])
        self._url = url
        self._token = token
        self._hooks = hooks
        self._silence_s = silence_s
        self._on_state = on_state
        self._socket: socketio.AsyncClient | None = None
        self._lost = asyncio.Event()
        self._ready = asyncio.Event()
        self._heard_at = 0.0
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to connect; returns at once."""
        self._keeper = asyncio.get_running_loop().create_task(self._keep_connected())

    def stop(self) -> None:
        """No further attempt is made."""
        self._set_state("closed")
        if self._keeper is not None:
            self._keeper.cancel()

    async def close(self) -> None:
        self.stop()
        if self._keeper is not None:
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._drop()
        self._ready.set()  # who waits for a connection learns that there will be none

    async def connected(self) -> None:
        """Waits for a connection. Raises CallFailed when the server refused it for good, ConnectionLost when closed."""
        self._check_open()
        await self._ready.wait()
        self._check_open()

    async def call(self, name: str, arguments: Json | None = None, *, timeout_s: float | None = None) -> Json:
        """One call, once. Raises CallFailed for `ok: false`, ConnectionLost when no answer came in time."""
        await self.connected()
        socket = self._socket
        if socket is None:
            raise ConnectionLost("Not connected", "not_connected")
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()

        def answered(ack: Json) -> None:
            if not answer.done():
                answer.set_result(ack)

        try:
            await socket.emit(name, arguments or {}, callback=answered)
            ack = await self._answer_or_loss(answer, timeout_s or self.call_timeout_s)
        except socketio.exceptions.SocketIOError as error:
            raise ConnectionLost(str(error)) from error
        if not ack["ok"]:
            raise CallFailed(ack["error"])
        return ack

    async def pause_after(self, failed: CallError, failures: int) -> None:
        """Waits before another try, after so many. Raises `failed` when there is no use in one."""
        if not failed.retryable or self.state == "closed":
            raise failed
        await asyncio.sleep(self.backoff.wait_s(failures))

    async def _answer_or_loss(self, answer: asyncio.Future[Json], timeout_s: float) -> Json:
        lost = self._lost
        watch = asyncio.get_running_loop().create_task(_when(lost, answer))
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            # Nothing came in time: whatever the socket says of itself, it is of no use.
            lost.set()
            raise NoAnswer(f"No answer within {timeout_s} s") from None
        finally:
            watch.cancel()

    def _check_open(self) -> None:
        if self.refusal:
            raise CallFailed(self.refusal)
        if self.state == "closed":
            raise ConnectionLost("The client is closed")

    async def _keep_connected(self) -> None:
        failures = 0
        while self.state != "closed":
            if await self._connect():
                failures = 0
                await self._watch()
            await self._drop()
            if self.refusal is not None:
                self._set_state("closed")
                self._ready.set()
                return
            self._set_state("reconnecting")
            failures += 1
            await asyncio.sleep(self.backoff.wait_s(failures))

    async def _connect(self) -> bool:
        self._lost = lost = asyncio.Event()
        self._hooks.opening()
        socket = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        refusals: list[Any] = []
        for name in {*SERVER_EVENTS, *self.on}:
            socket.on(name, self._receiver(name, lost))
        socket.on("disconnect", lambda *_: lost.set())
        socket.on("connect_error", refusals.append)
        self._socket = socket
        try:
            await self._arrive(socket)
        except (socketio.exceptions.SocketIOError, aiohttp.ClientError, OSError, TimeoutError):
            self.refusal = next((_refusal(each) for each in refusals if _refusal(each)), None)
            return False
        socket.eio.ping_timeout = LIBRARY_TIMEOUT_S
        self._heard_at = asyncio.get_running_loop().time()
        self._set_state("connected")
        self._ready.set()
        self._hooks.ask()
        return True

    async def _arrive(self, socket: socketio.AsyncClient) -> None:
        """The handshakes. The library leaks a WebSocket when it is cancelled in between, so it may end them first."""
        auth = {"token": self._token} if self._token else {}
        connecting = asyncio.get_running_loop().create_task(
            socket.connect(self._url, transports=["websocket"], auth=auth, wait_timeout=self.call_timeout_s)
        )
        try:
            async with asyncio.timeout(self.call_timeout_s):
                await asyncio.shield(connecting)
        except (asyncio.CancelledError, TimeoutError):
            await asyncio.wait((connecting,), timeout=ARRIVE_WITHIN_S)
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
            raise

    async def _watch(self) -> None:
        """Returns when the connection is lost, or when it is silent and a probe has no answer."""
        while not self._lost.is_set():
            silent_for_s = asyncio.get_running_loop().time() - self._heard_at
            try:
                async with asyncio.timeout(max(0.05, self._silence_s - silent_for_s)):
                    await self._lost.wait()
            except TimeoutError:
                if asyncio.get_running_loop().time() - self._heard_at >= self._silence_s:
                    self._heard_at = asyncio.get_running_loop().time()
                    self._hooks.ask()

    async def _drop(self) -> None:
        socket, self._socket = self._socket, None
        self._ready.clear()
        if socket is not None:
            await socket.eio.disconnect(abort=True)

    def _receiver(self, name: str, lost: asyncio.Event) -> Callable[[Json], None]:
        def receive(data: Json) -> None:
            if lost is not self._lost or lost.is_set():
                return  # a straggler of a connection that was given up
            self._heard_at = asyncio.get_running_loop().time()
            if name == "goodbye":
                self._hear_goodbye(data)
            else:
                self._hooks.take(name, data)
            if name in self.on:
                self.on[name](data)

        return receive

    def _hear_goodbye(self, data: Json) -> None:
        log.info("the server said goodbye", code=data["code"], reason=data["reason"])
        if not data["retryable"]:
            self.refusal = {**data, "message": data["reason"], "details": {}}

    def _set_state(self, state: ConnectionState) -> None:
        if state != self.state and self.state != "closed":
            self.state = state
            if self._on_state is not None:
                self._on_state(state)


async def _when(lost: asyncio.Event, answer: asyncio.Future[Json]) -> None:
    await lost.wait()
    if not answer.done():
        answer.set_exception(ConnectionLost("The connection was lost"))


def _refusal(data: Any) -> Json | None:
    """The error with which a server refuses a connection for good."""
    error = data.get("data") if isinstance(data, dict) else None
    return error if isinstance(error, dict) and "code" in error and not error.get("retryable") else None
