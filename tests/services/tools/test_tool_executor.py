"""The executor: every call has an end, every end is a result, and what was cancelled has stopped."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from collections.abc import Callable

import pytest
from patience import HANG_S

from services.tools.context import Cancellation, ToolContext
from services.tools.errors import ToolRetry
from services.tools.executor import Invocation, Outcome, ToolExecutor, bounded
from services.tools.registry import ToolRegistry
from services.tools.threads import Threads
from services.tools.tool import Risk, Tool, tool


def executor(*tools: Tool, limit: int = 256, grace_s: float = 2.0, threads: Threads | None = None) -> ToolExecutor:
    async def no_wait(_: float) -> None:
        await asyncio.sleep(0)

    return ToolExecutor(ToolRegistry(tools), limit=limit, grace_s=grace_s, threads=threads, sleep=no_wait)


def call(name: str, call_id: str = "c", arguments: object = None) -> Invocation:
    return Invocation(call_id, name, arguments or {})


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(HANG_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


class Probe:
    """A tool that waits until it is let go, and what became of it."""

    def __init__(self) -> None:
        self.started = 0
        self.stopped = 0
        self.most = 0
        self.go = asyncio.Event()
        self.tool = tool(risk="read_only", name="probe", timeout_s=30)(self.wait)

    async def wait(self) -> str:
        """Waits."""
        self.started += 1
        self.most = max(self.most, self.started - self.stopped)
        try:
            await self.go.wait()
            return "went"
        finally:
            self.stopped += 1


@tool(risk="read_only")
def echo(text: str) -> str:
    """Says it again."""
    return text


async def test_a_call_ends_with_its_output_and_duration() -> None:
    outcome = await executor(echo).execute(call("echo", arguments={"text": "hi"}), ToolContext())
    assert (outcome.status, outcome.output, outcome.error) == ("ok", "hi", None)
    assert outcome.duration_ms >= 0


async def test_unknown_tools_and_bad_arguments_are_errors_and_a_disabled_tool_is_denied() -> None:
    registry = ToolRegistry([echo])
    runner = ToolExecutor(registry)
    assert (await runner.execute(call("nothing"), ToolContext())).status == "error"
    assert "text: Field required" in ((await runner.execute(call("echo"), ToolContext())).error or "")
    registry.disable("echo", "not today")
    denied = await runner.execute(call("echo"), ToolContext())
    assert denied.status == "denied"
    assert "not today" in (denied.error or "")


async def test_a_thousand_waiting_calls_run_side_by_side_within_the_bound() -> None:
    probe = Probe()
    runner = executor(probe.tool, limit=300)
    calls = [asyncio.create_task(runner.execute(call("probe", str(n)), ToolContext())) for n in range(1_000)]
    await until(lambda: probe.started == 300)
    probe.go.set()
    outcomes = await asyncio.gather(*calls)
    assert {outcome.status for outcome in outcomes} == {"ok"}
    assert probe.most == 300


async def test_more_than_a_hundred_functions_that_block_run_at_once() -> None:
    barrier = threading.Barrier(120)

    @tool(risk="read_only")
    def meet() -> str:
        """Returns when 120 calls are in here."""
        barrier.wait(HANG_S)
        return "met"

    runner = executor(meet)
    outcomes = await asyncio.gather(*(runner.execute(call("meet", str(n)), ToolContext()) for n in range(120)))
    assert {outcome.status for outcome in outcomes} == {"ok"}


async def test_functions_that_block_are_bounded_too() -> None:
    inside, most, lock = [0], [0], threading.Lock()

    @tool(risk="read_only")
    def count() -> str:
        """Counts those inside."""
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.01)
        with lock:
            inside[0] -= 1
        return ""

    runner = executor(count, threads=Threads(4))
    await asyncio.gather(*(runner.execute(call("count", str(n)), ToolContext()) for n in range(20)))
    assert most[0] == 4


async def test_a_timeout_stops_the_work() -> None:
    probe = Probe()
    slow = tool(risk="read_only", name="slow", timeout_s=0.02)(probe.wait)
    outcome = await executor(slow).execute(call("slow"), ToolContext())
    assert (outcome.status, probe.stopped) == ("timeout", 1)
    assert "0.02 s" in (outcome.error or "")


async def test_time_spent_waiting_for_a_turn_is_not_the_tools() -> None:
    probe = Probe()
    runner = executor(probe.tool, tool(risk="read_only", name="quick", timeout_s=0.02)(echo.function), limit=1)
    first = asyncio.create_task(runner.execute(call("probe", "a"), ToolContext()))
    await until(lambda: probe.started == 1)
    second = asyncio.create_task(runner.execute(call("quick", "b", {"text": "x"}), ToolContext()))
    over = time.monotonic() + 0.05
    await until(lambda: time.monotonic() > over)
    probe.go.set()
    assert (await second).status == "ok"
    assert (await first).status == "ok"


@pytest.mark.parametrize("by", ["call_id", "context", "task"])
async def test_cancelling_stops_an_async_tool(by: str) -> None:
    probe, context = Probe(), ToolContext(cancelled=Cancellation())
    runner = executor(probe.tool)
    task = asyncio.create_task(runner.execute(call("probe"), context))
    await until(lambda: probe.started == 1)
    if by == "call_id":
        assert runner.cancel("c")
    elif by == "context":
        context.cancelled.set()
    else:
        task.cancel()
    if by == "task":
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        assert await task == Outcome("cancelled", error="Cancelled", duration_ms=(await task).duration_ms)
    assert probe.stopped == 1
    assert not runner.cancel("c")


async def test_a_call_that_waits_for_its_turn_is_cancelled_without_beginning() -> None:
    probe = Probe()
    runner = executor(probe.tool, limit=1)
    first = asyncio.create_task(runner.execute(call("probe", "a"), ToolContext()))
    await until(lambda: probe.started == 1)
    second = asyncio.create_task(runner.execute(call("probe", "b"), ToolContext()))
    third = asyncio.create_task(runner.execute(call("probe", "d"), ToolContext()))
    await until(lambda: runner.cancel("b"))
    assert (await second).error == "Cancelled before it began"
    await asyncio.sleep(0)
    third.cancel()
    with pytest.raises(asyncio.CancelledError):
        await third
    probe.go.set()
    assert (await first).status == "ok"
    assert (await runner.execute(call("probe", "e"), ToolContext())).status == "ok"
    assert probe.started == 2


async def test_a_context_that_was_cancelled_before_starts_nothing() -> None:
    probe, context = Probe(), ToolContext(cancelled=Cancellation())
    context.cancelled.set()
    assert (await executor(probe.tool).execute(call("probe"), context)).status == "cancelled"
    assert probe.started == 0


async def test_a_thread_that_looks_at_the_flag_has_stopped_when_the_outcome_is_there() -> None:
    states: list[str] = []

    @tool(risk="read_only", timeout_s=0.02)
    def patient(context: ToolContext) -> str:
        """Waits for the flag."""
        states.append("started")
        context.cancelled.wait(HANG_S)
        states.append("stopped")
        return ""

    outcome = await executor(patient).execute(call("patient"), ToolContext())
    assert (outcome.status, states) == ("timeout", ["started", "stopped"])
    assert "left behind" not in (outcome.error or "")


async def test_a_thread_that_ignores_the_flag_is_left_behind_and_said_so() -> None:
    release = threading.Event()

    @tool(risk="read_only", timeout_s=0.02)
    def deaf() -> str:
        """Hears nothing."""
        release.wait(HANG_S)
        raise ValueError("too late")

    threads = Threads(1, stuck_max=1)
    runner = executor(deaf, echo, grace_s=0.02, threads=threads)
    outcome = await runner.execute(call("deaf"), ToolContext())
    assert outcome.status == "timeout"
    assert "left behind" in (outcome.error or "")
    await until(lambda: threads.stuck == 1)
    refused = await runner.execute(call("echo", arguments={"text": "x"}), ToolContext())
    assert "restart the server" in (refused.error or "")
    release.set()
    await until(lambda: threads.stuck == 0)
    assert (await runner.execute(call("echo", arguments={"text": "x"}), ToolContext())).status == "ok"


async def test_work_that_came_to_its_end_though_it_was_to_stop_is_told_as_that() -> None:
    begun, release = threading.Event(), threading.Event()

    @tool(risk="read_only", timeout_s=HANG_S)
    def write() -> str:
        """Can't be stopped."""
        begun.set()
        release.wait(HANG_S)
        return "written"

    @tool(risk="read_only", timeout_s=HANG_S)
    def break_down() -> str:
        """Can't be stopped either."""
        begun.set()
        release.wait(HANG_S)
        raise ValueError("half of it is there")

    for deaf, told in (
        (write, ("written", "Cancelled; it came to its end all the same")),
        (break_down, ("", "Cancelled; it ended with ValueError: half of it is there")),
    ):
        begun.clear()
        release.clear()
        runner = executor(deaf)
        task = asyncio.create_task(runner.execute(call(deaf.name), ToolContext()))
        await until(begun.is_set)
        assert runner.cancel("c")
        release.set()
        outcome = await task
        assert (outcome.status, outcome.output, outcome.error) == ("cancelled", *told)


async def test_a_call_that_no_thread_was_free_for_did_not_begin() -> None:
    release, begun = threading.Event(), threading.Event()

    @tool(risk="read_only")
    def hold() -> str:
        """Takes the only thread."""
        begun.set()
        release.wait(HANG_S)
        return ""

    quick = tool(risk="read_only", name="quick", timeout_s=0.02)(echo.function)
    runner = executor(hold, quick, threads=Threads(1))
    first = asyncio.create_task(runner.execute(call("hold", "a"), ToolContext()))
    await until(begun.is_set)
    late = await runner.execute(call("quick", "b", {"text": "x"}), ToolContext())
    release.set()
    assert (late.status, late.error) == ("timeout", "Did not begin within 0.02 s: too many other calls are at work")
    assert (await first).status == "ok"


@pytest.mark.parametrize("by", ["time", "call_id"])
async def test_what_is_done_elsewhere_is_not_said_to_have_stopped(by: str) -> None:
    probe = Probe()
    away = dataclasses.replace(probe.tool, remote=True, timeout_s=0.02 if by == "time" else HANG_S)
    runner = executor(away)
    task = asyncio.create_task(runner.execute(call("probe"), ToolContext()))
    if by == "call_id":
        await until(lambda: probe.started == 1)
        runner.cancel("c")
    outcome = await task
    assert outcome.status == ("timeout" if by == "time" else "cancelled")
    assert (outcome.error or "").endswith("; whether it took effect is unknown")


async def test_an_async_tool_that_swallows_its_cancellation_is_left_behind() -> None:
    release = asyncio.Event()

    @tool(risk="read_only", timeout_s=0.02)
    async def stubborn() -> str:
        """Goes on."""
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        raise ValueError("at last")

    outcome = await executor(stubborn, grace_s=0.02).execute(call("stubborn"), ToolContext())
    assert "left behind" in (outcome.error or "")
    release.set()
    await asyncio.sleep(0.01)


@pytest.mark.parametrize(("risk", "tries"), [("read_only", 3), ("idempotent", 3), ("unsafe", 1)])
async def test_a_passing_failure_is_tried_again_only_where_that_is_safe(risk: Risk, tries: int) -> None:
    seen: list[int] = []

    @tool(risk=risk)
    async def flaky() -> str:
        """Fails in passing."""
        seen.append(1)
        raise ToolRetry("busy")

    outcome = await executor(flaky).execute(call("flaky"), ToolContext())
    assert (outcome.status, outcome.error, len(seen)) == ("error", "ToolRetry: busy", tries)


async def test_a_second_try_may_succeed_and_another_failure_is_not_tried_again() -> None:
    seen: list[int] = []

    @tool(risk="read_only")
    async def flaky(broken: bool = False) -> str:
        """Fails once."""
        seen.append(1)
        if broken:
            raise ValueError("broken")
        if len(seen) == 1:
            raise ConnectionError("reset")
        return "there"

    runner = executor(flaky)
    assert (await runner.execute(call("flaky"), ToolContext())).output == "there"
    seen.clear()
    outcome = await runner.execute(call("flaky", arguments={"broken": True}), ToolContext())
    assert (outcome.error, len(seen)) == ("ValueError: broken", 1)


@pytest.mark.parametrize("error", [SystemExit, StopIteration, KeyError, asyncio.CancelledError])
async def test_whatever_a_thread_raises_is_a_result(error: type[BaseException]) -> None:
    @tool(risk="read_only")
    def fail() -> str:
        """Fails."""
        raise error()

    outcome = await executor(fail).execute(call("fail"), ToolContext())
    assert outcome.status == "error"
    assert error.__name__ in (outcome.error or "")


async def test_an_async_tool_that_cancels_itself_is_an_error() -> None:
    @tool(risk="read_only")
    async def leave() -> str:
        """Leaves."""
        raise asyncio.CancelledError

    outcome = await executor(leave).execute(call("leave"), ToolContext())
    assert (outcome.status, outcome.error) == ("error", "CancelledError: the tool cancelled itself")


def test_output_is_clean_and_bounded() -> None:
    assert bounded("a\0b\ud800") == "a\ufffdb\ufffd"
    assert bounded("é" * 10, max_bytes=20) == "é" * 10
    cut = bounded("é" * 11, max_bytes=21)
    assert cut == "é" * 10 + "\n[cut: the output had 22 bytes, 21 were kept]"


async def test_the_loop_may_be_gone_when_a_thread_returns() -> None:
    release, returned = threading.Event(), threading.Event()

    def work() -> object:
        release.wait(HANG_S)
        return returned

    def run_alone() -> None:
        async def begin() -> None:
            task = asyncio.create_task(Threads().run(work))
            await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(begin())

    await asyncio.to_thread(run_alone)
    release.set()
    await until(lambda: not any(thread.name == "tool" for thread in threading.enumerate()))


def test_a_flag_calls_back_once_from_the_thread_that_sets_it_and_children_follow() -> None:
    parent, seen = Cancellation(), []
    with parent.child() as child, child.calling(lambda: seen.append("called")):
        parent.set()
        parent.set()
        assert child.is_set()
    with parent.calling(lambda: seen.append("at once")):
        pass
    other = Cancellation()
    with other.calling(lambda: seen.append("never")):
        pass
    other.set()
    assert seen == ["called", "at once"]
