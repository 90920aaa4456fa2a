"""A message, on the wire and in the engine. Its content is written once; only its header may change."""

from __future__ import annotations

from typing import Any, Literal

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
    def _of_a_kind_that_is_known(cls, data: Any) -> Any:
        """A row of a newer version may be of a kind that this one does not know: it reads as the text that stands for
        its payload."""
        if isinstance(data, dict) and data.get("kind") not in MESSAGE_TYPES:
            return {**data, "kind": "text", "messageType": "text"}
        return data

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """As `to_wire` has it: the keys that it leaves out are not required."""
        reference = handler(core)
        schema = handler.resolve_ref_schema(reference)
        left_out = (*LEFT_OUT_WHEN_EMPTY, "truncated")
        schema["required"] = [name for name in schema.get("required", ()) if name not in left_out]
        return reference

    def to_wire(self) -> dict[str, Any]:
        """Without the keys that most messages leave empty: clientMessageId, runId, truncated, size."""
        wire = super().to_wire()
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


def message_type_of(kind: Kind) -> MessageType:
    return MESSAGE_TYPES[kind]
