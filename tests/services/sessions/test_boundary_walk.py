"""The boundary walk: one run with a question, three tools side by side, an approval and an unsafe tool, its process
killed after every event in turn. Each time it ends the same, and the unsafe tool has run at most once (I5).

Taken out for the check: `StartTools` before the tools begin (then an unsafe call runs twice), `tools.lost` in take_over
(then a call stays open for ever), the look at answered questions in `RunContext.ask` (then the user is asked twice).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from patience import HANG_S
from world import T0, FakeTime, Workshop, eventually, say

from models.approvals import ApprovalDecision
from models.clock import SYSTEM_CLOCK
from models.commands import ResolveApproval
from models.messages import Message
from services.llm.provider import ModelRequest, ToolResultPart
from services.llm.registry import Providers
from services.llm.scripted import CallTool, Finish, Say, ScriptedProvider, ScriptStep
from services.runs.assistant import Assistant
from services.runs.context import RunContext
from services.runs.keeper import LEASE_MS
from services.runs.toolbox import Toolbox
from services.store.memory.store import memory_store
from services.store.memory.tables import Memory
from services.store.store import Store
from services.tools.executor import ToolExecutor
from services.tools.registry import ToolRegistry
from services.tools.tool import Tool, tool


@dataclass
class Log:
    """What really happened outside the journal."""

    smashed: int = 0
    asked: list[str] = field(default_factory=list)

    def tools(self) -> tuple[Tool, ...]:
        @tool(risk="read_only")
        async def look(where: str) -> str:
            """Looks somewhere."""
            await asyncio.sleep(0)
            return f"saw {where}"

        @tool(risk="read_only")
        async def stumble() -> str:
            """Always fails."""
            raise ValueError("a stone")

        @tool(risk="read_only", timeout_s=0.01)
        async def dream() -> str:
            """Never ends."""
            await asyncio.sleep(3600)
            return ""

        @tool(risk="unsafe")
        async def smash(what: str) -> str:
            """Smashes something, for good."""
            self.smashed += 1
            await asyncio.sleep(0.02)  # long enough to be killed at work
            return f"smashed {what}"

        return look, stumble, dream, smash


class Walker:
    """Asks the user, then lets the assistant do the rest."""

    on_crash = "resume"

    def __init__(self, provider: ScriptedProvider) -> None:
        self._assistant = Assistant(Providers(SYSTEM_CLOCK, scripted=provider), sleep=_at_once)

    async def run(self, ctx: RunContext) -> None:
        assert await ctx.ask("Which way?", key="way") == "left"
        await self._assistant.run(ctx)


async def _at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


def script(request: ModelRequest) -> tuple[ScriptStep, ...]:
    """What the model says depends only on what it is shown, so it may be asked again."""
    results = sum(isinstance(part, ToolResultPart) for message in request.messages for part in message.parts)
    if results == 0:
        return (
            Say("I look around. "),
            CallTool("look", {"where": "there"}, "c1"),
            CallTool("stumble", {}, "c2"),
            CallTool("dream", {}, "c3"),
            Finish("tool_calls"),
        )
    if results < 4:
        return (CallTool("smash", {"what": "the vase"}, "c4"), Finish("tool_calls"))
    return (Say("All "), Say("done."), Finish("stop"))


def boot(store: Store, project_id: str, log: Log, now: int = T0) -> Workshop:
    provider = ScriptedProvider()
    provider.register("walk", script)
    registry = ToolRegistry(log.tools())
    toolbox = Toolbox(registry, ToolExecutor(registry))
    return Workshop(
        store, project_id, {"walker": Walker(provider)}, provider=provider, toolbox=toolbox, time=FakeTime(now)
    )


async def answer_all(shop: Workshop, session_id: str, log: Log) -> None:
    """A user who answers everything that is asked, once."""
    context = await shop.room.store.journal.load(session_id)
    for approval in context.approvals:
        log.asked.append(approval.question or approval.tool or "")
        decision: ApprovalDecision = "respond" if approval.kind == "question" else "approve"
        await shop.room.do(session_id, ResolveApproval(approval.id, decision, "local", answer="left"))


async def to_its_end(shop: Workshop, session_id: str, log: Log) -> None:
    async with asyncio.timeout(HANG_S):
        while (context := await shop.room.store.journal.load(session_id)).busy:
            if context.approvals:
                await answer_all(shop, session_id, log)
            await asyncio.sleep(0.001)


def seen(messages: tuple[Message, ...]) -> list[tuple[str, str, str]]:
    """The transcript without what only tells of the interruption."""
    return [
        (message.role, message.kind, message.content)
        for message in messages
        if message.status not in ("interrupted", "error")
    ]


async def walk(kill_after: int | None, turns: int = 0) -> tuple[list[tuple[str, str, str]], Log, int]:
    """Runs it all, killed after the event with that seq and some turns of the loop, in which what it allows begins.
    Returns the transcript, the log and the head."""
    store, log = memory_store(Memory(SYSTEM_CLOCK)), Log()
    project_id = (await store.projects.inbox()).id
    shop = boot(store, project_id, log)
    await shop.runs.start()
    session_id = await shop.room.create(title="t", model="scripted:walk")
    await shop.room.do(session_id, say("go", agent="walker", on_crash="resume"))
    if kill_after is not None:
        await reach(shop, session_id, log, kill_after)
        for _ in range(turns):
            await asyncio.sleep(0)
        await shop.kill()
        shop = boot(store, project_id, log, T0 + LEASE_MS)
        await shop.runs.start()
    await to_its_end(shop, session_id, log)
    await eventually(lambda: shop.runs.active == 0, "the run's task is over")
    context = await store.journal.load(session_id)
    assert (context.session_state, context.request, context.approvals) == ("COMPLETED", None, ())
    messages = await shop.room.messages(session_id)
    await shop.stop()
    return seen(messages), log, context.head


async def reach(shop: Workshop, session_id: str, log: Log, seq: int) -> None:
    async with asyncio.timeout(HANG_S):
        while (context := await shop.room.store.journal.load(session_id)).head < seq and context.busy:
            if context.approvals:
                await answer_all(shop, session_id, log)
            await asyncio.sleep(0)


async def test_the_walk_without_a_kill_does_everything_once() -> None:
    transcript, log, _ = await walk(None)
    assert log.smashed == 1
    assert log.asked == ["Which way?", "smash"]
    assert [kind for _, kind, _ in transcript].count("tool_result") == 4
    assert transcript[-1] == ("agent", "streaming_response", "All done.")


@pytest.mark.parametrize("turns", [0, 12])
async def test_killed_after_any_event_the_run_ends_the_same(turns: int, subtests: pytest.Subtests) -> None:
    whole, _, head = await walk(None)
    for kill_after in range(2, head + 1):
        with subtests.test(f"killed after {kill_after}"):
            transcript, log, _ = await walk(kill_after, turns)
            assert log.smashed <= 1
            assert log.asked == ["Which way?", "smash"]
            assert _said(transcript) == _said(whole)
            results = [content for _, kind, content in transcript if kind == "tool_result"]
            assert len(results) == 4
            # What was at work when the process died has an unknown outcome, and no output.
            assert "smashed the vase" in results or "" in results


def _said(transcript: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    return [each for each in transcript if each[1] != "tool_result"]
