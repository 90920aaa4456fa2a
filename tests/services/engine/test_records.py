"""What the transcript says of switches, and of what a tool made beside its result."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world import create, decided, say

from models.commands import (
    CancelRun,
    ChangePlan,
    Command,
    EmitMessage,
    FinishTool,
    Fork,
    RequestTools,
    RunFence,
    SetMode,
    SetModel,
    StartRun,
    StartTools,
    SwitchBranch,
)
from models.events import BranchSwitched, MessageCreated, PlanChanged
from models.messages import Message
from models.payloads import PlanItem, PlanPayload, ProjectStructurePayload, SystemControlPayload, ToolCall
from services.engine.context import Context
from services.store.journal import Append

PLAN = (PlanItem(id="1", text="look"), PlanItem(id="2", text="leap", status="done"))


FENCE = RunFence("run", 1)


def after(context: Context | None, *commands: Command) -> Context:
    for command in commands:
        append = decided("s", context, command)
        assert append is not None
        context = append.after
    assert context is not None
    return context


def fresh() -> Context:
    return after(None, create())


def running() -> Context:
    return after(fresh(), replace(say("hello"), run_id="run"), StartRun("run"))


def spoken() -> Context:
    return after(fresh(), say("hello"), CancelRun())


def parted() -> Context:
    """On a branch of its own, where something was said."""
    return after(spoken(), Fork("b", "main", 1), say("more"), CancelRun())


def created(append: Append | None) -> list[Message]:
    bodies = [event.body for event in append.events] if append is not None else []
    return [body.message for body in bodies if isinstance(body, MessageCreated)]


def recorded(context: Context, command: Command) -> tuple[str, dict[str, object]] | None:
    """What is recorded of a command."""
    messages = created(decided("s", context, command))
    if not messages:
        return None
    [record] = messages
    assert isinstance(record.payload, SystemControlPayload)
    assert (record.role, record.kind, record.message_type) == ("system", "system_control", "status")
    assert (record.author, record.metadata.source, record.is_record) == ("ann", "system_control", True)
    return record.payload.control, record.payload.parameters


def test_each_switch_of_mode_model_and_branch_is_recorded_with_who_did_it() -> None:
    assert recorded(spoken(), SetMode("plan", "ann")) == ("mode_switch", {"mode": "plan", "from": "act"})
    assert recorded(spoken(), SetModel("m", "ann")) == ("model_switch", {"model": "m", "from": spoken().model})
    assert recorded(parted(), SwitchBranch("main", 1, (), "ann")) == ("branch_switch", {"branch": "main", "from": "b"})


def test_what_switches_nothing_and_what_is_chosen_before_anything_was_said_is_not_recorded() -> None:
    assert recorded(spoken(), SetMode("act", "ann")) is None
    assert recorded(fresh(), SetMode("plan", "ann")) is None
    assert recorded(fresh(), SetModel("m", "ann")) is None
    assert recorded(after(spoken(), Fork("b", "main", 1)), SwitchBranch("main", 1, (), "ann")) is None


def test_a_switch_of_branch_leaves_the_path_that_it_leads_to_as_it_was() -> None:
    append = decided("s", parted(), SwitchBranch("main", 1, ("x",), "ann"))
    assert append is not None
    assert [type(event.body) for event in append.events] == [MessageCreated, BranchSwitched]
    assert append.after.branches["main"] == parted().branches["main"]
    assert append.after.branches["b"].length == parted().branches["b"].length + 1


def at_work() -> Context:
    call = ToolCall(call_id="1", name="tool", status="approved")
    return after(running(), RequestTools(FENCE, "m-r", "assistant", (call,)), StartTools(FENCE, ("1",)))


def test_a_plan_that_a_tool_wrote_stands_behind_its_result_and_is_the_branchs() -> None:
    made = FinishTool(FENCE, "m-1", "1", "ok", output="done", artifact=PlanPayload(items=PLAN))
    append = decided("s", at_work(), made)
    assert append is not None
    result, plan = created(append)
    assert (result.kind, plan.kind) == ("tool_result", "plan")
    assert (result.is_record, plan.is_record) == (False, True)
    assert plan.ordinal == append.after.pool_count == result.ordinal + 1
    assert append.after.branch.plan == PLAN
    assert (append.after.request, append.after.state.name) == (None, "active")


def test_another_artifact_changes_no_plan() -> None:
    at = "2026-01-01T00:00:00.000Z"
    structure = ProjectStructurePayload(root="p", type="tree", content="p: 1 file", generated_at=at)
    append = decided("s", at_work(), FinishTool(FENCE, "m-1", "1", "ok", output="p: 1 file", artifact=structure))
    assert append is not None
    assert [message.content for message in created(append)] == ["p: 1 file", "Project p"]
    assert not any(isinstance(event.body, PlanChanged) for event in append.events)


@pytest.mark.parametrize("before", [None, PLAN])
def test_a_plan_that_an_agent_emits_is_the_branchs(before: tuple[PlanItem, ...] | None) -> None:
    context = after(running(), ChangePlan(before)) if before else running()
    append = decided("s", context, EmitMessage(FENCE, "m-1", "assistant", "agent", "", PlanPayload(items=PLAN)))
    assert append is not None
    assert append.after.branch.plan == PLAN
    assert sum(isinstance(event.body, PlanChanged) for event in append.events) == (0 if before else 1)
