"""The rich payload of a message: fourteen kinds, one union told apart by `kind`. Never holds a message's header.

Each carries the version `v` of its kind's form, 1 where it is missing. `Payload` takes the present forms alone;
`read_payload` and `StoredPayload` read whatever was ever stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias

import orjson
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from models.states import Mode
from models.usage import Usage
from models.wire import Whole, Wire

Kind = Literal[
    "text",
    "image",
    "file_reference",
    "project_structure",
    "tool_request",
    "tool_result",
    "mcp_tool_request",
    "mcp_tool_result",
    "mcp_resource",
    "workflow_execution",
    "system_control",
    "processing",
    "streaming_response",
    "plan",
]
MessageType = Literal["text", "tool", "status", "artifact"]

ToolStatus = Literal["ok", "error", "denied", "timeout", "cancelled", "interrupted"]
WorkflowStatus = Literal["pending", "running", "paused", "completed", "failed", "cancelled"]
CallStatus = Literal["pending", "approved", "denied", "executing", "done"]
ImageMode = Literal["vision", "ocr", "auto"]
Instant = Annotated[str, Field(description="ISO 8601, UTC, milliseconds, Z")]
Line = Annotated[int, Field(ge=1), Whole]


def _is_unset(value: object) -> bool:
    """Optional fields that came later stay off the wire where they say nothing."""
    return value is None or value is False


class Versioned(Wire):
    """The base of all kinds. A kind whose form changes narrows `v` to its new version, and gets an upgrade."""

    v: Annotated[Literal[1], Whole] = 1

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Of what clients write: all other kinds have to be named, since what names none is read as text; and nothing
        foreign is theirs to write."""
        schema = handler(core)
        told = handler.resolve_ref_schema(schema)
        if handler.mode == "validation" and told["properties"]["kind"]["const"] != "text":
            told["required"] = ["kind", *told.get("required", ())]
        elif handler.mode == "validation":
            del told["properties"]["foreign"]
        return schema


class TextPayload(Versioned):
    """`foreign` is the payload that could not be read, as it was stored; the text then says so."""

    kind: Literal["text"] = "text"
    text: str = ""
    format: Literal["plain", "markdown"] = "markdown"
    foreign: dict[str, Any] | None = Field(default=None, exclude_if=_is_unset)


class StreamingResponsePayload(Versioned):
    """How a streamed reply went. Times are instants, durations milliseconds; `providerDeltas` is null when the
    stream was closed by somebody else than its run (cancelled, interrupted)."""

    kind: Literal["streaming_response"] = "streaming_response"
    model: str
    finish_reason: str | None = None
    usage: Usage | None = None
    chunks_count: int = 0
    provider_deltas: int | None = None
    started_at: Instant | None = None
    completed_at: Instant | None = None
    total_duration_ms: int | None = None
    average_chunk_interval_ms: float | None = None

    def timing(self) -> dict[str, Any]:
        """What a message's metadata repeats of it, for readers that look at no payload."""
        return self.model_dump(mode="json", by_alias=True, include=TIMING)


TIMING = {"chunks_count", "started_at", "completed_at", "total_duration_ms", "average_chunk_interval_ms"}


class PlanItem(Wire):
    id: str
    text: str
    status: Literal["pending", "in_progress", "done", "dropped"] = "pending"


class PlanPayload(Versioned):
    kind: Literal["plan"] = "plan"
    items: tuple[PlanItem, ...] = ()


class ImagePayload(Versioned):
    """`data` is the URL, the base64 text or the path, as `source` says; `embedded` the file's bytes as base64, as they
    were when the message was sent."""

    kind: Literal["image"] = "image"
    source: Literal["url", "base64", "file"]
    data: str
    mime_type: str
    mode: ImageMode = "auto"
    ocr_text: str | None = None
    description: str | None = None
    error: str | None = None
    embedded: str | None = Field(default=None, exclude_if=_is_unset)


class FileReferencePayload(Versioned):
    """`content` is what the lines were at `readAt`; `cut` when they were more than could be taken: `endLine` is then
    the last one that `content` holds."""

    kind: Literal["file_reference"] = "file_reference"
    path: str
    start_line: Line | None = None
    end_line: Line | None = None
    content: str | None = None
    read_at: Instant | None = None
    error: str | None = None
    cut: bool = Field(default=False, exclude_if=_is_unset)


class ProjectStructurePayload(Versioned):
    kind: Literal["project_structure"] = "project_structure"
    root: str
    type: Literal["tree", "files", "dependencies"]
    content: str
    excluded: tuple[str, ...] = ()
    generated_at: Instant


class ToolCall(Wire):
    """`rawArguments` is what the model wrote where it was no JSON object; `arguments` are empty then.
    `originalArguments` are the model's own where the user put others in their place. `refusal` is why the call was
    denied without asking, `mode` the session's when it was asked for; `resultId` the message with its result."""

    call_id: str
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    risk: Literal["read_only", "idempotent", "unsafe"] = "unsafe"
    status: CallStatus = "pending"
    decided_by: str | None = None
    decided_at: Instant | None = None
    raw_arguments: str | None = Field(default=None, exclude_if=_is_unset)
    original_arguments: dict[str, Any] | None = Field(default=None, exclude_if=_is_unset)
    refusal: str | None = Field(default=None, exclude_if=_is_unset)
    mode: Mode | None = Field(default=None, exclude_if=_is_unset)
    result_id: str | None = Field(default=None, exclude_if=_is_unset)

    @property
    def is_open(self) -> bool:
        """Whether its result is still to come."""
        return self.status != "done" and self.result_id is None


class ToolRequestPayload(Versioned):
    """`usage` is what the reply of `model` cost that asked for it without a word; one with words says it itself."""

    kind: Literal["tool_request"] = "tool_request"
    calls: tuple[ToolCall, ...]
    model: str | None = Field(default=None, exclude_if=_is_unset)
    usage: Usage | None = Field(default=None, exclude_if=_is_unset)


class ToolResultPayload(Versioned):
    kind: Literal["tool_result"] = "tool_result"
    call_id: str
    name: str
    status: ToolStatus
    output: str = ""
    error: str | None = None
    duration_ms: int = 0
    handle: str | None = None


class McpToolRequestPayload(Versioned):
    kind: Literal["mcp_tool_request"] = "mcp_tool_request"
    server: str
    calls: tuple[ToolCall, ...]
    model: str | None = Field(default=None, exclude_if=_is_unset)
    usage: Usage | None = Field(default=None, exclude_if=_is_unset)


class McpToolResultPayload(Versioned):
    kind: Literal["mcp_tool_result"] = "mcp_tool_result"
    server: str
    call_id: str
    name: str
    status: ToolStatus
    output: str = ""
    error: str | None = None
    duration_ms: int = 0
    handle: str | None = None


class McpResourcePayload(Versioned):
    kind: Literal["mcp_resource"] = "mcp_resource"
    server: str
    uri: str
    mime_type: str
    content: str
    retrieved_at: Instant


class WorkflowStepState(Wire):
    """What Parley's own workflows write of each step; other agents may write steps of another form. `output` is the
    beginning of `outputChars`; the full text is in the call's result or in the message `messageId`. What a newer
    version adds is passed over."""

    model_config = ConfigDict(extra="ignore")

    id: str
    kind: str
    group: str | None
    tool: str | None
    status: str
    output: str
    output_chars: int
    error: str | None
    attempts: int
    started_at: Instant | None
    finished_at: Instant | None
    call_id: str | None
    message_id: str | None


class WorkflowExecutionPayload(Versioned):
    kind: Literal["workflow_execution"] = "workflow_execution"
    name: str
    execution_id: str
    status: WorkflowStatus
    steps: tuple[dict[str, Any], ...] = ()
    current_step: int | None = None
    result: str | None = None
    error: str | None = None


class SystemControlPayload(Versioned):
    kind: Literal["system_control"] = "system_control"
    control: Literal["mode_switch", "branch_switch", "merge", "summary", "context_injection", "model_switch"]
    parameters: dict[str, Any] = Field(default_factory=dict)


class ProcessingPayload(Versioned):
    kind: Literal["processing"] = "processing"
    stage: str
    started_at: Instant
    finished_at: Instant | None = None
    details: dict[str, Any] = Field(default_factory=dict)


Payload = Annotated[
    TextPayload
    | StreamingResponsePayload
    | PlanPayload
    | ImagePayload
    | FileReferencePayload
    | ProjectStructurePayload
    | ToolRequestPayload
    | ToolResultPayload
    | McpToolRequestPayload
    | McpToolResultPayload
    | McpResourcePayload
    | WorkflowExecutionPayload
    | SystemControlPayload
    | ProcessingPayload,
    Field(discriminator="kind"),
]

MESSAGE_TYPES: dict[Kind, MessageType] = {
    "text": "text",
    "streaming_response": "text",
    "plan": "status",
    "image": "artifact",
    "file_reference": "artifact",
    "project_structure": "artifact",
    "tool_request": "tool",
    "tool_result": "tool",
    "mcp_tool_request": "tool",
    "mcp_tool_result": "tool",
    "mcp_resource": "artifact",
    "workflow_execution": "status",
    "system_control": "status",
    "processing": "status",
}
"""The coarse class that each kind travels under."""


def _not_foreign(payload: TextPayload | ImagePayload | FileReferencePayload) -> Any:
    if isinstance(payload, TextPayload) and payload.foreign is not None:
        raise ValueError("foreign is the server's to write")
    return payload


def _typed(data: Any) -> Any:
    """Older clients name no kind: what they send is text."""
    return {**data, "kind": "text"} if isinstance(data, Mapping) and data.get("kind") is None else data


UserPayload = Annotated[
    TextPayload | ImagePayload | FileReferencePayload,
    Field(discriminator="kind"),
    BeforeValidator(_typed),
    AfterValidator(_not_foreign),
]
"""What a client may send; the other kinds are the server's to write."""

Upgrades: TypeAlias = Mapping[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]]

UPGRADES: Upgrades = MappingProxyType({})
"""From (kind, version) to the form of the next version. Every kind is at its first so far."""

# Enough to see what it was about; the whole of it stays in `foreign`.
_SHOWN_CHARS = 2_000

_READABLE = ("text", "content", "output", "result", "summary", "description", "error")

_STRICT: TypeAdapter[Payload] = TypeAdapter(Payload)


def read_payload(data: Mapping[str, Any], upgrades: Upgrades = UPGRADES) -> Payload:
    """A payload as it was stored, by whichever version. Never fails: what this version doesn't know becomes a text
    that says so, and keeps the original in `foreign`."""
    upgraded = _typed(dict(data))
    try:
        while (step := upgrades.get(_version_of(upgraded))) is not None:
            before = _version_of(upgraded)
            upgraded = {**step(upgraded), "kind": before[0], "v": before[1] + 1}
        return _STRICT.validate_python(upgraded)
    except (ValidationError, LookupError, TypeError, ValueError, AttributeError):
        return _unreadable(data)


def _version_of(data: Mapping[str, Any]) -> tuple[str, int]:
    return str(data.get("kind")), int(data.get("v", 1))


def _unreadable(data: Mapping[str, Any]) -> TextPayload:
    readable = next((text for key in _READABLE if isinstance(text := data.get(key), str) and text.strip()), None)
    shown = readable or json.dumps(dict(data), ensure_ascii=False, default=str)
    if data.get("kind") is None:
        return TextPayload(text=shown, format="plain", foreign=dict(data))
    kind, version = str(data.get("kind"))[:100], str(data.get("v", 1))[:20]
    head = f"[A message of the kind “{kind}”, version {version}, which this version of Parley can't show]"
    return TextPayload(text=f"{head}\n{shown[:_SHOWN_CHARS]}", format="plain", foreign=dict(data))


def _lenient(data: Any, strict: ValidatorFunctionWrapHandler) -> Any:
    try:
        return strict(data)
    except ValidationError:
        if not isinstance(data, Mapping):
            raise
        return read_payload(data)


Artifact: TypeAlias = PlanPayload | ProjectStructurePayload | McpResourcePayload
"""What a tool may make beside its result."""
AnyToolResult: TypeAlias = ToolResultPayload | McpToolResultPayload


def calls_in(payload: Payload | None) -> tuple[ToolCall, ...]:
    """The calls of a request for tools, the server's own or an MCP server's; none for any other payload."""
    return payload.calls if isinstance(payload, ToolRequestPayload | McpToolRequestPayload) else ()


def digest_of(content: str, payload: Payload) -> str:
    """SHA-256 of what a client wrote: tells a repetition from another message, whatever was made of the first."""
    return sha256(orjson.dumps([content, payload.to_wire()])).hexdigest()


StoredPayload = Annotated[Payload, WrapValidator(_lenient)]
"""A `Payload` field that reads old and unknown forms too."""
