"""Which messages a model is sent: the newest that fit its window, oldest first. Pure; pairs are mended afterwards, in
services/llm/neutral.py."""

from __future__ import annotations

from collections.abc import Sequence

from models.messages import Message

RESERVE_MAX_TOKENS = 20_000
MESSAGE_OVERHEAD_TOKENS = 4
"""What the chat format adds around each message (OpenAI's counting recipe: 3 and the role)."""


def input_budget(window_tokens: int, max_output_tokens: int) -> int:
    """Tokens that the view may take: the window less a reserve for the reply, `min(max_output, 20k)`."""
    return max(1, window_tokens - min(max_output_tokens, RESERVE_MAX_TOKENS))


def view(history: Sequence[Message], costs: Sequence[int], budget_tokens: int) -> tuple[Message, ...]:
    """`costs` are the tokens of the newest messages, as many as were worth counting, in the order of `history`. The
    last message is always in, cut at its end when it alone is too large; then as many before it as fit (I9). Replies
    that broke off and were asked for again are left out."""
    chosen: list[Message] = []
    left = budget_tokens
    for message, cost in zip(reversed(history), reversed(costs), strict=False):
        if message.status in ("interrupted", "error"):
            continue
        left -= cost + MESSAGE_OVERHEAD_TOKENS
        if left < 0:
            if not chosen:
                chosen.append(message.with_body(clamp(message.content, cost, cost + left)))
            break
        chosen.append(message)
    return tuple(reversed(chosen))


def clamp(text: str, cost: int, budget_tokens: int) -> str:
    """The beginning of a text of `cost` tokens that should fit `budget_tokens`, with a tenth to spare: tokens are not
    spread evenly."""
    share = max(0, budget_tokens) / max(1, cost)
    return text[: int(len(text) * share * 0.9)]
