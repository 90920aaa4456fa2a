"""What every HTTP request passes on its way in and out: numbers, Host and Origin, security headers. Knows no route's
business. The socket has a door of its own, with the same check of origins."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from aiohttp import HttpVersion10, HttpVersion11, web

from hub.socket.bodies import check_coding
from models.errors import InvalidArgument, TooManyConnections, Unauthenticated
from web.keys import ACCESS, METRICS, ORIGINS, PLACES
from web.rest.deprecation import headers_of
from web.rest.errors import CODE, Handler, allowed_in, answer_errors, error_response
from web.rest.reading import read_bearer

log = structlog.get_logger(__name__)

SOCKET_PATH = "/socket.io/"
PROBES = ("/healthz", "/readyz")
"""Asked by orchestrators under whatever name or address they like; they tell nothing."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Vary": "Origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
PREFLIGHT = {
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, If-None-Match",
    "Access-Control-Max-Age": "600",
}


@dataclass(slots=True)
class Visit:
    """What is known of a request by the time it is answered. `cors` is for the page that was admitted."""

    began: float
    cors: Mapping[str, str]


VISIT = web.RequestKey("visit", Visit)


def attach(app: web.Application) -> None:
    app.middlewares.append(door)
    app.on_response_prepare.append(dress)


@web.middleware
async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path == SOCKET_PATH:
        return await handler(request) if _has_room(request, socket=True) else _turn_away()
    request[VISIT] = Visit(time.perf_counter(), {})
    return await answer_errors(request, lambda asked: _pass(asked, handler))


async def _pass(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.version not in (HttpVersion10, HttpVersion11):
        raise InvalidArgument("This server speaks HTTP/1.1", field="version")
    if request.path in PROBES:
        return await handler(request)
    if not _has_room(request):
        return _turn_away()
    origins = request.app[ORIGINS]
    origins.admit(request)
    cors = request[VISIT].cors = origins.cors_headers(request)
    if request.method == "OPTIONS" and (allowed := allowed_in(request.match_info.http_exception)):
        return _tell_methods(allowed, preflight=bool(cors))
    check_coding(request)
    return await handler(request)


def _tell_methods(allowed: list[str], *, preflight: bool) -> web.Response:
    """Of this very path, to whoever asks."""
    methods = ", ".join(allowed)
    more = {"Access-Control-Allow-Methods": methods, **PREFLIGHT} if preflight else {}
    return web.Response(status=204, headers={"Allow": methods, **more})


def _has_room(request: web.Request, *, socket: bool = False) -> bool:
    """Few ask for a token before it is known that places are short."""
    places = request.app[PLACES]
    return places.has_room(known=False) or ((socket or _is_known(request)) and places.has_room(known=True))


def _is_known(request: web.Request) -> bool:
    try:
        request.app[ACCESS].resolve(read_bearer(request))
    except Unauthenticated:
        return False
    return True


def _turn_away() -> web.Response:
    response = error_response(TooManyConnections())
    response.force_close()
    return response


async def dress(request: web.Request, response: web.StreamResponse) -> None:
    """Right before the first byte of any answer, an error or a stream too: headers, and a note.

    Answers of the API are for now: no cache on the way may keep them. A client that does asks with If-None-Match.
    """
    visit = request.get(VISIT)
    if visit is None:
        return  # the socket's
    response.headers.update(visit.cors)
    response.headers.update(headers_of(request))
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    _note(request, response, time.perf_counter() - visit.began)


def _note(request: web.Request, response: web.StreamResponse, seconds: float) -> None:
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "none"
    request.app[METRICS].on_request(request.method, route, response.status, seconds, response.get(CODE))
    log.debug("request", method=request.method, route=route, status=response.status, ms=round(seconds * 1000, 1))
