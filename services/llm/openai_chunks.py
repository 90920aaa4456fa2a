"""Reads the chunks of an OpenAI-compatible stream. Never trusts their shape: the SDK builds them without validating."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import ProviderBroken
from models.usage import Usage

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk


class Reply:
    """How far one reply has come."""

    def __init__(self) -> None:
        self.opened = False
        """The endpoint accepted the request and its stream is open."""
        self.began = False
        """Some text was produced."""
        self.reason: str | None = None
        self.usage: Usage | None = None

    def take(self, chunk: ChatCompletionChunk) -> str:
        """Remember what the chunk says and return its text, maybe empty. Raises ProviderBroken on another shape."""
        choices: object = getattr(chunk, "choices", None)
        self.usage = _usage(getattr(chunk, "usage", None)) or self.usage
        if choices is None and self.usage is not None:
            return ""  # some endpoints send the usage with no choices at all
        if not isinstance(choices, list):
            raise ProviderBroken("The model sent a malformed chunk")
        return "".join(self._take_choice(choice) for choice in choices[:1])

    def _take_choice(self, choice: object) -> str:
        reason: object = getattr(choice, "finish_reason", None)
        if isinstance(reason, str) and reason:
            self.reason = reason
        text = _text(getattr(choice, "delta", None))
        self.began = self.began or bool(text)
        return text


def _text(delta: object) -> str:
    """The content, or the words of a refusal, which come in a field of their own."""
    for name in ("content", "refusal"):
        text: object = getattr(delta, name, None)
        if text is not None and not isinstance(text, str):
            raise ProviderBroken("The model sent a malformed chunk")
        if text:
            return text
    return ""


def _usage(reported: object) -> Usage | None:
    read: object = getattr(reported, "prompt_tokens", None)
    written: object = getattr(reported, "completion_tokens", None)
    if isinstance(read, int) and isinstance(written, int) and read >= 0 and written >= 0:
        return Usage(input_tokens=read, output_tokens=written)
    return None
