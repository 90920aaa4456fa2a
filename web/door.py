"""What every HTTP request passes on its way in and out: numbers, Host and Origin, security headers. Knows no route's
business. The socket has a door of its own, with the same check of origins."""

from __future__ import annotations

import time

import structlog
from aiohttp import web

from web.keys import METRICS, ORIGINS
from web.rest.errors import CODE, Handler, answer_errors

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
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Max-Age": "600",
}


@web.middleware
async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path == SOCKET_PATH:
        return await handler(request)
    began = time.perf_counter()
    response = await answer_errors(request, lambda asked: _pass(asked, handler))
    _finish(response)
    _note(request, response, time.perf_counter() - began)
    return response


async def _pass(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path in PROBES:
        return await handler(request)
    origins = request.app[ORIGINS]
    origins.admit(request)
    cors = origins.cors_headers(request)
    if cors and request.method == "OPTIONS":
        return web.Response(status=204, headers={**cors, **PREFLIGHT})
    response = await answer_errors(request, handler)
    response.headers.update(cors)
    return response


def _finish(response: web.StreamResponse) -> None:
    """Answers of the API are for now: an ETag there guards edits and says nothing about messages and states."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")


def _note(request: web.Request, response: web.StreamResponse, seconds: float) -> None:
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "none"
    request.app[METRICS].on_request(request.method, route, response.status, seconds, response.get(CODE))
    log.debug("request", method=request.method, route=route, status=response.status, ms=round(seconds * 1000, 1))
