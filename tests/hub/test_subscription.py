"""Feeding by cursor (design §8): who is slow is left alone, catches up, and misses nothing (I3, I7)."""

from __future__ import annotations

import asyncio

import hub_peer
import pytest
from harness import Harness, Json
from hub_peer import Peer, Throttle, eventually, peers, settled
from structlog.testing import capture_logs

from hub.socket.backlog import HIGH_WATER_BYTES
from hub.socket.connection import Connection
from hub.socket.frames import Frame
from models.backoff import Backoff
from models.errors import StorageUnavailable
from models.events import TRUNCATE_OVER_BYTES
from services.access import LOCAL
from services.sessions.follow import Follower
from services.store.journal import EventPage

server, in_memory = hub_peer.server, hub_peer.in_memory


@pytest.fixture
def throttle(monkeypatch: pytest.MonkeyPatch) -> Throttle:
    return Throttle(monkeypatch)


def connection_of(server: Harness, peer: Peer) -> Connection:
    return server.hub.transport.connections[peer.sid]


def follower_of(server: Harness, peer: Peer, session_id: str) -> Follower[Frame]:
    room = server.hub.rooms.find(session_id)
    assert room is not None
    return room.subscriptions[peer.sid].follower


@pytest.mark.parametrize("missed", [1, 500, 700])
async def test_lagging_client_is_left_alone_and_then_gets_the_exact_sequence(
    server: Harness, throttle: Throttle, missed: int
) -> None:
    """I3. Fails when `_catch_up` goes live without reading the journal. 500 events come from memory, 700 don't."""
    session_id = await server.session()
    async with peers(server.url, 2) as (slow, quick):
        await slow.join(session_id, after=0)
        await quick.join(session_id, after=0)
        throttle.hold(connection_of(server, slow))
        await server.commit(session_id, missed)
        await quick.reaches(session_id, 1 + missed)
        assert slow.named("event") == []
        assert follower_of(server, slow, session_id).state == "lagging"
        throttle.release(connection_of(server, slow))
        await slow.reaches(session_id, 1 + missed)
        await eventually(lambda: follower_of(server, slow, session_id).state == "live")
        await server.commit(session_id, 3)
        await slow.reaches(session_id, 4 + missed)
        journal = await server.wires(session_id)
        assert slow.sequence(session_id) == journal
        assert quick.sequence(session_id) == journal


async def test_several_that_lag_at_once_each_get_the_exact_sequence(server: Harness, throttle: Throttle) -> None:
    session_id = await server.session()
    async with peers(server.url, 5) as five:
        for peer in five:
            await peer.join(session_id, after=0)
        for number, peer in enumerate(five):
            throttle.hold(connection_of(server, peer))
            await server.commit(session_id, 20 * (number + 1))
        for peer in reversed(five):
            throttle.release(connection_of(server, peer))
            await server.commit(session_id, 10)
        journal = await server.wires(session_id)
        for peer in five:
            assert await peer.reaches(session_id, len(journal)) == journal


async def test_lagging_on_and_off_while_commits_race_misses_and_repeats_nothing(
    server: Harness, throttle: Throttle
) -> None:
    """I3. Fails when `offer` sends past a gap, or when `_catch_up` goes live before it has reached the room."""
    session_id = await server.session()
    stop = asyncio.Event()

    async def churn() -> None:
        while not stop.is_set():
            await server.commit(session_id, 5)
            await asyncio.sleep(0)

    async with peers(server.url, 2) as two:
        for peer in two:
            await peer.join(session_id, after=0)
        churning = asyncio.create_task(churn())
        for turn in range(30):
            connection = connection_of(server, two[turn % 2])
            throttle.hold(connection)
            await server.commit(session_id, 20)
            throttle.release(connection)
        stop.set()
        await churning
        journal = await server.wires(session_id)
        for peer in two:
            assert await peer.reaches(session_id, len(journal)) == journal


async def test_commits_during_the_read_of_a_lagging_client_are_read_too(
    server: Harness, throttle: Throttle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I3. Fails when one page counts as caught up, whatever the room has shown since."""
    since, left = server.store.journal.since, [12, 3]

    async def since_and_more(session_id: str, after: int) -> EventPage:
        page = await since(session_id, after)
        if left:
            await server.commit(session_id, left.pop())
        return page

    session_id = await server.session()
    async with peers(server.url) as (peer,):
        await peer.join(session_id, after=0)
        throttle.hold(connection_of(server, peer))
        await server.commit(session_id, 600)
        monkeypatch.setattr(server.store.journal, "since", since_and_more)
        throttle.release(connection_of(server, peer))
        await peer.reaches(session_id, 604)
        monkeypatch.setattr(server.store.journal, "since", since)
        assert peer.sequence(session_id) == await server.wires(session_id)


async def test_reader_that_stops_costs_bounded_memory_and_goes_on_where_it_was(server: Harness) -> None:
    """I7, on a real socket: 12 MB are committed, at most half a megabyte waits. Fails when `offer` ignores the high
    water, or when `_feed_page` sends all that memory holds at once."""
    session_id = await server.session()
    async with peers(server.url, 2) as (stopped, quick):
        await stopped.join(session_id, after=0)
        await quick.join(session_id, after=0)
        stopped.reading.clear()
        outbox = connection_of(server, stopped).outbox
        most = 0
        for _ in range(20):
            await server.commit(session_id, 10, size=60_000)
            most = max(most, outbox.backlog_bytes)
        await quick.reaches(session_id, 201)
        stopped.reading.set()
        while len(stopped.sequence(session_id)) < 201:
            most = max(most, outbox.backlog_bytes)
            assert not stopped.closed.is_set(), "let go, though it reads"
            await asyncio.sleep(0.002)
        assert stopped.sequence(session_id) == await server.wires(session_id)
    assert most < HIGH_WATER_BYTES + TRUNCATE_OVER_BYTES


async def test_signal_mode_merges_what_was_missed_into_one_high_water_mark(server: Harness, throttle: Throttle) -> None:
    session_id = await server.session()
    async with peers(server.url) as (peer,):
        await peer.join(session_id, mode="signal")
        throttle.hold(connection_of(server, peer))
        await server.commit(session_id, 60)
        throttle.release(connection_of(server, peer))
        await peer.reaches(session_id, 61)
        assert [signal["seq"] for signal in peer.named("signal")] == [61]
        await server.commit(session_id, 2)
        await peer.reaches(session_id, 63)
        assert [signal["seq"] for signal in peer.named("signal")] == [61, 62, 63]


async def test_lagging_client_is_told_to_join_again_when_the_journal_was_replaced(
    in_memory: Harness, throttle: Throttle
) -> None:
    """And is fed nothing more. Fails when a page of another epoch is sent, or when `_catch_up` goes live after it."""
    session_id = await in_memory.session()
    async with peers(in_memory.url) as (peer,):
        await peer.join(session_id)
        follower = follower_of(in_memory, peer, session_id)
        follower.epoch = "before the restore"
        throttle.hold(connection_of(in_memory, peer))
        await in_memory.commit(session_id, 600)
        throttle.release(connection_of(in_memory, peer))
        await peer.until("resync")
        await in_memory.commit(session_id, 3)
        await settled()
        assert follower.state == "ended"
        assert peer.named("event") == []
        ack = await peer.join(session_id)
        await in_memory.commit(session_id, 1)
        await peer.reaches(session_id, ack["head"] + 1)


@pytest.mark.parametrize("mode", ["push", "signal"])
async def test_lagging_client_learns_that_the_session_was_deleted(
    server: Harness, throttle: Throttle, mode: str
) -> None:
    """It missed session.deleted and can't read it any more. Fails when the room just drops who lags."""
    session_id = await server.session()
    async with peers(server.url) as (peer,):
        await peer.join(session_id, mode=mode)
        throttle.hold(connection_of(server, peer))
        await server.commit(session_id, 6)
        await server.organizer.delete(LOCAL, session_id)
        throttle.release(connection_of(server, peer))
        (resync,) = await peer.until("resync")
        assert resync["sessionId"] == session_id
        ack = await peer.call("join_session", {"sessionId": session_id})
        assert ack["error"]["code"] == "session_not_found"


async def test_lagging_client_waits_out_a_storage_that_fails(
    in_memory: Harness, throttle: Throttle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.sessions.follow.STORAGE_RETRY", Backoff(0.01, 0.01))
    failures = [StorageUnavailable(), StorageUnavailable()]
    since = in_memory.store.journal.since

    async def broken(session_id: str, after: int) -> object:
        if failures:
            raise failures.pop()
        return await since(session_id, after)

    session_id = await in_memory.session()
    async with peers(in_memory.url) as (peer,):
        await peer.join(session_id, after=0)
        throttle.hold(connection_of(in_memory, peer))
        await in_memory.commit(session_id, 600)
        monkeypatch.setattr(in_memory.store.journal, "since", broken)
        throttle.release(connection_of(in_memory, peer))
        await peer.reaches(session_id, 601)
        monkeypatch.undo()
        assert failures == []
        assert peer.sequence(session_id) == await in_memory.wires(session_id)


async def test_lagging_client_whose_events_cannot_be_read_is_told_to_join_again(
    in_memory: Harness, throttle: Throttle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when the fault just ends the task: the subscription would lag in silence for ever."""
    session_id = await in_memory.session()

    async def broken(session_id: str, after: int) -> object:
        raise RuntimeError("a bug")

    async with peers(in_memory.url) as (peer,):
        await peer.join(session_id)
        throttle.hold(connection_of(in_memory, peer))
        await in_memory.commit(session_id, 600)
        with monkeypatch.context() as patched, capture_logs() as logs:
            patched.setattr(in_memory.store.journal, "since", broken)
            throttle.release(connection_of(in_memory, peer))
            (resync,) = await peer.until("resync")
        assert resync == {"sessionId": session_id, "reason": "internal error"}
        [fault] = [log for log in logs if log["log_level"] == "error"]
        assert fault["event"] == "catch_up_failed"
        assert isinstance(fault["exc_info"], Exception)
        ack = await peer.join(session_id)
        await in_memory.commit(session_id, 1)
        await peer.reaches(session_id, ack["head"] + 1)


async def test_client_that_leaves_or_drops_while_it_lags_leaves_no_task(in_memory: Harness, throttle: Throttle) -> None:
    session_id = await in_memory.session()
    async with peers(in_memory.url, 2) as two:
        followers = []
        for peer in two:
            await peer.join(session_id)
            throttle.hold(connection_of(in_memory, peer))
            followers.append(follower_of(in_memory, peer, session_id))
        await in_memory.commit(session_id, 5)
        tasks = [follower._task for follower in followers]
        assert all(task is not None for task in tasks)
        leaving = two[0].call_soon("leave_session", {"sessionId": session_id})
        throttle.release(connection_of(in_memory, two[0]))
        await leaving
        two[1].drop()
        await eventually(lambda: in_memory.hub.subscriptions == 0)
        await eventually(lambda: all(task is not None and task.done() for task in tasks))


async def test_message_bodies_beyond_the_limit_travel_as_headers_to_the_lagging_too(
    in_memory: Harness, throttle: Throttle
) -> None:
    session_id = await in_memory.session()
    content = "x" * (TRUNCATE_OVER_BYTES + 1)
    async with peers(in_memory.url) as (peer,):
        await peer.join(session_id)
        throttle.hold(connection_of(in_memory, peer))
        async with peers(in_memory.url) as (other,):
            assert (await other.call("send_message", {"sessionId": session_id, "content": content}))["ok"]
        throttle.release(connection_of(in_memory, peer))
        await eventually(lambda: messages(peer))
        data = messages(peer)[0]
        assert (data["truncated"], data["message"]["content"]) == (True, "")
        assert data["size"] > TRUNCATE_OVER_BYTES


def messages(peer: Peer) -> list[Json]:
    return [event["data"] for event in peer.named("event") if event["type"] == "message.created"]
