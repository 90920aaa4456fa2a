"""Which schemas of MCP servers a model can be offered. One that an API refuses would spoil every request. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.validators import extend

from models.calls import check_tree
from models.errors import InvalidArgument
from services.tools.errors import BadArguments

SCHEMA_MAX_BYTES = 64 * 1024
KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What every API takes as the name of an argument."""
NOT_AT_THE_TOP = ("$schema", "$id", "oneOf", "anyOf", "allOf", "not", "enum")
"""APIs refuse these at the top. The server checks the arguments anyway."""


def usable_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as models are offered it. Raises InvalidArgument that says what is wrong."""
    try:
        check_tree(schema)
        if len(orjson.dumps(schema)) > SCHEMA_MAX_BYTES:
            raise InvalidArgument(f"its input schema has more than {SCHEMA_MAX_BYTES >> 10} KB")
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        path = ".".join(str(part) for part in error.absolute_path) or "its top"
        raise InvalidArgument(f"its input schema is not valid at {path}: {error.message}"[:500]) from None
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidArgument(f"its input schema can't be used: {error}") from None
    _check_keys(schema)
    _check_references(schema)
    return {"properties": {}, **{key: value for key, value in schema.items() if key not in NOT_AT_THE_TOP}}


def check_arguments(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Raises BadArguments that names the first one that doesn't fit. Patterns are left to the server: its expressions
    may take for ever, and it checks everything itself."""
    try:
        wrong = best_match(_Checking(schema).iter_errors(dict(arguments)))
    except RecursionError:
        return  # it refers to itself without end
    if wrong is not None:
        field = ".".join(str(part) for part in wrong.absolute_path) or "arguments"
        raise BadArguments(f"{field}: {wrong.message}"[:500], field=field)


def _left_to_the_server(*_: Any) -> Iterator[ValidationError]:
    return iter(())


_Checking = extend(  # type: ignore[no-untyped-call]  # its stubs say nothing of it
    Draft202012Validator,
    {name: _left_to_the_server for name in ("pattern", "patternProperties", "unevaluatedProperties", "format")},
)


def _check_keys(schema: Mapping[str, Any]) -> None:
    for key in schema.get("properties", {}):
        if not KEY.fullmatch(key):
            raise InvalidArgument(f"its argument “{key[:80]}” has a name that models don't take")


def _check_references(schema: Mapping[str, Any]) -> None:
    for reference in _references(schema):
        if not _is_there(schema, reference):
            raise InvalidArgument(f"its input schema refers to “{reference[:80]}”, which is not in it")


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(reference := value.get("$ref"), str):
            yield reference
        for child in value.values():
            yield from _references(child)
    elif isinstance(value, list):
        for child in value:
            yield from _references(child)


def _is_there(schema: Mapping[str, Any], reference: str) -> bool:
    """Only pointers into the schema itself (RFC 6901)."""
    if reference == "#":
        return True
    if not reference.startswith("#/"):
        return False
    found: Any = schema
    for part in reference[2:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or key not in found:
            return False
        found = found[key]
    return True
