"""Checks values against the part of JSON Schema that our OpenAPI document uses. An unknown keyword is an error: a check
that is skipped in silence checks nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]
PROSE = frozenset({"title", "description", "default", "discriminator"})
TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "null": lambda value: value is None,
}


def problems(value: Any, schema: Json, document: Json, path: str = "$") -> list[str]:
    """Everything that is wrong, with its place; empty for a value that fits."""
    found: list[str] = []
    for keyword, wanted in schema.items():
        if keyword not in PROSE:
            found += CHECKS[keyword](value, wanted, schema, document, path)
    return found


def resolve(reference: str, document: Json) -> Json:
    target: Any = document
    for part in reference.removeprefix("#/").split("/"):
        target = target[part]
    assert isinstance(target, dict)
    return target


def _reference(value: Any, wanted: Any, schema: Json, document: Json, path: str) -> list[str]:
    return problems(value, resolve(wanted, document), document, path)


def _type(value: Any, wanted: Any, schema: Json, document: Json, path: str) -> list[str]:
    return [] if TYPES[wanted](value) else [f"{path}: {value!r} is no {wanted}"]


def _choices(value: Any, wanted: Any, schema: Json, document: Json, path: str) -> list[str]:
    tried = [problems(value, each, document, path) for each in wanted]
    return [] if any(not each for each in tried) else [f"{path}: fits none of {tried}"]


def _properties(value: Any, wanted: Any, schema: Json, document: Json, path: str) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [
        problem
        for name, each in wanted.items()
        if name in value
        for problem in problems(value[name], each, document, f"{path}.{name}")
    ]


def _additional(value: Any, wanted: Any, schema: Json, document: Json, path: str) -> list[str]:
    if wanted is True or not isinstance(value, dict):
        return []
    others = {name: each for name, each in value.items() if name not in schema.get("properties", {})}
    if wanted is False:
        return [f"{path}: unexpected {name}" for name in others]
    return [problem for name, each in others.items() for problem in problems(each, wanted, document, f"{path}.{name}")]


def _names(value: Any, wanted: Any, schema: Json, document: Json, path: str) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [problem for name in value for problem in problems(name, wanted, document, f"{path}.{name}")]


def _required(value: Any, wanted: Any, schema: Json, document: Json, path: str) -> list[str]:
    return [f"{path}: {name} is missing" for name in wanted if isinstance(value, dict) and name not in value]


def _items(value: Any, wanted: Any, schema: Json, document: Json, path: str) -> list[str]:
    if not isinstance(value, list):
        return []
    return [
        problem for index, each in enumerate(value) for problem in problems(each, wanted, document, f"{path}[{index}]")
    ]


def _that(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any, Json, Json, str], list[str]]:
    def check(value: Any, wanted: Any, schema: Json, document: Json, path: str) -> list[str]:
        return [] if holds(value, wanted) else [f"{path}: {value!r} breaks {wanted!r}"]

    return check


CHECKS: Mapping[str, Callable[[Any, Any, Json, Json, str], list[str]]] = {
    "$ref": _reference,
    "type": _type,
    "anyOf": _choices,
    "oneOf": _choices,
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "maxProperties": _that(lambda value, wanted: not isinstance(value, dict) or len(value) <= wanted),
    "required": _required,
    "items": _items,
    "const": _that(lambda value, wanted: bool(value == wanted)),
    "enum": _that(lambda value, wanted: value in wanted),
    "minimum": _that(lambda value, wanted: not isinstance(value, int | float) or bool(value >= wanted)),
    "maximum": _that(lambda value, wanted: not isinstance(value, int | float) or bool(value <= wanted)),
    "minLength": _that(lambda value, wanted: not isinstance(value, str) or len(value) >= wanted),
    "maxItems": _that(lambda value, wanted: not isinstance(value, list) or len(value) <= wanted),
    "maxLength": _that(lambda value, wanted: not isinstance(value, str) or len(value) <= wanted),
}
