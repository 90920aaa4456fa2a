"""The OpenAPI document agrees with the route table and is sound in itself. That answers agree with it is checked by the
REST client of all these tests."""

from __future__ import annotations

import re
from functools import reduce
from typing import Any

import pytest
from rest_client import DOCUMENT, VALIDATOR, Rest, problems

from web.rest.routes import ROUTES

Json = dict[str, Any]
PROSE = {"title", "description", "default", "discriminator"}


@pytest.fixture(scope="module")
def document() -> Json:
    return DOCUMENT.data


def _dicts(node: object) -> list[Json]:
    if isinstance(node, dict):
        return [node, *(found for child in node.values() for found in _dicts(child))]
    return [found for child in node for found in _dicts(child)] if isinstance(node, list) else []


def test_every_route_is_described_once(document: Json) -> None:
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(route.method, route.path) for route in ROUTES}
    assert len(ROUTES) == len(described)


def test_operation_ids_are_unique_and_camel_case(document: Json) -> None:
    ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", each) for each in ids)


def test_every_reference_leads_somewhere(document: Json) -> None:
    references = [node["$ref"] for node in _dicts(document) if isinstance(node.get("$ref"), str)]
    assert references
    for reference in references:
        assert reduce(lambda node, part: node[part], reference.removeprefix("#/").split("/"), document)


def test_every_name_in_the_schemas_is_camel_case(document: Json) -> None:
    of_the_socket = ("SocketCalls", "ServerEvents")
    schemas = {name: each for name, each in document["components"]["schemas"].items() if name not in of_the_socket}
    for node in _dicts(schemas):
        for name in node.get("properties", {}) if isinstance(node.get("properties"), dict) else ():
            assert re.fullmatch(r"[a-z][A-Za-z]*", name), name


def test_path_parameters_are_those_of_the_path(document: Json) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            named = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"]
            assert named == re.findall(r"\{(\w+)\}", path)


def test_bodies_are_required_where_a_field_is(document: Json) -> None:
    required = {
        operation["operationId"]: operation["requestBody"]["required"]
        for methods in document["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
    }
    assert required["createProject"]
    assert not required["createSession"]
    assert not required["restoreSession"]
    assert "deleteSession" not in required


async def test_the_document_is_served(rest: Rest) -> None:
    reply = await rest.ask("GET", "/api/openapi.json")
    assert reply.data == DOCUMENT.data
    assert reply.data["openapi"] == "3.1.0"


async def test_a_document_that_is_known_is_not_sent_again(rest: Rest) -> None:
    """A quarter of a megabyte."""
    etag = (await rest.ask("GET", "/api/openapi.json")).etag
    unchanged = await rest.ask("GET", "/api/openapi.json", headers={"If-None-Match": etag})
    assert (unchanged.status, unchanged.raw, unchanged.etag) == (304, b"", etag)


def test_all_json_that_is_read_is_described_with_its_etag(document: Json) -> None:
    for path, operations in document["paths"].items():
        responses = operations["get"]["responses"] if "get" in operations else {}
        if "application/json" in responses.get("200", {"content": {}})["content"]:
            assert "ETag" in responses["200"]["headers"], path
            assert "304" in responses, path


def test_the_check_itself_finds_what_is_wrong(document: Json) -> None:
    project = document["components"]["schemas"]["Project"]
    right = {"id": "a", "name": "b", "currentSessionId": None, "createdAtUtc": "c", "version": 1}
    assert problems(right, project) == []
    wrongs: list[Any] = [{**right, "id": 1}, {**right, "extra": 1}, {"id": "a"}, {**right, "version": True}, [], None]
    for wrong in wrongs:
        assert problems(wrong, project), wrong


def test_the_check_knows_every_keyword_that_is_used(document: Json) -> None:
    def schemas(node: Json) -> list[Json]:
        inner = [*node.get("properties", {}).values(), *node.get("anyOf", ()), *node.get("oneOf", ())]
        inner += [node[each] for each in ("items", "additionalProperties") if isinstance(node.get(each), dict)]
        return [node, *(found for child in inner for found in schemas(child))]

    used = {
        keyword for each in document["components"]["schemas"].values() for node in schemas(each) for keyword in node
    }
    assert used <= {*VALIDATOR.VALIDATORS, *PROSE}


def test_bounds_are_told_in_the_words_of_json_schema(document: Json) -> None:
    """Pydantic keeps its own (`ge`) where a validator stands between a number and its bounds; no client knows those."""
    foreign = {"ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length"}
    assert [each for each in _dicts(document) if foreign & each.keys()] == []
    for path, operations in document["paths"].items():
        for parameter in (each for operation in operations.values() for each in operation.get("parameters", ())):
            for schema in parameter["schema"].get("anyOf", [parameter["schema"]]):
                bounded = {"minimum", "maximum"} <= schema.keys()
                assert bounded or schema.get("type") != "integer", (path, parameter["name"])


async def test_a_head_that_is_too_long_is_a_refusal_that_every_route_tells(rest: Rest) -> None:
    """The client holds it to the document."""
    assert (await rest.ask("GET", f"/api/sessions?cursor={'a' * 20_000}")).status == 431


def test_only_a_text_names_no_kind(document: Json) -> None:
    schema = document["components"]["schemas"]["SendMessageBody"]
    fitting: list[Json] = [{"text": "a"}, {"kind": "file_reference", "path": "a"}]
    wrong: list[Json] = [{"path": "a"}, {"source": "url", "data": "a", "mimeType": "b"}, {"text": "a", "foreign": {}}]
    assert [payload for payload in fitting if problems({"payload": payload}, schema)] == []
    assert [payload for payload in wrong if not problems({"payload": payload}, schema)] == []


def test_lists_in_parameters_and_tags_have_patterns(document: Json) -> None:
    def schema_of(path: str, name: str, method: str = "get") -> Json:
        parameters = document["paths"][path][method]["parameters"]
        found: Json = next(each["schema"] for each in parameters if each["name"] == name)
        return found

    states = schema_of("/api/sessions", "state")
    ids = schema_of("/api/contexts/{sessionId}/messages", "ids")
    tag = schema_of("/api/sessions/{sessionId}", "If-Match", "patch")
    fitting = ((states, "IDLE"), (states, "IDLE,RUNNING"), (ids, "a,b"), (tag, "*"), (tag, '"v1"'), (tag, '"v1-0f"'))
    wrong = (
        (states, ""),
        (states, "IDLE,"),
        (states, "idle"),
        (ids, "a,,b"),
        (ids, ",".join(["a"] * 201)),
        (tag, "v1"),
    )
    assert [each for each in fitting if problems(each[1], each[0])] == []
    assert [each for each in wrong if not problems(each[1], each[0])] == []
