"""Cancelled callers, at every await of the door: nothing is left half done, and the next command works.

The door awaits in four places: loading a session, reading what was missed, waiting for an append, looking up a
repeated message. A gate of the journal holds each of them while the caller is cancelled. Taken out for the check:
`future.done()` in `_Pending.resolve`: the journal's callback, not the caller, carries a command through.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from world import USER, HookedJournal, Room, eventually, memory_room, say, settled

from models.clock import SYSTEM_CLOCK
from models.commands import Command, DeleteSession, RenameSession
from models.errors import StorageUnavailable
from services.store.sqlite.database import Database
from services.store.sqlite.store import sqlite_store


async def cancelled(call: asyncio.Task[object]) -> None:
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def ask(room: Room, session_id: str, command: Command) -> asyncio.Task[object]:
    asked: asyncio.Task[object] = asyncio.create_task(room.do(session_id, command))
    await asyncio.sleep(0)
    return asked


async def assert_door_is_open(room: Room, session_id: str, after: int = 0) -> None:
    await room.do(session_id, RenameSession(f"open {len(room.shown)}"))
    await room.assert_shown_is_journal(session_id, after)


async def test_a_caller_cancelled_while_the_append_is_under_way_finds_it_done() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    gate = journal.hold("append")
    asked = await ask(room, session_id, say("kept", client_id="c"))
    await gate.reached.wait()
    await cancelled(asked)
    gate.open.set()
    await eventually(lambda: "message.created" in room.types(session_id))
    await assert_door_is_open(room, session_id)
    again = await room.do(session_id, say("kept", client_id="c"))
    assert again.seq == 2
    assert [message.content for message in await room.messages(session_id)] == ["kept"]


async def test_a_caller_cancelled_before_the_append_returned_an_error_harms_nobody() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    gate = journal.hold("append")
    asked = await ask(room, session_id, say())
    await gate.reached.wait()
    await cancelled(asked)
    journal.broken = StorageUnavailable()
    gate.open.set()
    await settled()
    journal.broken = None
    await eventually(lambda: room.sessions.context(session_id) is not None)
    await assert_door_is_open(room, session_id)


async def test_a_caller_cancelled_while_the_session_is_loaded_has_its_command_done() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    fresh = Room(room.store, room.project_id)
    gate = journal.hold("load")
    asked = await ask(fresh, session_id, say("kept"))
    await gate.reached.wait()
    await cancelled(asked)
    gate.open.set()
    await assert_door_is_open(fresh, session_id, after=1)
    assert [message.content for message in await fresh.messages(session_id)] == ["kept"]


async def test_a_caller_cancelled_while_loading_fails_harms_nobody() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    fresh = Room(room.store, room.project_id)
    gate = journal.hold("load")
    asked = await ask(fresh, session_id, say("lost"))
    await gate.reached.wait()
    await cancelled(asked)
    journal.broken_reads = StorageUnavailable()
    gate.open.set()
    await settled()
    journal.broken_reads = None
    await assert_door_is_open(fresh, session_id, after=1)


async def test_a_caller_cancelled_while_missed_events_are_read_has_its_command_done() -> None:
    room, journal = await memory_room()
    session_id = await room.create(title="t")
    other = Room(room.store, room.project_id)
    await other.do(session_id, say("unseen"))
    gate = journal.hold("since")
    asked = await ask(room, session_id, say("kept"))
    await gate.reached.wait()
    await cancelled(asked)
    gate.open.set()
    await assert_door_is_open(room, session_id)
    assert [message.content for message in await room.messages(session_id)] == ["unseen", "kept"]


async def test_a_caller_cancelled_while_its_repetition_is_looked_up_leaves_one_message() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    await room.do(session_id, say("once", client_id="c"))
    gate = journal.hold("sent")
    asked = await ask(room, session_id, say("once", client_id="c"))
    await gate.reached.wait()
    await cancelled(asked)
    gate.open.set()
    await assert_door_is_open(room, session_id)
    assert len(await room.messages(session_id)) == 1


async def test_a_caller_cancelled_in_the_queue_behind_another_has_its_command_done_in_turn() -> None:
    room, journal = await memory_room()
    session_id = await room.create(title="t")
    gate = journal.hold("append")
    first = await ask(room, session_id, RenameSession("first"))
    second = await ask(room, session_id, RenameSession("second"))
    third = await ask(room, session_id, RenameSession("third"))
    await gate.reached.wait()
    await cancelled(second)
    gate.open.set()
    await asyncio.gather(first, third)
    assert [type(event.body).__name__ for event in room.of(session_id)[1:]] == ["SessionRenamed"] * 3
    await assert_door_is_open(room, session_id)


async def test_a_caller_cancelled_during_a_deletion_leaves_it_whole() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    await room.do(session_id, say())
    gate = journal.hold("append")
    asked = await ask(room, session_id, DeleteSession())
    await gate.reached.wait()
    await cancelled(asked)
    gate.open.set()
    await eventually(lambda: room.types(session_id)[-1] == "session.deleted")
    assert (await journal.load(session_id)).queue == ()


@pytest.mark.parametrize("ticks", range(8))
async def test_a_caller_cancelled_at_any_turn_of_the_loop_leaves_a_dense_journal(ticks: int) -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    fresh = Room(room.store, room.project_id)
    asked: asyncio.Task[object] = asyncio.create_task(fresh.do(session_id, say("now or never", client_id="c")))
    for _ in range(ticks):
        await asyncio.sleep(0)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    answer = await fresh.do(session_id, say("now or never", client_id="c"))
    assert answer.seq == 2
    await assert_door_is_open(fresh, session_id, after=1)
    assert len(await fresh.messages(session_id)) == 1


@pytest.mark.parametrize("ticks", [0, 1, 2, 5, 20, 80])
async def test_on_sqlite_too_callers_cancelled_by_the_dozen_leave_every_session_whole(
    ticks: int, tmp_path: Path
) -> None:
    store = sqlite_store(Database(tmp_path, SYSTEM_CLOCK))
    await store.open()
    room = Room(store, (await store.projects.inbox()).id)
    ids = [await room.create() for _ in range(12)]
    asked = [asyncio.create_task(room.do(each, say(client_id="c"))) for each in ids]
    for _ in range(ticks):
        await asyncio.sleep(0)
    for call in asked:
        call.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    for each in ids:
        assert (await room.do(each, say(client_id="c"))).seq == 2
        await assert_door_is_open(room, each)
    await room.sessions.close()
    await store.close()


async def test_a_future_that_is_dropped_is_done_all_the_same() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    room.sessions.submit(session_id, RenameSession("fire and forget"), USER)
    await eventually(lambda: room.state(session_id).title == "fire and forget")
    assert isinstance(journal, HookedJournal)
