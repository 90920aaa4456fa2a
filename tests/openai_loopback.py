"""An OpenAI-compatible endpoint on loopback, whose replies go wrong on demand. Never reaches beyond 127.0.0.1.

    async with OpenAILoopback() as server:
        server.plan(Behaviour("rate_limited", retry_after="2"), Behaviour("normal"))
        … a client with base_url=server.base_url …
        await server.exchanges[0].gone.wait()

Each request takes the next planned behaviour, then `server.default`. A server in another process can be steered by the
model name: "behave:slow" takes precedence over the plan.

    server.plan(Behaviour(calls=(LoopCall("search", '{"query": "x"}'),)), Behaviour())

plans a reply that calls a tool, in fragments of `fragment_chars`, and an answer to its result. What goes wrong with
calls is in `quirk`; `drop_at` drops the connection before that chunk, whatever is being sent.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any, Literal, Self, TypeAlias, get_args

from aiohttp import web

Kind: TypeAlias = Literal[
    "normal",
    "slow",  # waits gap_s before each chunk
    "broken",  # drops the connection after `after` words
    "malformed",  # sends `chunk` as it is after `after` words
    "rate_limited",
    "server_error",
    "unauthorized",
    "status",  # answers `status` with `message`
    "empty",  # a finish reason and no text
    "no_usage",
    "never_ending",
    "no_finish",  # ends in order, but with no finish reason
    "dropped_after_finish",  # drops the connection between the finish reason and the usage
    "silent",  # says nothing more after `after` words
    "mute",  # not even headers
    "error_event",  # an error inside the stream, after `after` words
    "refusal",  # the words are a refusal
    "body",  # answers `message` as it is, under 200 unless `status` is another than its default
]

Quirk: TypeAlias = Literal[
    "",
    "no_index",  # calls follow each other and bear no numbers
    "same_index",  # every call has the number 0
    "no_id",
    "no_name",
    "repeated_head",  # id and name come with every fragment
    "object_arguments",  # the whole object instead of text
    "interleaved",  # fragments of all calls by turns
    "function_call",  # the form before tool calls
]

# Enough for any test, and an end if a test forgets to stop.
_ENDLESS_CHUNKS = 20_000


@dataclass(frozen=True)
class LoopCall:
    """`arguments` are sent as they are, JSON or not."""

    name: str
    arguments: str = "{}"
    call_id: str = "call_a"


@dataclass(frozen=True)
class Behaviour:
    kind: Kind = "normal"
    words: tuple[str, ...] = ("Hello ", "from ", "the ", "loopback.")
    after: int = 2
    gap_s: float = 0.01
    status: int = 429
    message: str = "as planned"
    code: str | int | None = None
    retry_after: str | None = None
    retry_after_ms: str | None = None
    chunk: str = '{"id": "chunk", "choi'
    reason: str = "stop"
    calls: tuple[LoopCall, ...] = ()
    quirk: Quirk = ""
    fragment_chars: int = 5
    drop_at: int | None = None
    usage: bool = True

    @property
    def finish_reason(self) -> str:
        return "tool_calls" if self.calls and self.reason == "stop" else self.reason


@dataclass
class Exchange:
    """One request as the server saw it. `gone` is set when the client left before the end, `done` at the end."""

    body: dict[str, Any]
    headers: dict[str, str]
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    chunks_sent: int = 0


class OpenAILoopback:
    """Starts on a free port of 127.0.0.1 when entered, stops when left."""

    def __init__(self, default: Behaviour | None = None, *, models: tuple[str, ...] = ("loop-1",)) -> None:
        self.default = default or Behaviour()
        self.models = models
        self.exchanges: list[Exchange] = []
        self.arrived = asyncio.Event()
        """Set once a request is among the exchanges; clear it to wait for another."""
        self.base_url = ""
        self._planned: deque[Behaviour] = deque()
        self._runner = web.AppRunner(self._app(), handler_cancellation=True, shutdown_timeout=1.0)

    def plan(self, *behaviours: Behaviour) -> None:
        """One for each of the next requests."""
        self._planned.extend(behaviours)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._list_models)
        return app

    async def _list_models(self, request: web.Request) -> web.Response:
        rows = [{"id": name, "object": "model", "created": 0, "owned_by": "loopback"} for name in self.models]
        return web.json_response({"object": "list", "data": rows})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        exchange = Exchange(await request.json(), {k.lower(): v for k, v in request.headers.items()})
        self.exchanges.append(exchange)
        self.arrived.set()
        try:
            response = await self._answer(request, exchange, self._behaviour(exchange.body))
        except (asyncio.CancelledError, ConnectionResetError):
            exchange.gone.set()
            raise
        exchange.done.set()
        return response

    def _behaviour(self, body: dict[str, Any]) -> Behaviour:
        kind: Kind | None = next((kind for kind in get_args(Kind) if f"behave:{kind}" == body.get("model")), None)
        if kind is not None:
            return replace(self.default, kind=kind)
        return self._planned.popleft() if self._planned else self.default

    async def _answer(self, request: web.Request, exchange: Exchange, behaviour: Behaviour) -> web.StreamResponse:
        match behaviour.kind:
            case "rate_limited":
                return _failure(replace(behaviour, status=429))
            case "server_error":
                return _failure(replace(behaviour, status=500))
            case "unauthorized":
                key = exchange.headers.get("authorization", "").removeprefix("Bearer ")
                return _failure(replace(behaviour, status=401, message=f"Incorrect API key provided: {key}"))
            case "status":
                return _failure(behaviour)
            case "body":
                status = 200 if behaviour.status == Behaviour.status else behaviour.status
                return web.Response(body=behaviour.message.encode(), status=status, content_type="application/json")
            case "mute":
                exchange.begun.set()
                await asyncio.Event().wait()
        if not exchange.body.get("stream"):
            return web.json_response(_whole(exchange.body, behaviour))
        return await _stream(request, exchange, behaviour)


async def _stream(request: web.Request, exchange: Exchange, behaviour: Behaviour) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    async for data in _data(exchange.body, behaviour):
        if behaviour.drop_at == exchange.chunks_sent:
            await asyncio.sleep(behaviour.gap_s)
            data = _DROP
        if data == _DROP:
            assert request.transport is not None
            request.transport.abort()
            return response
        await response.write(f"data: {data}\n\n".encode())
        exchange.chunks_sent += 1
        exchange.begun.set()
    exchange.begun.set()
    await response.write_eof()
    return response


# In place of a chunk: drop the connection.
_DROP = "\0drop"


async def _data(body: dict[str, Any], behaviour: Behaviour) -> AsyncIterator[str]:
    """What follows each `data:`."""
    kind = behaviour.kind
    for word in _spoken(behaviour):
        if kind in ("slow", "never_ending"):
            await asyncio.sleep(behaviour.gap_s)
        yield _chunk(body, {"refusal" if kind == "refusal" else "content": word})
    for delta in _call_deltas(behaviour):
        yield _chunk(body, delta)
    match kind:
        case "broken":
            # What was written must leave before the abort discards it.
            await asyncio.sleep(behaviour.gap_s)
            yield _DROP
        case "malformed":
            yield behaviour.chunk
        case "error_event":
            yield json.dumps({"error": {"message": behaviour.message, "code": behaviour.code}})
        case "silent":
            await asyncio.Event().wait()
    if kind == "no_finish":
        return
    yield _chunk(body, {}, reason=behaviour.finish_reason)
    if kind == "dropped_after_finish":
        await asyncio.sleep(behaviour.gap_s)
        yield _DROP
    if kind != "no_usage" and behaviour.usage and (body.get("stream_options") or {}).get("include_usage"):
        yield json.dumps({**_head(body, "chat.completion.chunk"), "choices": [], "usage": _usage(behaviour)})
    yield "[DONE]"


def _spoken(behaviour: Behaviour) -> tuple[str, ...]:
    match behaviour.kind:
        case "empty":
            return ()
        case "never_ending":
            return (behaviour.words * _ENDLESS_CHUNKS)[:_ENDLESS_CHUNKS]
        case "broken" | "malformed" | "silent" | "error_event":
            return behaviour.words[: behaviour.after]
        case _:
            return behaviour.words


def _call_deltas(behaviour: Behaviour) -> Iterator[dict[str, Any]]:
    """The deltas that carry the planned calls."""
    streams = [_fragments(number, call, behaviour) for number, call in enumerate(behaviour.calls)]
    if behaviour.quirk == "interleaved":
        rounds = zip_longest(*streams)
        fragments = [fragment for some in rounds for fragment in some if fragment is not None]
    else:
        fragments = [fragment for stream in streams for fragment in stream]
    for fragment in fragments:
        if behaviour.quirk == "function_call":
            yield {"function_call": fragment["function"]}
        else:
            yield {"tool_calls": [fragment]}


def _fragments(number: int, call: LoopCall, behaviour: Behaviour) -> Iterator[dict[str, Any]]:
    """The head, then name and arguments in pieces."""
    quirk, size = behaviour.quirk, behaviour.fragment_chars
    numbered = {} if quirk == "no_index" else {"index": 0 if quirk == "same_index" else number}
    head = {} if quirk == "no_id" else {"id": call.call_id, "type": "function"}
    whole = quirk in ("repeated_head", "no_index", "same_index", "object_arguments")
    names = [call.name] if whole else _pieces(call.name, size)
    arguments: list[Any] = (
        [json.loads(call.arguments)] if quirk == "object_arguments" else _pieces(call.arguments, size)
    )
    name = {} if quirk == "no_name" else {"name": names[0]}
    yield {**numbered, **head, "function": {**name, "arguments": ""}}
    for piece in names[1:] if quirk != "no_name" else []:
        yield {**numbered, "function": {"name": piece}}
    for piece in arguments:
        again = {**head, "function": {**name, "arguments": piece}} if quirk == "repeated_head" else {}
        yield {**numbered, "function": {"arguments": piece}, **again}


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, max(1, len(text)), size)]


def _head(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-loopback", "object": kind, "created": 0, "model": body.get("model")}


def _chunk(body: dict[str, Any], delta: dict[str, Any], *, reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return json.dumps({**_head(body, "chat.completion.chunk"), "choices": [choice]})


def _whole(body: dict[str, Any], behaviour: Behaviour) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(_spoken(behaviour))}
    if behaviour.calls:
        message["tool_calls"] = [
            {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in behaviour.calls
        ]
    choice = {"index": 0, "message": message, "finish_reason": behaviour.finish_reason}
    return {**_head(body, "chat.completion"), "choices": [choice], "usage": _usage(behaviour)}


def _usage(behaviour: Behaviour) -> dict[str, int]:
    words = len(_spoken(behaviour))
    return {"prompt_tokens": 11, "completion_tokens": words, "total_tokens": 11 + words}


def _failure(behaviour: Behaviour) -> web.Response:
    headers = {}
    if behaviour.retry_after is not None:
        headers["Retry-After"] = behaviour.retry_after
    if behaviour.retry_after_ms is not None:
        headers["Retry-After-Ms"] = behaviour.retry_after_ms
    error = {"message": behaviour.message, "type": "loopback", "code": behaviour.code}
    return web.json_response({"error": error}, status=behaviour.status, headers=headers)
