"""Errors as HTTP answers, in one place: `{error, code, retryable, details}`. Never lets a traceback out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import structlog
from aiohttp import web

from hub.socket.answers import headers_of, is_gone
from models.errors import (
    InvalidArgument,
    MethodNotAllowed,
    NotFound,
    ParleyError,
    forget_frames,
)
from models.text import cleaned
from models.wire import Wire

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CODE = web.ResponseKey("code", str)
"""The error's code, kept for the metrics."""
TEXT_MAX_CHARS = 500
"""Errors quote the caller's input; a megabyte of it helps nobody."""
CLIENT_GONE = 499
"""For the metrics alone: nobody is there to read it. It has no number in HTTP; proxies use this one."""


class ErrorBody(Wire):
    """Every answer with a status of 400 and above."""

    error: str
    code: str
    retryable: bool
    details: dict[str, Any]


async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ParleyError as error:
        forget_frames(error)
        return error_response(error)
    except web.HTTPException as error:
        return from_aiohttp(error)
    except Exception as error:
        if isinstance(error, OSError) and is_gone(request):
            return web.Response(status=CLIENT_GONE)
        log.exception("request failed", method=request.method, path=request.path[:200])
        forget_frames(error)
        return error_response(ParleyError())


def error_response(error: ParleyError) -> web.Response:
    wire = error.to_wire()
    body = shown({"error": wire.pop("message")} | wire)
    response = web.Response(
        body=orjson.dumps(body), status=error.status, content_type="application/json", headers=headers_of(error)
    )
    response[CODE] = error.code
    return response


def from_aiohttp(error: web.HTTPException) -> web.Response:
    match error:
        case web.HTTPNotFound():
            return error_response(NotFound())
        case web.HTTPMethodNotAllowed():
            return error_response(MethodNotAllowed(allowed=allowed_in(error)))
        case _:
            return error_response(InvalidArgument(error.reason))


def allowed_in(error: web.HTTPException | None) -> list[str]:
    """The methods of a path that has others than the one that was used; none for any other error."""
    return sorted({*error.allowed_methods, "OPTIONS"}) if isinstance(error, web.HTTPMethodNotAllowed) else []


def shown(value: Any) -> Any:
    """JSON that can be written whatever the input was: no lone surrogates, no endless quotations. What we hold
    ourselves was checked before, and stays whole."""
    match value:
        case Wire():
            return value.to_wire()
        case str():
            return cleaned(value[:TEXT_MAX_CHARS])
        case dict():
            return {cleaned(str(key)[:TEXT_MAX_CHARS]): shown(child) for key, child in value.items()}
        case list() | tuple():
            return [shown(child) for child in value]
        case None | bool() | float():
            return value
        case int() if abs(value) < 1 << 53:
            return value
        case _:
            return cleaned(str(value)[:TEXT_MAX_CHARS])
