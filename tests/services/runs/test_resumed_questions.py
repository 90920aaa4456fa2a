"""What a run that asks, or is steered, makes of it: over a restart, outside of the manager, and in the right order."""

from __future__ import annotations

import asyncio

from world import USER, Room, Workshop, eventually, memory_room, say, settled

from models.commands import (
    AppendDelta,
    AskUser,
    BeginStream,
    Command,
    FinalizeStream,
    FinishRun,
    FinishTool,
    RequestModel,
    RequestTools,
    ResolveApproval,
    RunFence,
    StartRun,
)
from models.payloads import ToolCall
from services.embedding.chat_context import ChatContext
from services.runs.context import RunContext
from services.runs.toolbox import Toolbox, Wanted
from services.tools.executor import ToolExecutor
from services.tools.registry import ToolRegistry
from services.tools.tool import tool

CALL = ToolCall(call_id="c", name="n", arguments={}, risk="read_only", status="denied", decided_by="policy")


async def _begun(room: Room, question: str = "first") -> tuple[str, RunFence]:
    """A run at work that no task works on: what a crash leaves."""
    session_id = await room.create()
    sent = await room.do(session_id, say(question))
    run_id = str(sent.run_id)
    await room.do(session_id, StartRun(run_id))
    return session_id, RunFence(run_id, 1)


async def _do_all(room: Room, session_id: str, *commands: Command) -> None:
    for command in commands:
        await room.do(session_id, command)


async def test_a_limit_that_was_declined_after_a_restart_ends_the_run_without_another_request() -> None:
    """Taken out: was_stopped_at_limit. Then the model is asked although the user said no."""
    room, _ = await memory_room()
    session_id, fence = await _begun(room)
    await _do_all(
        room,
        session_id,
        RequestTools(fence, "m2", "assistant", (CALL,)),
        FinishTool(fence, "m3", "c", "error", error="no"),
        AskUser(fence, "q", "limit", "Shall I go on?", (), "limit 50 x"),
    )
    shop = Workshop(room.store, room.project_id)
    await shop.runs.start()
    await settled()
    await shop.room.do(session_id, ResolveApproval("q", "deny", by="ann"))
    await shop.until(session_id, "COMPLETED")
    assert not shop.provider.requests
    await shop.stop()


async def test_what_steered_a_run_before_a_crash_still_steers_it() -> None:
    """Taken out: the look at `steered` in _answered. Then the reply to the first question counts for both."""
    room, _ = await memory_room()
    session_id, fence = await _begun(room)
    await _do_all(
        room,
        session_id,
        RequestModel(fence, "r1"),
        say("and be brief", on_busy="steer"),
        BeginStream(fence, "m1", "assistant", "x"),
        AppendDelta(fence, "m1", "an answer to the first"),
        FinalizeStream(fence, "m1", "stop"),
        RequestModel(fence, "r2"),
    )
    shop = Workshop(room.store, room.project_id)
    await shop.runs.start()
    await shop.until(session_id, "COMPLETED")
    assert len(shop.provider.requests) == 1
    await shop.stop()


class Asker:
    on_crash = "resume"

    def __init__(self) -> None:
        self.calls = 0

    async def run(self, ctx: RunContext) -> None:
        self.calls += 1
        await ctx.emit(f"You chose {await ctx.ask('Which?')}")


async def test_an_answer_does_not_steer_but_what_follows_it_does() -> None:
    room, _ = await memory_room()
    asker = Asker()
    shop = Workshop(room.store, room.project_id, {"asker": asker})
    await shop.runs.start()
    session_id = await shop.room.create()
    for more, calls in (((), 1), (("and be brief",), 3)):
        await shop.room.do(session_id, say("go", agent="asker"))
        await eventually(lambda: shop.room.state(session_id).approvals)
        answers = [shop.room.sessions.submit(session_id, say("blue", agent="asker"), USER)]
        answers += [shop.room.sessions.submit(session_id, say(each, on_busy="steer"), USER) for each in more]
        for answer in answers:
            await answer
        await shop.until(session_id, "COMPLETED")
        assert asker.calls == calls
    await shop.stop()


async def test_a_program_that_asks_keeps_its_run_when_the_user_answers() -> None:
    """Taken out: the look at the journal's orphans. Then the manager abandons a run that lives."""
    room, _ = await memory_room()
    shop = Workshop(room.store, room.project_id)
    await shop.runs.start()
    session_id = await shop.room.create()

    async def answer() -> None:
        await eventually(lambda: shop.room.state(session_id).approvals)
        (approval,) = shop.room.state(session_id).approvals
        await shop.room.do(session_id, ResolveApproval(approval.id, "respond", by="ann", answer="blue"))

    async with ChatContext.open(shop.room.sessions, session_id, owner=shop.runs.boot_id, question="hi") as context:
        asked = context.run.ask("Which?")
        answering = answer()
        said, _ = await asyncio.gather(asked, answering)
        await settled()
        await context.run.emit(f"You chose {said}")
    assert [message.content for message in await shop.room.messages(session_id)] == [
        "hi",
        "blue",
        "You chose blue",
    ]
    assert [run.state for run in await shop.room.runs(session_id)] == ["completed"]
    await shop.stop()


@tool(risk="unsafe")
def danger() -> str:
    """Never runs here."""
    raise AssertionError("the user answered in its place")


class Caller:
    async def run(self, ctx: RunContext) -> None:
        (result,) = await ctx.tools.call((Wanted("c1", "danger", "{}"),))
        await ctx.emit(f"{result.status}: {result.output}")


async def test_a_users_answer_in_a_tools_place_is_its_result() -> None:
    room, _ = await memory_room()
    registry = ToolRegistry((danger,))
    shop = Workshop(
        room.store, room.project_id, {"caller": Caller()}, toolbox=Toolbox(registry, ToolExecutor(registry))
    )
    await shop.runs.start()
    session_id = await shop.room.create()
    await shop.room.do(session_id, say("go", agent="caller"))
    await eventually(lambda: shop.room.state(session_id).approvals)
    (approval,) = shop.room.state(session_id).approvals
    await shop.room.do(session_id, ResolveApproval(approval.id, "respond", by="ann", answer="sunny"))
    await shop.until(session_id, "COMPLETED")
    assert (await shop.room.messages(session_id))[-1].content == "ok: sunny"
    await shop.stop()


async def test_a_question_that_waited_stands_behind_what_was_at_work_then() -> None:
    room, _ = await memory_room()
    session_id, fence = await _begun(room)
    sent = await room.do(session_id, say("second"))
    await _do_all(
        room,
        session_id,
        BeginStream(fence, "m1", "assistant", "x"),
        AppendDelta(fence, "m1", "an answer to the first"),
        FinalizeStream(fence, "m1", "stop"),
    )
    await _do_all(room, session_id, FinishRun(fence, 0), StartRun(str(sent.run_id)))
    run = room.state(session_id).run
    assert run is not None
    history = await RunContext(room.sessions, run, window_s=0).history()
    assert [message.content for message in history] == ["first", "an answer to the first", "second"]
