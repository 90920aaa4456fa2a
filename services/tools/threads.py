"""Runs functions that are not async, each in a thread of its own, so many at once. Never waits for one that hangs.

The threads are daemons: a function that never returns must not keep the process from ending. The standard pools join
theirs at exit, and starting a thread costs 50 µs.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable

from services.tools.errors import ToolUnavailable

LIMIT = 128
STUCK_MAX = 128
"""Abandoned threads that still run; beyond it no new call is let in, for they hold memory and perhaps locks."""


class Threads:
    """Used from one event loop. `stuck` counts the calls that were given up and have not returned."""

    def __init__(self, limit: int = LIMIT, *, stuck_max: int = STUCK_MAX) -> None:
        self._slots = asyncio.Semaphore(limit)
        self._stuck_max = stuck_max
        self.stuck = 0

    async def run(self, work: Callable[[], object]) -> object:
        """The function's answer or error. When cancelled, goes on waiting for the thread, which should notice by
        itself; when cancelled once more, gives it up. Raises ToolUnavailable when too many are stuck."""
        if self.stuck >= self._stuck_max:
            raise ToolUnavailable(f"{self.stuck} earlier calls hang and don't stop; restart the server")
        async with self._slots:
            ended = _start(work)
            try:
                return await asyncio.shield(ended)
            except asyncio.CancelledError:
                await self._patiently(ended)
                raise

    async def _patiently(self, ended: asyncio.Future[object]) -> None:
        try:
            await asyncio.wait({ended})
        except asyncio.CancelledError:
            self.stuck += 1
            ended.add_done_callback(self._returned)
            raise
        else:
            ended.exception()  # nobody asks for it any more

    def _returned(self, ended: asyncio.Future[object]) -> None:
        self.stuck -= 1
        ended.exception()


def _start(work: Callable[[], object]) -> asyncio.Future[object]:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[object] = loop.create_future()
    context = contextvars.copy_context()

    def report(answer: object, error: Exception | None) -> None:
        if ended.cancelled():
            return
        if error is None:
            ended.set_result(answer)
        else:
            ended.set_exception(error)

    def body() -> None:
        answer: object = None
        error: Exception | None = None
        try:
            answer = context.run(work)
        except BaseException as raised:
            error = _sendable(raised)
        if not loop.is_closed():
            _call_soon(loop, report, answer, error)

    threading.Thread(target=body, name="tool", daemon=True).start()
    return ended


def _sendable(error: BaseException) -> Exception:
    """A future refuses StopIteration, and SystemExit raised in a task would end the event loop."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    return RuntimeError(f"the tool raised {type(error).__name__}")


def _call_soon(loop: asyncio.AbstractEventLoop, report: Callable[..., None], *answer: object) -> None:
    try:
        loop.call_soon_threadsafe(report, *answer)
    except RuntimeError:
        return  # the loop was closed meanwhile: nobody is left to tell
