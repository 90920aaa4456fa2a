"""A workflow's own requests to a model: one prompt in, one streamed reply out. Never sees the session's history."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field

from models.errors import ProviderBroken, ProviderError
from models.messages import Message
from models.payloads import StreamingResponsePayload
from services.llm.provider import Finished, ModelEvent, ModelRequest, Provider, TextDelta
from services.llm.registry import Providers
from services.runs.context import RunContext
from services.runs.relay import wordless
from services.runs.reply import Reply
from services.runs.views import ViewBuilder, request_of

REFUSALS = {"refusal": "the model refused", "content_filter": "the reply was stopped by a content filter"}


class BrokeOff(ProviderBroken):
    """Words of the reply were shown already."""


@dataclass(frozen=True, slots=True)
class Said:
    """A whole reply; `error` says why it can't be used."""

    message_id: str
    text: str
    error: str | None = None


def said_in(message: Message) -> Said | None:
    """What a reply from before a restart brought; None when it was cut off and must be asked for again."""
    payload = message.payload
    if message.status != "complete" or not isinstance(payload, StreamingResponsePayload):
        return None
    return Said(message.id, message.content, REFUSALS.get(payload.finish_reason or ""))


@dataclass(frozen=True, slots=True)
class Prompter:
    providers: Providers
    views: ViewBuilder = field(default_factory=ViewBuilder)

    async def ask(self, ctx: RunContext, reply_id: str, prompt: str, *, system: str, model: str | None) -> Said:
        """Streams the reply into the session as the message `reply_id`. Raises ProviderError, UnknownModel,
        Declined."""
        await ctx.in_time()
        provider, info = self.providers.resolve(model or await ctx.model())
        request = request_of(await self.views.of_prompt(system, prompt, info), info, ctx.clock.new_id())
        await ctx.request_model(request.request_id)
        reply = ctx.stream(model=info.name)
        reply.message_id = reply_id  # so that it is found again after a restart
        return await _relay(ctx, provider, request, reply)


async def _telling(events: AsyncIterator[ModelEvent], parts: Sequence[str]) -> AsyncGenerator[ModelEvent, None]:
    """The same events. Raises BrokeOff for a failure behind the first of `parts`."""
    try:
        async for event in events:
            yield event
    except ProviderError as error:
        if error.retryable and parts:
            raise BrokeOff(error.message, **error.details) from None
        raise


async def _relay(ctx: RunContext, provider: Provider, request: ModelRequest, reply: Reply) -> Said:
    """The message is there from the start: a request that fails closes it, which lets the workflow go on."""
    parts: list[str] = []
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(reply)
        events = await stack.enter_async_context(ctx.open_stream(provider, request))
        async for event in await stack.enter_async_context(aclosing(_telling(events, parts))):
            match event:
                case TextDelta(text=text):
                    parts.append(text)
                    await reply.write(text)
                case Finished():
                    if not "".join(parts).strip():
                        error = wordless(event.reason)
                        await reply.finish(f"error: {error.message}", event.usage, status="error")
                        raise error
                    await reply.finish(event.reason, event.usage)
                    return Said(reply.message_id, "".join(parts), REFUSALS.get(event.reason))
        raise ProviderError("The reply ended without an end")
