"""Reads JSON of the server with the wire models, forgiving what a newer server says: keys that are not known are left
out, values that are not known stay as they came. Never refuses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from hub.client.wire import Json
from models.messages import Message
from models.states import ContextState
from models.wire import Wire

M = TypeVar("M", bound=BaseModel)

_STATES: TypeAdapter[ContextState] = TypeAdapter(ContextState)


class UnknownState(Wire):
    """A state of a newer server: its name, and beside it whatever that server told of it."""

    model_config = ConfigDict(extra="allow")

    name: str


def read(model: type[M], wire: Json) -> M:
    try:
        return model.model_validate(wire, extra="ignore")
    except ValidationError:
        return _as_it_came(model, wire)


def read_state(wire: Json) -> ContextState | UnknownState:
    try:
        return _STATES.validate_python(wire, extra="ignore")
    except ValidationError:
        return UnknownState.model_validate(wire)


class MessageReader:
    """Reads a list of messages that changes little from one time to the next: what is the same JSON is read once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Json, Message]] = {}

    def read(self, wires: Sequence[Json]) -> tuple[Message, ...]:
        pairs = [(wire, self._kept(wire) or _message(wire)) for wire in wires]
        self._known = {wire["id"]: (wire, message) for wire, message in pairs}
        return tuple(message for _, message in pairs)

    def _kept(self, wire: Json) -> Message | None:
        known, message = self._known.get(wire["id"], (None, None))
        return message if known is wire else None


def _message(wire: Json) -> Message:
    return read(Message, wire) if "role" in wire else _unseen(wire["id"])


def _unseen(message_id: str) -> Message:
    """Stands for a message that came with a branch, by its id alone, until it is pulled."""
    return Message(
        id=message_id,
        ordinal=0,
        role="system",
        content="",
        message_type="text",
        kind="text",
        created_at_utc="",
        author="",
        truncated=True,
    )


def _as_it_came(model: type[M], wire: Json) -> M:
    """Field by field: one that can't be read is as it came, or of its default when it didn't come."""
    fields: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key in wire:
            fields[name] = _value(model, name, wire[key])
    return model.model_construct(**fields)


def _value(model: type[BaseModel], name: str, value: Any) -> Any:
    try:
        return _field(model, name).validate_python(value, extra="ignore")
    except ValidationError:
        kind = model.model_fields[name].annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel) and isinstance(value, dict):
            return _as_it_came(kind, value)
        return value


@cache
def _field(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    return TypeAdapter(Any if (kind := model.model_fields[name].annotation) is None else kind)
