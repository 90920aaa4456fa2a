"""The journal's contract, continued: deleting, lists, runs and leases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from journal_store import FOREVER, Store, fence_of, opened, wire
from world import T0, create, decided, say

from models.commands import (
    CancelRun,
    DeleteSession,
    FinishRun,
    RenameSession,
    RestoreSession,
    StartRun,
)
from models.errors import (
    Conflict,
    SessionNotFound,
)
from models.ids import EpochMs, iso
from services.engine.context import Context
from services.journal import Lease, MessageQuery


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(request.param, tmp_path) as opened_store:
        yield opened_store


# Deleting
async def test_a_deleted_session_is_hidden_from_every_read_but_load_and_comes_back_whole(store: Store) -> None:
    context = await store.running()
    deleted = await store.do(context, DeleteSession())
    journal = store.journal
    reads = (
        lambda: journal.since("s", 0),
        lambda: journal.snapshot("s"),
        lambda: journal.page("s", MessageQuery()),
        lambda: journal.messages("s", ["x"]),
        lambda: journal.chunks("s", "x", 0),
        lambda: journal.session("s"),
        lambda: journal.runs("s"),
    )
    for read in reads:
        with pytest.raises(SessionNotFound):
            await read()
    assert await journal.load("s") == deleted
    assert wire((await journal.since("s", 0, deleted=True)).events) == wire(store.events["s"])
    assert await journal.sessions() == await journal.running() == ()
    assert await journal.unfinished() == ()
    restored = await store.do(deleted, RestoreSession())
    assert (await journal.snapshot("s")).head == restored.head
    assert [session.id for session in await journal.sessions()] == ["s"]
    assert wire((await journal.since("s", 0)).events) == wire(store.events["s"])


async def test_an_unknown_session_is_not_found_by_any_read(store: Store) -> None:
    journal = store.journal
    for read in (
        lambda: journal.load("x"),
        lambda: journal.since("x", 0),
        lambda: journal.snapshot("x"),
        lambda: journal.page("x", MessageQuery()),
        lambda: journal.messages("x", []),
        lambda: journal.chunks("x", "m", 0),
        lambda: journal.session("x"),
        lambda: journal.runs("x"),
        lambda: journal.purge("x"),
        lambda: journal.sent("x", "ann", "c"),
    ):
        with pytest.raises(SessionNotFound):
            await read()


async def test_purging_leaves_nothing_and_harms_no_neighbour(store: Store) -> None:
    await store.talk(await store.session("keep"), 3)
    context = await store.do(await store.running(), say("again", client_id="c"))
    await store.projects.set_current(store.project_id, "s")
    await store.do(context, DeleteSession())
    await store.journal.purge("s")
    with pytest.raises(SessionNotFound):
        await store.journal.load("s")
    with pytest.raises(SessionNotFound):
        await store.journal.sent("s", "ann", "c")
    assert (await store.projects.get(store.project_id)).current_session_id is None
    assert [session.id for session in await store.journal.sessions()] == ["keep"]
    assert (await store.journal.page("keep", MessageQuery())).total == 3
    fresh = await store.session("s", title="new life")
    assert await store.journal.load("s") == fresh
    assert (await store.journal.page("s", MessageQuery())).messages == ()


async def test_a_session_that_was_restored_is_not_purged(store: Store) -> None:
    """However late it was restored: the purge looks inside its own transaction."""
    context = await store.session()
    deleted = await store.do(context, DeleteSession())
    restored, purged = await asyncio.gather(
        store.do(deleted, RestoreSession()), store.journal.purge("s"), return_exceptions=True
    )
    assert isinstance(restored, Context)
    assert isinstance(purged, Conflict)
    assert await store.journal.load("s") == restored


async def test_what_was_deleted_before_an_instant_is_expired(store: Store) -> None:
    for n, at in (("old", T0), ("new", T0 + 1_000), ("alive", T0)):
        context = await store.session(n)
        if n != "alive":
            await store.do(context, DeleteSession(), now=at)
    assert await store.journal.expired(EpochMs(T0)) == ()
    assert await store.journal.expired(EpochMs(T0 + 1)) == ("old",)
    assert set(await store.journal.expired(FOREVER)) == {"old", "new"}


# Lists
async def test_sessions_are_listed_by_last_change_and_by_project(store: Store) -> None:
    other = (await store.projects.create("Other")).id
    for number, name in enumerate(("a", "b", "c")):
        await store.session(name, now=T0 + number)
    append = decided("d", None, create(other), now=T0 + 10)
    assert append is not None
    await store.put("d", append)
    a = await store.journal.load("a")
    await store.do(a, RenameSession("A!"), now=T0 + 20)
    assert [session.id for session in await store.journal.sessions()] == ["a", "d", "c", "b"]
    assert [session.id for session in await store.journal.sessions(store.project_id)] == ["a", "c", "b"]
    assert [(s.id, s.project_name) for s in await store.journal.sessions(other)] == [("d", "Other")]
    assert await store.journal.sessions("nobody") == ()
    assert await store.journal.session("a") == (await store.journal.sessions())[0]


async def test_running_sessions_are_those_whose_state_is_running(store: Store) -> None:
    await store.session("idle")
    await store.running("runs", now=T0 + 1)
    await store.do(await store.session("waits", now=T0 + 2), say(), now=T0 + 2)
    done = await store.running("done")
    await store.do(done, FinishRun(fence_of(done), seen=9))
    assert [session.id for session in await store.journal.running()] == ["waits", "runs"]
    assert all(session.state == "RUNNING" for session in await store.journal.running())


# Runs and leases
async def test_runs_are_listed_in_order_with_their_ends(store: Store) -> None:
    context = await store.running()
    second, third = say(), say()
    context = await store.do(context, second, third, CancelRun(second.run_id))
    context = await store.do(context, FinishRun(fence_of(context), seen=9, error="broke"), now=T0 + 5)
    runs = await store.journal.runs("s")
    assert [(run.state, run.reason) for run in runs] == [
        ("failed", "broke"),
        ("cancelled", "cancelled"),
        ("queued", None),
    ]
    assert runs[0].finished_at_utc == iso(T0 + 5)
    assert runs[0].attempt == 1


async def test_unfinished_sessions_come_oldest_run_first(store: Store) -> None:
    late = await store.session("late")
    await store.running("early")
    await store.do(late, say(), now=T0 + 1)
    await store.session("idle")
    assert await store.journal.unfinished() == ("early", "late")


async def test_a_lease_holds_until_it_expires_and_only_for_its_owner(store: Store) -> None:
    context = await store.session()
    first = say()
    context = await store.do(context, first)
    await store.do(context, StartRun(first.run_id), lease=Lease("boot", EpochMs(T0 + 100)))
    journal = store.journal
    assert await journal.orphans("boot", EpochMs(T0 + 99)) == ()
    assert await journal.orphans("boot", EpochMs(T0 + 100)) == ("s",)
    assert await journal.orphans("another boot", EpochMs(T0)) == ("s",)
    await journal.renew([first.run_id, "nobody"], Lease("boot", EpochMs(T0 + 200)))
    assert await journal.orphans("boot", EpochMs(T0 + 150)) == ()
    await journal.renew([first.run_id], Lease("boot", EpochMs(0)))
    assert await journal.orphans("boot", EpochMs(T0)) == ("s",)
    await journal.renew([], Lease("boot", EpochMs(0)))


async def test_a_run_without_a_lease_is_an_orphan_and_one_that_waits_or_ended_is_not(store: Store) -> None:
    context = await store.session()
    first = say()
    context = await store.do(context, first)
    assert await store.journal.orphans("boot", T0) == ()
    context = await store.do(context, StartRun(first.run_id))
    assert await store.journal.orphans("boot", T0) == ("s",)
    await store.do(context, CancelRun())
    assert await store.journal.orphans("boot", T0) == ()


async def test_renewing_a_run_that_ended_does_not_wake_it(store: Store) -> None:
    context = await store.running()
    run_id = fence_of(context).run_id
    context = await store.do(context, CancelRun())
    await store.journal.renew([run_id], Lease("boot", FOREVER))
    assert await store.journal.load("s") == context
    assert await store.journal.unfinished() == ()
