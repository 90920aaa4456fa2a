"""Coalescing: the first delta at once, then one event per window; order, text and memory kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from world import USER, HookedJournal, Room, eventually, memory_room, say, settled

from models.commands import CancelRun, RunFence, StartRun
from models.errors import Fenced, IllegalTransition, ProviderBroken, StorageUnavailable
from models.events import MessageCompleted, MessageDelta
from models.ids import new_id
from models.messages import Message
from models.payloads import StreamingResponsePayload
from models.text import REPLACEMENT
from models.usage import Usage
from services.runs.reply import AHEAD_MAX_CHARS, CHUNK_MAX_CHARS, Reply

FOR_EVER_S = 3_600.0


class Stage:
    """A session with a run that has begun, and a reply of it."""

    def __init__(self, room: Room, journal: HookedJournal, session_id: str, fence: RunFence) -> None:
        self.room, self.journal, self.session_id, self.fence = room, journal, session_id, fence

    def reply(self, window_s: float) -> Reply:
        return Reply(
            self.room.sessions,
            self.session_id,
            self.fence,
            by=USER,
            message_id=new_id(),
            author="a",
            model="m",
            window_s=window_s,
        )

    @property
    def deltas(self) -> list[str]:
        return [event.body.delta for event in self.room.shown if isinstance(event.body, MessageDelta)]

    @property
    def completed(self) -> Message:
        (message,) = [event.body.message for event in self.room.shown if isinstance(event.body, MessageCompleted)]
        return message

    @property
    def payload(self) -> StreamingResponsePayload:
        assert isinstance(self.completed.payload, StreamingResponsePayload)
        return self.completed.payload


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    room, journal = await memory_room()
    session_id = await room.create()
    command = say()
    await room.do(session_id, command)
    await room.do(session_id, StartRun(command.run_id))
    yield Stage(room, journal, session_id, RunFence(command.run_id, 1))
    await room.assert_shown_is_journal(session_id)


async def test_the_first_delta_goes_at_once_and_the_rest_waits_for_the_window() -> None:
    async with stage() as on:
        async with on.reply(FOR_EVER_S) as reply:
            await reply.write("first ")
            await eventually(lambda: on.deltas == ["first "])
            for word in ("then ", "more ", "words"):
                await reply.write(word)
                await settled()
            assert on.deltas == ["first "]
        assert on.deltas == ["first ", "then more words"]
        assert on.completed.content == "first then more words"
        assert (on.payload.chunks_count, on.payload.provider_deltas, on.completed.sequence) == (2, 4, 2)


async def test_one_window_is_one_event_with_one_sequence_number() -> None:
    async with stage() as on:
        async with on.reply(0.02) as reply:
            for word in "abc":
                await reply.write(word)
            await eventually(lambda: on.deltas == ["a", "bc"], "the first window")
            for word in "def":
                await reply.write(word)
            await eventually(lambda: "".join(on.deltas) == "abcdef", "the second window")
            assert len(on.deltas) <= 4
        sequences = [event.body.sequence for event in on.room.shown if isinstance(event.body, MessageDelta)]
        assert sequences == list(range(1, len(on.deltas) + 1))


async def test_a_delta_after_a_quiet_window_goes_at_once_again() -> None:
    async with stage() as on, on.reply(FOR_EVER_S) as reply:
        await reply.write("one")
        await eventually(lambda: on.deltas == ["one"])
        reply._due_at = 0.0
        await reply.write("two")
        await eventually(lambda: on.deltas == ["one", "two"])


async def test_without_a_window_each_delta_is_an_event() -> None:
    async with stage() as on:
        async with on.reply(0) as reply:
            for number in range(20):
                await reply.write(str(number))
                assert on.deltas == [str(each) for each in range(number + 1)]
        assert on.payload.chunks_count == on.payload.provider_deltas == 20


@pytest.mark.parametrize("window_s", [0, 0.001, FOR_EVER_S])
async def test_text_and_order_are_kept_whatever_the_window(window_s: float) -> None:
    words = [f"{number}é👩‍👧 " for number in range(2_000)]
    async with stage() as on:
        async with on.reply(window_s) as reply:
            for number, word in enumerate(words):
                await reply.write(word)
                if number % 100 == 0:
                    await asyncio.sleep(0)
        assert "".join(on.deltas) == "".join(words) == on.completed.content
        assert on.payload.provider_deltas == 2_000


async def test_chunks_stay_small_whatever_is_written_at_once() -> None:
    async with stage() as on:
        async with on.reply(FOR_EVER_S) as reply:
            await reply.write("x" * (3 * CHUNK_MAX_CHARS + 5))
        assert [len(delta) for delta in on.deltas] == [CHUNK_MAX_CHARS] * 3 + [5]


async def test_empty_deltas_are_no_events_and_an_empty_reply_is_one_message() -> None:
    async with stage() as on:
        async with on.reply(0) as reply:
            await reply.write("")
        assert on.deltas == []
        assert (on.completed.content, on.payload.chunks_count, on.payload.provider_deltas) == ("", 0, 0)


async def test_what_cannot_be_stored_is_replaced_in_place() -> None:
    async with stage() as on:
        async with on.reply(0) as reply:
            await reply.write("a\ud83d")
            await reply.write("\0b")
        assert on.completed.content == f"a{REPLACEMENT}{REPLACEMENT}b"


async def test_a_writer_that_is_ahead_of_the_journal_waits() -> None:
    """Taken out for the check: the loop at the end of `write`."""
    async with stage() as on, on.reply(0.001) as reply:
        gate = on.journal.hold("append")
        written = 0

        async def write() -> None:
            nonlocal written
            for _ in range(300):
                await reply.write("x" * 1_000)
                written += 1_000

        writer = asyncio.create_task(write())
        await gate.reached.wait()
        await settled()
        done_early, written_early = writer.done(), written
        gate.open.set()
        await writer
        assert not done_early
        assert written_early <= AHEAD_MAX_CHARS + 2_000


async def test_a_writer_that_never_waits_for_anything_else_neither_starves_the_loop_nor_fills_the_memory() -> None:
    """A model that answers from memory: no delta is ever waited for."""
    async with stage() as on, on.reply(FOR_EVER_S) as reply:
        most = turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counter = asyncio.create_task(count())
        for _ in range(2_000):
            await reply.write("x" * 1_000)
            most = max(most, reply._waiting_chars)
        counter.cancel()
        assert most <= AHEAD_MAX_CHARS + 1_000
        assert turns > 10


async def test_flush_returns_when_everything_is_durable() -> None:
    async with stage() as on, on.reply(FOR_EVER_S) as reply:
        await reply.write("one ")
        await reply.write("two")
        await reply.flush()
        assert "".join(on.deltas) == "one two"
        assert (await on.room.store.reads.chunks(on.session_id, reply.message_id, 0)).current_sequence == len(on.deltas)


async def test_finish_says_why_and_what_it_cost() -> None:
    async with stage() as on:
        async with on.reply(FOR_EVER_S) as reply:
            await reply.write("cut")
            await reply.finish("length", Usage(input_tokens=3, output_tokens=1))
        assert (on.payload.finish_reason, on.payload.usage) == ("length", Usage(input_tokens=3, output_tokens=1))
        assert on.room.state(on.session_id).usage == Usage(input_tokens=3, output_tokens=1)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(ProviderBroken("it broke off"), "error: it broke off"), (KeyError("secret"), "error: KeyError")],
)
async def test_a_broken_stream_is_closed_with_its_error(error: Exception, reason: str) -> None:
    async with stage() as on:

        async def breaks_off() -> None:
            async with on.reply(FOR_EVER_S) as reply:
                await reply.write("half ")
                await reply.write("a word")
                raise error

        with pytest.raises(type(error)):
            await breaks_off()
        assert (on.completed.status, on.payload.finish_reason) == ("error", reason)
        assert on.completed.content == "half a word"


async def test_once_cancelled_every_write_is_fenced() -> None:
    async with stage() as on:
        reply = await on.reply(0).__aenter__()
        await reply.write("one")
        await on.room.do(on.session_id, CancelRun())
        for _ in range(2):
            with pytest.raises(Fenced):
                await reply.write("two")
        with pytest.raises(Fenced):
            await reply.flush()
        with pytest.raises(Fenced):
            await reply.finish()
        assert on.deltas == ["one"]


async def test_what_was_gathered_when_the_run_was_cancelled_is_dropped_in_silence() -> None:
    async with stage() as on:
        reply = await on.reply(0.01).__aenter__()
        await reply.write("one ")
        await eventually(lambda: on.deltas == ["one "])
        await reply.write("late")
        # In the same turn of the loop: it comes before the end of the window, however slow the machine is.
        await on.room.sessions.submit(on.session_id, CancelRun(), USER)
        await eventually(lambda: reply._error is not None, "the refusal of what was gathered")
        assert isinstance(reply._error, Fenced)
        assert on.completed.content == "one "


async def test_a_task_that_is_cancelled_keeps_what_was_said_and_leaves_the_end_to_others() -> None:
    async with stage() as on:
        at_work = asyncio.Event()

        async def work() -> None:
            async with on.reply(FOR_EVER_S) as reply:
                await reply.write("one ")
                await reply.flush()
                await reply.write("two")
                at_work.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await at_work.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await eventually(lambda: on.deltas == ["one ", "two"])
        assert on.room.state(on.session_id).stream is not None


async def test_a_reply_whose_storage_fails_raises_at_the_next_write() -> None:
    async with stage() as on:
        reply = await on.reply(0.001).__aenter__()
        await reply.write("one ")
        await reply.flush()
        on.journal.broken = StorageUnavailable()
        await reply.write("two")
        with pytest.raises(StorageUnavailable):
            await reply.flush()
        with pytest.raises(StorageUnavailable):
            await reply.write("three")
        on.journal.broken = None
        await eventually(lambda: on.room.sessions.context(on.session_id) is not None)
        assert on.deltas == ["one "]


async def test_a_second_reply_in_the_midst_of_the_first_is_refused() -> None:
    async with stage() as on, on.reply(0):
        with pytest.raises(IllegalTransition):
            async with on.reply(0):
                pass


@pytest.mark.parametrize("window_s", [0, 0.001])
async def test_a_character_that_is_split_over_two_deltas_comes_out_whole(window_s: float) -> None:
    async with stage() as on, on.reply(window_s) as reply:
        for delta in ("a", "\ud83d", "\ude00b\ud83d", "\ude00", "\ud83d", "c", "\ud83d"):
            await reply.write(delta)
        await reply.finish()
        assert "".join(on.deltas) == "a\N{GRINNING FACE}b\N{GRINNING FACE}\ufffdc\ufffd"
