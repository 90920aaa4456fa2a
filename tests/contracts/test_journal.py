"""The journal's contract: every backend passes all of it."""

from __future__ import annotations

import asyncio
import random
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from histories import Maker
from world import DEADLINE_S, T0, appending, commit, create, decided, say

from models.commands import (
    AppendDelta,
    BeginStream,
    CancelRun,
    Command,
    DeleteSession,
    EmitMessage,
    FinalizeStream,
    FinishRun,
    RenameSession,
    RequestModel,
    RestoreSession,
    RunFence,
    SendMessage,
    StartRun,
)
from models.errors import (
    BranchNotFound,
    ClientMessageIdTaken,
    Conflict,
    Fenced,
    MessageNotFound,
    ParleyError,
    SessionNotFound,
    StaleHead,
)
from models.events import Event, EventBody, MessageCreated, MessageUpdated, SessionRenamed
from models.ids import EpochMs, iso
from models.messages import Message
from models.payloads import TextPayload
from services.database import Database
from services.engine.apply import apply_all
from services.engine.context import Context
from services.journal import Append, Done, Journal, Lease, MessageQuery
from services.journal_memory import MemoryJournal
from services.journal_sqlite import SqliteJournal
from services.projects import Projects
from services.projects_memory import MemoryProjects
from services.projects_sqlite import SqliteProjects

FOREVER = EpochMs(2**50)


class Store:
    """A journal and what was appended to it through here."""

    def __init__(self, journal: Journal, projects: Projects, project_id: str) -> None:
        self.journal = journal
        self.projects = projects
        self.project_id = project_id
        self.events: dict[str, list[Event]] = {}

    async def put(self, session_id: str, append: Append) -> Context:
        await commit(self.journal, append)
        self.events.setdefault(session_id, []).extend(append.events)
        return append.after

    async def session(self, session_id: str = "s", title: str = "t", now: int = T0) -> Context:
        append = decided(session_id, None, create(self.project_id, title), now=now)
        assert append is not None
        return await self.put(session_id, append)

    async def do(self, context: Context, *commands: Command, now: int = T0, lease: Lease | None = None) -> Context:
        for command in commands:
            append = decided(context.session_id, context, command, now=now)
            if append is not None:
                append = Append(append.before, append.after, append.events, append.fence, lease)
                context = await self.put(context.session_id, append)
        return context

    async def emit(self, context: Context, *bodies: EventBody, fence: str | None = None) -> Context:
        return await self.put(context.session_id, appending(context.session_id, context, bodies, fence=fence))

    async def running(self, session_id: str = "s", now: int = T0) -> Context:
        context = await self.session(session_id, now=now)
        first = say("first")
        return await self.do(context, first, StartRun(first.run_id), now=now, lease=Lease("boot", FOREVER))

    async def talk(self, context: Context, count: int) -> Context:
        for first in range(context.pool_count + 1, context.pool_count + count + 1, 500):
            bodies = [note(n) for n in range(first, min(first + 500, count + 1))]
            context = await self.emit(context, *bodies)
        return context


def note(ordinal: int, text: str | None = None, **changes: Any) -> MessageCreated:
    text = f"note {ordinal}" if text is None else text
    message = Message(
        id=f"n{ordinal}",
        ordinal=ordinal,
        role="system",
        content=text,
        message_type="text",
        kind="text",
        payload=TextPayload(text=text),
        created_at_utc=iso(T0),
        author="system",
    )
    return MessageCreated(message=message.model_copy(update=changes))


def fence_of(context: Context) -> RunFence:
    assert context.run is not None
    return RunFence(context.run.id, context.run.attempt)


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    journal: Journal
    projects: Projects
    if request.param == "memory":
        projects = MemoryProjects()
        journal = MemoryJournal(projects)
        await journal.open()
    else:
        database = Database(tmp_path)
        journal = SqliteJournal(database)
        await journal.open()
        projects = SqliteProjects(database)
    yield Store(journal, projects, (await projects.inbox()).id)
    await journal.close()


def wire(events: tuple[Event, ...] | list[Event]) -> list[dict[str, Any]]:
    return [event.to_wire() for event in events]


# Append and its guards


async def test_what_was_appended_is_read_back_in_order(store: Store) -> None:
    context = await store.talk(await store.session(), 3)
    page = await store.journal.since("s", 0)
    assert wire(page.events) == wire(store.events["s"])
    assert (page.head, page.has_more, page.epoch) == (context.head, False, context.epoch)


async def test_an_append_on_an_older_head_is_stale_and_changes_nothing(store: Store) -> None:
    first = await store.session()
    second = await store.emit(first, note(1))
    with pytest.raises(StaleHead):
        await store.emit(first, note(1, "from the loser"))
    assert await store.journal.load("s") == second
    assert len((await store.journal.since("s", 0)).events) == second.head


async def test_an_append_on_a_head_that_never_was_is_stale(store: Store) -> None:
    first = await store.session()
    ahead = appending("s", first, [note(1)]).after
    with pytest.raises(StaleHead):
        await store.emit(ahead, note(2))


async def test_a_session_is_created_once(store: Store) -> None:
    first = await store.session()
    with pytest.raises(StaleHead):
        await store.session(title="again")
    assert await store.journal.load("s") == first


async def test_an_append_to_a_session_that_is_not_there_is_stale(store: Store) -> None:
    ghost = decided("ghost", None, create(store.project_id))
    assert ghost is not None
    with pytest.raises(StaleHead):
        await store.emit(ghost.after, note(1))


async def test_i4_the_holder_of_the_fence_may_write(store: Store) -> None:
    context = await store.running()
    assert (await store.emit(context, note(2), fence=context.fence)).pool_count == 2


@pytest.mark.parametrize("fence", ["other/1", "r/0", ""])
async def test_i4_a_write_with_another_fence_is_fenced_and_changes_nothing(store: Store, fence: str) -> None:
    """Taken out for the check: `sessions.fence = b.c3` in GUARD, and the comparison in MemoryJournal."""
    context = await store.running()
    with pytest.raises(Fenced):
        await store.emit(context, note(2), fence=fence)
    assert await store.journal.load("s") == context


async def test_i4_no_fence_passes_while_no_run_is_active(store: Store) -> None:
    context = await store.session()
    with pytest.raises(Fenced):
        await store.emit(context, note(1), fence="r/1")


async def test_a_stale_write_with_a_stale_fence_is_stale_first(store: Store) -> None:
    """So that it is decided anew, and then refused with the reason that the engine gives."""
    first = await store.running()
    await store.do(first, CancelRun())
    with pytest.raises(StaleHead):
        await store.emit(first, note(2), fence=first.fence)


async def test_i10_a_client_message_id_is_taken_once_per_author_and_session(store: Store) -> None:
    """Taken out for the check: the index ix_messages_client, and _check_client_ids in memory."""
    context = await store.do(await store.session(), say("one", client_id="c"))
    with pytest.raises(ClientMessageIdTaken):
        await store.do(context, say("two", client_id="c"))
    assert await store.journal.load("s") == context
    context = await store.do(context, say("mine", client_id="c", author="bob"))
    assert context.pool_count == 2
    other = await store.do(await store.session("s2"), say("one", client_id="c"))
    assert other.pool_count == 1


async def test_what_was_sent_is_found_by_its_client_message_id(store: Store) -> None:
    command = say("one", client_id="c")
    context = await store.session()
    await store.do(context, command)
    sent = await store.journal.sent("s", "ann", "c")
    assert sent is not None
    assert (sent.message.id, sent.message.content, sent.message.payload) == (
        command.message_id,
        "one",
        command.payload,
    )
    assert (sent.seq, sent.message.run_id) == (context.head + 1, command.run_id)
    assert await store.journal.sent("s", "bob", "c") is None
    assert await store.journal.sent("s", "ann", "d") is None


# Events since a position


async def test_events_come_in_pages_of_a_thousand(store: Store) -> None:
    context = await store.session()
    for start in range(2, 2_500, 500):
        bodies = [SessionRenamed(title=f"t{n}", version=n) for n in range(start, start + 500)]
        context = await store.emit(context, *bodies)
    position, pages = 0, 0
    seen: list[Event] = []
    while True:
        page = await store.journal.since("s", position)
        seen.extend(page.events)
        pages += 1
        assert len(page.events) <= 1_000
        assert page.has_more == (seen[-1].seq < context.head)
        if not page.has_more:
            break
        position = seen[-1].seq
    assert pages == 3
    assert wire(seen) == wire(store.events["s"])


async def test_a_page_of_events_stays_under_256_kib_but_never_empty(store: Store) -> None:
    context = await store.session()
    for ordinal in range(1, 11):
        context = await store.emit(context, note(ordinal, "x" * 30_000))
    position, seen = 0, 0
    while seen < context.head:
        page = await store.journal.since("s", position)
        size = sum(len(orjson.dumps(each)) for each in wire(page.events))
        assert size <= 256 * 1024
        seen += len(page.events)
        assert page.has_more == (seen < context.head)
        position = page.events[-1].seq
    one = await store.journal.since("s", 1, limit_bytes=1)
    assert len(one.events) == 1
    assert one.has_more


@pytest.mark.parametrize("after", [0, 1, 4, 5, 6, 2**53 - 1])
async def test_a_position_anywhere_gives_what_comes_after_it(store: Store, after: int) -> None:
    context = await store.talk(await store.session(), 4)
    page = await store.journal.since("s", after)
    assert [event.seq for event in page.events] == list(range(after + 1, context.head + 1))
    assert (page.head, page.has_more) == (5, False)


async def test_a_page_as_long_as_asked_says_whether_there_is_more(store: Store) -> None:
    await store.talk(await store.session(), 4)
    assert (await store.journal.since("s", 0, limit=4)).has_more
    assert not (await store.journal.since("s", 0, limit=5)).has_more


# Messages


async def positions(store: Store, query: MessageQuery) -> list[int]:
    page = await store.journal.page("s", query)
    found = [message.ordinal for message in page.messages]
    assert page.first_position == (found[0] if found else 0)
    assert all(message.content == f"note {message.ordinal}" for message in page.messages)
    return found


QUERIES: tuple[tuple[MessageQuery, list[int]], ...] = (
    (MessageQuery(), list(range(1, 51))),
    (MessageQuery(skip=10, take=3), [11, 12, 13]),
    (MessageQuery(skip=1_198, take=50), [1_199, 1_200]),
    (MessageQuery(skip=1_200), []),
    (MessageQuery(skip=2**62), []),
    (MessageQuery(take=1), [1]),
    (MessageQuery(order="desc", take=3), [1_200, 1_199, 1_198]),
    (MessageQuery(order="desc", skip=1_198, take=5), [2, 1]),
    (MessageQuery(order="desc", skip=1_200), []),
    (MessageQuery(before=4, take=50), [1, 2, 3]),
    (MessageQuery(before=601, take=2), [599, 600]),
    (MessageQuery(before=2**62, take=2), [1_199, 1_200]),
    (MessageQuery(before=1), []),
    (MessageQuery(before=0), []),
    (MessageQuery(before=601, take=2, order="desc"), [600, 599]),
    (MessageQuery(after=0, take=2), [1, 2]),
    (MessageQuery(after=600, take=2), [601, 602]),
    (MessageQuery(after=1_199, take=50), [1_200]),
    (MessageQuery(after=1_200), []),
    (MessageQuery(after=2**62), []),
    (MessageQuery(after=600, take=2, order="desc"), [602, 601]),
    (MessageQuery(branch="main", skip=5, take=1), [6]),
    (MessageQuery(pool=True, skip=600, take=2), [601, 602]),
    (MessageQuery(pool=True, order="desc", take=2), [1_200, 1_199]),
    (MessageQuery(pool=True, before=3, take=9), [1, 2]),
    (MessageQuery(pool=True, skip=5_000), []),
)


async def test_every_form_of_page_reads_the_right_positions_at_any_depth(store: Store) -> None:
    await store.talk(await store.session(), 1_200)
    for query, expected in QUERIES:
        assert await positions(store, query) == expected, query
    page = await store.journal.page("s", MessageQuery(skip=7, take=1))
    assert (page.total, page.head) == (1_200, 1_201)


async def test_a_page_of_an_empty_session_is_empty(store: Store) -> None:
    await store.session()
    for query in (MessageQuery(), MessageQuery(order="desc"), MessageQuery(pool=True), MessageQuery(before=9)):
        page = await store.journal.page("s", query)
        assert (page.messages, page.total, page.first_position) == ((), 0, 0)


async def test_a_page_of_an_unknown_branch_is_not_found(store: Store) -> None:
    await store.session()
    with pytest.raises(BranchNotFound):
        await store.journal.page("s", MessageQuery(branch="other"))


async def test_messages_by_ids_come_in_the_order_asked_and_the_unknown_are_left_out(store: Store) -> None:
    await store.talk(await store.session(), 5)
    found = await store.journal.messages("s", ["n4", "nobody", "n1", "n5", "n1"])
    assert [message.id for message in found] == ["n4", "n1", "n5", "n1"]
    assert await store.journal.messages("s", []) == ()


async def test_an_updated_header_keeps_the_body(store: Store) -> None:
    context = await store.talk(await store.session(), 2)
    updated = note(2, status="cancelled").message
    await store.emit(context, MessageUpdated(message=updated))
    for message in (
        (await store.journal.messages("s", ["n2"]))[0],
        (await store.journal.page("s", MessageQuery())).messages[1],
        (await store.journal.snapshot("s")).messages[1],
    ):
        assert message == updated


@pytest.mark.parametrize(
    "text", ["", "日本語 👩‍👩‍👧 \U0010ffff", "a\u2028b\u2029c", '"\\\n\r\t\x01', "é" * 1_000, "null", "[1]"]
)
async def test_text_comes_back_as_it_went_in(store: Store, text: str) -> None:
    context = await store.running()
    fence = fence_of(context)
    context = await store.do(context, BeginStream(fence, "m", "a", "demo"), AppendDelta(fence, "m", text or "x"))
    assert (await store.journal.chunks("s", "m", 0)).chunks[0].delta == (text or "x")
    context = await store.do(context, FinalizeStream(fence, "m", text), say(text, author=f"ann {text}"))
    assert [m.content for m in await store.journal.messages("s", ["m"])] == [text or "x"]
    assert (await store.journal.page("s", MessageQuery())).messages[-1].author == f"ann {text}"
    assert wire((await store.journal.since("s", 0)).events) == wire(store.events["s"])
    assert await store.journal.load("s") == context


async def test_a_message_of_10_mb_is_kept_whole_and_travels_as_its_header(store: Store) -> None:
    text = "0123456789é" * 950_000
    command = say(text, client_id="large")
    context = await store.do(await store.session(), command)
    page = await store.journal.page("s", MessageQuery())
    assert page.messages[0].content == text
    assert page.messages[0].payload == TextPayload(text=text)
    (by_id,) = await store.journal.messages("s", [command.message_id])
    assert by_id == page.messages[0]
    sent = await store.journal.sent("s", "ann", "large")
    assert sent is not None
    assert sent.message == by_id
    shown = (await store.journal.snapshot("s")).messages[0]
    assert (shown.truncated, shown.content, shown.size) == (True, "", len(orjson.dumps(by_id.to_wire())))
    events = await store.journal.since("s", 0)
    assert wire(events.events) == wire(store.events["s"])
    assert await store.journal.load("s") == context


async def test_reading_past_a_large_message_does_not_load_it(store: Store) -> None:
    """A snapshot and a page of events cost no more memory than they show."""
    if isinstance(store.journal, MemoryJournal):
        pytest.skip("memory holds everything anyway")
    await store.do(await store.session(), *[say("x" * 4_000_000) for _ in range(5)])
    await store.journal.snapshot("s")
    tracemalloc.start()
    await store.journal.snapshot("s")
    await store.journal.since("s", 0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


# Streams


async def streaming(store: Store, deltas: int = 7) -> Context:
    context = await store.running()
    fence = fence_of(context)
    context = await store.do(context, RequestModel(fence, "q"), BeginStream(fence, "m", "a", "demo"))
    for number in range(1, deltas + 1):
        context = await store.do(context, AppendDelta(fence, "m", f"{number} "), now=T0 + 10 * number)
    return context


async def test_chunks_come_after_a_number_in_pages(store: Store) -> None:
    context = await streaming(store)
    first = await store.journal.chunks("s", "m", 0, limit=3)
    assert [(c.sequence, c.delta, c.at) for c in first.chunks] == [(n, f"{n} ", T0 + 10 * n) for n in (1, 2, 3)]
    assert (first.current_sequence, first.has_more) == (7, True)
    rest = await store.journal.chunks("s", "m", 3)
    assert [c.sequence for c in rest.chunks] == [4, 5, 6, 7]
    assert not rest.has_more
    none = await store.journal.chunks("s", "m", 7)
    assert (none.chunks, none.current_sequence, none.has_more) == ((), 7, False)
    assert (await store.journal.chunks("s", "m", 2**53 - 1)).chunks == ()
    await store.do(context, FinalizeStream(fence_of(context), "m", "stop"))
    assert (await store.journal.chunks("s", "m", 5)).current_sequence == 7


async def test_chunks_of_two_replies_do_not_mix(store: Store) -> None:
    context = await streaming(store, 3)
    fence = fence_of(context)
    context = await store.do(context, FinalizeStream(fence, "m", "stop"), BeginStream(fence, "m2", "a", "demo"))
    await store.do(context, AppendDelta(fence, "m2", "second"))
    assert [c.delta for c in (await store.journal.chunks("s", "m2", 0)).chunks] == ["second"]
    assert [c.delta for c in (await store.journal.chunks("s", "m", 0)).chunks] == ["1 ", "2 ", "3 "]


async def test_a_message_that_never_streamed_has_no_chunks_and_an_unknown_one_is_not_found(store: Store) -> None:
    await store.talk(await store.session(), 1)
    page = await store.journal.chunks("s", "n1", 0)
    assert (page.chunks, page.current_sequence, page.has_more) == ((), 0, False)
    with pytest.raises(MessageNotFound):
        await store.journal.chunks("s", "nobody", 0)


async def test_what_is_read_in_mid_stream_shows_the_text_so_far(store: Store) -> None:
    context = await streaming(store)
    snapshot = await store.journal.snapshot("s")
    assert snapshot.state == context.state
    for message in (
        snapshot.messages[-1],
        (await store.journal.page("s", MessageQuery())).messages[-1],
        (await store.journal.page("s", MessageQuery(pool=True))).messages[-1],
        (await store.journal.messages("s", ["m"]))[0],
    ):
        assert (message.status, message.content, message.sequence) == ("streaming", "1 2 3 4 5 6 7 ", 7)


async def test_a_completed_reply_carries_its_whole_story(store: Store) -> None:
    context = await streaming(store)
    await store.do(context, FinalizeStream(fence_of(context), "m", "stop", provider_deltas=9), now=T0 + 100)
    (message,) = await store.journal.messages("s", ["m"])
    assert message.payload is not None
    told = message.payload.to_wire()
    assert (message.status, message.content, message.sequence) == ("complete", "1 2 3 4 5 6 7 ", 7)
    assert (told["chunksCount"], told["providerDeltas"], told["finishReason"]) == (7, 9, "stop")
    assert (told["totalDurationMs"], told["averageChunkIntervalMs"]) == (100, 10.0)


# Snapshots and contexts


async def test_a_snapshot_has_the_newest_fifty_messages(store: Store) -> None:
    context = await store.talk(await store.session(), 60)
    snapshot = await store.journal.snapshot("s")
    assert [message.ordinal for message in snapshot.messages] == list(range(11, 61))
    assert (snapshot.head, snapshot.session.message_count) == (context.head, 60)
    assert snapshot.session.project_name == "Inbox"


@pytest.mark.parametrize("seed", range(6))
async def test_i2_the_rows_give_the_folded_context_after_every_append_of_a_random_history(
    store: Store, seed: int
) -> None:
    """Taken out for the check: `completed_at` in session_values, `steered` in context_values, the update of `runs`."""
    maker = Maker(random.Random(seed).choice)
    context = await store.session()
    now = int(T0)
    for _ in range(60):
        now += 7
        command = maker.any_command(context)
        try:
            append = decided("s", context, command, now=now)
        except ParleyError:
            continue
        if append is None:
            continue
        context = await store.put("s", append)
        assert await store.journal.load("s") == context, command
    journal = wire(store.events["s"])
    assert apply_all(None, store.events["s"]) == context
    if context.deleted_at is None:
        page = await store.journal.since("s", 0, limit_bytes=1 << 40)
        assert wire(page.events) == journal
        assert {run.id for run in await store.journal.runs("s")} == {
            event.body.run.id for event in store.events["s"] if hasattr(event.body, "run")
        }


async def test_backends_agree_on_every_view_of_a_random_history(tmp_path: Path) -> None:
    memory_projects = MemoryProjects()
    memory: Journal = MemoryJournal(memory_projects)
    database = Database(tmp_path)
    sqlite: Journal = SqliteJournal(database)
    await sqlite.open()
    inbox = await SqliteProjects(database).inbox()
    memory_projects._projects = {inbox.id: inbox}
    maker = Maker(random.Random(7).choice)
    first = decided("s", None, create(inbox.id, "t"))
    assert first is not None
    context = first.after
    appends = [first]
    while len(appends) < 120:
        try:
            append = decided("s", context, maker.any_command(context), now=T0 + len(appends))
        except ParleyError:
            continue
        if append is not None:
            appends.append(append)
            context = append.after
    for append in appends:
        await commit(memory, append)
        await commit(sqlite, append)
        if append.after.deleted_at is not None:
            continue
        one, other = await memory.snapshot("s"), await sqlite.snapshot("s")
        assert one.to_wire() == other.to_wire()
        assert await memory.session("s") == await sqlite.session("s")
        assert await memory.runs("s") == await sqlite.runs("s")
        ours, theirs = await memory.since("s", 0), await sqlite.since("s", 0)
        assert wire(ours.events) == wire(theirs.events)
        for query in (MessageQuery(take=5, order="desc"), MessageQuery(pool=True, take=200)):
            assert await memory.page("s", query) == await sqlite.page("s", query)
    await sqlite.close()


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


# Together


async def test_two_hundred_sessions_appended_at_once_all_arrive(store: Store) -> None:
    contexts = await asyncio.gather(*(store.session(f"s{n}") for n in range(200)))
    for _ in range(3):
        contexts = await asyncio.gather(*(store.do(context, say("hello")) for context in contexts))
    loaded = await asyncio.gather(*(store.journal.load(context.session_id) for context in contexts))
    assert loaded == contexts
    for context in contexts[::50]:
        page = await store.journal.since(context.session_id, 0)
        assert wire(page.events) == wire(store.events[context.session_id])


async def test_appends_made_one_after_the_other_are_reported_in_that_order(store: Store) -> None:
    context = await store.session()
    order: list[int] = []
    all_told = asyncio.Event()

    def teller(number: int) -> Done:
        def done(error: BaseException | None) -> None:
            assert error is None
            order.append(number)
            if len(order) == 50:
                all_told.set()

        return done

    async with asyncio.timeout(DEADLINE_S):
        for number in range(50):
            append = decided(f"s{number}", None, create(store.project_id))
            assert append is not None
            store.journal.append(append, teller(number))
            if number % 7 == 0:
                await asyncio.sleep(0)
        await all_told.wait()
    assert order == list(range(50))
    assert await store.journal.load("s") == context


async def test_a_poison_append_fails_alone(store: Store) -> None:
    """Stale, fenced, and repeated ones in the midst of good ones: each loser learns why, nobody else notices."""
    contexts = [await store.session(f"s{n}") for n in range(20)]
    taken = await store.do(contexts[0], say("one", client_id="c"))
    advanced = await store.do(contexts[1], say())
    commands: list[SendMessage] = [say("again", client_id="c"), *(say() for _ in range(18))]
    losers = {
        "taken": store.do(taken, commands[0]),
        "stale": store.emit(contexts[1], note(1)),
        "fenced": store.emit(contexts[2], note(1), fence="nobody/1"),
        "exists": store.session("s3"),
    }
    winners = [store.do(context, say("fine")) for context in contexts[4:]]
    results = await asyncio.gather(*winners[:8], *losers.values(), *winners[8:], return_exceptions=True)
    failed = results[8:12]
    assert [type(each) for each in failed] == [ClientMessageIdTaken, StaleHead, Fenced, StaleHead]
    for context, after in zip(contexts[4:], [*results[:8], *results[12:]], strict=True):
        assert isinstance(after, Context)
        assert await store.journal.load(context.session_id) == after
    assert await store.journal.load("s0") == taken
    assert await store.journal.load("s1") == advanced
    assert await store.journal.load("s2") == contexts[2]


async def test_two_appends_on_the_same_head_at_once_have_one_winner(store: Store) -> None:
    context = await store.session()
    results = await asyncio.gather(
        *(store.emit(context, note(1, f"from {n}")) for n in range(10)), return_exceptions=True
    )
    winners = [each for each in results if isinstance(each, Context)]
    assert len(winners) == 1
    assert sum(isinstance(each, StaleHead) for each in results) == 9
    assert await store.journal.load("s") == winners[0]


async def test_a_run_that_emits_other_kinds_is_kept_whole(store: Store) -> None:
    context = await store.running()
    maker = Maker(random.Random(1).choice)
    for _ in range(10):
        command = maker.run_command("emit", context, fence_of(context))
        assert isinstance(command, EmitMessage)
        context = await store.do(context, command)
        (kept,) = await store.journal.messages("s", [command.message_id])
        assert (kept.content, kept.payload) == (command.content, command.payload)
