"""Who is in a room: users with their connections, announced as differences. Never knows what they came for.

A user joins with the first connection and leaves 3 s after the last: a reload is not a departure. Differences are
gathered for 250 ms. Above 100 participants only counts are told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

BATCH_S = 0.25
LEAVE_GRACE_S = 3.0
LISTED_MAX = 100


class Presence:
    """`announce(message)` is called with each `presence` event's data. `version` counts them."""

    def __init__(self, session_id: str, announce: Callable[[dict[str, Any]], None]) -> None:
        self.version = 0
        self._session_id = session_id
        self._announce = announce
        self._connections: dict[str, set[str]] = {}
        self._names: dict[str, str] = {}
        self._announced: set[str] = set()
        self._batch: asyncio.TimerHandle | None = None
        self._graces: dict[str, asyncio.TimerHandle] = {}

    def __bool__(self) -> bool:
        """Whether anybody is here or not yet gone for good."""
        return bool(self._connections or self._graces or self._batch)

    def enter(self, user_id: str, name: str, sid: str) -> None:
        """Idempotent for a connection."""
        if (grace := self._graces.pop(user_id, None)) is not None:
            grace.cancel()
        self._names[user_id] = name
        self._connections.setdefault(user_id, set()).add(sid)
        self._soon()

    def leave(self, user_id: str, sid: str) -> None:
        connections = self._connections.get(user_id, set())
        connections.discard(sid)
        if not connections and user_id in self._connections:
            del self._connections[user_id]
            loop = asyncio.get_running_loop()
            self._graces[user_id] = loop.call_later(LEAVE_GRACE_S, self._gone, user_id)

    def participants(self) -> list[dict[str, Any]]:
        """`{userId, name, connections}` of those who are here, the first 100 by name when they are more."""
        return self._listed(set(self._connections))

    def announced(self) -> list[dict[str, Any]]:
        """What the differences after `version` go on from: those who are here, and those who were announced and may be
        back before their departure would be (with no connection meanwhile). Without them a newcomer would never hear
        of somebody who reloads just then."""
        return self._listed({*self._connections, *self._announced})

    def _listed(self, user_ids: set[str]) -> list[dict[str, Any]]:
        return self._described(sorted(user_ids, key=lambda user_id: self._names[user_id])[:LISTED_MAX])

    def close(self) -> None:
        for timer in (*self._graces.values(), *([self._batch] if self._batch else [])):
            timer.cancel()
        self._graces.clear()
        self._batch = None

    def _gone(self, user_id: str) -> None:
        del self._graces[user_id]
        self._soon()

    def _soon(self) -> None:
        if self._batch is None:
            self._batch = asyncio.get_running_loop().call_later(BATCH_S, self._flush)

    def _flush(self) -> None:
        self._batch = None
        here = {*self._connections, *self._graces}
        joined, left = here - self._announced, self._announced - here
        self._announced = here
        if not joined and not left:
            return
        self.version += 1
        self._announce(self._message(joined, left))
        for user_id in left:
            self._names.pop(user_id, None)

    def _message(self, joined: set[str], left: set[str]) -> dict[str, Any]:
        message: dict[str, Any] = {"sessionId": self._session_id, "version": self.version}
        if len(self._announced) > LISTED_MAX:
            return message | {"joined": [], "left": [], "count": len(self._announced)}
        return message | {"joined": self._described(sorted(joined)), "left": self._described(sorted(left))}

    def _described(self, user_ids: list[str]) -> list[dict[str, Any]]:
        return [
            {"userId": user_id, "name": self._names[user_id], "connections": len(self._connections.get(user_id, ()))}
            for user_id in user_ids
        ]
