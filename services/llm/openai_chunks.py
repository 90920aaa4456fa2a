"""Reads the chunks of an OpenAI-compatible stream. Never trusts their shape: the SDK builds them without validating."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from models.errors import ProviderBroken
from models.usage import Usage
from services.llm.call_joiner import CallJoiner

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk


class OpenAIReply:
    """How far one reply has come."""

    def __init__(self, calls: CallJoiner) -> None:
        self.opened = False
        """The endpoint accepted the request and its stream is open."""
        self.began = False
        """Some text was produced, or a call begun."""
        self.usage: Usage | None = None
        self.calls = calls
        self._reason: str | None = None
        self._refused = False

    @property
    def reason(self) -> str | None:
        """None until the endpoint says that the reply is whole."""
        return "refusal" if self._reason == "stop" and self._refused else self._reason

    def take(self, chunk: ChatCompletionChunk) -> str:
        """Remember what the chunk says and return its text, maybe empty. Raises ProviderBroken on another shape."""
        choices: object = getattr(chunk, "choices", None)
        self.usage = _usage(getattr(chunk, "usage", None)) or self.usage
        if choices is None and self.usage is not None:
            return ""  # some endpoints send the usage with no choices at all
        if not isinstance(choices, list):
            raise _malformed()
        return "".join(self._take_choice(choice) for choice in choices[:1])

    def _take_choice(self, choice: object) -> str:
        reason: object = getattr(choice, "finish_reason", None)
        if isinstance(reason, str) and reason:
            self._reason = reason
        delta: object = getattr(choice, "delta", None)
        for fragment in _fragments(delta):
            self._take_fragment(fragment)
        refusal = _text(delta, "refusal")
        self._refused = self._refused or bool(refusal)
        text = _text(delta, "content") or refusal
        self.began = self.began or bool(text) or bool(self.calls)
        return text

    def _take_fragment(self, fragment: object) -> None:
        index: object = getattr(fragment, "index", None)
        function: object = getattr(fragment, "function", None)
        self.calls.add(
            index if isinstance(index, int) else None,
            _text(fragment, "id"),
            _text(function, "name"),
            _arguments(function),
        )


def _fragments(delta: object) -> list[object]:
    """The pieces of tool calls. The older `function_call` is left alone: nothing asks for it."""
    fragments: object = getattr(delta, "tool_calls", None)
    if fragments is None:
        return []
    if not isinstance(fragments, list):
        raise _malformed()
    return fragments


def _arguments(function: object) -> str:
    """Text, which may be a piece; some endpoints send the whole object instead."""
    value: object = getattr(function, "arguments", None)
    return json.dumps(value) if isinstance(value, dict) else _text(function, "arguments")


def _text(holder: object, name: str) -> str:
    text: object = getattr(holder, name, None)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise _malformed()
    return text


def _malformed() -> ProviderBroken:
    return ProviderBroken("The model sent a malformed chunk")


def _usage(reported: object) -> Usage | None:
    read: object = getattr(reported, "prompt_tokens", None)
    written: object = getattr(reported, "completion_tokens", None)
    if isinstance(read, int) and isinstance(written, int) and read >= 0 and written >= 0:
        return Usage(input_tokens=read, output_tokens=written)
    return None
