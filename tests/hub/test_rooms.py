"""Rooms: one encoding for all, heads, ephemeral broadcasts, and nothing left when everybody has gone (B4)."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import hub_peer
import orjson
import pytest
from harness import Harness, Users, serving
from hub_peer import Peer, Throttle, eventually, peers
from structlog.testing import capture_logs
from world import let_go

from hub import rooms, subscription
from hub.rooms import Room
from hub.socket.frames import Frame
from models.calls import BROADCAST_MAX_BYTES
from models.events import Event
from services.access import LOCAL
from services.sessions import following

server, in_memory = hub_peer.server, hub_peer.in_memory


async def test_event_is_encoded_once_per_room_and_mode(in_memory: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Design §8. Fails when `offer` encodes for each follower."""
    encoded: Counter[str] = Counter()
    wrap = subscription.SOCKET_IO.wrap

    def count(name: str, data: bytes, event: Event | None) -> Frame:
        encoded[name] += 1
        return wrap(name, data, event)

    monkeypatch.setattr(rooms, "SOCKET_IO", replace(subscription.SOCKET_IO, wrap=count))
    session_id = await in_memory.session()
    async with peers(in_memory.url, 6) as six:
        for number, peer in enumerate(six):
            await peer.join(session_id, mode="signal" if number % 2 else "push")
        await in_memory.commit(session_id, 4)
        for peer in six:
            await peer.reaches(session_id, 5)
    assert encoded == {"event": 4, "signal": 4}


async def test_nothing_is_encoded_for_an_empty_room(in_memory: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    session_id = await in_memory.session()
    monkeypatch.setattr(following, "Telling", None)
    with capture_logs() as logs:
        await in_memory.commit(session_id, 4)
    assert [log for log in logs if log["log_level"] == "error"] == []


async def test_deletion_is_told_and_ends_the_room(server: Harness) -> None:
    session_id = await server.session()
    async with peers(server.url, 2) as (push, signal):
        await push.join(session_id)
        await signal.join(session_id, mode="signal")
        await server.organizer.delete(LOCAL, session_id)
        await push.until("event")
        await signal.until("signal")
        assert push.named("event")[-1]["type"] == signal.named("signal")[-1]["type"] == "session.deleted"
        assert server.hub.subscriptions == 0
        await server.organizer.restore(LOCAL, session_id)
        await server.commit(session_id, 2)
        ack = await push.join(session_id)
        assert len(push.named("event")) == 1
        await server.commit(session_id, 1)
        await push.reaches(session_id, ack["head"] + 1)


async def test_switching_sessions_fifty_times_leaves_nothing_behind(
    in_memory: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B4. Fails when `leave` or the sweep forgets a room, its presence or its timers."""
    monkeypatch.setattr("hub.presence.BATCH_S", 0.01)
    monkeypatch.setattr("hub.presence.LEAVE_GRACE_S", 0.02)
    session_ids = [await in_memory.session() for _ in range(5)]
    async with peers(in_memory.url, 2) as two:
        for turn in range(50):
            for peer in two:
                await peer.join(session_ids[turn % 5])
                await peer.call("leave_session", {"sessionId": session_ids[turn % 5]})
        for peer in two:
            await peer.join(session_ids[0])
        assert in_memory.hub.subscriptions == 2
    await eventually(lambda: in_memory.hub.subscriptions == 0)

    def swept() -> bool:
        in_memory.hub.rooms.sweep()
        return not list(in_memory.hub.rooms)

    await eventually(swept, "no room")
    assert in_memory.hub.connections == 0


async def test_switching_leaves_one_subscription_and_no_foreign_event(in_memory: Harness) -> None:
    one, two = await in_memory.session(), await in_memory.session()
    async with peers(in_memory.url) as (peer,):
        for _ in range(50):
            await peer.join(one)
            await peer.call("leave_session", {"sessionId": one})
            await peer.join(two)
            await peer.call("leave_session", {"sessionId": two})
        ack = await peer.join(one)
        await in_memory.commit(one, 3)
        await in_memory.commit(two, 3)
        await peer.reaches(one, ack["head"] + 3)
        assert [event["sessionId"] for event in peer.named("event")] == [one] * 3
        assert in_memory.hub.subscriptions == 1


async def test_heads_tell_where_a_session_stands() -> None:
    async with serving(head_every_s=0.02) as server, peers(server.url, 2) as (push, signal):
        session_id = await server.session()
        await push.join(session_id)
        await signal.join(session_id, mode="signal")
        await server.commit(session_id, 4)
        await eventually(lambda: any(head["seq"] == 5 for head in push.named("head")))
        snapshot = await server.snapshot(session_id)
        await eventually(lambda: push.named("head")[-1]["presenceVersion"] == 1)
        assert push.named("head")[-1] == {
            "sessionId": session_id,
            "epoch": snapshot["epoch"],
            "seq": 5,
            "state": {"name": "initial"},
            "presenceVersion": 1,
        }
        await signal.until("head")
        let_go(server.chat.sessions)
        told = len(push.named("head"))
        await push.until("head", told + 2)
        assert push.named("head")[-1]["seq"] == 5


async def test_fault_in_one_session_does_not_keep_the_heads_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when a fault ends the loop that tells all heads."""
    async with serving(head_every_s=0.01) as server, peers(server.url) as (peer,):
        broken, sound = await server.session(), await server.session()
        await peer.join(broken)
        await peer.join(sound)
        tell_head = Room.tell_head

        def tell(room: Room, frame: Frame) -> None:
            if room.session_id == broken:
                raise RuntimeError("a bug")
            tell_head(room, frame)

        with capture_logs() as logs:
            monkeypatch.setattr(Room, "tell_head", tell)
            await eventually(lambda: any(log["log_level"] == "error" for log in logs), "the fault")
            told = len(peer.named("head"))
            await peer.until("head", told + 3)
        assert {head["sessionId"] for head in peer.named("head")[told:]} == {sound}
        faults = [log for log in logs if log["log_level"] == "error"]
        assert {(log["session"], log["exc_info"]) for log in faults} == {(broken, True)}


async def test_head_is_never_ahead_of_the_events_on_the_same_connection() -> None:
    """Else every client would join again at every head."""
    async with serving(head_every_s=0.001) as server, peers(server.url) as (peer,):
        session_id = await server.session()
        await peer.join(session_id, after=0)
        for _ in range(20):
            await server.commit(session_id, 10)
        await peer.reaches(session_id, 201)
        last = 0
        for name, data in peer.log:
            if name == "join_session":
                last = data["head"]
            elif name == "event":
                last = data["seq"]
            elif name == "head":
                assert data["seq"] <= last
        assert peer.named("head")


# Broadcast -------------------------------------------------------------------------------------------------------


async def test_broadcast_reaches_the_others_in_the_room_with_its_sender() -> None:
    async with serving(access=Users()) as server:
        session_id, elsewhere = await server.session(), await server.session()
        ann, bob, eve = [await Peer.connect(server.url, token) for token in ("ann", "bob", "eve")]
        await ann.join(session_id)
        await bob.join(session_id, mode="signal")
        await eve.join(elsewhere)
        assert await ann.call("broadcast_message", {"sessionId": session_id, "data": {"typing": True}}) == {"ok": True}
        (heard,) = await bob.until("broadcast")
        assert heard == {
            "sessionId": session_id,
            "from": {"userId": "ann", "name": "Ann"},
            "data": {"typing": True},
        }
        assert (await eve.call("broadcast_message", {"sessionId": elsewhere, "data": None}))["ok"]
        assert ann.named("broadcast") == eve.named("broadcast") == []
        for peer in (ann, bob, eve):
            await peer.close()


@pytest.mark.parametrize("over", [0, 1, 100_000])
async def test_broadcast_is_bounded_by_four_kib_of_json(in_memory: Harness, over: int) -> None:
    session_id = await in_memory.session()
    data = {"text": "é" * 10}
    data["text"] += "x" * (BROADCAST_MAX_BYTES + over - len(orjson.dumps(data)))
    async with peers(in_memory.url, 2) as (sender, other):
        await sender.join(session_id)
        await other.join(session_id)
        ack = await sender.call("broadcast_message", {"sessionId": session_id, "data": data})
        if over:
            assert ack["error"]["code"] == "payload_too_large"
            assert ack["error"]["details"]["field"] == "data"
        else:
            assert (await other.until("broadcast"))[0]["data"] == data


async def test_broadcast_is_refused_to_who_has_not_joined(in_memory: Harness) -> None:
    session_id = await in_memory.session()
    async with peers(in_memory.url, 2) as (inside, outside):
        await inside.join(session_id)
        for wanted in (session_id, "nobody"):
            ack = await outside.call("broadcast_message", {"sessionId": wanted, "data": 1})
            assert ack["error"]["code"] == "session_not_found"
        await outside.join(session_id)
        await outside.call("leave_session", {"sessionId": session_id})
        ack = await outside.call("broadcast_message", {"sessionId": session_id, "data": 1})
        assert ack["error"]["code"] == "session_not_found"
        assert inside.named("broadcast") == []


async def test_broadcast_is_not_queued_for_who_is_behind(in_memory: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """I7: what is ephemeral is dropped, what is in the journal is caught up."""
    throttle = Throttle(monkeypatch)
    session_id = await in_memory.session()
    async with peers(in_memory.url, 3) as (sender, slow, quick):
        await asyncio.gather(*(peer.join(session_id) for peer in (sender, slow, quick)))
        throttle.hold(in_memory.hub.transport.connections[slow.sid])
        await sender.call("broadcast_message", {"sessionId": session_id, "data": 1})
        await quick.until("broadcast")
        throttle.release_all()
        await sender.call("broadcast_message", {"sessionId": session_id, "data": 2})
        assert [heard["data"] for heard in await slow.until("broadcast")] == [2]
