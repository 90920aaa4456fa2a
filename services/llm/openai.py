"""Any OpenAI-compatible endpoint, through the official SDK, which is imported at first use. Never retries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from models.clock import Clock
from models.errors import ProviderError, ProviderRefused, ProviderUnavailable, forget_frames
from services.extras import why_not
from services.llm.call_joiner import CallJoiner
from services.llm.endpoint_errors import checked_key, checked_url
from services.llm.openai_chunks import OpenAIReply
from services.llm.openai_errors import translate
from services.llm.openai_format import openai_tools, to_openai
from services.llm.provider import Finished, ModelEvent, ModelInfo, ModelRequest, TextDelta
from services.llm.reply_body import ReplyBody
from services.llm.sent_failures import no_reply

if TYPE_CHECKING:
    from openai import AsyncOpenAI

OPENAI_URL = "https://api.openai.com/v1"


class OpenAIProvider:
    """Chat completions, streamed.

    `connect_timeout_s` bounds the connection's set-up, `idle_timeout_s` the silence between two reads (keep-alive
    comments count as life: endpoints send them while a model thinks).
    """

    def __init__(
        self,
        *,
        clock: Clock,
        api_key: str | None,
        base_url: str | None = None,
        models: tuple[ModelInfo, ...] = (),
        connect_timeout_s: float = 5.0,
        idle_timeout_s: float = 60.0,
    ) -> None:
        self._clock = clock
        self._key = checked_key(api_key, "openai_api_key")
        self._base_url = checked_url(base_url or OPENAI_URL, "openai_base_url")
        self._models = models
        self._connect_timeout_s = connect_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._client: AsyncOpenAI | None = None
        self._building = asyncio.Lock()
        self._closed = False

    def models(self) -> tuple[ModelInfo, ...]:
        return self._models

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        reply = OpenAIReply(CallJoiner(request.request_id, request.call_ids))
        body = ReplyBody()
        failure: ProviderError | None = None
        try:
            async with aclosing(self._deltas(request, reply, body)) as deltas:
                async for delta in deltas:
                    yield delta
        except Exception as error:
            failure = translate(error, key=self._key, opened=reply.opened, began=reply.began, now=self._clock())
            if failure is None:
                raise
            forget_frames(error)
        # Raised here and not in the handler: the SDK's own error, which may quote the key, must not hang on to ours
        # and reach a log.
        if reply.reason is None:
            try:
                raise failure or no_reply(body.stray, self._key, began=reply.began)
            finally:
                failure = None  # else it and this frame, with the whole request, hold each other
        # With the reason the reply is whole; a connection lost after it has cost the usage at most.
        for call in reply.calls.ready():
            yield call
        yield Finished(reply.reason, reply.usage)

    async def aclose(self) -> None:
        async with self._building:
            self._closed = True
            client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _deltas(
        self, request: ModelRequest, reply: OpenAIReply, body: ReplyBody
    ) -> AsyncGenerator[TextDelta, None]:
        """The body is read here and not by the SDK, which takes one form of it alone."""
        client = await self._ready()
        chunks = await client.chat.completions.create(
            **_body(request),
            stream=True,
            stream_options={"include_usage": True},
            extra_headers={"X-Client-Request-Id": request.request_id},
        )
        async with chunks:
            reply.opened = True
            async with aclosing(body.documents(chunks.response.aiter_bytes())) as documents:
                async for document in documents:
                    if text := reply.take(document):
                        yield TextDelta(text)
            reply.ended = reply.ended or body.ended

    async def _ready(self) -> AsyncOpenAI:
        async with self._building:
            if self._closed:
                raise ProviderUnavailable("The server is closing its connections to models")
            if self._client is None:
                # Importing the SDK and loading certificates takes most of a second: not on the event loop.
                self._client = await asyncio.to_thread(self._build)
            return self._client

    def _build(self) -> AsyncOpenAI:
        try:
            import openai
        except Exception as error:
            raise ProviderRefused(why_not(error, "openai", "parley-hub")) from error
        timeout = openai.Timeout(self._idle_timeout_s, connect=self._connect_timeout_s)
        client = openai.AsyncOpenAI(api_key=self._key, base_url=self._base_url, max_retries=0, timeout=timeout)
        _ = client.chat.completions  # imports the rest of what a request needs, in this thread
        return client


def _body(request: ModelRequest) -> dict[str, Any]:
    """Without tools there is no such key: some endpoints refuse an empty list."""
    tools = {"tools": openai_tools(request.tools)} if request.tools else {}
    return {"model": request.model.removeprefix("openai:"), "messages": to_openai(request), **tools}
