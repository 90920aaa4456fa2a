"""Why a reply ended, in the words of all providers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "eos": "stop",
        "max_tokens": "length",
        "max_output_tokens": "length",
        "model_context_window_exceeded": "length",
        "model_length": "length",
        "tool_use": "tool_calls",
        "tool_call": "tool_calls",
        "function_call": "tool_calls",
        "safety": "content_filter",
        "content_filtered": "content_filter",
    }
)
_NO_REASONS = frozenset({"", "null", "none"})

CUT_SHORT: Mapping[str, str] = MappingProxyType(
    {
        "length": "it reached the limit of tokens for one reply",
        "content_filter": "the endpoint's content filter stopped it",
    }
)
"""Reasons of a reply that is no whole one: what it would have said next is not known."""


def reason_of(given: object) -> str | None:
    """OpenAI's word for it; what has none keeps its own. None for what is no reason."""
    if not isinstance(given, str) or given.strip().lower() in _NO_REASONS:
        return None
    word = given.strip()
    lowered = word.lower()
    return _REASONS.get(lowered, lowered if word.isupper() else word)
