"""Who an event is by: the caller, the agent on behalf of who asked, or the server itself."""

from __future__ import annotations

import pytest
from agents_for_tests import Hangs, Says
from world import Room, eventually, memory_room, say, workshop

from models.actors import SERVER, Actor
from models.commands import (
    AddPin,
    ArchiveContext,
    CancelRun,
    ChangePlan,
    Command,
    DeleteSession,
    Fork,
    RemovePin,
    RenameSession,
    RestoreSession,
    RetryRun,
    RevokeGrant,
    SetBranchPrompt,
    SetMode,
    SetModel,
    UnarchiveContext,
)
from models.payloads import PlanItem
from services.access import SYSTEM, Principal, actor_of
from services.embedding.chat_context import ChatContext

ANN = Principal("ann", "Ann", "token")
BY_ANN = Actor(id="ann", name="Ann", kind="user")
EDITS: tuple[Command, ...] = (
    RenameSession("named"),
    SetMode("plan"),
    SetModel("demo"),
    AddPin("p", "pinned", "ann"),
    RemovePin("p"),
    ChangePlan((PlanItem(id="1", text="do"),)),
    Fork("b", "main", 0),
    SetBranchPrompt("b", "Be brief."),
    ArchiveContext(),
    UnarchiveContext(),
    DeleteSession(),
    RestoreSession(),
)


def agent(name: str, on_behalf_of: str | None = "ann") -> Actor:
    return Actor(id=name, name=name, kind="agent", on_behalf_of=on_behalf_of)


def by_type(room: Room, session_id: str) -> dict[str, set[Actor]]:
    found: dict[str, set[Actor]] = {}
    for event in room.of(session_id):
        found.setdefault(event.type, set()).add(event.by)
    return found


@pytest.mark.parametrize("command", EDITS, ids=lambda command: type(command).__name__)
async def test_an_edit_is_by_the_caller(command: Command) -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    for each in EDITS[: EDITS.index(command) + 1]:
        before = len(room.of(session_id))
        await room.sessions.handle(session_id, each, ANN)
    events = room.of(session_id)[before:]
    assert events
    assert {event.by for event in events} == {BY_ANN}


async def test_the_server_at_work_is_the_actor_server() -> None:
    assert actor_of(SYSTEM) == SERVER
    room, _ = await memory_room()
    session_id = await room.create()
    await room.sessions.handle(session_id, RenameSession("x"), SYSTEM)
    assert room.of(session_id)[-1].by == SERVER


async def test_what_a_run_writes_is_by_its_agent_on_behalf_of_who_asked() -> None:
    async with workshop() as shop:
        session_id = await shop.room.create()
        await shop.room.sessions.handle(session_id, say(author="ann"), ANN)
        await shop.until(session_id, "COMPLETED")
        found = by_type(shop.room, session_id)
        assert found["message.created"] == {BY_ANN, agent("assistant")}
        for written in ("message.delta", "message.completed", "run.finished"):
            assert found[written] == {agent("assistant")}
        assert found["run.queued"] == {BY_ANN}
        assert found["run.started"] == {SERVER}
        (run,) = await shop.room.runs(session_id)
        assert run.asked_by == "ann"


async def test_each_run_of_a_queue_is_on_behalf_of_who_asked_for_it() -> None:
    async with workshop({"says": Says("hello")}) as shop:
        session_id = await shop.room.create()
        for name in ("ann", "ben", "eve"):
            asking = Principal(name, name.title(), "token")
            await shop.room.sessions.handle(session_id, say(author=name, agent="says"), asking)
        await eventually(lambda: len([e for e in shop.room.of(session_id) if e.type == "run.finished"]) == 3)
        ends = [event.by.on_behalf_of for event in shop.room.of(session_id) if event.type == "run.finished"]
        assert ends == ["ann", "ben", "eve"]
        assert [run.asked_by for run in await shop.room.runs(session_id)] == ["ann", "ben", "eve"]


async def test_a_run_that_somebody_else_cancels_ends_by_them() -> None:
    async with workshop({"hangs": Hangs()}) as shop:
        session_id = await shop.room.create()
        await shop.room.sessions.handle(session_id, say(author="ann", agent="hangs"), ANN)
        await eventually(lambda: shop.runs.active == 1)
        await shop.room.sessions.handle(session_id, CancelRun(), Principal("ben", "Ben", "token"))
        (ended,) = [event for event in shop.room.of(session_id) if event.type == "run.finished"]
        assert ended.by == Actor(id="ben", name="Ben", kind="user")


async def test_a_run_that_is_tried_again_is_on_behalf_of_who_tried() -> None:
    async with workshop({"says": Says("hello")}) as shop:
        session_id = await shop.room.create()
        question = say(author="ann", agent="says")
        await shop.room.sessions.handle(session_id, question, ANN)
        await shop.until(session_id, "COMPLETED")
        retry = RetryRun("r2", question.message_id, "ben", "says")
        await shop.room.sessions.handle(session_id, retry, Principal("ben", "Ben", "token"))
        await eventually(lambda: shop.runs.active == 0 and shop.room.state(session_id).session_state == "COMPLETED")
        assert [event.by for event in shop.room.of(session_id) if event.type == "run.finished"] == [
            agent("says"),
            agent("says", "ben"),
        ]


async def test_a_program_that_embeds_parley_is_an_agent_of_its_own() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    async with ChatContext.open(room.sessions, session_id, owner="x", question="hi", principal=ANN) as context:
        message_id = await context.begin_streaming_llm_response("m")
        await context.append_streaming_chunk(message_id, "hello")
        await context.finalize_streaming_response(message_id)
    found = by_type(room, session_id)
    program = agent("chat-context")
    assert found["run.queued"] == {BY_ANN}
    assert found["message.created"] == {BY_ANN, program}
    assert found["run.started"] == found["message.delta"] == found["run.finished"] == {program}


async def test_who_asks_for_what_is_so_already_leaves_no_trace() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    before = len(room.of(session_id))
    await room.sessions.handle(session_id, RevokeGrant("nothing"), ANN)
    assert len(room.of(session_id)) == before
