"""Reads text, numbers and arguments out of JSON that nobody has checked. Never raises on a shape. Pure."""

from __future__ import annotations

import json
from typing import Any

_TEXTUAL = frozenset({None, "text", "output_text", "text_delta", "refusal"})
_DEPTH_MAX = 4


def fields(value: object) -> dict[str, Any]:
    """Empty for what is no object."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[object]:
    """One that stands alone is a list of one."""
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else []


def text_in(value: object, depth: int = 0) -> str:
    """Text alone, in parts, or in an object; reasoning, pictures and what is unknown say nothing."""
    if depth > _DEPTH_MAX or isinstance(value, bool):
        return ""
    match value:
        case str():
            return value
        case int() | float():
            return str(value)  # some gateways take a lone number for one
        case list():
            return "".join(text_in(part, depth + 1) for part in value)
        case dict() if value.get("type") in _TEXTUAL:
            named = (value.get(name) for name in ("text", "value", "content", "refusal"))
            return next((text for each in named if (text := text_in(each, depth + 1))), "")
        case _:
            return ""


def arguments_in(value: object) -> str:
    """Text, which may be a piece; some endpoints send the whole object instead. An empty one says nothing yet."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, dict | list) and value else ""


def name_in(value: object) -> str:
    """An id or a name; some count."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def count_in(value: object) -> int | None:
    """A number that counts something, be it written as text."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
