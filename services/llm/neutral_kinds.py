"""What each of the fourteen kinds of message is to a model: a table, and a function per kind. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from models.messages import Message
from models.payloads import (
    FileReferencePayload,
    ImagePayload,
    Kind,
    McpResourcePayload,
    McpToolRequestPayload,
    McpToolResultPayload,
    PlanPayload,
    ProcessingPayload,
    ProjectStructurePayload,
    SystemControlPayload,
    TextPayload,
    ToolCall,
    ToolRequestPayload,
    ToolResultPayload,
    WorkflowExecutionPayload,
)
from models.wire import Wire
from services.llm.provider import ImagePart, ModelInfo, ModelRole, Part, TextPart, ToolCallPart, ToolResultPart

VISION_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What both APIs take."""

Parts: TypeAlias = tuple[Part, ...]
P = TypeVar("P", bound=Wire)

_MARKS = {"pending": " ", "in_progress": "~", "done": "x", "dropped": "-"}


@dataclass(frozen=True, slots=True)
class Rendering:
    """`role` None: that of the message. Notes are the system's whoever wrote them, since a model imitates what stands
    in its own turns; images and files are the user's, because no API takes images from anybody else."""

    parts: Callable[[Message, ModelInfo], Parts]
    role: ModelRole | None = None


def _payload(message: Message, cls: type[P]) -> P | None:
    """None when the body has not come along."""
    return message.payload if isinstance(message.payload, cls) else None


def _text(text: str) -> Parts:
    return (TextPart(text),)


def _plain(message: Message, info: ModelInfo) -> Parts:
    """Also what stands for a payload that has not come along, or that this version can't read."""
    return _text(message.content or (message.payload.text if isinstance(message.payload, TextPayload) else ""))


def _plan(message: Message, info: ModelInfo) -> Parts:
    payload = _payload(message, PlanPayload)
    if payload is None or not payload.items:
        return _plain(message, info)
    return _text("Plan:\n" + "\n".join(f"- [{_MARKS[item.status]}] {item.text}" for item in payload.items))


def _image(message: Message, info: ModelInfo) -> Parts:
    payload = _payload(message, ImagePayload)
    if payload is None:
        return _plain(message, info)
    caption = _text(message.content)
    shown = _visible(payload) if info.vision and payload.mode != "ocr" and not payload.error else None
    return (*caption, shown) if shown is not None else (*caption, TextPart(_image_words(payload)))


def _visible(payload: ImagePayload) -> ImagePart | None:
    """None for a file whose bytes were not taken, and for what no API shows its model."""
    if payload.mime_type not in VISION_TYPES:
        return None
    if payload.source == "url":
        return ImagePart(payload.mime_type, payload.data, is_url=True)
    data = payload.data if payload.source == "base64" else payload.embedded
    return ImagePart(payload.mime_type, data) if data else None


def _image_words(payload: ImagePayload) -> str:
    """What stands for an image that the model isn't shown; it is always told that there is one."""
    name = "" if payload.source == "base64" else f" {payload.data}"
    known = [payload.description or ""]
    known += [f"The text in it:\n{fenced(payload.ocr_text)}"] if payload.ocr_text else []
    known += [f"It could not be read: {payload.error}"] if payload.error else []
    said = "\n".join(part for part in known if part) or "It can't be shown to you, and no text was read from it."
    return f"[Image{name}, {payload.mime_type}]\n{said}"


def _file(message: Message, info: ModelInfo) -> Parts:
    payload = _payload(message, FileReferencePayload)
    if payload is None:
        return _plain(message, info)
    caption = () if message.content == payload.content else _text(message.content)
    return (*caption, TextPart(_file_words(payload)))


def _file_words(payload: FileReferencePayload) -> str:
    head = f"File {payload.path}{_lines(payload)}"
    if payload.error is not None:
        return f"{head}: {payload.error}"
    if payload.content is None:
        return f"{head} (referred to; its content was not read)"
    cut = "\n(Cut here: ask for the lines that follow.)" if payload.cut else ""
    return f"{head}:\n{fenced(payload.content, PurePosixPath(payload.path).suffix.lstrip('.'))}{cut}"


def _lines(payload: FileReferencePayload) -> str:
    match payload.start_line, payload.end_line:
        case None, None:
            return ""
        case start, None:
            return f", from line {start}"
        case start, end:
            return f", lines {start or 1}-{end}"


def _structure(message: Message, info: ModelInfo) -> Parts:
    payload = _payload(message, ProjectStructurePayload)
    if payload is None:
        return _plain(message, info)
    left_out = f"\nLeft out: {', '.join(payload.excluded)}" if payload.excluded else ""
    return _text(f"Project {payload.root} ({payload.type}):\n{fenced(payload.content)}{left_out}")


def _request(message: Message, info: ModelInfo) -> Parts:
    payload = _payload(message, ToolRequestPayload)
    return () if payload is None else tuple(_call(call, call.name) for call in payload.calls)


def _mcp_request(message: Message, info: ModelInfo) -> Parts:
    payload = _payload(message, McpToolRequestPayload)
    return () if payload is None else tuple(_call(c, qualified(payload.server, c.name)) for c in payload.calls)


def _call(call: ToolCall, name: str) -> ToolCallPart:
    """Arguments that were no JSON travel inside an object: every API wants one."""
    unread = {} if call.raw_arguments is None else {"unreadable": call.raw_arguments}
    return ToolCallPart(call.call_id, name, {**call.arguments, **unread})


def _result(message: Message, info: ModelInfo) -> Parts:
    payload = _payload(message, ToolResultPayload)
    return () if payload is None else (_returned(payload, payload.name, message.content),)


def _mcp_result(message: Message, info: ModelInfo) -> Parts:
    payload = _payload(message, McpToolResultPayload)
    return () if payload is None else (_returned(payload, qualified(payload.server, payload.name), message.content),)


def _returned(payload: ToolResultPayload | McpToolResultPayload, name: str, content: str) -> ToolResultPart:
    failed = payload.status != "ok"
    lines = [f"{payload.status}: {payload.error}" if payload.error else payload.status] if failed else []
    lines.append(payload.output or content)
    if payload.handle and payload.handle not in lines[-1]:
        lines.append(f"(More is kept under the handle {payload.handle}.)")
    output = "\n".join(line for line in lines if line.strip())
    return ToolResultPart(payload.call_id, name, output or "(no output)", is_error=failed)


def qualified(server: str, name: str) -> str:
    """The name under which a model knows an MCP server's tool."""
    return name if name.startswith(f"{server}__") else f"{server}__{name}"


def _resource(message: Message, info: ModelInfo) -> Parts:
    payload = _payload(message, McpResourcePayload)
    if payload is None:
        return _plain(message, info)
    return _text(f"Resource {payload.uri} of {payload.server}, {payload.mime_type}:\n{fenced(payload.content)}")


def _workflow(message: Message, info: ModelInfo) -> Parts:
    payload = _payload(message, WorkflowExecutionPayload)
    if payload is None:
        return _plain(message, info)
    step = "" if payload.current_step is None else f", step {payload.current_step} of {len(payload.steps)}"
    lines = [f"Workflow {payload.name}: {payload.status}{step}"]
    lines += [f"Result: {payload.result}"] if payload.result else []
    lines += [f"Error: {payload.error}"] if payload.error else []
    return _text("\n".join(lines))


def _control(message: Message, info: ModelInfo) -> Parts:
    payload = _payload(message, SystemControlPayload)
    if message.content or payload is None:
        return _plain(message, info)
    title = payload.control.replace("_", " ").capitalize()
    return _text(f"{title}: {_values(payload.parameters)}" if payload.parameters else title)


def _processing(message: Message, info: ModelInfo) -> Parts:
    payload = _payload(message, ProcessingPayload)
    if payload is None:
        return _plain(message, info)
    state = "finished" if payload.finished_at else "in progress"
    details = f": {_values(payload.details)}" if payload.details else ""
    return _text(f"Processing, {payload.stage} {state}{details}")


def _values(values: Mapping[str, Any]) -> str:
    """`name value` each; a text alone stands for itself."""
    if len(values) == 1 and isinstance(text := next(iter(values.values())), str):
        return text
    return ", ".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in values.items()
    )


def fenced(text: str, language: str = "") -> str:
    """A Markdown block that nothing in `text` can close."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


RENDERERS: Mapping[Kind, Rendering] = MappingProxyType(
    {
        "text": Rendering(_plain),
        "streaming_response": Rendering(_plain, "assistant"),
        "plan": Rendering(_plan, "system"),
        "image": Rendering(_image, "user"),
        "file_reference": Rendering(_file, "user"),
        "project_structure": Rendering(_structure, "system"),
        "tool_request": Rendering(_request, "assistant"),
        "tool_result": Rendering(_result, "tool"),
        "mcp_tool_request": Rendering(_mcp_request, "assistant"),
        "mcp_tool_result": Rendering(_mcp_result, "tool"),
        "mcp_resource": Rendering(_resource, "system"),
        "workflow_execution": Rendering(_workflow, "system"),
        "system_control": Rendering(_control, "system"),
        "processing": Rendering(_processing, "system"),
    }
)
"""Every kind; a new one without its entry fails a test."""

TOOL_REQUESTS: frozenset[str] = frozenset({"tool_request", "mcp_tool_request"})
TOOL_RESULTS: frozenset[str] = frozenset({"tool_result", "mcp_tool_result"})
