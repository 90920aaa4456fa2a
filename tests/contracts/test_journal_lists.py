"""The journal's contract, continued: deleting, lists, runs and leases."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import journal_store
import pytest
from journal_store import FOREVER, Store, fence_of, wire
from world import T0, create, decided, say

from models.commands import (
    ArchiveContext,
    CancelRun,
    DeleteSession,
    FinishRun,
    RenameSession,
    RestoreSession,
    UnarchiveContext,
)
from models.errors import (
    Conflict,
    InvalidArgument,
    SessionNotFound,
)
from models.ids import EpochMs, iso
from services.engine.context import Context
from services.store.lists import RUNNING, SessionQuery
from services.store.reads import MessageQuery

store = journal_store.store


# Deleting
async def test_a_deleted_session_is_hidden_from_every_read_but_load_and_comes_back_whole(store: Store) -> None:
    context = await store.running()
    deleted = await store.do(context, DeleteSession())
    reads = (
        lambda: store.journal.since("s", 0),
        lambda: store.reads.snapshot("s"),
        lambda: store.reads.page("s", MessageQuery()),
        lambda: store.reads.messages("s", ["x"]),
        lambda: store.reads.chunks("s", "x", 0),
        lambda: store.reads.session("s"),
        lambda: store.reads.runs("s"),
    )
    for read in reads:
        with pytest.raises(SessionNotFound):
            await read()
    assert await store.journal.load("s") == deleted
    assert wire((await store.journal.since("s", 0, deleted=True)).events) == wire(store.events["s"])
    assert await store.listed() == await store.listed(RUNNING) == ()
    assert await store.reads.unfinished() == ()
    restored = await store.do(deleted, RestoreSession())
    assert (await store.reads.snapshot("s")).head == restored.head
    assert [session.id for session in await store.listed()] == ["s"]
    assert wire((await store.journal.since("s", 0)).events) == wire(store.events["s"])


async def test_an_unknown_session_is_not_found_by_any_read(store: Store) -> None:
    for read in (
        lambda: store.journal.load("x"),
        lambda: store.journal.since("x", 0),
        lambda: store.reads.snapshot("x"),
        lambda: store.reads.page("x", MessageQuery()),
        lambda: store.reads.messages("x", []),
        lambda: store.reads.chunks("x", "m", 0),
        lambda: store.reads.session("x"),
        lambda: store.reads.runs("x"),
        lambda: store.journal.purge("x"),
        lambda: store.reads.sent("x", "ann", "c"),
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
        await store.reads.sent("s", "ann", "c")
    assert (await store.projects.get(store.project_id)).current_session_id is None
    assert [session.id for session in await store.listed()] == ["keep"]
    assert (await store.reads.page("keep", MessageQuery())).total == 3
    fresh = await store.session("s", title="new life")
    assert await store.journal.load("s") == fresh
    assert (await store.reads.page("s", MessageQuery())).messages == ()


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
    assert await store.reads.expired(EpochMs(T0)) == ()
    assert await store.reads.expired(EpochMs(T0 + 1)) == ("old",)
    assert set(await store.reads.expired(FOREVER)) == {"old", "new"}


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
    assert [session.id for session in await store.listed()] == ["a", "d", "c", "b"]
    assert [session.id for session in await store.listed(SessionQuery(store.project_id))] == ["a", "c", "b"]
    assert [(s.id, s.project_name) for s in await store.listed(SessionQuery(other))] == [("d", "Other")]
    assert await store.listed(SessionQuery("nobody")) == ()
    assert await store.reads.session("a") == (await store.listed())[0]


async def test_running_sessions_are_those_whose_state_is_running(store: Store) -> None:
    await store.session("idle")
    await store.running("runs", now=T0 + 1)
    await store.do(await store.session("waits", now=T0 + 2), say(), now=T0 + 2)
    done = await store.running("done")
    await store.do(done, FinishRun(fence_of(done), seen=9))
    assert [session.id for session in await store.listed(RUNNING)] == ["waits", "runs"]
    assert all(session.state == "RUNNING" for session in await store.listed(RUNNING))


QUESTIONS = [
    SessionQuery(sort="updated"),
    SessionQuery(sort="updated", descending=False),
    SessionQuery(sort="created"),
    SessionQuery(sort="created", descending=False),
    SessionQuery(sort="title"),
    SessionQuery(sort="title", descending=True),
]


async def named(store: Store, *titles: str) -> None:
    """Sessions `0`, `1` … of these titles; two at a time of the same instant."""
    for number, title in enumerate(titles):
        await store.session(str(number), title, now=T0 + number // 2)


@pytest.mark.parametrize("query", QUESTIONS, ids=lambda query: f"{query.sort} {query.descending}")
async def test_pages_of_a_list_follow_each_other_and_know_their_total(store: Store, query: SessionQuery) -> None:
    await named(store, "b", "Ä", "a", "", "B", "ä", "c", "a")
    whole = [session.id for session in await store.listed(query)]
    assert sorted(whole) == [str(number) for number in range(8)]
    assert whole == [session.id for session in await store.listed(replace(query, take=8))]
    paged: list[str] = []
    asked = replace(query, take=3)
    for left in (5, 2, 0):
        page = await store.reads.sessions(asked)
        paged += [session.id for session in page.sessions]
        assert (page.total, page.has_more) == (8, left > 0)
        asked = replace(asked, cursor=page.cursor)
    assert paged == whole


async def test_titles_are_sorted_and_found_without_case_and_accents(store: Store) -> None:
    await named(store, "Zebra", "éclair", "apple", "ECLIPSE", "数据库")
    assert [session.title for session in await store.listed(SessionQuery(sort="title"))] == [
        *("apple", "éclair", "ECLIPSE", "Zebra", "数据库")
    ]
    found = SessionQuery(sort="title", title="ÉCL")
    assert [session.title for session in await store.listed(found)] == ["éclair", "ECLIPSE"]
    assert [session.title for session in await store.listed(SessionQuery(title="据"))] == ["数据库"]
    assert await store.listed(SessionQuery(title="%")) == ()
    page = await store.reads.sessions(replace(found, take=1))
    assert (len(page.sessions), page.total) == (1, 2)


async def test_a_session_that_changes_while_pages_are_read_is_not_repeated_in_a_stable_order(store: Store) -> None:
    await named(store, "a", "b", "c", "d")
    first = await store.reads.sessions(SessionQuery(sort="created", take=2))
    await store.do(await store.journal.load("0"), RenameSession("z"), now=T0 + 50)
    await store.session("late", now=T0 + 60)
    rest = await store.reads.sessions(SessionQuery(sort="created", take=2, cursor=first.cursor))
    assert [session.id for session in (*first.sessions, *rest.sessions)] == ["3", "2", "1", "0"]
    assert (rest.total, rest.has_more) == (5, False)


async def test_lists_are_filtered_by_state_and_by_being_archived(store: Store) -> None:
    await named(store, "a", "b")
    await store.running("runs", now=T0 + 5)
    archived = await store.do(await store.journal.load("1"), ArchiveContext(), now=T0 + 9)

    async def ids(query: SessionQuery) -> list[str]:
        return [session.id for session in await store.listed(query)]

    assert await ids(SessionQuery()) == ["1", "runs", "0"]
    assert [session.archived for session in await store.listed()] == [True, False, False]
    assert (await store.reads.session("1")).archived
    assert (await store.reads.snapshot("1")).session.archived
    assert await ids(SessionQuery(archived=True)) == ["1"]
    assert await ids(SessionQuery(archived=False)) == ["runs", "0"]
    assert await ids(SessionQuery(states=("RUNNING",))) == ["runs"]
    assert await ids(SessionQuery(states=("RUNNING", "IDLE"), archived=False)) == ["runs", "0"]
    assert await ids(SessionQuery(states=("FAILED",))) == []
    await store.do(archived, UnarchiveContext(), now=T0 + 10)
    assert await ids(SessionQuery(archived=False)) == ["1", "runs", "0"]


async def test_a_cursor_of_another_list_is_refused(store: Store) -> None:
    await named(store, "a", "b", "c")
    page = await store.reads.sessions(SessionQuery(take=1))
    foreign = [
        SessionQuery(sort="created", cursor=page.cursor),
        SessionQuery(descending=False, cursor=page.cursor),
        SessionQuery(title="a", cursor=page.cursor),
        SessionQuery(sort="title", cursor=page.cursor),
        *(SessionQuery(cursor=bad) for bad in ("", "x", "e30", "W10", "=", "\x00", "é", str(page.cursor)[1:])),
    ]
    for query in foreign:
        with pytest.raises(InvalidArgument) as refused:
            await store.reads.sessions(query)
        assert refused.value.details == {"field": "cursor"}
    same_in_words = SessionQuery(descending=True, take=2, cursor=page.cursor)
    assert len(await store.listed(same_in_words)) == 2


# Runs and leases
async def test_runs_are_listed_in_order_with_their_ends(store: Store) -> None:
    context = await store.running()
    second, third = say(), say()
    context = await store.do(context, second, third, CancelRun(second.run_id))
    context = await store.do(context, FinishRun(fence_of(context), seen=9, error="broke"), now=T0 + 5)
    runs = await store.reads.runs("s")
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
    assert await store.reads.unfinished() == ("early", "late")


async def test_a_list_holds_the_sessions_of_visible_projects_alone(store: Store) -> None:
    other = (await store.projects.create("Other")).id
    await store.session("mine")
    append = decided("theirs", None, create(other, "theirs"))
    assert append is not None
    await store.put("theirs", append)
    both = frozenset({store.project_id, other})
    for visible, found in ((None, 2), (both, 2), (frozenset({other}), 1), (frozenset[str](), 0), (frozenset({"x"}), 0)):
        page = await store.reads.sessions(SessionQuery(visible=visible))
        assert (page.total, len(page.sessions)) == (found, found), visible
    assert await store.listed(SessionQuery(store.project_id, visible=frozenset({other}))) == ()
    first = await store.reads.sessions(SessionQuery(visible=both, take=1))
    later = await store.reads.sessions(SessionQuery(visible=frozenset({*both, "x"}), take=1, cursor=first.cursor))
    assert len({first.sessions[0].id, later.sessions[0].id}) == 2
