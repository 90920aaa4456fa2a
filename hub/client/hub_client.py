"""The Python client: one connection that heals itself, REST beside it, and the sessions that are open on it.

Puts the parts together and hands on what is asked of it; each part has its own file. The TypeScript client has the same
parts under the same names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self, cast

from hub.client.chores import Chores
from hub.client.connection import (
    BACKOFF_S,
    CALL_TIMEOUT_S,
    SILENCE_S,
    ClientConnection,
    ConnectionHooks,
    ConnectionState,
)
from hub.client.errors import CallError, CallFailed, ClientError, ConnectionLost, NoAnswer
from hub.client.open_sessions import OpenSessions
from hub.client.rest import Rest
from hub.client.session_view import SessionView
from hub.client.user_state import UserStateStore
from hub.client.wire import Cancelled, FeedMode, Json, Sent
from models.clock import SYSTEM_CLOCK, Clock

__all__ = ["CallError", "CallFailed", "ClientError", "ConnectionLost", "HubClient", "NoAnswer", "SessionView", "State"]

State = ConnectionState
"""Its name in 0.1.0."""


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
        on_state: Callable[[ConnectionState], None] | None = None,
        keep_events: bool = False,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.url = url.rstrip("/")
        self.rest = Rest(self.url, token)
        self.connection = ClientConnection(
            self.url,
            token,
            ConnectionHooks(lambda: self._user_state.connected(), lambda: self._sessions.rejoin_all(), self._take),
            call_timeout_s=call_timeout_s,
            silence_s=silence_s,
            backoff_s=backoff_s,
            on_state=on_state,
        )
        self._clock = clock
        self._chores = Chores()
        self._sessions = OpenSessions(self.connection, self.rest, self._chores, keep_events=keep_events)
        self._user_state = UserStateStore(self.rest.request, self.connection.pause_after)

    @property
    def state(self) -> ConnectionState:
        return self.connection.state

    @property
    def on(self) -> dict[str, Callable[[Json], None]]:
        """Callbacks for server events, by name; set them before the client is started."""
        return self.connection.on

    @property
    def views(self) -> dict[str, SessionView]:
        """Of the open sessions, by their ids."""
        return self._sessions.views

    @property
    def user_state(self) -> Json | None:
        """The user's own state, the newest that came; None before the first."""
        return self._user_state.value

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def start(self) -> None:
        """Begins to connect; returns at once."""
        self.rest.start()
        self.connection.start()

    async def close(self) -> None:
        self.connection.stop()
        await self._chores.close()
        await self.connection.close()
        await self.rest.close()

    async def open(self, session_id: str, mode: FeedMode = "push", *, timeout_s: float = 30.0) -> SessionView:
        """Joins a session and keeps it joined. Raises CallFailed when the server refuses, TimeoutError."""
        return await self._sessions.open(session_id, mode, timeout_s)

    async def leave(self, session_id: str) -> None:
        await self._sessions.leave(session_id)

    async def send_message(
        self, session_id: str, content: str, *, timeout_s: float = 60.0, **arguments: object
    ) -> Sent:
        """Sends until the server has answered: the clientMessageId makes repetition harmless (I10). Returns the ack.
        Raises CallFailed, TimeoutError."""
        message = {"sessionId": session_id, "content": content, "clientMessageId": self._clock.new_id(), **arguments}
        async with asyncio.timeout(timeout_s):
            failures = 0
            while True:
                try:
                    return cast(Sent, await self.call("send_message", message))
                except CallError as failed:
                    failures += 1
                    await self.connection.pause_after(failed, failures)

    async def cancel_run(self, session_id: str, run_id: str | None = None) -> Cancelled:
        run = {"runId": run_id} if run_id else {}
        return cast(Cancelled, await self.call("cancel_run", {"sessionId": session_id, **run}))

    async def update_state(self, patch: Json, *, timeout_s: float = 60.0) -> Json:
        """Merges a patch (null removes) into the user's own state; when another client was faster, into theirs.
        Returns the state with it. Raises CallFailed, TimeoutError."""
        async with asyncio.timeout(timeout_s):
            return await self._user_state.update(patch)

    async def call(self, name: str, arguments: Json | None = None, *, timeout_s: float | None = None) -> Json:
        """One call, once. Raises CallFailed for `ok: false`, ConnectionLost when no answer came in time."""
        return await self.connection.call(name, arguments, timeout_s=timeout_s)

    async def get(self, path: str, **query: str | int) -> Json:
        """A REST read, for example `/api/sessions/running`. Raises ConnectionLost, CallFailed."""
        return await self.rest.get(path, **query)

    async def post(self, path: str, body: Json) -> Json:
        """A REST write. Raises ConnectionLost (it may have been carried out), CallFailed."""
        return await self.rest.post(path, body)

    def _take(self, name: str, data: Json) -> None:
        if name == "user_state":
            self._user_state.take(data)
        else:
            self._sessions.take(name, data)
