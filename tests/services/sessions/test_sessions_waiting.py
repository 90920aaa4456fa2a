"""Waiting for what a session becomes: nothing that is shown in between is missed."""

from __future__ import annotations

import asyncio

import pytest
from world import Gate, Room, eventually, memory_room

from models.commands import RenameSession
from services.engine.context import Context


async def test_who_waits_for_a_change_is_woken_by_one_that_is_shown_while_the_session_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Taken out for the check: registering the waiter in `until` before the session is read."""
    room, journal = await memory_room()
    session_id = await room.create()
    other = Room(room.store, room.project_id)
    before, gate, load = await journal.load(session_id), Gate(), journal.load

    async def as_it_was_when_it_was_asked(wanted: str) -> Context:
        monkeypatch.setattr(journal, "load", load)
        await gate.passed()
        return before

    monkeypatch.setattr(journal, "load", as_it_was_when_it_was_asked)
    waiting = asyncio.create_task(other.sessions.until(session_id, lambda context: context.title == "renamed"))
    await gate.reached.wait()
    await other.do(session_id, RenameSession("renamed"))
    gate.open.set()
    await eventually(waiting.done, "the wait")
    assert waiting.result().title == "renamed"
    assert not other.sessions._listeners._waiters
