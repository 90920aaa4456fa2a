"""A message, on the wire and in the engine. Its content is written once; only its header may change."""

from __future__ import annotations

from typing import Any, Literal

import orjson
from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue, SkipJsonSchema
from pydantic_core import CoreSchema

from models.actors import absent
from models.payloads import (
    MESSAGE_TYPES,
    Kind,
    McpToolResultPayload,
    MessageType,
    StoredPayload,
    SystemControlPayload,
    TextPayload,
    ToolResultPayload,
)
from models.wire import Wire

Role = Literal["user", "agent", "system"]
MessageStatus = Literal["streaming", "complete", "interrupted", "error", "cancelled"]
Source = Literal[
    "user_input",
    "user_file_reference",
    "user_workflow",
    "user_image_upload",
    "ai_generated",
    "tool_execution",
    "system_control",
]


SWITCHES = frozenset({"mode_switch", "branch_switch", "model_switch"})
MIRRORED_MAX_BYTES = 32 * 1024
"""JSON of a text that travels twice: as the content, and in the payload that mirrors it, for clients that read there. A
larger one is in the content alone, and what mirrors it is empty."""
LEFT_OUT_WHEN_EMPTY = ("clientMessageId", "runId", "size")
"""Keys of a message's JSON that most messages would have null."""


class DisplayHint(Wire):
    summary: str | None = None
    collapsed: bool = False
    icon: str | None = None


class Metadata(Wire):
    """What is known about a message beside its content. `extra` is the client's own, kept as it came. `answers` is the
    question that a user's message answers, in the words in which it was put."""

    source: Source | None = None
    display_hint: DisplayHint | None = None
    trace_id: str | None = None
    original_input: str | None = None
    tokens: int | None = None
    duration_ms: int | None = None
    streaming: dict[str, Any] | None = None
    answers: str | None = Field(default=None, exclude_if=absent)
    extra: dict[str, Any] = Field(default_factory=dict)


class Message(Wire):
    """`ordinal` counts the session's pool from 1, `sequence` the chunks of a stream; `runId` is the run that the
    message started, steers, or was written by. `truncated` and `size` (bytes) stand where the body was too large
    to travel in an event or a snapshot: pull it by REST. `digest` is of what the client wrote, kept to know its
    repetition; it is stored and never travels."""

    id: str
    ordinal: int
    role: Role
    content: str
    message_type: MessageType
    kind: Kind
    payload: StoredPayload | None = None
    status: MessageStatus = "complete"
    sequence: int = 0
    created_at_utc: str
    author: str
    client_message_id: str | None = None
    run_id: str | None = None
    metadata: Metadata = Metadata()
    truncated: bool = False
    size: int | None = None
    digest: SkipJsonSchema[str | None] = Field(default=None, exclude=True)

    @property
    def is_record(self) -> bool:
        """Whether it only tells people what the server did, or what a tool's result says too: no model is sent it."""
        match self.metadata.source:
            case "system_control":
                return self.kind == "processing" or (
                    isinstance(self.payload, SystemControlPayload) and self.payload.control in SWITCHES
                )
            case "tool_execution":
                return self.kind not in ("tool_result", "mcp_tool_result")
            case _:
                return False

    @model_validator(mode="before")
    @classmethod
    def _with_its_mirror(cls, data: Any) -> Any:
        """The inverse of what `to_wire` does to a large text."""
        payload = data.get("payload") if isinstance(data, dict) else None
        if not isinstance(payload, dict) or (field := _MIRRORS.get(payload.get("kind", ""))) is None:
            return data
        if payload.get(field) or payload.get("foreign") is not None or not data.get("content"):
            return data
        return {**data, "payload": {**payload, field: data["content"]}}

    @model_validator(mode="before")
    @classmethod
    def _of_a_kind_that_is_known(cls, data: Any) -> Any:
        """A row of a newer version may be of a kind that this one does not know: it reads as the text that stands for
        its payload. Older clients and files name none: it is that of the payload, or text."""
        if not isinstance(data, dict) or data.get("kind") in MESSAGE_TYPES:
            return data
        payload = data.get("payload")
        told = payload.get("kind") if isinstance(payload, dict) and data.get("kind") is None else None
        kind: Kind = told if told in MESSAGE_TYPES else "text"
        known = {name: value for name, value in data.items() if name != "message_type"}
        return {**known, "kind": kind, "messageType": MESSAGE_TYPES[kind]}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """As `to_wire` has it: the keys that it leaves out are not required."""
        reference = handler(core)
        schema = handler.resolve_ref_schema(reference)
        left_out = (*LEFT_OUT_WHEN_EMPTY, "truncated")
        schema["required"] = [name for name in schema.get("required", ()) if name not in left_out]
        return reference

    def to_wire(self, *, once: bool = False) -> dict[str, Any]:
        """Without the keys that most messages leave empty: clientMessageId, runId, truncated, size. A text over 32 KiB,
        with `once` any, is in the content alone."""
        wire = super().to_wire()
        field = _MIRRORS.get(self.payload.kind) if self.payload is not None else None
        if field is not None and wire["payload"][field] == self.content and (once or _is_large(self.content)):
            wire["payload"][field] = ""
        for key in LEFT_OUT_WHEN_EMPTY:
            if wire[key] is None:
                del wire[key]
        if not wire["truncated"]:
            del wire["truncated"]
        return wire

    def to_stored(self) -> dict[str, Any]:
        """What is kept of it beside its content."""
        header = self.without_body().to_wire()
        return header if self.digest is None else header | {"digest": self.digest}

    @property
    def asks(self) -> bool:
        """Whether a user said it on their own, and not because they were asked."""
        return self.role == "user" and self.metadata.answers is None

    def without_body(self) -> Message:
        """The header alone, for a place where the body can't travel or must not be stored twice."""
        return self.with_body("")

    def with_body(self, content: str) -> Message:
        """The inverse of `without_body`."""
        payload = self.payload
        if isinstance(payload, TextPayload) and payload.foreign is None:
            payload = payload.model_copy(update={"text": content})
        elif isinstance(payload, ToolResultPayload | McpToolResultPayload):
            payload = payload.model_copy(update={"output": content})
        return self.model_copy(update={"content": content, "payload": payload})


_MIRRORS = {"text": "text", "tool_result": "output", "mcp_tool_result": "output"}
"""The field of a payload that repeats the content, by kind."""


def _is_large(text: str) -> bool:
    """By its JSON, in which a character has at most six bytes."""
    if len(text) * 6 <= MIRRORED_MAX_BYTES:
        return False
    return len(text) > MIRRORED_MAX_BYTES or len(orjson.dumps(text)) > MIRRORED_MAX_BYTES


def message_type_of(kind: Kind) -> MessageType:
    return MESSAGE_TYPES[kind]
