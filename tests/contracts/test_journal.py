"""The journal's contract: every backend passes all of it. Here: appending, its guards, and reading events back."""

from __future__ import annotations

import asyncio
import random

import journal_store
import orjson
import pytest
from histories import Maker
from journal_store import Store, fence_of, note, wire
from patience import HANG_S
from world import appending, create, decided, say

from models.commands import (
    CancelRun,
    DeleteSession,
    EmitMessage,
    SendMessage,
)
from models.errors import (
    ClientMessageIdTaken,
    Fenced,
    StaleHead,
)
from models.events import Event, SessionRenamed
from models.heads import Head
from services.engine.context import Context
from services.store.journal import OnAppended

store = journal_store.store


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
    sent = await store.reads.sent("s", "ann", "c")
    assert sent is not None
    assert (sent.message.id, sent.message.content, sent.message.payload) == (
        command.message_id,
        "one",
        command.payload,
    )
    assert (sent.seq, sent.message.run_id) == (context.head + 1, command.run_id)
    assert await store.reads.sent("s", "bob", "c") is None
    assert await store.reads.sent("s", "ann", "d") is None
    assert await store.reads.seq_of("s", command.message_id) == sent.seq
    assert await store.reads.seq_of("s", "another") is None


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


# Together
async def test_heads_are_read_for_many_at_once_deleted_ones_too_and_none_of_what_is_gone(store: Store) -> None:
    ids = [f"s{number}" for number in range(1_100)]
    contexts = {each: await store.session(each) for each in ("s0", "s1", "s2")}
    contexts["s1"] = await store.do(contexts["s1"], say(), DeleteSession())
    await store.do(contexts["s2"], DeleteSession())
    await store.journal.purge("s2")
    contexts.pop("s2")
    expected = {each: Head(context.epoch, context.head) for each, context in contexts.items()}
    assert await store.journal.heads(ids) == expected
    assert await store.journal.heads([]) == {}


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

    def teller(number: int) -> OnAppended:
        def done(error: BaseException | None) -> None:
            assert error is None
            order.append(number)
            if len(order) == 50:
                all_told.set()

        return done

    async with asyncio.timeout(HANG_S):
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
        (kept,) = await store.reads.messages("s", [command.message_id])
        assert (kept.content, kept.payload) == (command.content, command.payload)
