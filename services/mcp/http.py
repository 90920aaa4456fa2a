"""An MCP server behind a URL: the SDK's streamable HTTP transport, with limits. Never reads a message's meaning."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import cast

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client

from services.mcp.config import McpServerConfig
from services.mcp.errors import McpBroken

BODY_MAX_BYTES = 16 * 1024 * 1024
CONNECTIONS_MAX = 512
"""A call holds one while it runs, and the tool executor runs up to 256."""
_CONNECT_S = 30.0
_SILENCE_S = 300.0
"""How long an open stream may say nothing; the SDK's own default."""


@asynccontextmanager
async def http_transport(config: McpServerConfig) -> AsyncGenerator[TransportStreams]:
    """Within the block the endpoint can be talked to; a refusal to let us in is raised as McpBroken."""
    silence_s = max(_SILENCE_S, config.timeout_s + _CONNECT_S)
    client = httpx2.AsyncClient(
        # Compressed bodies would get past their limit.
        headers={**config.headers, "accept-encoding": "identity"},
        timeout=httpx2.Timeout(_CONNECT_S, read=silence_s, pool=None),
        limits=httpx2.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=20),
        event_hooks={"response": [_check]},
    )
    transport = streamable_http_client(config.url or "", http_client=client, max_sse_event_size=BODY_MAX_BYTES)
    async with client, transport as streams:
        yield streams


async def _check(response: httpx2.Response) -> None:
    """Raises McpBroken where trying on makes no sense; else puts a limit on the body."""
    if response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        phrase = HTTPStatus(response.status_code).phrase
        raise McpBroken(f"it answers {response.status_code} {phrase}; check `headers`")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise McpBroken("it compresses its answers, though it was asked not to")
    if not response.headers.get("content-type", "").lower().startswith("text/event-stream"):
        response.stream = _Bounded(cast(httpx2.AsyncByteStream, response.stream))


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._inner:
            size += len(chunk)
            if size > BODY_MAX_BYTES:
                raise McpBroken(f"it sent an answer of more than {BODY_MAX_BYTES >> 20} MB")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
