"""A REST client that holds the server to its word: every answer is compared with the OpenAPI document."""

from __future__ import annotations

import asyncio
import io
import re
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from jsonschema import Draft202012Validator
from multidict import CIMultiDictProxy
from patience import HANG_S
from yarl import URL

from services.chat import Chat
from web.keys import CHAT
from web.rest.errors import ErrorBody
from web.rest.openapi import Document, errors_of
from web.rest.operations import parley_version
from web.rest.route import Route
from web.rest.routes import ROUTES

Client = TestClient[web.Request, web.Application]
Json = dict[str, Any]
JSON_TYPE = {"Content-Type": "application/json"}
DOCUMENT = Document(ROUTES, parley_version())
"""Built once for all tests; that the server serves the same is a test of its own."""
VALIDATOR = Draft202012Validator(DOCUMENT.data)


def problems(value: object, schema: Json) -> list[str]:
    """Everything that is wrong by a schema of the document, with its place; empty for a value that fits."""
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.evolve(schema=schema).iter_errors(value)]


@dataclass(frozen=True)
class Reply:
    status: int
    headers: CIMultiDictProxy[str]
    raw: bytes

    @property
    def data(self) -> Json:
        parsed = orjson.loads(self.raw)
        assert isinstance(parsed, dict)
        return parsed

    @property
    def etag(self) -> str:
        return self.headers["ETag"]

    @property
    def version_tag(self) -> str:
        """What the ETag says of the version, as If-Match takes it too."""
        version, dash, digest = self.etag.strip('"').partition("-")
        assert dash
        assert digest
        return f'"{version}"'

    @property
    def code(self) -> str:
        return str(self.data["code"])

    @property
    def field(self) -> str:
        return str(self.data["details"]["field"])


class Rest:
    """`ask` sends anything; the others send JSON and expect success."""

    def __init__(self, client: Client, headers: dict[str, str] | None = None) -> None:
        self.client = client
        self.headers = headers or {}

    @property
    def app(self) -> web.Application:
        app = self.client.app
        assert app is not None
        return app

    @property
    def chat(self) -> Chat:
        return self.app[CHAT]

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """`path` is sent as it is, percent signs and all. `raw` is sent instead of `body` as JSON."""
        data = orjson.dumps(body) if body is not None else raw
        sent = {**self.headers, **(JSON_TYPE if data is not None else {}), **(headers or {})}
        url = URL(path, encoded=True)
        # As a file: aiohttp's client warns of megabytes given as bytes.
        sending = io.BytesIO(data) if data is not None else None
        async with self.client.request(method, url, data=sending, headers=sent, allow_redirects=False) as response:
            reply = await _read(response)
        if "OPTIONS" != method != "HEAD":
            self._hold_to_the_document(method, path.partition("?")[0], reply)
        return reply

    async def get(self, path: str) -> Json:
        return await self._succeed("GET", path, None)

    async def post(self, path: str, body: object = None) -> Json:
        return await self._succeed("POST", path, body)

    async def session(self, **arguments: str) -> str:
        """A new session's id."""
        return str((await self.post("/api/sessions", arguments))["id"])

    async def say(self, session_id: str, content: str, **arguments: object) -> Json:
        return await self.post(f"/api/contexts/{session_id}/actions/send_message", {"content": content, **arguments})

    async def finished(self, session_id: str) -> Json:
        """The session once its run has ended."""
        async with asyncio.timeout(HANG_S):
            while (session := await self.get(f"/api/sessions/{session_id}"))["state"] in ("IDLE", "RUNNING"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return session

    async def talked(self, turns: int = 1) -> str:
        """The id of a session in which the agent has answered so many times."""
        session_id = await self.session()
        for turn in range(turns):
            await self.say(session_id, f"turn {turn}")
            await self.finished(session_id)
        return session_id

    async def _succeed(self, method: str, path: str, body: object) -> Json:
        reply = await self.ask(method, path, body)
        assert reply.status < 300, reply.raw
        return reply.data

    def _hold_to_the_document(self, method: str, path: str, reply: Reply) -> None:
        route = find_route(method, path)
        if reply.status >= 400:
            ErrorBody.model_validate(reply.data, by_alias=True, by_name=False)
            assert (reply.status, reply.code) in _refusals(route), reply.raw
        elif route is not None and reply.status == 304:
            assert "304" in DOCUMENT.data["paths"][route.path][method.lower()]["responses"]
        elif route is not None:
            assert reply.status == route.status
            described = DOCUMENT.data["paths"][route.path][method.lower()]["responses"][str(reply.status)]["content"]
            [(media_type, content)] = described.items()
            assert reply.headers["Content-Type"] == media_type
            if media_type == "application/json":
                assert problems(reply.data, content["schema"]) == []


def find_route(method: str, path: str) -> Route | None:
    """The first that fits, as the server's router has it: fixed paths come before those with ids."""
    for route in ROUTES:
        for pattern in (route.path, *route.aliases):
            if route.method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
                return route
    return None


def _refusals(route: Route | None) -> set[tuple[int, str]]:
    """What the document says of a route, and the bug that a test may have planted; else what has no route."""
    if route is None:
        return {(404, "not_found"), (405, "method_not_allowed"), (403, "origin_not_allowed"), (403, "forbidden")}
    return {(500, "internal_error"), *((error.status, error.code) for error in errors_of(route))}


async def _read(response: ClientResponse) -> Reply:
    return Reply(response.status, response.headers, await response.read())
