"""The ack of `join_session`. Joining itself is the service's."""

from __future__ import annotations

from typing import Any

from hub.rooms import Room
from services.sessions.forms import FeedMode
from services.sessions.join import Joined


def ack_of(joined: Joined, mode: FeedMode, room: Room) -> dict[str, Any]:
    ack: dict[str, Any] = {
        "ok": True,
        "sessionId": room.session_id,
        "epoch": joined.epoch,
        "head": joined.head,
        "recovered": joined.recovered,
        "events": [event.to_signal() if mode == "signal" else event.to_wire() for event in joined.events],
        "hasMore": joined.has_more,
        "participants": room.presence.announced(),
        "presenceVersion": room.presence.version,
    }
    if joined.snapshot is not None:
        ack["snapshot"] = joined.snapshot.to_wire()
    return ack
