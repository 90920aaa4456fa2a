"""What clients send: every refusal names its field, and nothing that can't be stored gets in."""

from __future__ import annotations

from typing import Any

import pytest

from models.calls import (
    DEPTH_MAX,
    VALUES_MAX,
    BroadcastMessage,
    CancelRunArguments,
    CreateProject,
    CreateSessionBody,
    EditSession,
    JoinSession,
    NoArguments,
    Outgoing,
    ResolveApprovalCall,
    SendMessageCall,
    SetModelBody,
    parse,
)
from models.errors import InvalidArgument
from models.user_state import PatchUserState, Sections
from models.wire import Wire

GOOD: tuple[tuple[type[Wire], dict[str, Any]], ...] = (
    (JoinSession, {"sessionId": "s", "after": 0, "epoch": "e", "mode": "signal"}),
    (SendMessageCall, {"sessionId": "s", "content": "hi", "clientMessageId": "c", "onBusy": "steer"}),
    (SendMessageCall, {"sessionId": "s", "payload": {"kind": "file_reference", "path": "a"}}),
    (SendMessageCall, {"sessionId": "s", "content": "as written", "payload": {"kind": "text", "format": "plain"}}),
    (BroadcastMessage, {"sessionId": "s", "data": {"typing": True}}),
    (CancelRunArguments, {}),
    (ResolveApprovalCall, {"sessionId": "s", "approvalId": "a", "decision": "edit", "arguments": {}}),
    (CreateSessionBody, {}),
    (NoArguments, {}),
)


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


BAD: tuple[tuple[type[Wire], Any, str], ...] = (
    (JoinSession, {}, "sessionId"),
    (JoinSession, {"sessionId": ""}, "sessionId"),
    (JoinSession, {"sessionId": "s" * 65}, "sessionId"),
    (JoinSession, {"sessionId": 5}, "sessionId"),
    (JoinSession, {"sessionId": "s", "after": -1}, "after"),
    (JoinSession, {"sessionId": "s", "after": "1"}, "after"),
    (JoinSession, {"sessionId": "s", "after": True}, "after"),
    (JoinSession, {"sessionId": "s", "after": 2**53}, "after"),
    (JoinSession, {"sessionId": "s", "mode": "pull"}, "mode"),
    (JoinSession, {"sessionId": "s", "surprise": 1}, "surprise"),
    (JoinSession, {"sessionId": "a\0"}, "sessionId"),
    (JoinSession, {"sessionId": "s", "epoch": "\ud800"}, "epoch"),
    (SendMessageCall, {"sessionId": "s"}, ""),
    (SendMessageCall, {"sessionId": "s", "content": ""}, "content"),
    (SendMessageCall, {"sessionId": "s", "content": "a\0b"}, "content"),
    (SendMessageCall, {"sessionId": "s", "content": "x\udfff"}, "content"),
    (SendMessageCall, {"sessionId": "s", "payload": {"kind": "plan"}}, "payload"),
    (SendMessageCall, {"sessionId": "s", "payload": {"kind": "text", "text": ""}}, ""),
    (SendMessageCall, {"sessionId": "s", "payload": {"kind": "text", "text": "\0"}}, "payload"),
    (SendMessageCall, {"sessionId": "s", "content": "x", "onBusy": "wait"}, "onBusy"),
    (SendMessageCall, {"sessionId": "s", "content": "x", "clientMessageId": ""}, "clientMessageId"),
    (SendMessageCall, {"sessionId": "s", "content": "x", "clientMessageId": "c" * 201}, "clientMessageId"),
    (SendMessageCall, {"sessionId": "s", "content": "x", "metadata": {"tokens": 1}}, "metadata.tokens"),
    (SendMessageCall, {"sessionId": "s", "content": "x", "metadata": {"extra": {"a": "\0"}}}, "metadata.extra"),
    (SendMessageCall, {"sessionId": "s", "content": "x", "metadata": {"extra": {"\ud800": 1}}}, "metadata.extra"),
    (
        SendMessageCall,
        {"sessionId": "s", "content": "x", "metadata": {"extra": {"a": deep(DEPTH_MAX)}}},
        "metadata.extra",
    ),
    (SendMessageCall, {"sessionId": "s", "content": "x", "metadata": {"extra": {"a": 2**64}}}, "metadata.extra"),
    (SendMessageCall, {"sessionId": "s", "content": "x", "metadata": {"extra": {"a": [-(2**70)]}}}, "metadata.extra"),
    (
        SendMessageCall,
        {"sessionId": "s", "content": "x", "metadata": {"displayHint": {"summary": "\0"}}},
        "metadata",
    ),
    (BroadcastMessage, {"sessionId": "s", "data": deep(DEPTH_MAX + 1)}, "data"),
    (BroadcastMessage, {"sessionId": "s", "data": "\ud800"}, "data"),
    (BroadcastMessage, {"sessionId": "s", "data": 2**64}, "data"),
    (CreateProject, {"name": ""}, "name"),
    (CreateProject, {"name": "n" * 201}, "name"),
    (EditSession, {"title": "t", "expectedVersion": 0}, "expectedVersion"),
    (CreateSessionBody, {"title": "t" * 201}, "title"),
    (SetModelBody, {"model": ""}, "model"),
    (NoArguments, {"x": 1}, "x"),
    (NoArguments, [], ""),
    (NoArguments, "text", ""),
    (NoArguments, None, ""),
)


@pytest.mark.parametrize(("model", "arguments"), GOOD, ids=str)
def test_good_arguments_pass(model: type[Wire], arguments: dict[str, Any]) -> None:
    assert isinstance(parse(model, arguments), model)


@pytest.mark.parametrize(("model", "arguments", "field"), BAD, ids=lambda value: ascii(value)[:60])
def test_bad_arguments_are_refused_and_the_field_is_named(model: type[Wire], arguments: Any, field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        parse(model, arguments)
    details = refused.value.details
    assert details["field"].startswith(field)
    assert details["fields"][0]["field"] == details["field"]
    assert details["fields"][0]["message"]
    assert "Value error" not in refused.value.message


def test_endlessly_nested_arguments_are_refused() -> None:
    with pytest.raises(InvalidArgument):
        parse(BroadcastMessage, {"sessionId": "s", "data": deep(50_000)})


def test_at_most_twenty_fields_are_listed() -> None:
    with pytest.raises(InvalidArgument) as refused:
        parse(NoArguments, {f"k{n}": 1 for n in range(100)})
    assert len(refused.value.details["fields"]) == 20


def test_the_largest_numbers_and_the_deepest_nesting_that_can_be_kept_pass() -> None:
    extra = {"a": deep(DEPTH_MAX - 1), "big": 2**64 - 1, "small": -(2**63), "float": 1e300, "no": False}
    sent = parse(Outgoing, {"content": "x", "metadata": {"extra": extra, "traceId": "t"}})
    metadata = sent.metadata.to_metadata()
    assert (metadata.extra, metadata.trace_id, metadata.source) == (extra, "t", None)


def test_free_form_arguments_hold_so_many_values_however_they_are_spread() -> None:
    half = [0] * (VALUES_MAX // 2 - 1)
    fits = {"a": half, "b": half}
    assert parse(BroadcastMessage, {"sessionId": "s", "data": fits}).data == fits
    for data in ({"a": half, "b": [*half, 0]}, dict.fromkeys(map(str, range(VALUES_MAX + 1)))):
        with pytest.raises(InvalidArgument, match=f"more than {VALUES_MAX} values") as refused:
            parse(BroadcastMessage, {"sessionId": "s", "data": data})
        assert refused.value.details["field"] == "data"


@pytest.mark.parametrize(
    ("model", "arguments", "told"),
    [
        (SetModelBody, {"model": ""}, "model: should have at least 1 characters"),
        (SetModelBody, {"model": "x" * 201}, "model: should have at most 200 characters"),
        (PatchUserState, {"activeSessions": ["s"] * 201}, "activeSessions: should have at most 200 entries"),
        (Sections, {"tabs": dict.fromkeys(map(str, range(201)), 1)}, "tabs: should have at most 200 entries"),
    ],
)
def test_a_wrong_length_is_told_in_words_of_the_wire(model: type[Wire], arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{told}$"):
        parse(model, arguments)
