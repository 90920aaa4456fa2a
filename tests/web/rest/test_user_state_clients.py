"""Two or more clients of one user: whatever they change at once, and whatever happens to their connections, all end
with what the server has."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hub_peer import eventually
from rest_client import Rest

from hub.client import CallFailed, ConnectionLost, HubClient
from hub.socket.connection import Connection
from web.keys import HUB

Json = dict[str, Any]
Serve = Callable[..., Awaitable[Rest]]
STATE = "/api/me/state"
FRESH = random.SystemRandom().randrange(1 << 32)


def url_of(rest: Rest) -> str:
    return str(rest.client.make_url("/"))


@asynccontextmanager
async def clients(url: str, count: int) -> AsyncIterator[list[HubClient]]:
    """Connected, each with the user's state."""
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(HubClient(url, backoff_s=(0.01, 0.02))) for _ in range(count)]
        await eventually(lambda: all(client.user_state for client in made), "the first states")
        yield made


async def all_have(clients: list[HubClient], state: Json) -> None:
    await eventually(lambda: all(client.user_state == state for client in clients), f"version {state['version']}")


def connections(rest: Rest) -> list[Connection]:
    return list(rest.app[HUB].transport.connections.values())


async def test_each_sees_what_the_other_changes(stored: Rest) -> None:
    async with clients(url_of(stored), 2) as (one, other):
        assert one.user_state == await stored.get(STATE)
        changed = await one.update_state({"tabs": {"a": 1}, "ui": {"sidebar": "closed"}})
        await all_have([one, other], changed)
        changed = await other.update_state({"tabs": {"a": None, "b": 2}})
        assert changed["tabs"] == {"b": 2}
        await all_have([one, other], changed)
        deleted = (await stored.ask("DELETE", STATE)).data
        await all_have([one, other], deleted)


async def test_tabs_that_are_dragged_on_both_sides_at_once_end_in_one_order(stored: Rest) -> None:
    async with clients(url_of(stored), 2) as both:
        await both[0].update_state({"tabs": {name: rank for rank, name in enumerate("abcd")}})
        for _ in range(10):
            await asyncio.gather(*(client.update_state({"tabs": {"a": random.random()}}) for client in both))
        await asyncio.gather(both[0].update_state({"tabs": {"a": 9}}), both[1].update_state({"tabs": {"b": -1}}))
        state = await stored.get(STATE)
        assert state["tabs"] == {"a": 9, "b": -1, "c": 2, "d": 3}
        await all_have(both, state)


async def test_sessions_that_are_opened_and_closed_at_once_are_all_kept(stored: Rest) -> None:
    async with clients(url_of(stored), 3) as (one, other, third):
        await all_have([one, other, third], await one.update_state({"activeSessions": ["a", "b"]}))
        await asyncio.gather(
            one.update_state({"activeSessions": ["a", "b", "c"]}),
            other.update_state({"activeSessions": ["b"]}),
            third.update_state({"activeSessions": ["a", "b", "d"]}),
        )
        state = await stored.get(STATE)
        assert state["activeSessions"] == ["b", "c", "d"]
        await all_have([one, other, third], state)


async def test_bad_values_are_raised_and_change_nothing(rest: Rest) -> None:
    async with clients(url_of(rest), 1) as (client,):
        with pytest.raises(CallFailed) as refused:
            await client.update_state({"preferences": {"theme": "sepia"}})
        assert (refused.value.code, refused.value.details["field"]) == ("invalid_argument", "preferences.theme")
        assert client.user_state == await rest.get(STATE)


async def test_a_closed_client_says_so(rest: Rest) -> None:
    async with clients(url_of(rest), 1) as (client,):
        pass
    with pytest.raises(ConnectionLost):
        await client.update_state({"lastSessionId": "s"})


async def test_who_was_away_has_the_newest_when_it_is_back(rest: Rest) -> None:
    async with clients(url_of(rest), 2) as (away, other):
        first = await other.update_state({"lastSessionId": "a"})
        await all_have([away], first)
        for connection in connections(rest):
            connection.abort()
        changed = await other.update_state({"lastSessionId": "b"})
        await all_have([away, other], changed)


async def test_a_restart_keeps_the_state_and_its_clients_go_on(serve: Serve, tmp_path: Path) -> None:
    first = await serve(database=None, data=tmp_path / "data")
    async with clients(url_of(first), 1) as (client,):
        before = await client.update_state({"tabs": {"a": 1}})
    await first.client.close()
    again = await serve(database=None, data=tmp_path / "data")
    async with clients(url_of(again), 2) as both:
        await all_have(both, before)
        assert (await both[0].update_state({"tabs": {"b": 2}}))["version"] == before["version"] + 1


class Writer:
    """A client that changes this and that. What it alone touches may not be lost, whatever the races: its part of `ui`,
    and the sessions that it opened."""

    def __init__(self, client: HubClient, name: str, chance: random.Random) -> None:
        self.client = client
        self.name = name
        self.chance = chance
        self.opened: set[str] = set()
        self.versions: list[int] = []

    async def write(self, times: int) -> None:
        for number in range(times):
            await self.client.update_state({"ui": {self.name: {str(number): True}}, **self.change(number)})
            assert self.client.user_state is not None
            self.versions.append(self.client.user_state["version"])

    def change(self, number: int) -> Json:
        chance, key = self.chance, self.chance.choice("abcdef")
        match chance.randrange(4):
            case 0:
                return {"tabs": {key: chance.choice((None, chance.random()))}}
            case 1:
                self.opened.add(f"{self.name}/{number}")
                known = (self.client.user_state or {})["activeSessions"]
                return {"activeSessions": [*known, f"{self.name}/{number}"]}
            case 2:
                return {"preferences": {"theme": chance.choice((None, "dark")), key: chance.choice((None, number))}}
            case _:
                return {"lastSessionId": chance.choice((None, key))}


@pytest.mark.parametrize("seed", [1, 2, 3, pytest.param(FRESH, id="fresh")])
async def test_many_changes_at_once_with_lost_connections_end_equal_everywhere(stored: Rest, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)

    async def cut(writing: asyncio.Future[Any]) -> None:
        while not writing.done():
            for connection in connections(stored):
                if chance.random() < 0.2:
                    connection.abort()
            await asyncio.wait((writing,), timeout=0.05)

    async with clients(url_of(stored), 3) as three:
        writers = [Writer(client, f"w{number}", chance) for number, client in enumerate(three)]
        writing = asyncio.gather(*(writer.write(25) for writer in writers))
        await cut(writing)
        await writing
        final = await stored.get(STATE)
        await all_have(three, final)
        assert {name: len(parts) for name, parts in final["ui"].items()} == {"w0": 25, "w1": 25, "w2": 25}
        assert set(final["activeSessions"]) == set().union(*(writer.opened for writer in writers))
        for writer in writers:
            assert writer.versions == sorted(writer.versions)
