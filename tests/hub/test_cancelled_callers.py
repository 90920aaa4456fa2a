"""Callers that are gone before their answer: at every await of the door the command is committed or not, never half,
the session stays usable, and a run goes on (I6)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import hub_peer
import pytest
from harness import Harness, Json, serving
from hub_peer import Peer, eventually, peers
from world import HookedJournal, hooked_store, let_go

from models.calls import Outgoing
from models.errors import StorageUnavailable
from services.access import LOCAL
from services.llm.scripted import Mark, Pause, Say
from services.store.lists import SessionQuery
from services.store.sql.journal import SqlJournal
from services.store.sql.writer import Job

server, in_memory = hub_peer.server, hub_peer.in_memory

CLIENT_ID = "said once"


@pytest.fixture
async def hooked() -> AsyncIterator[tuple[Harness, HookedJournal]]:
    store, journal = hooked_store()
    async with serving(store=store) as server:
        yield server, journal


def message(session_id: str, client_id: str = CLIENT_ID) -> Json:
    return {"sessionId": session_id, "content": "hello", "clientMessageId": client_id}


async def contents(server: Harness, session_id: str) -> list[str]:
    return [each["content"] for each in (await server.snapshot(session_id))["messages"] if each["role"] == "user"]


async def is_usable(server: Harness, session_id: str) -> None:
    """Another client joins, speaks and is answered; the journal has no hole, and everything was shown."""
    async with peers(server.url) as (other,):
        await other.join(session_id, after=0)
        ack = await other.call("send_message", message(session_id, "the next"))
        assert ack["ok"]
        await eventually(lambda: finished(other, ack["runId"]), "the run's end")
        head = (await server.snapshot(session_id))["head"]
        assert await other.reaches(session_id, head) == await server.wires(session_id)
        assert [event["seq"] for event in other.sequence(session_id)] == list(range(1, head + 1))
    await eventually(lambda: server.hub.connections == server.hub.subscriptions == 0, "nobody is left")


def finished(peer: Peer, run_id: str) -> bool:
    return any(
        event["type"] == "run.finished" and event["data"]["run"]["id"] == run_id for event in peer.named("event")
    )


async def drop_at(server: Harness, peer: Peer, how: str) -> None:
    """The client's network fails, or the server lets it go."""
    if how == "client":
        peer.drop()
        await peer.closed.wait()
    else:
        server.hub.transport.connections[peer.sid].abort()


@pytest.mark.parametrize("how", ["client", "server"])
@pytest.mark.parametrize("where", ["load", "append", "sent"])
async def test_sender_that_drops_at_an_await_of_the_door_leaves_its_message_whole(
    hooked: tuple[Harness, HookedJournal], where: str, how: str
) -> None:
    """Fails when a call of a lost connection leaves its session busy, or its subscription behind."""
    server, journal = hooked
    session_id = await server.session()
    if where == "sent":
        async with peers(server.url) as (first,):
            await first.call("send_message", message(session_id))
    if where == "load":
        let_go(server.chat.sessions)
    gate = journal.hold(where)
    async with peers(server.url) as (peer,):
        answer = peer.call_soon("send_message", message(session_id))
        await gate.reached.wait()
        await drop_at(server, peer, how)
        assert not answer.done() or answer.cancelled()
        gate.open.set()
        await is_usable(server, session_id)
    assert await contents(server, session_id) == ["hello", "hello"]
    async with peers(server.url) as (again,):
        assert (await again.call("send_message", message(session_id)))["ok"]
    assert len(await contents(server, session_id)) == 2, "I10: a repetition makes no second message"


@pytest.mark.parametrize("where", ["load", "append", "sent"])
async def test_caller_that_is_cancelled_at_an_await_of_the_door_is_not_waited_for(
    hooked: tuple[Harness, HookedJournal], where: str
) -> None:
    """As when a request's handler is cancelled. Fails when only a waiting caller has it shown."""
    server, journal = hooked
    session_id = await server.session()
    outgoing = Outgoing(content="hello", client_message_id=CLIENT_ID)
    if where == "sent":
        await server.chat.send_message(LOCAL, session_id, outgoing)
    async with peers(server.url) as (watcher,):
        await watcher.join(session_id, after=0)
        if where == "load":
            let_go(server.chat.sessions)
        gate = journal.hold(where)
        sending = asyncio.create_task(server.chat.send_message(LOCAL, session_id, outgoing))
        await gate.reached.wait()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        gate.open.set()
        await eventually(lambda: created_or_joined(watcher) == ["hello"], "the message is shown")
    await is_usable(server, session_id)
    assert await contents(server, session_id) == ["hello", "hello"]


def created_or_joined(peer: Peer) -> list[str]:
    """The users' messages that came, in the join's answer or live."""
    session_id = peer.named("join_session")[0]["sessionId"]
    events = [event for event in peer.sequence(session_id) if event["type"] == "message.created"]
    return [event["data"]["message"]["content"] for event in events if event["data"]["message"]["role"] == "user"]


@pytest.mark.parametrize("committed", [True, False])
async def test_sender_that_drops_while_the_storage_fails_leaves_all_or_nothing(
    hooked: tuple[Harness, HookedJournal], committed: bool
) -> None:
    """The outcome of the commit is unknown: what the journal holds decides, and is shown."""
    server, journal = hooked
    session_id = await server.session()
    async with peers(server.url, 2) as (peer, watcher):
        await watcher.join(session_id, after=0)
        gate = journal.hold("append")
        peer.call_soon("send_message", message(session_id))
        await gate.reached.wait()
        journal.broken, journal.commits_while_broken = StorageUnavailable(), committed
        peer.drop()
        gate.open.set()
        await eventually(lambda: len(journal.appended) >= 2)
        journal.broken = None
        await eventually(lambda: server.chat.sessions.context(session_id) is not None, "the head was read again")
        expected = ["hello"] if committed else []
        await eventually(lambda: watcher.sequence(session_id)[-1]["seq"] >= (2 if committed else 1))
        assert (await contents(server, session_id)) == expected
    await is_usable(server, session_id)


@pytest.mark.parametrize("call", ["send_message", "cancel_run"])
async def test_caller_that_drops_while_the_writer_works_leaves_all_or_nothing_on_sqlite(
    tmp_path: Path, call: str
) -> None:
    go, reached = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait(_connection: object) -> None:
        loop.call_soon_threadsafe(reached.set)
        go.wait(10)

    async with serving(tmp_path) as server:
        session_id = await server.session("scripted:words=3")
        journal = server.store.journal
        assert isinstance(journal, SqlJournal)
        async with peers(server.url) as (peer,):
            if call == "cancel_run":
                await peer.call("send_message", message(session_id, "before"))
            journal._database.writer.submit(Job(wait, lambda result, error: None))
            await reached.wait()
            arguments = message(session_id) if call == "send_message" else {"sessionId": session_id}
            peer.call_soon(call, arguments)
            await eventually(lambda: server.chat.sessions._cache.take(session_id).busy, "the append is under way")
            peer.drop()
            go.set()
            await is_usable(server, session_id)
        assert len(await contents(server, session_id)) == 2


async def test_one_that_hangs_in_the_door_holds_up_no_other_session(
    hooked: tuple[Harness, HookedJournal],
) -> None:
    server, journal = hooked
    stuck, free = await server.session(), await server.session()
    gate = journal.hold("append")
    async with peers(server.url, 2) as (waiting, other):
        waiting.call_soon("send_message", message(stuck))
        await gate.reached.wait()
        assert (await other.call("send_message", message(free)))["ok"]
        peer_join = await other.join(stuck)
        assert peer_join["snapshot"]["messages"] == []
        gate.open.set()
        await eventually(lambda: finished_any(other, stuck))


def finished_any(peer: Peer, session_id: str) -> bool:
    events = [event for event in peer.named("event") if event["sessionId"] == session_id]
    return any(event["type"] == "run.finished" for event in events)


async def test_client_that_drops_during_a_join_leaves_no_subscription(in_memory: Harness) -> None:
    session_id = await in_memory.session()
    reached, go = asyncio.Event(), asyncio.Event()

    async def wait(session_id: str) -> None:
        reached.set()
        await go.wait()

    in_memory.hub.joiner.after_read = wait
    async with peers(in_memory.url) as (peer,):
        peer.call_soon("join_session", {"sessionId": session_id})
        await reached.wait()
        peer.drop()
        await in_memory.commit(session_id, 5)
        in_memory.hub.joiner.after_read = None
        go.set()
        await is_usable(in_memory, session_id)


async def test_client_that_drops_while_its_list_is_read_leaves_no_watcher(
    in_memory: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go = asyncio.Event(), asyncio.Event()
    sessions = in_memory.store.reads.sessions

    async def wait(query: SessionQuery) -> object:
        reached.set()
        await go.wait()
        return await sessions(query)

    monkeypatch.setattr(in_memory.store.reads, "sessions", wait)
    async with peers(in_memory.url) as (peer,):
        peer.call_soon("watch_sessions", {})
        await reached.wait()
        peer.drop()
        go.set()
        await eventually(lambda: in_memory.hub.connections == 0)
        assert in_memory.hub.feeds._watchers == {}


async def test_disconnecting_is_not_cancelling(server: Harness) -> None:
    """I6. Fails when the run is a child of the call that began it, or is cancelled with its connection."""
    middle, go = asyncio.Event(), asyncio.Event()
    server.scripted.register("halves", (Say("first "), Mark(middle), Pause(go), Say("second")))
    session_id = await server.session("scripted:halves")
    async with peers(server.url) as (peer,):
        await peer.join(session_id)
        assert (await peer.call("send_message", message(session_id)))["ok"]
        await middle.wait()
        peer.drop()
        await eventually(lambda: server.hub.connections == 0)
    go.set()
    context = server.chat.sessions.context
    await eventually(lambda: (now := context(session_id)) is not None and now.session_state == "COMPLETED")
    reply = (await server.snapshot(session_id))["messages"][-1]
    assert (reply["content"], reply["status"]) == ("first second", "complete")


async def test_cancelling_works_for_any_client_and_after_the_sender_is_gone(server: Harness) -> None:
    """I6, the other half."""
    middle = asyncio.Event()
    server.scripted.register("endless", (Say("first "), Mark(middle), Pause(asyncio.Event())))
    session_id = await server.session("scripted:endless")
    async with peers(server.url, 2) as (sender, other):
        await sender.call("send_message", message(session_id))
        await middle.wait()
        sender.drop()
        await other.join(session_id)
        assert await other.call("cancel_run", {"sessionId": session_id}) == {"ok": True, "cancelled": True}
        await eventually(lambda: finished_any(other, session_id))
        assert await other.call("cancel_run", {"sessionId": session_id}) == {"ok": True, "cancelled": False}
    snapshot = await server.snapshot(session_id)
    assert (snapshot["session"]["state"], snapshot["messages"][-1]["status"]) == ("CANCELLED", "cancelled")
