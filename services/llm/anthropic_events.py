"""Reads the events of an Anthropic stream. Never trusts their shape: the SDK builds them without validating."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from models.errors import ProviderBroken
from models.usage import Usage
from services.llm.call_joiner import CallJoiner

if TYPE_CHECKING:
    from anthropic.types import RawMessageStreamEvent

_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "tool_use": "tool_calls",
    }
)
"""In OpenAI's words; "refusal" and what is yet to come keep their own."""

# Read by the model anew, or from its cache: both stand in its window.
_INPUT_FIELDS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class AnthropicReply:
    """How far one reply has come. Thinking is passed over."""

    def __init__(self, calls: CallJoiner) -> None:
        self.opened = False
        self.began = False
        self.reason: str | None = None
        self.calls = calls
        self._read: int | None = None
        self._written: int | None = None

    @property
    def usage(self) -> Usage | None:
        """None unless both sides were reported."""
        if self._read is None or self._written is None:
            return None
        return Usage(input_tokens=self._read, output_tokens=self._written)

    def take(self, event: RawMessageStreamEvent) -> str:
        """Remember what the event says and return its text, maybe empty. Raises ProviderBroken on another shape."""
        kind: object = getattr(event, "type", None)
        match kind:
            case "message_start":
                self._count(getattr(getattr(event, "message", None), "usage", None))
            case "content_block_start":
                return self._start(_index(event), _part(event, "content_block"))
            case "content_block_delta":
                return self._delta(_index(event), _part(event, "delta"))
            case "message_delta":
                self._end(event)
            case None:
                raise _malformed()
        return ""

    def _start(self, index: int, block: object) -> str:
        match getattr(block, "type", None):
            case "tool_use":
                given: object = getattr(block, "input", None)
                arguments = json.dumps(given) if isinstance(given, dict) and given else ""
                self.calls.add(index, _text(block, "id"), _text(block, "name"), arguments)
                self.began = True
            case "text":
                return self._said(_text(block, "text"))
        return ""

    def _delta(self, index: int, delta: object) -> str:
        match getattr(delta, "type", None):
            case "text_delta":
                return self._said(_text(delta, "text"))
            case "input_json_delta":
                self.calls.add(index, "", "", _text(delta, "partial_json"))
                self.began = True
        return ""

    def _said(self, text: str) -> str:
        self.began = self.began or bool(text)
        return text

    def _end(self, event: object) -> None:
        reason = _text(getattr(event, "delta", None), "stop_reason")
        self.reason = _REASONS.get(reason, reason) or self.reason
        self._count(getattr(event, "usage", None))

    def _count(self, usage: object) -> None:
        """Counts are cumulative: the last one stands, a missing one leaves it."""
        read = [count for name in _INPUT_FIELDS if (count := _number(usage, name)) is not None]
        if _number(usage, "input_tokens") is not None:
            self._read = sum(read)
        written = _number(usage, "output_tokens")
        self._written = self._written if written is None else written


def _index(event: object) -> int:
    index = _number(event, "index")
    if index is None:
        raise _malformed()
    return index


def _part(event: object, name: str) -> object:
    part: object = getattr(event, name, None)
    if part is None:
        raise _malformed()
    return part


def _number(holder: object, name: str) -> int | None:
    number: object = getattr(holder, name, None)
    return number if isinstance(number, int) and number >= 0 else None


def _text(holder: object, name: str) -> str:
    text: object = getattr(holder, name, None)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise _malformed()
    return text


def _malformed() -> ProviderBroken:
    return ProviderBroken("The model sent a malformed event")
