"""Slow readers on the real server process: bounded memory, let go in time, nobody else delayed (I7)."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from journal_rows import entries, seen_by
from patience import HANG_S
from raw_reader import RawReader
from server_process import ServerProcess, serving
from slow_line import line

from hub.client import HubClient, SessionView
from hub.client.wire import SessionEvent
from hub.socket.backlog import HIGH_WATER_BYTES

pytestmark = pytest.mark.slow

READERS = 20
GROWTH_MAX_BYTES = 2 * 1024 * 1024
PROBES = 200
PROBES_PER_S = 80
NOTICED_S = 5.0
"""Whoever had to wait for the stalled would wait until they are let go, after 10 s."""
# A message travels with its text twice (content and payload): 48 KB, under the 64 KiB at which bodies are left out.
FLOOD_TEXT = "x" * 24_000
FLOOD_MESSAGES = 70
"""3.4 MB for each reader: well above what one may cost, should somebody feed it regardless."""
# For a whole minute: an active run, so that messages steer it instead of starting runs of their own.
LONG_MODEL = "scripted:words=3000,delay_ms=20,seed=1"
SLOW_BYTES_PER_S = 8 * 1024
SLOW_FLOOD_MESSAGES = 14
KERNEL_BYTES = 300 * 1024
"""What the kernel was seen to take for one reader, SO_SNDBUF being 128 KiB."""


class Probe:
    """Measures from a command until another client's callback has it."""

    def __init__(self, sender: HubClient, receiver: SessionView) -> None:
        self._sender = sender
        self._receiver = receiver
        self._sent_at: dict[str, float] = {}
        self._took_s: list[float] = []
        self._all = asyncio.Event()
        receiver.on_event = self._received

    async def p99_s(self) -> float:
        self._sent_at, self._took_s = {}, []
        self._all.clear()
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number in range(PROBES):
            text = f"{start} {number}"
            self._sent_at[text] = time.perf_counter()
            await _steer(self._sender, self._receiver.session_id, text)
            await asyncio.sleep(max(0.0, start + (number + 1) / PROBES_PER_S - loop.time()))
        async with asyncio.timeout(HANG_S):
            await self._all.wait()
        return sorted(self._took_s)[int(PROBES * 0.99) - 1]

    def _received(self, event: SessionEvent) -> None:
        if event["type"] == "message.created":
            sent_at = self._sent_at.pop(event["data"]["message"]["content"], None)
            if sent_at is not None:
                self._took_s.append(time.perf_counter() - sent_at)
            if len(self._took_s) == PROBES:
                self._all.set()


async def test_twenty_readers_that_never_read_cost_little_and_are_let_go_while_others_notice_nothing(
    tmp_path: Path,
) -> None:
    """I7. Fails when subscriptions are fed regardless of the outbox, or when nobody is let go."""
    with serving(tmp_path, "--model", LONG_MODEL) as server, ExitStack() as readers:
        async with HubClient(server.url) as sender, HubClient(server.url) as other:
            session_id = server.session()
            view = await other.open(session_id)
            await sender.send_message(session_id, "Go on for long")
            probe = Probe(sender, view)
            await _flood(sender, session_id, FLOOD_MESSAGES)
            before_s = await probe.p99_s()
            connections, before_bytes = _connections(server), server.rss_bytes()
            for _ in range(READERS):
                reader = await asyncio.to_thread(RawReader, server.port, session_id, view.last, view.epoch)
                readers.callback(reader.close)
            assert _connections(server) == connections + READERS
            began = time.monotonic()  # back-pressure can't begin before
            watch = asyncio.create_task(_watch(server, connections, began))
            await _flood(sender, session_id, FLOOD_MESSAGES)
            during_s = await probe.p99_s()
            peak_bytes, let_go_after_s = await watch
    growth = (peak_bytes - before_bytes) / READERS
    print(f"per stalled reader {growth / 1024:.0f} KiB; all let go {let_go_after_s:.1f} s after the flood began")
    print(f"p99 of others: {before_s * 1000:.1f} ms before, {during_s * 1000:.1f} ms during")
    assert growth <= GROWTH_MAX_BYTES
    assert during_s < NOTICED_S
    assert server.log_file.read_text().count('"slow_consumer"') >= READERS


async def test_a_reader_at_8_kb_per_second_gets_everything_in_order_through_its_cursor(tmp_path: Path) -> None:
    """I3, I7: more is said at once than outbox and kernel hold, so the rest has to come from the journal. It takes
    something all the time and is not let go."""
    with serving(tmp_path, "--model", "scripted:words=5") as server:
        session_id = server.session()
        async with line(server.port, SLOW_BYTES_PER_S) as slow, HubClient(slow.url, keep_events=True) as client:
            view = await client.open(session_id)
            start = view.last
            connected = len(_slow_consumers(server))
            async with HubClient(server.url) as sender:
                await _flood(sender, session_id, SLOW_FLOOD_MESSAGES)
                await (await sender.open(session_id)).settled(HANG_S)
            journal = [entry for entry in entries(server.database, session_id) if entry[0] > start]
            said_bytes = sum(len(str(entry)) for entry in journal)
            assert said_bytes > HIGH_WATER_BYTES + KERNEL_BYTES
            await view.until(lambda view: view.last >= journal[-1][0], 1.5 * said_bytes / SLOW_BYTES_PER_S + HANG_S)
            assert seen_by(view) == journal
            assert len(_slow_consumers(server)) == connected == 0


async def _watch(server: ServerProcess, connections: int, began: float) -> tuple[int, float]:
    """The largest memory seen, and after how long the last of the stalled was gone."""
    peak_bytes = 0
    async with asyncio.timeout(HANG_S):
        while True:
            peak_bytes = max(peak_bytes, server.rss_bytes())
            if await asyncio.to_thread(_connections, server) <= connections:
                return peak_bytes, time.monotonic() - began
            await asyncio.sleep(0.1)


async def _flood(sender: HubClient, session_id: str, messages: int) -> None:
    for _ in range(messages):
        await _steer(sender, session_id, FLOOD_TEXT)


async def _steer(sender: HubClient, session_id: str, text: str) -> None:
    await sender.send_message(session_id, text, onBusy="steer")


def _connections(server: ServerProcess) -> int:
    """Open sockets, as the kernel knows them: a stalled reader can't see that it was let go, a server may be wrong."""
    return server.open_sockets()


def _slow_consumers(server: ServerProcess) -> list[str]:
    return [each for each in server.log_file.read_text().splitlines() if '"slow_consumer"' in each]
