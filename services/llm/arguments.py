"""Reads the arguments that a model wrote for a tool. Never raises on them: the model gets told what is wrong."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, NoReturn

from models.text import cleaned

# Integers beyond 64 bits fit no JSON encoder and no database column that they would have to pass.
_INTEGER_LIMIT = 2**63

# Encoders stop at some 250 levels, and a message wraps the arguments in a few of its own.
_DEPTH_MAX = 100


# What is written, encoded once more, and once more by a gateway.
_LAYERS_MAX = 2
_BEGINNINGS = ("", "{", '"', "n")
"""Of what was encoded twice: nothing, an object, a text in turn, or null."""


@dataclass(frozen=True, slots=True)
class UnreadableArguments:
    """`message` tells the model what to do, `raw` is what it wrote."""

    message: str
    raw: str


def parse_arguments(arguments_json: str) -> dict[str, Any] | UnreadableArguments:
    """The arguments of a `ToolCallReady`. Nothing at all, and null, stand for no arguments, as some endpoints write it;
    others encode them twice, which makes a text of them."""
    try:
        parsed = _clean(_decoded(arguments_json), 0)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "nested too deeply"
        message = f"The arguments are not valid JSON ({reason}). Call the tool again with one JSON object."
        return UnreadableArguments(message, cleaned(arguments_json))
    if not isinstance(parsed, dict):
        message = "The arguments are no JSON object. Call the tool again with one JSON object."
        return UnreadableArguments(message, cleaned(arguments_json))
    return parsed


def _decoded(text: str) -> Any:
    """What is no text, at whatever layer it comes."""
    value: Any = _loaded(text)
    for _ in range(_LAYERS_MAX):
        if isinstance(value, str) and value.lstrip()[:1] in _BEGINNINGS:
            value = _loaded(value)
    return {} if value is None else value


def _loaded(text: str) -> Any:
    if not text.strip():
        return None
    return json.loads(text, parse_constant=_refuse, parse_float=_float, parse_int=_integer)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _integer(digits: str) -> int:
    if len(digits) > 20 or not -_INTEGER_LIMIT <= int(digits) < _INTEGER_LIMIT:
        raise ValueError("a number is larger than 64 bits")
    return int(digits)


def _float(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError("a number is too large")
    return number


def _clean(value: Any, depth: int) -> Any:
    """Without the characters that can't be stored, which JSON can hide behind escapes. Raises ValueError when deep."""
    if depth > _DEPTH_MAX:
        raise ValueError("it is nested too deeply")
    match value:
        case str():
            return cleaned(value)
        case list():
            return [_clean(item, depth + 1) for item in value]
        case dict():
            return {cleaned(key): _clean(item, depth + 1) for key, item in value.items()}
        case _:
            return value
