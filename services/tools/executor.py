"""Runs tool calls: many at once, each with an end, and every end as a result. Never decides whether a call is allowed.

What a result says of the work: `timeout` and `cancelled` mean that it has stopped, unless the text says that it came to
its end all the same, hangs, or goes on where we don't see it.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import structlog

from models.payloads import Artifact
from models.text import cleaned
from services.tools.context import Cancellation, ToolContext
from services.tools.errors import ToolUnavailable, UnknownTool
from services.tools.registry import ToolRegistry
from services.tools.threads import Threads
from services.tools.tool import Tool, ToolFailed, ToolOutput, failed, output_of

log = structlog.get_logger(__name__)

LIMIT = 1_024
"""Most tools wait for something else most of their time. What is scarce has bounds of its own, as threads do."""
GRACE_S = 3.0
"""How long cancelled work may take to stop: a process has 2 s between SIGTERM and SIGKILL."""
RETRY_WAITS_S = (0.1, 0.4)
OUTPUT_MAX_BYTES = 10_000_000

Status: TypeAlias = Literal["ok", "error", "denied", "timeout", "cancelled"]
Halted: TypeAlias = Literal["timeout", "cancelled"]


@dataclass(frozen=True, slots=True)
class Invocation:
    call_id: str
    name: str
    arguments: object


@dataclass(frozen=True, slots=True)
class Outcome:
    """`output` is whole, up to 10 MB: what a model is shown of it is decided by `results.clamp`. `note` is for
    people."""

    status: Status
    output: str = ""
    error: str | None = None
    duration_ms: int = 0
    note: str = ""
    artifact: Artifact | None = None


class ToolExecutor:
    """Used from one event loop. `limit` calls run at once, the others wait; waiting is not counted as time of the
    tool."""

    def __init__(
        self,
        registry: ToolRegistry,
        *,
        limit: int = LIMIT,
        threads: Threads | None = None,
        grace_s: float = GRACE_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._registry = registry
        self._slots = asyncio.Semaphore(limit)
        self._threads = threads or Threads()
        self._grace_s = grace_s
        self._sleep = sleep
        self._running: dict[str, Cancellation] = {}

    def cancel(self, call_id: str) -> bool:
        """Whether such a call was waiting or running; its outcome will be `cancelled`."""
        token = self._running.get(call_id)
        if token is not None:
            token.set()
        return token is not None

    async def execute(self, call: Invocation, context: ToolContext) -> Outcome:
        """Never raises but CancelledError, and that only after the work has stopped or was given up."""
        try:
            tool = self._registry.get(call.name)
        except UnknownTool as error:
            return Outcome("error", error=str(failed(error)))
        except ToolUnavailable as error:
            return Outcome("denied", error=str(failed(error)))
        with context.cancelled.child() as token:
            self._running[call.call_id] = token
            try:
                return await self._in_turn(tool, call, replace(context, call_id=call.call_id, cancelled=token))
            finally:
                if self._running.get(call.call_id) is token:
                    del self._running[call.call_id]

    async def _in_turn(self, tool: Tool, call: Invocation, context: ToolContext) -> Outcome:
        loop = asyncio.get_running_loop()
        stop: asyncio.Future[None] = loop.create_future()
        with context.cancelled.calling(lambda: loop.call_soon_threadsafe(_release, stop)):
            if context.cancelled.is_set() or not await self._slot(stop):
                return Outcome("cancelled", error="Cancelled before it began")
            started = time.monotonic()
            try:
                outcome = await self._supervise(tool, call, context, stop)
            finally:
                self._slots.release()
            return replace(outcome, duration_ms=round((time.monotonic() - started) * 1000))

    async def _slot(self, stop: asyncio.Future[None]) -> bool:
        """True with a slot in hand, False when the call was cancelled first."""
        if not self._slots.locked():
            return await self._slots.acquire()
        turn = asyncio.ensure_future(self._slots.acquire())
        try:
            await _first(turn, stop)
        except asyncio.CancelledError:
            self._give_back(turn)
            raise
        if stop.done():
            self._give_back(turn)
        return not stop.done()

    def _give_back(self, turn: asyncio.Future[Literal[True]]) -> None:
        if turn.done():
            self._slots.release()
        else:
            turn.cancel()

    async def _supervise(
        self, tool: Tool, call: Invocation, context: ToolContext, stop: asyncio.Future[None]
    ) -> Outcome:
        thread = _Thread(self._threads)
        work = asyncio.ensure_future(self._tries(tool, call.arguments, context, thread))
        try:
            await _first(work, stop, timeout_s=tool.timeout_s)
        except asyncio.CancelledError:
            context.cancelled.set()
            await self._halt(work, tool, context)
            raise
        if work.done():
            return _finished(work)
        why: Halted = "cancelled" if stop.done() else "timeout"
        waits = thread.waits
        context.cancelled.set()
        if not await self._halt(work, tool, context):
            return _halted(tool, why, "; it does not stop and was left behind")
        if waits:
            return _never_began(tool, why)
        return _stopped(tool, why, thread.result or (None if work.cancelled() else work.result()))

    async def _halt(self, work: asyncio.Future[ToolOutput | ToolFailed], tool: Tool, context: ToolContext) -> bool:
        """Whether the work has stopped. What does not within the grace is left to itself."""
        work.cancel()
        await asyncio.wait({work}, timeout=self._grace_s)
        stopped = work.done()
        if not stopped:
            work.cancel()
            call = {"session": context.session_id, "run": context.run_id, "call": context.call_id}
            log.warning("tool_hangs", tool=tool.name, **call)
        work.add_done_callback(_forget)
        return stopped

    async def _tries(
        self, tool: Tool, arguments: object, context: ToolContext, thread: _Thread
    ) -> ToolOutput | ToolFailed:
        """Again where that is safe: an unsafe tool may have done half of its work."""
        result = await tool.invoke(arguments, context, thread)
        for wait_s in RETRY_WAITS_S:
            if isinstance(result, ToolOutput) or not result.transient or tool.risk == "unsafe":
                break
            await self._sleep(wait_s)
            result = await tool.invoke(arguments, context, thread)
        return result


class _Thread:
    """Where a function that blocks runs, and what became of it: it may come to its end though nobody waits any more."""

    def __init__(self, threads: Threads) -> None:
        self.waits = False
        """For a thread: the function has not begun."""
        self.result: ToolOutput | ToolFailed | None = None
        self._threads = threads

    async def __call__(self, work: Callable[[], object]) -> object:
        self.waits, self.result = True, None
        return await self._threads.run(lambda: self._watched(work))

    def _watched(self, work: Callable[[], object]) -> object:
        self.waits = False
        try:
            answer = work()
        except Exception as error:
            self.result = failed(error)
            raise
        if not inspect.isawaitable(answer):
            self.result = output_of(answer)
        return answer


async def _first(*futures: asyncio.Future[Any], timeout_s: float | None = None) -> None:
    await asyncio.wait(futures, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)


def _release(stop: asyncio.Future[None]) -> None:
    if not stop.done():
        stop.set_result(None)


def _forget(work: asyncio.Future[ToolOutput | ToolFailed]) -> None:
    """Nobody waits for it any more: its error, if any, has been asked for."""
    if not work.cancelled():
        work.exception()


def _finished(work: asyncio.Future[ToolOutput | ToolFailed]) -> Outcome:
    if work.cancelled():
        return Outcome("error", error="CancelledError: the tool cancelled itself")
    result = work.result()
    if isinstance(result, ToolFailed):
        return Outcome("error", error=str(result))
    return Outcome(result.status, output=bounded(result.text), note=result.note, artifact=result.artifact)


def _never_began(tool: Tool, why: Halted) -> Outcome:
    if why == "cancelled":
        return Outcome(why, error="Cancelled before it began")
    return Outcome(why, error=f"Did not begin within {tool.timeout_s:g} s: too many other calls are at work")


def _stopped(tool: Tool, why: Halted, result: ToolOutput | ToolFailed | None) -> Outcome:
    """What became of work that was told to stop, and has."""
    match result:
        case None if tool.remote:
            return _halted(tool, why, "; whether it took effect is unknown")
        case None | ToolFailed(kind="Stopped"):
            return _halted(tool, why, " and was stopped" if why == "timeout" else "")
        case ToolFailed():
            return _halted(tool, why, f"; it ended with {result}")
        case ToolOutput(status="ok" | "error"):
            return _halted(tool, why, "; it came to its end all the same", result)
        case ToolOutput():
            return _halted(tool, why, " and was stopped" if why == "timeout" else "", result)


def _halted(tool: Tool, why: Halted, what: str, result: ToolOutput | None = None) -> Outcome:
    said = "Cancelled" if why == "cancelled" else f"Took longer than {tool.timeout_s:g} s"
    return Outcome(why, bounded(result.text) if result else "", f"{said}{what}", note=result.note if result else "")


def bounded(text: str, max_bytes: int = OUTPUT_MAX_BYTES) -> str:
    """Text that can be stored, at most `max_bytes` of UTF-8, with a note where some was cut off."""
    text = cleaned(text)
    if len(text) * 4 <= max_bytes:
        return text
    encoded = text.encode()
    if len(encoded) <= max_bytes:
        return text
    kept = encoded[:max_bytes].decode(errors="ignore")
    return f"{kept}\n[cut: the output had {len(encoded):,} bytes, {max_bytes:,} were kept]"
