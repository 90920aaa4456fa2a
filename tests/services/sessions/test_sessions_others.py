"""Two doors on one journal: what the other one commits is shown here, in order and once, and no answer is behind it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from journal_store import KINDS, opened
from troubled_bus import TroubledBus
from world import FakeTime, HookedJournal, Room, commit, create, eventually, hooked_store, memory_room, say, settled

from models.commands import (
    AppendDelta,
    BeginStream,
    CancelRun,
    DeleteSession,
    RenameSession,
    RequestTools,
    RestoreSession,
    RunFence,
    SetModel,
    StartRun,
)
from models.errors import Fenced, ParleyError, RunAlreadyActive, SessionNotFound, StorageUnavailable
from models.events import TRUNCATE_OVER_BYTES
from models.heads import Head
from models.ids import new_id
from models.payloads import ToolCall
from models.results import Cancelled, Sent
from services.bus import Bus, MemoryBus
from services.engine.apply import apply_all
from services.engine.context import Context
from services.sessions.manager import GONE
from services.sessions.other_nodes import HEADS_EVERY_S, OtherNodes
from services.store.journal import Append
from services.store.memory.tables import Memory
from services.store.store import Store


@dataclass
class Pair:
    """`here` and `there`: two nodes' doors on one journal. Time, and with it the polling of heads, moves by hand."""

    journal: HookedJournal
    here: Room
    there: Room
    time: FakeTime
    cuts: list[tuple[str, str]]

    async def session(self, *, followed: bool = True) -> str:
        """Created there; here it is followed, as a room or a run would."""
        session_id = await self.there.create("t")
        if followed:
            self.here.sessions.follow(session_id)
            await self.here.sessions.catch_up(session_id)
        return session_id

    async def both_show_the_journal(self, session_id: str) -> None:
        for room in (self.here, self.there):
            shown = room.of(session_id)
            if shown:
                await room.assert_shown_is_journal(session_id, after=shown[0].seq - 1)
            assert room.sessions.context(session_id) == await self.journal.load(session_id)


@asynccontextmanager
async def two_doors(*, hints: bool = True) -> AsyncIterator[Pair]:
    (store, journal), time = hooked_store(), FakeTime()
    project_id = (await store.projects.inbox()).id
    one = MemoryBus("here")
    buses = (one, MemoryBus("there", beside=one)) if hints else (None, None)
    here, there = (Room(store, project_id, others=OtherNodes(bus, sleep=time.sleep)) for bus in buses)
    cuts: list[tuple[str, str]] = []
    here.sessions.subscribe_cuts(lambda session_id, reason: cuts.append((session_id, reason)))
    try:
        yield Pair(journal, here, there, time, cuts)
    finally:
        await here.sessions.close()
        await there.sessions.close()


# What others commit is shown


async def test_what_another_node_commits_is_shown_here_in_order_and_once() -> None:
    async with two_doors() as pair:
        session_id = await pair.session()
        loads = pair.journal.loads
        for number in range(3):
            await pair.there.do(session_id, say(f"there {number}"))
            await settled()
            await pair.here.do(session_id, RenameSession(f"here {number}"))
        await settled()
        assert pair.journal.loads == loads, "what follows on is folded, not read whole again"
        await pair.both_show_the_journal(session_id)
        assert pair.here.of(session_id)[0].seq == 2
        assert [committed.own for committed in pair.here.commits] == [False, True] * 3


async def test_a_hint_that_comes_while_an_append_of_ones_own_is_under_way_loses_nothing() -> None:
    """The append lost the race: what it missed is shown before it, once, however often it is hinted at."""
    async with two_doors() as pair:
        session_id = await pair.session()
        gate = pair.journal.hold("append")
        mine = asyncio.create_task(pair.here.do(session_id, RenameSession("mine")))
        await gate.reached.wait()
        await pair.there.do(session_id, say("faster"))
        await settled()
        assert pair.here.of(session_id) == [], "nothing is read while an append's outcome is open"
        gate.open.set()
        await mine
        head = pair.here.state(session_id).head
        for late in (2, head - 1, head):
            pair.here.sessions.learn(session_id, Head(pair.here.state(session_id).epoch, late))
        await settled()
        await pair.both_show_the_journal(session_id)


async def test_a_hint_that_comes_while_the_journal_is_read_is_followed_up() -> None:
    """Taken out for the check: `or session.behind` in `_next`."""
    async with two_doors() as pair:
        session_id = await pair.session()
        gate = pair.journal.hold("since")
        await pair.there.do(session_id, RenameSession("first"))
        await gate.reached.wait()
        load, context = pair.journal.load, await pair.journal.load(session_id)

        async def as_it_was_then(_session_id: str) -> Context:
            pair.journal.load = load  # type: ignore[method-assign]
            return context

        pair.journal.load = as_it_was_then  # type: ignore[method-assign, assignment]
        await pair.there.do(session_id, RenameSession("second"))
        await settled()
        gate.open.set()
        await eventually(lambda: pair.here.sessions.shown(session_id).title == "second")  # type: ignore[union-attr]
        pair.journal.load = load  # type: ignore[method-assign]
        await pair.both_show_the_journal(session_id)


async def test_a_lost_hint_costs_one_interval() -> None:
    async with two_doors(hints=False) as pair:
        session_id = await pair.session()
        await pair.there.do(session_id, say())
        await settled()
        assert pair.here.of(session_id) == []
        await pair.time.advance(HEADS_EVERY_S)
        await pair.both_show_the_journal(session_id)


async def test_polling_asks_for_all_heads_at_once_survives_trouble_and_ends_with_the_last_follower() -> None:
    async with two_doors(hints=False) as pair:
        ids = [await pair.session() for _ in range(5)]
        asked = pair.journal.heads_asked
        await pair.time.advance(HEADS_EVERY_S)
        assert pair.journal.heads_asked == asked + 1
        pair.journal.broken_reads = StorageUnavailable("disk full")
        await pair.time.advance(HEADS_EVERY_S)
        pair.journal.broken_reads = None
        await pair.there.do(ids[0], say())
        await pair.time.advance(HEADS_EVERY_S)
        assert pair.here.types(ids[0])[0] == "message.created"
        await pair.there.do(ids[0], CancelRun())
        await pair.time.advance(HEADS_EVERY_S)
        for session_id in ids:
            pair.here.sessions.unfollow(session_id)
        asked = pair.journal.heads_asked
        for _ in range(3):
            await pair.time.advance(HEADS_EVERY_S)
        assert pair.journal.heads_asked == asked


async def test_a_session_that_is_not_in_memory_costs_nothing() -> None:
    async with two_doors() as pair:
        session_id = await pair.session(followed=False)
        loads = pair.journal.loads
        await pair.there.do(session_id, say())
        pair.here.sessions.learn("unknown", Head("e", 7))
        await settled()
        assert (pair.journal.loads, pair.here.shown, list(pair.here.sessions._cache)) == (loads, [], [])


async def test_a_large_body_is_shown_and_the_context_is_as_the_journal_has_it(tmp_path: Path) -> None:
    """Its event is read without the body: what is folded from it would not be the context. Taken out for the check:
    `_is_cut_short` in `read_on`."""
    async with opened("sqlite", tmp_path) as store:
        one = MemoryBus("here")
        buses = (one, MemoryBus("there", beside=one))
        here, there = (Room(store.whole, store.project_id, others=OtherNodes(bus)) for bus in buses)
        session_id = await there.create()
        here.sessions.follow(session_id)
        await here.sessions.catch_up(session_id)
        asked = say("x" * (TRUNCATE_OVER_BYTES + 1))
        await there.do(session_id, asked)
        await there.do(session_id, StartRun(asked.run_id))
        large = ToolCall(call_id="c", name="write_file", arguments={"text": "x" * (TRUNCATE_OVER_BYTES + 1)})
        fence = RunFence(asked.run_id, 1)
        await there.do(session_id, RequestTools(fence, new_id(), "assistant", (large,), {"c": new_id()}))
        await here.sessions.catch_up(session_id)
        assert here.sessions.context(session_id) == await store.journal.load(session_id)
        await here.assert_shown_is_journal(session_id, after=1)
        await here.sessions.close()
        await there.sessions.close()


# Deleted, purged, replaced


async def test_a_session_deleted_elsewhere_is_shown_as_deleted_and_can_be_restored_here() -> None:
    async with two_doors() as pair:
        session_id = await pair.session()
        await pair.there.do(session_id, DeleteSession())
        await settled()
        assert pair.here.types(session_id) == ["session.deleted"]
        with pytest.raises(SessionNotFound):
            await pair.here.do(session_id, RenameSession("x"))
        await pair.here.do(session_id, RestoreSession())
        await settled()
        await pair.both_show_the_journal(session_id)


@pytest.mark.parametrize("hints", [True, False])
async def test_a_session_purged_elsewhere_before_its_deletion_was_seen_is_cut(hints: bool) -> None:
    async with two_doors(hints=hints) as pair:
        session_id = await pair.session()
        waiting = asyncio.create_task(pair.here.sessions.until(session_id, lambda context: context.title == "never"))
        await settled()
        gate = pair.journal.hold("since") if hints else None
        await pair.there.do(session_id, DeleteSession())
        await pair.there.sessions.purge(session_id)
        if gate is not None:
            gate.open.set()
        await pair.time.advance(HEADS_EVERY_S)
        assert pair.cuts == [(session_id, "the session was deleted")]
        with pytest.raises(SessionNotFound):
            await waiting
        with pytest.raises(SessionNotFound):
            await pair.here.do(session_id, RenameSession("x"))


async def test_a_hint_of_a_purge_is_looked_into_though_it_names_no_position() -> None:
    async with two_doors() as pair:
        session_id = await pair.session()
        await pair.there.do(session_id, DeleteSession())
        await settled()
        await pair.there.sessions.purge(session_id)
        await settled()
        assert pair.cuts == [(session_id, "the session was deleted")]
        pair.here.sessions.learn(session_id, GONE)
        await settled()
        assert len(pair.cuts) == 1


async def test_a_journal_that_was_replaced_is_begun_anew() -> None:
    async with two_doors() as pair:
        session_id = await pair.session()
        await pair.there.do(session_id, say())
        await settled()
        storage = pair.here.store.storage
        assert isinstance(storage, Memory)
        stored = storage.sessions.pop(session_id)
        created = tuple(replace(event, epoch="another") for event in stored.events[:1])
        await commit(pair.journal, Append(None, apply_all(None, created), created))
        await pair.time.advance(HEADS_EVERY_S)
        assert pair.cuts == [(session_id, "the journal was replaced")]
        assert pair.here.sessions.tail(session_id, 0) is None
        pair.here.shown.clear()
        pair.there.shown.clear()
        await pair.there.do(session_id, RenameSession("goes on"))
        await settled()
        assert [event.epoch for event in pair.here.shown] == ["another"]
        await pair.both_show_the_journal(session_id)


# No answer is behind


async def test_i8_nothing_is_refused_and_nothing_taken_for_fulfilled_before_the_head_was_read() -> None:
    """Taken out for the check: the two calls of `_may_be_behind` in `_begin`."""
    async with two_doors(hints=False) as pair:
        session_id = await pair.session()
        await pair.there.do(session_id, RenameSession("theirs"))
        await pair.here.do(session_id, RenameSession("t"))
        assert (await pair.journal.load(session_id)).title == "t", "it was not so any more"
        await pair.there.do(session_id, SetModel("m"))
        asked = say()
        await pair.there.do(session_id, asked)
        assert await pair.here.do(session_id, CancelRun()) == Cancelled(True)
        running = say(on_busy="reject")
        sent = await pair.there.do(session_id, running)
        assert isinstance(sent, Sent)
        await pair.here.do(session_id, StartRun(running.run_id))
        with pytest.raises(RunAlreadyActive):
            await pair.there.do(session_id, say(on_busy="reject"))
        await pair.here.do(session_id, CancelRun())
        await pair.there.do(session_id, say(on_busy="reject"))


async def test_a_refusal_on_the_newest_head_is_final_and_changes_nothing() -> None:
    async with two_doors(hints=False) as pair:
        session_id = await pair.session()
        appended, asked = len(pair.journal.appended), pair.journal.heads_asked
        with pytest.raises(ParleyError):
            await pair.here.do(session_id, StartRun(new_id()))
        assert (len(pair.journal.appended), pair.journal.heads_asked) == (appended, asked + 1)


async def test_what_was_asked_before_the_head_was_read_shares_that_read() -> None:
    async with two_doors(hints=False) as pair:
        session_id = await pair.session()
        asked = pair.journal.heads_asked
        gate = pair.journal.hold("heads")
        waiting = [asyncio.create_task(pair.here.do(session_id, RenameSession("t"))) for _ in range(10)]
        await gate.reached.wait()
        gate.open.set()
        await asyncio.gather(*waiting)
        assert pair.journal.heads_asked <= asked + 2


async def test_a_session_created_elsewhere_is_found_though_it_was_not_there_before() -> None:
    async with two_doors(hints=False) as pair:
        session_id = new_id()
        with pytest.raises(SessionNotFound):
            await pair.here.do(session_id, RenameSession("x"))
        await pair.there.do(session_id, create(pair.there.project_id))
        await pair.here.do(session_id, RenameSession("x"))


async def test_i10_the_same_client_message_id_at_both_makes_one_message_and_one_answer() -> None:
    async with two_doors() as pair:
        session_id = await pair.session()
        rooms = [pair.here, pair.there] * 3
        answers = await asyncio.gather(*(room.do(session_id, say("hello", client_id="c")) for room in rooms))
        assert len(set(answers)) == 1
        assert len(await pair.here.messages(session_id)) == 1
        await settled()
        await pair.both_show_the_journal(session_id)


async def test_who_waits_here_is_woken_by_what_is_committed_there() -> None:
    async with two_doors() as pair:
        session_id = await pair.session(followed=False)
        waiting = asyncio.create_task(pair.here.sessions.until(session_id, lambda context: context.title == "renamed"))
        await settled()
        await pair.there.do(session_id, RenameSession("renamed"))
        await eventually(waiting.done, "the wait")
        assert (await waiting).title == "renamed"
        assert not pair.here.sessions._cache.take(session_id).followers


async def test_current_is_never_behind_and_shows_what_it_finds() -> None:
    async with two_doors(hints=False) as pair:
        session_id = await pair.session()
        await pair.there.do(session_id, RenameSession("newer"))
        assert pair.here.sessions.shown(session_id).title == "t"  # type: ignore[union-attr]
        assert (await pair.here.sessions.current(session_id)).title == "newer"
        assert pair.here.types(session_id) == ["session.renamed"]


async def test_alone_the_head_is_never_asked_for() -> None:
    """One process on its journal pays nothing for the others that it hasn't got."""
    room, journal = await memory_room()
    session_id = await room.create("t")
    loads = journal.loads
    room.sessions.follow(session_id)
    await room.sessions.catch_up(session_id)
    await room.do(session_id, RenameSession("t"))
    with pytest.raises(ParleyError):
        await room.do(session_id, StartRun(new_id()))
    await room.sessions.current(session_id)
    room.sessions.unfollow(session_id)
    assert (journal.heads_asked, journal.loads) == (0, loads)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_i6_a_stream_without_a_pause_can_be_cancelled_elsewhere(kind: str, tmp_path: Path) -> None:
    """Taken out for the check: `_leaves_gap` in `_next`. Then who writes again at once wins every race."""
    async with opened(kind, tmp_path) as store:
        one = MemoryBus("here")
        buses = (one, MemoryBus("there", beside=one))
        here, there = (Room(store.whole, store.project_id, others=OtherNodes(bus)) for bus in buses)
        session_id, asked = await here.create(), say()
        await here.do(session_id, asked)
        await here.do(session_id, StartRun(asked.run_id))
        fence, message_id = RunFence(asked.run_id, 1), new_id()
        await here.do(session_id, BeginStream(fence, message_id, "assistant", "m"))

        async def stream() -> None:
            for number in range(5_000):
                await here.do(session_id, AppendDelta(fence, message_id, f"{number} "))

        streaming = asyncio.create_task(stream())
        await eventually(lambda: len(here.of(session_id)) > 10)
        assert await there.do(session_id, CancelRun()) == Cancelled(True)
        with pytest.raises(Fenced):
            await streaming
        await here.sessions.close()
        await there.sessions.close()


# By the dice


async def play(seed: int, store: Store, project_id: str, steps: int) -> None:
    """Both nodes write, hints get lost, doubled and disordered; then each ends with the journal's exact sequence."""
    dice, time = random.Random(seed), FakeTime()
    one = MemoryBus("0")
    buses: list[Bus] = [TroubledBus(bus, dice) for bus in (one, MemoryBus("1", beside=one))]
    rooms = [Room(store, project_id, others=OtherNodes(bus, sleep=time.sleep)) for bus in buses]
    ids = [await rooms[0].create("t") for _ in range(2)]
    for room in rooms:
        for session_id in ids:
            room.sessions.follow(session_id)
            await room.sessions.catch_up(session_id)
    for _ in range(steps):
        room, session_id = dice.choice(rooms), dice.choice(ids)
        await asyncio.gather(*(step(each, dice.choice(ids), dice) for each in rooms), step(room, session_id, dice))
        if dice.random() < 0.2:
            await time.advance(HEADS_EVERY_S)
    for session_id in ids:
        for room in rooms:
            await room.sessions.catch_up(session_id)
        for room in rooms:
            await room.sessions.catch_up(session_id)
            shown = room.of(session_id)
            await room.assert_shown_is_journal(session_id, after=shown[0].seq - 1)
            assert room.sessions.context(session_id) == await store.journal.load(session_id)
    for room in rooms:
        await room.sessions.close()


async def step(room: Room, session_id: str, dice: random.Random) -> None:
    try:
        match dice.randrange(5):
            case 0:
                await room.do(session_id, say("text " * dice.choice((1, 20, 15_000))))
            case 1:
                await room.do(session_id, CancelRun())
            case 2:
                run = next(iter((await room.sessions.current(session_id)).queue), None)
                await room.do(session_id, StartRun(run.id if run is not None else new_id()))
            case 3:
                await room.do(session_id, DeleteSession())
                await room.do(session_id, RestoreSession())
            case _:
                await room.do(session_id, RenameSession(f"title {dice.random()}"))
    except ParleyError as refused:
        if refused.code not in ("run_active", "run_not_found", "session_not_found", "illegal_transition"):
            raise


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
async def test_i3_both_nodes_show_the_journals_exact_sequence_whatever_becomes_of_the_hints(
    kind: str, seed: int, tmp_path: Path
) -> None:
    async with opened(kind, tmp_path) as store:
        await play(seed, store.whole, store.project_id, 30)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(100, 106))
async def test_i3_the_same_for_longer(kind: str, seed: int, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as store:
        await play(seed, store.whole, store.project_id, 300)
