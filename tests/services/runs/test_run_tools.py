"""A run's own tool calls: asked for, answered in order, denied with the user's words, stopped with the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import structlog
from world import Room, Workshop, eventually, hooked_store, say

from models.approvals import ApprovalDecision
from models.commands import CancelRun, RequestTools, ResolveApproval, RunFence, StartRun
from models.errors import Fenced, InvalidArgument, NotSupported, ToolCallFailed
from models.payloads import ToolCall, ToolResultPayload
from models.runs import OnCrash
from models.user_state import UserApprovalPolicy
from services.runs.context import RunContext
from services.runs.toolbox import Toolbox, Wanted
from services.runs.tools import RESULTS_PAGE, RunTools, why_failed
from services.tools.executor import ToolExecutor
from services.tools.registry import ToolRegistry
from services.tools.tool import Tool, ToolOutput, tool

Work = Callable[[RunContext], Awaitable[None]]


@tool(risk="idempotent", policy="auto")
async def double(n: int) -> int:
    """Doubles a number."""
    return 2 * n


@tool(risk="read_only")
async def stumble() -> str:
    """Always fails."""
    raise ValueError("a stone")


@tool(risk="unsafe")
async def smash(what: str) -> str:
    """Smashes something."""
    return f"smashed {what}"


@tool(risk="read_only")
def fail() -> ToolOutput:
    """Fails, and says how."""
    return ToolOutput("a line\n[exit code 3]\n", status="error")


class Does:
    """An agent that does one thing."""

    on_crash: OnCrash = "resume"

    def __init__(self, work: Work) -> None:
        self._work = work

    async def run(self, ctx: RunContext) -> None:
        await self._work(ctx)


@asynccontextmanager
async def doing(work: Work, *tools: Tool, without: bool = False) -> AsyncIterator[tuple[Workshop, str]]:
    """A session in which an agent does its work, with these tools and those of the module."""
    store, _ = hooked_store()
    registry = ToolRegistry((double, stumble, smash, *tools))
    toolbox = None if without else Toolbox(registry, ToolExecutor(registry))
    inbox = await store.projects.inbox()
    shop = Workshop(store, inbox.id, {"does": Does(work)}, toolbox=toolbox)
    await shop.runs.start()
    try:
        session_id = await shop.room.create(title="t")
        await shop.room.do(session_id, say("go", agent="does"))
        yield shop, session_id
    finally:
        await shop.stop()


async def answer(shop: Workshop, session_id: str, decision: ApprovalDecision, text: str | None = None) -> None:
    await eventually(lambda: shop.room.state(session_id).approvals, "the question")
    [approval] = shop.room.state(session_id).approvals
    await shop.room.do(session_id, ResolveApproval(approval.id, decision, "ann", answer=text))


def failing(name: str, failures: list[ToolCallFailed], **arguments: object) -> Work:
    async def work(ctx: RunContext) -> None:
        try:
            await ctx.call_tool(name, **arguments)
        except ToolCallFailed as failure:
            failures.append(failure)

    return work


async def test_an_agent_gets_the_output_of_its_call() -> None:
    outputs: list[str] = []

    async def work(ctx: RunContext) -> None:
        outputs.append(await ctx.call_tool("double", n=21))

    async with doing(work) as (shop, session_id):
        await shop.until(session_id, "COMPLETED")
        assert outputs == ["42"]
        kinds = [message.kind for message in await shop.room.messages(session_id)]
        assert kinds == ["text", "tool_request", "tool_result"]


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("stumble", {}, "ValueError: a stone"),
        ("double", {"n": "many"}, "n"),
        ("unheard_of", {}, "There is no tool"),
    ],
)
async def test_a_call_that_fails_raises_what_the_agent_can_catch(
    name: str, arguments: dict[str, object], told: str
) -> None:
    failures: list[ToolCallFailed] = []
    async with doing(failing(name, failures, **arguments)) as (shop, session_id):
        await shop.until(session_id, "COMPLETED")
        [failure] = failures
        assert told in failure.message
        assert failure.details == {"status": "error"}


async def test_a_call_that_failed_and_has_something_to_show_raises_with_it(subtests: pytest.Subtests) -> None:
    """As a command does that ends with an exit code, and one whose own last line ends as lines do."""
    for output, last in (
        ("a line\n[exit code 3]", ": [exit code 3]"),
        ("a line\n[exit code 3]\n", ": [exit code 3]"),
        ("a line\r\nno more\r\n", ": no more"),
        ("a line" + "\n" * 400, ": a line"),
        ("1 %\r50 %\r", ": 50 %"),
        (f"a line\n{'x' * 400}\n", f": {'x' * 300}"),
        ("\n", ""),
        ("", ""),
    ):
        with subtests.test(output=output):
            result = ToolResultPayload(call_id="c", name="fail", status="error", output=output, duration_ms=1)
            assert why_failed(result) == f"fail ended as error{last}"
    failures: list[ToolCallFailed] = []
    async with doing(failing("fail", failures), fail) as (shop, session_id):
        await shop.until(session_id, "COMPLETED")
        [failure] = failures
        assert failure.message == "fail ended as error: [exit code 3]"
        assert failure.details == {"status": "error", "output": "a line\n[exit code 3]\n"}


@pytest.mark.parametrize(
    ("decision", "text", "told"),
    [
        ("deny", "not now", "The user did not allow this: not now"),
        ("deny", None, "The user did not allow this"),
    ],
)
async def test_a_denial_comes_with_the_users_words(decision: ApprovalDecision, text: str | None, told: str) -> None:
    failures: list[ToolCallFailed] = []
    async with doing(failing("smash", failures, what="vase")) as (shop, session_id):
        await answer(shop, session_id, decision, text)
        await shop.until(session_id, "COMPLETED")
        [failure] = failures
        assert (failure.message, failure.details) == (told, {"status": "denied"})


async def test_what_an_agent_does_not_catch_fails_its_run_with_the_reason() -> None:
    async def work(ctx: RunContext) -> None:
        await ctx.call_tool("stumble")

    async with doing(work) as (shop, session_id):
        await shop.until(session_id, "FAILED")
        assert (await shop.room.runs(session_id))[-1].reason == "tool_call_failed: ValueError: a stone"


async def test_a_server_without_tools_says_so_and_offers_none() -> None:
    seen: list[object] = []

    async def work(ctx: RunContext) -> None:
        seen.append(ctx.tools.offered("act"))
        with pytest.raises(NotSupported):
            await ctx.call_tool("double", n=1)

    async with doing(work, without=True) as (shop, session_id):
        await shop.until(session_id, "COMPLETED")
        assert seen == [()]


async def test_more_calls_than_a_page_holds_all_return_in_order() -> None:
    count = RESULTS_PAGE + 60
    outputs: list[str] = []

    async def work(ctx: RunContext) -> None:
        wanted = [Wanted(f"c{n}", "double", f'{{"n": {n}}}') for n in range(count)]
        outputs.extend(result.output for result in await ctx.tools.call(wanted))

    async with doing(work) as (shop, session_id):
        await shop.until(session_id, "COMPLETED")
        assert outputs == [str(2 * n) for n in range(count)]


async def test_calls_that_differ_in_their_fate_come_back_in_order_too() -> None:
    statuses: list[str] = []

    async def work(ctx: RunContext) -> None:
        wanted = (
            Wanted("c1", "smash", '{"what": "vase"}'),
            Wanted("c2", "unheard_of", "{}"),
            Wanted("c3", "double", '{"n": 1}'),
            Wanted("c4", "double", "broken"),
        )
        statuses.extend(result.status for result in await ctx.tools.call(wanted))

    async with doing(work) as (shop, session_id):
        await answer(shop, session_id, "deny")
        await shop.until(session_id, "COMPLETED")
        assert statuses == ["denied", "error", "ok", "error"]


async def test_nothing_runs_while_one_of_several_waits_for_the_user() -> None:
    begun: list[int] = []

    @tool(risk="read_only")
    async def note(n: int) -> str:
        """Notes a number."""
        begun.append(n)
        return ""

    async def work(ctx: RunContext) -> None:
        await ctx.tools.call((Wanted("c1", "note", '{"n": 1}'), Wanted("c2", "smash", '{"what": "vase"}')))

    async with doing(work, note) as (shop, session_id):
        await eventually(lambda: shop.room.state(session_id).approvals)
        assert begun == []
        await answer(shop, session_id, "approve")
        await shop.until(session_id, "COMPLETED")
        assert begun == [1]


async def test_cancelling_the_run_stops_all_tools_at_work() -> None:
    begun, stopped = [], []

    @tool(risk="read_only")
    async def wait(n: int) -> str:
        """Waits for ever."""
        begun.append(n)
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(n)
        return ""

    errors: list[BaseException] = []

    async def work(ctx: RunContext) -> None:
        try:
            await ctx.tools.call([Wanted(f"c{n}", "wait", f'{{"n": {n}}}') for n in range(3)])
        except BaseException as error:
            errors.append(error)
            raise

    async with doing(work, wait) as (shop, session_id):
        await eventually(lambda: len(begun) == 3)
        await shop.room.do(session_id, CancelRun())
        await eventually(lambda: len(stopped) == 3, "the end of all three")
        await eventually(lambda: errors)
        assert isinstance(errors[0], asyncio.CancelledError | Fenced)
        await shop.until(session_id, "CANCELLED")


async def test_an_agent_speaks_as_agent_or_system_alone() -> None:
    async def work(ctx: RunContext) -> None:
        with pytest.raises(InvalidArgument):
            await ctx.emit("psst", role="user")  # type: ignore[arg-type]  # what a caller without types may do

    async with doing(work) as (shop, session_id):
        await shop.until(session_id, "COMPLETED")


# Going on after a crash
async def requested(room: Room, calls: Sequence[ToolCall]) -> tuple[str, RunTools]:
    """The tools of a later attempt, with the request of an earlier one still open."""
    session_id = await room.create(title="t")
    said = say("go")
    await room.do(session_id, said)
    await room.do(session_id, StartRun(said.run_id))
    await room.do(session_id, RequestTools(RunFence(said.run_id, 1), "request", "does", tuple(calls)))
    run = room.state(session_id).run
    assert run is not None
    registry = ToolRegistry((double, smash))
    return session_id, RunTools(room.sessions, run, Toolbox(registry, ToolExecutor(registry)))


async def open_room() -> Room:
    store, _ = hooked_store()
    return Room(store, (await store.projects.inbox()).id)


async def test_an_open_request_is_brought_to_its_end_by_the_next_attempt() -> None:
    room = await open_room()
    approved = ToolCall(call_id="1", name="double", arguments={"n": 4}, risk="idempotent", status="approved")
    refused = ToolCall(call_id="2", name="gone", status="denied", decided_by="policy")
    session_id, tools = await requested(room, (approved, refused))
    first, second = await tools.finish()
    assert (first.status, first.output) == ("ok", "8")
    assert (second.status, second.error) == ("error", "This call is not possible")
    assert room.state(session_id).request is None
    assert await tools.finish() == (), "nothing is open any more"


async def test_a_run_that_was_lost_meanwhile_writes_no_result() -> None:
    room = await open_room()
    call = ToolCall(call_id="1", name="double", arguments={"n": 4}, risk="idempotent", status="approved")
    session_id, tools = await requested(room, (call,))
    await room.do(session_id, CancelRun())
    with pytest.raises(Fenced):
        await tools.call((Wanted("2", "double", '{"n": 1}'),))
    assert [m.kind for m in await room.messages(session_id)].count("tool_result") == 1, "that of the cancellation"


# Who wants to be asked --------------------------------------------------------------------------------------------


async def test_the_user_whose_message_started_the_run_is_the_one_whose_wish_counts() -> None:
    wishes: dict[str, UserApprovalPolicy] = {"ann": "manual", "bob": "default"}
    asked_for: list[str] = []

    async def wish_of(user_id: str) -> UserApprovalPolicy:
        asked_for.append(user_id)
        return wishes[user_id]

    async def work(ctx: RunContext) -> None:
        await ctx.emit(await ctx.call_tool("double", n=1))

    store, _ = hooked_store()
    registry = ToolRegistry((double,))
    toolbox = Toolbox(registry, ToolExecutor(registry), wish_of=wish_of)
    shop = Workshop(store, (await store.projects.inbox()).id, {"does": Does(work)}, toolbox=toolbox)
    await shop.runs.start()
    session_id = await shop.room.create(title="t")
    await shop.room.do(session_id, say("go", agent="does", author="bob"))
    await shop.until(session_id, "COMPLETED")
    await shop.room.do(session_id, say("go", agent="does", author="ann"))
    await answer(shop, session_id, "approve")
    await shop.until(session_id, "COMPLETED")
    await shop.stop()
    assert asked_for == ["bob", "ann"]


# What is logged
async def test_every_call_is_logged_with_its_session_run_time_and_outcome() -> None:
    async def work(ctx: RunContext) -> None:
        await ctx.call_tool("double", n=2)
        for name in ("stumble", "unknown"):
            with pytest.raises(ToolCallFailed):
                await ctx.call_tool(name)

    with structlog.testing.capture_logs() as logs:
        async with doing(work) as (shop, session_id):
            await shop.until(session_id, "COMPLETED")
            [run] = await shop.room.runs(session_id)
    calls = [each for each in logs if each["event"] == "tool call"]
    assert [(each["tool"], each["outcome"], each["log_level"]) for each in calls] == [
        ("double", "ok", "info"),
        ("stumble", "error", "info"),
        ("unknown", "error", "info"),
    ]
    assert {(each["session"], each["run"]) for each in calls} == {(session_id, run.id)}
    assert all(each["call"] and each["duration_ms"] >= 0 for each in calls)
    [raised] = [each for each in logs if each["event"] == "tool_raised"]
    assert (raised["session"], raised["run"], raised["call"]) == (session_id, run.id, calls[1]["call"])
    assert "a stone" not in str(logs), "nobody's words"


async def test_the_end_of_a_run_is_logged_without_the_words_of_what_failed_it() -> None:
    """Who reads the session is told them. Fails with the whole reason in the line."""

    async def work(ctx: RunContext) -> None:
        await ctx.call_tool("fail")

    with structlog.testing.capture_logs() as logs:
        async with doing(work, fail) as (shop, session_id):
            await shop.until(session_id, "FAILED")
            await eventually(lambda: any(each["event"] == "run ended" for each in logs), "the line")
            [run] = await shop.room.runs(session_id)
    assert run.reason == "tool_call_failed: fail ended as error: [exit code 3]"
    [line] = [each for each in logs if each["event"] == "run ended"]
    assert line["error"] == "tool_call_failed"
    assert "exit code" not in str(logs), "nobody's words"


async def test_a_call_that_ends_with_its_run_is_logged_too() -> None:
    begun = asyncio.Event()

    @tool(risk="read_only")
    async def dawdle() -> str:
        """Takes long."""
        begun.set()
        await asyncio.Event().wait()
        return ""

    async def work(ctx: RunContext) -> None:
        await ctx.call_tool("dawdle")

    with structlog.testing.capture_logs() as logs:
        async with doing(work, dawdle) as (shop, session_id):
            await begun.wait()
            await shop.room.do(session_id, CancelRun())
            await eventually(lambda: any(each["event"] == "tool call" for each in logs), "the line")
    [line] = [each for each in logs if each["event"] == "tool call"]
    assert (line["tool"], line["outcome"]) == ("dawdle", "cancelled")


async def test_each_call_goes_to_the_server_that_its_name_says_whatever_else_is_asked_for() -> None:
    room = await open_room()
    done = ToolCall(call_id="0", name="gone", status="denied", decided_by="policy")
    session_id, tools = await requested(room, (done,))
    await tools.finish()
    tools._toolbox = replace(tools._box(), server_of={"double": "git"}.get)
    wanted = (Wanted("1", "double", '{"n": 1}'), Wanted("2", "nothing", "{}"))
    assert [result.kind for result in await tools.call(wanted)] == ["mcp_tool_result", "tool_result"]
    kinds = [message.kind for message in await room.messages(session_id)]
    assert kinds[-4:-2] == ["mcp_tool_request", "tool_request"]
