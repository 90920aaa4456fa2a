"""How much of a long result a model is shown, and the tool that pages through the rest. Never stores a result."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from services.llm.tokens import estimate_tokens
from services.tools.context import ToolContext
from services.tools.errors import ToolError
from services.tools.tool import tool

BUDGET_TOKENS = 8_000
PAGE_CHARS = 20_000
PAGE_MAX_CHARS = 64_000
_FRAME_TOKENS = 100
"""What the lines around head and tail take."""
_HEAD_SHARE = 2 / 3
_MAX_CHARS_PER_TOKEN = 8
"""Blanks cost next to nothing in the estimate: without a limit a megabyte of them would pass."""
_MOST_TOKENS_PER_CHAR = 1.5


def fits(text: str, budget_tokens: int) -> bool:
    if len(text) * _MOST_TOKENS_PER_CHAR <= budget_tokens:
        return True
    return len(text) <= budget_tokens * _MAX_CHARS_PER_TOKEN and estimate_tokens(text) <= budget_tokens


def clamp(text: str, handle: str, budget_tokens: int = BUDGET_TOKENS) -> str:
    """`text` itself when it fits the budget, else its beginning and its end and how to read what lies between."""
    if fits(text, budget_tokens):
        return text
    left = max(0, budget_tokens - _FRAME_TOKENS)
    head = _whole_lines(prefix(text, int(left * _HEAD_SHARE)))
    tail = suffix(text, left - int(left * _HEAD_SHARE))
    end = len(text) - len(tail)
    note = (
        f"[{end - len(head):,} of {len(text):,} characters are left out here; "
        f'read_result(handle="{handle}", offset={len(head)}) goes on from this place]'
    )
    return f"{head}\n{note}\n{tail}"


def prefix(text: str, budget_tokens: int) -> str:
    """The longest beginning that fits, to about 2 %."""
    return text[: _length(text, budget_tokens, from_end=False)]


def suffix(text: str, budget_tokens: int) -> str:
    """The longest end that fits, to about 2 %."""
    return text[len(text) - _length(text, budget_tokens, from_end=True) :]


def _length(text: str, budget_tokens: int, *, from_end: bool) -> int:
    """Tokens are not spread evenly, so the guess is made smaller until it fits: three or four steps."""
    length = min(len(text), budget_tokens * _MAX_CHARS_PER_TOKEN)
    while length > 0:
        cost = estimate_tokens(text[len(text) - length :] if from_end else text[:length])
        if cost <= budget_tokens:
            return length
        length = min(length - 1, int(length * budget_tokens / cost * 0.98))
    return 0


def _whole_lines(head: str) -> str:
    """Without the piece of a line at its end, where that costs little."""
    line_end = head.rfind("\n")
    return head[:line_end] if line_end > 0.8 * len(head) else head


@tool(risk="read_only", category="results", timeout_s=30.0)
async def read_result(
    handle: Annotated[str, Field(description="As given where the result was cut", min_length=1, max_length=200)],
    context: ToolContext,
    offset: Annotated[int, Field(description="The first character to read", ge=0)] = 0,
    limit: Annotated[int, Field(description="Characters to read", ge=1, le=PAGE_MAX_CHARS)] = PAGE_CHARS,
) -> str:
    """Read a part of an earlier tool result that was too long to be shown whole."""
    text = await context.read_message_content(handle)
    if text is None:
        raise ToolError(f"There is no result “{handle}” in this session; handles stand where a result was cut")
    if offset >= max(1, len(text)):
        raise ToolError(f"The result has {len(text):,} characters: offset {offset:,} lies behind its end")
    page = prefix(text[offset : offset + limit], BUDGET_TOKENS - _FRAME_TOKENS)
    end = offset + len(page)
    rest = f'next: read_result(handle="{handle}", offset={end})' if end < len(text) else "this is the end"
    return f"{page}\n[characters {offset:,} to {end:,} of {len(text):,}; {rest}]"
