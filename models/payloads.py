"""The rich payload of a message: fourteen kinds, one union told apart by `kind`. Never holds a message's header."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from models.usage import Usage
from models.wire import Wire

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
CallStatus = Literal["pending", "approved", "denied", "executing", "done"]
Instant = Annotated[str, Field(description="ISO 8601, UTC, milliseconds, Z")]


class TextPayload(Wire):
    kind: Literal["text"] = "text"
    text: str = ""
    format: Literal["plain", "markdown"] = "markdown"


class StreamingResponsePayload(Wire):
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


class PlanItem(Wire):
    id: str
    text: str
    status: Literal["pending", "in_progress", "done", "dropped"] = "pending"


class PlanPayload(Wire):
    kind: Literal["plan"] = "plan"
    items: tuple[PlanItem, ...] = ()


class ImagePayload(Wire):
    """`data` is the URL, the base64 text or the path, as `source` says."""

    kind: Literal["image"] = "image"
    source: Literal["url", "base64", "file"]
    data: str
    mime_type: str
    mode: Literal["vision", "ocr", "auto"] = "auto"
    ocr_text: str | None = None
    description: str | None = None
    error: str | None = None


class FileReferencePayload(Wire):
    kind: Literal["file_reference"] = "file_reference"
    path: str
    start_line: int | None = Field(default=None, ge=1)
    end_line: int | None = Field(default=None, ge=1)
    content: str | None = None
    read_at: Instant | None = None
    error: str | None = None


class ProjectStructurePayload(Wire):
    kind: Literal["project_structure"] = "project_structure"
    root: str
    type: Literal["tree", "files", "dependencies"]
    content: str
    excluded: tuple[str, ...] = ()
    generated_at: Instant


class ToolCall(Wire):
    call_id: str
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    risk: Literal["read_only", "idempotent", "unsafe"] = "unsafe"
    status: CallStatus = "pending"
    decided_by: str | None = None
    decided_at: Instant | None = None


class ToolRequestPayload(Wire):
    kind: Literal["tool_request"] = "tool_request"
    calls: tuple[ToolCall, ...]


class ToolResultPayload(Wire):
    kind: Literal["tool_result"] = "tool_result"
    call_id: str
    name: str
    status: ToolStatus
    output: str = ""
    error: str | None = None
    duration_ms: int = 0
    handle: str | None = None


class McpToolRequestPayload(Wire):
    kind: Literal["mcp_tool_request"] = "mcp_tool_request"
    server: str
    calls: tuple[ToolCall, ...]


class McpToolResultPayload(Wire):
    kind: Literal["mcp_tool_result"] = "mcp_tool_result"
    server: str
    call_id: str
    name: str
    status: ToolStatus
    output: str = ""
    error: str | None = None
    duration_ms: int = 0
    handle: str | None = None


class McpResourcePayload(Wire):
    kind: Literal["mcp_resource"] = "mcp_resource"
    server: str
    uri: str
    mime_type: str
    content: str
    retrieved_at: Instant


class WorkflowExecutionPayload(Wire):
    kind: Literal["workflow_execution"] = "workflow_execution"
    name: str
    execution_id: str
    status: Literal["pending", "running", "paused", "completed", "failed", "cancelled"]
    steps: tuple[dict[str, Any], ...] = ()
    current_step: int | None = None
    result: str | None = None
    error: str | None = None


class SystemControlPayload(Wire):
    kind: Literal["system_control"] = "system_control"
    control: Literal["mode_switch", "branch_switch", "merge", "summary", "context_injection", "model_switch"]
    parameters: dict[str, Any] = Field(default_factory=dict)


class ProcessingPayload(Wire):
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

UserPayload = Annotated[TextPayload | ImagePayload | FileReferencePayload, Field(discriminator="kind")]
"""What a client may send; the other kinds are the server's to write."""
