"""The Anthropic messages API, through the official SDK (extra "anthropic"), imported at first use. Never retries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from models.clock import Clock
from models.errors import ProviderError, ProviderRefused, ProviderUnavailable, forget_frames
from services.extras import why_not
from services.llm.anthropic_errors import translate
from services.llm.anthropic_events import AnthropicReply
from services.llm.anthropic_format import anthropic_tools, to_anthropic
from services.llm.call_joiner import CallJoiner
from services.llm.capabilities import describe_anthropic
from services.llm.endpoint_errors import checked_key, checked_url
from services.llm.provider import Finished, ModelEvent, ModelInfo, ModelRequest, TextDelta
from services.llm.reply_body import ReplyBody
from services.llm.sent_failures import no_reply

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

ANTHROPIC_URL = "https://api.anthropic.com"

# The API wants a limit, and refuses one that doesn't fit the window together with the input: the reserve that the view
# leaves for the reply.
REPLY_MAX_TOKENS = 20_000


class AnthropicProvider:
    """Messages, streamed.

    `connect_timeout_s` bounds the connection's set-up, `idle_timeout_s` the silence between two reads (pings count as
    life).
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
        self._key = checked_key(api_key, "anthropic_api_key")
        self._base_url = checked_url(base_url or ANTHROPIC_URL, "anthropic_base_url")
        self._models = models
        self._connect_timeout_s = connect_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._client: AsyncAnthropic | None = None
        self._building = asyncio.Lock()
        self._closed = False

    def models(self) -> tuple[ModelInfo, ...]:
        return self._models

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        client = await self._ready()
        reply = AnthropicReply(CallJoiner(request.request_id, request.call_ids))
        body = ReplyBody()
        failure: ProviderError | None = None
        try:
            async with aclosing(self._deltas(client, request, reply, body)) as deltas:
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
        self, client: AsyncAnthropic, request: ModelRequest, reply: AnthropicReply, body: ReplyBody
    ) -> AsyncGenerator[TextDelta, None]:
        """The body is read here and not by the SDK, which takes one form of it alone."""
        headers = {"X-Client-Request-Id": request.request_id}
        events = await client.messages.create(**self._body(request), stream=True, extra_headers=headers)
        async with events:
            reply.opened = True
            async with aclosing(body.documents(events.response.aiter_bytes())) as documents:
                async for document in documents:
                    if text := reply.take(document):
                        yield TextDelta(text)
            reply.ended = reply.ended or body.ended

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        system, messages = to_anthropic(request)
        limit = min(self._info(request.model).max_output_tokens, REPLY_MAX_TOKENS)
        body = {"model": request.model.removeprefix("anthropic:"), "max_tokens": limit, "messages": messages}
        prompt = {"system": system} if system else {}
        tools = {"tools": anthropic_tools(request.tools)} if request.tools else {}
        return {**body, **prompt, **tools}

    def _info(self, model: str) -> ModelInfo:
        known = next((info for info in self._models if info.name == model), None)
        return known or describe_anthropic(model.removeprefix("anthropic:"))

    async def _ready(self) -> AsyncAnthropic:
        async with self._building:
            if self._closed:
                raise ProviderUnavailable("The server is closing its connections to models")
            if self._client is None:
                # Importing the SDK and loading certificates takes a second and more: not on the event loop.
                self._client = await asyncio.to_thread(self._build)
            return self._client

    def _build(self) -> AsyncAnthropic:
        try:
            import anthropic
        except Exception as error:
            raise ProviderRefused(why_not(error, "anthropic", "parley-hub[anthropic]")) from error
        timeout = anthropic.Timeout(self._idle_timeout_s, connect=self._connect_timeout_s)
        client = anthropic.AsyncAnthropic(
            api_key=self._key, base_url=self._base_url, max_retries=0, timeout=timeout, open_telemetry=False
        )
        _ = client.messages  # imports the rest of what a request needs, in this thread
        return client
