"""Reads the events of an Anthropic reply, or one whole message. Never trusts their shape."""

from __future__ import annotations

from typing import Any

from models.usage import Usage
from services.llm.call_joiner import CallJoiner
from services.llm.endings import reason_of
from services.llm.foreign_text import arguments_in, count_in, fields, listed, name_in, text_in
from services.llm.sent_failures import SentFailure, failure_in

# Read by the model anew, or from its cache: both stand in its window.
_INPUT_FIELDS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class AnthropicReply:
    """How far one reply has come. Thinking, and what carries nothing that is known, is passed over."""

    def __init__(self, calls: CallJoiner) -> None:
        self.opened = False
        self.began = False
        self.ended = False
        """The endpoint said that this is all, with a reason or without."""
        self.calls = calls
        self._reason: str | None = None
        self._read: int | None = None
        self._written: int | None = None

    @property
    def reason(self) -> str | None:
        """None until the endpoint says that the reply is whole."""
        if self._reason is None and self.ended:
            return "tool_calls" if self.calls else "stop"
        return self._reason

    @property
    def usage(self) -> Usage | None:
        """None unless both sides were reported."""
        if self._read is None or self._written is None:
            return None
        return Usage(input_tokens=self._read, output_tokens=self._written)

    def take(self, document: object) -> str:
        """Remember what the event says and return its text, maybe empty. Raises SentFailure when it is a failure,
        ProviderBroken for calls without end."""
        return "".join(self._take(fields(each)) for each in listed(document))

    def _take(self, event: dict[str, Any]) -> str:
        kind = event.get("type")
        if (failure := failure_in(event, answered=kind not in (None, "error"))) is not None:
            raise failure
        match kind:
            case "message_start":
                self._count(fields(fields(event.get("message")).get("usage")))
            case "content_block_start":
                return self._start(count_in(event.get("index")), fields(event.get("content_block")))
            case "content_block_delta":
                return self._delta(count_in(event.get("index")), fields(event.get("delta")))
            case "message_delta":
                self._end(fields(event.get("delta")), event)
            case "message_stop":
                self.ended = True
            case "message":
                return self._whole(event)
        return ""

    def _whole(self, message: dict[str, Any]) -> str:
        self.ended = True
        self._end(message, message)
        content = message.get("content")
        if isinstance(content, str):
            return self._said(content)
        return "".join(self._start(place, fields(block)) for place, block in enumerate(listed(content)))

    def _start(self, index: int | None, block: dict[str, Any]) -> str:
        if block.get("type") == "tool_use":
            arguments = arguments_in(block.get("input"))
            self.calls.add(index, name_in(block.get("id")), name_in(block.get("name")), arguments)
            self.began = True
            return ""
        return self._said(text_in(block))

    def _delta(self, index: int | None, delta: dict[str, Any]) -> str:
        if delta.get("type") == "input_json_delta":
            self.calls.add(index, "", "", arguments_in(delta.get("partial_json")))
            self.began = True
            return ""
        return self._said(text_in(delta))

    def _said(self, text: str) -> str:
        self.began = self.began or bool(text)
        return text

    def _end(self, holder: dict[str, Any], event: dict[str, Any]) -> None:
        reason = reason_of(holder.get("stop_reason"))
        if reason == "error":
            raise SentFailure("the endpoint gave no other reason than “error”")
        self._reason = reason or self._reason
        self._count(fields(event.get("usage")))

    def _count(self, usage: dict[str, Any]) -> None:
        """Counts are cumulative: the last one stands, a missing one leaves it."""
        read = [count for name in _INPUT_FIELDS if (count := count_in(usage.get(name))) is not None]
        if count_in(usage.get("input_tokens")) is not None:
            self._read = sum(read)
        written = count_in(usage.get("output_tokens"))
        self._written = self._written if written is None else written
