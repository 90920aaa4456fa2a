"""What a model is sent: system, messages and tools, what each costs, and what was left out and why. Pure; what a
message says to a model, and a result for every call, is the business of services/llm/neutral.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from models.messages import Message, message_type_of
from models.payloads import (
    AnyToolResult,
    McpToolResultPayload,
    StreamingResponsePayload,
    TextPayload,
    ToolResultPayload,
    calls_in,
)
from models.tools import ToolSpec

RESERVE_MAX_TOKENS = 20_000
MESSAGE_OVERHEAD_TOKENS = 4
"""What the chat format adds around each message (OpenAI's counting recipe: 3 and the role)."""
SEPARATOR = "\n\n"
"""Between the parts of a system prompt."""
RESULT_MIN_TOKENS = 64
"""More than a result takes when all its output is cut: its status, its handle, and what surrounds it."""

Reason = Literal["over_budget", "interrupted", "error", "waiting", "unpaired", "empty"]
"""Why a message is not sent: it does not fit; the reply was cut off by a crash, or broke off, and was asked for again;
it waits for a run of its own; it is a result without its call; nothing in it is for a model."""


@dataclass(frozen=True, slots=True)
class SystemPart:
    name: str
    text: str
    tokens: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class OfferedTool:
    spec: ToolSpec
    tokens: int


@dataclass(frozen=True, slots=True)
class ViewMessage:
    """A message as it is sent, its text `cut` where it would not fit."""

    message: Message
    tokens: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One message, or the positions `first` to `last` of the branch, which were not read since no more would fit; what
    of those is sent all the same stands among the messages."""

    reason: Reason
    message_id: str | None = None
    tokens: int | None = None
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """`reserve` is kept of the `window` for the reply. `exact`: counted by the model's own tokenizer, not estimated."""

    window: int
    reserve: int
    system: int
    tools: int
    history: int
    exact: bool

    @property
    def budget(self) -> int:
        return max(1, self.window - self.reserve)

    @property
    def total(self) -> int:
        return self.system + self.tools + self.history


@dataclass(frozen=True, slots=True)
class View:
    """All of one request to `model`, oldest message first."""

    model: str
    system: tuple[SystemPart, ...]
    messages: tuple[ViewMessage, ...]
    tools: tuple[OfferedTool, ...]
    tokens: Tokens
    left_out: tuple[LeftOut, ...] = ()

    @property
    def prompt(self) -> str:
        """The system prompt as one text."""
        return SEPARATOR.join(part.text for part in self.system if part.text)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that may be sent; `text` is all of it that costs tokens by its length, `tokens` what it costs with what
    surrounds it."""

    message: Message
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Choice:
    messages: tuple[ViewMessage, ...]
    left_out: tuple[LeftOut, ...]


def reserve(max_output_tokens: int) -> int:
    """What is kept for the reply."""
    return min(max_output_tokens, RESERVE_MAX_TOKENS)


def input_budget(window_tokens: int, max_output_tokens: int) -> int:
    """Tokens that the view may take: the window less a reserve for the reply, `min(max_output, 20k)`."""
    return max(1, window_tokens - reserve(max_output_tokens))


def choose(candidates: Sequence[Candidate], budget_tokens: int) -> Choice:
    """Of the newest messages, oldest first, those that are sent. They fit the budget (I9): the newest question always,
    cut at its end where it is too large; then what came last, where the results of calls are cut before they crowd out
    their request; then as many before that as fit. A request and its results go together or not at all. Replies that
    broke off and were asked for again are left out."""
    units = _units(candidates)
    sent = sorted((part for unit in _chosen(units, budget_tokens) for part in unit), key=lambda part: part.position)
    there = {part.position for part in sent}
    possible = {part.position for unit in units for part in unit}
    return Choice(
        tuple(ViewMessage(part.message, part.tokens, part.cut) for part in sent),
        tuple(
            LeftOut("over_budget" if position in possible else _reason(each.message), each.message.id, each.tokens)
            for position, each in enumerate(candidates)
            if position not in there
        ),
    )


def cut(candidate: Candidate, budget_tokens: int) -> Message:
    """The beginning of a message, which should fit; shorter than it was, if it had any text. What can't be shortened as
    it is, goes on as plain text."""
    cost, left = candidate.tokens - MESSAGE_OVERHEAD_TOKENS, budget_tokens - MESSAGE_OVERHEAD_TOKENS
    message, payload = candidate.message, candidate.message.payload
    match payload:
        case None | TextPayload() | StreamingResponsePayload():
            return message.with_body(clamp(candidate.text, cost, left))
        case ToolResultPayload() | McpToolResultPayload():
            error = clamp(payload.error or "", cost, left) or None
            output = clamp(message.content, cost, left)
            changed = payload.model_copy(update={"output": output, "error": error})
            return message.model_copy(update={"content": output, "payload": changed})
        case _:
            text = clamp(candidate.text, cost, left)
            plain = {"kind": "text", "message_type": message_type_of("text"), "payload": None, "content": text}
            return message.model_copy(update=plain)


def clamp(text: str, cost: int, budget_tokens: int) -> str:
    """The beginning of a text of `cost` tokens that should fit `budget_tokens`, with a tenth to spare: tokens are not
    spread evenly."""
    share = min(1.0, max(0, budget_tokens) / max(1, cost))
    return text[: int(len(text) * share * 0.9)]


@dataclass(frozen=True, slots=True)
class _Part:
    position: int
    candidate: Candidate
    cut: bool = False

    @property
    def message(self) -> Message:
        return self.candidate.message

    @property
    def tokens(self) -> int:
        return self.candidate.tokens


_Unit = tuple[_Part, ...]
"""A message, or a request with the results that have come; what is sent together."""


def _chosen(units: Sequence[_Unit], budget_tokens: int) -> list[_Unit]:
    if not units:
        return []
    last = units[-1]
    question = next((unit for unit in reversed(units) if unit[0].message.asks), last)
    asked = _fitted(question, budget_tokens if question is last else budget_tokens // 2)
    chosen = [asked] if _cost(asked) <= max(budget_tokens, MESSAGE_OVERHEAD_TOKENS) else []
    left = budget_tokens - sum(map(_cost, chosen))
    for unit in reversed(units):
        if unit is question:
            continue
        fitted = _fitted(unit, left) if unit is last else unit
        left -= _cost(fitted)
        if left < 0:
            break
        chosen.append(fitted)
    return chosen


def _units(candidates: Sequence[Candidate]) -> list[_Unit]:
    units: list[list[_Part]] = []
    asked: dict[str, list[_Part]] = {}
    for position, each in enumerate(candidates):
        message = each.message
        if message.status in ("interrupted", "error"):
            continue
        part = _Part(position, each)
        if isinstance(message.payload, AnyToolResult):
            # A result whose request lies further back than was read has nothing to belong to.
            asked.get(message.payload.call_id, []).append(part)
            continue
        units.append([part])
        for call in calls_in(message.payload):
            asked.setdefault(call.call_id, units[-1])
    return [tuple(unit) for unit in units]


def _reason(message: Message) -> Reason:
    match message.status:
        case "interrupted" | "error":
            return message.status
        case _:
            return "unpaired"


def _fitted(unit: _Unit, budget_tokens: int) -> _Unit:
    """The unit with what can be cut, cut: the results of a request, evenly, or else the message itself. As it is where
    that does not help."""
    if _cost(unit) <= budget_tokens:
        return unit
    head, *results = unit
    if not results:
        return unit if calls_in(head.message.payload) else (_cut(head, budget_tokens),)
    share = max(0, budget_tokens - head.tokens) // len(results)
    if share < RESULT_MIN_TOKENS:
        return unit
    return (head, *(part if part.tokens <= share else _cut(part, share) for part in results))


def _cut(part: _Part, budget_tokens: int) -> _Part:
    tokens = max(budget_tokens, MESSAGE_OVERHEAD_TOKENS)
    return replace(part, candidate=Candidate(cut(part.candidate, budget_tokens), "", tokens), cut=True)


def _cost(unit: _Unit) -> int:
    return sum(part.tokens for part in unit)
