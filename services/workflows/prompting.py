"""A workflow's own requests to a model: one prompt in, one streamed reply out. Never sees the session's history."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from models.errors import ProviderError
from models.messages import Message
from models.payloads import StreamingResponsePayload
from services.engine.view import input_budget
from services.llm.provider import Finished, ModelMessage, ModelRequest, Provider, TextDelta, open_stream
from services.llm.registry import Providers
from services.runs.context import RunContext
from services.runs.reply import Reply
from services.tools.results import fits, prefix, suffix

REFUSALS = {"refusal": "the model refused", "content_filter": "the reply was stopped by a content filter"}
MARGIN = 0.8
"""Token counts here are estimates."""


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

    async def ask(self, ctx: RunContext, reply_id: str, prompt: str, *, system: str, model: str | None) -> Said:
        """Streams the reply into the session as the message `reply_id`. Raises ProviderError, UnknownModel."""
        provider, info = self.providers.resolve(model or await ctx.model())
        budget = int(input_budget(info.window_tokens, info.max_output_tokens) * MARGIN)
        instructions = fitted(system, budget // 2)
        message = ModelMessage.text("user", fitted(prompt, budget // 2 if system else budget))
        request = ModelRequest(info.name, (message,), request_id=ctx.clock.new_id(), system=instructions)
        await ctx.request_model(request.request_id)
        reply = ctx.stream(model=info.name)
        reply.message_id = reply_id  # so that it is found again after a restart
        return await _relay(provider, request, reply)


async def _relay(provider: Provider, request: ModelRequest, reply: Reply) -> Said:
    """The message is there from the start: a request that fails closes it, which lets the workflow go on."""
    parts: list[str] = []
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(reply)
        events = await stack.enter_async_context(open_stream(provider, request))
        async for event in events:
            match event:
                case TextDelta(text=text):
                    parts.append(text)
                    await reply.write(text)
                case Finished():
                    await reply.finish(event.reason, event.usage)
                    return Said(reply.message_id, "".join(parts), REFUSALS.get(event.reason))
        raise ProviderError("The reply ended without an end")


def fitted(text: str, budget_tokens: int) -> str:
    """`text` itself when it fits the model's window, else its beginning and its end."""
    if fits(text, budget_tokens):
        return text
    left = max(0, budget_tokens - 50)
    head, tail = prefix(text, left * 2 // 3), suffix(text, left // 3)
    return f"{head}\n[{len(text) - len(head) - len(tail):,} characters are left out here]\n{tail}"
