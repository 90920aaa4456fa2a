"""The OpenAPI 3.1 document, made from the route table and its models. Never written by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import orjson
from aiohttp import web
from pydantic.alias_generators import to_camel
from pydantic.json_schema import models_json_schema

from models.calls import NoArguments
from models.errors import (
    DatabaseCorrupt,
    Draining,
    Forbidden,
    HeadTooLarge,
    InvalidArgument,
    OriginNotAllowed,
    ParleyError,
    PayloadTooLarge,
    RequestTimeout,
    StorageUnavailable,
    TooManyConnections,
    Unauthenticated,
    UnsupportedEncoding,
    VersionMismatch,
)
from models.wire import Wire
from web.rest.errors import ErrorBody
from web.rest.reading import ETAG, JSON_TYPE, PATH_ID_MAX_CHARS
from web.rest.route import NoQuery, Route
from web.rest.socket import socket_models, socket_schemas

Json = dict[str, Any]
References = Mapping[Any, Json]
"""Where the schema of a (model, mode) is."""
SchemaMode = Literal["validation", "serialization"]
REFERENCE = "#/components/schemas/{model}"
GENERAL: tuple[type[ParleyError], ...] = (
    InvalidArgument,
    Forbidden,
    OriginNotAllowed,
    UnsupportedEncoding,
    RequestTimeout,
    HeadTooLarge,
    TooManyConnections,
    StorageUnavailable,
    DatabaseCorrupt,
)
"""What every route may answer."""
VERSIONED = '`"v<version>-<digest>"`. If-Match compares the version alone, and takes `"v<version>"` too.'


class Document:
    """Built at first use: it takes a tenth of a second that a start needs not wait for."""

    def __init__(self, routes: Sequence[Route], version: str) -> None:
        self._routes = routes
        self._version = version

    @cached_property
    def body(self) -> bytes:
        return orjson.dumps(self.data)

    @cached_property
    def data(self) -> Json:
        models = {(model, mode) for route in self._routes for model, mode in _models(route)}
        models |= {(ErrorBody, "serialization"), *socket_models()}
        ordered = sorted(models, key=lambda each: (each[0].__name__, each[1]))
        references, definitions = models_json_schema(ordered, ref_template=REFERENCE)
        paths: dict[str, Json] = {}
        for route in self._routes:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Parley",
                "version": self._version,
                "description": "Sessions, history and context over REST. What happens live comes by Socket.IO: the "
                "schemas SocketCalls, ServerEvents and JournalEvent are its half. Paths below "
                "/api/contexts also work without /api.",
            },
            "security": [{}, {"token": []}],
            "paths": paths,
            "components": {
                "schemas": definitions["$defs"] | socket_schemas(references),
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
        }


DOCUMENT = web.AppKey("document", Document)


def _models(route: Route) -> Iterable[tuple[type[Wire], SchemaMode]]:
    if route.body is not NoArguments:
        yield route.body, "validation"
    if not isinstance(route.answer, str):
        yield route.answer, "serialization"


def _operation(route: Route, references: References) -> Json:
    name = route.handler.__name__
    operation: Json = {
        "operationId": to_camel(name),
        "summary": route.summary,
        "tags": [route.handler.__module__.rpartition(".")[2]],
        "responses": {
            str(route.status): _success(route, references),
            **_unchanged(route),
            **_failures(route, references),
        },
    }
    if parameters := [*_path_parameters(route), *_query_parameters(route), *_headers(route)]:
        operation["parameters"] = parameters
    if route.wants_body:
        operation["requestBody"] = {
            "required": any(field.is_required() for field in route.body.model_fields.values()),
            "content": {each: {"schema": references[route.body, "validation"]} for each in route.media_types},
        }
    if route.public:
        operation["security"] = []
    if route.successor is not None:
        operation["deprecated"] = True
    return operation


def _success(route: Route, references: References) -> Json:
    if isinstance(route.answer, str):
        content = {route.answer: {"schema": {"type": "object" if route.answer == JSON_TYPE else "string"}}}
    else:
        content = {"application/json": {"schema": references[route.answer, "serialization"]}}
    response: Json = {"description": route.summary, "content": content}
    if route.tagged:
        described = f"Strong: {VERSIONED}" if route.versioned else "Strong."
        response["headers"] = {"ETag": {"description": described, "schema": {"type": "string"}}}
    return response


def _unchanged(route: Route) -> Json:
    described = "The answer is still the one that If-None-Match names."
    return {"304": {"description": described}} if route.tagged and route.method == "GET" else {}


def _failures(route: Route, references: References) -> Json:
    by_status: dict[int, list[str]] = {}
    for error in errors_of(route):
        by_status.setdefault(error.status, []).append(error.code)
    schema = references[ErrorBody, "serialization"]
    return {
        str(status): {
            "description": "code: " + ", ".join(dict.fromkeys(codes)),
            "content": {"application/json": {"schema": schema}},
        }
        for status, codes in sorted(by_status.items())
    }


def errors_of(route: Route) -> tuple[type[ParleyError], ...]:
    """All that a route may answer, the general ones too."""
    found = [*route.errors, *GENERAL]
    if not route.public:
        found.append(Unauthenticated)
    if route.method != "GET":
        found.append(Draining)
    if route.guarded:
        found.append(VersionMismatch)
    if route.takes_body:
        found.append(PayloadTooLarge)
    return tuple(found)


def _path_parameters(route: Route) -> Iterable[Json]:
    for name in re.findall(r"\{(\w+)\}", route.path):
        schema = {"type": "string", "minLength": 1, "maxLength": PATH_ID_MAX_CHARS}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(route: Route) -> Iterable[Json]:
    if route.query is NoQuery:
        return
    schema = route.query.model_json_schema(mode="validation")
    for name, described in schema["properties"].items():
        yield {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": described}


def _headers(route: Route) -> Iterable[Json]:
    if route.guarded:
        yield _header(
            "If-Match", f"Only for this version, else 412: {VERSIONED} `*` is any.", pattern=rf"^(\*|{ETAG.pattern})$"
        )
    if route.tagged and route.method == "GET":
        yield _header("If-None-Match", "The ETag of the answer that the client has: 304 when it is still the same.")


def _header(name: str, description: str, **schema: str) -> Json:
    typed = {"type": "string", **schema}
    return {"name": name, "in": "header", "required": False, "description": description, "schema": typed}
