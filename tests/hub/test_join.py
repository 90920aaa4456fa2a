"""Joining (design §5): what an ack holds; nothing is missed or repeated by what is committed meanwhile (I3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import hub_peer
import orjson
import pytest
from harness import Harness, Json
from hub_peer import Peer, eventually, peers
from world import let_go

from models.calls import CreateSessionBody
from models.errors import StorageUnavailable
from models.ids import new_id
from services.access import LOCAL
from services.llm.scripted import Mark, Pause, Say
from services.store.journal import PAGE_BYTES, PAGE_EVENTS

server, in_memory = hub_peer.server, hub_peer.in_memory

Commit = Callable[[str], Awaitable[None]]


def numbers(events: list[Json]) -> list[int]:
    return [event["seq"] for event in events]


def once(commit: Commit) -> Commit:
    """`commit` at the first join only: a client that has to join again must come to an end."""
    left = [commit]

    async def hook(session_id: str) -> None:
        if left:
            await left.pop()(session_id)

    return hook


async def test_join_without_after_answers_a_snapshot(server: Harness) -> None:
    session_id = await server.session()
    await server.commit(session_id, 3)
    async with peers(server.url) as (peer,):
        ack = await peer.join(session_id)
    assert ack["snapshot"] == await server.snapshot(session_id)
    assert (ack["recovered"], ack["events"], ack["hasMore"], ack["head"]) == (False, [], False, 4)


async def test_join_with_after_and_epoch_answers_exactly_the_missed_events(server: Harness) -> None:
    session_id = await server.session()
    await server.commit(session_id, 9)
    async with peers(server.url) as (peer,):
        epoch = (await peer.join(session_id))["epoch"]
        ack = await peer.join(session_id, after=4, epoch=epoch)
    assert ack["events"] == await server.wires(session_id, 4)
    assert "snapshot" not in ack
    assert (ack["recovered"], ack["hasMore"], ack["head"]) == (True, False, 10)


async def test_join_of_a_session_that_is_not_in_memory_reads_the_journal(server: Harness) -> None:
    session_id = await server.session()
    await server.commit(session_id, 9)
    epoch = (await server.snapshot(session_id))["epoch"]
    let_go(server.chat.sessions)
    async with peers(server.url) as (peer,):
        ack = await peer.join(session_id, after=4, epoch=epoch)
    assert ack["events"] == await server.wires(session_id, 4)


async def test_join_in_signal_mode_answers_signals(server: Harness) -> None:
    session_id = await server.session()
    await server.commit(session_id, 5)
    async with peers(server.url) as (peer,):
        epoch = (await peer.join(session_id))["epoch"]
        ack = await peer.join(session_id, after=2, epoch=epoch, mode="signal")
    assert numbers(ack["events"]) == [3, 4, 5, 6]
    assert all("data" not in signal for signal in ack["events"])


async def test_after_zero_needs_no_epoch(server: Harness) -> None:
    session_id = await server.session()
    await server.commit(session_id, 5)
    async with peers(server.url) as (peer,):
        ack = await peer.join(session_id, after=0)
    assert ack["recovered"] is True
    assert ack["events"] == await server.wires(session_id)


@pytest.mark.parametrize("position", [{"after": 3, "epoch": "another"}, {"after": 3}, {"after": 7}])
async def test_position_that_is_not_in_this_journal_answers_a_snapshot(server: Harness, position: Json) -> None:
    """An epoch that is wrong or missing, or a position beyond the head."""
    session_id = await server.session()
    await server.commit(session_id, 5)
    snapshot = await server.snapshot(session_id)
    if position["after"] > snapshot["head"]:
        position = {**position, "epoch": snapshot["epoch"]}
    async with peers(server.url) as (peer,):
        ack = await peer.join(session_id, **position)
    assert (ack["recovered"], ack["events"]) == (False, [])
    assert ack["snapshot"] == snapshot


async def test_after_equal_to_the_head_is_recovered_with_nothing(server: Harness) -> None:
    session_id = await server.session()
    async with peers(server.url) as (peer,):
        epoch = (await peer.join(session_id))["epoch"]
        ack = await peer.join(session_id, after=1, epoch=epoch)
    assert (ack["recovered"], ack["events"], ack["hasMore"]) == (True, [], False)


@pytest.mark.parametrize(("events", "size"), [(PAGE_EVENTS * 2 + 500, 8), (2_500, 190)])
async def test_pages_are_bounded_by_events_and_bytes_until_has_more_is_false(
    server: Harness, events: int, size: int
) -> None:
    session_id = await server.session()
    await server.fill(session_id, events, size=size)
    epoch = (await server.snapshot(session_id))["epoch"]
    async with peers(server.url) as (peer,):
        last, pages = 0, 0
        while True:
            ack = await peer.join(session_id, after=last, epoch=epoch)
            assert 0 < len(ack["events"]) <= PAGE_EVENTS
            assert sum(len(orjson.dumps(event)) for event in ack["events"]) <= PAGE_BYTES
            last, pages = ack["events"][-1]["seq"], pages + 1
            if not ack["hasMore"]:
                break
        assert pages >= 3
        assert peer.sequence(session_id) == await server.wires(session_id)


async def test_a_part_is_fed_nothing_until_the_client_joins_again(in_memory: Harness) -> None:
    session_id = await in_memory.session()
    await in_memory.fill(session_id, PAGE_EVENTS + 10)
    async with peers(in_memory.url) as (peer,):
        ack = await peer.join(session_id, after=0)
        assert ack["hasMore"]
        await in_memory.commit(session_id, 3)
        ack = await peer.join(session_id, after=PAGE_EVENTS, epoch=ack["epoch"])
        await in_memory.commit(session_id, 2)
        await peer.reaches(session_id, PAGE_EVENTS + 16)
        assert numbers(peer.sequence(session_id)) == list(range(1, PAGE_EVENTS + 17))


async def test_signal_mode_is_live_after_any_join_however_much_was_missed(server: Harness) -> None:
    """The client pulls what it missed. Fails when a part is answered with `hasMore`: nobody would join again."""
    session_id = await server.session()
    await server.fill(session_id, PAGE_EVENTS + 10)
    async with peers(server.url) as (peer,):
        ack = await peer.join(session_id, after=0, mode="signal")
        assert (ack["hasMore"], ack["head"]) == (False, PAGE_EVENTS + 11)
        await server.commit(session_id, 2)
        await peer.reaches(session_id, PAGE_EVENTS + 13)
        assert numbers(peer.named("signal")) == [PAGE_EVENTS + 12, PAGE_EVENTS + 13]


async def test_joining_again_replaces_cursor_and_mode(server: Harness) -> None:
    session_id = await server.session()
    async with peers(server.url) as (peer,):
        ack = await peer.join(session_id)
        await peer.join(session_id, mode="signal", after=1, epoch=ack["epoch"])
        await server.commit(session_id, 2)
        await peer.reaches(session_id, 3)
        assert peer.named("event") == []
        assert numbers(peer.named("signal"))[-1] == 3
        signals = len(peer.named("signal"))
        again = await peer.join(session_id, after=1, epoch=ack["epoch"])
        assert numbers(again["events"]) == [2, 3]
        await server.commit(session_id, 2)
        await peer.reaches(session_id, 5)
        assert numbers(peer.named("event")) == [4, 5]
        assert len(peer.named("signal")) == signals
        assert server.hub.subscriptions == 1


@pytest.mark.parametrize("session_id", ["nobody", pytest.param(new_id(), id="a new id")])
async def test_unknown_session_is_refused_and_leaves_no_room(server: Harness, session_id: str) -> None:
    async with peers(server.url) as (peer,):
        ack = await peer.call("join_session", {"sessionId": session_id})
    assert ack["error"]["code"] == "session_not_found"
    assert list(server.hub.rooms) == []


async def test_deleted_session_is_refused_until_it_is_restored(server: Harness) -> None:
    session_id = await server.session()
    await server.organizer.delete(LOCAL, session_id)
    async with peers(server.url) as (peer,):
        for position in ({}, {"after": 0}):
            ack = await peer.call("join_session", {"sessionId": session_id, **position})
            assert ack["error"]["code"] == "session_not_found"
        await server.organizer.restore(LOCAL, session_id)
        assert numbers((await peer.join(session_id, after=0))["events"]) == [1, 2, 3]


async def test_session_deleted_while_it_is_joined_is_refused(in_memory: Harness) -> None:
    session_id = await in_memory.session()
    in_memory.hub.joiner.after_read = once(lambda session_id: in_memory.organizer.delete(LOCAL, session_id))
    async with peers(in_memory.url) as (peer,):
        ack = await peer.call("join_session", {"sessionId": session_id})
    assert ack["error"]["code"] == "session_not_found"


async def test_storage_that_fails_during_a_join_is_told_and_the_next_join_works(
    in_memory: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await in_memory.session()

    async def fail(session_id: str) -> None:
        raise StorageUnavailable()

    in_memory.hub.joiner.after_read = once(fail)
    async with peers(in_memory.url) as (peer,):
        ack = await peer.call("join_session", {"sessionId": session_id})
        assert (ack["error"]["code"], ack["error"]["retryable"]) == ("storage_unavailable", True)
        assert in_memory.hub.subscriptions == 0
        await peer.join(session_id)


# Injection: what is committed between the read of the journal and the merge ------------------------------------------


@pytest.mark.parametrize("position", [None, 0, 7])
@pytest.mark.parametrize("injected", [1, 100, 511, 700])
async def test_commits_between_read_and_merge_arrive_once_and_in_order(
    server: Harness, injected: int, position: int | None
) -> None:
    """I3. Fails when `Joiner._merged` leaves out the tail and `go_live` its check of `last_seq`, and when the room is
    entered after the read. Above 512 events the tail has been overrun and the cursor takes over."""
    session_id = await server.session()
    await server.commit(session_id, 19)
    epoch = (await server.snapshot(session_id))["epoch"]
    server.hub.joiner.after_read = once(lambda session_id: server.commit(session_id, injected))
    async with peers(server.url) as (peer,):
        wanted: Json = {} if position is None else {"after": position, "epoch": epoch}
        ack = await peer.join(session_id, **wanted)
        # Without a further event: that would make the gap show, and be filled.
        await peer.reaches(session_id, 20 + injected)
        await server.commit(session_id, 5)
        events = await peer.reaches(session_id, 25 + injected)
    start = ack["snapshot"]["head"] if position is None else position
    assert events == await server.wires(session_id, start)
    assert len(ack["events"]) <= PAGE_EVENTS


async def test_full_page_stays_within_its_bound_when_more_is_committed_meanwhile(server: Harness) -> None:
    session_id = await server.session()
    await server.fill(session_id, PAGE_EVENTS - 1)
    server.hub.joiner.after_read = once(lambda session_id: server.commit(session_id, 100))
    async with peers(server.url) as (peer,):
        ack = await peer.join(session_id, after=0)
        events = await peer.reaches(session_id, PAGE_EVENTS + 100)
    assert len(ack["events"]) <= PAGE_EVENTS
    assert events == await server.wires(session_id)


async def test_events_of_an_ack_stay_within_256_kib_together_with_what_came_meanwhile(in_memory: Harness) -> None:
    session_id = await in_memory.session()
    await in_memory.commit(session_id, 580, size=190)
    in_memory.hub.joiner.after_read = once(lambda session_id: in_memory.commit(session_id, 400, size=190))
    async with peers(in_memory.url) as (peer,):
        ack = await peer.join(session_id, after=0)
        events = await peer.reaches(session_id, 981)
    assert sum(len(orjson.dumps(event)) for event in ack["events"]) <= PAGE_BYTES
    assert numbers(events) == list(range(1, 982))


async def test_commits_between_read_and_merge_reach_signal_mode_as_one_high_water_mark(server: Harness) -> None:
    session_id = await server.session()
    server.hub.joiner.after_read = once(lambda session_id: server.commit(session_id, 700))
    async with peers(server.url) as (peer,):
        ack = await peer.join(session_id, mode="signal")
        await peer.reaches(session_id, 701)
    assert ack["head"] == 701
    assert len(peer.named("signal")) <= 1


async def test_clients_that_join_while_many_commits_race_miss_and_repeat_nothing(server: Harness) -> None:
    """I3, with commits before, during and after every join of every client."""
    session_id = await server.session()
    server.hub.joiner.after_read = lambda session_id: asyncio.sleep(0.001)
    stop = asyncio.Event()

    async def churn() -> None:
        while not stop.is_set():
            await server.commit(session_id, 7)
            await asyncio.sleep(0)

    churning = asyncio.create_task(churn())
    async with peers(server.url, 4) as four:
        await asyncio.gather(*(rejoin_often(peer, session_id) for peer in four))
        stop.set()
        await churning
        head = (await server.snapshot(session_id))["head"]
        journal = await server.wires(session_id)
        for peer in four:
            assert since_last_join(await peer.reaches(session_id, head), journal)


async def rejoin_often(peer: Peer, session_id: str) -> None:
    ack = await peer.join(session_id, after=0)
    for _ in range(12):
        events = peer.sequence(session_id)
        assert numbers(events) == list(range(1, len(events) + 1))
        peer.log.clear()
        last = events[-1]["seq"]
        ack = await peer.join(session_id, after=last, epoch=ack["epoch"])
        peer.log[:] = [("join_session", {**ack, "events": [*events, *unseen(peer, session_id, last)]})]


def unseen(peer: Peer, session_id: str, last: int) -> list[Json]:
    """The client's rule for a rejoin: what came twice, live before the ack and again in it, counts once."""
    fresh: list[Json] = []
    for event in peer.sequence(session_id):
        if event["seq"] > last + len(fresh):
            assert event["seq"] == last + len(fresh) + 1, "a gap"
            fresh.append(event)
    return fresh


def since_last_join(events: list[Json], journal: list[Json]) -> bool:
    return events == journal[: len(events)] and len(events) == len(journal)


# Streaming, order, and what joining costs others ---------------------------------------------------------------------


async def test_join_while_streaming_has_the_text_so_far_and_goes_on_from_its_sequence(server: Harness) -> None:
    """I2 and I3 in the middle of a reply. Fails when the snapshot leaves out the text of the open stream."""
    middle, go = asyncio.Event(), asyncio.Event()
    words = [Say(f"word{number} ") for number in range(1, 11)]
    server.scripted.register("halves", (*words, Mark(middle), Pause(go), *words))
    session_id = await server.session("scripted:halves")
    async with peers(server.url, 2) as (early, late):
        await early.join(session_id)
        await early.call("send_message", {"sessionId": session_id, "content": "go"})
        await middle.wait()
        snapshot = (await late.join(session_id))["snapshot"]
        reply = snapshot["messages"][-1]
        assert (reply["status"], reply["sequence"]) == ("streaming", 10)
        assert reply["content"] == "".join(f"word{number} " for number in range(1, 11))
        go.set()
        await eventually(lambda: deltas(late) and late.named("event")[-1]["type"] == "session.state_changed")
        assert [delta["sequence"] for delta in deltas(late)] == list(range(11, 21))
        whole = reply["content"] + "".join(delta["delta"] for delta in deltas(late))
        assert (await server.snapshot(session_id))["messages"][-1]["content"] == whole


def deltas(peer: Peer) -> list[Json]:
    return [event["data"] for event in peer.named("event") if event["type"] == "message.delta"]


async def test_ack_comes_before_the_live_events_that_follow_it(in_memory: Harness) -> None:
    """Fails when the subscription goes live before the ack is written."""
    session_id = await in_memory.session()
    in_memory.hub.joiner.after_read = once(lambda session_id: in_memory.commit(session_id, 600))
    async with peers(in_memory.url) as (peer,):
        await peer.join(session_id)
        await peer.reaches(session_id, 601)
        assert next(name for name, _ in peer.log if name in ("event", "join_session")) == "join_session"


async def test_join_that_waits_for_its_read_delays_nobody(server: Harness) -> None:
    """I7: joining holds no lock. Fails when the read is made under the session's door or the hub's."""
    session_id = await server.session()
    reached, go = asyncio.Event(), asyncio.Event()

    async def wait(session_id: str) -> None:
        reached.set()
        await go.wait()

    async with peers(server.url, 3) as (slow, reader, writer):
        await reader.join(session_id)
        server.hub.joiner.after_read = once(wait)
        joining = slow.call_soon("join_session", {"sessionId": session_id})
        await reached.wait()
        ack = await writer.call("send_message", {"sessionId": session_id, "content": "hello"})
        assert ack["ok"]
        await writer.join(session_id)
        await eventually(lambda: [e for e in reader.named("event") if e["type"] == "run.finished"], "the run's end")
        assert not joining.done()
        go.set()
        started_at = (await joining)["snapshot"]["head"]
        head = (await server.snapshot(session_id))["head"]
        assert await slow.reaches(session_id, head) == await server.wires(session_id, started_at)


async def test_call_after_a_join_waits_for_it(in_memory: Harness) -> None:
    """Calls of one connection are handled in order."""
    session_id = await in_memory.session()
    go = asyncio.Event()

    async def wait(session_id: str) -> None:
        await go.wait()

    in_memory.hub.joiner.after_read = once(wait)
    async with peers(in_memory.url) as (peer,):
        joining = peer.call_soon("join_session", {"sessionId": session_id})
        leaving = peer.call_soon("leave_session", {"sessionId": session_id})
        go.set()
        await asyncio.gather(joining, leaving)
        answered = [name for name, _ in peer.log if name not in ("presence", "user_state")]
        assert answered == ["join_session", "leave_session"]
        assert in_memory.hub.subscriptions == 0


async def test_ack_names_the_participants_and_the_version_of_presence(in_memory: Harness) -> None:
    session_id = await in_memory.session()
    async with peers(in_memory.url, 2) as (first, second):
        await first.join(session_id)
        await first.until("presence")
        ack = await second.join(session_id)
    assert ack["participants"] == [{"userId": "local", "name": "local", "connections": 2}]
    assert ack["presenceVersion"] == 1
    assert first.named("presence")[0]["version"] == 1


async def test_after_leaving_nothing_comes(in_memory: Harness) -> None:
    session_id = await in_memory.session()
    async with peers(in_memory.url, 2) as (stays, leaves):
        await stays.join(session_id)
        await leaves.join(session_id)
        await leaves.call("leave_session", {"sessionId": session_id})
        await in_memory.commit(session_id, 3)
        await stays.reaches(session_id, 4)
        await leaves.call("leave_session", {"sessionId": session_id})
        assert leaves.named("event") == []


async def test_sessions_do_not_mix(in_memory: Harness) -> None:
    one, two = await in_memory.session(), await in_memory.session()
    created: Any = await in_memory.organizer.create_session(LOCAL, CreateSessionBody(title="third"))
    async with peers(in_memory.url) as (peer,):
        await peer.join(one, after=0)
        await peer.join(two, after=0)
        for session_id in (one, two, created.id, two, one):
            await in_memory.commit(session_id, 3)
        await peer.reaches(one, 7)
        await peer.reaches(two, 7)
        assert numbers(peer.sequence(one)) == numbers(peer.sequence(two)) == list(range(1, 8))
        assert peer.sequence(created.id) == []
