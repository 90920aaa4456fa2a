"""What a model is offered and what becomes of a call that it writes: the two must agree."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from world import T0, create, decided, eventually

from models.approvals import Grant
from models.ids import iso
from models.payloads import ToolCall
from models.runs import Run
from models.states import Mode
from services.engine.context import Context
from services.engine.policy import ApprovalPolicy
from services.runs.toolbox import Toolbox, Wanted, open_calls
from services.tools.context import Cancellation, ToolContext
from services.tools.executor import ToolExecutor
from services.tools.registry import ToolRegistry
from services.tools.tool import Tool, tool
from services.tools.workspace import Workspace

RUN = Run(id="r", session_id="s", state="running", created_at_utc=iso(T0), message_id="m", agent="a", on_crash="resume")


def tools() -> tuple[Tool, ...]:
    @tool(risk="read_only")
    async def look(where: str = "here") -> str:
        """Looks."""
        return where

    @tool(risk="idempotent", policy="auto", modes=("plan", "act"))
    async def tidy() -> str:
        """Writes, though it declares itself for every mode."""
        return ""

    @tool(risk="unsafe")
    async def smash() -> str:
        """Smashes."""
        return ""

    @tool(risk="read_only", dangerous=True)
    async def peek() -> str:
        """Reads what is private."""
        return ""

    @tool(risk="read_only", policy="off")
    async def spy() -> str:
        """Switched off."""
        return ""

    @tool(risk="read_only", requires=("executable:no-such-program",))
    async def probe() -> str:
        """Can't run here."""
        return ""

    @tool(risk="read_only", modes=("act",))
    async def report() -> str:
        """For act mode alone."""
        return ""

    return look, tidy, smash, peek, spy, probe, report


NAMES = [each.name for each in tools()]


def box(policy: ApprovalPolicy = "auto", allowed: frozenset[str] = frozenset()) -> Toolbox:
    registry = ToolRegistry(tools())
    return Toolbox(registry, ToolExecutor(registry), policy=policy, allowed=allowed)


def context(mode: Mode = "act", granted: str | None = None) -> Context:
    append = decided("s", None, create(title="t"))
    assert append is not None
    grants = (Grant(tool=granted, granted_by="ann", granted_at_utc=iso(T0)),) if granted else ()
    return replace(append.after, mode=mode, grants=grants)


def status(toolbox: Toolbox, name: str, where: Context, depth: int = 0) -> str:
    return toolbox.judge(Wanted("c", name, "{}"), where, depth).status


@pytest.mark.parametrize("mode", ["plan", "act"])
def test_what_is_offered_is_what_would_not_be_refused(mode: Mode) -> None:
    toolbox = box()
    offered = {spec.name for spec in toolbox.offered(mode)}
    possible = {name for name in NAMES if status(toolbox, name, context(mode)) != "denied"}
    assert offered == possible
    assert offered == ({"look", "peek"} if mode == "plan" else {"look", "tidy", "smash", "peek", "report"})


def test_a_tool_that_is_disabled_is_neither_offered_nor_run() -> None:
    toolbox = box()
    toolbox.registry.disable("look", "maintenance")
    assert "look" not in {spec.name for spec in toolbox.offered("act")}
    call = toolbox.judge(Wanted("c", "look", "{}"), context(), 0)
    assert call.status == "denied"
    assert call.refusal is not None
    assert "maintenance" in call.refusal


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("unheard_of", "{}", "There is no tool"),
        ("spy", "{}", "off"),
        ("probe", "{}", "no-such-program"),
        ("look", "{", "not valid JSON"),
        ("look", "[]", "no JSON object"),
    ],
)
def test_a_call_that_can_not_be_is_denied_by_policy_with_the_reason(name: str, arguments: str, told: str) -> None:
    call = box().judge(Wanted("c", name, arguments), context(), 0)
    assert (call.call_id, call.name, call.status, call.decided_by) == ("c", name, "denied", "policy")
    assert call.refusal is not None
    assert told in call.refusal


def test_what_runs_at_once_was_decided_by_policy_and_what_is_asked_by_nobody_yet() -> None:
    call = box().judge(Wanted("c", "look", '{"where": "there"}'), context(), 0)
    assert (call.status, call.decided_by, call.arguments, call.risk, call.refusal) == (
        "approved",
        "policy",
        {"where": "there"},
        "read_only",
        None,
    )
    call = box().judge(Wanted("c", "smash", ""), context(), 0)
    assert (call.status, call.decided_by, call.refusal) == ("pending", None, None)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("auto", {"look": "approved", "smash": "pending", "peek": "pending"}),
        ("manual", {"look": "pending", "smash": "pending", "peek": "pending"}),
        ("allow-list", {"look": "pending", "smash": "approved", "peek": "pending"}),
        ("limited", {"look": "approved", "smash": "pending", "peek": "pending"}),
    ],
)
def test_the_servers_policy_decides_who_is_asked(policy: ApprovalPolicy, expected: dict[str, str]) -> None:
    toolbox = box(policy, frozenset({"smash", "peek"}))
    assert {name: status(toolbox, name, context()) for name in expected} == expected


def test_a_grant_lets_a_tool_run_but_not_a_dangerous_one() -> None:
    assert status(box("manual"), "smash", context(granted="smash")) == "approved"
    assert status(box("manual"), "look", context(granted="smash")) == "pending"
    assert status(box("manual"), "peek", context(granted="peek")) == "pending"


def test_dangerous_tools_are_known_and_unknown_ones_are_not_dangerous() -> None:
    toolbox = box()
    assert [name for name in (*NAMES, "unheard_of") if toolbox.is_dangerous(name)] == ["peek"]


def test_limited_asks_beyond_its_depth() -> None:
    assert [status(box("limited"), "look", context(), depth) for depth in (0, 4, 5, 9)] == [
        "approved",
        "approved",
        "pending",
        "pending",
    ]


# Running
async def nothing(message_id: str) -> str | None:
    return None


async def test_a_tool_is_told_where_it_works_and_for_whom(tmp_path: Path) -> None:
    seen: list[ToolContext] = []

    @tool(risk="read_only")
    async def look(context: ToolContext) -> str:
        """Looks."""
        seen.append(context)
        return "saw"

    registry = ToolRegistry((look,))
    workspace = Workspace(tmp_path)
    toolbox = Toolbox(registry, ToolExecutor(registry), workspace)
    outcome = await toolbox.run(RUN, ToolCall(call_id="c", name="look", status="approved"), nothing)
    assert (outcome.status, outcome.output) == ("ok", "saw")
    [given] = seen
    assert (given.session_id, given.run_id, given.call_id, given.workspace) == ("s", "r", "c", workspace)


async def test_cancelling_the_caller_stops_the_work() -> None:
    flags: list[Cancellation] = []

    @tool(risk="read_only")
    def dig(context: ToolContext) -> str:
        """Digs in a thread, and looks up now and then."""
        flags.append(context.cancelled)
        context.cancelled.wait(10)
        return ""

    registry = ToolRegistry((dig,))
    toolbox = Toolbox(registry, ToolExecutor(registry))
    work = asyncio.create_task(toolbox.run(RUN, ToolCall(call_id="c", name="dig", status="approved"), nothing))
    await eventually(lambda: flags)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert flags[0].is_set()


def test_without_a_request_no_call_is_open() -> None:
    assert open_calls(None) == ()
