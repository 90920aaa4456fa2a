"""The Python client: a connection that heals itself, and the sessions that are open on it.

It never gives up: a lost or stalled connection is replaced, with growing waits, and every open session joins again from
its cursor. A call without an answer counts as a stalled socket. In signal mode it pulls by REST what was announced.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Literal, Self

import aiohttp
import socketio
import structlog

from hub.client.errors import CallFailed, ClientError, ConnectionLost, NoAnswer
from hub.client.session_view import Json, Mode, SessionView
from hub.client.user_state import ClientState
from models.clock import SYSTEM_CLOCK, Clock

__all__ = ["CallFailed", "ClientError", "ConnectionLost", "HubClient", "NoAnswer", "SessionView", "State"]

log = structlog.get_logger(__name__)

State = Literal["connecting", "connected", "reconnecting", "closed"]
BACKOFF_S = (0.1, 0.3, 1.0, 2.0, 5.0)
"""Waits between attempts, each shortened by a random part of up to a half; the last one repeats."""
CALL_TIMEOUT_S = 10.0
JOIN_TIMEOUT_MAX_S = 120.0
"""An answer to a join may hold 256 KiB, which a line of 8 KB/s carries for half a minute: after a join without an
answer the next one gets twice the time, up to this."""
LIBRARY_TIMEOUT_S = 3600.0
"""python-engineio stops sending when no ping came in time, but on a slow line pings wait behind events. The watchdog
here takes its place."""
ARRIVE_WITHIN_S = 1.0
"""How long closing the client waits for a connection that is just being made."""
SILENCE_S = 30.0
"""A connection that brought nothing for this long (heads come every 25 s) is probed by joining again."""
PULLED_AT_ONCE = 50
"""Messages in one request, after a switch to a branch that this client has not seen."""


class HubClient:
    """`async with HubClient(url) as hub: view = await hub.open(session_id)`. One loop, any number of sessions.

    `keep_events` keeps in each view's `events` all that was applied, for who compares; without it memory is bounded.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        call_timeout_s: float = CALL_TIMEOUT_S,
        silence_s: float = SILENCE_S,
        backoff_s: tuple[float, ...] = BACKOFF_S,
        on_state: Callable[[State], None] | None = None,
        keep_events: bool = False,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.url = url.rstrip("/")
        self.state: State = "connecting"
        self.refused: Json | None = None
        self.views: dict[str, SessionView] = {}
        self.on: dict[str, Callable[[Json], None]] = {}
        self._token = token
        self._call_timeout_s = call_timeout_s
        self._join_timeout_s = call_timeout_s
        self._silence_s = silence_s
        self._backoff_s = backoff_s
        self._on_state = on_state
        self._clock = clock
        self._keep_events = keep_events
        self._socket: socketio.AsyncClient | None = None
        self._lost = asyncio.Event()
        self._ready = asyncio.Event()
        self._heard_at = 0.0
        self._keeper: asyncio.Task[None] | None = None
        self._chores: set[asyncio.Task[None]] = set()
        self._pulling: set[SessionView] = set()
        self._http: aiohttp.ClientSession | None = None
        self._state = ClientState(self._request, self._again)

    @property
    def user_state(self) -> Json | None:
        """The user's own state, the newest that came; None before the first."""
        return self._state.newest

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def start(self) -> None:
        """Begins to connect; returns at once."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        self._http = aiohttp.ClientSession(headers=headers)
        self._keeper = asyncio.get_running_loop().create_task(self._keep_connected())

    async def close(self) -> None:
        self._set_state("closed")
        tasks = [task for task in (self._keeper, *self._chores) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._drop()
        self._ready.set()  # who waits for a connection learns that there will be none
        if self._http is not None:
            await self._http.close()

    async def open(self, session_id: str, mode: Mode = "push", *, timeout_s: float = 30.0) -> SessionView:
        """Joins a session and keeps it joined. Raises CallFailed when the server refuses, TimeoutError."""
        view = SessionView(session_id, mode, keep_events=self._keep_events)
        async with asyncio.timeout(timeout_s):
            while view.snapshot is None:
                await self._connected()
                try:
                    await self._open(view)
                except ConnectionLost as lost:
                    log.info("opened once more", session=session_id, reason=str(lost))
                    await asyncio.sleep(self._backoff_s[0])
        return view

    async def _open(self, view: SessionView) -> None:
        """One join. Only a view that is joining or joined may be kept: the next connection joins all of them."""
        self.views[view.session_id] = view
        try:
            await self._join(view)
        except BaseException:
            if view.snapshot is None and self.views.get(view.session_id) is view:
                del self.views[view.session_id]
            raise

    async def leave(self, session_id: str) -> None:
        self.views.pop(session_id, None)
        await self.call("leave_session", {"sessionId": session_id})

    async def send_message(
        self, session_id: str, content: str, *, timeout_s: float = 60.0, **arguments: object
    ) -> Json:
        """Sends until the server has answered: the clientMessageId makes repetition harmless (I10). Returns the ack.
        Raises CallFailed, TimeoutError."""
        message = {"sessionId": session_id, "content": content, "clientMessageId": self._clock.new_id(), **arguments}
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    return await self.call("send_message", message)
                except (ConnectionLost, CallFailed) as failed:
                    await self._again(failed)

    async def cancel_run(self, session_id: str, run_id: str | None = None) -> Json:
        return await self.call("cancel_run", {"sessionId": session_id, **({"runId": run_id} if run_id else {})})

    async def update_state(self, patch: Json, *, timeout_s: float = 60.0) -> Json:
        """Merges a patch (null removes) into the user's own state; when another client was faster, into theirs.
        Returns the state with it. Raises CallFailed, TimeoutError."""
        async with asyncio.timeout(timeout_s):
            return await self._state.update(patch)

    async def _again(self, failed: CallFailed | ConnectionLost) -> None:
        """Waits before another try. Raises `failed` when there is no use in one."""
        if not failed.retryable or self.state == "closed":
            raise failed
        await asyncio.sleep(self._backoff_s[0])

    async def call(self, name: str, arguments: Json | None = None, *, timeout_s: float | None = None) -> Json:
        """One call, once. Raises CallFailed for `ok: false`, ConnectionLost when no answer came in time."""
        await self._connected()
        socket = self._socket
        if socket is None:
            raise ConnectionLost("Not connected")
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()

        def answered(ack: Json) -> None:
            if not answer.done():
                answer.set_result(ack)

        try:
            await socket.emit(name, arguments or {}, callback=answered)
            ack = await self._answer_or_loss(answer, timeout_s or self._call_timeout_s)
        except socketio.exceptions.SocketIOError as error:
            raise ConnectionLost(str(error)) from error
        if not ack["ok"]:
            raise CallFailed(ack["error"])
        return ack

    async def get(self, path: str, **query: str | int) -> Json:
        """A REST read, for example `/api/sessions/running`. Raises ConnectionLost, CallFailed."""
        return await self._request("GET", path, params=query)

    async def post(self, path: str, body: Json) -> Json:
        """A REST write. Raises ConnectionLost (it may have been carried out), CallFailed."""
        return await self._request("POST", path, json=body)

    async def _request(self, method: str, path: str, **arguments: Any) -> Json:
        if self._http is None or self._http.closed:
            raise ConnectionLost("Not connected")
        try:
            async with self._http.request(method, self.url + path, **arguments) as response:
                body: Json = await response.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ConnectionLost(str(error)) from error
        if response.status >= 400:
            raise CallFailed({**body, "message": body["error"]})
        return body

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

    async def _connected(self) -> None:
        """Waits for a connection. Raises CallFailed when the server refused it for good, ConnectionLost when closed."""
        self._check_open()
        await self._ready.wait()
        self._check_open()

    def _check_open(self) -> None:
        if self.refused:
            raise CallFailed(self.refused)
        if self.state == "closed":
            raise ConnectionLost("The client is closed")

    async def _keep_connected(self) -> None:
        attempt = 0
        while self.state != "closed":
            if await self._connect():
                attempt = 0
                await self._watch()
            await self._drop()
            if self.refused is not None:
                self._set_state("closed")
                self._ready.set()
                return
            self._set_state("reconnecting")
            wait_s = self._backoff_s[min(attempt, len(self._backoff_s) - 1)]
            attempt += 1
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 -- jitter, not a secret

    async def _connect(self) -> bool:
        self._lost = lost = asyncio.Event()
        self._state.connected()
        socket = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        refusals: list[Any] = []
        for name in {"event", "signal", "head", "presence", "user_state", "resync", "goodbye", *self.on}:
            socket.on(name, self._receiver(name, lost))
        socket.on("disconnect", lambda *_: lost.set())
        socket.on("connect_error", refusals.append)
        self._socket = socket
        try:
            await self._arrive(socket)
        except (socketio.exceptions.SocketIOError, aiohttp.ClientError, OSError, TimeoutError):
            self.refused = next((_refusal(each) for each in refusals if _refusal(each)), None)
            return False
        socket.eio.ping_timeout = LIBRARY_TIMEOUT_S
        self._heard_at = asyncio.get_running_loop().time()
        self._set_state("connected")
        self._ready.set()
        for view in list(self.views.values()):
            self._chore(self._rejoin(view))
        return True

    async def _arrive(self, socket: socketio.AsyncClient) -> None:
        """The handshakes. The library leaks a WebSocket when it is cancelled in between, so it may end them first."""
        auth = {"token": self._token} if self._token else {}
        connecting = asyncio.get_running_loop().create_task(
            socket.connect(self.url, transports=["websocket"], auth=auth, wait_timeout=self._call_timeout_s)
        )
        try:
            async with asyncio.timeout(self._call_timeout_s):
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
                    for view in list(self.views.values()):
                        self._chore(self._rejoin(view))

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
            self._receive(name, data)
            if name in self.on:
                self.on[name](data)

        return receive

    def _receive(self, name: str, data: Json) -> None:
        if name == "goodbye":
            log.info("the server said goodbye", code=data["code"], reason=data["reason"])
            if not data["retryable"]:
                self.refused = {**data, "message": data["reason"], "details": {}}
            return
        if name == "user_state":
            self._state.take(data)
            return
        view = self.views.get(data.get("sessionId", ""))
        if view is None:
            return
        match name:
            case "event":
                self._take(view, data)
            case "signal" | "head":
                if view.announce(data["seq"]):
                    self._chore(self._catch_up(view) if view.mode == "signal" else self._rejoin(view))
            case "resync":
                view.forget()
                self._chore(self._rejoin(view))
            case _:
                pass

    def _take(self, view: SessionView, event: Json) -> None:
        verdict = view.offer(event)
        if verdict == "gap":
            self._chore(self._rejoin(view))
        elif event["data"].get("truncated"):
            self._chore(self._fetch_whole(view, [event["data"]["message"]["id"]]))
        elif verdict == "applied" and event["type"] in ("branch.switched", "branch.merged"):
            self._pull_bodies(view)

    async def _rejoin(self, view: SessionView) -> None:
        """Joins until the view is up to date; a lost connection ends it, the next one begins anew."""
        if view.joining:
            return
        try:
            await self._join(view)
        except ConnectionLost:
            return
        except CallFailed as refused:
            log.warning("join refused", session=view.session_id, code=refused.code)
            if refused.retryable:
                await asyncio.sleep(self._backoff_s[-1])
                self._chore(self._rejoin(view))

    async def _join(self, view: SessionView) -> None:
        up_to_date = False
        while not up_to_date:
            view.joining = True  # from now on, also while there is no connection: one join at a time
            try:
                await self._connected()
                if self.views.get(view.session_id) is not view:
                    view.joining = False  # left, or opened anew: its place on the server is not ours any more
                    return
                ack = await self._ask_to_join(view)
            except BaseException:
                view.joining = False
                raise
            # Without a snapshot, it was dropped while this join was under way, and its answer went on from it.
            up_to_date = view.joined(ack) and view.snapshot is not None
            if view.mode == "signal" and view.snapshot is not None:
                self._chore(self._catch_up(view))
                break
        self._pull_bodies(view)

    def _pull_bodies(self, view: SessionView) -> None:
        """Large ones one by one; those that this view has not seen on its branch, many at once."""
        lacking = [each for each in (view.snapshot["messages"] if view.snapshot else ()) if each.get("truncated")]
        unseen = [message["id"] for message in lacking if "role" not in message]
        large = [[message["id"]] for message in lacking if "role" in message]
        for ids in (*large, *(unseen[at : at + PULLED_AT_ONCE] for at in range(0, len(unseen), PULLED_AT_ONCE))):
            self._chore(self._fetch_whole(view, ids))

    async def _ask_to_join(self, view: SessionView) -> Json:
        timeout_s = self._join_timeout_s
        try:
            ack = await self.call("join_session", view.begin_join(), timeout_s=timeout_s)
        except NoAnswer:
            self._join_timeout_s = min(2 * timeout_s, max(JOIN_TIMEOUT_MAX_S, self._call_timeout_s))
            raise
        self._join_timeout_s = max(self._call_timeout_s, timeout_s / 2)
        return ack

    async def _catch_up(self, view: SessionView) -> None:
        """Pulls until it worked, once at a time: REST may fail while the socket lives, and no signal need follow."""
        if view in self._pulling:
            return
        self._pulling.add(view)
        try:
            while view is self.views.get(view.session_id):
                if await self._pulled(view):
                    return
                await asyncio.sleep(self._backoff_s[-1])
        finally:
            self._pulling.discard(view)

    async def _pulled(self, view: SessionView) -> bool:
        """False when it is worth another try."""
        try:
            await self._pull(view)
        except (ConnectionLost, CallFailed) as failed:
            if not failed.retryable:
                raise
            log.info("postponed", reason=str(failed))
            return False
        return True

    async def _pull(self, view: SessionView) -> None:
        """Signal mode: reads what was announced, in order."""
        while view.behind and not view.joining:
            page = await self.get(f"/api/sessions/{view.session_id}/events", after=view.last)
            if page["epoch"] != view.epoch:
                view.forget()
                self._chore(self._rejoin(view))
                return
            for event in page["events"]:
                self._take(view, event)
            if not page["events"]:
                view.announced = view.last

    async def _fetch_whole(self, view: SessionView, ids: Sequence[str]) -> None:
        """Pulls until the whole messages are in their places: REST may fail, and its answer may be behind the
        events."""
        while view is self.views.get(view.session_id) and (lacking := [each for each in ids if view.lacks(each)]):
            try:
                found = await self.get(f"/api/contexts/{view.session_id}/messages", ids=",".join(lacking))
            except (ConnectionLost, CallFailed) as failed:
                if isinstance(failed, CallFailed) and failed.code == "payload_too_large" and len(lacking) > 1:
                    half = len(lacking) // 2
                    await self._fetch_whole(view, lacking[:half])
                    ids = lacking[half:]
                    continue
                if not failed.retryable:
                    raise
                await asyncio.sleep(self._backoff_s[-1])
                continue
            if all([view.heal(message) for message in found["messages"]]):
                return
            await asyncio.sleep(self._backoff_s[0])

    def _chore(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._quietly(work))
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)
        # Cancelled before its first step the task never comes to await the work.
        task.add_done_callback(lambda _: work.close())

    async def _quietly(self, work: Coroutine[Any, Any, None]) -> None:
        """A chore that loses its connection is taken up by the next one."""
        try:
            await work
        except ClientError as error:
            log.info("postponed", reason=str(error))

    def _set_state(self, state: State) -> None:
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
