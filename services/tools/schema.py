"""Derives a tool's JSON schema from its type hints and parses arguments by it. Never calls the tool."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import ErrorDetails

from models.errors import InvalidArgument
from services.tools.context import ToolContext
from services.tools.errors import BadArguments

_ERRORS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Signature:
    """`names` are the parameters of the function by the names in the schema; `injected` is the one that takes the
    ToolContext."""

    model: type[BaseModel]
    names: Mapping[str, str]
    injected: str | None

    def json_schema(self) -> dict[str, Any]:
        schema = self.model.model_json_schema()
        schema.pop("title", None)
        for described in schema.get("properties", {}).values():
            described.pop("title", None)
        schema.setdefault("properties", {})
        return schema

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Raises BadArguments for what doesn't fit the schema."""
        self.parse(arguments)

    def parse(self, arguments: object) -> dict[str, Any]:
        """The function's keyword arguments. Takes a mapping or JSON text; raises BadArguments that names the field."""
        given = _decoded(arguments)
        try:
            parsed = self.model.model_validate(given)
        except ValidationError as error:
            raise _bad(error, tuple(self.names)) from None
        return {self.names[name]: getattr(parsed, name) for name in self.names}


def signature_of(function: Callable[..., object]) -> Signature:
    """Raises InvalidArgument for a function whose parameters can't be described."""
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    injected: str | None = None
    for parameter in inspect.signature(function).parameters.values():
        hint = hints.get(parameter.name)
        _check(function, parameter, hint)
        if _is_context(hint):
            injected = parameter.name
        else:
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[parameter.name] = (hint, default)
    return _signature(function, fields, injected)


def _signature(function: Callable[..., object], fields: dict[str, Any], injected: str | None) -> Signature:
    """Fields get neutral names and the parameter's as alias: pydantic reserves `model_…`, `copy`, `json` and others."""
    names = {f"field_{number}": name for number, name in enumerate(fields)}
    aliased: dict[str, Any] = {
        field: (Annotated[fields[name][0], Field(alias=name)], fields[name][1]) for field, name in names.items()
    }
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=False)
    try:
        model: type[BaseModel] = create_model(_title(function), __config__=config, **aliased)
    except Exception as error:
        raise InvalidArgument(f"{function!r} can't be described as a tool: {error}") from error
    return Signature(model, names, injected)


def _check(function: Callable[..., object], parameter: inspect.Parameter, hint: object) -> None:
    where = f"{_title(function)}({parameter.name})"
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
        raise InvalidArgument(f"{where}: a tool's parameters are named one by one, without *, ** and /")
    if hint is None:
        raise InvalidArgument(f"{where} needs a type hint")


def _title(function: Callable[..., object]) -> str:
    return str(getattr(function, "__name__", "tool"))


def _is_context(hint: object) -> bool:
    inner = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return inner is ToolContext


def _decoded(arguments: object) -> Mapping[str, object]:
    if isinstance(arguments, str | bytes):
        arguments = _from_json(arguments)
    if arguments is None:
        return {}
    if not isinstance(arguments, Mapping):
        raise BadArguments(f"The arguments must be a JSON object, not {type(arguments).__name__}")
    return arguments


def _from_json(text: str | bytes) -> object:
    if not text.strip():
        return {}
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadArguments(f"The arguments are not valid JSON: {error}") from None


def _bad(error: ValidationError, known: tuple[str, ...]) -> BadArguments:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    shown = [f"{_field(one)}: {one['msg']}" for one in details[:_ERRORS_SHOWN]]
    if len(details) > len(shown):
        shown.append(f"and {len(details) - len(shown)} more")
    return BadArguments("; ".join(shown), field=_field(details[0]))


def _field(detail: ErrorDetails) -> str:
    return ".".join(str(part) for part in detail["loc"]) or "arguments"
