"""Turns and tools as the Anthropic messages API takes them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from models.tools import ToolSpec
from services.llm.naming import fitting_id, fitting_name
from services.llm.neutral import in_words
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

_ID = r"[A-Za-z0-9_-]{1,64}"

# The conversation begins and ends with the user: newer models refuse to go on from words put into their mouth.
OPENING = "(The conversation goes on from here.)"
GO_ON = "Go on."


def to_anthropic(request: ModelRequest) -> tuple[str, list[Json]]:
    """`system` and `messages` of a request: user and assistant in turn, results first in the user's turn.

    Notes of the system before the first turn join the prompt, later ones are told as the user's text. The API refuses
    calls in history when a request offers no tools: they are told in words then.
    """
    messages = request.messages if request.tools else in_words(request.messages)
    leading = next((n for n, message in enumerate(messages) if message.role != "system"), len(messages))
    system = [request.system, *(message.content for message in messages[:leading])]
    return "\n\n".join(part for part in system if part.strip()), _alternating(messages[leading:])


def anthropic_tools(tools: Iterable[ToolSpec]) -> list[Json]:
    """The `tools` of a request."""
    return [{"name": t.name, "description": t.description, "input_schema": _schema(t)} for t in tools]


def _schema(tool: ToolSpec) -> Json:
    """The API insists on the type, which a schema for no arguments may lack."""
    return {"type": "object", **tool.parameters}


def _alternating(messages: Iterable[ModelMessage]) -> list[Json]:
    turns: list[Json] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        blocks = [_block(part, message) for part in message.parts if not _is_blank(part)]
        if blocks and turns and turns[-1]["role"] == role:
            turns[-1]["content"].extend(blocks)
        elif blocks:
            turns.append({"role": role, "content": blocks})
    if not turns or turns[0]["role"] != "user":
        turns.insert(0, {"role": "user", "content": [_said(OPENING)]})
    if turns[-1]["role"] != "user":
        turns.append({"role": "user", "content": [_said(GO_ON)]})
    return turns


def _is_blank(part: Part) -> bool:
    """The API refuses text of white space alone."""
    return isinstance(part, TextPart) and not part.text.strip()


def _block(part: Part, message: ModelMessage) -> Json:
    match part:
        case TextPart():
            return _said(f"[Note] {part.text}" if message.role == "system" else part.text)
        case ImagePart(is_url=True):
            return {"type": "image", "source": {"type": "url", "url": part.data}}
        case ImagePart():
            source = {"type": "base64", "media_type": part.media_type, "data": part.data}
            return {"type": "image", "source": source}
        case ToolCallPart():
            name = fitting_name(part.name)
            return {"type": "tool_use", "id": _id(part.call_id), "name": name, "input": dict(part.arguments)}
        case ToolResultPart():
            return {
                "type": "tool_result",
                "tool_use_id": _id(part.call_id),
                "content": part.output,
                "is_error": part.is_error,
            }


def _said(text: str) -> Json:
    return {"type": "text", "text": text}


def _id(call_id: str) -> str:
    return fitting_id(call_id, _ID)
