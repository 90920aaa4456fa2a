"""Rooms: one per session that somebody has joined over the socket. Who is there, and what is told to all of them beside
the journal. The journal's events reach them through their followers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hub.presence import Presence
from hub.socket.connection import Connection
from hub.socket.frames import Frame, event_frame
from hub.subscription import SOCKET_IO, Subscription
from services.sessions.following import Following


class Room:
    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.subscriptions: dict[str, Subscription] = {}
        self.presence = Presence(session_id, self._announce)

    def broadcast(self, frame: Frame, *, but: str | None = None) -> None:
        """Something ephemeral: who is behind misses it."""
        for sid, subscription in list(self.subscriptions.items()):
            connection = subscription.connection
            if sid != but and not connection.over_high_water:
                connection.send(frame)

    def tell_head(self, frame: Frame) -> None:
        """Only to those who were given everything before it: to who is still being fed it would look like a loss."""
        for subscription in list(self.subscriptions.values()):
            connection = subscription.connection
            if subscription.follower.state not in ("joining", "lagging") and not connection.over_high_water:
                connection.send(frame)

    def _announce(self, message: dict[str, Any]) -> None:
        self.broadcast(event_frame("presence", message))


class Rooms:
    """Owns all rooms; a room exists while somebody is in it or has just left."""

    def __init__(self, following: Following) -> None:
        self._following = following
        self._rooms: dict[str, Room] = {}
        following.when_deleted(self._on_deleted)

    def __iter__(self) -> Iterator[Room]:
        return iter(list(self._rooms.values()))

    @property
    def subscriptions(self) -> int:
        return sum(len(room.subscriptions) for room in self._rooms.values())

    def find(self, session_id: str) -> Room | None:
        return self._rooms.get(session_id)

    def enter(self, session_id: str, connection: Connection) -> tuple[Room, Subscription]:
        """The session's room and the connection's subscription there, made if need be."""
        room = self._rooms.get(session_id)
        if room is None:
            room = self._rooms[session_id] = Room(session_id)
        subscription = room.subscriptions.get(connection.sid)
        if subscription is None:
            follower = self._following.follow(session_id, connection, SOCKET_IO)
            subscription = room.subscriptions[connection.sid] = Subscription(connection, follower)
        return room, subscription

    def leave(self, session_id: str, connection: Connection) -> None:
        """Harmless when the connection was not there."""
        room = self._rooms.get(session_id)
        subscription = room.subscriptions.pop(connection.sid, None) if room is not None else None
        if room is None or subscription is None:
            return
        self._following.leave(subscription.follower)
        if connection.principal is not None:
            room.presence.leave(connection.principal.user_id, connection.sid)
        self._forget_if_empty(room)

    def sweep(self) -> None:
        """Forgets rooms whose last participant's grace is over."""
        for room in self:
            self._forget_if_empty(room)

    def close(self) -> None:
        for room in self:
            room.presence.close()

    def _forget_if_empty(self, room: Room) -> None:
        if not room.subscriptions and not room.presence:
            self._rooms.pop(room.session_id, None)

    def _on_deleted(self, session_id: str) -> None:
        room = self._rooms.get(session_id)
        for subscription in list(room.subscriptions.values()) if room is not None else ():
            self.leave(session_id, subscription.connection)
