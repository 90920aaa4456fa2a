"""Turns a session's messages into turns for a model, in no API's own form. Pure; chooses nothing for its length."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from models.messages import Message
from services.llm.neutral_kinds import RENDERERS, TOOL_REQUESTS, TOOL_RESULTS
from services.llm.provider import (
    ImagePart,
    ModelInfo,
    ModelMessage,
    ModelRole,
    Part,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

IMAGE_TOKENS = 1_600
"""What an image costs at most: Anthropic scales to 1.15 megapixels at 750 a token; OpenAI's tiles come to less."""

INTERRUPTED = "interrupted, outcome unknown"
"""The result of a call that has none."""
DENIED = "denied by the user"

# A reply that broke off was asked for again, or the user goes on without it.
_BROKEN_OFF = frozenset({"interrupted", "error"})

_ROLES: Mapping[str, ModelRole] = MappingProxyType({"user": "user", "agent": "assistant", "system": "system"})


def to_neutral(messages: Sequence[Message], info: ModelInfo) -> tuple[ModelMessage, ...]:
    """The turns that `messages`, oldest first, amount to for the model that `info` describes.

    Every call has exactly one result right behind its turn, in the order of the calls (I9): a missing one is made up,
    one without a call is left out, and of two with one id the first counts. What a turn would say with no words is
    left out. Models without tools are told of calls in words; images that the model can't see become text.
    """
    turns = [turn for message in messages for turn in _turns(message, info)]
    paired = tuple(_paired(turns, _denied(messages)))
    return paired if info.tools else in_words(paired)


def in_words(messages: Iterable[ModelMessage]) -> tuple[ModelMessage, ...]:
    """The same turns with calls and results told as text: for models without tools, and requests without any."""
    return tuple(
        replace(
            message,
            role="user" if message.role == "tool" else message.role,
            parts=tuple(_worded(part) for part in message.parts),
        )
        for message in messages
    )


def countable_text(message: ModelMessage) -> str:
    """Everything in a turn that costs tokens by its length; count its images apart."""
    return "\n".join(_countable(part) for part in message.parts)


def countable_message(message: Message, info: ModelInfo) -> tuple[str, int] | None:
    """What a message costs a model before any others are known: the text to count, and how many images come with it
    (`IMAGE_TOKENS` each at most). None for what is left out."""
    turns = _turns(message, info)
    if not turns:
        return None
    images = sum(isinstance(part, ImagePart) for turn in turns for part in turn.parts)
    return "\n".join(map(countable_text, turns)), images


def _turns(message: Message, info: ModelInfo) -> tuple[ModelMessage, ...]:
    """Nothing for what has nothing to say. An answer comes behind its question: without that, “the second” says
    nothing."""
    turn, question = _turn(message, info), message.metadata.answers
    if turn is None:
        return ()
    return (turn,) if question is None else (ModelMessage("assistant", (TextPart(question),)), turn)


def _turn(message: Message, info: ModelInfo) -> ModelMessage | None:
    """None for what has nothing to say, and for replies that broke off."""
    if message.kind not in TOOL_REQUESTS | TOOL_RESULTS and message.status in _BROKEN_OFF:
        return None
    rendering = RENDERERS[message.kind]
    parts = tuple(part for part in rendering.parts(message, info) if not _is_blank(part))
    return ModelMessage(rendering.role or _ROLES[message.role], parts) if parts else None


def _is_blank(part: Part) -> bool:
    return isinstance(part, TextPart) and not part.text.strip()


def _denied(messages: Iterable[Message]) -> frozenset[str]:
    payloads = (message.payload for message in messages)
    return frozenset(
        call.call_id
        for payload in payloads
        if payload is not None and (payload.kind == "tool_request" or payload.kind == "mcp_tool_request")
        for call in payload.calls
        if call.status == "denied"
    )


@dataclass(slots=True)
class _Pairing:
    """What is left to hand out: the first result of each call that has been seen."""

    results: dict[str, ToolResultPart]
    denied: frozenset[str]

    def answer(self, call: ToolCallPart) -> ToolResultPart:
        if call.call_id in self.results:
            return self.results[call.call_id]
        outcome = DENIED if call.call_id in self.denied else INTERRUPTED
        return ToolResultPart(call.call_id, call.name, outcome, is_error=True)


def _paired(turns: Sequence[ModelMessage], denied: frozenset[str]) -> Iterable[ModelMessage]:
    """Each assistant turn with its calls, then its results, then what was said meanwhile."""
    pairing = _Pairing(_first_results(turns), denied)
    seen: set[str] = set()
    # The parts of an assistant turn that may still grow. A list: a turn of thousands must not be copied for each.
    pending: list[Part] = []
    called = False
    for whole in turns:
        turn = _without(whole, seen)
        if not turn.parts and whole.role != "tool":
            continue
        calls = len(turn.calls)
        # Text and the calls behind it are one turn; text behind calls begins another.
        if pending and turn.role == "assistant" and (not called or calls == len(turn.parts)):
            pending.extend(turn.parts)
            called = called or calls > 0
            continue
        yield from _closed(pending, pairing)
        pending, called = (list(turn.parts), calls > 0) if turn.role == "assistant" else ([], False)
        if turn.parts and not pending:
            yield turn
    yield from _closed(pending, pairing)


def _first_results(turns: Iterable[ModelMessage]) -> dict[str, ToolResultPart]:
    """By call id, of those whose call stands before them."""
    asked: set[str] = set()
    results: dict[str, ToolResultPart] = {}
    for turn in turns:
        asked.update(call.call_id for call in turn.calls)
        for result in turn.results:
            if result.call_id in asked:
                results.setdefault(result.call_id, result)
    return results


def _without(turn: ModelMessage, seen: set[str]) -> ModelMessage:
    """Without results, which follow their calls, and without calls whose ids are taken. Adds the others to `seen`."""
    kept: list[Part] = []
    for part in turn.parts:
        if isinstance(part, ToolCallPart):
            if part.call_id in seen:
                continue
            seen.add(part.call_id)
        if not isinstance(part, ToolResultPart):
            kept.append(part)
    return replace(turn, parts=tuple(kept))


def _closed(parts: Sequence[Part], pairing: _Pairing) -> Iterable[ModelMessage]:
    if not parts:
        return
    turn = ModelMessage("assistant", tuple(parts))
    yield turn
    if turn.calls:
        yield ModelMessage("tool", tuple(pairing.answer(call) for call in turn.calls))


def _worded(part: Part) -> Part:
    match part:
        case ToolCallPart():
            return TextPart(f"[Called {part.name} with {compact(part.arguments)}]")
        case ToolResultPart():
            return TextPart(f"[Result of {part.name}]\n{part.output}")
        case _:
            return part


def _countable(part: Part) -> str:
    match part:
        case TextPart():
            return part.text
        case ToolCallPart():
            return f"{part.name} {compact(part.arguments)}"
        case ToolResultPart():
            return part.output
        case ImagePart():
            return ""


def compact(arguments: Mapping[str, object]) -> str:
    """Arguments as JSON on one line."""
    return json.dumps(dict(arguments), ensure_ascii=False, separators=(",", ":"))
