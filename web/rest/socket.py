"""The socket's half of the API document: its calls, their acks and the server's events, as component schemas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from hub.hub import CALLS
from hub.shapes import ACKS, EVENTS, SERVER_EVENTS, SocketError
from models.wire import Wire

Json = dict[str, Any]
SchemaMode = Literal["validation", "serialization"]
References = Mapping[Any, Json]


def socket_models() -> Iterable[tuple[type[Wire], SchemaMode]]:
    for name, call in CALLS.items():
        yield call.arguments, "validation"
        yield ACKS[name], "serialization"
    events: tuple[type[Wire], ...] = (*EVENTS, *SERVER_EVENTS.values(), SocketError)
    for model in events:
        yield model, "serialization"


def socket_schemas(references: References) -> Json:
    """`SocketCalls` has `{args, ack}` by the name of the call, `ServerEvents` the data of each event, `JournalEvent`
    all that `event` can be."""
    return {
        "SocketCalls": _object({name: _call(name, references) for name in CALLS}),
        "ServerEvents": _object({name: references[model, "serialization"] for name, model in SERVER_EVENTS.items()}),
        "JournalEvent": {"oneOf": [references[model, "serialization"] for model in EVENTS]},
    }


def _call(name: str, references: References) -> Json:
    arguments = references[CALLS[name].arguments, "validation"]
    return _object({"args": arguments, "ack": references[ACKS[name], "serialization"]})


def _object(properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
