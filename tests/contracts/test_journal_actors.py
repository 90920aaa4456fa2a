"""The journal's contract: every backend passes all of it. Here: who each event is by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from journal_store import Store, note, opened
from patience import HANG_S
from world import appending, commit

from models.actors import SERVER, UNKNOWN, Actor
from models.errors import StaleHead
from services.engine.context import Context
from services.store.journal import Append

KINDS = ["memory", "sqlite"]
ANN = Actor(id="ann", name="Ann", kind="user")
BOTS = [
    Actor(id="assistant", name="assistant", kind="agent"),
    Actor(id="assistant", name="assistant", kind="agent", on_behalf_of="ann"),
    Actor(id="assistant", name="assistant", kind="agent", on_behalf_of="ben"),
]
OTHERS = [
    Actor(id="ann", name="Ann A.", kind="user"),
    Actor(id="ann", name="Ann", kind="agent"),
    Actor(id="安", name='"quoted" \\ and \n', kind="user"),
]
ALL = [ANN, SERVER, *BOTS, *OTHERS, UNKNOWN]


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(request.param, tmp_path) as opened_store:
        yield opened_store


async def written(store: Store, context: Context, by: Actor, count: int = 1) -> Context:
    notes = [note(context.pool_count + n) for n in range(1, count + 1)]
    return await store.put(context.session_id, appending(context.session_id, context, notes, by=by))


async def actors(store: Store, session_id: str, after: int = 0, limit: int = 1_000) -> list[Actor]:
    page = await store.journal.since(session_id, after, limit=limit)
    return [event.by for event in page.events]


async def test_each_event_is_read_back_with_who_it_is_by(store: Store) -> None:
    context = await store.session()
    for by in (*ALL, *reversed(ALL)):
        context = await written(store, context, by)
    assert await actors(store, "s", 1) == [*ALL, *reversed(ALL)]
    assert await actors(store, "s", 3, limit=2) == ALL[2:4]


async def test_one_append_may_hold_what_several_did(store: Store) -> None:
    context = await store.session()
    mixed = [appending("s", context, [note(n) for n in range(1, 4)], by=by) for by in (ANN, BOTS[1], UNKNOWN)]
    events = tuple(append.events[n] for n, append in enumerate(mixed))
    await store.put("s", Append(mixed[0].before, mixed[0].after, events))
    assert await actors(store, "s", 1) == [ANN, BOTS[1], UNKNOWN]


async def test_actors_are_the_same_in_all_sessions(store: Store) -> None:
    for session_id in ("s", "t"):
        context = await store.session(session_id)
        for by in ALL:
            context = await written(store, context, by)
    assert await actors(store, "s") == await actors(store, "t")


async def test_who_an_event_is_by_survives_a_restart(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        context = await store.session()
        for by in ALL[:4]:
            context = await written(store, context, by)
    async with opened("sqlite", tmp_path) as store:
        for by in ALL:
            context = await written(store, context, by)
        assert await actors(store, "s", 1) == [*ALL[:4], *ALL]


async def test_an_actor_of_an_append_that_was_refused_is_not_taken_for_another(store: Store) -> None:
    """Fails on SQLite when keys are remembered before they are durable: the next new actor gets the key of the one
    that was rolled back, and both events the same actor."""
    first = await store.session()
    second = await written(store, first, ANN)
    with pytest.raises(StaleHead):
        await written(store, first, BOTS[0])
    third = await written(store, second, BOTS[1])
    fourth = await written(store, third, BOTS[0])
    await written(store, fourth, BOTS[1])
    assert await actors(store, "s", 1) == [ANN, BOTS[1], BOTS[0], BOTS[1]]


async def test_appends_that_win_and_lose_in_one_batch_keep_their_own_actors(store: Store) -> None:
    contexts = {name: await store.session(name) for name in "abcdef"}
    after = {name: await written(store, context, ANN) for name, context in contexts.items()}

    async def write(name: str, by: Actor, *, stale: bool) -> None:
        context = contexts[name] if stale else after[name]
        append = appending(name, context, [note(context.pool_count + 1)], by=by)
        if not stale:
            await commit(store.journal, append)
            return
        with pytest.raises(StaleHead):
            await commit(store.journal, append)

    bots = [Actor(id=f"bot {n}", name="bot", kind="agent") for n in range(6)]
    async with asyncio.timeout(HANG_S):
        await asyncio.gather(*(write(name, by, stale=name in "ace") for name, by in zip("abcdef", bots, strict=True)))
    for name, by in zip("abcdef", bots, strict=True):
        context = await store.journal.load(name)
        await written(store, context, by)
        assert await actors(store, name, 2) == ([by] if name in "ace" else [by, by])
