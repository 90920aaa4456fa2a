"""A connection that follows a session, and how Socket.IO writes what it is told. The follower decides when."""

from __future__ import annotations

from dataclasses import dataclass

from hub.socket.connection import Connection
from hub.socket.frames import Frame, batch_frame, raw_event_frame
from models.events import Event
from services.sessions.follow import Follower
from services.sessions.forms import Form


def _wrap(name: str, data: bytes, event: Event | None) -> Frame:
    return raw_event_frame(name, data)


SOCKET_IO = Form("socket.io", _wrap, batch_frame)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One client in one room. Its connection is the follower's sink."""

    connection: Connection
    follower: Follower[Frame]
