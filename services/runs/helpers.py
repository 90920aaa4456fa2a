"""The tasks that work beside the runs: owned here, cancelled together. A fault in one is logged and ends it alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Iterator

import structlog

from services.faults import report

log = structlog.get_logger(__name__)


class Helpers:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[asyncio.Task[None]]:
        return iter(list(self._tasks))

    def start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def cancel(self) -> None:
        for task in self:
            task.cancel()

    async def over(self) -> None:
        await asyncio.gather(*self, return_exceptions=True)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # The watch comes back to whatever is left undone.
            report(log, "run keeping failed", error)


async def first_of(*wanted: Awaitable[object]) -> None:
    """Over with the first of them, whose error is raised; the others are cancelled."""
    tasks = [asyncio.ensure_future(each) for each in wanted]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
