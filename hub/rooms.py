"""Rooms: one per session that somebody has joined. Fans committed events out to its subscriptions.

An event is encoded once per room and mode. Never asks the journal: who lags does that for itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hub.presence import Presence
from hub.socket.connection import Connection
from hub.socket.frames import Frame, batch_frame, event_frame
from hub.subscription import Mode, Subscription, push_frame, signal_frame
from models.events import Event, SessionDeleted
from services.sessions.manager import Committed, SessionManager


class Room:
    """`last_seq` is the newest event that was published here since the room exists; 0 before the first."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.last_seq = 0
        self.subscriptions: dict[str, Subscription] = {}
        self.presence = Presence(session_id, self._announce)
        self._last_event: Event | None = None

    def publish(self, sessions: SessionManager, events: tuple[Event, ...]) -> None:
        """What was committed together is encoded once and goes out in one write."""
        first, last = events[0].seq, events[-1].seq
        self.last_seq, self._last_event = last, events[-1]
        frames = _Frames(events)
        for subscription in list(self.subscriptions.values()):
            subscription.offer(sessions, first, last, frames.of)

    def signal(self) -> Frame | None:
        """The newest signal; None when nothing was published yet."""
        return signal_frame(self._last_event) if self._last_event is not None else None

    def broadcast(self, frame: Frame, *, but: str | None = None) -> None:
        """Something ephemeral: who is behind misses it."""
        for sid, subscription in list(self.subscriptions.items()):
            connection = subscription.connection
            if sid != but and not connection.outbox.over_high_water:
                connection.send(frame)

    def tell_head(self, frame: Frame) -> None:
        """Only to those who were given everything before it: to who is still being fed it would look like a loss."""
        for subscription in list(self.subscriptions.values()):
            connection = subscription.connection
            if subscription.state not in ("joining", "lagging") and not connection.outbox.over_high_water:
                connection.send(frame)

    def _announce(self, message: dict[str, Any]) -> None:
        self.broadcast(event_frame("presence", message))


class _Frames:
    """The frames of one commit, made when the first subscription of a mode wants them."""

    __slots__ = ("_events", "_made")

    def __init__(self, events: tuple[Event, ...]) -> None:
        self._events = events
        self._made: dict[Mode, Frame] = {}

    def of(self, mode: Mode) -> Frame:
        frame = self._made.get(mode)
        if frame is None:
            encode = push_frame if mode == "push" else signal_frame
            frame = self._made[mode] = batch_frame([encode(event) for event in self._events])
        return frame


class Rooms:
    """Owns all rooms; a room exists while somebody is in it or has just left."""

    def __init__(self, sessions: SessionManager) -> None:
        self._sessions = sessions
        self._rooms: dict[str, Room] = {}
        sessions.subscribe(self._on_committed)

    def __iter__(self) -> Iterator[Room]:
        return iter(list(self._rooms.values()))

    @property
    def subscriptions(self) -> int:
        return sum(len(room.subscriptions) for room in self._rooms.values())

    def find(self, session_id: str) -> Room | None:
        return self._rooms.get(session_id)

    def enter(self, session_id: str, connection: Connection) -> Subscription:
        """The connection's subscription in the session's room, made if need be. From now on the room counts events."""
        room = self._rooms.get(session_id)
        if room is None:
            room = self._rooms[session_id] = Room(session_id)
        subscription = room.subscriptions.get(connection.sid)
        if subscription is None:
            subscription = room.subscriptions[connection.sid] = Subscription(connection, room)
        return subscription

    def leave(self, session_id: str, connection: Connection) -> None:
        """Harmless when the connection was not there."""
        room = self._rooms.get(session_id)
        subscription = room.subscriptions.pop(connection.sid, None) if room is not None else None
        if room is None or subscription is None:
            return
        subscription.end()
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

    def _on_committed(self, committed: Committed) -> None:
        room = self._rooms.get(committed.after.session_id)
        if room is None:
            return
        room.publish(self._sessions, committed.events)
        if any(isinstance(event.body, SessionDeleted) for event in committed.events):
            for subscription in list(room.subscriptions.values()):
                subscription.evict()
                self.leave(room.session_id, subscription.connection)
