"""A turn's limits count on after a crash: requests, depth and what came back over and over are in the journal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from world import HookedJournal, Room, Workshop, eventually, hooked_store, memory_room, no_sleep, say, settled

from models.commands import (
    AskUser,
    FinishTool,
    RequestModel,
    RequestTools,
    ResolveApproval,
    RunFence,
    StartRun,
    StartTools,
)
from models.events import Event
from models.ids import EpochMs
from models.payloads import ToolCall, ToolStatus
from models.states import AwaitingUser
from services.engine.policy import LIMITED_DEPTH, ApprovalPolicy
from services.engine.turn import Turn, follow
from services.llm.provider import ModelRequest
from services.llm.scripted import CallTool, Finish, Say, Script, ScriptedProvider, ScriptSource
from services.runs.assistant import REQUESTS_MAX, SAME_ERROR_MAX, SAME_RESULT_MAX
from services.runs.toolbox import Toolbox
from services.tools.executor import ToolExecutor
from services.tools.registry import ToolRegistry
from services.tools.tool import tool


@tool(risk="read_only")
async def count(n: int) -> str:
    """Counts."""
    return f"counted {n}"


@tool(risk="read_only")
async def stumble(over: str) -> str:
    """Always fails."""
    raise ValueError("a stone")


@tool(risk="read_only")
async def tell() -> str:
    """Says a lot, and the same each time."""
    return LONG


LONG = "a long result\n" * 10_000
WELL: Script = (Say("All is well."), Finish("stop"))


def counting(request: ModelRequest) -> Script:
    return (CallTool("count", {"n": len(request.call_ids)}),)


def saying(script: Script) -> ScriptSource:
    return lambda request: script


async def begun(room: Room) -> tuple[str, RunFence]:
    session_id = await room.create(model="scripted:test")
    sent = await room.do(session_id, say("go"))
    await room.do(session_id, StartRun(str(sent.run_id)))
    return session_id, RunFence(str(sent.run_id), 1)


async def worked(room: Room, session_id: str, fence: RunFence, rounds: int, call: CallTool | None = None) -> None:
    """So many rounds of one tool; the n-th counts n, unless it is told what to do."""
    for number in range(rounds):
        arguments = dict(call.arguments) if call is not None and not isinstance(call.arguments, str) else {"n": number}
        name = call.name if call is not None else "count"
        asked = ToolCall(call_id=f"w{number}", name=name, arguments=arguments, risk="read_only", status="approved")
        await room.do(session_id, RequestModel(fence, f"r{number}"))
        await room.do(session_id, RequestTools(fence, f"q{number}", "assistant", (asked,)))
        await room.do(session_id, StartTools(fence, (asked.call_id,)))
        status: ToolStatus = "ok"
        output, error = f"counted {number}", None
        if name == "stumble":
            status, output, error = "error", "", "ValueError: a stone"
        elif name == "tell":
            output = LONG
        await room.do(session_id, FinishTool(fence, f"a{number}", asked.call_id, status, output, error))


@asynccontextmanager
async def booted(room: Room, source: ScriptSource, policy: ApprovalPolicy = "auto") -> AsyncIterator[Workshop]:
    """The next start of the server on the room's journal."""
    registry = ToolRegistry((count, stumble, tell))
    toolbox = Toolbox(registry, ToolExecutor(registry), policy=policy)
    provider = ScriptedProvider({"test": source}, sleep=no_sleep)
    shop = Workshop(room.store, room.project_id, provider=provider, toolbox=toolbox)
    await shop.runs.start()
    try:
        yield shop
    finally:
        await shop.stop()


async def asked(shop: Workshop, session_id: str) -> AwaitingUser:
    def waits() -> bool:
        context = shop.room.sessions.context(session_id)
        return context is not None and isinstance(context.state, AwaitingUser)

    await eventually(waits, "a question")
    state = shop.room.state(session_id).state
    assert isinstance(state, AwaitingUser)
    return state


@pytest.mark.parametrize("before", [1, LIMITED_DEPTH - 1, LIMITED_DEPTH])
async def test_limited_depth_counts_the_rounds_from_before_a_crash(before: int) -> None:
    """Taken out: the read of the turn for a further attempt. Then another five rounds run by themselves."""
    room, _ = await memory_room()
    session_id, fence = await begun(room)
    await worked(room, session_id, fence, before)
    async with booted(room, counting, "limited") as shop:
        assert (await asked(shop, session_id)).reason == "tool"
        assert len(shop.provider.requests) == LIMITED_DEPTH + 1 - before


@pytest.mark.parametrize(
    ("call", "before", "most"),
    [
        (None, 20, REQUESTS_MAX),
        (None, REQUESTS_MAX, REQUESTS_MAX),
        (CallTool("stumble", {"over": "it"}), 1, SAME_ERROR_MAX),
        (CallTool("stumble", {"over": "it"}), SAME_ERROR_MAX, SAME_ERROR_MAX),
        (CallTool("count", {"n": 0}), 0, SAME_RESULT_MAX),
        (CallTool("tell"), 2, SAME_RESULT_MAX),
    ],
)
async def test_requests_and_repetitions_are_counted_across_a_crash(
    call: CallTool | None, before: int, most: int
) -> None:
    """With all of them before the crash, the question alone was lost: it is asked before anything else."""
    room, _ = await memory_room()
    session_id, fence = await begun(room)
    await worked(room, session_id, fence, before, call)
    async with booted(room, saying((call,)) if call is not None else counting) as shop:
        assert (await asked(shop, session_id)).reason == "limit"
        assert len(shop.provider.requests) == most - before


async def test_a_request_that_was_not_answered_counts_and_an_answer_to_the_limit_begins_anew() -> None:
    room, _ = await memory_room()
    session_id, fence = await begun(room)
    await worked(room, session_id, fence, REQUESTS_MAX - 1)
    await room.do(session_id, RequestModel(fence, "lost"))
    async with booted(room, counting) as shop:
        assert (await asked(shop, session_id)).reason == "limit"
        assert not shop.provider.requests
        (approval,) = shop.room.state(session_id).approvals
        await shop.room.do(session_id, ResolveApproval(approval.id, "respond", "ann", answer="go on"))
        await eventually(lambda: len(shop.provider.requests) == REQUESTS_MAX, "as many requests again")
        await asked(shop, session_id)


async def test_a_limit_that_was_answered_before_the_crash_is_not_asked_for_again() -> None:
    room, _ = await memory_room()
    session_id, fence = await begun(room)
    await worked(room, session_id, fence, SAME_ERROR_MAX, CallTool("stumble", {"over": "it"}))
    await room.do(session_id, AskUser(fence, "q", "limit", "How shall I go on?", (), "limit"))
    await room.do(session_id, ResolveApproval("q", "respond", "ann", answer="leave it"))
    async with booted(room, saying(WELL)) as shop:
        await shop.until(session_id, "COMPLETED")
        assert shop.provider.requests[0].last_user_text == "leave it"


async def test_behind_tools_from_before_a_crash_a_reply_without_words_says_that_nothing_is_left_to_say() -> None:
    room, _ = await memory_room()
    session_id, fence = await begun(room)
    await worked(room, session_id, fence, 1)
    async with booted(room, saying((Finish("stop"),))) as shop:
        await shop.until(session_id, "COMPLETED")
        assert len(shop.provider.requests) == 1


async def test_however_the_journal_is_cut_into_pages_the_turn_is_the_same() -> None:
    store, journal = hooked_store()
    room = Room(store, (await store.projects.inbox()).id)
    session_id, fence = await begun(room)
    await worked(room, session_id, fence, 3)
    await worked_again(room, session_id, fence)
    events = await everything(journal, session_id)
    whole = follow(Turn(fence.run_id), events)
    assert (whole.requests, whole.rounds, sorted(whole.repeated.values())) == (4, 4, [1, 1, 1, 1])
    for cut in range(len(events) + 1):
        assert follow(follow(Turn(fence.run_id), events[:cut]), events[cut:]) == whole
    await settled()


async def worked_again(room: Room, session_id: str, fence: RunFence) -> None:
    """One more round, whose request was put off first."""
    call = ToolCall(call_id="late", name="count", arguments={"n": 9}, risk="read_only", status="approved")
    await room.do(session_id, RequestModel(fence, "wait", EpochMs(room.sessions.clock() + 1_000), "busy"))
    await room.do(session_id, RequestModel(fence, "late"))
    await room.do(session_id, RequestTools(fence, "late-q", "assistant", (call,)))
    await room.do(session_id, StartTools(fence, ("late",)))
    await room.do(session_id, FinishTool(fence, "late-a", "late", "ok", "counted 9"))


async def everything(journal: HookedJournal, session_id: str) -> list[Event]:
    return list((await journal.since(session_id, 0, limit=10_000)).events)
