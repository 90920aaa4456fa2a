"""Reads requests: path, query, body and headers, strictly. Every refusal is a ParleyError that names the field."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import orjson
from aiohttp import web

from hub.socket import bodies
from hub.socket.bodies import LARGE_BYTES
from models.calls import parse
from models.errors import InvalidArgument, RequestTimeout
from models.json_scan import check_values
from models.text import check_text, is_clean
from models.wire import Wire
from web.rest.intake import INTAKE, Room
from web.rest.pace import Pace

BODY_LIMIT_BYTES = 12 * 1024 * 1024
"""A message of 10 MB, its JSON escapes, and something around it."""
PATH_ID_MAX_CHARS = 64
ETAG = re.compile(r'"v(0|[1-9][0-9]{0,15})(-[0-9a-f]{1,32})?"')
NO_VERSION = -1
JSON_TYPE = "application/json"
HELD_S = 5.0
"""What takes longer waits for something else, and holds nothing up."""
_PARSER = ThreadPoolExecutor(1, thread_name_prefix="parse")
"""Reads large bodies, one after the other, while the loop goes on between two steps of it."""
Model = TypeVar("Model", bound=Wire)


def read_path(request: web.Request) -> dict[str, str]:
    _check_utf8(request.rel_url.raw_path, "path")
    for name, value in request.match_info.items():
        check_text(value, name)
        if len(value) > PATH_ID_MAX_CHARS:
            raise InvalidArgument(f"{name} is longer than {PATH_ID_MAX_CHARS} characters", field=name)
    return dict(request.match_info)


def read_query(request: web.Request, model: type[Model]) -> Model:
    """A parameter may be given once, unless its model says that it is `repeatable`: then commas join the values.
    Unknown ones are refused like unknown fields of a body."""
    repeatable: frozenset[str] = getattr(model, "repeatable", frozenset())
    _check_utf8(request.rel_url.raw_query_string, "query")
    found: dict[str, str] = {}
    for name, value in request.query.items():
        if name in found and name not in repeatable:
            raise InvalidArgument(f"{name} is given more than once", field=name)
        found[name] = f"{found[name]},{value}" if name in found else value
    return parse(model, found)


async def read_body(
    request: web.Request,
    model: type[Model],
    media_types: Sequence[str] = (JSON_TYPE,),
    limit_bytes: int = BODY_LIMIT_BYTES,
    *,
    handled: ExitStack,
) -> Model:
    """An empty body counts as an empty object. `handled` is left once the request is: what is large takes room until
    then. Raises PayloadTooLarge, RequestTimeout, InvalidArgument."""
    loop, intake = asyncio.get_running_loop(), request.app[INTAKE]
    with ExitStack() as read:
        raw = await _read(request, limit_bytes, intake.reading, read)
        if not raw:
            return parse(model, {})
        _check_content_type(request, media_types)
        if len(raw) <= LARGE_BYTES:
            return _parsed(raw, model)
        share = await intake.handling.take(len(raw))
        handled.callback(share.release)
        loop.call_later(HELD_S, share.release)
        return await loop.run_in_executor(_PARSER, _parsed, raw, model)


def _parsed(raw: bytes, model: type[Model]) -> Model:
    check_values(raw, "body")
    data = _decode(raw)
    if not isinstance(data, dict):
        raise InvalidArgument("The body must be a JSON object", field="body")
    return parse(model, data)


def read_if_match(request: web.Request) -> int | None:
    """The version in If-Match; NO_VERSION when it is some other tag, which then matches no version; None without one or
    for `*`, which any version matches. What a tag says beside its version moves without edits: it guards nothing."""
    value = request.headers.get("If-Match", "*").strip()
    if value == "*":
        return None
    match = ETAG.fullmatch(value)
    return int(match.group(1)) if match is not None else NO_VERSION


def knows(request: web.Request, etag: str) -> bool:
    """Whether If-None-Match names the tag, or any."""
    return any(f'"{tag.value}"' == etag or tag.value == "*" for tag in request.if_none_match or ())


def read_bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token and is_clean(token) else None


async def _read(request: web.Request, limit_bytes: int, room: Room, read: ExitStack) -> bytes:
    """Room for all of it is taken at once, for a body that does not say its size as much as it may have: those who have
    a part and wait for more could wait for each other."""
    in_time, time = asyncio.timeout(None), asyncio.get_running_loop().time
    pace: Pace | None = None

    async def on_more(size_bytes: int) -> None:
        nonlocal pace
        if pace is None:
            read.callback((await room.take(request.content_length or limit_bytes)).release)
            pace = Pace(time())
        in_time.reschedule(pace.came(size_bytes, time()))

    try:
        async with in_time:
            return await bodies.read_body(request, limit_bytes, on_more)
    except TimeoutError:
        if not in_time.expired():
            raise  # by the network: nobody is there
        raise RequestTimeout("The body of the request comes too slowly") from None
    except web.RequestPayloadError:
        raise InvalidArgument("The body breaks off, or is not framed as its headers say", field="body") from None


def _check_content_type(request: web.Request, media_types: Sequence[str]) -> None:
    if request.content_type not in media_types or (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise InvalidArgument(f"The body must be {' or '.join(media_types)} in UTF-8", field="Content-Type")


def _decode(raw: bytes) -> Any:
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        _find_bad_text(raw)
        raise InvalidArgument(f"The body is not JSON: {error}", field="body") from None
    if b"\\u0000" in raw:
        _check_text(data)
    return data


def _find_bad_text(raw: bytes) -> None:
    r"""Python's own parser takes the lone surrogates (\ud800) that orjson refuses, so their field can be named."""
    if re.search(rb"\\u[dD][89a-fA-F]", raw) is None:
        return
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        return
    _check_text(data)


def _check_text(data: Any, path: str = "") -> None:
    """Finds the first text with NUL or a lone surrogate, and the way to it."""
    children: list[tuple[str, Any]] = []
    match data:
        case str():
            check_text(data, path or "body")
        case Mapping():
            children = [(str(key), child) for key, child in data.items()]
        case list():
            children = [(str(index), child) for index, child in enumerate(data)]
    for name, child in children:
        where = f"{path}.{name}" if path else name
        if not is_clean(name):
            raise InvalidArgument(f"A key in {path or 'body'} contains NUL or a lone surrogate", field=path or "body")
        _check_text(child, where)


def _check_utf8(raw: str, field: str) -> None:
    """yarl leaves what it can't decode as it is; better to say so."""
    try:
        unquote_to_bytes(raw).decode()
    except UnicodeError:
        raise InvalidArgument(f"The {field} is not UTF-8", field=field) from None
