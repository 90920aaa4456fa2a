"""Runs whose process or storage is gone: taken over, given up with a reason, and never written to by two (I4, I5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from agents_for_tests import Hangs, Paced, Says
from world import USER, FakeTime, HookedJournal, Workshop, eventually, say, settled, workshop

from models.actors import SERVER
from models.clock import SYSTEM_CLOCK
from models.commands import CancelRun, DeleteSession, TakeOverRun
from models.errors import Fenced, StorageUnavailable
from models.events import MessageCompleted, RunStarted
from services.engine.context import Context
from services.runs.agents import Agent
from services.runs.keeper import ATTEMPTS_MAX, HEARTBEAT_S, LEASE_MS, REAP_S, RETRY
from services.store.sqlite.database import Database
from services.store.sqlite.store import sqlite_store
from services.store.store import Store


@asynccontextmanager
async def boot(before: Workshop, agents: dict[str, Agent]) -> AsyncIterator[Workshop]:
    """The next start of the server, on the same journal, when the leases of the one before have run out."""
    before.time.now += LEASE_MS
    time = FakeTime(before.time.now)
    async with workshop(agents, store=before.room.store, project_id=before.room.project_id, time=time) as shop:
        yield shop


async def ends(shop: Workshop, session_id: str) -> list[tuple[str, str | None]]:
    return [(run.state, run.reason) for run in await shop.room.runs(session_id)]


async def in_mid_stream(shop: Workshop, agent: Paced, on_crash: str = "resume") -> str:
    session_id = await shop.room.create()
    await shop.room.do(session_id, say(agent="paced", on_crash="resume" if on_crash == "resume" else "fail"))
    await agent.at_work.wait()
    return session_id


# Restarts (I5)


async def test_i5_a_resumable_run_is_taken_over_and_its_half_reply_closed() -> None:
    """Taken out for the check: the orphans in `_reap`."""
    lost, again = Paced(), Paced()
    again.go.set()
    async with workshop({"paced": lost}) as first:
        session_id = await in_mid_stream(first, lost)
        await first.kill()
        async with boot(first, {"paced": again}) as second:
            await second.until(session_id, "COMPLETED")
            assert again.attempts == [2]
            said = await second.room.messages(session_id)
            assert [(m.content, m.status) for m in said[1:]] == [("one ", "interrupted"), ("one two", "complete")]
            closed = said[1].payload
            assert closed is not None
            assert closed.to_wire()["finishReason"] == "error: the server stopped while the agent was at work"
            assert await ends(second, session_id) == [("completed", None)]


async def test_i5_a_run_that_is_not_resumable_ends_as_failed_with_a_reason() -> None:
    """Taken out for the check: AbandonRun in `_take_over`."""
    lost, again = Paced(), Paced()
    async with workshop({"paced": lost}) as first:
        session_id = await in_mid_stream(first, lost, on_crash="fail")
        await first.kill()
        async with boot(first, {"paced": again}) as second:
            await second.until(session_id, "FAILED")
            assert again.attempts == []
            assert await ends(second, session_id) == [
                ("failed", "interrupted: the server stopped while the agent was at work")
            ]
            assert (await second.room.messages(session_id))[1].status == "interrupted"


async def test_i5_what_waited_in_the_queue_goes_on_after_a_restart() -> None:
    lost, again = Paced(), Paced()
    again.go.set()
    async with workshop({"paced": lost, "says": Says()}) as first:
        session_id = await in_mid_stream(first, lost)
        await first.room.do(session_id, say("two", agent="says"))
        other = await first.room.create()
        await first.kill()
        await asyncio.gather(boot_with_a_message(first, other))
        async with boot(first, {"paced": again, "says": Says()}) as second:
            await second.until(session_id, "COMPLETED")
            await second.until(other, "COMPLETED")
            assert [state for state, _ in await ends(second, session_id)] == ["completed", "completed"]


async def boot_with_a_message(before: Workshop, session_id: str) -> None:
    """A boot that took a message, and died before it started the run."""
    shop = Workshop(before.room.store, before.room.project_id)
    shop.runs.draining = True
    await shop.room.do(session_id, say(agent="says"))


async def test_i5_a_run_that_takes_its_process_down_each_time_is_given_up() -> None:
    agents = [Paced() for _ in range(ATTEMPTS_MAX)]
    async with workshop({"paced": agents[0]}) as first:
        session_id = await in_mid_stream(first, agents[0])
        await first.kill()
        for number, agent in enumerate(agents[1:], start=2):
            async with boot(first, {"paced": agent}) as shop:
                await agent.at_work.wait()
                assert agent.attempts == [number]
                await shop.kill()
        unused = Paced()
        async with boot(first, {"paced": unused}) as last:
            await last.until(session_id, "FAILED")
            assert unused.attempts == []
            ((_, reason),) = await ends(last, session_id)
            assert reason is not None
            assert reason.startswith(f"interrupted: given up after {ATTEMPTS_MAX} attempts")


async def test_i5_many_sessions_are_taken_over_at_once() -> None:
    lost = Paced()
    async with workshop({"paced": lost}) as first:
        ids = [await first.room.create() for _ in range(30)]
        for each in ids:
            await first.room.do(each, say(agent="paced"))
        await eventually(lambda: len(lost.attempts) == 30)
        await settled()
        await first.kill()
        again = Paced()
        again.go.set()
        async with boot(first, {"paced": again}) as second:
            for each in ids:
                await second.until(each, "COMPLETED")


async def test_a_drained_run_goes_on_at_the_next_start_with_what_was_said_kept() -> None:
    lost, again = Paced(), Paced()
    again.go.set()
    async with workshop({"paced": lost}) as first:
        session_id = await in_mid_stream(first, lost)
        await first.stop()
        async with boot(first, {"paced": again}) as second:
            await second.until(session_id, "COMPLETED")
            assert [m.content for m in await second.room.messages(session_id)] == ["hello", "one ", "one two"]


async def test_a_session_that_was_deleted_is_not_taken_over() -> None:
    lost, again = Paced(), Paced()
    async with workshop({"paced": lost}) as first:
        session_id = await in_mid_stream(first, lost)
        await first.room.do(session_id, DeleteSession())
        await eventually(lambda: first.runs.active == 0)
        async with boot(first, {"paced": again}):
            await settled()
            assert again.attempts == []


async def test_i5_on_sqlite_a_restart_resumes_at_once_whatever_the_lease_says(tmp_path: Path) -> None:
    """The folder's lock says that the other boot is dead; its lease has 30 s to go."""
    lost, again = Paced(), Paced()
    again.go.set()
    store = await sqlite(tmp_path)
    async with workshop({"paced": lost}, store=store) as first:
        session_id = await in_mid_stream(first, lost)
        await first.kill()
        await store.close()
        reopened = await sqlite(tmp_path)
        async with workshop({"paced": again}, store=reopened) as second:
            await second.until(session_id, "COMPLETED")
            assert [(m.content, m.status) for m in await second.room.messages(session_id)] == [
                ("hello", "complete"),
                ("one ", "interrupted"),
                ("one two", "complete"),
            ]
            assert [run.attempt for run in await second.room.runs(session_id)] == [2]
        await reopened.close()


async def sqlite(folder: Path) -> Store:
    store = sqlite_store(Database(folder, SYSTEM_CLOCK))
    await store.open()
    return store


# Zombies (I4)


async def test_i4_the_late_write_of_a_zombie_is_fenced_and_the_new_attempt_is_undisturbed() -> None:
    """Taken out for the check: `_check_fence` in the engine."""
    zombie, again = Paced(), Paced()
    async with workshop({"paced": zombie}) as first:
        session_id = await in_mid_stream(first, zombie)
        async with boot(first, {"paced": again}) as second:
            await again.at_work.wait()
            zombie.go.set()
            await eventually(lambda: first.runs.active == 0)
            assert isinstance(zombie.errors[0], Fenced)
            assert second.room.state(session_id).session_state == "RUNNING"
            again.go.set()
            await second.until(session_id, "COMPLETED")
            said = await second.room.messages(session_id)
            assert [m.content for m in said] == ["hello", "one ", "one two"]
            await second.room.assert_shown_is_journal(session_id, after=second.room.of(session_id)[0].seq - 1)


async def test_i4_of_two_boots_that_take_over_at_once_one_wins() -> None:
    lost, one, other = Paced(), Paced(), Paced()
    async with workshop({"paced": lost}) as first:
        session_id = await in_mid_stream(first, lost)
        await first.kill()
        context = await first.room.store.journal.load(session_id)
        assert context.run is not None
        shops = [Workshop(first.room.store, first.room.project_id, {"paced": agent}) for agent in (one, other)]
        take = TakeOverRun(context.run.id, context.run.attempt, "died")
        results = await asyncio.gather(
            *(shop.room.sessions.submit(session_id, take, SERVER) for shop in shops), return_exceptions=True
        )
        assert sorted(type(result).__name__ for result in results) == ["Fenced", "NoneType"]
        events = (await first.room.store.journal.since(session_id, 0)).events
        assert [event.body.run.attempt for event in events if isinstance(event.body, RunStarted)] == [1, 2]


async def test_i4_a_run_whose_lease_expired_unnoticed_is_taken_over_by_the_watch() -> None:
    lost, again = Paced(), Paced()
    again.go.set()
    async with workshop({"paced": lost}) as first:
        session_id = await in_mid_stream(first, lost)
        first.runs._active.pop(first.room.state(session_id).run.id)  # type: ignore[union-attr]
        first.runs._agents._agents["paced"] = again
        await first.time.advance(LEASE_MS / 1000)
        await first.time.advance(REAP_S)
        await first.until(session_id, "COMPLETED")
        assert again.attempts == [2]
        lost.go.set()
        await eventually(lambda: lost.errors)
        assert isinstance(lost.errors[0], Fenced)


# Storage in trouble


async def test_a_run_that_loses_its_storage_is_taken_over_when_the_storage_is_back() -> None:
    """Taken out for the check: the helper `_retry` in `_work`."""
    agent = Paced()
    async with workshop({"paced": agent}) as shop:
        store = shop.room.store
        journal = store.journal
        assert isinstance(journal, HookedJournal)
        session_id = await in_mid_stream(shop, agent)
        journal.broken = StorageUnavailable("full")
        agent.go.set()
        await eventually(lambda: agent.errors)
        assert isinstance(agent.errors[0], StorageUnavailable)
        await eventually(lambda: shop.runs.active == 0)
        await shop.time.advance(RETRY.base_s)
        assert agent.attempts == [1]
        journal.broken = None

        await eventually(lambda: shop.room.sessions.context(session_id) is not None, "the reload")
        for _ in range(3):  # far fewer than the watch needs to notice
            await shop.time.advance(RETRY.base_s)
        await shop.until(session_id, "COMPLETED")
        assert agent.attempts == [1, 2]
        assert [m.content for m in await shop.room.messages(session_id)] == ["hello", "one ", "one two"]
        await shop.room.assert_shown_is_journal(session_id)


async def test_a_start_that_loses_its_storage_is_tried_again() -> None:
    agent = Paced()
    agent.go.set()
    async with workshop({"paced": agent}) as shop:
        store = shop.room.store
        journal = store.journal
        assert isinstance(journal, HookedJournal)
        session_id = await shop.room.create()
        gate = journal.hold("append")
        sent = shop.room.sessions.submit(session_id, say(agent="paced"), USER)
        await gate.reached.wait()
        start = journal.hold("append")
        gate.open.set()
        await sent
        await start.reached.wait()
        journal.broken = StorageUnavailable("full")
        start.open.set()
        await settled()
        journal.broken = None
        await shop.time.advance(RETRY.base_s)
        await shop.until(session_id, "COMPLETED")
        assert agent.attempts == [1]


async def test_the_watch_survives_storage_that_is_away() -> None:
    agent = Hangs()
    async with workshop({"hangs": agent}) as shop:
        store = shop.room.store
        journal = store.journal
        assert isinstance(journal, HookedJournal)
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="hangs"))
        await agent.at_work.wait()
        working = store.leases.renew

        async def away(*_arguments: object) -> None:
            raise StorageUnavailable

        store.leases.renew = away  # type: ignore[method-assign, assignment]
        await shop.time.advance(HEARTBEAT_S)
        store.leases.renew = working  # type: ignore[method-assign]
        for _ in range(5):
            await shop.time.advance(HEARTBEAT_S)
        assert await store.leases.orphans(shop.time.clock()) == ()
        await shop.room.do(session_id, CancelRun())


async def test_no_more_runs_than_there_is_room_for_are_taken_over_at_once_and_the_rest_follow() -> None:
    """Taken out for the check: the postponing in `_take_over`."""
    lost, again = Paced(), Paced()
    async with workshop({"paced": lost}) as first:
        ids = [await first.room.create() for _ in range(3)]
        for each in ids:
            await first.room.do(each, say(agent="paced"))
        await eventually(lambda: len(lost.attempts) == 3)
        await first.kill()
        store, project_id = first.room.store, first.room.project_id
        time = FakeTime(first.time.now + LEASE_MS)
        async with workshop({"paced": again}, store=store, project_id=project_id, time=time, runs_max=1) as second:
            await settled()
            assert (second.runs.active, again.attempts) == (1, [2])
            again.go.set()
            for each in ids:
                await second.until(each, "COMPLETED")
            assert again.attempts == [2, 2, 2]


async def test_a_session_that_can_not_be_read_keeps_neither_the_start_nor_the_others_from_working() -> None:
    """Taken out for the check: the `except Exception` in `keep`."""
    lost, again = Paced(), Paced()
    again.go.set()
    async with workshop({"paced": lost}) as first:
        broken, sound = [await first.room.create() for _ in range(2)]
        for each in (broken, sound):
            await first.room.do(each, say(agent="paced"))
        await eventually(lambda: len(lost.attempts) == 2)
        await first.kill()
        journal = first.room.store.journal
        load = journal.load

        async def with_one_broken_row(session_id: str) -> Context:
            if session_id == broken:
                raise ValueError("a row that no version can read")
            return await load(session_id)

        journal.load = with_one_broken_row  # type: ignore[method-assign]
        async with boot(first, {"paced": again}) as second:
            await second.until(sound, "COMPLETED")
            assert again.attempts == [2]


async def test_the_watch_survives_a_session_that_is_purged_while_it_looks() -> None:
    """Taken out for the check: the SessionNotFound in `keep` and the `except Exception` in `_forever`."""
    agent = Paced()
    async with workshop({"paced": agent}) as shop:
        store = shop.room.store
        unfinished = store.reads.unfinished

        async def with_one_that_is_gone() -> tuple[str, ...]:
            return ("purged", *await unfinished())

        store.reads.unfinished = with_one_that_is_gone  # type: ignore[method-assign]
        await settled()
        keepers = set(shop.runs._helpers)
        await shop.time.advance(REAP_S)
        await shop.time.advance(REAP_S)
        assert set(shop.runs._helpers) == keepers


async def test_the_watch_survives_an_error_that_nobody_thought_of() -> None:
    """Taken out for the check: the `except Exception` in `_forever`."""
    async with workshop() as shop:
        store = shop.room.store

        async def fails(*_arguments: object) -> tuple[str, ...]:
            raise ValueError("a bug")

        working, store.leases.orphans = store.leases.orphans, fails  # type: ignore[method-assign, assignment]
        await settled()
        keepers = set(shop.runs._helpers)
        await shop.time.advance(REAP_S)
        store.leases.orphans = working  # type: ignore[method-assign]
        assert set(shop.runs._helpers) == keepers


async def test_draining_without_storage_is_logged_and_ends() -> None:
    agent = Hangs()
    async with workshop({"hangs": agent}) as shop:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say(agent="hangs"))
        await agent.at_work.wait()

        async def away(*_arguments: object) -> None:
            raise StorageUnavailable

        shop.room.store.leases.renew = away  # type: ignore[method-assign, assignment]
        await shop.runs.drain()
        assert shop.runs.active == 0


@pytest.mark.parametrize("attempt", range(5))
async def test_i5_killed_at_any_turn_of_the_loop_a_run_still_comes_to_its_end(attempt: int) -> None:
    lost, again = Paced(), Paced()
    lost.go.set()
    again.go.set()
    async with workshop({"paced": lost}) as first:
        session_id = await first.room.create()
        asked = asyncio.create_task(first.room.do(session_id, say(agent="paced")))
        for _ in range(3 + attempt * 4):
            await asyncio.sleep(0)
        await first.kill()
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        await settled()
        async with boot(first, {"paced": again}) as second:
            context = await second.room.store.journal.load(session_id)
            if context.busy:
                await second.until(session_id, "COMPLETED")
            events = (await second.room.store.journal.since(session_id, 0)).events
            complete = [
                event.body.message.content
                for event in events
                if isinstance(event.body, MessageCompleted) and event.body.message.status == "complete"
            ]
            assert complete in (["one two"], [])
            assert (await second.room.store.journal.load(session_id)).session_state in ("COMPLETED", "IDLE")
