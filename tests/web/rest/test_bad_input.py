"""Bad input, enumerated from the route table: always a 4xx that names the field, never a 500, never silence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rest_cases import (
    ABSURD_JSON_NUMBERS,
    BAD_CHOICES,
    BAD_ESCAPES,
    BAD_NUMBERS,
    BAD_TEXTS,
    EXAMPLES,
    MALFORMED,
    NO_OBJECTS,
    OTHER_MEDIA,
    UNKNOWN_FIELDS,
    Json,
    dotted,
    example_of,
    leaves,
    name_of,
    replaced,
    wrong_types,
)
from rest_client import JSON_TYPE, Reply, Rest
from rest_target import Target

from web.rest.route import Route
from web.rest.routes import ROUTES

WITH_BODY = [route for route in ROUTES if route.takes_body]
WITH_QUERY = [route for route in ROUTES if example_of(route).query]
WITH_IDS = [route for route in ROUTES if "{" in route.path]
OF_THE_API = [route for route in ROUTES if route.path.startswith("/api/")]
DEEP = 100_000
TAKEN_FOR_AN_ID = ("/api/sessions/running", "/api/tools/execute")
"""Their last part is an id to the routes for one thing, which take other methods."""


@pytest.fixture
async def target(rest: Rest) -> Target:
    return Target(rest, await rest.session())


def by_name(route: Route) -> str:
    return name_of(route)


def test_every_route_has_cases() -> None:
    assert set(EXAMPLES) == {name_of(route) for route in ROUTES}
    for route in ROUTES:
        example = example_of(route)
        fields = {field.alias or name for name, field in route.body.model_fields.items()}
        assert {*(example.body or {}), *example.without} == fields, name_of(route)
        parameters = {field.alias or name for name, field in route.query.model_fields.items()}
        assert set(example.query) == parameters, name_of(route)
        assert (example.body is not None) == route.takes_body


@pytest.mark.parametrize("route", WITH_BODY, ids=by_name)
async def test_the_example_itself_is_taken(target: Target, route: Route) -> None:
    reply = await target.send(route, target.body(route))
    assert reply.status == (example_of(route).status or route.status), reply.raw


async def test_malformed_json_is_refused(target: Target, subtests: pytest.Subtests) -> None:
    for route in WITH_BODY:
        with subtests.test(name_of(route)):
            for raw in MALFORMED:
                reply = await target.send(route, raw=raw)
                assert (reply.status, reply.code, reply.field) == (400, "invalid_argument", "body"), raw
                assert "JSON" in reply.data["error"]


async def test_a_body_that_is_no_object_is_refused(target: Target, subtests: pytest.Subtests) -> None:
    for route in WITH_BODY:
        with subtests.test(name_of(route)):
            for value in NO_OBJECTS:
                reply = await target.send(route, value)
                assert (reply.status, reply.field) == (400, "body"), value


async def test_a_body_that_is_not_declared_as_json_in_utf8_is_refused(
    target: Target, subtests: pytest.Subtests
) -> None:
    for route in WITH_BODY:
        with subtests.test(name_of(route)):
            for media_type in OTHER_MEDIA:
                reply = await target.send(route, target.body(route), headers={"Content-Type": media_type})
                assert (reply.status, reply.field) == (400, "Content-Type"), media_type


async def test_wrong_types_are_refused_by_field(target: Target, subtests: pytest.Subtests) -> None:
    for route in WITH_BODY:
        with subtests.test(name_of(route)):
            body = target.body(route)
            free = example_of(route).free
            for path, value in leaves(body):
                if any(path[: len(each)] == each and path != each for each in free):
                    continue
                for wrong in wrong_types(value):
                    reply = await target.send(route, replaced(body, path, wrong))
                    assert reply.status == 400, (path, wrong, reply.raw)
                    assert _names(reply, dotted(path)), (path, wrong, reply.raw)


async def test_a_missing_field_is_named(target: Target, subtests: pytest.Subtests) -> None:
    for route in WITH_BODY:
        with subtests.test(name_of(route)):
            for name in example_of(route).required:
                body = target.body(route)
                del body[name]
                reply = await target.send(route, body)
                assert (reply.status, reply.field) == (400, name)
                reply = await target.send(route, {**body, name: None})
                assert (reply.status, reply.field) == (400, name)


async def test_a_message_without_content_and_payload_is_refused(target: Target) -> None:
    path = f"/api/contexts/{target.session_id}/actions/send_message"
    bodies: list[Json] = [
        {},
        {"content": None},
        {"content": ""},
        {"payload": {"kind": "text", "text": ""}},
        {"payload": {}},
    ]
    for body in bodies:
        assert (await target.rest.ask("POST", path, body)).status == 400


async def test_an_unknown_field_is_refused_by_name(target: Target, subtests: pytest.Subtests) -> None:
    for route in WITH_BODY:
        with subtests.test(name_of(route)):
            for name in UNKNOWN_FIELDS:
                reply = await target.send(route, {**target.body(route), name: 1})
                assert (reply.status, reply.field) == (400, name[:500])
                assert len(reply.raw) < 5000


async def test_nul_and_lone_surrogates_are_refused_in_every_text(target: Target, subtests: pytest.Subtests) -> None:
    for route in WITH_BODY:
        with subtests.test(name_of(route)):
            body = target.body(route)
            places = [path for path, value in leaves(body) if isinstance(value, str)]
            for bad in BAD_ESCAPES:
                for path in places:
                    raw = json.dumps(replaced(body, path, "@@")).replace("@@", bad).encode()
                    reply = await target.send(route, raw=raw)
                    assert (reply.status, reply.field) == (400, dotted(path)), (bad, reply.raw)
                raw = json.dumps({**body, "@@": 1}).replace("@@", bad).encode()
                reply = await target.send(route, raw=raw)
                assert (reply.status, reply.field) == (400, "body"), bad


async def test_absurd_numbers_are_refused(target: Target, subtests: pytest.Subtests) -> None:
    for route in WITH_BODY:
        with subtests.test(name_of(route)):
            body = target.body(route)
            places = [path for path, value in leaves(body) if type(value) is int]
            for path in places:
                for number in ABSURD_JSON_NUMBERS:
                    if number in ("-0", "0.1e-400") and path == ("expectedVersion",) and body["expectedVersion"] == 0:
                        continue  # the same number, written strangely
                    raw = json.dumps(replaced(body, path, "@@")).replace('"@@"', number).encode()
                    reply = await target.send(route, raw=raw)
                    assert (reply.status, reply.field in (dotted(path), "body")) == (400, True), (number, reply.raw)


async def test_integers_in_the_clothes_of_floats_are_integers(rest: Rest) -> None:
    session_id = await rest.session()
    version = (await rest.get(f"/api/sessions/{session_id}"))["version"]
    raw = b'{"title":"Other","expectedVersion":%d.0}' % version
    reply = await rest.ask(
        "PATCH", f"/api/sessions/{session_id}", raw=raw, headers={"Content-Type": "application/json"}
    )
    assert reply.status == 200, reply.raw


async def test_deep_json_is_refused(target: Target, subtests: pytest.Subtests) -> None:
    for route in WITH_BODY:
        with subtests.test(name_of(route)):
            surrogate = b'{"a":' * DEEP + b'"\\ud800"' + b"}" * DEEP
            for raw in (b"[" * DEEP, b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, surrogate):
                assert (await target.send(route, raw=raw)).status == (
                    400 if len(raw) <= route.body_limit_bytes else 413
                )
            for depth in (40, 900):
                deep = b'{"metadata":{"extra":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}}"
                assert (await target.send(route, raw=deep)).status == 400


async def test_deep_free_form_data_is_refused_by_field(target: Target) -> None:
    path = f"/api/contexts/{target.session_id}/actions/send_message"
    nested: Any = 1
    for _ in range(40):
        nested = {"a": nested}
    reply = await target.rest.ask("POST", path, {"content": "a", "metadata": {"extra": nested}})
    assert (reply.status, reply.field) == (400, "metadata.extra")
    raw = b'{"content":"a","metadata":{"extra":' + b"[" * 900 + b'"\\u0000"' + b"]" * 900 + b"}}"
    assert (await target.rest.ask("POST", path, raw=raw)).status == 400


async def test_absurd_paging_is_refused_by_parameter(target: Target, subtests: pytest.Subtests) -> None:
    for route in WITH_QUERY:
        with subtests.test(name_of(route)):
            for name in example_of(route).numbers:
                for bad in BAD_NUMBERS:
                    reply = await target.send(route, query=_query(route, name, bad))
                    assert (reply.status, reply.field) == (400, name), bad
                    assert len(reply.raw) < 2000
            for name in example_of(route).choices:
                for bad in BAD_CHOICES:
                    reply = await target.send(route, query=_query(route, name, bad))
                    assert (reply.status, reply.field) == (400, name), bad


async def test_a_repeated_parameter_is_refused_by_name(target: Target, subtests: pytest.Subtests) -> None:
    for route in WITH_QUERY:
        with subtests.test(name_of(route)):
            for name, value in example_of(route).query.items():
                if name not in example_of(route).repeatable:
                    reply = await target.send(route, query=f"?{name}={value}&{name}={value}")
                    assert (reply.status, reply.field) == (400, name)


async def test_text_that_can_not_be_stored_is_refused_in_every_parameter(
    target: Target, subtests: pytest.Subtests
) -> None:
    for route in WITH_QUERY:
        with subtests.test(name_of(route)):
            for name in (*example_of(route).query, "unknown"):
                for bad in BAD_TEXTS:
                    reply = await target.send(route, query=f"?{name}={bad}")
                    named = [each["field"] for each in reply.data["details"].get("fields", [{"field": reply.field}])]
                    assert (reply.status, name in named or named == ["query"]) == (400, True), (name, bad)
            for bad in BAD_TEXTS:
                reply = await target.send(route, query=f"?{bad}=1")
                assert reply.status == 400, bad


async def test_an_unknown_parameter_is_refused_by_name(target: Target, subtests: pytest.Subtests) -> None:
    for route in OF_THE_API:
        with subtests.test(name_of(route)):
            reply = await target.send(route, query="?nonsense=1", body=target.body(route) if route.takes_body else None)
            assert reply.status == 400
            assert "nonsense" in [each["field"] for each in reply.data["details"]["fields"]]


@pytest.mark.parametrize("query", ["?take=0", "?take=201", "?take=9007199254740991", "?skip=9007199254740992"])
async def test_pages_have_bounds(target: Target, query: str) -> None:
    reply = await target.rest.ask("GET", f"/api/sessions/{target.session_id}/messages{query}")
    assert (reply.status, reply.field) == (400, query[1:5])


@pytest.mark.parametrize("query", ["?before=1&after=1", "?branch=main&scope=pool"])
async def test_parameters_that_exclude_each_other_are_refused(target: Target, query: str) -> None:
    reply = await target.rest.ask("GET", f"/api/sessions/{target.session_id}/messages{query}")
    assert reply.status == 400
    assert "exclude each other" in reply.data["error"]


@pytest.mark.parametrize("ids", ["", ",", "a,,b", "a," * 200 + "a", "x" * 65])
async def test_lists_of_ids_have_bounds(target: Target, ids: str) -> None:
    reply = await target.rest.ask("GET", f"/api/contexts/{target.session_id}/messages?ids={ids}")
    assert (reply.status, reply.field) == (400, "ids")
    missing = await target.rest.ask("GET", f"/api/contexts/{target.session_id}/messages")
    assert (missing.status, missing.field) == (400, "ids")


async def test_bad_and_unknown_ids_in_paths_are_refused(target: Target, subtests: pytest.Subtests) -> None:
    for route in WITH_IDS:
        with subtests.test(name_of(route)):
            body = target.body(route) if route.takes_body else None
            query = "?ids=a" if name_of(route) == "get_context_messages" else ""
            for name in ("projectId", "sessionId", "messageId"):
                if f"{{{name}}}" not in route.path:
                    continue
                for bad in (*BAD_TEXTS, "x" * 65, "x" * 4000):
                    reply = await target.rest.ask(route.method, target.path(route, **{name: bad}) + query, body)
                    assert (reply.status, reply.field in (name, "path")) == (400, True), bad
                for unknown in ("nobody", "%20", "..%2F..", "%25", "%F0%9F%98%80", "'%3B--", "0"):
                    path = target.path(route, **{name: unknown}) + query
                    sent = {**body, "sessionId": None} if body and "sessionId" in body and name == "sessionId" else body
                    reply = await target.rest.ask(route.method, path, sent)
                    assert (reply.status, reply.code.endswith("_not_found")) == (404, True), reply.raw


@pytest.mark.parametrize("route", WITH_BODY, ids=by_name)
async def test_bodies_at_above_and_far_above_the_limit(target: Target, route: Route) -> None:
    padding = route.body_limit_bytes - len(json.dumps(target.body(route)))
    at_limit = json.dumps(target.body(route)).encode() + b" " * padding
    assert len(at_limit) == route.body_limit_bytes
    assert (await target.send(route, raw=at_limit)).status == (example_of(route).status or route.status)
    above = await target.send(route, raw=at_limit + b" ")
    assert (above.status, above.code, above.field) == (413, "payload_too_large", "body")
    assert above.data["details"]["limit"] == route.body_limit_bytes


async def test_a_message_at_and_above_its_own_limit(target: Target) -> None:
    session_id = await target.rest.session(model="demo")
    path = f"/api/contexts/{session_id}/actions/send_message"
    above = await target.rest.ask("POST", path, {"content": "x" * 10_000_001})
    assert (above.status, above.code, above.field) == (413, "payload_too_large", "content")
    metadata = {"extra": {"a": "x" * 20_000}}
    large = await target.rest.ask("POST", path, {"content": "x", "metadata": metadata})
    assert (large.status, large.field) == (413, "metadata")


async def test_a_title_at_and_above_its_limit(target: Target) -> None:
    assert (await target.rest.ask("POST", "/api/sessions", {"title": "x" * 200})).status == 201
    above = await target.rest.ask("POST", "/api/sessions", {"title": "x" * 201})
    assert (above.status, above.field) == (400, "title")


@pytest.mark.parametrize(
    "path", ["/nothing", "/api", "/api/", "/api/nothing", "/contexts", "/api/sessions/a/b/c", "/%00"]
)
async def test_unknown_paths_are_answered_as_json(rest: Rest, path: str) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        reply = await rest.ask(method, path)
        assert (reply.status, reply.code) == (404, "not_found"), (method, path)


async def test_wrong_methods_are_told_the_right_ones(target: Target, subtests: pytest.Subtests) -> None:
    for route in ROUTES:
        with subtests.test(name_of(route)):
            path = target.path(route)
            taken = {each.method for each in ROUTES if each.path == route.path}
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
                if method in taken or path in TAKEN_FOR_AN_ID:
                    continue
                reply = await target.rest.ask(method, path)
                assert (reply.status, reply.code) == (405, "method_not_allowed")
                assert taken <= set(reply.headers["Allow"].split(", "))


async def test_a_repeated_key_counts_once(rest: Rest) -> None:
    reply = await rest.ask("POST", "/api/sessions", raw=b'{"title":"a","title":"b"}', headers=JSON_TYPE)
    assert (reply.status, reply.data["title"]) == (201, "b")


def _query(route: Route, name: str, value: str) -> str:
    """One parameter, beside those that have to come."""
    example = example_of(route)
    given = {each: example.query[each] for each in example.asked} | {name: value}
    return "?" + "&".join(f"{each}={text}" for each, text in given.items())


def _names(reply: Reply, field: str) -> bool:
    """Whether a refusal names a field, or the union it belongs to."""
    named = [each["field"] for each in reply.data["details"]["fields"]]
    return any(_same(name, field) for name in named)


def _same(named: str, field: str) -> bool:
    # pydantic puts the chosen member of a union into the path.
    plain = named.replace("payload.image.", "payload.")
    return plain == field or field.startswith(f"{plain}.") or plain.startswith(f"{field}.")
