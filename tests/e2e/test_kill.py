"""SIGKILL on the real server process: every client ends with the exact journal, and no run hangs (I1, I3, I5).

KILL_SEED and KILL_ROUNDS choose the offsets and how many; the seed is printed.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from journal_rows import entries, is_in_mid_stream, resumed_or_ended_at_ms, seen_by, session_state
from patience import HANG_S
from search_index import assert_index_is_that_of_the_messages
from server_process import ServerProcess, eventually, serving
from slow_line import line

from hub.client import HubClient, SessionView
from hub.client.wire import FeedMode
from services.llm.scripted_words import WordScript

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("KILL_ROUNDS", "20"))
SEED = int(os.environ.get("KILL_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
OFFSET_MS = (1, 500)
# 0.75 s of words: longer than the largest offset, short enough to be told twice in each of twenty rounds.
WORDS = WordScript.parse("words=50,delay_ms=15,seed=7")
MODEL = "scripted:words=50,delay_ms=15,seed=7"
SLOW_BYTES_PER_S = 8 * 1024
BACKOFF_S = (0.05, 0.1, 0.2)
# Several windows of words, and less than the two seconds after which a write gives up.
LOCKED_S = 0.8


@dataclass
class Witness:
    """A client and its view of the one session; `start` is its snapshot's head."""

    client: HubClient
    view: SessionView
    start: int


class Crowd:
    """Five clients on one session: two push, two in signal mode, one push behind a slow line."""

    def __init__(self, session_id: str, witnesses: list[Witness]) -> None:
        self.session_id = session_id
        self.witnesses = witnesses
        self.first = witnesses[0]

    async def settle(self, database: Path) -> None:
        """Until everybody has everything and nothing runs any more."""
        await self.first.view.settled(HANG_S)
        head = entries(database, self.session_id)[-1][0]
        for each in self.witnesses:
            await each.view.until(lambda view: view.last >= head, HANG_S)

    def assert_equal_to(self, database: Path) -> None:
        """I3: the whole list of each, from its first snapshot on."""
        journal = entries(database, self.session_id)
        for number, each in enumerate(self.witnesses):
            expected = [entry for entry in journal if entry[0] > each.start]
            assert seen_by(each.view) == expected, f"client {number} ({each.view.mode})"

    def assert_saw_only(self, database: Path) -> None:
        """I1: what was shown before the crash was committed before it was shown."""
        journal = {entry[0]: entry for entry in entries(database, self.session_id)}
        for each in self.witnesses:
            assert all(journal.get(entry[0]) == entry for entry in seen_by(each.view))


@asynccontextmanager
async def crowd(server: ServerProcess, session_id: str) -> AsyncIterator[Crowd]:
    async with AsyncExitStack() as stack:
        slow = await stack.enter_async_context(line(server.port, SLOW_BYTES_PER_S))
        places: list[tuple[str, FeedMode]] = [(server.url, "push"), (server.url, "push"), (slow.url, "push")]
        places += [(server.url, "signal"), (server.url, "signal")]
        witnesses = [await _witness(stack, url, session_id, mode) for url, mode in places]
        yield Crowd(session_id, witnesses)


async def test_every_client_ends_with_the_journal_after_each_of_twenty_kills_in_mid_stream(tmp_path: Path) -> None:
    """I3, I5. Fails when runs are not taken over at the start, or when a client does not come back from its own
    position. What can be found is what was committed, after each kill."""
    print(f"KILL_SEED={SEED} KILL_ROUNDS={ROUNDS}")
    offsets = random.Random(SEED)
    in_mid_stream = 0
    with serving(tmp_path, "--model", MODEL) as server:
        async with crowd(server, server.session()) as five:
            for number in range(ROUNDS):
                offset_ms = offsets.randint(*OFFSET_MS)
                in_mid_stream += await _round(server, five, f"round {number}", offset_ms, tmp_path)
    print(f"{in_mid_stream} of {ROUNDS} kills fell in mid-stream")
    assert in_mid_stream >= 0.75 * ROUNDS


async def test_what_could_not_be_committed_before_a_kill_was_shown_to_nobody(tmp_path: Path) -> None:
    """I1. Another process holds the database's lock, so that words are decided and not committed. Fails when events are
    published before the commit."""
    with serving(tmp_path, "--model", MODEL) as server:
        async with crowd(server, server.session()) as five:
            await five.first.client.send_message(five.session_id, "Wait for the lock")
            await _streaming(five.first.view)
            with closing(sqlite3.connect(server.database, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                committed = entries(server.database, five.session_id)[-1][0]
                await asyncio.sleep(LOCKED_S)  # the time in which it would be shown
                server.kill()
                other.execute("ROLLBACK")
            assert all(each.view.last <= committed for each in five.witnesses)
            five.assert_saw_only(server.copy_of_database(tmp_path))
            await asyncio.to_thread(server.start)
            await five.settle(server.database)
            five.assert_equal_to(server.database)


async def test_messages_that_waited_for_their_turn_are_answered_in_order_after_a_kill(tmp_path: Path) -> None:
    """I5: the active run is resumed, the queued ones follow; each message gets one whole reply."""
    questions = ["first", "second", "third"]
    with serving(tmp_path, "--model", MODEL) as server:
        async with crowd(server, server.session()) as five:
            for question in questions:
                await five.first.client.send_message(five.session_id, question)
            await _streaming(five.first.view)
            server.kill()
            await asyncio.to_thread(server.start)
            await five.settle(server.database)
            five.assert_equal_to(server.database)
            replies = _replies(five.first.view)
            assert [text for status, text in replies if status == "complete"] == _told(*questions)
            assert [status for status, _ in replies].count("interrupted") == 1


async def test_a_message_whose_ack_was_lost_with_the_server_is_made_once(tmp_path: Path) -> None:
    """I10: the line swallows the ack of a committed message; the client repeats it to the next server."""
    with serving(tmp_path, "--model", "scripted:words=3") as server:
        session_id = server.session()
        async with line(server.port) as quiet, HubClient(quiet.url, backoff_s=BACKOFF_S) as client:
            view = await client.open(session_id)
            quiet.mute = True
            sending = asyncio.create_task(client.send_message(session_id, "Are you there?"))
            await _until(lambda: _messages(server.database, session_id) > 0)
            server.kill()
            quiet.mute = False
            assert not sending.done()
            await asyncio.to_thread(server.start)
            answer = await sending
            await view.until(lambda view: len(_replies(view)) >= 1 and _is_idle(view), HANG_S)
        created = [
            data["message"] for _, kind, data in entries(server.database, session_id) if kind == "message.created"
        ]
        assert [message["id"] for message in created if message["role"] == "user"] == [answer["messageId"]]


@pytest.mark.parametrize("offset_ms", [0, 2, 5, 12])
async def test_a_message_sent_just_before_a_kill_is_made_once(tmp_path: Path, offset_ms: int) -> None:
    """I10, wherever the kill falls: before the call arrived, between commit and ack, after the ack."""
    with serving(tmp_path, "--model", "scripted:words=3") as server:
        session_id = server.session()
        async with HubClient(server.url, backoff_s=BACKOFF_S) as client:
            await client.open(session_id)
            sending = asyncio.create_task(client.send_message(session_id, "Now or never"))
            await asyncio.sleep(offset_ms / 1000)  # the offset is what is tested
            server.kill()
            await asyncio.to_thread(server.start)
            answer = await sending
        created = [
            data["message"] for _, kind, data in entries(server.database, session_id) if kind == "message.created"
        ]
        assert [message["id"] for message in created if message["role"] == "user"] == [answer["messageId"]]


async def test_a_run_of_an_agent_that_cannot_be_resumed_ends_failed_with_a_reason(tmp_path: Path) -> None:
    """I5: `on_crash = "fail"` is the default of agents."""
    with serving(tmp_path, "--agent", "tests.e2e.crash_agents:Forgetful") as server:
        session_id = server.session()
        async with HubClient(server.url, backoff_s=BACKOFF_S, keep_events=True) as client:
            view = await client.open(session_id)
            await client.send_message(session_id, "Count")
            await _streaming(view)
            server.kill()
            await asyncio.to_thread(server.start)
            await view.settled(HANG_S)
            assert view.session_state == "FAILED"
            (finished,) = [event["data"]["run"] for event in view.events if event["type"] == "run.finished"]
            assert finished["reason"].startswith("interrupted: the server stopped")
            assert _replies(view)[-1][0] == "interrupted"


async def test_a_run_that_kills_its_process_each_time_is_given_up_after_five_attempts(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, ("--agent", "tests.e2e.crash_agents:Deadly"))
    try:
        server.start()
        session_id = server.session()
        async with HubClient(server.url, backoff_s=BACKOFF_S) as client:
            await client.send_message(session_id, "Go")
        server.wait()
        for _ in range(4):
            server.launch()
            assert await asyncio.to_thread(server.wait) == -9
            assert session_state(server.copy_of_database(tmp_path), session_id) == "RUNNING"
        server.start()
        eventually(lambda: session_state(server.database, session_id) == "FAILED", HANG_S)
        runs = [data["run"] for _, kind, data in entries(server.database, session_id) if kind == "run.finished"]
        assert [run["attempt"] for run in runs] == [5]
        assert "given up after 5 attempts" in runs[0]["reason"]
    finally:
        server.stop()


@pytest.mark.parametrize("harm", ["gone", "cut", "garbage"])
async def test_a_log_that_is_lost_after_a_kill_is_told_and_begins_a_new_epoch(tmp_path: Path, harm: str) -> None:
    """What was shown is not there any more: nobody may go on under the same numbers."""
    with serving(tmp_path, "--model", "scripted:words=30,delay_ms=5") as server:
        session_id = server.session()
        async with HubClient(server.url, backoff_s=BACKOFF_S) as client:
            view = await client.open(session_id)
            await client.send_message(session_id, "What stays?")
            await view.settled(HANG_S)
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            before = view.epoch
            await client.send_message(session_id, "And what is lost?")
            await view.settled(HANG_S)
            assert view.epoch == before
            server.kill()
            _harm(server.database.with_name(server.database.name + "-wal"), harm)
            await asyncio.to_thread(server.start)
            status, ready = server.request("GET", "/readyz")
            assert (status, ready["status"]) == (200, "ready")
            assert "missing" in ready["warning"]
            assert "changes are missing" in server.log()
            await view.until(lambda view: view.epoch not in (None, before), HANG_S)
            await client.send_message(session_id, "Does it go on?")
            await view.until(lambda view: len(_replies(view)) >= 2 and _is_idle(view), HANG_S)
            assert view.snapshot is not None
            assert view.snapshot["messages"][0]["content"] == "What stays?"


async def test_a_database_that_is_taken_away_is_told_by_the_server_that_runs_and_the_next(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, "--model", "scripted:words=3") as server:
        server.session()
        server.database.unlink()
        eventually(lambda: not server.is_ready(), HANG_S)
        assert server.request("GET", "/readyz")[1]["code"] == "storage_corrupt"
        assert server.request("POST", "/api/sessions", {})[1]["code"] == "storage_corrupt"
        server.kill()
        server.launch()
        assert await asyncio.to_thread(server.wait) == 1
        assert "(storage_corrupt)" in server.log()


async def _round(server: ServerProcess, five: Crowd, text: str, offset_ms: int, tmp_path: Path) -> bool:
    """One kill and one restart; returns whether the kill fell in mid-stream."""
    await five.first.client.send_message(five.session_id, text)
    await _streaming(five.first.view)
    await asyncio.sleep(offset_ms / 1000)  # the offset is what is tested
    server.kill()
    left = server.copy_of_database(tmp_path)
    head = entries(left, five.session_id)[-1][0]
    mid_stream = is_in_mid_stream(left, five.session_id)
    five.assert_saw_only(left)
    assert_index_is_that_of_the_messages(left)
    await asyncio.to_thread(server.start)
    await five.settle(server.database)
    if session_state(left, five.session_id) == "RUNNING":
        _assert_taken_up_at_once(server, five.session_id, head)
    assert five.first.view.text() == _told(text)[0]
    five.assert_equal_to(server.database)
    return mid_stream


def _assert_taken_up_at_once(server: ServerProcess, session_id: str, head: int) -> None:
    """Before it listened: not when a reaper has its first turn, or a lease ends."""
    at_ms = resumed_or_ended_at_ms(server.database, session_id, head)
    assert at_ms is not None
    assert at_ms <= server.listening_since_ms


async def _witness(stack: AsyncExitStack, url: str, session_id: str, mode: FeedMode) -> Witness:
    client = await stack.enter_async_context(HubClient(url, backoff_s=BACKOFF_S, keep_events=True))
    view = await client.open(session_id, mode)
    return Witness(client, view, view.last)


def _harm(wal: Path, how: str) -> None:
    match how:
        case "gone":
            wal.unlink()
        case "cut":
            os.truncate(wal, wal.stat().st_size // 2)
        case _:
            wal.write_bytes(os.urandom(wal.stat().st_size))


async def _streaming(view: SessionView) -> None:
    """Until a delta of the newest message was received."""
    await view.until(lambda view: view.snapshot is not None and view.snapshot["state"].get("sequence", 0) > 0)


async def _until(condition: Any, within_s: float = HANG_S) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def _messages(database: Path, session_id: str) -> int:
    return sum(kind == "message.created" for _, kind, _ in entries(database, session_id))


def _is_idle(view: SessionView) -> bool:
    return view.session_state not in (None, "RUNNING")


def _replies(view: SessionView) -> list[tuple[str, str]]:
    """(status, text) of the agent's messages."""
    messages = view.snapshot["messages"] if view.snapshot is not None else []
    return [(message["status"], message["content"]) for message in messages if message["role"] == "agent"]


def _told(*questions: str) -> list[str]:
    return ["".join(WORDS.deltas(question)) for question in questions]
