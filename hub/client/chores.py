"""The background work of a client: each piece is awaited or cancelled by it. Never says what the work is."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from hub.client.errors import CallError

log = structlog.get_logger(__name__)


class Chores:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begins it; a piece that loses its connection is taken up by the next one."""
        task = asyncio.get_running_loop().create_task(_quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # Cancelled before its first step the task never comes to await the work.
        task.add_done_callback(lambda _: work.close())

    async def close(self) -> None:
        """Cancels what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except CallError as error:
        log.info("postponed", reason=str(error))
