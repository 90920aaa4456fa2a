"""The users' states over sockets: told on connect and on every change, to all connections of that user and to nobody
else; a slow reader costs bounded memory (I7) and never sees a version go back."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import AsyncIterator

import hub_peer
import pytest
from harness import Harness, Json, Users, serving
from hub_peer import Peer, Throttle, eventually, peers, settled
from structlog.testing import capture_logs

from hub.socket.backlog import HIGH_WATER_BYTES
from hub.socket.connection import Connection
from models.backoff import Backoff
from models.calls import parse
from models.errors import StorageUnavailable
from models.user_state import OPEN_MAX, PatchUserState, UserState

server, in_memory = hub_peer.server, hub_peer.in_memory
FRESH = random.SystemRandom().randrange(1 << 32)


async def patch(server: Harness, user_id: str = "local", **body: object) -> UserState:
    return await server.users.patch(user_id, parse(PatchUserState, body))


def states(peer: Peer) -> list[Json]:
    return peer.named("user_state")


def versions(peer: Peer) -> list[int]:
    return [state["version"] for state in states(peer)]


async def has(peer: Peer, version: int) -> None:
    await eventually(lambda: versions(peer)[-1:] == [version], f"version {version}")


def connections(server: Harness) -> list[Connection]:
    return list(server.hub.transport.connections.values())


@pytest.fixture
async def several() -> AsyncIterator[Harness]:
    """A server whose users are who their token says."""
    async with serving(access=Users()) as harness:
        yield harness


async def test_the_whole_state_is_told_on_connect(server: Harness) -> None:
    async with peers(server.url) as (peer,):
        await has(peer, 0)
        assert states(peer) == [UserState().to_wire()]
    written = await patch(server, tabs={"a": 1}, preferences={"soon": [1]})
    async with peers(server.url, 2) as both:
        for peer in both:
            await has(peer, 1)
            assert states(peer) == [written.to_wire()]


async def test_a_change_is_told_to_every_connection_of_the_user_once(server: Harness) -> None:
    async with peers(server.url, 3) as all_of_them:
        for peer in all_of_them:
            await has(peer, 0)
        changed = await patch(server, lastSessionId="s")
        await patch(server, lastSessionId="s")
        last = await patch(server, ui={"sidebar": "closed"})
        for peer in all_of_them:
            await has(peer, 2)
            assert states(peer)[1:] == [changed.to_wire(), last.to_wire()], "what changes nothing is not told"


async def test_nobody_hears_of_another_users_state(several: Harness) -> None:
    async with peers(several.url, token="ann") as (ann,), peers(several.url, token="bob") as (bob,):
        await has(ann, 0)
        await has(bob, 0)
        await patch(several, "ann", lastSessionId="secret")
        await has(ann, 1)
        await patch(several, "bob", lastSessionId="own")
        await has(bob, 1)
        assert "secret" not in str(bob.log)
        assert "own" not in str([state["lastSessionId"] for state in states(ann)])


async def test_a_change_during_the_first_reading_is_not_undone_by_it(
    in_memory: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = in_memory.users
    reached, go, read = asyncio.Event(), asyncio.Event(), users.state

    async def slowly(user_id: str) -> UserState:
        state = await read(user_id)
        reached.set()
        await go.wait()
        return state

    monkeypatch.setattr(users, "state", slowly)
    async with peers(in_memory.url) as (peer,):
        await reached.wait()
        await patch(in_memory, lastSessionId="s")
        await has(peer, 1)
        go.set()
        await settled()
        await patch(in_memory, lastSessionId="t")
        await has(peer, 2)
        assert versions(peer) == [1, 2]


async def test_a_connection_is_let_in_while_the_storage_fails_and_told_later(
    in_memory: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.user_feed.STORAGE_RETRY", Backoff(0.01, 0.01))
    users = in_memory.users
    read, fails = users.state, 2

    async def fail_at_first(user_id: str) -> UserState:
        nonlocal fails
        if fails:
            fails -= 1
            raise StorageUnavailable()
        return await read(user_id)

    monkeypatch.setattr(users, "state", fail_at_first)
    with capture_logs() as logs:
        async with peers(in_memory.url) as (peer,):
            await has(peer, 0)
    assert [each["event"] for each in logs].count("a user's state is not told yet") == 1


async def test_a_slow_reader_gets_only_the_newest_when_it_has_caught_up(
    in_memory: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    throttle = Throttle(monkeypatch)
    async with peers(in_memory.url, 2) as (slow, quick):
        await has(slow, 0)
        await has(quick, 0)
        throttle.hold(in_memory.hub.transport.connections[slow.sid])
        for number in range(1, 51):
            await patch(in_memory, lastSessionId=f"s{number}")
        await has(quick, 50)
        assert versions(quick) == list(range(51))
        assert versions(slow) == [0]
        throttle.release_all()
        await has(slow, 50)
        assert versions(slow) == [0, 50]
        await patch(in_memory, lastSessionId="after")
        await has(slow, 51)


async def test_a_reader_that_stops_costs_bounded_memory_however_much_changes(server: Harness) -> None:
    """Real sockets: 200 states of 60 KB are 12 MB; what waits for one reader stays at the high water and one state
    above it."""
    async with peers(server.url, 2) as (stuck, quick):
        await has(stuck, 0)
        await has(quick, 0)
        stuck.reading.clear()
        connection = server.hub.transport.connections[stuck.sid]
        most = 0
        for number in range(1, OPEN_MAX + 1):
            await patch(server, ui={"draft": f"{number} ".ljust(60_000, "x")})
            most = max(most, connection.outbox.backlog_bytes)
            await has(quick, number)
        assert HIGH_WATER_BYTES / 4 < most < HIGH_WATER_BYTES + 2 * 64 * 1024, "there was back-pressure, and a bound"
        waiting = [each for each in asyncio.all_tasks() if "_offer_later" in repr(each.get_coro())]
        assert len(waiting) == 1
        stuck.reading.set()
        await has(stuck, OPEN_MAX)
        got = versions(stuck)
        assert got == sorted(set(got))
        assert len(got) < OPEN_MAX / 2
        assert states(stuck)[-1] == states(quick)[-1]


async def test_what_is_gone_leaves_nothing_behind(in_memory: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    throttle = Throttle(monkeypatch)
    async with peers(in_memory.url, 2) as (slow, other):
        await has(slow, 0)
        throttle.hold(in_memory.hub.transport.connections[slow.sid])
        await patch(in_memory, lastSessionId="s")
        await has(other, 1)
        slow.drop()
        await eventually(lambda: len(connections(in_memory)) == 1)
        await patch(in_memory, lastSessionId="t")
        await has(other, 2)
    await eventually(lambda: not connections(in_memory))
    gc.collect()
    assert in_memory.hub.user_feed._groups == {}
    assert not [task for task in asyncio.all_tasks() if "user_feed" in repr(task.get_coro())]


async def test_stopping_the_server_ends_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    throttle = Throttle(monkeypatch)
    async with serving() as harness:
        peer = await Peer.connect(harness.url)
        await has(peer, 0)
        throttle.hold(connections(harness)[0])
        await patch(harness, lastSessionId="s")
    await peer.close()
    assert not [task for task in asyncio.all_tasks() if "_offer_later" in repr(task.get_coro())]


@pytest.mark.parametrize("seed", [1, 2, pytest.param(FRESH, id="fresh")])
async def test_whoever_changes_what_at_once_all_end_equal_and_no_version_goes_back(
    server: Harness, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Three writers, three readers of which some are slow by chance, one that comes late and one that comes back."""
    print(f"seed {seed}")
    chance, throttle = random.Random(seed), Throttle(monkeypatch)

    async def write(writer: int) -> None:
        for number in range(40):
            key = chance.choice("abcdef")
            bodies: tuple[Json, ...] = (
                {"tabs": {key: chance.choice((None, chance.random()))}},
                {"lastSessionId": chance.choice((None, key))},
                {"ui": {key: chance.choice((None, {"by": writer, "at": number}))}},
                {"preferences": {"theme": chance.choice((None, "light", "dark")), key: number}},
                {"activeSessions": chance.sample("abcdef", chance.randrange(4))},
            )
            await patch(server, **chance.choice(bodies))
            for connection in connections(server):
                (throttle.hold if chance.random() < 0.2 else throttle.release)(connection)

    async with peers(server.url, 3) as all_of_them:
        writing = asyncio.gather(*(write(number) for number in range(3)))
        late = await Peer.connect(server.url)
        all_of_them[0].drop()
        back = await Peer.connect(server.url)
        await writing
        throttle.release_all()
        final = await server.users.state("local")
        assert final.version > 40
        for peer in (*all_of_them[1:], late, back):
            await has(peer, final.version)
            assert states(peer)[-1] == final.to_wire()
            assert versions(peer) == sorted(set(versions(peer)))
        await late.close()
        await back.close()
