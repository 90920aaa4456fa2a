"""HTTP answers of the socket's path: refusals in the words of REST, and what a browser needs to read any of them; what
HTTP wants said beside an error is said here for REST too."""

from __future__ import annotations

from aiohttp import web

from models.errors import MethodNotAllowed, ParleyError, Unauthenticated

RETRY_AFTER_S = 2
METHODS = ("GET", "POST", "OPTIONS")
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Vary": "Origin"}
"""A payload is neither a script nor a page, whatever embeds it."""


def refusal(error: ParleyError) -> web.Response:
    wire = error.to_wire()
    body = {"error": wire.pop("message")} | wire
    return web.json_response(body, status=error.status, headers=headers_of(error))


def headers_of(error: ParleyError) -> dict[str, str]:
    headers = {"Retry-After": str(RETRY_AFTER_S)} if error.retryable else {}
    match error:
        case MethodNotAllowed():
            headers["Allow"] = ", ".join(error.details["allowed"])
        case Unauthenticated():
            headers["WWW-Authenticate"] = "Bearer"
        case _:
            pass
    return headers


def is_gone(request: web.BaseRequest) -> bool:
    """Whether nobody is there any more to be answered."""
    return request.transport is None or request.transport.is_closing()


def payload(packets: list[str]) -> web.Response:
    """What a poll is answered with."""
    return web.Response(text="\x1e".join(packets))


def dress(request: web.Request, response: web.StreamResponse) -> None:
    """The gate has judged the origin before; this only lets its page read the answer."""
    response.headers.update(HEADERS)
    methods = ", ".join(METHODS)
    if request.method == "OPTIONS":
        response.headers["Allow"] = methods
    origin = request.headers.get("Origin")
    if origin is None:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Allow-Credentials"] = "true"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = methods
        wanted = request.headers.get("Access-Control-Request-Headers")
        if wanted is not None:
            response.headers["Access-Control-Allow-Headers"] = wanted
