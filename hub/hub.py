"""The hub: carries out the calls of design §5 and keeps rooms, presence and the live lists. Rules live in services.

Every call is in `CALLS`, with the model that validates its arguments; PROTOCOL.md describes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import orjson
import structlog
from aiohttp import web

from hub.feeds import Feeds
from hub.join import ack_of
from hub.rooms import Room, Rooms
from hub.shapes import CancelledAck, SentAck
from hub.socket.calls import Ack
from hub.socket.connection import Connection
from hub.socket.frames import event_frame
from hub.socket.transport import MAX_CONNECTIONS, Transport, remote
from hub.tool_feed import ToolFeed
from hub.user_feed import UserFeed
from models.calls import (
    BROADCAST_MAX_BYTES,
    BroadcastMessage,
    CancelRunCall,
    JoinSession,
    LeaveSession,
    NoArguments,
    ResolveApprovalCall,
    SendMessageCall,
    WatchRunning,
    WatchSessions,
    parse,
)
from models.errors import InvalidArgument, ParleyError, PayloadTooLarge, SessionNotFound, UnknownCall
from models.wire import Wire
from services.access import OnSession, OnUser, Principal
from services.chat import Chat
from services.library import Library
from services.sessions.following import Following
from services.sessions.join import Joiner, Position
from services.store.lists import SessionPage
from services.tools.registry import ToolRegistry
from services.users import Users

log = structlog.get_logger(__name__)

HEAD_EVERY_S = 25.0
"""How often each room tells its head: what a client compares its own position with."""
Arguments = TypeVar("Arguments", bound=Wire)


@dataclass(slots=True)
class Client:
    """What the hub keeps for one connection."""

    principal: Principal
    sessions: set[str] = field(default_factory=set)


class Hub:
    """`admit` decides about every request of the socket (origin, host) and raises a ParleyError to refuse. `attach` it
    to one application."""

    def __init__(
        self,
        chat: Chat,
        library: Library,
        users: Users,
        following: Following,
        *,
        tools: ToolRegistry | None = None,
        admit: Callable[[web.Request], None] = lambda request: None,
        client_of: Callable[[web.Request], str] = remote,
        on_let_go: Callable[[str], None] | None = None,
        max_connections: int = MAX_CONNECTIONS,
        head_every_s: float = HEAD_EVERY_S,
        stall_timeout_s: float = 10,
        ping_interval_s: float = 25,
        connect_timeout_s: float | None = None,
    ) -> None:
        self.chat = chat
        self.access = chat.access
        self.rooms = Rooms(following)
        self.feeds = Feeds(chat.sessions, library)
        self.user_feed = UserFeed(users)
        self.tool_feed = ToolFeed(self._clients)
        if tools is not None:
            tools.subscribe(self.tool_feed.on_change)
        self.joiner = Joiner(chat.sessions)
        self._admit = admit
        self._head_every_s = head_every_s
        self._heads: asyncio.Task[None] | None = None
        self.transport = Transport(
            self,
            client_of=client_of,
            max_connections=max_connections,
            on_let_go=on_let_go,
            stall_timeout_s=stall_timeout_s,
            ping_interval_s=ping_interval_s,
            connect_timeout_s=connect_timeout_s,
        )

    def attach(self, app: web.Application) -> None:
        """Adds the socket's routes; starts and stops with the application."""
        self.transport.attach(app)
        app.on_startup.append(self._start)
        app.on_cleanup.append(self._stop)

    def close_door(self) -> None:
        """Refuses new clients; the others stay."""
        self.transport.close_door()

    async def drain(self) -> None:
        """Refuses new clients, tells the others to come back, and waits until they are gone (2 s at most)."""
        await self.transport.drain()

    def _clients(self) -> list[Connection]:
        return list(self.transport.connections.values())

    @property
    def connections(self) -> int:
        return len(self.transport.connections)

    @property
    def subscriptions(self) -> int:
        return self.rooms.subscriptions

    def participants(self, session_id: str) -> list[dict[str, Any]]:
        """`{userId, name, connections}` of those who are in the room now."""
        room = self.rooms.find(session_id)
        return room.presence.participants() if room is not None else []

    def admit(self, request: web.Request) -> None:
        self._admit(request)

    async def on_connect(self, connection: Connection, auth: object) -> None:
        token = auth.get("token") if isinstance(auth, dict) else None
        if token is not None and not isinstance(token, str):
            raise InvalidArgument("auth.token must be a string", field="token")
        connection.principal = self.access.resolve(token or None)
        await self.access.check(connection.principal, "read", OnUser(connection.principal.user_id))
        connection.state = Client(connection.principal)
        self.user_feed.follow(connection, connection.principal.user_id)

    def on_disconnect(self, connection: Connection, reason: str) -> None:
        self.feeds.forget(connection)
        client = _client(connection)
        self.user_feed.forget(connection, client.principal.user_id)
        for session_id in list(client.sessions):
            self.rooms.leave(session_id, connection)
        client.sessions.clear()

    async def on_call(self, connection: Connection, name: str, args: list[object]) -> Ack:
        call = CALLS.get(name)
        if call is None:
            raise UnknownCall(f"There is no call {name[:64]!r}", call=name[:64])
        return await call.handle(self, connection, parse(call.arguments, _only(args)))

    async def _join(self, connection: Connection, wanted: JoinSession) -> Ack:
        client = _client(connection)
        room, subscription = self.rooms.enter(wanted.session_id, connection)
        client.sessions.add(wanted.session_id)
        try:
            position = Position(wanted.after, wanted.epoch)
            joined = await self.joiner.join(client.principal, subscription.follower, position, wanted.mode)
        except BaseException:
            self._leave(client, connection, wanted.session_id)
            raise
        # From here to `then` there is no await: what is published later is offered to a live subscription.
        room.presence.enter(client.principal.user_id, client.principal.name, connection.sid)
        ack = ack_of(joined, wanted.mode, room)
        return Ack(ack, lambda: self.joiner.go(subscription.follower, joined))

    async def _leave_session(self, connection: Connection, wanted: LeaveSession) -> Ack:
        self._leave(_client(connection), connection, wanted.session_id)
        return Ack({"ok": True})

    def _leave(self, client: Client, connection: Connection, session_id: str) -> None:
        client.sessions.discard(session_id)
        self.rooms.leave(session_id, connection)

    async def _send_message(self, connection: Connection, message: SendMessageCall) -> Ack:
        sent = await self.chat.send_message(connection.principal, message.session_id, message, message.expected_version)
        return Ack({"ok": True, **SentAck.of(sent).to_wire()})

    async def _broadcast(self, connection: Connection, wanted: BroadcastMessage) -> Ack:
        size = len(orjson.dumps(wanted.data))
        if size > BROADCAST_MAX_BYTES:
            raise PayloadTooLarge(field="data", limit=BROADCAST_MAX_BYTES, size=size)
        await self.access.check(connection.principal, "write", OnSession(wanted.session_id))
        room = self._joined(connection, wanted.session_id)
        sender = {"userId": connection.principal.user_id, "name": connection.principal.name}
        message = {"sessionId": wanted.session_id, "from": sender, "data": wanted.data}
        room.broadcast(event_frame("broadcast", message), but=connection.sid)
        return Ack({"ok": True})

    def _joined(self, connection: Connection, session_id: str) -> Room:
        room = self.rooms.find(session_id)
        if room is None or connection.sid not in room.subscriptions:
            raise SessionNotFound("Join the session first")
        return room

    async def _cancel_run(self, connection: Connection, wanted: CancelRunCall) -> Ack:
        principal, version = connection.principal, wanted.expected_version
        cancelled = await self.chat.cancel(principal, wanted.session_id, wanted.run_id, version)
        return Ack({"ok": True, **CancelledAck.of(cancelled).to_wire()})

    async def _resolve_approval(self, connection: Connection, wanted: ResolveApprovalCall) -> Ack:
        await self.chat.resolve_approval(connection.principal, wanted.session_id, wanted, wanted.expected_version)
        return Ack({"ok": True})

    async def _watch_sessions(self, connection: Connection, wanted: WatchSessions) -> Ack:
        page = await self.feeds.watch_sessions(connection, connection.principal, wanted.project_id, wanted.take)
        return self._listed(connection, page)

    async def _unwatch_sessions(self, connection: Connection, wanted: NoArguments) -> Ack:
        self.feeds.unwatch(connection, sessions=True)
        return Ack({"ok": True})

    async def _watch_running(self, connection: Connection, wanted: WatchRunning) -> Ack:
        return self._listed(connection, await self.feeds.watch_running(connection, connection.principal, wanted.take))

    def _listed(self, connection: Connection, page: SessionPage) -> Ack:
        ack = {"ok": True, "sessions": [session.to_wire() for session in page.sessions], "hasMore": page.has_more}
        return Ack(ack, lambda: self.feeds.release(connection))

    async def _unwatch_running(self, connection: Connection, wanted: NoArguments) -> Ack:
        self.feeds.unwatch(connection, running=True)
        return Ack({"ok": True})

    async def _start(self, app: web.Application) -> None:
        self.feeds.start()
        self.user_feed.start()
        self.tool_feed.start()
        self._heads = asyncio.get_running_loop().create_task(self._tell_heads())

    async def _stop(self, app: web.Application) -> None:
        if self._heads is not None:
            self._heads.cancel()
            await asyncio.gather(self._heads, return_exceptions=True)
        await self.feeds.close()
        await self.user_feed.close()
        await self.tool_feed.close()
        self.rooms.close()

    async def _tell_heads(self) -> None:
        while True:
            await asyncio.sleep(self._head_every_s)
            self.rooms.sweep()
            for room in self.rooms:
                await self._try_to_tell_head(room)

    async def _try_to_tell_head(self, room: Room) -> None:
        """A fault in one session must not keep the heads from all others."""
        try:
            await self._tell_head(room)
        except ParleyError as error:
            log.warning("a head was not told", session=room.session_id, reason=error.message)
        except Exception:
            log.exception("a head was not told", session=room.session_id)

    async def _tell_head(self, room: Room) -> None:
        session_id = room.session_id
        sessions = self.chat.sessions
        context = sessions.shown(session_id) or await sessions.current(session_id)
        head = {
            "sessionId": session_id,
            "epoch": context.epoch,
            "seq": context.head,
            "state": context.state.to_wire(),
            "presenceVersion": room.presence.version,
        }
        room.tell_head(event_frame("head", head))


@dataclass(frozen=True, slots=True)
class SocketCall:
    arguments: type[Wire]
    handle: Callable[[Hub, Connection, Any], Awaitable[Ack]]


def _call(
    arguments: type[Arguments], handle: Callable[[Hub, Connection, Arguments], Coroutine[None, None, Ack]]
) -> SocketCall:
    return SocketCall(arguments, handle)


CALLS: dict[str, SocketCall] = {
    "join_session": _call(JoinSession, Hub._join),
    "leave_session": _call(LeaveSession, Hub._leave_session),
    "send_message": _call(SendMessageCall, Hub._send_message),
    "broadcast_message": _call(BroadcastMessage, Hub._broadcast),
    "cancel_run": _call(CancelRunCall, Hub._cancel_run),
    "resolve_approval": _call(ResolveApprovalCall, Hub._resolve_approval),
    "watch_sessions": _call(WatchSessions, Hub._watch_sessions),
    "unwatch_sessions": _call(NoArguments, Hub._unwatch_sessions),
    "watch_running": _call(WatchRunning, Hub._watch_running),
    "unwatch_running": _call(NoArguments, Hub._unwatch_running),
}


def _only(args: list[object]) -> object:
    """The one argument of a call; none counts as an empty object. Raises InvalidArgument."""
    if not args:
        return {}
    if len(args) > 1:
        raise InvalidArgument(f"A call takes one object, not {len(args)} arguments", field="arguments")
    if not isinstance(args[0], dict):
        raise InvalidArgument("A call takes an object", field="arguments")
    return args[0]


def _client(connection: Connection) -> Client:
    return cast(Client, connection.state)
