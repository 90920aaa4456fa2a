"""Turns and tools as chat completions take them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from models.tools import ToolSpec
from services.llm.naming import fitting_id, fitting_name
from services.llm.neutral import compact
from services.llm.provider import (
    ImagePart,
    ModelMessage,
    ModelRequest,
    Part,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

Json: TypeAlias = dict[str, Any]

# OpenAI's own limit; the characters are free, and some endpoints know their calls by ids with dots and colons.
_ID_MAX_CHARS = 40


def to_openai(request: ModelRequest) -> list[Json]:
    """The `messages` of a request. Turns of one role may follow each other, notes of the system stand anywhere."""
    prompt = [{"role": "system", "content": request.system}] if request.system else []
    return prompt + [row for message in request.messages for row in _rows(message)]


def openai_tools(tools: Iterable[ToolSpec]) -> list[Json]:
    """The `tools` of a request."""
    return [
        {
            "type": "function",
            "function": {"name": t.name, "description": t.description, "parameters": dict(t.parameters)},
        }
        for t in tools
    ]


def _rows(message: ModelMessage) -> list[Json]:
    match message.role:
        case "tool":
            return [_result(result) for result in message.results]
        case "assistant":
            return [_assistant(message)]
        case "user":
            return [{"role": "user", "content": _user(message)}]
        case "system":
            return [{"role": "system", "content": message.content}]


def _result(result: ToolResultPart) -> Json:
    """There is no field for a failure: the output says it."""
    return {"role": "tool", "tool_call_id": _id(result.call_id), "content": result.output}


def _assistant(message: ModelMessage) -> Json:
    """With calls the text may be missing; without, it is there."""
    if not message.calls:
        return {"role": "assistant", "content": message.content}
    calls = [_call(call) for call in message.calls]
    return {"role": "assistant", "content": message.content or None, "tool_calls": calls}


def _call(call: ToolCallPart) -> Json:
    function = {"name": fitting_name(call.name), "arguments": compact(call.arguments)}
    return {"id": _id(call.call_id), "type": "function", "function": function}


def _user(message: ModelMessage) -> str | list[Json]:
    """Plain text as a string, which every endpoint takes; a list only where there is an image."""
    if not any(isinstance(part, ImagePart) for part in message.parts):
        return message.content
    return [_content(part) for part in message.parts]


def _content(part: Part) -> Json:
    match part:
        case ImagePart(is_url=True):
            return {"type": "image_url", "image_url": {"url": part.data}}
        case ImagePart():
            return {"type": "image_url", "image_url": {"url": f"data:{part.media_type};base64,{part.data}"}}
        case TextPart():
            return {"type": "text", "text": part.text}
        case ToolCallPart() | ToolResultPart():
            raise TypeError("A user's turn has neither calls nor results")


def _id(call_id: str) -> str:
    return fitting_id(call_id, rf".{{1,{_ID_MAX_CHARS}}}")
