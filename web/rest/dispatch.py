"""From a route's entry to aiohttp: who calls, reading, handling, writing. The same few steps for every route."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from hashlib import blake2b
from typing import Any

import orjson
from aiohttp import web

from models.calls import NoArguments
from models.errors import Draining
from models.wire import Wire
from services.access import LOCAL
from web.keys import ACCESS, LIFECYCLE, STREAMS
from web.rest.deprecation import SUCCESSOR
from web.rest.errors import Handler
from web.rest.reading import JSON_TYPE, knows, read_bearer, read_body, read_if_match, read_path, read_query
from web.rest.route import Call, Raw, Route
from web.stream import AnswerStream

DIGEST_BYTES = 12


def handler_of(route: Route) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if route.successor is not None:
            request[SUCCESSOR] = route.successor.format_map(request.match_info)
        principal = LOCAL if route.public else request.app[ACCESS].resolve(read_bearer(request))
        _check_open(request, route)
        with ExitStack() as handled:
            call: Call[Any, Any] = Call(
                app=request.app,
                principal=principal,
                path=read_path(request),
                query=read_query(request, route.query),
                body=await _body(request, route, handled),
                if_match=read_if_match(request) if route.guarded else None,
            )
            _check_open(request, route)  # a body may have waited for room, or come for long
            answer = await route.handler(call)
        if isinstance(answer, AnswerStream):
            return await request.app[STREAMS].answer(request, answer, route.status)
        return _response(request, answer, route)

    return handle


def _check_open(request: web.Request, route: Route) -> None:
    """Raises Draining for new work."""
    if route.method != "GET" and request.app[LIFECYCLE].draining:
        raise Draining()


async def _body(request: web.Request, route: Route, handled: ExitStack) -> Wire:
    if not route.takes_body:
        return NoArguments()
    return await read_body(request, route.body, route.media_types, route.body_limit_bytes, handled=handled)


def _response(request: web.Request, answer: Wire | Mapping[str, Any] | Raw, route: Route) -> web.Response:
    version = None
    if isinstance(answer, Raw):
        body, content_type = answer.body, answer.content_type
    else:
        data = answer.to_wire() if isinstance(answer, Wire) else answer
        body, content_type = orjson.dumps(data), JSON_TYPE
        version = data["version"] if route.versioned else None
    response = web.Response(body=body, status=route.status, headers={"Content-Type": content_type})
    if not route.tagged:
        return response
    etag = _etag(body, version)
    if route.method == "GET" and knows(request, etag):
        response = web.Response(status=304)
    response.headers["ETag"] = etag
    return response


def _etag(body: bytes, version: int | None) -> str:
    """Strong: of these bytes and no others. The version in front is what If-Match is compared with."""
    digest = blake2b(body, digest_size=DIGEST_BYTES).hexdigest()
    return f'"{digest}"' if version is None else f'"v{version}-{digest}"'
