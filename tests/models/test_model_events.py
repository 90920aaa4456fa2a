"""Events on the wire: every body there and back, frozen codes, small signals, oversized bodies left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import orjson
import pytest

from models.actors import Actor, actor_named
from models.approvals import Approval
from models.branches import Branch, Entry, Pin
from models.events import (
    BODIES,
    BY_CODE,
    BY_TYPE,
    TRUNCATE_OVER_BYTES,
    ApprovalRequested,
    ApprovalResolved,
    ApprovalRevoked,
    BranchCreated,
    BranchMerged,
    BranchSwitched,
    BranchUpdated,
    ContextModeChanged,
    ContextModelChanged,
    ContextStateChanged,
    Event,
    EventBody,
    MessageBody,
    MessageCompleted,
    MessageCreated,
    MessageDelta,
    MessageUpdated,
    PinAdded,
    PinRemoved,
    PlanChanged,
    RunFinished,
    RunQueued,
    RunStarted,
    SessionCreated,
    SessionDeleted,
    SessionRenamed,
    SessionRestored,
    SessionStateChanged,
    UsageAdded,
    fit_for_travel,
    oversize,
)
from models.ids import EpochMs
from models.messages import MIRRORED_MAX_BYTES, DisplayHint, Message, Metadata
from models.payloads import ImagePayload, PlanItem, StreamingResponsePayload, TextPayload, ToolResultPayload
from models.runs import Run
from models.session import Session
from models.states import (
    Active,
    Archived,
    AwaitingLLM,
    AwaitingUser,
    Failed,
    Initial,
    ProcessingTool,
    ProcessingWorkflow,
    StreamingResponse,
)
from models.usage import Usage

AT = "2026-11-20T09:00:00.000Z"
CODES = {
    "session.created": 1,
    "session.renamed": 2,
    "session.state_changed": 3,
    "session.deleted": 4,
    "session.restored": 5,
    "context.state_changed": 10,
    "context.model_changed": 12,
    "message.created": 20,
    "message.delta": 21,
    "message.completed": 22,
    "message.updated": 23,
    "run.queued": 30,
    "run.started": 31,
    "run.finished": 32,
    "context.mode_changed": 11,
    "approval.requested": 40,
    "approval.resolved": 41,
    "approval.revoked": 42,
    "branch.created": 50,
    "branch.switched": 51,
    "branch.merged": 52,
    "branch.updated": 53,
    "pin.added": 60,
    "pin.removed": 61,
    "plan.changed": 70,
    "usage.added": 80,
}
"""What databases in the field hold: a new event gets a new line, no line ever changes."""


def message(content: str = "hello", **changes: object) -> Message:
    base = Message(
        id="m" * 36,
        ordinal=1,
        role="user",
        content=content,
        message_type="text",
        kind="text",
        payload=TextPayload(text=content),
        created_at_utc=AT,
        author="ann",
        client_message_id="c1",
        run_id="r1",
    )
    return base.model_copy(update=changes)


RUN = Run(id="r1", session_id="s1", state="queued", created_at_utc=AT, message_id="m1")
SESSION = Session(
    id="s1", project_id="p1", project_name="P", title="", state="IDLE", created_at_utc=AT, updated_at_utc=AT
)
STREAMED = message(
    kind="streaming_response",
    payload=StreamingResponsePayload(model="demo", usage=Usage(output_tokens=1), average_chunk_interval_ms=1.5),
    role="agent",
    sequence=4,
    client_message_id=None,
)
APPROVAL = Approval(
    id="a1", session_id="s", run_id="r1", kind="tool", tool="run_command", arguments={"x": 1}, requested_at_utc=AT
)
BRANCH = Branch(name="b", parent="main", forked_at=1, length=2, created_at_utc=AT)
EXAMPLES: tuple[EventBody, ...] = (
    SessionCreated(session=SESSION, model="demo"),
    SessionRenamed(title="New", version=2),
    SessionStateChanged(state="COMPLETED", completed_at_utc=AT),
    SessionDeleted(),
    SessionRestored(),
    *(
        ContextStateChanged(state=state)
        for state in (
            Initial(),
            Active(),
            AwaitingLLM(request_id="q1"),
            StreamingResponse(message_id="m1", sequence=3),
            AwaitingUser(reason="tool", approval_ids=("a1",)),
            ProcessingTool(tool_ids=("c1",)),
            ProcessingWorkflow(workflow_id="w1"),
            Archived(),
            Failed(message="broke"),
        )
    ),
    ContextStateChanged(state=Archived(), version=3),
    ContextModelChanged(model="openai:gpt-5", version=4),
    MessageCreated(message=message()),
    MessageCreated(message=message(metadata=Metadata(display_hint=DisplayHint(icon="x"), extra={"a": [1, None]}))),
    MessageDelta(message_id="m1", sequence=1, delta="wörd \U0001f600"),
    MessageCompleted(message=STREAMED),
    MessageUpdated(message=message(status="cancelled")),
    RunQueued(run=RUN),
    RunStarted(run=RUN.model_copy(update={"state": "running", "attempt": 1, "started_at_utc": AT})),
    RunFinished(run=RUN.model_copy(update={"state": "failed", "reason": "why", "finished_at_utc": AT})),
    ContextModeChanged(mode="plan", version=2),
    ApprovalRequested(approval=APPROVAL),
    ApprovalResolved(approval=APPROVAL.model_copy(update={"state": "approved", "decided_by": "ann"})),
    ApprovalRevoked(tool="run_command"),
    BranchCreated(branch=BRANCH),
    BranchSwitched(name="b", message_ids=("m1", "m2")),
    BranchMerged(source="main", strategy="append", branch=BRANCH, messages=(Entry(id="m1", ordinal=1),), version=9),
    BranchUpdated(branch=BRANCH.model_copy(update={"system_prompt": "Be brief."}), version=2),
    PinAdded(pin=Pin(id="p", text="keep", created_at_utc=AT, created_by="ann")),
    PinRemoved(pin_id="p"),
    PlanChanged(items=(PlanItem(id="1", text="do"),)),
    UsageAdded(model="demo", usage=Usage(input_tokens=3, output_tokens=4), message_id="m1"),
)


BOT = Actor(id="assistant", name="assistant", kind="agent", on_behalf_of="ann")


def event(body: EventBody) -> Event:
    return Event("s" * 36, "e" * 36, 2**53 - 1, EpochMs(1_795_165_200_000), body, BOT)


def test_every_body_has_an_example_here() -> None:
    assert {type(body) for body in EXAMPLES} == set(BODIES)


def test_codes_are_frozen_because_databases_hold_them() -> None:
    assert {body.type: body.code for body in BODIES} == CODES
    assert {kind: body.type for kind, body in BY_TYPE.items()} == {kind: kind for kind in CODES}
    assert {code: body.code for code, body in BY_CODE.items()} == {code: code for code in CODES.values()}


def test_every_declared_body_is_listed() -> None:
    assert set(leaves(EventBody)) == set(BODIES)


def leaves(body: type[EventBody]) -> Iterator[type[EventBody]]:
    for each in body.__subclasses__():
        yield from leaves(each)
    if not body.__subclasses__():
        yield body


@pytest.mark.parametrize("body", EXAMPLES, ids=lambda body: body.type)
def test_a_body_survives_the_wire(body: EventBody) -> None:
    wire = orjson.loads(orjson.dumps(event(body).to_wire()))
    assert {"sessionId", "epoch", "seq", "type", "at", "by", "data"} == set(wire)
    assert wire["by"] == {"id": "assistant", "name": "assistant", "kind": "agent", "onBehalfOf": "ann"}
    assert wire["at"] == "2026-11-20T09:00:00.000Z"
    stored = body.model_dump(mode="json", by_alias=True) if isinstance(body, BranchMerged) else wire["data"]
    assert BY_TYPE[wire["type"]].model_validate(stored) == body


@pytest.mark.parametrize("body", EXAMPLES, ids=lambda body: body.type)
def test_a_signal_has_no_content_and_stays_under_1_kb_for_the_longest_ids(body: EventBody) -> None:
    named = actor_named("ж" * 500, "x" * 500, "unknown", "\N{GRINNING FACE}" * 500)
    longest = replace(event(body), session_id="s" * 64, epoch="e" * 64, by=named)
    signal = longest.to_signal()
    assert "data" not in signal
    assert len(orjson.dumps(signal)) < 1024
    assert "hello" not in str(signal)


def test_signals_say_what_to_pull() -> None:
    delta = event(MessageDelta(message_id="m1", sequence=7, delta="x")).to_signal()
    assert (delta["messageId"], delta["sequence"]) == ("m1", 7)
    assert event(MessageCompleted(message=STREAMED)).to_signal()["sequence"] == 4
    assert event(ContextStateChanged(state=Failed(message="x" * 5_000))).to_signal()["state"] == "error"


@pytest.mark.parametrize("content", ["x" * 66_000, "ж" * 33_000, '"' * 33_000, "x" * 10_000_000])
def test_a_message_over_64_kib_travels_as_its_header_with_its_size(content: str) -> None:
    large = message(content)
    wire = event(MessageCreated(message=large)).to_wire()
    header = wire["data"]["message"]
    assert wire["data"]["truncated"] is True
    assert wire["data"]["size"] == header["size"] == len(orjson.dumps(large.to_wire()))
    assert (header["content"], header["truncated"]) == ("", True)
    assert header["payload"]["text"] == ""
    assert len(orjson.dumps(wire)) < TRUNCATE_OVER_BYTES


@pytest.mark.parametrize(
    "large",
    [
        message(payload=ImagePayload(source="base64", data="A" * 70_000, mime_type="image/png"), kind="image"),
        message(metadata=Metadata(extra={"blob": "x" * 70_000})),
        message(metadata=Metadata(original_input="x" * 70_000)),
        message(metadata=Metadata(display_hint=DisplayHint(summary="x" * 70_000))),
        message(metadata=Metadata(streaming={"x": "x" * 70_000})),
    ],
    ids=["payload", "extra", "original_input", "display_hint", "streaming"],
)
def test_size_counts_wherever_it_sits(large: Message) -> None:
    assert oversize(large) is not None
    assert fit_for_travel(large).truncated


def test_the_bound_is_exact() -> None:
    overhead = len(orjson.dumps(message("").to_wire()))
    fits = TRUNCATE_OVER_BYTES - overhead
    assert oversize(message("x" * fits)) is None
    assert oversize(message("x" * (fits + 1))) is not None


@pytest.mark.parametrize("result", [False, True], ids=["text", "tool_result"])
@pytest.mark.parametrize("character", ["x", "ж", '"', "\x01"])
def test_a_large_text_travels_once_and_an_ordinary_one_twice(result: bool, character: str) -> None:
    """Clients that read the payload of ordinary messages go on. Fails when 64 KiB of JSON begin at 32 KiB of text."""
    bytes_each = len(orjson.dumps(character)) - 2
    fits = (MIRRORED_MAX_BYTES - 2) // bytes_each
    for size, twice in ((fits, True), (fits + 1, False), (100_000, False)):
        text = character * size
        payload = ToolResultPayload(call_id="c", name="n", status="ok", output=text) if result else None
        sent = message(text, kind="tool_result", payload=payload) if payload is not None else message(text)
        wire = sent.to_wire()
        field = "output" if result else "text"
        assert (wire["content"], wire["payload"][field]) == (text, text if twice else "")
        assert Message.model_validate(wire) == sent, "whoever reads it has both"
        assert (oversize(sent) is None) == (size <= fits + 1)


def test_truncating_twice_keeps_the_first_size() -> None:
    once = fit_for_travel(message("x" * 70_000))
    assert fit_for_travel(once) == once


def test_an_ordinary_message_leaves_empty_keys_out() -> None:
    wire = message(client_message_id=None, run_id=None).to_wire()
    assert {"clientMessageId", "runId", "truncated", "size"}.isdisjoint(wire)
    assert wire["metadata"]["extra"] == {}


@pytest.mark.parametrize("body", EXAMPLES, ids=lambda body: body.type)
def test_without_body_keeps_everything_but_the_text(body: EventBody) -> None:
    bare = body.without_body()
    if not isinstance(body, MessageBody):
        assert bare is body
        return
    assert isinstance(bare, MessageBody)
    assert bare.message.content == ""
    assert bare.message.with_body(body.message.content) == body.message


def test_branch_travels_without_what_is_pinned_to_it_and_a_long_prompt() -> None:
    """The journal keeps both. Fails without the view in `BranchBody`."""
    pin = Pin(id="p", text="x" * 8_000, created_at_utc="2026-11-20T09:00:00.000Z", created_by="ann")
    branch = Branch(name="b", system_prompt="ö" * 600, pins=(pin,), created_at_utc="2026-11-20T09:00:00.000Z")
    for prompt, kept in (("ö" * 600, None), ("ö" * 500, "ö" * 500)):
        body = BranchUpdated(branch=branch.model_copy(update={"system_prompt": prompt}))
        shown = body.to_wire()["branch"]
        assert not {"pins", "plan"} & shown.keys()
        assert (shown["systemPrompt"], shown.get("truncated", False)) == (kept, kept is None)
        assert BranchUpdated.model_validate_json(body.model_dump_json(by_alias=True)) == body


def test_approval_travels_without_long_arguments() -> None:
    """The journal keeps them. Fails without `fit_for_travel` in `ApprovalBody`."""
    approval = next(each.approval for each in EXAMPLES if isinstance(each, ApprovalRequested))
    body = ApprovalRequested(approval=approval.model_copy(update={"arguments": {"text": "x" * 17_000}}))
    shown = body.to_wire()["approval"]
    assert (shown["arguments"], shown["truncated"]) == (None, True)
    assert ApprovalRequested.model_validate_json(body.model_dump_json(by_alias=True)) == body
