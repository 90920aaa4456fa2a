"""The outbox alone, on a transport that a test fills and empties. Never opens a socket."""

from __future__ import annotations

import asyncio

import pytest
from patience import HANG_S

from hub.socket import frames
from hub.socket.backlog import HIGH_WATER_BYTES, LOW_WATER_BYTES, OVERFLOW_BYTES
from hub.socket.frames import Frame
from hub.socket.outbox import Outbox


class FakeTransport(asyncio.WriteTransport):
    """Keeps what the kernel has not taken; `take` empties it."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = bytearray()
        self.sent = bytearray()
        self.closing = False
        self.room = asyncio.Event()
        self.high = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.buffer += data
        self.room.clear()

    def take(self, size: int | None = None) -> None:
        size = len(self.buffer) if size is None else size
        self.sent += self.buffer[:size]
        del self.buffer[:size]
        if len(self.buffer) <= self.high:
            self.room.set()

    def get_write_buffer_size(self) -> int:
        return len(self.buffer)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = high or 0

    def is_closing(self) -> bool:
        return self.closing

    async def drain(self) -> None:
        if len(self.buffer) > self.high:
            await self.room.wait()


def frame(text: str) -> Frame:
    return frames.text_frame(text.encode())


def attached() -> tuple[Outbox, FakeTransport]:
    outbox, transport = Outbox(), FakeTransport()
    outbox.attach(transport, transport)
    return outbox, transport


@pytest.mark.parametrize(("size", "header"), [(125, 2), (126, 4), (65535, 4), (65536, 10)])
def test_a_frame_has_the_header_that_its_size_needs(size: int, header: int) -> None:
    made = frame("x" * size)
    assert len(made.ws) == size + header
    assert made.text == "x" * size


def test_event_frames_are_encoded_once_and_alike() -> None:
    assert frames.event_frame("event", {"a": "ü"}) == frames.raw_event_frame("event", '{"a":"ü"}'.encode())
    assert frames.event_frame("event", {"a": 1}).text == '42["event",{"a":1}]'


def test_a_batch_is_one_write_and_several_packets() -> None:
    parts = [frame("4a"), frame("4b")]
    batch = frames.batch_frame(parts)
    assert batch.ws == parts[0].ws + parts[1].ws
    assert batch.text == "4a\x1e4b"
    assert frames.batch_frame(parts[:1]) is parts[0]


def test_acks_repeat_namespace_and_id_as_they_came() -> None:
    assert frames.ack_frame(b"/", b"007", {"ok": True}).text == '43007[{"ok":true}]'
    assert frames.ack_frame(b"/admin", b"1", {}).text == "43/admin,1[{}]"


def test_an_attached_outbox_writes_at_once() -> None:
    outbox, transport = attached()
    assert outbox.put(frame("a"))
    assert bytes(transport.buffer) == frame("a").ws
    assert outbox.backlog_bytes == 3


async def test_a_poll_gets_all_that_waits_in_order() -> None:
    outbox = Outbox()
    for text in "abc":
        outbox.put(frame(text))
    assert outbox.backlog_bytes == 9
    assert [got.text for got in await outbox.poll()] == ["a", "b", "c"]
    assert outbox.backlog_bytes == 0


async def test_a_waiting_poll_gets_the_next_frame() -> None:
    outbox = Outbox()
    poll = asyncio.ensure_future(outbox.poll())
    await asyncio.sleep(0)
    outbox.put(frame("a"))
    assert [got.text for got in await poll] == ["a"]


async def test_release_and_close_end_a_waiting_poll_with_nothing() -> None:
    outbox = Outbox()
    for end in (outbox.release, outbox.close):
        poll = asyncio.ensure_future(outbox.poll())
        await asyncio.sleep(0)
        end()
        assert await poll == []
    assert await outbox.poll() == []


def test_attaching_flushes_what_was_queued_before_anything_new() -> None:
    outbox, transport = Outbox(), FakeTransport()
    for text in "ab":
        outbox.put(frame(text))
    outbox.attach(transport, transport)
    outbox.put(frame("c"))
    assert bytes(transport.buffer) == b"".join(frame(text).ws for text in "abc")


def test_over_high_water_counts_bytes_queued_and_buffered() -> None:
    for outbox in (Outbox(), attached()[0]):
        outbox.put(frame("x" * HIGH_WATER_BYTES))
        assert outbox.over_high_water
    outbox, transport = attached()
    outbox.put(frame("x" * HIGH_WATER_BYTES))
    transport.take()
    assert not outbox.over_high_water


def test_a_backlog_beyond_all_bounds_is_reported() -> None:
    for outbox in (Outbox(), attached()[0]):
        assert outbox.put(frame("x" * HIGH_WATER_BYTES))
        assert not outbox.put(frame("x" * OVERFLOW_BYTES))


def test_nothing_is_written_to_a_closing_transport_or_queued_after_close() -> None:
    outbox, transport = attached()
    transport.closing = True
    assert outbox.put(frame("a"))
    assert not transport.buffer
    closed = Outbox()
    closed.close()
    closed.put(frame("a"))
    assert closed.backlog_bytes == 0


async def test_drained_waits_for_the_low_water_mark_on_a_websocket() -> None:
    outbox, transport = attached()
    outbox.put(frame("x" * HIGH_WATER_BYTES))
    waiting = asyncio.ensure_future(outbox.drained())
    transport.take(HIGH_WATER_BYTES - LOW_WATER_BYTES - 1)
    await asyncio.sleep(0)
    assert not waiting.done()
    transport.take(100)
    await asyncio.wait_for(waiting, HANG_S)


async def test_drained_resumes_when_a_poll_fetches() -> None:
    outbox = Outbox()
    outbox.put(frame("x" * HIGH_WATER_BYTES))
    waiting = asyncio.ensure_future(outbox.drained())
    await asyncio.sleep(0)
    assert not waiting.done()
    await outbox.poll()
    await asyncio.wait_for(waiting, HANG_S)


async def test_drained_follows_an_upgrade_to_the_websocket() -> None:
    outbox, transport = Outbox(), FakeTransport()
    outbox.put(frame("x" * HIGH_WATER_BYTES))
    waiting = asyncio.ensure_future(outbox.drained())
    await asyncio.sleep(0)
    outbox.attach(transport, transport)
    await asyncio.sleep(0)
    assert not waiting.done()
    transport.take()
    await asyncio.wait_for(waiting, HANG_S)


async def test_drained_returns_when_the_outbox_closes() -> None:
    outbox = Outbox()
    outbox.put(frame("x" * HIGH_WATER_BYTES))
    waiting = asyncio.ensure_future(outbox.drained())
    await asyncio.sleep(0)
    outbox.close()
    await asyncio.wait_for(waiting, HANG_S)


async def test_a_cancelled_waiter_leaves_the_others_waiting() -> None:
    outbox, transport = attached()
    outbox.put(frame("x" * HIGH_WATER_BYTES))
    first, second = asyncio.ensure_future(outbox.drained()), asyncio.ensure_future(outbox.drained())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    assert not second.done()
    transport.take()
    await asyncio.wait_for(second, HANG_S)


def test_a_client_that_takes_nothing_is_stalled_from_the_high_water_on() -> None:
    outbox, transport = attached()
    outbox.put(frame("x" * (HIGH_WATER_BYTES - 100)))
    assert outbox.stalled_for_s(0) == 0
    assert outbox.stalled_for_s(50) == 0
    outbox.put(frame("x" * 200))
    assert outbox.stalled_for_s(60) == 0
    assert outbox.stalled_for_s(70) == 10
    transport.take()
    assert outbox.stalled_for_s(80) == 0


def test_a_client_that_takes_a_little_starts_its_time_again_and_freezing_below_is_seen() -> None:
    outbox, transport = attached()
    outbox.put(frame("x" * HIGH_WATER_BYTES))
    assert outbox.stalled_for_s(0) == 0
    transport.take(HIGH_WATER_BYTES // 2)
    assert outbox.stalled_for_s(9) == 0
    assert not outbox.over_high_water
    outbox.put(frame("2"))
    assert outbox.stalled_for_s(19) == 10
