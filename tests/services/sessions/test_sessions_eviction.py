"""Which contexts stay in memory: as many as the budget holds, the longest idle go first, none that is at work."""

from __future__ import annotations

import asyncio
import random

import pytest
from rounds import seeded
from world import USER, Room, eventually, memory_room, say

from models.commands import (
    AppendDelta,
    BeginStream,
    CancelRun,
    DeleteSession,
    FinishRun,
    RenameSession,
    RunFence,
    SetBranchPrompt,
    StartRun,
)
from models.errors import StorageUnavailable
from models.ids import new_id
from services.sessions import cache as cache_module
from services.sessions.cache import IDLE_BYTES
from services.sessions.open_session import BRANCH_BYTES, CHAR_BYTES, EVENT_BYTES, OPEN_BYTES
from services.sessions.tail import KEPT_CHARS, KEPT_EVENTS

FRESH_BYTES = OPEN_BYTES + BRANCH_BYTES + EVENT_BYTES + CHAR_BYTES * 200
"""A session that was created and nothing else: one event in its tail, which counts as 200 characters."""


def held(room: Room) -> list[str]:
    return [session_id for session_id in room.sessions._cache if room.sessions.context(session_id) is not None]


async def begun(room: Room, session_id: str) -> tuple[RunFence, str]:
    command = say()
    await room.do(session_id, command)
    await room.do(session_id, StartRun(command.run_id))
    fence, message_id = RunFence(command.run_id, 1), new_id()
    await room.do(session_id, BeginStream(fence, message_id, "assistant", "m"))
    return fence, message_id


async def test_the_budget_is_64_mb() -> None:
    assert IDLE_BYTES == 64_000_000


async def test_the_longest_idle_contexts_go_when_the_budget_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "IDLE_BYTES", 4 * FRESH_BYTES)
    room, _ = await memory_room()
    ids = [await room.create() for _ in range(10)]
    assert held(room) == ids[-4:]
    assert room.sessions._cache.idle_bytes == 4 * FRESH_BYTES


async def test_a_context_that_is_used_again_becomes_the_last_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "IDLE_BYTES", 4 * FRESH_BYTES)
    room, _ = await memory_room()
    ids = [await room.create() for _ in range(4)]
    # It changes nothing, so it weighs no more; even a command that is fulfilled already counts as use.
    await room.do(ids[0], RenameSession(""))
    new = await room.create()
    assert set(held(room)) == {ids[0], ids[2], ids[3], new}


async def test_a_session_at_work_neither_goes_nor_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "IDLE_BYTES", 2 * FRESH_BYTES)
    room, _ = await memory_room()
    working = [await room.create() for _ in range(3)]
    for each in working:
        await begun(room, each)
    assert (set(held(room)), room.sessions._cache.idle_bytes) == (set(working), 0)
    ids = [await room.create() for _ in range(5)]
    assert set(held(room)) == {*working, *ids[-2:]}
    for each in working:
        await room.assert_shown_is_journal(each)


async def test_a_run_that_ends_makes_room_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only when the next session is opened: by then its tail may have been heavy for hours."""
    monkeypatch.setattr(cache_module, "IDLE_BYTES", 10 * FRESH_BYTES)
    room, _ = await memory_room()
    ids = [await room.create() for _ in range(4)]
    fence, message_id = await begun(room, ids[0])
    for _ in range(100):
        await room.do(ids[0], AppendDelta(fence, message_id, "word " * 10))
    assert set(held(room)) == set(ids)
    await room.do(ids[0], FinishRun(fence))
    assert held(room) == [ids[0]], "the newest stays, whatever it weighs"


async def test_a_context_that_was_let_go_comes_back_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "IDLE_BYTES", FRESH_BYTES)
    room, journal = await memory_room()
    first = await room.create()
    before = room.state(first)
    await room.create()
    assert room.sessions.context(first) is None
    assert room.sessions.tail(first, 0) is None
    loads = journal.loads
    await room.do(first, RenameSession(""))
    assert room.state(first) == before
    assert journal.loads == loads + 1
    await room.do(first, RenameSession("goes on"))
    await room.assert_shown_is_journal(first)


async def test_the_estimate_knows_prompts_and_stays_bounded_however_long_the_history() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    await room.do(session_id, SetBranchPrompt("main", "x" * 5_000))
    assert room.sessions._cache.idle_bytes > FRESH_BYTES + 5_000 * CHAR_BYTES
    for number in range(KEPT_EVENTS + 100):
        await room.do(session_id, RenameSession(f"title {number}"))
    most = OPEN_BYTES + BRANCH_BYTES + EVENT_BYTES * KEPT_EVENTS + CHAR_BYTES * (KEPT_CHARS + 5_000)
    assert room.sessions._cache.idle_bytes <= most


async def test_a_purged_session_gives_its_room_back() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    await room.do(session_id, DeleteSession())
    await room.sessions.purge(session_id)
    assert (list(room.sessions._cache), room.sessions._cache.idle, room.sessions._cache.idle_bytes) == ([], {}, 0)


async def test_a_session_whose_append_failed_rests_once_its_head_was_read() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    journal.broken = StorageUnavailable("disk full")
    with pytest.raises(StorageUnavailable):
        await room.do(session_id, RenameSession("lost"))
    assert room.sessions._cache.idle == {}, "nothing may be forgotten before the head is known"
    journal.broken = None
    await eventually(lambda: session_id in room.sessions._cache.idle)
    assert sum(room.sessions._cache.idle.values()) == room.sessions._cache.idle_bytes


@pytest.mark.parametrize("seed", seeded(0, 10))
async def test_the_books_balance_whatever_happens(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle and open agree, the sum is the sum, the bounds hold, and every session's events were shown once."""
    monkeypatch.setattr(cache_module, "IDLE_BYTES", 12 * FRESH_BYTES)
    monkeypatch.setattr(cache_module, "OPEN_SESSIONS", 5)
    dice = random.Random(seed)
    room, journal = await memory_room()
    ids = [await room.create() for _ in range(8)]
    for _ in range(120):
        await asyncio.gather(*(step(room, dice.choice(ids), dice) for _ in range(dice.randint(1, 4))))
        check_books(room)
    for each in ids:
        await room.do(each, CancelRun())
    check_books(room)
    assert len(room.sessions._cache) <= 5
    for each in ids:
        await room.assert_shown_is_journal(each)
        context = room.sessions.context(each)
        assert context in (None, await journal.load(each))


async def step(room: Room, session_id: str, dice: random.Random) -> None:
    match dice.randrange(3):
        case 0:
            await room.do(session_id, say("text " * dice.randint(1, 50)))
        case 1:
            await room.do(session_id, CancelRun())
        case _:
            await room.do(session_id, RenameSession(f"title {dice.random()}"))


def check_books(room: Room) -> None:
    sessions = room.sessions
    assert sum(sessions._cache.idle.values()) == sessions._cache.idle_bytes
    assert len(sessions._cache.idle) <= 1 or sessions._cache.idle_bytes <= 12 * FRESH_BYTES
    for session_id in sessions._cache:
        session = sessions._cache.get(session_id)
        assert session is not None
        assert (session_id in sessions._cache.idle) is not session.at_work
    assert set(sessions._cache.idle) <= set(sessions._cache)


async def test_unknown_ids_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "OPEN_SESSIONS", 5)
    room, _ = await memory_room()
    asked = [room.sessions.submit(new_id(), RenameSession("x"), USER) for _ in range(50)]
    await asyncio.gather(*asked, return_exceptions=True)
    assert len(room.sessions._cache) <= 5


async def test_what_nobody_used_between_two_looks_is_let_go_of() -> None:
    """Fails when idle sessions stay until others push them out: memory would never come back after a load."""
    room, _ = await memory_room()
    idle, used, at_work = [await room.create() for _ in range(3)]
    await begun(room, at_work)
    room.sessions.let_go_idle()
    assert held(room) == [idle, used, at_work]
    await room.do(used, RenameSession("again"))
    room.sessions.let_go_idle()
    assert held(room) == [used, at_work]
    await room.do(idle, RenameSession("read again"))
    room.sessions.let_go_idle()
    assert held(room) == [at_work, idle]
    for _ in range(2):
        room.sessions.let_go_idle()
    assert held(room) == [at_work]
    assert (len(room.sessions._cache.idle), room.sessions._cache.idle_bytes) == (0, 0)
