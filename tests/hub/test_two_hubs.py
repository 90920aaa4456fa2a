"""Two nodes on one store, each with its hub on a real socket: clients of either see one and the same session."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest
from agents_for_tests import Asks, Paced
from agreement import agrees, at_rest, count_gaps
from harness import Harness, Json, serving
from hub_peer import Peer, eventually
from journal_store import opened
from patience import HANG_S
from stock_peers import PythonPeer, python_peer
from troubled_bus import TroubledBus
from world import USER

from hub.client import CallError, CallFailed, HubClient
from models.calls import Outgoing
from models.commands import CancelRun, DeleteSession, RenameSession
from models.errors import StaleHead, StorageUnavailable
from models.events import RunFinished, RunStarted
from models.runs import OnBusy
from services.access import LOCAL
from services.bus import Bus, MemoryBus
from services.runs.agents import Agent
from services.sessions.other_nodes import OtherNodes
from services.store.store import Store

EVERY_S = 0.05
"""Heads are polled that often here, so that a lost hint costs a test no second."""
MODELS = ("scripted:words=12,delay_ms=2", "scripted:words=40,delay_ms=0", "scripted:words=9,delay_ms=1,break_after=5")
KINDS = pytest.mark.parametrize("kind", ["memory", "sqlite"])


class Lent:
    """A store that is opened and closed by somebody else."""

    trouble: StorageUnavailable | None = None
    missing: str | None = None

    async def open(self) -> None:
        """It is open."""

    async def close(self) -> None:
        """It stays open."""


@dataclass
class Hubs:
    here: Harness
    there: Harness
    store: Store

    def __iter__(self) -> Any:
        return iter((self.here, self.there))


@asynccontextmanager
async def two_hubs(
    kind: str,
    folder: Path,
    *,
    agents: Callable[[], dict[str, Agent]] = dict,
    agent: str = "assistant",
    dice: random.Random | None = None,
    hints: bool = True,
    every_s: float = EVERY_S,
) -> AsyncIterator[Hubs]:
    """With `dice` the bus is in trouble; without hints only polling tells."""
    async with opened(kind, folder) as kept:
        store = replace(kept.whole, storage=Lent())
        one = MemoryBus("here")
        buses: list[Bus | None] = [one, MemoryBus("there", beside=one)]
        if dice is not None:
            buses = [TroubledBus(bus, dice) for bus in buses if isinstance(bus, MemoryBus)]
        others = [OtherNodes(bus if hints else None, every_s=every_s) for bus in buses]
        async with (
            serving(store=store, others=others[0], agents=agents(), agent=agent) as here,
            serving(store=store, others=others[1], agents=agents(), agent=agent) as there,
        ):
            yield Hubs(here, there, store)


def client_of(server: Harness) -> HubClient:
    return HubClient(server.url, backoff_s=(0.01, 0.02), call_timeout_s=HANG_S, keep_events=True)


# Joining


@KINDS
async def test_a_join_is_never_behind_what_was_committed_at_the_other_node(kind: str, tmp_path: Path) -> None:
    """With no hint and no poll at all. Taken out for the check: `catch_up` in `Joiner._read`, with the position."""
    async with two_hubs(kind, tmp_path, hints=False, every_s=3600) as hubs:
        session_id = await hubs.here.session()
        peer = await Peer.connect(hubs.there.url)
        joined = await peer.call("join_session", {"sessionId": session_id})
        stays = await Peer.connect(hubs.there.url)
        await stays.call("join_session", {"sessionId": session_id})
        for number in range(3):
            await hubs.here.commit(session_id, 3)
            position = {"after": joined["head"], "epoch": joined["epoch"]} if number else {}
            joined = await peer.call("join_session", {"sessionId": session_id, **position})
            assert joined["head"] == (await hubs.store.journal.load(session_id)).head
            assert joined["recovered"] is bool(number)
            if number:
                assert [event["seq"] for event in joined["events"]] == list(
                    range(joined["head"] - 2, joined["head"] + 1)
                )
        await eventually(lambda: len([name for name, _ in stays.log if name == "event"]) == 9, "what the joins found")
        await peer.close()
        await stays.close()


@KINDS
async def test_what_is_committed_at_one_node_comes_live_at_the_other(kind: str, tmp_path: Path) -> None:
    async with two_hubs(kind, tmp_path) as hubs:
        session_id = await hubs.here.session()
        async with client_of(hubs.here) as first, client_of(hubs.there) as second:
            views = [await first.open(session_id), await second.open(session_id, "signal")]
            await first.send_message(session_id, "from here")
            await second.send_message(session_id, "from there")
            await both_come_to_rest(hubs, session_id)
            await all_agree(hubs, session_id, views)


# One session at two nodes


@KINDS
async def test_i10_the_same_message_sent_to_both_at_once_is_one_and_both_get_the_same_answer(
    kind: str, tmp_path: Path
) -> None:
    async with two_hubs(kind, tmp_path) as hubs:
        session_id = await hubs.here.session()
        peers = [await Peer.connect(server.url) for server in hubs]
        for number in range(5):  # the runs of the earlier ones stream meanwhile
            message = {"sessionId": session_id, "content": "hello", "clientMessageId": f"c{number}"}
            acks = await asyncio.gather(*(peer.call("send_message", message) for peer in peers))
            assert acks[0] == acks[1]
            assert acks[0]["ok"]
        other = await peers[1].call("send_message", {**message, "content": "other"})
        assert other["error"]["code"] == "idempotency_conflict"
        await both_come_to_rest(hubs, session_id)
        page = await hubs.here.wires(session_id)
        asked = [e for e in page if e["type"] == "message.created" and e["data"]["message"]["role"] == "user"]
        assert len(asked) == 5
        for peer in peers:
            await peer.close()


@KINDS
async def test_an_approval_resolved_at_one_hub_wakes_the_run_at_the_other(kind: str, tmp_path: Path) -> None:
    async with two_hubs(kind, tmp_path, agents=lambda: {"asks": Asks()}, agent="asks") as hubs:
        session_id = await hubs.here.session()
        async with client_of(hubs.here) as first, client_of(hubs.there) as second:
            views = [await first.open(session_id), await second.open(session_id)]
            await first.send_message(session_id, "which?")
            await eventually(lambda: views[1].approvals, "the question at the other node")
            answer = {"approvalId": views[1].approvals[0].id, "decision": "respond", "reason": "blue"}
            assert (await second.call("resolve_approval", {"sessionId": session_id, **answer}))["ok"]
            again = {"sessionId": session_id, **answer}
            with pytest.raises(CallFailed) as refused:
                await first.call("resolve_approval", again)
            assert refused.value.code == "approval_resolved"
            await both_come_to_rest(hubs, session_id)
            await all_agree(hubs, session_id, views)
            assert views[1].messages[-1].content == "blue it is"
            assert hubs.there.runs.active == 0


@KINDS
async def test_a_run_is_cancelled_at_the_hub_where_it_does_not_work(kind: str, tmp_path: Path) -> None:
    agents: list[Paced] = []

    def make() -> dict[str, Agent]:
        agents.append(Paced())
        return {"paced": agents[-1]}

    async with two_hubs(kind, tmp_path, agents=make, agent="paced") as hubs:
        session_id = await hubs.here.session()
        async with client_of(hubs.here) as first, client_of(hubs.there) as second:
            views = [await first.open(session_id), await second.open(session_id)]
            await first.send_message(session_id, "go")
            await agents[0].at_work.wait()
            assert (await second.cancel_run(session_id))["cancelled"]
            await eventually(lambda: agents[0].errors and hubs.here.runs.active == 0, "the end of the task")
            assert not (await first.cancel_run(session_id))["cancelled"]
            await all_agree(hubs, session_id, views)


# Lists


@KINDS
async def test_the_lists_of_one_node_tell_what_becomes_of_the_sessions_of_the_other(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though they are not in memory there. Taken out for the check: `_far_listeners` in `learn`."""
    monkeypatch.setattr("hub.feeds.FAR_BATCH_S", 0.02)
    agents: list[Paced] = []

    def make() -> dict[str, Agent]:
        agents.append(Paced())
        return {"paced": agents[-1]}

    async with two_hubs(kind, tmp_path, agents=make, agent="paced") as hubs:
        peer = await Peer.connect(hubs.there.url)
        await peer.call("watch_sessions", {})
        await peer.call("watch_running", {})

        def told(name: str) -> Json:
            return next((data for event, data in reversed(peer.log) if event == name), {})

        session_id = await hubs.here.session()
        await eventually(lambda: told("session").get("session", {}).get("id") == session_id, "the new session")
        await hubs.here.chat.send_message(LOCAL, session_id, Outgoing(content="go"))
        await eventually(lambda: told("running").get("session", {}).get("id") == session_id, "its run")
        await agents[0].at_work.wait()
        agents[0].go.set()
        await eventually(lambda: told("session")["session"]["state"] == "COMPLETED", "its end")
        await eventually(lambda: told("running") == {"removed": session_id}, "the end of its run")
        await hubs.here.organizer.delete(LOCAL, session_id)
        await eventually(lambda: told("session") == {"removed": session_id}, "the deletion")
        assert session_id not in hubs.there.chat.sessions._cache
        await peer.close()


# Gone


async def test_a_session_deleted_at_one_node_is_told_as_deleted_at_the_other(tmp_path: Path) -> None:
    async with two_hubs("memory", tmp_path) as hubs:
        session_id = await hubs.here.session()
        peer = await Peer.connect(hubs.there.url)
        await peer.call("join_session", {"sessionId": session_id})
        await hubs.here.organizer.delete(LOCAL, session_id)
        await eventually(lambda: "session.deleted" in [data.get("type") for _, data in peer.log], "the deletion")
        refused = await peer.call("join_session", {"sessionId": session_id})
        assert refused["error"]["code"] == "session_not_found"
        await peer.close()


async def test_a_session_purged_before_the_other_node_could_look_lets_its_clients_go(tmp_path: Path) -> None:
    """Nothing is left to tell of it but that it is gone."""
    async with two_hubs("memory", tmp_path, hints=False) as hubs:
        session_id = await hubs.here.session()
        peer = await Peer.connect(hubs.there.url)
        await peer.call("join_session", {"sessionId": session_id})
        await hubs.here.chat.sessions.submit(session_id, DeleteSession(), USER)
        await hubs.store.journal.purge(session_id)
        await eventually(lambda: "resync" in [name for name, _ in peer.log], "that it is gone")
        resync = next(data for name, data in peer.log if name == "resync")
        assert resync == {"sessionId": session_id, "reason": "the session was deleted"}
        refused = await peer.call("join_session", {"sessionId": session_id})
        assert refused["error"]["code"] == "session_not_found"
        assert hubs.there.hub.subscriptions == 0
        await peer.close()


# By the dice


class Talk:
    """What clients of two hubs do to the same sessions."""

    def __init__(self, hubs: Hubs, clients: list[HubClient], session_ids: list[str], dice: random.Random) -> None:
        self.hubs = hubs
        self.clients = clients
        self.session_ids = session_ids
        self.dice = dice
        self.work: list[asyncio.Task[None]] = []

    async def step(self) -> None:
        actions: list[Callable[[], Coroutine[Any, Any, None]]] = [
            *(3 * [self.send]),
            self.send_to_both,
            self.cancel,
            self.rename,
            self.reopen,
            self.drop,
        ]
        self.work.append(asyncio.create_task(self.quietly(self.dice.choice(actions)())))
        await asyncio.sleep(self.dice.choice((0.0, 0.0, 0.001, 0.01)))

    async def quietly(self, action: Coroutine[Any, Any, None]) -> None:
        """A call may lose its connection, be refused by what others did meanwhile, or lose its race again and again."""
        try:
            await action
        except CallFailed as refused:
            if not refused.retryable and refused.code != "run_active":
                raise
        except (CallError, StaleHead):
            return

    def session(self) -> str:
        return self.dice.choice(self.session_ids)

    async def send(self) -> None:
        on_busy: OnBusy = self.dice.choice(get_args(OnBusy))
        await self.dice.choice(self.clients).send_message(self.session(), f"{self.dice.random()}", onBusy=on_busy)

    async def send_to_both(self) -> None:
        """I10."""
        message = {"sessionId": self.session(), "content": "to both", "clientMessageId": f"{self.dice.random()}"}
        acks = await asyncio.gather(
            *(client.call("send_message", message) for client in self.clients[:2]), return_exceptions=True
        )
        answers = [ack for ack in acks if not isinstance(ack, BaseException)]
        assert all(ack == answers[0] for ack in answers)

    async def cancel(self) -> None:
        await self.dice.choice(self.clients).cancel_run(self.session())

    async def rename(self) -> None:
        server = self.dice.choice((self.hubs.here, self.hubs.there))
        await server.chat.sessions.submit(self.session(), RenameSession(f"title {self.dice.random()}"), USER)

    async def reopen(self) -> None:
        await self.dice.choice(self.clients).open(self.session(), self.dice.choice(("push", "signal")))

    async def drop(self) -> None:
        server = self.dice.choice((self.hubs.here, self.hubs.there))
        if connections := list(server.hub.transport.connections.values()):
            self.dice.choice(connections).abort()


async def both_come_to_rest(hubs: Hubs, session_id: str) -> None:
    await hubs.here.chat.sessions.until(session_id, lambda context: not context.busy)
    await eventually(lambda: hubs.here.runs.active + hubs.there.runs.active == 0, "the end of all runs")


async def all_agree(hubs: Hubs, session_id: str, views: list[Any]) -> None:
    """I2 and I3: every view is the journal's exact sequence from where it began, folded to what a snapshot says."""
    journal = await hubs.here.wires(session_id)
    fresh = await hubs.there.snapshot(session_id)
    assert fresh["head"] == journal[-1]["seq"] == len(journal)
    for view in views:
        await eventually(lambda view=view: at_rest(view, fresh["head"]), "the last event")  # type: ignore[misc]
        assert view.events == journal[len(journal) - len(view.events) :]
        agrees(view.snapshot or {}, fresh)


async def play(seed: int, kind: str, folder: Path, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    gaps, dice = count_gaps(monkeypatch), random.Random(seed)
    async with two_hubs(kind, folder, dice=dice) as hubs:
        session_ids = [await hubs.here.session(dice.choice(MODELS)) for _ in range(2)]
        async with (
            client_of(hubs.here) as first,
            client_of(hubs.there) as second,
            client_of(hubs.there) as third,
            python_peer(hubs.there.url, session_ids[0], "websocket") as stock,
        ):
            clients = [first, second, third]
            for number, client in enumerate(clients):
                for session_id in session_ids:
                    await client.open(session_id, "signal" if number == 2 else "push")
            talk = Talk(hubs, clients, session_ids, dice)
            for _ in range(steps):
                await talk.step()
            await asyncio.gather(*talk.work)
            for session_id in session_ids:
                await hubs.here.chat.sessions.submit(session_id, CancelRun(), USER)
                await both_come_to_rest(hubs, session_id)
                await all_agree(hubs, session_id, [client.views[session_id] for client in clients])
                await i4_holds(hubs, session_id)
            await the_stock_client_has_it_all(hubs, session_ids[0], stock)
    assert gaps == [], "a hub skipped an event on a live subscription"


async def i4_holds(hubs: Hubs, session_id: str) -> None:
    """Of every run one attempt was begun, and never two runs at a time."""
    at_work: str | None = None
    for event in (await hubs.store.journal.since(session_id, 0, limit=1_000_000, limit_bytes=1 << 40)).events:
        if isinstance(event.body, RunStarted):
            assert at_work is None
            assert event.body.run.attempt == 1
            at_work = event.body.run.id
        elif isinstance(event.body, RunFinished) and event.body.run.id == at_work:
            at_work = None


async def the_stock_client_has_it_all(hubs: Hubs, session_id: str, stock: PythonPeer) -> None:
    journal = await hubs.here.wires(session_id)
    await stock.until(lambda: bool(stock.entries()) and stock.entries()[-1][0] == len(journal))
    told = stock.entries()
    assert told == [(each["seq"], each["type"], each["data"]) for each in journal[len(journal) - len(told) :]]
    assert stock.all("wrong") == []


@KINDS
@pytest.mark.parametrize("seed", range(2))
async def test_every_client_of_either_hub_ends_with_the_journal_whatever_becomes_of_the_hints(
    kind: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asyncio.timeout(HANG_S):
        await play(seed, kind, tmp_path, 60, monkeypatch)


@pytest.mark.slow
@KINDS
@pytest.mark.parametrize("seed", range(100, 104))
async def test_the_same_for_longer(kind: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with asyncio.timeout(2 * HANG_S):
        await play(seed, kind, tmp_path, 300, monkeypatch)
