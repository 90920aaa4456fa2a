"""How the real server process starts and stops: gracefully, refused, and while its storage is in trouble."""

from __future__ import annotations

import asyncio
import resource
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from journal_rows import entries, is_in_mid_stream, seen_by, session_state
from patience import HANG_S
from server_process import ServerProcess, eventually, serving

from hub.client import HubClient, SessionView
from hub.client.wire import Json
from services.llm.scripted_words import WordScript

pytestmark = pytest.mark.slow

MODEL = "scripted:words=100,delay_ms=20,seed=5"
WORDS = WordScript.parse("words=100,delay_ms=20,seed=5")
QUICK_MODEL = "scripted:words=3"


@pytest.fixture
def quick_server(tmp_path: Path) -> Iterator[ServerProcess]:
    with serving(tmp_path, "--model", QUICK_MODEL) as running:
        yield running


async def test_sigterm_in_mid_stream_says_goodbye_exits_with_0_and_the_next_start_resumes(tmp_path: Path) -> None:
    """I3, I5: the clients are told to come back, and find the run at work again."""
    goodbyes: list[Json] = []
    with serving(tmp_path, "--model", MODEL) as server:
        session_id = server.session()
        async with HubClient(server.url, backoff_s=(0.05, 0.1, 0.2), keep_events=True) as client:
            client.on["goodbye"] = goodbyes.append
            view = await client.open(session_id)
            start = view.last
            await client.send_message(session_id, "Go on")
            await _streaming(view)
            server.terminate()
            assert await asyncio.to_thread(server.wait) == 0
            assert is_in_mid_stream(server.database, session_id)
            assert [(each["code"], each["retryable"]) for each in goodbyes] == [("draining", True)]
            await asyncio.to_thread(server.start)
            await view.settled(HANG_S)
            assert (view.session_state, view.text()) == ("COMPLETED", "".join(WORDS.deltas("Go on")))
            attempts = [each["data"]["run"]["attempt"] for each in view.events if each["type"] == "run.started"]
            assert attempts == [1, 2]
            assert seen_by(view) == [entry for entry in entries(server.database, session_id) if entry[0] > start]


def test_a_second_sigterm_stops_at_once(quick_server: ServerProcess) -> None:
    quick_server.terminate()
    quick_server.terminate()
    assert quick_server.wait(HANG_S) in (0, 1, -signal.SIGTERM)


def test_a_second_server_on_the_same_folder_is_refused(quick_server: ServerProcess) -> None:
    second = ServerProcess(quick_server.folder)
    since = second.launch()
    assert second.wait(HANG_S) == 1
    assert f"Another server (pid {quick_server.pid}) uses the data folder" in second.log(since)
    assert "--data" in second.log(since)
    assert "Traceback" not in second.log(since)
    assert quick_server.is_ready()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(quick_server: ServerProcess) -> None:
    quick_server.stop()
    with closing(sqlite3.connect(quick_server.database)) as db, db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    before = quick_server.database.read_bytes()
    since = quick_server.launch()
    assert quick_server.wait(HANG_S) == 1
    assert "upgrade Parley" in quick_server.log(since)
    assert "Traceback" not in quick_server.log(since)
    assert quick_server.database.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_alone(quick_server: ServerProcess) -> None:
    quick_server.stop()
    quick_server.database.write_bytes(b"not a database" * 1000)
    since = quick_server.launch()
    assert quick_server.wait(HANG_S) == 1
    assert "not a SQLite database" in quick_server.log(since)
    assert "Traceback" not in quick_server.log(since)


def test_while_another_process_locks_the_database_it_is_not_ready_refuses_and_then_goes_on(
    quick_server: ServerProcess,
) -> None:
    session_id = quick_server.session()
    with closing(sqlite3.connect(quick_server.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert _say(quick_server, session_id, "locked out") == (503, "storage_unavailable")
        assert not quick_server.is_ready()
        other.execute("ROLLBACK")
    eventually(quick_server.is_ready, HANG_S)
    _assert_works(quick_server, session_id, refused="locked out")


def test_on_a_full_disk_it_is_not_ready_refuses_and_goes_on_when_there_is_room(quick_server: ServerProcess) -> None:
    """The kernel's limit on file size stands in for the disk: a write beyond it fails."""
    session_id = quick_server.session()
    wal = quick_server.database.with_name(quick_server.database.name + "-wal")
    _limit_files(quick_server, wal.stat().st_size + 4096)
    assert _say(quick_server, session_id, "too much " * 2000) == (503, "storage_unavailable")
    assert not quick_server.is_ready()
    assert quick_server.request("GET", "/healthz")[0] == 200
    status, page = quick_server.request("GET", f"/api/sessions/{session_id}/messages")
    assert (status, page["total"]) == (200, 0)
    _limit_files(quick_server, resource.RLIM_INFINITY)
    eventually(quick_server.is_ready, HANG_S)
    _assert_works(quick_server, session_id, refused="too much")


def test_a_run_that_loses_its_storage_goes_on_when_the_storage_is_back(tmp_path: Path) -> None:
    """I5: nothing stays RUNNING without a run at work."""
    with serving(tmp_path, "--model", MODEL) as server:
        session_id = server.session()
        assert _say(server, session_id, "Go on") == (202, "")
        eventually(lambda: is_in_mid_stream(server.database, session_id), HANG_S)
        with closing(sqlite3.connect(server.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            eventually(lambda: not server.is_ready(), HANG_S)
            other.execute("ROLLBACK")
        eventually(lambda: session_state(server.database, session_id) == "COMPLETED", HANG_S)
        last = server.request("GET", f"/api/sessions/{session_id}/messages?order=desc&take=1")[1]["messages"][0]
        assert (last["status"], last["content"]) == ("complete", "".join(WORDS.deltas("Go on")))


def _limit_files(server: ServerProcess, size_bytes: int) -> None:
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size_bytes, hard))


def _say(server: ServerProcess, session_id: str, text: str) -> tuple[int, str]:
    """Status and error code."""
    path = f"/api/contexts/{session_id}/actions/send_message"
    status, answer = server.request("POST", path, {"content": text})
    return status, answer.get("code", "")


def _assert_works(server: ServerProcess, session_id: str, *, refused: str) -> None:
    """A refused message left no trace, and the next one is answered."""
    assert _say(server, session_id, "Better now?") == (202, "")
    eventually(lambda: session_state(server.database, session_id) == "COMPLETED", HANG_S)
    messages = server.request("GET", f"/api/sessions/{session_id}/messages")[1]["messages"]
    assert [message["role"] for message in messages] == ["user", "agent"]
    assert not any(message["content"].startswith(refused) for message in messages)


async def _streaming(view: SessionView) -> None:
    await view.until(lambda view: view.snapshot is not None and view.snapshot["state"].get("sequence", 0) > 0)
