"""The journal's contract, continued: messages, streams, snapshots, and contexts from rows."""

from __future__ import annotations

import random
import tracemalloc
from dataclasses import replace
from pathlib import Path

import journal_store
import orjson
import pytest
from histories import Maker
from journal_store import Store, fence_of, note, streaming, wire
from rounds import seeded
from world import T0, commit, create, decided, say

from models.clock import SYSTEM_CLOCK
from models.commands import (
    AppendDelta,
    BeginStream,
    FinalizeStream,
)
from models.errors import (
    BranchNotFound,
    MessageNotFound,
    ParleyError,
    PayloadTooLarge,
)
from models.events import MessageUpdated, fit_for_travel
from models.payloads import ImagePayload, TextPayload
from services.engine.apply import apply_all
from services.store.memory.store import memory_store
from services.store.memory.tables import Memory
from services.store.reads import MessageQuery
from services.store.sqlite.database import Database
from services.store.sqlite.store import sqlite_store

store = journal_store.store


# Messages
async def positions(store: Store, query: MessageQuery) -> list[int]:
    page = await store.reads.page("s", query)
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
    page = await store.reads.page("s", MessageQuery(skip=7, take=1))
    assert (page.total, page.head) == (1_200, 1_201)


async def test_a_page_of_an_empty_session_is_empty(store: Store) -> None:
    await store.session()
    for query in (MessageQuery(), MessageQuery(order="desc"), MessageQuery(pool=True), MessageQuery(before=9)):
        page = await store.reads.page("s", query)
        assert (page.messages, page.total, page.first_position) == ((), 0, 0)


async def test_a_page_of_an_unknown_branch_is_not_found(store: Store) -> None:
    await store.session()
    with pytest.raises(BranchNotFound):
        await store.reads.page("s", MessageQuery(branch="other"))


async def test_messages_by_ids_come_in_the_order_asked_and_the_unknown_are_left_out(store: Store) -> None:
    await store.talk(await store.session(), 5)
    found = await store.reads.messages("s", ["n4", "nobody", "n1", "n5", "n1"])
    assert [message.id for message in found] == ["n4", "n1", "n5", "n1"]
    assert await store.reads.messages("s", []) == ()


async def test_an_updated_header_keeps_the_body(store: Store) -> None:
    context = await store.talk(await store.session(), 2)
    updated = note(2, status="cancelled").message
    await store.emit(context, MessageUpdated(message=updated))
    for message in (
        (await store.reads.messages("s", ["n2"]))[0],
        (await store.reads.page("s", MessageQuery())).messages[1],
        (await store.reads.snapshot("s")).messages[1],
    ):
        assert message == updated


@pytest.mark.parametrize(
    "text", ["", "日本語 👩‍👩‍👧 \U0010ffff", "a\u2028b\u2029c", '"\\\n\r\t\x01', "é" * 1_000, "null", "[1]"]
)
async def test_text_comes_back_as_it_went_in(store: Store, text: str) -> None:
    context = await store.running()
    fence = fence_of(context)
    context = await store.do(context, BeginStream(fence, "m", "a", "demo"), AppendDelta(fence, "m", text or "x"))
    assert (await store.reads.chunks("s", "m", 0)).chunks[0].delta == (text or "x")
    context = await store.do(context, FinalizeStream(fence, "m", text), say(text, author=f"ann {text}"))
    assert [m.content for m in await store.reads.messages("s", ["m"])] == [text or "x"]
    assert (await store.reads.page("s", MessageQuery())).messages[-1].author == f"ann {text}"
    assert wire((await store.journal.since("s", 0)).events) == wire(store.events["s"])
    assert await store.journal.load("s") == context


async def test_a_message_of_10_mb_is_kept_whole_and_travels_as_its_header(store: Store) -> None:
    text = "0123456789é" * 950_000
    command = say(text, client_id="large")
    context = await store.do(await store.session(), command)
    (by_id,) = await store.reads.messages("s", [command.message_id])
    assert (by_id.content, by_id.payload) == (text, TextPayload(text=text))
    assert (await store.reads.page("s", MessageQuery())).messages == (fit_for_travel(by_id),)
    sent = await store.reads.sent("s", "ann", "large")
    assert sent is not None
    assert sent.message == by_id
    shown = (await store.reads.snapshot("s")).messages[0]
    assert (shown.truncated, shown.content, shown.size) == (True, "", len(orjson.dumps(by_id.to_wire())))
    events = await store.journal.since("s", 0)
    assert wire(events.events) == wire(store.events["s"])
    assert await store.journal.load("s") == context


async def test_page_whose_large_messages_are_too_much_has_headers_for_them(store: Store) -> None:
    """Fails without the sum of sizes in `page`: the pool's and the branch's alike. Small ones stay whole."""
    image = ImagePayload(source="base64", data="x" * 2_500_000, mime_type="image/png")
    context = await store.do(await store.session(), say("small"), say("x" * 1_250_000))
    context = await store.do(context, replace(say("a picture"), payload=image))
    for query in (MessageQuery(), MessageQuery(pool=True)):
        assert not any(message.truncated for message in (await store.reads.page("s", query)).messages)
    await store.do(context, say("y" * 5_000_000))
    whole = await store.reads.messages("s", [message.id for message in (await store.reads.snapshot("s")).messages])
    for query in (MessageQuery(), MessageQuery(pool=True), MessageQuery(order="desc")):
        messages = {each.id: each for each in (await store.reads.page("s", query)).messages}
        assert [messages[each.id] for each in whole] == [fit_for_travel(each) for each in whole]
    assert [(each.truncated, len(each.content)) for each in whole[:2]] == [(False, 5), (False, 1_250_000)]


async def test_messages_by_id_are_bounded_together_but_one_alone_always_comes(store: Store) -> None:
    """Fails without `check_batch`."""
    says = [say("x" * 9_000_000) for _ in range(4)]
    await store.do(await store.session(), *says)
    ids = [each.message_id for each in says]
    with pytest.raises(PayloadTooLarge) as refused:
        await store.reads.messages("s", ids)
    assert refused.value.details["field"] == "ids"
    assert [each.id for each in await store.reads.messages("s", ids[:3])] == ids[:3]


async def test_reading_past_a_large_message_does_not_load_it(store: Store) -> None:
    """A snapshot, a page of events and one of messages cost no more memory than they show."""
    if not store.whole.capabilities.bounded_reads:
        pytest.skip("this back end holds everything in memory anyway")
    image = ImagePayload(source="base64", data="x" * 4_000_000, mime_type="image/png")
    context = await store.do(await store.session(), *[say("x" * 4_000_000) for _ in range(4)])
    await store.do(context, replace(say("a picture"), payload=image))
    await store.reads.snapshot("s")
    tracemalloc.start()
    await store.reads.snapshot("s")
    await store.journal.since("s", 0)
    await store.reads.page("s", MessageQuery())
    await store.reads.page("s", MessageQuery(pool=True))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


# Streams


async def test_chunks_come_after_a_number_in_pages(store: Store) -> None:
    context = await streaming(store)
    first = await store.reads.chunks("s", "m", 0, limit=3)
    assert [(c.sequence, c.delta, c.at) for c in first.chunks] == [(n, f"{n} ", T0 + 10 * n) for n in (1, 2, 3)]
    assert (first.current_sequence, first.has_more) == (7, True)
    rest = await store.reads.chunks("s", "m", 3)
    assert [c.sequence for c in rest.chunks] == [4, 5, 6, 7]
    assert not rest.has_more
    none = await store.reads.chunks("s", "m", 7)
    assert (none.chunks, none.current_sequence, none.has_more) == ((), 7, False)
    assert (await store.reads.chunks("s", "m", 2**53 - 1)).chunks == ()
    await store.do(context, FinalizeStream(fence_of(context), "m", "stop"))
    assert (await store.reads.chunks("s", "m", 5)).current_sequence == 7


async def test_chunks_of_two_replies_do_not_mix(store: Store) -> None:
    context = await streaming(store, 3)
    fence = fence_of(context)
    context = await store.do(context, FinalizeStream(fence, "m", "stop"), BeginStream(fence, "m2", "a", "demo"))
    await store.do(context, AppendDelta(fence, "m2", "second"))
    assert [c.delta for c in (await store.reads.chunks("s", "m2", 0)).chunks] == ["second"]
    assert [c.delta for c in (await store.reads.chunks("s", "m", 0)).chunks] == ["1 ", "2 ", "3 "]


async def test_a_message_that_never_streamed_has_no_chunks_and_an_unknown_one_is_not_found(store: Store) -> None:
    await store.talk(await store.session(), 1)
    page = await store.reads.chunks("s", "n1", 0)
    assert (page.chunks, page.current_sequence, page.has_more) == ((), 0, False)
    with pytest.raises(MessageNotFound):
        await store.reads.chunks("s", "nobody", 0)


async def test_what_is_read_in_mid_stream_shows_the_text_so_far(store: Store) -> None:
    context = await streaming(store)
    snapshot = await store.reads.snapshot("s")
    assert snapshot.state == context.state
    for message in (
        snapshot.messages[-1],
        (await store.reads.page("s", MessageQuery())).messages[-1],
        (await store.reads.page("s", MessageQuery(pool=True))).messages[-1],
        (await store.reads.messages("s", ["m"]))[0],
    ):
        assert (message.status, message.content, message.sequence) == ("streaming", "1 2 3 4 5 6 7 ", 7)


async def test_a_completed_reply_carries_its_whole_story(store: Store) -> None:
    context = await streaming(store)
    await store.do(context, FinalizeStream(fence_of(context), "m", "stop", provider_deltas=9), now=T0 + 100)
    (message,) = await store.reads.messages("s", ["m"])
    assert message.payload is not None
    told = message.payload.to_wire()
    assert (message.status, message.content, message.sequence) == ("complete", "1 2 3 4 5 6 7 ", 7)
    assert (told["chunksCount"], told["providerDeltas"], told["finishReason"]) == (7, 9, "stop")
    assert (told["totalDurationMs"], told["averageChunkIntervalMs"]) == (100, 10.0)


# Snapshots and contexts
async def test_a_snapshot_has_the_newest_fifty_messages(store: Store) -> None:
    context = await store.talk(await store.session(), 60)
    snapshot = await store.reads.snapshot("s")
    assert [message.ordinal for message in snapshot.messages] == list(range(11, 61))
    assert (snapshot.head, snapshot.session.message_count) == (context.head, 60)
    assert snapshot.session.project_name == "Inbox"


@pytest.mark.parametrize("seed", seeded(0, 6))
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
        assert {run.id for run in await store.reads.runs("s")} == {
            event.body.run.id for event in store.events["s"] if hasattr(event.body, "run")
        }


async def test_backends_agree_on_every_view_of_a_random_history(tmp_path: Path) -> None:
    memory, sqlite = memory_store(Memory(SYSTEM_CLOCK)), sqlite_store(Database(tmp_path, SYSTEM_CLOCK))
    await sqlite.open()
    inbox = await sqlite.projects.inbox()
    assert isinstance(memory.storage, Memory)
    memory.storage.projects = {inbox.id: inbox}
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
        await commit(memory.journal, append)
        await commit(sqlite.journal, append)
        if append.after.deleted_at is not None:
            continue
        one, other = await memory.reads.snapshot("s"), await sqlite.reads.snapshot("s")
        assert one.to_wire() == other.to_wire()
        assert await memory.reads.session("s") == await sqlite.reads.session("s")
        assert await memory.reads.runs("s") == await sqlite.reads.runs("s")
        ours, theirs = await memory.journal.since("s", 0), await sqlite.journal.since("s", 0)
        assert wire(ours.events) == wire(theirs.events)
        for query in (MessageQuery(take=5, order="desc"), MessageQuery(pool=True, take=200)):
            assert await memory.reads.page("s", query) == await sqlite.reads.page("s", query)
    await sqlite.close()
