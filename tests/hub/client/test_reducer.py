"""I2: an old snapshot and the later events are a fresh snapshot, for every type of event, as JSON.

The scenarios are kept in tests/hub/scenarios as {name, snapshot, events, expected}, so that every client's reducer can
be held to the same. `WRITE_SCENARIOS=1 pytest tests/hub/client/test_reducer.py` writes them anew after a change of the
wire.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce as fold
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
from folded_history import History
from harness import Json
from histories import Maker

from hub.client.reducer import apply_event
from hub.client.wire import SessionEvent
from models.approvals import Scope
from models.branches import Entry
from models.commands import (
    AddPin,
    AppendDelta,
    ArchiveContext,
    AskUser,
    BeginStream,
    CancelRun,
    ChangePlan,
    Command,
    CountUsage,
    CreateSession,
    DeleteSession,
    EmitMessage,
    FinalizeStream,
    FinishRun,
    FinishTool,
    Fork,
    Merge,
    RemovePin,
    RenameSession,
    RequestModel,
    RequestTools,
    ResolveApproval,
    RestoreSession,
    RevokeGrant,
    RunFence,
    SendMessage,
    SetBranchPrompt,
    SetMode,
    SetModel,
    Spent,
    StartRun,
    StartTools,
    SwitchBranch,
    TakeOverRun,
    UnarchiveContext,
)
from models.errors import ParleyError
from models.events import (
    BODIES,
    MessageCreated,
    MessageUpdated,
    fit_for_travel,
)
from models.messages import DisplayHint, Metadata
from models.payloads import CallStatus, ImagePayload, PlanItem, PlanPayload, TextPayload, ToolCall
from models.runs import OnBusy
from models.usage import Usage
from services.engine.apply import apply_all
from services.engine.context import MAIN_BRANCH
from services.engine.snapshot import SNAPSHOT_MESSAGES

SCENARIOS = Path(__file__).parents[1] / "scenarios"
SEEDS = range(60)


def say(number: int, text: str = "hello", on_busy: OnBusy = "enqueue") -> SendMessage:
    return SendMessage(
        message_id=f"m{number}",
        run_id=f"r{number}",
        author="ann",
        content=text,
        payload=TextPayload(text=text),
        client_message_id=f"c{number}",
        metadata=Metadata(display_hint=DisplayHint(summary="short"), extra={"from": "a test"}),
        on_busy=on_busy,
    )


def created() -> History:
    history = History()
    history.do(CreateSession("epoch-1", "p1", "Inbox", "", "demo"))
    return history


def asked() -> History:
    history = created()
    history.do(say(1, "Tell me of birch and cedar"))
    return history


def started() -> History:
    history = asked()
    history.do(StartRun("r1"))
    return history


FENCE = RunFence("r1", 1)
SPENT = Spent("demo", Usage(input_tokens=30, output_tokens=7, estimated=True))


def streaming(deltas: int = 3) -> History:
    history = started()
    history.do(RequestModel(FENCE, "q1"))
    history.do(BeginStream(FENCE, "a1", "assistant", "demo"))
    for number in range(deltas):
        history.do(AppendDelta(FENCE, "a1", f"word{number} "))
    return history


def finalized() -> History:
    history = streaming()
    usage = Usage(input_tokens=7, output_tokens=5)
    history.do(FinalizeStream(FENCE, "a1", "stop", usage=usage, provider_deltas=9))
    return history


def after(make: Callable[[], History], *commands: Command) -> Callable[[], tuple[History, int]]:
    def made() -> tuple[History, int]:
        history = make()
        since = history.mark()
        for command in commands:
            history.do(command)
        return history, since

    return made


def from_the_first_event() -> tuple[History, int]:
    history = finalized()
    history.do(FinishRun(FENCE))
    return history, 1


def updated() -> tuple[History, int]:
    history = finalized()
    since = history.mark()
    metadata = Metadata(source="ai_generated", tokens=12, extra={"rating": "good"})
    header = history.messages["a1"].model_copy(update={"metadata": metadata, "status": "error"})
    history.happen(MessageUpdated(message=header))
    return history, since


def more_than_a_snapshot_holds() -> tuple[History, int]:
    history = started()
    for number in range(SNAPSHOT_MESSAGES):
        history.do(EmitMessage(FENCE, f"e{number}", "assistant", "agent", f"step {number}", TextPayload(text="s")))
    since = history.mark()
    for number in range(3):
        history.do(EmitMessage(FENCE, f"f{number}", "assistant", "agent", f"more {number}", TextPayload(text="m")))
    return history, since


def call(call_id: str, status: CallStatus = "pending", text: str = "x = 1") -> ToolCall:
    arguments = {"path": "a.py", "text": text}
    return ToolCall(call_id=call_id, name="write_file", arguments=arguments, risk="unsafe", status=status)


REQUEST = "01a1f850-0000-7000-8000-0000000000a1"
"""A real id: those of the results that nobody will bring are derived from it."""


def two_calls() -> RequestTools:
    calls = (call("call-1"), call("call-2"))
    return RequestTools(FENCE, REQUEST, "assistant", calls, {each.call_id: f"ask-{each.call_id}" for each in calls})


def requested() -> History:
    history = started()
    history.do(two_calls())
    return history


def forked() -> History:
    """main: m1, a1, m2. The branch "other" leaves it after a1, and has m3."""
    history = finalized()
    history.do(FinishRun(FENCE))
    history.do(say(2, "on main"))
    history.do(CancelRun())
    history.do(Fork("other", MAIN_BRANCH, 2))
    history.do(say(3, "on the other"))
    history.do(CancelRun())
    return history


def merge(command: Merge) -> Callable[[], tuple[History, int]]:
    """Of "other", which has a plan and a pin of its own, into main."""

    def made() -> tuple[History, int]:
        history = forked()
        history.do(ChangePlan((PlanItem(id="1", text="look"),)))
        history.do(AddPin("p1", "Oaks are trees", "ann"))
        history.do(SwitchBranch(MAIN_BRANCH, 3, ()))
        since = history.mark()
        history.do(command)
        return history, since

    return made


def approve(call_id: str, scope: Scope = "once") -> ResolveApproval:
    return ResolveApproval(f"ask-{call_id}", "approve", "ann", scope=scope)


LARGE = "large Ünï " * 8_000
PLAN = PlanPayload(items=(PlanItem(id="1", text="look", status="done"), PlanItem(id="2", text="write")))
IMAGE = ImagePayload(source="url", data="http://127.0.0.1/i.png", mime_type="image/png")

CASES: dict[str, Callable[[], tuple[History, int]]] = {
    "a whole exchange from the first event": from_the_first_event,
    "a first message names the session and starts it": after(created, say(1, "Tell me\nof trees")),
    "a message beyond the limit travels as a header": after(created, say(1, LARGE)),
    "a run starts": after(asked, StartRun("r1")),
    "a model is asked": after(started, RequestModel(FENCE, "q1")),
    "a reply begins": after(started, BeginStream(FENCE, "a1", "assistant", "demo")),
    "a reply grows": after(streaming, AppendDelta(FENCE, "a1", "Привет "), AppendDelta(FENCE, "a1", "日本 \U0010ffff")),
    "a reply is completed with its usage": after(
        streaming, FinalizeStream(FENCE, "a1", "stop", usage=Usage(input_tokens=3, output_tokens=4, estimated=True))
    ),
    "a second reply adds to the usage": after(
        finalized,
        BeginStream(FENCE, "a2", "assistant", "demo"),
        AppendDelta(FENCE, "a2", "again"),
        FinalizeStream(FENCE, "a2", "length", usage=Usage(input_tokens=10, output_tokens=20)),
    ),
    "replies without words add to the usage": after(
        finalized,
        RequestModel(FENCE, "q2"),
        RequestTools(FENCE, REQUEST, "assistant", (call("call-1", "approved"),), spent=SPENT),
        StartTools(FENCE, ("call-1",)),
        FinishTool(FENCE, "t1", "call-1", "ok", output="written"),
        RequestModel(FENCE, "q3"),
        CountUsage(FENCE, SPENT),
    ),
    "our own tools and those of a server are asked for together": after(
        started,
        replace(two_calls(), servers={"call-2": "git"}),
        approve("call-1"),
        approve("call-2"),
        StartTools(FENCE, ("call-1", "call-2")),
        FinishTool(FENCE, "t2", "call-2", "ok", output="written"),
    ),
    "a reply breaks off": after(
        streaming,
        FinalizeStream(FENCE, "a1", "error: broken", status="error"),
        FinishRun(FENCE, error="provider_broken: broken"),
    ),
    "a message goes on after an error": after(
        lambda: _failed(), say(2, "go on"), StartRun("r2"), RequestModel(RunFence("r2", 1), "q2")
    ),
    "a plan and an image are emitted": after(
        started,
        EmitMessage(FENCE, "e1", "assistant", "agent", "the plan", PLAN),
        EmitMessage(FENCE, "e2", "assistant", "agent", "", IMAGE),
    ),
    "a run completes": after(finalized, FinishRun(FENCE)),
    "messages wait in the queue and one is dropped": after(streaming, say(2), say(3), CancelRun("r2")),
    "a message steers": after(streaming, say(2, "shorter", "steer")),
    "a message interrupts": after(streaming, say(2, "stop", "interrupt"), StartRun("r2")),
    "everything is cancelled": after(lambda: _queued(), CancelRun()),
    "a run is taken over in the middle of a reply": after(streaming, TakeOverRun("r1", 1, "the process died")),
    "a session is renamed": after(finalized, RenameSession("Trees"), RenameSession("Birch")),
    "a session is archived": after(lambda: _completed(), ArchiveContext()),
    "an archived session is taken up again": after(lambda: _completed(), ArchiveContext(), UnarchiveContext()),
    "another model is chosen": after(finalized, SetModel("scripted:words=2")),
    "the mode is switched": after(finalized, SetMode("plan", "ann"), SetMode("act", "ann")),
    "tools are asked for": after(started, two_calls()),
    "one call is approved and another is still waited for": after(requested, approve("call-1")),
    "a call is approved with other arguments": after(
        requested, ResolveApproval("ask-call-1", "edit", "ann", arguments={"path": "b.py", "text": "Ünï"})
    ),
    "calls are decided, run and return": after(
        requested,
        approve("call-1"),
        ResolveApproval("ask-call-2", "deny", "bob", answer="not now"),
        StartTools(FENCE, ("call-1",)),
        FinishTool(FENCE, "t1", "call-1", "ok", output="written", duration_ms=12),
        FinishTool(FENCE, "t2", "call-2", "denied", error="not now"),
    ),
    "a tool is allowed for the session, and that is taken back": after(
        requested, approve("call-1", "session"), approve("call-2", "session"), RevokeGrant("write_file")
    ),
    "a request beyond the limit travels as a header": after(
        started, RequestTools(FENCE, REQUEST, "assistant", (call("call-1", text=LARGE),), {"call-1": "ask-call-1"})
    ),
    "the user is asked and answers": after(
        started,
        AskUser(FENCE, "ask-1", "question", "Which one?", ("birch", "cedar"), key="tree"),
        ResolveApproval("ask-1", "respond", "ann", answer="cedar"),
    ),
    "everything is cancelled while an approval is pending": after(requested, CancelRun()),
    "a run is taken over while its tools are at work": after(
        requested,
        approve("call-1"),
        approve("call-2"),
        StartTools(FENCE, ("call-1", "call-2")),
        TakeOverRun("r1", 1, "the process died"),
    ),
    "a branch is forked beside the active one": after(
        finalized, Fork("other", MAIN_BRANCH, 1, "Be kind.", switch=False), SetBranchPrompt("other", None)
    ),
    "a branch is forked, switched to and spoken on": after(
        lambda: _completed(), Fork("other", MAIN_BRANCH, 1), say(2, "otherwise")
    ),
    "the first branch is switched back to": after(forked, SwitchBranch(MAIN_BRANCH, 3, ())),
    "a branch is merged by append": merge(Merge("other", "append", (Entry(id="m3", ordinal=4),), 3, 3, "ann")),
    "a branch is merged by rebase": merge(
        Merge("other", "rebase", (Entry(id="m2", ordinal=3),), 3, 3, "ann", name="rebased")
    ),
    "a branch is merged by summary": merge(
        Merge("other", "summary", (), 3, 3, "ann", summary_id="s1", summary="They agreed on oaks")
    ),
    "pins and the plan change": after(
        streaming,
        AddPin("p1", "Oaks are trees", "ann"),
        AddPin("p2", "hello", "bob", "m1"),
        RemovePin("p1"),
        ChangePlan((PlanItem(id="1", text="look", status="done"), PlanItem(id="2", text="write"))),
    ),
    "a session is deleted in the middle of a reply and restored": after(streaming, DeleteSession(), RestoreSession()),
    "a message's header changes": updated,
    "more messages than a snapshot holds": more_than_a_snapshot_holds,
}


def _failed() -> History:
    history = streaming()
    history.do(FinalizeStream(FENCE, "a1", "error: broken", status="error"))
    history.do(FinishRun(FENCE, error="provider_broken: broken"))
    return history


def _completed() -> History:
    history = finalized()
    history.do(FinishRun(FENCE))
    return history


def _queued() -> History:
    history = streaming()
    history.do(say(2))
    history.do(say(3))
    return history


def agrees(folded: Json, expected: Json) -> None:
    """Equal, but that a folded snapshot keeps the messages that a fresh one leaves out at its beginning, and that
    one which came with a branch and was never seen is still to be pulled."""
    fresh = {message["id"]: message for message in expected["messages"]}
    healed = [each if "role" in each else fresh.get(each["id"], each) for each in folded["messages"]]
    folded = {**folded, "messages": healed}
    kept = folded["messages"][-len(expected["messages"]) :] if expected["messages"] else folded["messages"]
    assert {**folded, "messages": kept} == expected


def file_of(name: str) -> Path:
    return SCENARIOS / f"{name.replace(' ', '_').replace(chr(39), '')}.json"


@pytest.mark.parametrize("name", CASES)
def test_old_snapshot_and_later_events_are_a_fresh_snapshot(name: str) -> None:
    """I2. Fails for the types of a branch of `apply_event` that is taken out."""
    history, since = CASES[name]()
    scenario = history.scenario(name, since)
    agrees(fold(apply_event, scenario["events"], scenario["snapshot"]), scenario["expected"])


@pytest.mark.parametrize("name", CASES)
def test_kept_scenario_is_what_the_engine_makes(name: str) -> None:
    history, since = CASES[name]()
    scenario = history.scenario(name, since)
    path = file_of(name)
    if os.environ.get("WRITE_SCENARIOS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(scenario, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == scenario


def test_no_scenario_is_left_over() -> None:
    assert {path.name for path in SCENARIOS.iterdir()} == {file_of(name).name for name in CASES}


def test_every_type_of_event_is_folded_in_a_scenario() -> None:
    """A new type without a case fails. `session.created` only ever comes first, before there is a snapshot."""
    seen: set[str] = set()
    for make in CASES.values():
        history, since = make()
        seen |= {event.type for event in history.events[since:]}
    assert seen == {body.type for body in BODIES} - {"session.created"}


def test_merge_of_more_than_an_event_may_list_leaves_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    """I2. Fails when `hasMore` is not looked at: what was shown before would stand next to the newest."""
    monkeypatch.setattr("models.events.MERGED_SHOWN", 60)
    history = forked()
    for number in range(61):
        history.happen(MessageCreated(message=history.messages["m3"].model_copy(update=entry(number))))
    history.do(SwitchBranch(MAIN_BRANCH, 3, ()))
    since = history.mark()
    merged = tuple(Entry(id=f"e{number}", ordinal=5 + number) for number in range(61))
    history.do(Merge("other", "append", merged, 64, 3, "ann"))
    scenario = history.scenario("", since)
    (event,) = scenario["events"]
    assert (event["data"]["hasMore"], len(event["data"]["messages"])) == (True, SNAPSHOT_MESSAGES)
    folded = apply_event(scenario["snapshot"], event)
    assert len(folded["messages"]) == SNAPSHOT_MESSAGES
    agrees(folded, scenario["expected"])


def entry(number: int) -> dict[str, object]:
    return {"id": f"e{number}", "ordinal": 5 + number, "client_message_id": None}


def test_type_that_is_not_known_moves_only_the_head() -> None:
    before = finalized().snapshots[-1]
    event = {"seq": before["head"] + 1, "at": "2026-11-20T09:00:00.000Z", "type": "weather.changed", "data": {"x": 1}}
    folded = apply_event(before, cast(SessionEvent, event))
    session = {**before["session"], "head": event["seq"], "updatedAtUtc": event["at"]}
    assert folded == {**before, "head": event["seq"], "session": session}


def test_folding_mutates_nothing() -> None:
    history, since = from_the_first_event()
    scenario = history.scenario("", since)
    kept = json.dumps(scenario)
    fold(apply_event, scenario["events"], scenario["snapshot"])
    assert json.dumps(scenario) == kept


@pytest.mark.parametrize("seed", SEEDS)
def test_random_history_folds_to_its_snapshots_from_every_point(seed: int) -> None:
    """I2 over commands that nobody thought of together."""
    history = created()
    chance = random.Random(seed)

    def pick(items: Sequence[object]) -> object:
        return items[chance.randrange(len(items))]

    maker = Maker(pick)
    for _ in range(40):
        assert history.context is not None
        try:
            history.do(maker.any_command(history.context))
        except ParleyError:
            continue
    wires = cast(list[SessionEvent], [event.to_wire() for event in history.events])
    for since, (old, fresh) in enumerate(pairwise(history.snapshots), start=1):
        agrees_though_truncated(apply_event(old, wires[since]), fresh)
    start = chance.randrange(1, len(wires))
    agrees_though_truncated(fold(apply_event, wires[start:], history.snapshots[start - 1]), history.snapshots[-1])
    assert apply_all(None, history.events) == history.context


def agrees_though_truncated(folded: Json, fresh: Json) -> None:
    """A client may hold more of a message than travels at once: its text grew past the limit in front of it. What it
    would be healed with is the same."""
    cut = {message["id"]: message for message in fresh["messages"] if message.get("truncated")}
    messages = [cut.get(message["id"], message) for message in folded["messages"]]
    agrees({**folded, "messages": messages}, fresh)


def test_usage_of_a_reply_beyond_the_limit_is_counted() -> None:
    """Found by seed 59: the header of a large reply travels without what it cost."""
    history = streaming()
    since = history.mark()
    for _ in range(9):
        history.do(AppendDelta(FENCE, "a1", "x" * 8_000))
    history.do(FinalizeStream(FENCE, "a1", "stop", usage=Usage(input_tokens=3, output_tokens=4)))
    scenario = history.scenario("", since)
    assert fold(apply_event, scenario["events"], scenario["snapshot"])["usage"] == scenario["expected"]["usage"]


def test_text_that_grows_past_the_limit_in_front_of_a_client_stays_whole() -> None:
    history = streaming()
    since = history.mark()
    for _ in range(9):
        history.do(AppendDelta(FENCE, "a1", "x" * 8_000))
    scenario = history.scenario("", since)
    folded = fold(apply_event, scenario["events"], scenario["snapshot"])
    assert scenario["expected"]["messages"][-1]["truncated"] is True
    stream = history.context.stream if history.context else None
    assert stream is not None
    assert folded["messages"][-1]["content"] == stream.text
    assert fit_for_travel(history.messages["a1"]).content == ""
