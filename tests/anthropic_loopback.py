"""The Anthropic messages API on loopback, whose replies go wrong on demand. Never reaches beyond 127.0.0.1.

    async with AnthropicLoopback() as server:
        server.plan(Reply(calls=(Use("search", '{"query": "x"}'),)), Reply())
        … a client with base_url=server.base_url …

Each request takes the next planned reply, then the default one. Requests that the real API refuses for their form
(turns that don't alternate, unpaired calls, empty text) are refused here too.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Self

from aiohttp import web


@dataclass(frozen=True)
class Use:
    name: str
    arguments: str = "{}"
    call_id: str = "toolu_a"


@dataclass(frozen=True)
class Reply:
    """`events` replaces everything (name, data as it is sent); `drop_at` drops the connection before that event,
    `hang_at` says nothing more from it on; `status` refuses with `error_type` and `message`."""

    words: tuple[str, ...] = ("Hello ", "from ", "the ", "loopback.")
    thinking: str = ""
    calls: tuple[Use, ...] = ()
    fragment_chars: int = 5
    stop_reason: str = ""
    usage: bool = True
    drop_at: int | None = None
    hang_at: int | None = None
    events: tuple[tuple[str, str], ...] | None = None
    status: int = 200
    error_type: str = "invalid_request_error"
    message: str = "as planned"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Exchange:
    """One request as the server saw it; `gone` is set when the client left before the end."""

    body: dict[str, Any]
    headers: dict[str, str]
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)


class AnthropicLoopback:
    """Starts on a free port of 127.0.0.1 when entered, stops when left."""

    def __init__(self, default: Reply | None = None) -> None:
        self.default = default or Reply()
        self.exchanges: list[Exchange] = []
        self.base_url = ""
        self._planned: deque[Reply] = deque()
        app = web.Application()
        app.router.add_post("/v1/messages", self._answer)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)

    def plan(self, *replies: Reply) -> None:
        """One for each of the next requests."""
        self._planned.extend(replies)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        exchange = Exchange(await request.json(), {k.lower(): v for k, v in request.headers.items()})
        self.exchanges.append(exchange)
        problem = problem_with(exchange.body)
        if problem is not None:
            return _failure(Reply(status=400, message=problem), exchange)
        reply = self._planned.popleft() if self._planned else self.default
        if reply.status != 200:
            return _failure(reply, exchange)
        try:
            return await _stream(request, exchange, reply)
        except (asyncio.CancelledError, ConnectionResetError):
            exchange.gone.set()
            raise


async def _stream(request: web.Request, exchange: Exchange, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for number, (name, data) in enumerate(events_of(reply)):
        if reply.drop_at == number:
            # What was written must leave before the abort discards it.
            await asyncio.sleep(0.01)
            assert request.transport is not None
            request.transport.abort()
            return response
        if reply.hang_at == number:
            exchange.begun.set()
            await asyncio.Event().wait()
        await response.write(f"event: {name}\ndata: {data}\n\n".encode())
    await response.write_eof()
    return response


def events_of(reply: Reply) -> list[tuple[str, str]]:
    """The events of the stream, by name and data."""
    if reply.events is not None:
        return list(reply.events)
    return [(event["type"], json.dumps(event)) for event in _events(reply)]


def _events(reply: Reply) -> Iterator[dict[str, Any]]:
    usage: dict[str, Any] = {"input_tokens": 9, "cache_read_input_tokens": 2, "output_tokens": 1}
    head: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
    }
    yield {"type": "message_start", "message": {**head, **({"usage": usage} if reply.usage else {})}}
    yield {"type": "ping"}
    index = 0
    if reply.thinking:
        yield from _block(index, {"type": "thinking", "thinking": ""}, [{"type": "thinking_delta", "thinking": "hm"}])
        index += 1
    if reply.words:
        deltas = [{"type": "text_delta", "text": word} for word in reply.words]
        yield from _block(index, {"type": "text", "text": ""}, deltas)
        index += 1
    for call in reply.calls:
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in _pieces(call, reply.fragment_chars)]
        yield from _block(index, {"type": "tool_use", "id": call.call_id, "name": call.name, "input": {}}, deltas)
        index += 1
    reason = reply.stop_reason or ("tool_use" if reply.calls else "end_turn")
    last: dict[str, Any] = {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}}
    yield {**last, "usage": {"output_tokens": len(reply.words)}} if reply.usage else last
    yield {"type": "message_stop"}


def _block(index: int, block: dict[str, Any], deltas: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
    yield {"type": "content_block_start", "index": index, "content_block": block}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def _pieces(call: Use, size: int) -> list[str]:
    return ["", *(call.arguments[at : at + size] for at in range(0, len(call.arguments), size))]


def _failure(reply: Reply, exchange: Exchange) -> web.Response:
    message = reply.message.replace("KEY", exchange.headers.get("authorization", "").removeprefix("Bearer "))
    body = {"type": "error", "error": {"type": reply.error_type, "message": message}}
    return web.json_response(body, status=reply.status, headers=dict(reply.headers))


def problem_with(body: dict[str, Any]) -> str | None:
    """Why the real API would refuse a request of this form, or None."""
    messages = body.get("messages") or []
    roles = [message["role"] for message in messages]
    if not messages or roles[0] != "user" or roles[-1] != "user":
        return "messages must begin and end with the user"
    if any(first == second for first, second in pairwise(roles)):
        return "roles must alternate"
    blocks = [block for message in messages for block in message["content"]]
    if any(block["type"] == "text" and not block["text"].strip() for block in blocks):
        return "text content blocks must contain non-whitespace text"
    if any(block["type"] in ("tool_use", "tool_result") for block in blocks) and not body.get("tools"):
        return "requests with tool blocks must define tools"
    return _unpaired(messages)


def _unpaired(messages: list[dict[str, Any]]) -> str | None:
    seen: set[str] = set()
    for before, after in zip([{"content": []}, *messages], messages, strict=False):
        asked = [block["id"] for block in before["content"] if block["type"] == "tool_use"]
        given = [block["tool_use_id"] for block in after["content"] if block["type"] == "tool_result"]
        if asked != given or seen.intersection(asked):
            return "tool_use and tool_result don't pair"
        if any(block["type"] != "tool_result" for block in after["content"][: len(given)]):
            return "results come first"
        seen.update(asked)
    return None
