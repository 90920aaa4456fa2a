"""The fourteen kinds of payload."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from models.messages import message_type_of
from models.payloads import MESSAGE_TYPES, Kind, MessageType, Payload, UserPayload

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
