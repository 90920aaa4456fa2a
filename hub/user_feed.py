"""The users' states on their way to each user's connections: on connect, and on every change.

Only the newest is kept, once per user, whatever the number of connections: one that reads slowly gets what is newest
when it has caught up. What a connection gets never goes back to an older version.
"""

from __future__ import annotations

import asyncio

import structlog

from hub.socket.connection import Connection
from hub.socket.frames import Frame, event_frame
from models.backoff import Backoff
from models.errors import ParleyError
from models.user_state import UserState
from services.users import Users

log = structlog.get_logger(__name__)

STORAGE_RETRY = Backoff(1.0, 8.0)


class _Reader:
    """One connection. While there is a `task`, it waits for the outbox to drain."""

    __slots__ = ("connection", "task")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.task: asyncio.Task[None] | None = None


class _Group:
    """One user's connections, and the newest state that is known; none before it was read."""

    __slots__ = ("frame", "readers", "reading", "version")

    def __init__(self) -> None:
        self.readers: dict[str, _Reader] = {}
        self.version = -1
        self.frame: Frame | None = None
        self.reading: asyncio.Task[None] | None = None

    def take(self, state: UserState) -> None:
        """Tells it to all. What was read may be older than what a change has told meanwhile."""
        if state.version <= self.version:
            return
        self.version, self.frame = state.version, event_frame("user_state", state.to_wire())
        for reader in list(self.readers.values()):
            self.offer(reader)

    def offer(self, reader: _Reader) -> None:
        if reader.task is not None:
            return  # it will give what is newest then
        if reader.connection.over_high_water:
            reader.task = asyncio.get_running_loop().create_task(self._offer_later(reader))
        else:
            self._give(reader)

    async def _offer_later(self, reader: _Reader) -> None:
        await reader.connection.drained()
        reader.task = None
        self._give(reader)

    def _give(self, reader: _Reader) -> None:
        if self.frame is not None:
            reader.connection.send(self.frame)


class UserFeed:
    """`follow` each connection once, `forget` it when it is gone."""

    def __init__(self, users: Users) -> None:
        self._users = users
        self._groups: dict[str, _Group] = {}

    def start(self) -> None:
        self._users.subscribe(self._on_changed)

    async def close(self) -> None:
        groups = list(self._groups.values())
        tasks = [each for group in groups for each in (group.reading, *(r.task for r in group.readers.values()))]
        waiting = [task for task in tasks if task is not None]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    def follow(self, connection: Connection, user_id: str) -> None:
        """Never waits: connecting must work also while the storage does not."""
        group = self._groups.setdefault(user_id, _Group())
        reader = group.readers[connection.sid] = _Reader(connection)
        if group.frame is not None:
            group.offer(reader)
        elif group.reading is None:
            group.reading = asyncio.get_running_loop().create_task(self._read(user_id, group))

    def forget(self, connection: Connection, user_id: str) -> None:
        group = self._groups.get(user_id)
        reader = group.readers.pop(connection.sid, None) if group is not None else None
        if group is None or reader is None:
            return
        if reader.task is not None:
            reader.task.cancel()
        if not group.readers:
            del self._groups[user_id]
            if group.reading is not None:
                group.reading.cancel()

    def _on_changed(self, user_id: str, state: UserState) -> None:
        group = self._groups.get(user_id)
        if group is not None:
            group.take(state)

    async def _read(self, user_id: str, group: _Group) -> None:
        """Until it could be read, or a change has told it."""
        failures = 0
        while group.frame is None:
            try:
                group.take(await self._users.state(user_id))
            except ParleyError as error:
                failures += 1
                if failures == 1:
                    log.warning("a user's state is not told yet", user=user_id, reason=error.message)
                await asyncio.sleep(STORAGE_RETRY.wait_s(failures))
            except Exception:
                log.exception("a user's state can't be told", user=user_id)
                break
        group.reading = None
