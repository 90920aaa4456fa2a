"""C4: a turn may be at work for so long, by an injected monotonic clock; then the user is asked, or it stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from agents_for_tests import Paced
from world import FakeTime, Workshop, eventually, hooked_store, no_sleep, say, settled

from models.approvals import ApprovalDecision
from models.commands import ResolveApproval
from models.messages import Message
from models.payloads import StreamingResponsePayload, ToolResultPayload
from services.llm.provider import ModelRequest
from services.llm.scripted import CallTool, Finish, Mark, Pause, Say, Script, ScriptedProvider, ScriptSource
from services.runs.agents import Agent, Agents
from services.runs.context import RunContext
from services.runs.keeper import LEASE_MS
from services.runs.toolbox import Toolbox
from services.runs.turn_time import TimeLimit
from services.store.store import Store
from services.tools.executor import ToolExecutor
from services.tools.registry import ToolRegistry
from services.tools.tool import tool

MINUTE = 60.0
STOP, ASK = TimeLimit(MINUTE, "stop"), TimeLimit(MINUTE, "ask")


@dataclass
class Bench:
    """A tool that is at work until it is let go, and one that asks before it runs."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    def toolbox(self) -> Toolbox:
        @tool(risk="read_only", timeout_s=100_000)
        async def dig(n: int) -> str:
            """Digs."""
            self.begun.set()
            await self.go.wait()
            self.go.clear()
            return f"dug {n}"

        @tool(risk="unsafe")
        async def blast() -> str:
            """Blasts."""
            return "gone"

        registry = ToolRegistry((dig, blast))
        return Toolbox(registry, ToolExecutor(registry))


class Slow:
    """One that is stuck in a step of its own."""

    on_crash = "resume"
    time_limit = STOP

    async def run(self, ctx: RunContext) -> None:
        await asyncio.Event().wait()


class Steps:
    """Calls one tool after the other; knows nothing of limits."""

    async def run(self, ctx: RunContext) -> None:
        for n in range(3):
            await ctx.call_tool("dig", n=n)


@dataclass
class Turn:
    shop: Workshop
    session_id: str
    bench: Bench

    async def say(self, agent: str = "assistant") -> None:
        await self.shop.room.do(self.session_id, say("go", agent=agent))

    async def digs(self, seconds: float) -> None:
        """The tool at work takes so long."""
        await self.bench.begun.wait()
        self.bench.begun.clear()
        await self.shop.time.advance(seconds)
        self.bench.go.set()

    async def asked(self) -> str:
        await eventually(lambda: self.shop.room.state(self.session_id).approvals, "a question")
        (approval,) = self.shop.room.state(self.session_id).approvals
        self.approval = approval.id
        await settled()  # the question is shown before who asked it waits
        return approval.question or approval.kind

    async def answer(self, decision: ApprovalDecision, text: str | None = None) -> None:
        command = ResolveApproval(self.approval, decision, "ann", answer=text)
        await self.shop.room.do(self.session_id, command)

    async def ends(self, state: str) -> list[Message]:
        await self.shop.until(self.session_id, state)
        return list(await self.shop.room.messages(self.session_id))

    @property
    def run_id(self) -> str:
        """Of the active run; empty when there is none."""
        context = self.shop.room.sessions.context(self.session_id)
        return context.run.id if context is not None and context.run is not None else ""

    async def reason(self) -> str:
        return (await self.shop.room.runs(self.session_id))[-1].reason or ""


@asynccontextmanager
async def turn(
    source: ScriptSource,
    limit: TimeLimit,
    *,
    store: Store | None = None,
    time: FakeTime | None = None,
    session_id: str | None = None,
) -> AsyncIterator[Turn]:
    store, bench = store or hooked_store()[0], Bench()
    provider = ScriptedProvider({"test": source}, sleep=no_sleep)
    agents: dict[str, Agent] = {"slow": Slow(), "steps": Steps()}
    shop = Workshop(
        store,
        (await store.projects.inbox()).id,
        agents,
        provider=provider,
        toolbox=bench.toolbox(),
        time=time,
        time_limit=limit,
    )
    await shop.runs.start()
    try:
        yield Turn(shop, session_id or await shop.room.create(model="scripted:test"), bench)
    finally:
        await shop.stop()


def digging(request: ModelRequest) -> Script:
    return (CallTool("dig", {"n": len(request.call_ids)}),)


# Stopping
async def test_a_turn_that_takes_too_long_stops_and_says_so_in_the_transcript() -> None:
    asked, never = asyncio.Event(), asyncio.Event()
    async with turn((Mark(asked), Pause(never)), STOP) as it:
        await it.say()
        await asked.wait()
        await it.shop.time.advance(MINUTE - 1)
        assert it.shop.room.state(it.session_id).state.name == "awaiting_llm"
        await it.shop.time.advance(1)
        trace = (await it.ends("FAILED"))[-1]
        told = "Stopped: the turn took longer than 60 seconds"
        assert isinstance(trace.payload, StreamingResponsePayload)
        assert (trace.status, trace.payload.finish_reason) == ("error", f"error: {told}")
        assert await it.reason() == f"time_limit: {told}"
        assert it.shop.room.state(it.session_id).state.name == "error"
        assert it.shop.provider.open_streams == 0


async def test_a_reply_that_grows_for_too_long_keeps_what_was_said_and_is_closed() -> None:
    said, never = asyncio.Event(), asyncio.Event()
    async with turn((Say("half"), Mark(said), Pause(never)), STOP) as it:
        await it.say()
        await said.wait()
        await it.shop.time.advance(MINUTE)
        (_, reply) = await it.ends("FAILED")
        assert isinstance(reply.payload, StreamingResponsePayload)
        assert (reply.content, reply.status) == ("half", "error")
        assert "longer than 60 seconds" in (reply.payload.finish_reason or "")


async def test_a_tool_at_work_when_the_time_is_up_gets_a_result_that_says_so() -> None:
    async with turn(digging, STOP) as it:
        await it.say()
        await it.bench.begun.wait()
        await it.shop.time.advance(MINUTE)
        result = (await it.ends("FAILED"))[-1].payload
        assert isinstance(result, ToolResultPayload)
        assert result.status == "interrupted"
        assert "longer than 60 seconds" in (result.error or "")


async def test_the_next_turn_has_all_its_time_again() -> None:
    async with turn(digging, STOP) as it:
        for _ in range(2):
            await it.say()
            await it.digs(MINUTE - 1)
            await it.bench.begun.wait()
            await it.shop.time.advance(1)
            await it.ends("FAILED")
            it.bench.begun.clear()


async def test_a_turn_begins_anew_with_what_the_user_says_to_a_step_at_work() -> None:
    """Taken out: the look in `_too_long`. Then the run is stopped ten seconds after the user's last word."""
    async with turn(digging, STOP) as it:
        await it.say()
        await it.bench.begun.wait()
        await it.shop.time.advance(MINUTE - 10)
        await it.shop.room.do(it.session_id, say("take your time", on_busy="steer"))
        await it.shop.time.advance(10)
        await it.shop.time.advance(MINUTE - 11)
        assert it.run_id
        await it.shop.time.advance(1)
        await it.ends("FAILED")


# Asking
async def test_a_turn_that_asks_goes_on_with_all_its_time_or_ends_as_the_user_says() -> None:
    async with turn(digging, ASK) as it:
        await it.say()
        await it.digs(MINUTE - 1)
        await it.digs(1)
        assert await it.asked() == "I have been at work on this for 60 seconds. Shall I go on?"
        await it.shop.time.advance(100 * MINUTE)
        await it.answer("respond", "yes, go on")
        await it.digs(MINUTE - 1)
        assert it.shop.provider.requests[-1].last_user_text == "yes, go on"
        await it.digs(1)
        await it.asked()
        await it.answer("deny")
        await it.ends("COMPLETED")


async def test_an_agent_that_knows_nothing_of_limits_is_asked_about_before_its_next_call() -> None:
    async with turn(digging, ASK) as it:
        await it.say("steps")
        await it.digs(MINUTE)
        assert (await it.asked()).startswith("I have been at work")
        await it.answer("respond", "go on")
        await it.digs(1)
        await it.digs(1)
        await it.ends("COMPLETED")


async def test_a_step_that_takes_twice_the_time_is_stopped_though_the_turn_would_ask() -> None:
    """Otherwise one that hangs would never come to the question."""
    async with turn(digging, ASK) as it:
        await it.say()
        await it.bench.begun.wait()
        await it.shop.time.advance(2 * MINUTE)
        await it.ends("FAILED")


async def test_time_in_which_the_run_waits_for_its_user_does_not_count() -> None:
    """Taken out: `waiting` in RunTools.finish. Then a lunch break is over the limit."""
    blasting = (CallTool("blast"),), (Say("Done."), Finish("stop"))
    scripts = list(blasting)
    async with turn(lambda _: scripts.pop(0), STOP) as it:
        await it.say()
        await it.asked()
        await it.shop.time.advance(100 * MINUTE)
        await it.answer("approve")
        assert (await it.ends("COMPLETED"))[-1].content == "Done."


async def test_who_watches_the_time_sleeps_as_long_as_the_run_waits_for_its_user() -> None:
    """Taken out: the wait for `_at_work`. Then what was left before is slept over and over."""
    scripts: list[Script] = [(CallTool("dig", {"n": 1}),), (CallTool("blast"),), (Say("Done."), Finish("stop"))]
    async with turn(lambda _: scripts.pop(0), STOP) as it:
        await it.say()
        await it.digs(MINUTE - 1)
        await it.asked()
        for _ in range(10):
            await it.shop.time.advance(1)
        assert 1.0 not in it.shop.time.slept
        await it.answer("approve")
        assert (await it.ends("COMPLETED"))[-1].content == "Done."


# A crash
@pytest.mark.parametrize(("before", "left"), [(50, 10), (70, 0)])
async def test_what_was_worked_before_a_crash_counts_and_the_time_between_does_not(before: float, left: float) -> None:
    """Taken out: the turn's worked_ms in `follow`. Then a run that takes its process down has for ever. Taken out: what
    `_worked` says of the server. Then the hour in which nobody was there counts."""
    time, asked, never = FakeTime(), asyncio.Event(), asyncio.Event()
    store, _ = hooked_store()
    silent: Script = (Say("half"), Mark(asked), Pause(never))
    async with turn(silent, ASK, store=store, time=time) as first:
        await first.say()
        await asked.wait()
        time.now += round(before * 1000)
        await first.shop.room.do(first.session_id, say("what the clock shows, later"))
        run_id = first.run_id
        await first.shop.kill()
        asked.clear()
        time.now += LEASE_MS + 3_600_000
        async with turn(silent, STOP, store=store, time=time, session_id=first.session_id) as second:
            if left:
                await asked.wait()
                await time.advance(left - 1)
                assert second.run_id == run_id
                await time.advance(1)
            await eventually(lambda: second.run_id not in ("", run_id), "the run that waited")
            ended = {run.id: run for run in await second.shop.room.runs(second.session_id)}[run_id]
            assert ended.reason == "time_limit: Stopped: the turn took longer than 60 seconds"
            assert ended.attempt == 2


# Whose limit
async def test_the_operators_word_for_an_agent_goes_before_its_own_and_that_before_the_one_for_all() -> None:
    most = TimeLimit(1)
    agents = Agents({"slow": Slow(), "paced": Paced()}, time_limit=ASK, time_limits={"paced": most})
    assert [agents.time_limit(name) for name in ("slow", "paced", "gone")] == [STOP, most, ASK]
    assert Agents({"slow": Slow()}, time_limits={"slow": most}).time_limit("slow") == most


async def test_an_agents_own_limit_holds() -> None:
    async with turn(digging, TimeLimit(0)) as it:
        await it.say("slow")
        await eventually(lambda: it.shop.runs.active)
        await it.shop.time.advance(MINUTE)
        await it.ends("FAILED")
