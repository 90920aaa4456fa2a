"""The built-in agent: asks the session's model, streams its reply, calls the tools that it wants, and asks again.

It keeps nothing between two steps that is not in the journal, so a run that was cut off goes on from the last one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

from models.backoff import Backoff
from models.errors import Declined, ParleyError, ProviderError, UnknownModel
from models.runs import OnCrash
from services.engine.turn import Turn
from services.llm.registry import Providers
from services.runs.context import RunContext
from services.runs.relay import Relay
from services.runs.toolbox import Wanted
from services.runs.views import ViewBuilder, request_of

TRIES = 4
BACKOFF = Backoff(2.0, 16.0)
AGAIN_MAX = 1
"""For replies that broke off after their first word."""
RETRY_AFTER_MAX_S = 3_600.0
"""The state says until when, and who doesn't want to wait chooses another model; none is trusted to know more."""
REQUESTS_MAX = 50
"""Model requests in one user turn; then the user is asked whether to go on."""
SAME_RESULT_MAX, SAME_ERROR_MAX = 4, 3
"""The same call with the same result, or the same error, this often: the model goes in circles."""


class Assistant:
    """Resumable: after a crash the last request is asked again, unless its reply was complete."""

    on_crash: OnCrash = "resume"

    def __init__(
        self,
        providers: Providers,
        views: ViewBuilder | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        backoff: Backoff = BACKOFF,
    ) -> None:
        self._providers = providers
        self._views = views or ViewBuilder()
        self._sleep = sleep
        self._backoff = backoff

    async def run(self, ctx: RunContext) -> None:
        """Raises the last ProviderError when all tries failed, UnknownModel when the session's model is gone."""
        await ctx.tools.finish()
        if await ctx.was_stopped_at_limit() or await _answered(ctx):
            return
        while await _may_go_on(ctx) and await self._ask_patiently(ctx) is not None:
            await ctx.tools.finish()

    async def _ask_patiently(self, ctx: RunContext) -> Sequence[Wanted] | None:
        """The calls that the model wants now; None when it has said all.

        A request that fails before the first word of its reply is made again, `TRIES` times in all. A reply that breaks
        behind it stays, closed with its error, and is asked for `AGAIN_MAX` times more: nobody reads the same beginning
        over and over. Another model begins with all its tries. The last failure stands in the transcript."""
        failures = broken = 0
        while True:
            rounds = (await ctx.turn()).rounds
            relay = Relay(ctx, depth=rounds, after_tools=rounds > 0)
            try:
                return await self._ask(ctx, relay)
            except (ProviderError, UnknownModel) as error:
                failures, broken = failures + 1, broken + relay.shown
                if not error.retryable or failures >= TRIES or broken > AGAIN_MAX:
                    if not relay.shown:
                        await ctx.leave_trace(error, relay.model or None)
                    raise
                wait_s = _wait_s(error, failures, self._backoff)
                await ctx.wait_to_ask(relay.model, error.message, wait_s, self._sleep)
                if await ctx.model() != relay.model:
                    failures = broken = 0

    async def _ask(self, ctx: RunContext, relay: Relay) -> Sequence[Wanted] | None:
        provider, info = self._providers.resolve(await ctx.model())
        history = await ctx.path()
        tools = ctx.tools.offered(history.context.mode) if info.tools else ()
        request = request_of(await self._views.of_history(history, info, tools), info, ctx.clock.new_id())
        await ctx.request_model(request.request_id)
        return await relay.run(provider, request)


async def _may_go_on(ctx: RunContext) -> bool:
    """Whether the turn is within its limits, or the user wants it to go on."""
    turn = await ctx.turn()
    if (question := limit(turn) or ctx.time.question()) is None:
        return True
    try:
        await ctx.ask_about_limit(question, key=f"limit {turn.requests}")
    except Declined:
        return False
    return True


def limit(turn: Turn) -> str | None:
    """Why the user should be asked before going on."""
    if turn.requests >= REQUESTS_MAX:
        return f"I have asked the model {turn.requests} times for this. Shall I go on?"
    for outcome, times in turn.repeated.items():
        if times >= (SAME_ERROR_MAX if outcome.startswith("error") else SAME_RESULT_MAX):
            return "I keep making the same call with the same result. How shall I go on?"
    return None


async def _answered(ctx: RunContext) -> bool:
    """Whether an earlier attempt got as far as the whole reply, and only its end was lost. A reply does not count when
    somebody steered right before it: it may have been asked for without that."""
    if not ctx.resuming:
        return False
    history, run = await ctx.path(), ctx.run
    steered, last = history.context.steered, None
    async with aclosing(history.newest_first()) as places:
        async for place in places:
            message = place.message
            if place.waiting:
                continue
            if last is None:
                last = message
                if last.kind != "streaming_response" or last.run_id != run.id or last.status != "complete":
                    return False
            elif message.run_id != run.id:
                break
            elif message.role == "agent":
                return steered < message.ordinal
    return last is not None and steered < 1


def _wait_s(error: ParleyError, failures: int, backoff: Backoff) -> float:
    asked = error.details.get("retry_after_ms")
    if isinstance(asked, int | float):
        return min(asked / 1000, RETRY_AFTER_MAX_S)
    return backoff.wait_s(failures)
