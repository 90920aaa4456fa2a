"""How much of large bodies is held at once, for all connections together: some while they come, fewer while they are
handled. Who finds no room waits its turn. Never reads."""

from __future__ import annotations

import asyncio
from collections import deque

from aiohttp import web

READ_BYTES = 128 * 1024 * 1024
"""Ten of the largest. More is left with its senders."""
HANDLED_BYTES = 12 * 1024 * 1024
"""One of the largest, or many that are just large. Parsing, counting and storing happen in threads, with which the loop
takes turns: the more of them, the longer it waits for its own."""


class Room:
    """So many bytes, given to whoever comes first."""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = self._free_bytes = size_bytes
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()

    def __len__(self) -> int:
        """How many wait for room."""
        return sum(not given.done() for given, _ in self._waiting)

    async def take(self, size_bytes: int) -> Share:
        """Who wants more than there is gets all."""
        size_bytes = min(size_bytes, self._size_bytes)
        given: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((given, size_bytes))
        self._give()
        try:
            await given
        except asyncio.CancelledError:
            if given.cancelled():
                self._give()
            else:
                self.take_back(size_bytes)
            raise
        return Share(self, size_bytes)

    def take_back(self, size_bytes: int) -> None:
        self._free_bytes += size_bytes
        self._give()

    def _give(self) -> None:
        while self._waiting:
            given, size_bytes = self._waiting[0]
            if not given.cancelled():
                if size_bytes > self._free_bytes:
                    return
                self._free_bytes -= size_bytes
                given.set_result(None)
            self._waiting.popleft()


class Share:
    """What somebody has of a room."""

    def __init__(self, room: Room, size_bytes: int) -> None:
        self._room = room
        self._size_bytes = size_bytes

    def release(self) -> None:
        """May be called again."""
        size_bytes, self._size_bytes = self._size_bytes, 0
        self._room.take_back(size_bytes)


class Intake:
    def __init__(self, read_bytes: int = READ_BYTES, handled_bytes: int = HANDLED_BYTES) -> None:
        self.reading = Room(read_bytes)
        self.handling = Room(handled_bytes)


INTAKE = web.AppKey("intake", Intake)
