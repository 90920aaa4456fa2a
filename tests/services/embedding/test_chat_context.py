"""The facade for programs that drive a conversation themselves: its run, its streams, and how both end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from agents_for_tests import Says
from harness import serving
from patience import HANG_S
from world import FakeTime, Room, eventually, memory_room, say, settled, workshop

from models.commands import CancelRun, DeleteSession
from models.errors import (
    Fenced,
    Forbidden,
    IllegalTransition,
    InvalidArgument,
    MessageNotFound,
    RunAlreadyActive,
    SessionNotFound,
    StorageUnavailable,
)
from models.ids import new_id
from models.messages import Message
from models.payloads import StreamingResponsePayload
from models.usage import Usage
from services.access import Principal
from services.embedding.chat_context import AGENT, ChatContext
from services.runs.keeper import HEARTBEAT_S, LEASE_MS, REAP_S
from services.runs.reply import CHUNK_MAX_CHARS
from services.store.leases import Leases


def opened(
    room: Room, session_id: str, question: str | None = "hello", owner: str = "program"
) -> AbstractAsyncContextManager[ChatContext]:
    return ChatContext.open(room.sessions, session_id, owner=owner, question=question)


@asynccontextmanager
async def talking() -> AsyncIterator[tuple[ChatContext, Room]]:
    room, _ = await memory_room()
    session_id = await room.create()
    async with opened(room, session_id) as context:
        yield context, room


async def last(room: Room, session_id: str) -> Message:
    return (await room.messages(session_id))[-1]


def payload_of(message: Message) -> StreamingResponsePayload:
    assert isinstance(message.payload, StreamingResponsePayload)
    return message.payload


# Streaming


async def test_a_reply_is_begun_grown_and_completed_with_its_metadata() -> None:
    time = FakeTime()
    room, _ = await memory_room(time.clock)
    session_id = await room.create()
    async with opened(room, session_id) as context:
        message_id = await context.begin_streaming_llm_response("model-1")
        sequences = []
        for word in ("one ", "two ", "three"):
            await time.advance(0.5)
            sequences.append(await context.append_streaming_chunk(message_id, word))
        await time.advance(0.5)
        assert await context.finalize_streaming_response(message_id, "stop", Usage(input_tokens=3, output_tokens=4))
        metadata = await context.get_streaming_metadata(message_id)
        intervals = await context.get_streaming_chunk_intervals(message_id)
    assert sequences == [1, 2, 3]
    message = await last(room, session_id)
    assert (message.id, message.content, message.status) == (message_id, "one two three", "complete")
    assert metadata == payload_of(message)
    assert (metadata.model, metadata.finish_reason) == ("model-1", "stop")
    assert metadata.usage == Usage(input_tokens=3, output_tokens=4)
    assert (metadata.chunks_count, metadata.provider_deltas) == (3, 3)
    assert (metadata.total_duration_ms, metadata.average_chunk_interval_ms) == (2000, 500)
    assert metadata.started_at is not None
    assert metadata.completed_at is not None
    assert message.metadata.streaming == {
        "chunksCount": 3,
        "startedAt": metadata.started_at,
        "completedAt": metadata.completed_at,
        "totalDurationMs": 2000,
        "averageChunkIntervalMs": 500,
    }
    assert (message.metadata.tokens, message.metadata.duration_ms) == (4, 2000)
    assert intervals == (None, 500, 500)
    assert room.state(session_id).session_state == "COMPLETED"
    await room.assert_shown_is_journal(session_id)


async def test_the_chunks_after_a_number_are_given_with_their_times() -> None:
    async with talking() as (context, _):
        message_id = await context.begin_streaming_llm_response("m")
        for number in range(5):
            await context.append_streaming_chunk(message_id, str(number))
        chunks = await context.get_streaming_chunks_after(message_id, 2)
        assert [(chunk.sequence, chunk.delta) for chunk in chunks] == [(3, "2"), (4, "3"), (5, "4")]
        assert all(chunk.at > 0 for chunk in chunks)
        assert await context.get_streaming_chunks_after(message_id, 5) == ()


async def test_a_character_that_is_split_over_two_chunks_comes_out_whole() -> None:
    async with talking() as (context, _):
        message_id = await context.begin_streaming_llm_response("m")
        numbers = [
            await context.append_streaming_chunk(message_id, delta) for delta in ("a\ud83d", "\ude00b", "\ud83d")
        ]
        assert numbers == [1, 2, 2]
        assert await context.finalize_streaming_response(message_id)
        chunks = await context.get_streaming_chunks_after(message_id)
    assert [chunk.delta for chunk in chunks] == ["a", "\N{GRINNING FACE}b", "\ufffd"]


async def test_more_chunks_than_a_page_are_all_given() -> None:
    async with talking() as (context, _):
        message_id = await context.begin_streaming_llm_response("m")
        for _ in range(1_050):
            await context.append_streaming_chunk(message_id, "x")
        chunks = await context.get_streaming_chunks_after(message_id)
    assert [chunk.sequence for chunk in chunks] == list(range(1, 1_051))


async def test_chunks_appended_at_once_get_numbers_in_order() -> None:
    async with talking() as (context, room):
        message_id = await context.begin_streaming_llm_response("m")
        appends = (context.append_streaming_chunk(message_id, f"{number} ") for number in range(20))
        assert await asyncio.gather(*appends) == list(range(1, 21))
        stream = room.state(context.session_id).stream
        assert stream is not None
        assert stream.text == "".join(f"{number} " for number in range(20))


async def test_a_long_delta_becomes_several_chunks_and_gets_the_number_of_the_last() -> None:
    async with talking() as (context, room):
        message_id = await context.begin_streaming_llm_response("m")
        assert await context.append_streaming_chunk(message_id, "x" * (CHUNK_MAX_CHARS * 2 + 1)) == 3
        assert await context.append_streaming_chunk(message_id, "") == 3
        await context.finalize_streaming_response(message_id)
    message = await last(room, context.session_id)
    assert len(message.content) == CHUNK_MAX_CHARS * 2 + 1
    assert payload_of(message).provider_deltas == 2


async def test_long_deltas_at_once_are_not_mixed() -> None:
    """Taken out for the check: the lock around an append."""
    size = CHUNK_MAX_CHARS * 2 + 1
    async with talking() as (context, room):
        message_id = await context.begin_streaming_llm_response("m")
        appends = (context.append_streaming_chunk(message_id, letter * size) for letter in "abc")
        assert await asyncio.gather(*appends) == [3, 6, 9]
        await context.finalize_streaming_response(message_id)
    assert (await last(room, context.session_id)).content == "a" * size + "b" * size + "c" * size


async def test_what_can_not_be_stored_is_replaced() -> None:
    async with talking() as (context, room):
        message_id = await context.begin_streaming_llm_response("m")
        await context.append_streaming_chunk(message_id, "a\0b\ud800")
        await context.finalize_streaming_response(message_id, "st\0p")
        with pytest.raises(InvalidArgument, match="model"):
            await context.begin_streaming_llm_response("m\0")
    message = await last(room, context.session_id)
    assert (message.content, payload_of(message).finish_reason) == ("a\ufffdb\ufffd", "st\ufffdp")


async def test_i8_what_is_not_being_streamed_takes_no_chunk_and_no_end() -> None:
    async with talking() as (context, room):
        assert await context.append_streaming_chunk(new_id(), "x") is None
        message_id = await context.begin_streaming_llm_response("m")
        assert await context.append_streaming_chunk(new_id(), "x") is None
        assert await context.finalize_streaming_response(new_id()) is False
        assert await context.finalize_streaming_response(message_id) is True
        head = room.state(context.session_id).head
        assert await context.append_streaming_chunk(message_id, "late") is None
        assert await context.append_streaming_chunk(message_id, "") is None
        assert await context.finalize_streaming_response(message_id) is False
        assert room.state(context.session_id).head == head


async def test_i8_a_second_reply_waits_for_the_end_of_the_first() -> None:
    async with talking() as (context, room):
        first = await context.begin_streaming_llm_response("m")
        head = room.state(context.session_id).head
        with pytest.raises(IllegalTransition):
            await context.begin_streaming_llm_response("m")
        assert room.state(context.session_id).head == head
        assert await context.append_streaming_chunk(first, "still mine") == 1


async def test_a_stream_that_broke_is_finalised_with_the_error() -> None:
    async with talking() as (context, room):
        message_id = await context.begin_streaming_llm_response("m")
        await context.append_streaming_chunk(message_id, "half")
        assert await context.finalize_streaming_response(message_id, "error: the endpoint hung up")
    message = await last(room, context.session_id)
    assert (message.status, message.content) == ("error", "half")
    assert payload_of(message).finish_reason == "error: the endpoint hung up"


async def test_model_reason_and_usage_may_be_left_out_and_an_error_leaves_the_context_active() -> None:
    async with talking() as (context, room):
        for reason in (None, "error: gone"):
            message_id = await context.begin_streaming_llm_response()
            assert await context.finalize_streaming_response(message_id, reason, None)
            assert room.state(context.session_id).state.name == "active"
            message = await last(room, context.session_id)
            assert (payload_of(message).model, payload_of(message).finish_reason) == ("", reason or "stop")
            assert (message.metadata.tokens, payload_of(message).usage) == (None, None)
    assert room.state(context.session_id).state.name == "active"


async def test_the_metadata_of_a_growing_reply_counts_its_chunks() -> None:
    async with talking() as (context, _):
        message_id = await context.begin_streaming_llm_response("m")
        await context.append_streaming_chunk(message_id, "x")
        metadata = await context.get_streaming_metadata(message_id)
        assert (metadata.chunks_count, metadata.completed_at, metadata.finish_reason) == (1, None, None)


async def test_there_is_no_metadata_for_what_was_not_streamed() -> None:
    async with talking() as (context, room):
        with pytest.raises(MessageNotFound):
            await context.get_streaming_metadata(new_id())
        with pytest.raises(MessageNotFound):
            await context.get_streaming_chunks_after(new_id())
        with pytest.raises(InvalidArgument, match="streamed"):
            await context.get_streaming_metadata((await last(room, context.session_id)).id)


async def test_a_chunk_that_storage_did_not_take_is_an_error_and_no_missing_stream() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    async with opened(room, session_id) as context:
        message_id = await context.begin_streaming_llm_response("m")
        journal.broken = StorageUnavailable("disk full")
        with pytest.raises(StorageUnavailable):
            await context.append_streaming_chunk(message_id, "x")
        journal.broken = None
        assert await eventually_appended(context, message_id, "y") == 1
    await room.assert_shown_is_journal(session_id)


async def eventually_appended(context: ChatContext, message_id: str, text: str) -> int | None:
    """The door refuses until it has read the head again."""
    async with asyncio.timeout(HANG_S):
        while True:
            try:
                return await context.append_streaming_chunk(message_id, text)
            except StorageUnavailable:
                await asyncio.sleep(0.002)


# The run


async def test_a_session_that_was_opened_runs_until_the_block_ends() -> None:
    async with talking() as (context, room):
        state = room.state(context.session_id)
        assert (state.session_state, context.active) == ("RUNNING", True)
        assert state.run is not None
        assert (state.run.agent, state.run.on_crash) == (AGENT, "fail")
        assert [message.content for message in await context.run.history()] == ["hello"]
    assert room.types(context.session_id)[-2:] == ["run.finished", "session.state_changed"]
    assert context.active is False


async def test_without_a_question_the_newest_message_of_a_user_is_answered() -> None:
    async with talking() as (context, room):
        await context.run.emit("an answer")
    async with opened(room, context.session_id, None) as again:
        await again.run.emit("another one")
    messages = await room.messages(context.session_id)
    assert [message.content for message in messages] == ["hello", "an answer", "another one"]
    assert {run.message_id for run in await room.runs(context.session_id)} == {messages[0].id}


async def test_there_must_be_something_to_answer() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    with pytest.raises(MessageNotFound, match="pass a question"):
        async with opened(room, session_id, None):
            pass
    with pytest.raises(SessionNotFound):
        async with opened(room, new_id()):
            pass
    assert room.types(session_id) == ["session.created"]


async def test_whoever_may_not_write_opens_nothing() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    stranger = Principal("eve", "Eve", "nobody")  # type: ignore[arg-type]
    with pytest.raises(Forbidden):
        async with ChatContext.open(room.sessions, session_id, owner="p", question="hi", principal=stranger):
            pass
    assert room.types(session_id) == ["session.created"]


async def test_i4_a_session_with_a_run_is_not_opened_twice() -> None:
    async with talking() as (context, room):
        for question in ("me too", None):
            with pytest.raises(RunAlreadyActive):
                async with opened(room, context.session_id, question):
                    pass
        assert context.active
        assert len(await room.messages(context.session_id)) == 1


async def test_a_block_that_fails_closes_its_reply_and_fails_the_run() -> None:
    room, _ = await memory_room()
    session_id = await room.create()

    async def work() -> None:
        async with opened(room, session_id) as context:
            message_id = await context.begin_streaming_llm_response("m")
            await context.append_streaming_chunk(message_id, "half")
            raise ZeroDivisionError("a secret")

    with pytest.raises(ZeroDivisionError):
        await work()
    message = await last(room, session_id)
    assert (message.status, message.content) == ("error", "half")
    assert (payload_of(message).finish_reason, payload_of(message).provider_deltas) == ("error: ZeroDivisionError", 1)
    state = room.state(session_id)
    assert (state.session_state, state.state.name, state.stream) == ("FAILED", "error", None)


async def test_an_error_of_ours_says_why() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    with pytest.raises(InvalidArgument):
        async with opened(room, session_id):
            raise InvalidArgument("The model has no such name")
    (run,) = await room.runs(session_id)
    assert (run.state, run.reason) == ("failed", "The model has no such name")


async def test_an_error_of_the_block_is_not_hidden_by_storage_that_fails() -> None:
    room, journal = await memory_room()
    session_id = await room.create()

    async def work() -> None:
        async with opened(room, session_id):
            journal.broken = StorageUnavailable("disk full")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    journal.broken = None


async def test_a_block_that_is_cancelled_cancels_its_run() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    at_work = asyncio.Event()

    async def work() -> None:
        async with opened(room, session_id) as context:
            message_id = await context.begin_streaming_llm_response("m")
            await context.append_streaming_chunk(message_id, "half")
            at_work.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await at_work.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    message = await last(room, session_id)
    assert (message.status, message.content) == ("cancelled", "half")
    assert room.state(session_id).session_state == "CANCELLED"


async def test_a_caller_that_is_cancelled_while_it_opens_leaves_no_run() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    gate = journal.hold("append")
    task = asyncio.create_task(opened(room, session_id).__aenter__())
    await gate.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.open.set()
    await eventually(lambda: room.state(session_id).session_state == "CANCELLED")
    await room.assert_shown_is_journal(session_id)


async def test_i6_somebody_cancels_and_the_program_learns_it_with_its_next_step() -> None:
    async with talking() as (context, room):
        message_id = await context.begin_streaming_llm_response("m")
        await context.append_streaming_chunk(message_id, "half")
        await room.do(context.session_id, CancelRun())
        assert context.active is False
        assert await context.append_streaming_chunk(message_id, "more") is None
        assert await context.finalize_streaming_response(message_id) is False
        with pytest.raises(Fenced):
            await context.begin_streaming_llm_response("m")
    assert (await last(room, context.session_id)).content == "half"
    assert room.state(context.session_id).session_state == "CANCELLED"


async def test_a_session_that_is_deleted_meanwhile_ends_the_run_quietly() -> None:
    async with talking() as (context, room):
        message_id = await context.begin_streaming_llm_response("m")
        await room.do(context.session_id, DeleteSession())
        assert context.active is False
        assert await context.append_streaming_chunk(message_id, "more") is None


async def test_a_message_that_steers_is_there_to_be_read_and_keeps_no_run_open() -> None:
    async with talking() as (context, room):
        await room.do(context.session_id, say("be brief", on_busy="steer"))
        assert [message.content for message in await context.run.history()][-1] == "be brief"
        await room.do(context.session_id, say("briefer", on_busy="steer"))
    assert room.state(context.session_id).session_state == "COMPLETED"


# Beside the task manager


async def test_the_task_manager_leaves_the_run_alone_for_as_long_as_it_lasts() -> None:
    """Taken out for the check: the heartbeat (then the run is abandoned when its lease ends)."""
    time = FakeTime()
    async with workshop(time=time) as shop:
        session_id = await shop.room.create()
        sessions = shop.room.sessions
        boot = shop.runs.boot_id
        async with ChatContext.open(sessions, session_id, owner=boot, question="hi", sleep=time.sleep) as context:
            await settled()
            for _ in range(round(3 * LEASE_MS / 1000 / min(HEARTBEAT_S, REAP_S))):
                await time.advance(min(HEARTBEAT_S, REAP_S))
            assert context.active
            assert shop.runs.active == 0
            await context.run.emit("done")
        (run,) = await shop.room.runs(session_id)
        assert (run.state, run.attempt) == ("completed", 1)


async def test_what_was_asked_meanwhile_is_taken_up_by_the_task_manager() -> None:
    async with workshop({"after": Says("from the agent")}) as shop:
        session_id = await shop.room.create()
        async with opened(shop.room, session_id, "mine", shop.runs.boot_id) as context:
            await shop.room.do(session_id, say("theirs", agent="after"))
            await context.run.emit("from the program")
        await shop.until(session_id, "COMPLETED")
        contents = [message.content for message in await shop.room.messages(session_id)]
    assert contents == ["mine", "theirs", "from the program", "from the agent"]


async def test_i5_a_program_that_dies_leaves_no_session_running() -> None:
    """The next start fails the run and closes the half-streamed reply."""
    async with workshop() as shop:
        session_id = await shop.room.create()
        store = shop.room.store
        block = opened(shop.room, session_id, "hi", shop.runs.boot_id)
        context = await block.__aenter__()
        message_id = await context.begin_streaming_llm_response("m")
        await context.append_streaming_chunk(message_id, "half")
        later = FakeTime(shop.time.now + LEASE_MS)
        async with workshop(store=store, project_id=shop.room.project_id, time=later) as next_boot:
            await next_boot.until(session_id, "FAILED")
            message = await last(next_boot.room, session_id)
            assert (message.status, message.content) == ("interrupted", "half")
            # I4: a late write of the program that was taken for dead.
            assert await context.append_streaming_chunk(message_id, "zombie") is None
            await next_boot.room.assert_shown_is_journal(session_id, after=next_boot.room.of(session_id)[0].seq - 1)
        await block.__aexit__(None, None, None)
    assert context.active is False


@pytest.mark.parametrize("owner", ["the boot id", "another name"])
async def test_the_reaper_spares_a_run_whose_lease_lasts_whoever_holds_it(tmp_path: Path, owner: str) -> None:
    async with serving(tmp_path) as server:
        session_id, boot = await server.session(), server.runs.boot_id
        sessions = server.chat.sessions
        owner = boot if owner == "the boot id" else owner
        async with ChatContext.open(sessions, session_id, owner=owner, question="hi") as context:
            message_id = await context.begin_streaming_llm_response("m")
            assert await context.append_streaming_chunk(message_id, "half") == 1
            await server.runs._keeper._reap()
            assert await context.append_streaming_chunk(message_id, " and half") == 2
            assert await context.finalize_streaming_response(message_id)
        assert [run.state for run in await server.store.reads.runs(session_id)] == ["completed"]


async def test_a_lease_that_can_not_be_renewed_is_tried_again() -> None:
    time = FakeTime()
    room, _ = await memory_room(time.clock)
    session_id = await room.create()
    failing = FailingRenewals(room.store.leases)
    async with ChatContext.open(room.sessions, session_id, owner="p", question="hi", sleep=time.sleep) as context:
        await settled()
        await time.advance(HEARTBEAT_S)
        await time.advance(HEARTBEAT_S)
        assert failing.calls == 2
        assert context.active


class FailingRenewals:
    """Storage that fails the first renewal."""

    def __init__(self, leases: Leases) -> None:
        self.calls = 0
        leases.renew = self._renew  # type: ignore[method-assign, assignment]

    async def _renew(self, *_arguments: object) -> None:
        self.calls += 1
        if self.calls == 1:
            raise StorageUnavailable("disk full")
