"""Makes, of a Python expression, one for ripgrep that finds every line that the first would, and maybe more. Pure.

The two engines read expressions and Unicode differently. So ripgrep only chooses files, and what it is asked is
weakened until no difference can make it miss one: anchors and look-arounds are dropped, classes become "any
character", and what can't be said becomes "anything". A character is up to four bytes, for ripgrep sees bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_BYTE = "(?-u:.)"
_CHARACTER = f"{_BYTE}{{1,4}}"
_ANYTHING = f"{_BYTE}*"
_REPEAT_MAX = 50
"""Larger counts make large automata: then the count is left open."""
_FOREIGN = re.compile(r"\{(?!\d*,?\d*\})|\[\[|\[:|--|&&|~~|\|\|")
"""What the regex package understands and Python's parser does not: fuzzy matching, set operations, POSIX classes."""

ALSO = {"i": "\u0130\u0131", "k": "\u212a", "s": "\u017f"}
"""What matches an ASCII letter when case is ignored, beside its two cases."""


def of_text(text: str, *, ignore_case: bool) -> str | None:
    """For a plain text. None when ripgrep can't be asked."""
    if "\N{REPLACEMENT CHARACTER}" in text:
        return None
    return "".join(_literal(ord(char), ignore_case) for char in text)


def of_regex(pattern: str, *, ignore_case: bool) -> str | None:
    """For an expression. None when ripgrep can't be asked: then every file must be read."""
    if _FOREIGN.search(pattern):
        return None
    try:
        parsed: Any = re._parser.parse(pattern)  # type: ignore[attr-defined]
        if parsed.state.flags & ~re.UNICODE.value:
            return None
        return _sequence(parsed, ignore_case)
    except (re.error, AttributeError, RecursionError, OverflowError, _Unsayable):
        return None


class _Unsayable(Exception):
    """Flags inside the expression change what its parts mean."""


def _sequence(nodes: Iterable[Any], ignore_case: bool) -> str:
    return "".join(_node(str(kind), value, ignore_case) for kind, value in nodes)


def _node(kind: str, value: Any, ignore_case: bool) -> str:
    match kind:
        case "LITERAL":
            return _literal(value, ignore_case)
        case "IN":
            return _CHARACTER if ignore_case else _set(value)
        case "ANY" | "NOT_LITERAL":
            return _CHARACTER
        case "AT" | "ASSERT" | "ASSERT_NOT":
            return ""
        case "BRANCH":
            return "(?:" + "|".join(_sequence(branch, ignore_case) for branch in value[1]) + ")"
        case "SUBPATTERN":
            return _group(value, ignore_case)
        case "ATOMIC_GROUP":
            return f"(?:{_sequence(value, ignore_case)})"
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return _repeat(value, ignore_case)
        case _:
            return _ANYTHING


def _group(value: Any, ignore_case: bool) -> str:
    _, added, removed, inner = value
    if added or removed:
        raise _Unsayable
    return f"(?:{_sequence(inner, ignore_case)})"


def _repeat(value: Any, ignore_case: bool) -> str:
    least, most, inner = value
    body = _sequence(inner, ignore_case)
    if body == _CHARACTER:
        return f"{_BYTE}{{{min(int(least), _REPEAT_MAX)},}}"
    upper = str(int(most)) if int(most) <= _REPEAT_MAX else ""
    return f"(?:{body}){{{min(int(least), _REPEAT_MAX)},{upper}}}"


def _literal(code: int, ignore_case: bool) -> str:
    char = chr(code)
    if char == "\N{REPLACEMENT CHARACTER}" or 0xD800 <= code < 0xE000 or (code > 127 and ignore_case):
        return _CHARACTER
    if ignore_case and char.isalpha():
        return f"[{char.lower()}{char.upper()}{ALSO.get(char.lower(), '')}]"
    return char if char.isalnum() or code > 127 else f"\\x{code:02x}"


def _set(members: Any) -> str:
    """Exactly, when it is made of ASCII alone; else any character."""
    parts = []
    for kind, value in members:
        low, high = value if str(kind) == "RANGE" else (value, value)
        if str(kind) not in ("LITERAL", "RANGE") or high > 127:
            return _CHARACTER
        parts.append(f"\\x{low:02x}-\\x{high:02x}")
    return f"[{''.join(parts)}]"
