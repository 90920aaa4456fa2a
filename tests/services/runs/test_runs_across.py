"""Two nodes on one store: a run works on one of them, and what is done to it on the other one reaches it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from agents_for_tests import Asks, Hangs, Listens, Paced, Says
from journal_store import opened
from world import FakeTime, Room, Workshop, eventually, say, settled

from models.commands import CancelRun, ResolveApproval
from models.errors import Fenced
from models.events import Event, RunFinished, RunStarted
from models.ids import EpochMs
from models.results import Cancelled
from services.bus import MemoryBus
from services.runs.agents import Agent
from services.runs.keeper import HEARTBEAT_S, LEASE_MS, REAP_S
from services.sessions.other_nodes import HEADS_EVERY_S, OtherNodes
from services.store.leases import Lease
from services.store.store import Store

TURNS = 50
"""How often a woken one may read and write before the time goes on without it: it may have ended."""


class Nodes:
    """Started boots on one store, and the same time for all."""

    def __init__(self, store: Store, project_id: str, *, hints: bool) -> None:
        self.store = store
        self.project_id = project_id
        self.time = FakeTime()
        self.shops: list[Workshop] = []
        self._bus = MemoryBus("nobody") if hints else None

    async def boot(self, agents: dict[str, Agent]) -> Workshop:
        bus = MemoryBus(f"node {len(self.shops)}", beside=self._bus) if self._bus is not None else None
        others = OtherNodes(bus, sleep=self.time.sleep)
        shop = Workshop(self.store, self.project_id, agents, time=self.time, others=others)
        self.shops.append(shop)
        await shop.runs.start()
        return shop

    async def events(self, session_id: str) -> tuple[Event, ...]:
        return (await self.store.journal.since(session_id, 0, limit=100_000, limit_bytes=1 << 40)).events

    async def attempts(self, session_id: str) -> list[int]:
        """I4: one after the other, each by one node."""
        return [each.body.run.attempt for each in await self.events(session_id) if isinstance(each.body, RunStarted)]

    async def passes(self, seconds: float, step_s: float = 1.0) -> None:
        """A second at a time, so that everybody's turn comes. The time stands while those whom it woke have SQLite's
        threads read and write; most sleep again after that."""
        for _ in range(round(seconds / step_s)):
            sleeping = self.time.sleeping
            await self.time.advance(step_s)
            for _ in range(TURNS):
                await self.store.leases.renew((), Lease("nobody", EpochMs(0)))
                await self.store.reads.unfinished()
                await settled()
                if self.time.sleeping >= sleeping:
                    break


@asynccontextmanager
async def nodes(kind: str, folder: Path, *, hints: bool = True) -> AsyncIterator[Nodes]:
    async with opened(kind, folder) as kept:
        world = Nodes(kept.whole, kept.project_id, hints=hints)
        try:
            yield world
        finally:
            for shop in world.shops:
                await shop.stop()


KINDS = pytest.mark.parametrize("kind", ["memory", "sqlite"])


@KINDS
async def test_an_approval_resolved_on_one_node_wakes_the_run_on_the_other(kind: str, tmp_path: Path) -> None:
    async with nodes(kind, tmp_path) as world:
        here, there = await world.boot({"asks": Asks()}), await world.boot({"asks": Asks()})
        session_id = await here.room.create()
        await here.room.do(session_id, say(agent="asks"))
        await here.until(session_id, "RUNNING")
        await eventually(lambda: here.room.state(session_id).approvals, "the question")
        (question,) = (await there.room.sessions.current(session_id)).approvals
        await there.room.do(session_id, ResolveApproval(question.id, "respond", by="ann", answer="blue"))
        await here.until(session_id, "COMPLETED")
        assert (await here.room.messages(session_id))[-1].content == "blue it is"
        assert await world.attempts(session_id) == [1]
        await there.until(session_id, "COMPLETED")
        await here.room.assert_shown_is_journal(session_id)


async def test_it_wakes_it_though_every_hint_is_lost(tmp_path: Path) -> None:
    """The run waits for its user, so the heads of its session are asked for."""
    async with nodes("memory", tmp_path, hints=False) as world:
        here, there = await world.boot({"asks": Asks()}), await world.boot({"asks": Asks()})
        session_id = await here.room.create()
        await here.room.do(session_id, say(agent="asks"))
        await eventually(lambda: here.room.state(session_id).approvals, "the question")
        (question,) = here.room.state(session_id).approvals
        await there.room.do(session_id, ResolveApproval(question.id, "respond", by="ann", answer="blue"))
        await settled()
        assert here.room.state(session_id).approvals, "nothing told it yet"
        await world.time.advance(HEADS_EVERY_S)
        await here.until(session_id, "COMPLETED")


@KINDS
async def test_i6_cancelling_on_one_node_stops_the_task_on_the_other(kind: str, tmp_path: Path) -> None:
    async with nodes(kind, tmp_path) as world:
        agent = Paced()
        here, there = await world.boot({"paced": agent}), await world.boot({})
        session_id = await here.room.create()
        await here.room.do(session_id, say(agent="paced"))
        await agent.at_work.wait()
        assert await there.room.do(session_id, CancelRun()) == Cancelled(True)
        await eventually(lambda: agent.errors, "the end of the task")
        assert isinstance(agent.errors[0], asyncio.CancelledError)
        await eventually(lambda: here.runs.active == 0)
        await here.until(session_id, "CANCELLED")
        assert isinstance((await world.events(session_id))[-2].body, RunFinished)
        await here.room.assert_shown_is_journal(session_id)


async def test_i4_a_run_that_was_cancelled_elsewhere_writes_nothing_more_though_it_did_not_hear(tmp_path: Path) -> None:
    async with nodes("memory", tmp_path, hints=False) as world:
        agent = Paced()
        here, there = await world.boot({"paced": agent}), await world.boot({})
        session_id = await here.room.create()
        await here.room.do(session_id, say(agent="paced"))
        await agent.at_work.wait()
        await there.room.do(session_id, CancelRun())
        events = await world.events(session_id)
        agent.go.set()
        await eventually(lambda: here.runs.active == 0)
        assert isinstance(agent.errors[0], Fenced | asyncio.CancelledError)
        assert await world.events(session_id) == events
        await here.room.assert_shown_is_journal(session_id)


@KINDS
async def test_i4_a_queue_is_started_by_one_node_alone(kind: str, tmp_path: Path) -> None:
    """A third took the message and died: both look around at the same time."""
    async with nodes(kind, tmp_path) as world:
        shops = [await world.boot({"hangs": Hangs()}) for _ in range(2)]
        lost = Room(world.store, world.project_id, world.time.clock)
        ids = [await lost.create() for _ in range(5)]
        for session_id in ids:
            await lost.do(session_id, say(agent="hangs"))
        await asyncio.gather(*(shop.runs._keeper._reap() for shop in shops))
        await eventually(lambda: sum(shop.runs.active for shop in shops) == len(ids), "five runs")
        for session_id in ids:
            assert await world.attempts(session_id) == [1]


@KINDS
async def test_who_took_the_message_starts_its_run_and_nobody_else_tries(kind: str, tmp_path: Path) -> None:
    async with nodes(kind, tmp_path) as world:
        here, there = await world.boot({"says": Says()}), await world.boot({"says": Says()})
        session_id = await here.room.create()
        there.room.sessions.follow(session_id)
        await there.room.sessions.catch_up(session_id)
        for shop in (here, there, here):
            await shop.room.do(session_id, say(agent="says"))
            await shop.until(session_id, "COMPLETED")
        starts = [each.own for each in there.room.commits if isinstance(each.events[0].body, RunStarted)]
        assert sum(starts) == 1
        assert await world.attempts(session_id) == [1, 1, 1]


async def test_what_steers_on_one_node_is_heard_by_the_run_on_the_other(tmp_path: Path) -> None:
    async with nodes("memory", tmp_path, hints=False) as world:
        agent = Listens()
        here, there = await world.boot({"listens": agent}), await world.boot({})
        session_id = await here.room.create()
        await here.room.do(session_id, say("first", agent="listens"))
        await agent.at_work.wait()
        await there.room.do(session_id, say("second", agent="listens", on_busy="steer"))
        agent.go.set()
        await here.until(session_id, "COMPLETED")
        assert agent.heard[-1] == ["first", "second"]


async def test_what_interrupts_on_one_node_runs_there_and_ends_what_ran_on_the_other(tmp_path: Path) -> None:
    async with nodes("memory", tmp_path) as world:
        agent = Paced()
        here, there = await world.boot({"paced": agent}), await world.boot({"says": Says()})
        session_id = await here.room.create()
        await here.room.do(session_id, say(agent="paced"))
        await agent.at_work.wait()
        await there.room.do(session_id, say(agent="says", on_busy="interrupt"))
        await there.until(session_id, "COMPLETED")
        await eventually(lambda: agent.errors and here.runs.active == 0)
        assert [run.state for run in await there.room.runs(session_id)] == ["cancelled", "completed"]


# A node that is gone


@KINDS
async def test_i5_the_run_of_a_dead_node_is_taken_over_once_its_lease_is_over_by_exactly_one(
    kind: str, tmp_path: Path
) -> None:
    async with nodes(kind, tmp_path) as world:
        lost = Paced()
        first = await world.boot({"paced": lost})
        session_id = await first.room.create()
        await first.room.do(session_id, say(agent="paced"))
        await lost.at_work.wait()
        await first.kill()
        agents = [Paced(), Paced()]
        shops = [await world.boot({"paced": agent}) for agent in agents]
        await world.passes(REAP_S)
        assert [shop.runs.active for shop in shops] == [0, 0], "its lease still holds"
        await world.passes(LEASE_MS / 1000)
        await eventually(lambda: sum(shop.runs.active for shop in shops) == 1)
        for agent in agents:
            agent.go.set()
        await eventually(lambda: sum(shop.runs.active for shop in shops) == 0)
        assert sorted(agent.attempts for agent in agents) == [[], [2]]
        assert await world.attempts(session_id) == [1, 2]
        assert (await world.store.journal.load(session_id)).session_state == "COMPLETED"


@KINDS
async def test_a_live_node_keeps_its_run_however_often_others_look(kind: str, tmp_path: Path) -> None:
    async with nodes(kind, tmp_path) as world:
        agent, other = Paced(), Paced()
        here, there = await world.boot({"paced": agent}), await world.boot({"paced": other})
        session_id = await here.room.create()
        await here.room.do(session_id, say(agent="paced"))
        await agent.at_work.wait()
        await world.passes(3 * LEASE_MS / 1000)
        agent.go.set()
        await here.until(session_id, "COMPLETED")
        assert (agent.attempts, other.attempts, there.runs.active) == ([1], [], 0)


@KINDS
async def test_what_a_node_leaves_is_taken_over_at_the_next_look(kind: str, tmp_path: Path) -> None:
    async with nodes(kind, tmp_path) as world:
        lost, again = Paced(), Paced()
        again.go.set()
        here, there = await world.boot({"paced": lost}), await world.boot({"paced": again})
        session_id = await here.room.create()
        await here.room.do(session_id, say(agent="paced"))
        await lost.at_work.wait()
        await here.stop()
        await world.passes(REAP_S)
        await there.until(session_id, "COMPLETED")
        assert again.attempts == [2]


async def test_an_answer_given_elsewhere_to_the_run_of_a_dead_node_is_what_it_goes_on_with(tmp_path: Path) -> None:
    async with nodes("memory", tmp_path) as world:
        here, there = await world.boot({"asks": Asks()}), await world.boot({"asks": Asks()})
        session_id = await here.room.create()
        await here.room.do(session_id, say(agent="asks", on_crash="resume"))
        await eventually(lambda: here.room.state(session_id).approvals, "the question")
        await here.kill()
        await world.passes(LEASE_MS / 1000 + REAP_S)
        assert await world.attempts(session_id) == [1], "it waits for the user, whoever works on it"
        (question,) = (await there.room.sessions.current(session_id)).approvals
        await there.room.do(session_id, ResolveApproval(question.id, "respond", by="ann", answer="blue"))
        await there.until(session_id, "COMPLETED")
        assert await world.attempts(session_id) == [1, 2]


@KINDS
async def test_i4_a_node_whose_heart_stopped_gives_way_to_the_one_that_took_its_run(kind: str, tmp_path: Path) -> None:
    """It lives, but its lease is over. Taken out for the check: `_taken_from_here` in `_on_committed`."""
    async with nodes(kind, tmp_path) as world:
        stalled, again = Paced(), Paced()
        here, there = await world.boot({"paced": stalled}), await world.boot({"paced": again})
        session_id = await here.room.create()
        await here.room.do(session_id, say(agent="paced"))
        await stalled.at_work.wait()
        here.runs._helpers.cancel()
        await world.passes(LEASE_MS / 1000 + REAP_S)
        await eventually(lambda: stalled.errors, "the stalled one is let go")
        assert isinstance(stalled.errors[0], asyncio.CancelledError)
        again.go.set()
        await there.until(session_id, "COMPLETED")
        assert await world.attempts(session_id) == [1, 2]
        assert (stalled.attempts, again.attempts) == ([1], [2])
        assert HEARTBEAT_S < LEASE_MS / 1000
