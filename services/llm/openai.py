"""Any OpenAI-compatible endpoint, through the official SDK, which is imported at first use. Never retries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from models.errors import InvalidArgument, ProviderBroken, ProviderError, ProviderUnavailable
from models.ids import now_ms
from services.llm.openai_chunks import Reply
from services.llm.openai_errors import translate
from services.llm.provider import Finished, ModelEvent, ModelInfo, ModelRequest, TextDelta

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletionMessageParam

OPENAI_URL = "https://api.openai.com/v1"

# Servers that people run themselves want no key, yet the SDK wants something to send.
NO_KEY = "none"


class OpenAIProvider:
    """Chat completions, streamed.

    `connect_timeout_s` bounds the connection's set-up, `idle_timeout_s` the silence between two reads (keep-alive
    comments count as life: endpoints send them while a model thinks).
    """

    def __init__(
        self,
        *,
        api_key: str | None,
        base_url: str | None = None,
        models: tuple[ModelInfo, ...] = (),
        connect_timeout_s: float = 5.0,
        idle_timeout_s: float = 60.0,
    ) -> None:
        self._key = _checked_key(api_key)
        self._base_url = _checked_url(base_url or OPENAI_URL)
        self._models = models
        self._connect_timeout_s = connect_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._client: AsyncOpenAI | None = None
        self._building = asyncio.Lock()
        self._closed = False

    def models(self) -> tuple[ModelInfo, ...]:
        return self._models

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        reply = Reply()
        failure: ProviderError | None = None
        try:
            async with aclosing(self._deltas(request, reply)) as deltas:
                async for delta in deltas:
                    yield delta
        except Exception as error:
            failure = translate(error, key=self._key, opened=reply.opened, began=reply.began, now=now_ms())
            if failure is None:
                raise
        # Raised here and not in the handler: the SDK's own error, which may quote the key, must not hang on to ours
        # and reach a log.
        if reply.reason is None:
            raise failure or ProviderBroken("The model's stream ended without saying why")
        # With the reason the text is whole; a connection lost after it has cost the usage at most.
        yield Finished(reply.reason, reply.usage)

    async def aclose(self) -> None:
        async with self._building:
            self._closed = True
            client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _deltas(self, request: ModelRequest, reply: Reply) -> AsyncGenerator[TextDelta, None]:
        client = await self._ready()
        chunks = await client.chat.completions.create(
            model=request.model.removeprefix("openai:"),
            messages=_messages(request),
            stream=True,
            stream_options={"include_usage": True},
            extra_headers={"X-Client-Request-Id": request.request_id},
        )
        async with chunks:
            reply.opened = True
            async for chunk in chunks:
                if text := reply.take(chunk):
                    yield TextDelta(text)

    async def _ready(self) -> AsyncOpenAI:
        async with self._building:
            if self._closed:
                raise ProviderUnavailable("The server is closing its connections to models")
            if self._client is None:
                # Importing the SDK and loading certificates takes most of a second: not on the event loop.
                self._client = await asyncio.to_thread(self._build)
            return self._client

    def _build(self) -> AsyncOpenAI:
        import openai

        timeout = openai.Timeout(self._idle_timeout_s, connect=self._connect_timeout_s)
        client = openai.AsyncOpenAI(api_key=self._key, base_url=self._base_url, max_retries=0, timeout=timeout)
        _ = client.chat.completions  # imports the rest of what a request needs, in this thread
        return client


def _messages(request: ModelRequest) -> list[ChatCompletionMessageParam]:
    return [cast("ChatCompletionMessageParam", {"role": m.role, "content": m.content}) for m in request.messages]


def _checked_key(key: str | None) -> str:
    """Refused here, where the field can be named; as a header it would fail in each request, quoting the key."""
    key = (key or NO_KEY).strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidArgument("The API key holds characters that no header can carry", field="openai_api_key")
    return key


def _checked_url(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise InvalidArgument("The base URL must begin with http:// or https://", field="openai_base_url")
    return url
