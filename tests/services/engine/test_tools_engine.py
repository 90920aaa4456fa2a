"""Tools and questions in the pure engine: asked, decided, at work, returned, closed by a run's end, lost in a crash."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
from world import T0, create, decided, say

from models.approvals import Approval, ApprovalDecision
from models.commands import (
    AskUser,
    BeginStream,
    BeginWorkflow,
    CancelRun,
    Command,
    DeleteSession,
    ExpireApprovals,
    FinalizeStream,
    FinishRun,
    FinishTool,
    RequestModel,
    RequestTools,
    ResolveApproval,
    RevokeGrant,
    RunFence,
    SetMode,
    StartRun,
    StartTools,
    TakeOverRun,
)
from models.errors import (
    ApprovalNotFound,
    Fenced,
    IllegalTransition,
    InvalidArgument,
    ParleyError,
)
from models.events import ApprovalResolved, MessageCreated
from models.ids import EpochMs
from models.payloads import CallStatus, ToolCall, ToolResultPayload, ToolStatus, WorkflowExecutionPayload, calls_in
from models.runs import OnBusy
from models.states import Active, AwaitingUser, ProcessingTool, ProcessingWorkflow
from services.engine.context import Context
from services.engine.decide import decide
from services.engine.tools import IN_PLAN_NOW, UNKNOWN_OUTCOME, calls_of, open_request

FENCE = RunFence("run", 1)
Risk = Literal["read_only", "idempotent", "unsafe"]


def after(context: Context, *commands: Command) -> Context:
    for command in commands:
        append = decided("s", context, command)
        assert append is not None, f"{command} did nothing"
        context = append.after
    return context


def running() -> Context:
    append = decided("s", None, create(title="t"))
    assert append is not None
    said = say("go")
    said = type(said)(said.message_id, "run", "ann", "go", said.payload)
    return after(append.after, said, StartRun("run"))


def call(call_id: str, status: CallStatus = "pending", risk: Risk = "unsafe") -> ToolCall:
    return ToolCall(call_id=call_id, name=f"tool-{call_id}", arguments={"n": 1}, risk=risk, status=status)


def asking(*calls: ToolCall, message_id: str = "request") -> RequestTools:
    return RequestTools(FENCE, message_id, "assistant", calls, {c.call_id: f"a-{c.call_id}" for c in calls})


def answer(call_id: str, decision: ApprovalDecision = "approve", **more: object) -> ResolveApproval:
    return ResolveApproval(f"a-{call_id}", decision, "ann", **more)  # type: ignore[arg-type]  # its own fields


def done(call_id: str, output: str = "out") -> FinishTool:
    return FinishTool(FENCE, f"result-{call_id}", call_id, "ok", output)


def refusal(context: Context, command: Command) -> ParleyError:
    with pytest.raises(ParleyError) as refused:
        decide("s", context, command, T0)
    return refused.value


def statuses(context: Context) -> list[str]:
    return [each.status for each in open_request(context)[1]]


def results(context: Context, command: Command) -> list[tuple[str, str, str | None]]:
    """(call, status, error) of every result that a command writes."""
    payloads = [
        event.message.payload
        for event in decide("s", context, command, T0).events
        if isinstance(event, MessageCreated) and event.message.kind == "tool_result"
    ]
    return [(p.call_id, p.status, p.error) for p in payloads if isinstance(p, ToolResultPayload)]


# Asking for tools
def test_calls_that_policy_decided_ask_nobody() -> None:
    context = after(running(), asking(call("1", "approved"), call("2", "denied")))
    assert (context.state, context.approvals) == (Active(), ())
    assert statuses(context) == ["approved", "denied"]


def test_pending_calls_wait_for_the_user_one_approval_each() -> None:
    context = after(running(), asking(call("1"), call("2", "approved"), call("3")))
    assert context.state == AwaitingUser(reason="tool", approval_ids=("a-1", "a-3"))
    assert [(a.tool, a.risk, a.arguments) for a in context.approvals] == [
        ("tool-1", "unsafe", {"n": 1}),
        ("tool-3", "unsafe", {"n": 1}),
    ]
    assert context.run is not None
    assert context.run.state == "awaiting_input"


def test_one_request_at_a_time_and_each_call_with_its_own_id() -> None:
    context = after(running(), asking(call("1", "approved")))
    assert isinstance(refusal(context, asking(call("2", "approved"), message_id="r2")), IllegalTransition)
    assert isinstance(refusal(running(), asking(call("1"), call("1"))), IllegalTransition)


def test_a_model_is_not_asked_while_calls_are_open() -> None:
    context = after(running(), asking(call("1", "approved")))
    assert isinstance(refusal(context, RequestModel(FENCE, "q")), IllegalTransition)


def test_a_reply_and_its_calls_are_committed_together() -> None:
    context = after(running(), RequestModel(FENCE, "q"), BeginStream(FENCE, "m", "assistant", "demo"))
    finalize = FinalizeStream(FENCE, "m", "tool_calls", tools=asking(call("1")))
    context = after(context, finalize)
    assert (context.stream, context.state.name, context.pool_count) == (None, "awaiting_user", 3)


def mixed() -> RequestTools:
    calls = (call("1"), call("2", "approved"), call("3", "denied"), call("4", "approved"))
    return replace(asking(*calls), servers={"2": "git", "3": "box", "4": "git"})


def test_calls_of_mcp_servers_are_mcp_requests_whatever_stands_beside_them() -> None:
    context = after(running(), mixed())
    payloads = [message.payload for message in context.requests]
    assert [(p.kind, getattr(p, "server", None), [c.call_id for c in calls_in(p)]) for p in payloads if p] == [
        ("tool_request", None, ["1"]),
        ("mcp_tool_request", "git", ["2", "4"]),
        ("mcp_tool_request", "box", ["3"]),
    ]
    assert [message.ordinal for message in context.requests] == [2, 3, 4]
    assert len({message.id for message in context.requests}) == 3
    (approval,) = context.approvals
    assert (approval.message_id, approval.call_id) == ("request", "1")


def test_their_results_are_mcp_results_and_each_request_closes_with_its_own() -> None:
    context = after(running(), mixed(), answer("1"), StartTools(FENCE, ("1", "2", "4")))
    kinds: list[tuple[str, str | None]] = []
    for each in (done("4"), done("1"), done("2")):
        written = [e.message for e in decide("s", context, each, T0).events if isinstance(e, MessageCreated)]
        kinds += [(message.kind, getattr(message.payload, "server", None)) for message in written]
        context = after(context, each)
    assert kinds == [("mcp_tool_result", "git"), ("tool_result", None), ("mcp_tool_result", "git")]
    assert [calls_of(each)[0].call_id for each in context.requests] == ["3"]
    context = after(context, FinishTool(FENCE, "result-3", "3", "error"))
    assert (context.requests, context.state) == ((), Active())


def test_a_crash_and_a_runs_end_look_at_all_requests_of_a_reply() -> None:
    context = after(running(), mixed(), answer("1"), StartTools(FENCE, ("1", "2", "4")))
    taken = after(context, TakeOverRun("run", 1, "died"))
    assert [(each.call_id, each.status) for each in open_request(taken)[1]] == [("3", "denied")]
    assert after(context, CancelRun()).requests == ()


# Starting and finishing
def test_only_approved_calls_start() -> None:
    context = after(running(), asking(call("1", "approved"), call("2", "denied")))
    for wanted in (("1", "2"), ("2",), ("unknown",)):
        assert isinstance(refusal(context, StartTools(FENCE, wanted)), IllegalTransition)
    started = after(context, StartTools(FENCE, ("1",)))
    assert started.state == ProcessingTool(tool_ids=("1",))
    assert isinstance(refusal(running(), StartTools(FENCE, ("1",))), IllegalTransition)


def test_results_come_in_any_order_and_the_state_says_which_are_left() -> None:
    context = after(running(), asking(*(call(n, "approved") for n in "123")), StartTools(FENCE, ("1", "2", "3")))
    context = after(context, done("2"))
    assert context.state == ProcessingTool(tool_ids=("1", "3"))
    context = after(context, done("3"), done("1"))
    assert (context.state, context.request) == (Active(), None)


def test_a_call_returns_once_and_only_when_it_is_at_work() -> None:
    context = after(running(), asking(call("1", "approved"), call("2", "denied")))
    assert isinstance(refusal(context, done("1")), IllegalTransition)
    context = after(context, done("2"), StartTools(FENCE, ("1",)))
    assert isinstance(refusal(context, done("2")), IllegalTransition)
    assert isinstance(refusal(context, done("unknown")), IllegalTransition)


def test_the_output_is_the_content_of_its_message() -> None:
    context = after(running(), asking(call("1", "approved")), StartTools(FENCE, ("1",)))
    created = decide("s", context, done("1", "forty-two"), T0).events[0]
    assert isinstance(created, MessageCreated)
    assert (created.message.content, created.message.author) == ("forty-two", "tool-1")
    assert isinstance(created.message.payload, ToolResultPayload)
    assert created.message.payload.output == "forty-two"


@pytest.mark.parametrize("command", [asking(call("1")), StartTools(FENCE, ("1",)), done("1")])
def test_i4_another_attempt_may_not_touch_tools(command: RequestTools | StartTools | FinishTool) -> None:
    context = after(running(), TakeOverRun("run", 1, "died"))
    assert isinstance(refusal(context, command), Fenced)


# Decisions
@pytest.mark.parametrize(
    ("decision", "more", "status", "state", "arguments"),
    [
        ("approve", {}, "approved", "approved", {"n": 1}),
        ("edit", {"arguments": {"n": 2}}, "approved", "approved", {"n": 2}),
        ("edit", {"arguments": {}}, "approved", "approved", {}),
        ("deny", {"answer": "too late"}, "denied", "denied", {"n": 1}),
        ("deny", {}, "denied", "denied", {"n": 1}),
        ("respond", {"answer": "use the other"}, "denied", "responded", {"n": 1}),
    ],
)
def test_each_decision_says_what_becomes_of_the_call(
    decision: ApprovalDecision, more: dict[str, object], status: str, state: str, arguments: dict[str, object]
) -> None:
    context = after(running(), asking(call("1")))
    events = decide("s", context, answer("1", decision, **more), T0).events
    resolved = events[0]
    assert isinstance(resolved, ApprovalResolved)
    assert (resolved.approval.state, resolved.approval.decided_by) == (state, "ann")
    decided_call = open_request(after(context, answer("1", decision, **more)))[1][0]
    assert (decided_call.status, decided_call.arguments, decided_call.decided_by) == (status, arguments, "ann")


def test_the_first_answer_wins() -> None:
    context = after(running(), asking(call("1"), call("2")), answer("1", "deny"))
    assert context.state == AwaitingUser(reason="tool", approval_ids=("a-2",))
    assert isinstance(refusal(context, answer("1")), ApprovalNotFound)
    assert isinstance(refusal(context, answer("unknown")), ApprovalNotFound)
    assert after(context, answer("2")).state == Active()


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (ResolveApproval("a-1", "edit", "ann"), "arguments"),
        (ResolveApproval("a-1", "respond", "ann"), "reason"),
        (ResolveApproval("a-1", "respond", "ann", answer=""), "reason"),
        (answer("1", arguments={"n": 2}), "arguments"),
        (answer("1", "deny", arguments={"n": 2}), "arguments"),
        (answer("1", "respond", arguments={}, answer="no"), "arguments"),
    ],
)
def test_an_incomplete_answer_changes_nothing(command: ResolveApproval, field: str) -> None:
    refused = refusal(after(running(), asking(call("1"))), command)
    assert isinstance(refused, InvalidArgument)
    assert refused.details["field"] == field


@pytest.mark.parametrize("decision", ["approve", "edit"])
def test_a_question_can_not_be_approved(decision: ApprovalDecision) -> None:
    context = after(running(), AskUser(FENCE, "a-1", "question", "Which?"))
    refused = refusal(context, answer("1", decision, arguments={}))
    assert isinstance(refused, InvalidArgument)
    assert refused.details["field"] == "decision"


def test_a_tool_that_is_asked_for_each_time_can_not_be_allowed_for_the_session() -> None:
    context = after(running(), replace(asking(call("1")), each_time=frozenset({"1"})))
    refused = refusal(context, answer("1", scope="session"))
    assert isinstance(refused, InvalidArgument)
    assert refused.details["field"] == "scope"


def test_the_models_own_arguments_are_kept_beside_the_edited_ones() -> None:
    context = after(running(), asking(call("1")))
    resolved = decide("s", context, answer("1", "edit", arguments={"n": 2}), T0).events[0]
    assert isinstance(resolved, ApprovalResolved)
    assert (resolved.approval.arguments, resolved.approval.original_arguments) == ({"n": 2}, {"n": 1})
    edited = open_request(after(context, answer("1", "edit", arguments={"n": 2})))[1][0]
    assert (edited.arguments, edited.original_arguments) == ({"n": 2}, {"n": 1})
    assert "originalArguments" not in open_request(after(context, answer("1")))[1][0].to_wire()


def test_a_denied_call_ends_as_denied_and_one_that_was_answered_as_done() -> None:
    context = after(running(), asking(call("1"), call("2"), call("3", "denied"), call("4")), answer("1", "deny"))
    context = after(context, answer("2", "respond", answer="use the other"), answer("4"))
    results: dict[str, ToolStatus] = {"1": "denied", "2": "ok", "3": "error"}
    for call_id, status in results.items():
        context = after(context, FinishTool(FENCE, f"result-{call_id}", call_id, status))
        assert isinstance(refusal(context, FinishTool(FENCE, "again", call_id, "denied")), IllegalTransition)
    calls = open_request(context)[1]
    assert [(each.status, each.result_id) for each in calls] == [
        ("denied", "result-1"),
        ("done", "result-2"),
        ("denied", "result-3"),
        ("approved", None),
    ]
    context = after(context, StartTools(FENCE, ("4",)), done("4"))
    assert (context.request, context.state) == (None, Active())


def test_what_was_approved_before_plan_mode_is_asked_for_again_and_what_is_approved_in_it_begins() -> None:
    start = StartTools(FENCE, ("1", "2"), not_in_plan=frozenset({"1"}), each_time=frozenset({"1"}))
    for switch in ((answer("1"), SetMode("plan")), (SetMode("plan"), answer("1"))):
        context = after(running(), asking(call("1"), call("2", "approved", "read_only")), *switch)
        again = after(context, start)
        (approval,) = again.approvals
        assert again.state == AwaitingUser(reason="tool", approval_ids=(approval.id,))
        assert (approval.call_id, approval.grantable, approval.question) == ("1", False, IN_PLAN_NOW)
        assert approval.id != "a-1"
        assert statuses(again) == ["pending", "approved"]
        begun = after(again, ResolveApproval(approval.id, "approve", "ann"), start)
        assert begun.state == ProcessingTool(tool_ids=("1", "2"))
    back = after(context, SetMode("act"), start)
    assert back.state == ProcessingTool(tool_ids=("1", "2"))


def test_a_grant_for_the_session_is_kept_once_and_revoked_once() -> None:
    context = after(running(), asking(call("1"), call("2")))
    context = after(context, answer("1", scope="session"), answer("2", scope="once"))
    assert [grant.tool for grant in context.grants] == ["tool-1"]
    assert (context.grants[0].granted_by, decide("s", context, RevokeGrant("other"), T0).events) == ("ann", ())
    revoked = after(context, RevokeGrant("tool-1"))
    assert revoked.grants == ()
    assert decide("s", revoked, RevokeGrant("tool-1"), T0).events == ()


def test_a_denial_for_the_session_grants_nothing() -> None:
    context = after(running(), asking(call("1")), answer("1", "deny", scope="session"))
    assert context.grants == ()


# Questions and messages
def test_a_message_answers_the_question() -> None:
    context = after(running(), AskUser(FENCE, "a-1", "question", "Which?", ("a", "b"), "key"))
    assert context.state == AwaitingUser(reason="question", approval_ids=("a-1",))
    answered = after(context, say("the left one"))
    assert (answered.state, answered.approvals, answered.queue) == (Active(), (), ())
    assert answered.steered == 0, "it was waited for: it steers nothing"


@pytest.mark.parametrize(
    ("command", "written"),
    [
        (answer("1", "respond", answer="the left one"), [("user", "the left one", "Which?")]),
        (answer("1", "deny", answer="ask me later"), [("user", "ask me later", "Which?")]),
        (answer("1", "deny"), []),
        (say("the left one"), [("user", "the left one", "Which?")]),
    ],
)
def test_what_is_said_to_a_question_stands_once_in_the_transcript(command: Command, written: list[object]) -> None:
    context = after(running(), AskUser(FENCE, "a-1", "question", "Which?"))
    created = [e.message for e in decide("s", context, command, T0).events if isinstance(e, MessageCreated)]
    assert [(m.role, m.content, m.metadata.answers) for m in created] == written
    answered = after(context, command)
    assert (answered.steered, answered.pool_count) == (0, context.pool_count + len(written))


def test_what_nobody_answered_and_what_denies_a_tool_is_no_message() -> None:
    asked = replace(AskUser(FENCE, "a-1", "question", "Which?"), expires_at=EpochMs(T0))
    for context, command in (
        (after(running(), asked), ExpireApprovals()),
        (after(running(), asking(call("1"))), answer("1", "deny", answer="no")),
    ):
        events = decide("s", context, command, EpochMs(T0 + 1)).events
        assert "message.created" not in [event.type for event in events]


def test_an_empty_message_is_an_answer_too() -> None:
    context = after(running(), AskUser(FENCE, "a-1", "question", "Which?"))
    resolved = [e for e in decide("s", context, say(""), T0).events if isinstance(e, ApprovalResolved)]
    assert [each.approval.answer for each in resolved] == ["(no text)"]


def test_steering_past_a_tool_denies_it_and_a_message_that_waits_does_not() -> None:
    context = after(running(), asking(call("1"), call("2")))
    waiting = after(context, say("by the way"))
    assert (waiting.state, len(waiting.queue)) == (context.state, 1)
    steered = after(context, say("no, wait", on_busy="steer"))
    assert (steered.state, steered.approvals, statuses(steered)) == (Active(), (), ["denied", "denied"])


@pytest.mark.parametrize("on_busy", ["enqueue", "steer"])
def test_inside_a_workflow_the_state_goes_back_to_it_after_an_answer(on_busy: OnBusy) -> None:
    """The state alone says what is going on: the workflow is still open."""
    workflow = WorkflowExecutionPayload(name="w", execution_id="x", status="running")
    context = after(running(), BeginWorkflow(FENCE, "w", "assistant", workflow))
    context = after(context, AskUser(FENCE, "a-1", "question", "Which?"))
    answered = after(context, say("left", on_busy=on_busy))
    assert answered.state == ProcessingWorkflow(workflow_id="x")


# A run's end
def closing(context: Context, command: Command) -> tuple[list[str], Context]:
    """What the pending approvals become, and the context after it."""
    events = decide("s", context, command, T0).events
    states: list[str] = [event.approval.state for event in events if isinstance(event, ApprovalResolved)]
    return states, after(context, command)


@pytest.mark.parametrize("command", [CancelRun(), DeleteSession(), FinishRun(FENCE, 1, "it broke")])
def test_a_runs_end_cancels_what_is_pending_and_leaves_no_call_open(command: Command) -> None:
    context = after(running(), asking(call("1"), call("2", "approved"), call("3", "denied")))
    states, ended = closing(context, command)
    assert states == ["cancelled"]
    assert (ended.approvals, ended.request, ended.run) == ((), None, None)
    status = "interrupted" if isinstance(command, FinishRun) else "cancelled"
    ends = results(context, command)
    assert [(c, s) for c, s, _ in ends] == [("1", status), ("2", status), ("3", status)]
    assert ["it had not begun" in str(said) for _, _, said in ends] == [True, True, False]


def test_a_tool_at_work_is_closed_too_when_its_run_is_cancelled() -> None:
    context = after(running(), asking(call("1", "approved"), call("2", "approved")), StartTools(FENCE, ("1", "2")))
    context = after(context, done("1"))
    (ended,) = results(context, CancelRun())
    assert ended == ("2", "cancelled", "cancelled; it was at work, its outcome is unknown")
    assert isinstance(refusal(after(context, CancelRun()), done("2")), Fenced)


def test_a_question_is_cancelled_with_its_run_and_can_not_be_answered_then() -> None:
    context = after(running(), AskUser(FENCE, "a-1", "question", "Which?"), CancelRun())
    assert (context.state, context.approvals) == (Active(), ())
    assert isinstance(refusal(context, answer("1", "respond", answer="late")), ApprovalNotFound)


# A crash
def test_i5_after_a_crash_only_unsafe_calls_that_had_begun_are_given_up() -> None:
    calls = (call("1", "approved", "read_only"), call("2", "approved", "idempotent"), call("3", "approved", "unsafe"))
    context = after(running(), asking(*calls, call("4", "denied")), StartTools(FENCE, ("1", "2", "3")))
    take_over = TakeOverRun("run", 1, "died")
    assert results(context, take_over) == [("3", "interrupted", UNKNOWN_OUTCOME)]
    context = after(context, take_over)
    assert statuses(context) == ["approved", "approved", "done", "denied"]
    assert context.state == Active()


def test_after_a_crash_calls_that_may_be_repeated_leave_no_result_behind() -> None:
    context = after(running(), asking(call("1", "approved", "read_only")), StartTools(FENCE, ("1",)))
    events = decide("s", context, TakeOverRun("run", 1, "died"), T0).events
    assert [event.type for event in events] == ["message.updated", "context.state_changed", "run.started"]
    assert statuses(after(context, TakeOverRun("run", 1, "died"))) == ["approved"]


def test_calls_that_had_not_begun_are_as_they_were_after_a_crash() -> None:
    context = after(running(), asking(call("1", "approved")))
    assert statuses(after(context, TakeOverRun("run", 1, "died"))) == ["approved"]


def test_a_run_that_waits_for_the_user_is_not_taken_over() -> None:
    context = after(running(), asking(call("1")))
    assert isinstance(refusal(context, TakeOverRun("run", 1, "died")), IllegalTransition)
    taken = after(context, answer("1"), TakeOverRun("run", 1, "died"))
    assert statuses(taken) == ["approved"]


def test_a_message_of_another_kind_has_no_calls() -> None:
    context = after(running(), asking(call("1", "approved")))
    message, calls = open_request(context)
    assert calls_of(message) == calls
    assert calls_of(message.model_copy(update={"payload": None})) == ()


def test_an_approval_travels_with_all_that_is_needed_to_decide() -> None:
    context = after(running(), asking(call("1")))
    wired = Approval.model_validate(context.approvals[0].to_wire())
    assert (wired.call_id, wired.message_id, wired.run_id, wired.state) == ("1", "request", "run", "pending")


# Time
def test_what_nobody_answered_in_time_is_declined_and_the_rest_waits_on() -> None:
    soon, late = T0 + 1_000, T0 + 9_000
    command = asking(call("1"), call("2"))
    context = after(running(), replace(command, expires_at=EpochMs(soon)))
    assert decide("s", context, ExpireApprovals(), EpochMs(soon - 1)).events == ()
    events = decide("s", context, ExpireApprovals(), EpochMs(late)).events
    expired = [event.approval for event in events if isinstance(event, ApprovalResolved)]
    assert [(each.state, each.decision, each.decided_by) for each in expired] == [("expired", "deny", "system")] * 2
    append = decided("s", context, ExpireApprovals(), now=late)
    assert append is not None
    assert (append.after.state, statuses(append.after)) == (Active(), ["denied", "denied"])


def test_what_has_no_time_limit_never_expires() -> None:
    context = after(running(), asking(call("1")))
    assert decide("s", context, ExpireApprovals(), EpochMs(T0 * 2)).events == ()
