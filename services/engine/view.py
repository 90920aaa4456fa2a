"""Which messages a model is sent: the newest that fit its window, oldest first. Pure; what each says to a model, and a
result for every call, is the business of services/llm/neutral.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.messages import Message
from models.payloads import AnyToolResult, calls_in

RESERVE_MAX_TOKENS = 20_000
MESSAGE_OVERHEAD_TOKENS = 4
"""What the chat format adds around each message (OpenAI's counting recipe: 3 and the role)."""


def input_budget(window_tokens: int, max_output_tokens: int) -> int:
    """Tokens that the view may take: the window less a reserve for the reply, `min(max_output, 20k)`."""
    return max(1, window_tokens - min(max_output_tokens, RESERVE_MAX_TOKENS))


def view(history: Sequence[Message], costs: Sequence[int], budget_tokens: int) -> tuple[Message, ...]:
    """`costs` are the tokens of the newest messages, as many as were worth counting, in the order of `history`. What is
    sent fits the budget (I9): the newest question always, cut at its end where it is too large; then what came last,
    where the results of calls are cut before they crowd out their request; then as many before that as fit. A request
    and its results go together or not at all. Replies that broke off and were asked for again are left out."""
    units = _units(history, costs)
    if not units:
        return ()
    last = units[-1]
    question = next((unit for unit in reversed(units) if unit[0].message.role == "user"), last)
    chosen = [_fitted(question, budget_tokens if question is last else budget_tokens // 2)]
    left = budget_tokens - _cost(chosen[0])
    for unit in reversed(units):
        if unit is question:
            continue
        fitted = _fitted(unit, left) if unit is last else unit
        left -= _cost(fitted)
        if left < 0:
            break
        chosen.append(fitted)
    sent = sorted((part for unit in chosen for part in unit), key=lambda part: part.position)
    return tuple(part.message for part in sent)


@dataclass(frozen=True, slots=True)
class _Part:
    position: int
    message: Message
    cost: int


_Unit = tuple[_Part, ...]
"""A message, or a request with the results that have come; what is sent together."""


def _units(history: Sequence[Message], costs: Sequence[int]) -> list[_Unit]:
    units: list[list[_Part]] = []
    asked: dict[str, list[_Part]] = {}
    first = len(history) - len(costs)
    for position, (message, cost) in enumerate(zip(history[first:], costs, strict=True)):
        if message.status in ("interrupted", "error"):
            continue
        part = _Part(position, message, cost + MESSAGE_OVERHEAD_TOKENS)
        if isinstance(message.payload, AnyToolResult):
            # A result whose request lies further back than was counted has nothing to belong to.
            asked.get(message.payload.call_id, []).append(part)
            continue
        units.append([part])
        for call in calls_in(message.payload):
            asked.setdefault(call.call_id, units[-1])
    return [tuple(unit) for unit in units]


def _fitted(unit: _Unit, budget_tokens: int) -> _Unit:
    """The unit with what can be cut, cut: the results of a request, evenly, or else the message itself."""
    if _cost(unit) <= budget_tokens:
        return unit
    head, *results = unit
    if not results:
        return (_cut(head, budget_tokens),)
    share = max(0, budget_tokens - head.cost) // len(results)
    return (head, *(part if part.cost <= share else _cut(part, share) for part in results))


def _cut(part: _Part, budget_tokens: int) -> _Part:
    left = max(0, budget_tokens - MESSAGE_OVERHEAD_TOKENS)
    text = clamp(part.message.content, part.cost - MESSAGE_OVERHEAD_TOKENS, left)
    return replace(part, message=part.message.with_body(text), cost=left + MESSAGE_OVERHEAD_TOKENS)


def _cost(unit: _Unit) -> int:
    return sum(part.cost for part in unit)


def clamp(text: str, cost: int, budget_tokens: int) -> str:
    """The beginning of a text of `cost` tokens that should fit `budget_tokens`, with a tenth to spare: tokens are not
    spread evenly."""
    share = max(0, budget_tokens) / max(1, cost)
    return text[: int(len(text) * share * 0.9)]
