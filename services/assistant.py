"""The built-in agent: asks the session's model and streams its reply, again when the endpoint fails in passing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from models.errors import ProviderError
from models.ids import new_id
from models.messages import Message
from models.runs import OnCrash, Run
from services.engine.view import input_budget, view
from services.llm.provider import Finished, ModelEvent, ModelRequest, Provider, TextDelta, open_stream
from services.llm.registry import Providers
from services.llm.tokens import TokenCounter
from services.reply import Reply
from services.run_context import RunContext

TRIES = 4
BACKOFF_S = (0.5, 2.0, 8.0)
RETRY_AFTER_MAX_S = 60.0


class Assistant:
    """Resumable: after a crash the last request is asked again, unless its reply was complete."""

    on_crash: OnCrash = "resume"

    def __init__(
        self, providers: Providers, counter: TokenCounter, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._providers = providers
        self._counter = counter
        self._sleep = sleep

    async def run(self, ctx: RunContext) -> None:
        """Raises the last ProviderError when all tries failed, UnknownModel when the session's model is gone."""
        for attempt in range(TRIES):
            try:
                return await self._ask(ctx)
            except ProviderError as error:
                if not error.retryable or attempt == TRIES - 1:
                    raise
                await self._sleep(_wait_s(error, attempt))

    async def _ask(self, ctx: RunContext) -> None:
        provider, info = self._providers.resolve(await ctx.model())
        budget = input_budget(info.window_tokens, info.max_output_tokens)
        history = await ctx.history()
        if ctx.resuming and _answered(history, ctx.run):
            return
        messages = view(history, await self._costs(history, info.name, budget), budget)
        request = ModelRequest(info.name, messages, request_id=new_id())
        await ctx.request_model(request.request_id)
        await _relay(ctx, provider, request)

    async def _costs(self, history: Sequence[Message], model: str, budget_tokens: int) -> list[int]:
        """Counts from the newest back, until the budget is spent: what lies before it need not be counted."""
        costs: list[int] = []
        for message in reversed(history):
            costs.append(await self._counter.count(message.content, model=model))
            if sum(costs) > budget_tokens:
                break
        return costs[::-1]


def _answered(history: Sequence[Message], run: Run) -> bool:
    """Whether an earlier attempt got as far as the whole reply, and only its end was lost."""
    last = history[-1] if history else None
    return last is not None and last.role == "agent" and last.run_id == run.id and last.status == "complete"


async def _relay(ctx: RunContext, provider: Provider, request: ModelRequest) -> None:
    """The message appears with the first words: a request that fails before leaves none behind."""
    async with AsyncExitStack() as stack:
        events = await stack.enter_async_context(open_stream(provider, request))
        reply: Reply | None = None
        async for event in events:
            if reply is None:
                reply = await stack.enter_async_context(ctx.stream(model=request.model))
            await _write(reply, event)


async def _write(reply: Reply, event: ModelEvent) -> None:
    match event:
        case TextDelta(text=text):
            await reply.write(text)
        case Finished(reason=reason, usage=usage):
            await reply.finish(reason, usage)


def _wait_s(error: ProviderError, attempt: int) -> float:
    asked = error.details.get("retry_after_ms")
    if isinstance(asked, int | float):
        return min(asked / 1000, RETRY_AFTER_MAX_S)
    return BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)]
