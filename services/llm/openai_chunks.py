"""Reads the documents of an OpenAI-compatible reply: chunks, or one whole completion. Never trusts their shape."""

from __future__ import annotations

from typing import Any

from models.usage import Usage
from services.llm.call_joiner import CallJoiner
from services.llm.endings import reason_of
from services.llm.foreign_text import arguments_in, count_in, fields, listed, name_in, text_in
from services.llm.sent_failures import SentFailure, failure_in, words_in

_COUNTS = ("prompt_tokens", "completion_tokens")
_NATIVE_COUNTS = ("prompt_eval_count", "eval_count")
"""Ollama's, in the document that ends a reply."""


class OpenAIReply:
    """How far one reply has come. What carries nothing that is known is passed over."""

    def __init__(self, calls: CallJoiner) -> None:
        self.opened = False
        """The endpoint accepted the request and its body is open."""
        self.began = False
        """Some text was produced, or a call begun."""
        self.ended = False
        """The endpoint said that this is all, with a reason or without."""
        self.usage: Usage | None = None
        self.calls = calls
        self._reason: str | None = None
        self._refused = False

    @property
    def reason(self) -> str | None:
        """None until the endpoint says that the reply is whole."""
        reason = self._reason
        if reason is None and self.ended:
            reason = "tool_calls" if self.calls else "stop"
        return "refusal" if reason == "stop" and self._refused else reason

    def take(self, document: object) -> str:
        """Remember what the document says and return its text, maybe empty. Raises SentFailure when it is a failure,
        ProviderBroken for calls without end."""
        return "".join(self._take(fields(each)) for each in listed(document))

    def _take(self, document: dict[str, Any]) -> str:
        choices = listed(document.get("choices"))[:1] or _native(document)
        if (failure := failure_in(document, answered=bool(choices))) is not None:
            raise failure
        self.usage = _usage(fields(document.get("usage"))) or _usage(document, _NATIVE_COUNTS) or self.usage
        return "".join(self._take_choice(fields(choice)) for choice in choices)

    def _take_choice(self, choice: dict[str, Any]) -> str:
        reason = reason_of(choice.get("finish_reason"))
        if reason == "error":
            raise SentFailure(words_in(choice.get("error")) or "the endpoint gave no other reason than “error”")
        self._reason = reason or self._reason
        piece, whole = self._piece(choice)
        for place, fragment in enumerate(listed(piece.get("tool_calls"))):
            self._take_fragment(fields(fragment), place if whole else None)
        if not piece.get("tool_calls") and (call := fields(piece.get("function_call"))):
            # The form before tool calls: there is but one.
            self.calls.add(0, "", name_in(call.get("name")), arguments_in(call.get("arguments")))
        refusal = text_in(piece.get("refusal"))
        self._refused = self._refused or bool(refusal)
        text = text_in(piece.get("content")) or refusal
        self.began = self.began or bool(text) or bool(self.calls)
        return text

    def _piece(self, choice: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """What the choice adds, and whether it is a whole message; one that ends a stream says the same again."""
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict) and delta:
            return delta, False
        if isinstance(message, dict):
            self.ended = True
            return ({} if self.began else message), True
        return {"content": delta if isinstance(delta, str) else choice.get("text")}, False

    def _take_fragment(self, fragment: dict[str, Any], place: int | None) -> None:
        index = count_in(fragment.get("index"))
        function = fields(fragment.get("function")) or fragment
        self.calls.add(
            place if index is None else index,
            name_in(fragment.get("id")),
            name_in(function.get("name")),
            arguments_in(function.get("arguments")),
        )


def _native(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Ollama's own form, as the choice that says the same; none for any other."""
    done, message, response = document.get("done"), document.get("message"), document.get("response")
    said = message if isinstance(message, dict) else {"content": response} if isinstance(response, str) else None
    if said is None or not isinstance(done, bool):
        return []
    return [{"delta": said, "finish_reason": document.get("done_reason") or "stop" if done else None}]


def _usage(reported: dict[str, Any], counts: tuple[str, str] = _COUNTS) -> Usage | None:
    read, written = (count_in(reported.get(name)) for name in counts)
    return None if read is None or written is None else Usage(input_tokens=read, output_tokens=written)
