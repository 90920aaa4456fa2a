"""Tells every client which tools have changed: switched off or on, come or gone. What they are now is read by REST."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from hub.socket.connection import Connection
from hub.socket.frames import Frame, event_frame

BATCH_S = 0.1
"""A server of tools brings many at once."""


class ToolFeed:
    """`on_change` may be called for every single tool; before `start` it concerns nobody. `clients` are those who are
    told."""

    def __init__(self, clients: Callable[[], Iterable[Connection]]) -> None:
        self._clients = clients
        self._changed: set[str] = set()
        self._behind: dict[str, set[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()

    def on_change(self, name: str) -> None:
        if self._loop is None:
            return
        self._changed.add(name)
        if self._timer is None:
            self._timer = self._loop.call_later(BATCH_S, self._tell)

    async def close(self) -> None:
        self._loop = None
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _tell(self) -> None:
        changed, self._changed, self._timer = self._changed, set(), None
        frame = _frame(changed)
        for connection in list(self._clients()):
            if connection.sid in self._behind:
                self._behind[connection.sid] |= changed
            elif connection.over_high_water:
                self._behind[connection.sid] = set(changed)
                task = asyncio.get_running_loop().create_task(self._tell_later(connection))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                connection.send(frame)

    async def _tell_later(self, connection: Connection) -> None:
        try:
            await connection.drained()
        finally:
            changed = self._behind.pop(connection.sid)
        connection.send(_frame(changed))


def _frame(changed: set[str]) -> Frame:
    return event_frame("tools", {"changed": sorted(changed)})
