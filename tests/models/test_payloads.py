"""The fourteen kinds of payload."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from models.messages import Message, message_type_of
from models.payloads import (
    MESSAGE_TYPES,
    UPGRADES,
    FileReferencePayload,
    ImagePayload,
    Kind,
    MessageType,
    Payload,
    PlanPayload,
    StoredPayload,
    TextPayload,
    ToolCall,
    UserPayload,
    Versioned,
    read_payload,
)

PAYLOAD: TypeAdapter[Payload] = TypeAdapter(Payload)
AT = "2026-11-20T09:00:00.000Z"
CALL: dict[str, object] = {
    "callId": "1",
    "name": "read",
    "arguments": {"path": "a"},
    "risk": "read_only",
    "status": "executing",
}
RESULT: dict[str, object] = {"callId": "1", "name": "read", "status": "interrupted", "error": "outcome unknown"}
EXAMPLES: dict[str, dict[str, object]] = {
    "text": {"text": "hi"},
    "streaming_response": {"model": "demo", "finishReason": "stop", "usage": {"inputTokens": 1}},
    "plan": {"items": [{"id": "1", "text": "do"}]},
    "image": {"source": "url", "data": "http://127.0.0.1/i.png", "mimeType": "image/png"},
    "file_reference": {"path": "a.py", "startLine": 1},
    "project_structure": {"root": ".", "type": "tree", "content": "a", "generatedAt": AT},
    "tool_request": {"calls": [CALL]},
    "tool_result": RESULT,
    "mcp_tool_request": {"server": "s", "calls": [CALL]},
    "mcp_tool_result": {"server": "s", **RESULT},
    "mcp_resource": {"server": "s", "uri": "u", "mimeType": "text/plain", "content": "c", "retrievedAt": AT},
    "workflow_execution": {"name": "w", "executionId": "1", "status": "paused", "steps": [{"a": 1}]},
    "system_control": {"control": "merge", "parameters": {"from": "b"}},
    "processing": {"stage": "ocr", "startedAt": AT},
}


def test_there_are_fourteen_kinds_and_each_has_an_example_and_a_class() -> None:
    assert set(EXAMPLES) == set(get_args(Kind)) == set(MESSAGE_TYPES)
    assert len(EXAMPLES) == 14
    assert set(MESSAGE_TYPES.values()) == set(get_args(MessageType))


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_payload_survives_the_wire_and_is_told_apart_by_kind(kind: Kind) -> None:
    payload = PAYLOAD.validate_python({"kind": kind, **EXAMPLES[kind]})
    assert payload.kind == kind
    assert PAYLOAD.validate_python(payload.to_wire()) == payload
    assert message_type_of(payload.kind) == MESSAGE_TYPES[kind]


@pytest.mark.parametrize("kind", sorted(set(get_args(Kind)) - {"text", "image", "file_reference"}))
def test_clients_cannot_send_what_is_the_servers_to_write(kind: str) -> None:
    adapter: TypeAdapter[UserPayload] = TypeAdapter(UserPayload)
    with pytest.raises(ValidationError):
        adapter.validate_python({"kind": kind, **EXAMPLES[kind]})


def test_lines_count_from_one() -> None:
    with pytest.raises(ValidationError):
        PAYLOAD.validate_python({"kind": "file_reference", "path": "a", "startLine": 0})


STORED: TypeAdapter[Payload] = TypeAdapter(StoredPayload)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_carries_its_version_and_is_read_without_one_too(kind: Kind) -> None:
    payload = PAYLOAD.validate_python({"kind": kind, **EXAMPLES[kind]})
    assert isinstance(payload, Versioned)
    assert payload.to_wire()["v"] == 1
    assert read_payload({"kind": kind, **EXAMPLES[kind]}) == payload
    assert read_payload(payload.to_wire()) == payload
    assert STORED.validate_python(payload.to_wire()) == payload


def test_what_has_no_kind_is_text() -> None:
    """Of older clients and files."""
    assert read_payload({"text": "a cat"}) == read_payload({"kind": None, "text": "a cat"}) == TextPayload(text="a cat")
    other = read_payload({"text": "", "content": "a cat"})
    assert isinstance(other, TextPayload)
    assert (other.text, other.foreign) == ("a cat", {"text": "", "content": "a cat"})


def test_a_message_without_a_kind_is_text_and_keeps_its_words() -> None:
    """Fails when older clients' and files' messages are refused, or shown as something that can't be shown."""
    plain = {"id": "m", "ordinal": 1, "role": "user", "content": "a cat", "createdAtUtc": "t", "author": "ann"}
    image = {"kind": "image", "source": "url", "data": "http://a/b.png"}
    for told in ({}, {"kind": None}, {"message_type": "tool"}, {"payload": None}, {"payload": {"text": "a cat"}}):
        message = Message.model_validate({**plain, **told})
        assert (message.kind, message.message_type, message.content) == ("text", "text", "a cat")
        assert message.payload in (None, TextPayload(text="a cat"))
    assert Message.model_validate({**plain, "payload": image}).kind == "image"


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "hologram", "text": "a cat"},
        {"kind": "plan", "v": 2, "text": "a cat"},
        {"kind": "plan", "v": "new", "text": "a cat"},
        {"kind": "plan", "v": None, "content": "a cat"},
        {"kind": "plan", "items": "none", "description": "a cat"},
        {"kind": "text", "text": "a cat", "mood": "good"},
        {"kind": ["plan"], "text": "a cat"},
    ],
)
def test_what_this_version_does_not_know_becomes_a_text_that_keeps_the_original(data: dict[str, Any]) -> None:
    payload = read_payload(data)
    assert isinstance(payload, TextPayload)
    assert payload.text.startswith("[A message of the kind")
    assert payload.text.endswith("a cat")
    assert payload.foreign == data
    assert STORED.validate_python(data) == payload
    assert PAYLOAD.validate_python(payload.to_wire()) == payload
    with pytest.raises(ValidationError):
        PAYLOAD.validate_python(data)


def test_a_foreign_payload_without_words_is_shown_as_it_is_and_in_part() -> None:
    payload = read_payload({"kind": "hologram", "voxels": [1] * 5_000})
    assert isinstance(payload, TextPayload)
    assert '"voxels": [1, 1' in payload.text
    assert len(payload.text) < 2_200


def test_what_is_no_object_is_no_payload() -> None:
    with pytest.raises(ValidationError):
        STORED.validate_python("text")


def test_stored_json_is_read_leniently_too() -> None:
    assert STORED.validate_json(b'{"kind": "plan", "v": 9}').kind == "text"
    assert STORED.validate_json(b'{"kind": "plan", "items": []}') == PlanPayload()


def _steps_to_items(data: dict[str, Any]) -> dict[str, Any]:
    steps = data.pop("steps")
    return {**data, "items": [{"id": str(n), "text": text} for n, text in enumerate(steps, 1)]}


def test_older_forms_pass_through_one_upgrade_for_each_version() -> None:
    upgrades = {
        ("plan", -1): lambda data: {"steps": data["todo"].split(",")},
        ("plan", 0): _steps_to_items,
    }
    stored = {"kind": "plan", "v": -1, "todo": "dig,sow"}
    payload = read_payload(stored, upgrades)
    assert isinstance(payload, PlanPayload)
    assert [item.text for item in payload.items] == ["dig", "sow"]
    assert payload.v == 1
    assert stored == {"kind": "plan", "v": -1, "todo": "dig,sow"}


def test_an_upgrade_that_stumbles_leaves_the_row_readable() -> None:
    payload = read_payload({"kind": "plan", "v": 0, "text": "a cat"}, {("plan", 0): _steps_to_items})
    assert isinstance(payload, TextPayload)
    assert payload.foreign == {"kind": "plan", "v": 0, "text": "a cat"}


def test_upgrades_lead_up_to_the_present_version_of_a_known_kind() -> None:
    assert all(kind in get_args(Kind) and version < 1 for kind, version in UPGRADES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["kind", "v", "text", "items", "calls", "content", "source"]) | st.text(max_size=5)


@given(st.dictionaries(KEYS, JSON | st.sampled_from(get_args(Kind)), max_size=6))
def test_no_row_fails_to_be_read(data: dict[str, Any]) -> None:
    payload = read_payload(data)
    assert payload.kind in get_args(Kind)


def test_fields_that_came_later_stay_off_the_wire_until_they_say_something() -> None:
    assert "foreign" not in TextPayload(text="a").to_wire()
    assert "embedded" not in ImagePayload(source="url", data="u", mime_type="image/png").to_wire()
    assert "cut" not in FileReferencePayload(path="a").to_wire()
    assert "rawArguments" not in ToolCall(call_id="1", name="a").to_wire()
    assert FileReferencePayload(path="a", cut=True).to_wire()["cut"] is True
    assert ToolCall(call_id="1", name="a", raw_arguments="{").to_wire()["rawArguments"] == "{"


def test_clients_cannot_send_a_foreign_payload() -> None:
    adapter: TypeAdapter[UserPayload] = TypeAdapter(UserPayload)
    with pytest.raises(ValidationError, match="foreign"):
        adapter.validate_python({"kind": "text", "text": "a", "foreign": {"kind": "plan"}})
    assert adapter.validate_python({"kind": "text", "text": "a"}) == TextPayload(text="a")
