"""I10: the same clientMessageId of a user in a session makes one message, however often and however it is sent.

Taken out for the check: the case ClientMessageIdTaken in `SessionManager._appended`, the comparison of digests in
`_same`, the lookup in `_begin` for each refusal, the digest in what the journal stores.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from journal_store import KINDS, opened
from world import HookedJournal, Room, eventually, memory_room, say

from models.clock import SYSTEM_CLOCK
from models.commands import ArchiveContext, CancelRun, SendMessage, StartRun
from models.errors import IdempotencyConflict, IllegalTransition, RunAlreadyActive, StorageUnavailable
from models.events import MessageCreated
from models.messages import Message
from models.payloads import ImagePayload, TextPayload
from models.runs import OnBusy
from services.store.memory.tables import Memory
from services.store.sqlite.database import Database
from services.store.sqlite.store import sqlite_store


async def test_i10_a_repetition_gets_the_first_answer_and_makes_no_second_message() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    first = await room.do(session_id, say("hi", client_id="c"))
    assert await room.do(session_id, say("hi", client_id="c")) == first
    assert len(await room.messages(session_id)) == 1
    assert len(await room.runs(session_id)) == 1
    await room.assert_shown_is_journal(session_id)


async def test_i10_other_content_under_the_same_id_is_a_conflict_that_names_the_message() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    first = await room.do(session_id, say("hi", client_id="c"))
    before = room.state(session_id)
    for other in (
        say("hi!", client_id="c"),
        with_payload(TextPayload(text="hi", format="plain")),
        with_payload(ImagePayload(source="url", data="u", mime_type="image/png")),
    ):
        with pytest.raises(IdempotencyConflict) as refused:
            await room.do(session_id, other)
        assert refused.value.details == {"field": "clientMessageId", "messageId": first.message_id}
    assert room.state(session_id) == before


def with_payload(payload: TextPayload | ImagePayload) -> SendMessage:
    return replace(say("hi", client_id="c"), payload=payload)


@pytest.mark.parametrize("on_busy", ["enqueue", "reject", "interrupt", "steer"])
@pytest.mark.parametrize("started", [False, True])
async def test_i10_a_repetition_is_answered_whatever_it_wants_while_its_own_run_is_busy(
    on_busy: OnBusy, started: bool
) -> None:
    """The ack was lost: what the client wants of a busy session was settled the first time."""
    room, _ = await memory_room()
    session_id = await room.create()
    command = say("hi", client_id="c", on_busy=on_busy)
    first = await room.do(session_id, command)
    if started:
        await room.do(session_id, StartRun(command.run_id))
    before = room.state(session_id)
    assert await room.do(session_id, say("hi", client_id="c", on_busy=on_busy)) == first
    assert room.state(session_id) == before


async def test_a_new_message_is_still_rejected_while_busy() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    await room.do(session_id, say("hi", client_id="c"))
    for client_id in ("d", None):
        with pytest.raises(RunAlreadyActive):
            await room.do(session_id, say("more", client_id=client_id, on_busy="reject"))
    with pytest.raises(IdempotencyConflict):
        await room.do(session_id, say("more", client_id="c", on_busy="reject"))


async def test_i10_a_repetition_is_answered_when_the_session_has_been_archived() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    first = await room.do(session_id, say("hi", client_id="c"))
    await room.do(session_id, CancelRun())
    await room.do(session_id, ArchiveContext())
    assert await room.do(session_id, say("hi", client_id="c")) == first
    with pytest.raises(IdempotencyConflict):
        await room.do(session_id, say("hi!", client_id="c"))
    with pytest.raises(IllegalTransition):
        await room.do(session_id, say("hi", client_id="d"))


@pytest.mark.parametrize("kind", KINDS)
async def test_i10_what_was_written_is_compared_and_not_what_was_made_of_it(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as store:
        room = Room(store.whole, store.project_id)
        session_id = await room.create()
        first = await room.do(session_id, replace(say("[1] hi", client_id="c"), digest="of hi"))
        again = Room(store.whole, store.project_id)
        assert await again.do(session_id, replace(say("[2] hi", client_id="c"), digest="of hi")) == first
        with pytest.raises(IdempotencyConflict):
            await again.do(session_id, replace(say("[1] hi", client_id="c"), digest="of something else"))


@pytest.mark.parametrize("kind", KINDS)
async def test_the_digest_is_kept_with_message_and_event_and_does_not_travel(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as store:
        room = Room(store.whole, store.project_id)
        session_id = await room.create()
        command = say("hi", client_id="c")
        await room.do(session_id, command)
        (message,) = await room.messages(session_id)
        events = (await store.journal.since(session_id, 0)).events
        created = [event.body.message for event in events if isinstance(event.body, MessageCreated)]
        assert [each.digest for each in (message, *created)] == [command.written()] * 2
        snapshot = await store.reads.snapshot(session_id)
        assert "digest" not in str([snapshot.to_wire(), message.to_wire(), [event.to_wire() for event in events]])
        assert "digest" not in Message.model_json_schema(mode="serialization")["properties"]


async def test_of_a_message_that_is_older_than_digests_the_words_are_compared() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    first = await room.do(session_id, say("hi", client_id="c"))
    assert isinstance(room.store.storage, Memory)
    messages = room.store.storage.sessions[session_id].messages
    (message,) = messages
    messages[0] = message.model_copy(update={"digest": None})
    assert await room.do(session_id, say("hi", client_id="c")) == first
    with pytest.raises(IdempotencyConflict):
        await room.do(session_id, say("hi!", client_id="c"))


async def test_i10_repetitions_at_the_same_moment_make_one_message() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    answers = await asyncio.gather(*(room.do(session_id, say("hi", client_id="c")) for _ in range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert len(await room.messages(session_id)) == 1


async def test_i10_repetitions_through_two_doors_make_one_message() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    other = Room(room.store, room.project_id)
    answers = await asyncio.gather(
        *(each.do(session_id, say("hi", client_id="c")) for _ in range(5) for each in (room, other))
    )
    assert all(answer == answers[0] for answer in answers)
    assert len(await room.messages(session_id)) == 1


async def test_the_same_id_of_another_user_or_session_is_another_message() -> None:
    room, _ = await memory_room()
    one, two = await room.create(), await room.create()
    await room.do(one, say("hi", client_id="c"))
    await room.do(one, say("other words", client_id="c", author="bob"))
    await room.do(two, say("other words", client_id="c"))
    assert [len(await room.messages(each)) for each in (one, two)] == [2, 1]


async def test_i10_a_repetition_after_the_run_was_cancelled_starts_no_new_one() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    first = await room.do(session_id, say("hi", client_id="c"))
    await room.do(session_id, CancelRun())
    assert await room.do(session_id, say("hi", client_id="c")) == first
    assert not room.state(session_id).busy


async def test_i10_holds_after_a_restart_and_for_large_and_rich_messages(tmp_path: Path) -> None:
    session_id, answers = "", []
    for _ in range(2):
        store = sqlite_store(Database(tmp_path, SYSTEM_CLOCK))
        await store.open()
        room = Room(store, (await store.projects.inbox()).id)
        session_id = session_id or await room.create()
        answers.append(
            [
                await room.do(session_id, say("hi 👩‍👧", client_id="c1")),
                await room.do(session_id, say("large " * 50_000, client_id="c2")),
                await room.do(session_id, with_payload(ImagePayload(source="url", data="u", mime_type="a/b"))),
            ]
        )
        with pytest.raises(IdempotencyConflict):
            await room.do(session_id, say("large " * 50_001, client_id="c2"))
        assert len(await room.messages(session_id)) == 3
        await room.sessions.close()
        await store.close()
    assert answers[0] == answers[1]


async def test_a_lookup_that_fails_is_told_and_the_next_repetition_is_answered() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    first = await room.do(session_id, say("hi", client_id="c"))
    journal.broken_reads = StorageUnavailable()
    with pytest.raises(StorageUnavailable):
        await room.do(session_id, say("hi", client_id="c"))
    journal.broken_reads = None
    await eventually(lambda: room.sessions.context(session_id) is not None)
    assert await room.do(session_id, say("hi", client_id="c")) == first
    assert isinstance(journal, HookedJournal)
