"""The built-in agent: asks the session's model, streams its reply, calls the tools that it wants, and asks again.

It keeps nothing between two steps that is not in the journal, so a run that was cut off goes on from the last one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from models.backoff import Backoff
from models.errors import Declined, ParleyError, ProviderError, UnknownModel
from models.payloads import AnyToolResult
from models.runs import OnCrash, Run
from services.llm.registry import Providers
from services.runs.context import RunContext
from services.runs.history import History
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


@dataclass(slots=True)
class Turn:
    """What one user turn has done so far."""

    requests: int = 0
    seen: Counter[str] = field(default_factory=Counter)

    def limit(self) -> str | None:
        """Why the user should be asked before going on."""
        if self.requests >= REQUESTS_MAX:
            return f"I have asked the model {self.requests} times for this. Shall I go on?"
        for key, count in self.seen.items():
            failed = key.startswith("error")
            if count >= (SAME_ERROR_MAX if failed else SAME_RESULT_MAX):
                return "I keep making the same call with the same result. How shall I go on?"
        return None

    def note(self, wanted: Sequence[Wanted], results: Sequence[AnyToolResult]) -> None:
        arguments = {each.call_id: each.arguments_json for each in wanted}
        for result in results:
            kind = "ok" if result.status == "ok" else "error"
            said = result.output if kind == "ok" else result.error
            self.seen[f"{kind} {result.name} {arguments.get(result.call_id)} {said}"] += 1


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
        turn = Turn()
        await ctx.tools.finish()
        if await ctx.was_stopped_at_limit():
            return
        while (wanted := await self._ask_patiently(ctx, turn)) is not None:
            results = await ctx.tools.finish()
            turn.note(wanted, results)
            if (question := turn.limit()) is not None:
                try:
                    await ctx.ask_about_limit(question, key=f"limit {turn.requests}")
                except Declined:
                    return
                turn = Turn()

    async def _ask_patiently(self, ctx: RunContext, turn: Turn) -> Sequence[Wanted] | None:
        """The calls that the model wants now; None when it has said all.

        A request that fails before the first word of its reply is made again, `TRIES` times in all. A reply that breaks
        behind it stays, closed with its error, and is asked for `AGAIN_MAX` times more: nobody reads the same beginning
        over and over. Another model begins with all its tries. The last failure stands in the transcript."""
        failures = broken = 0
        while True:
            relay = Relay(ctx, depth=turn.requests, after_tools=bool(turn.seen))
            turn.requests += 1
            try:
                return await self._ask(ctx, relay)
            except (ProviderError, UnknownModel) as error:
                failures, broken = failures + 1, broken + relay.shown
                if not error.retryable or failures >= TRIES or broken > AGAIN_MAX:
                    if not relay.shown:
                        await _leave_trace(ctx, relay.model or await ctx.model(), error)
                    raise
                wait_s = _wait_s(error, failures, self._backoff)
                await ctx.wait_to_ask(relay.model, error.message, wait_s, self._sleep)
                if await ctx.model() != relay.model:
                    failures = broken = 0

    async def _ask(self, ctx: RunContext, relay: Relay) -> Sequence[Wanted] | None:
        provider, info = self._providers.resolve(await ctx.model())
        history = await ctx.path()
        if ctx.resuming and await _answered(history, ctx.run):
            return None
        tools = ctx.tools.offered(history.context.mode) if info.tools else ()
        request = request_of(await self._views.of_history(history, info, tools), info, ctx.clock.new_id())
        await ctx.request_model(request.request_id)
        return await relay.run(provider, request)


async def _leave_trace(ctx: RunContext, model: str, error: ParleyError) -> None:
    """A reply that never was, closed with its error: who reads the session later sees why nothing follows."""
    async with ctx.stream(model=model) as reply:
        await reply.finish(f"error: {error.message}", status="error")


async def _answered(history: History, run: Run) -> bool:
    """Whether an earlier attempt got as far as the whole reply, and only its end was lost. A reply does not count when
    somebody steered right before it: it may have been asked for without that."""
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
