"""Clients that others wrote against the real server process: they join, send, receive, and survive a restart."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from journal_rows import entries
from patience import HANG_S
from server_process import ServerProcess, eventually, serving
from stock_peers import NPM_PACKAGES, NodePeer, PythonPeer, need, node_peer, python_peer

Json = dict[str, Any]
MODEL = "scripted:words=8,delay_ms=5,seed=3"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with serving(tmp_path, "--model", MODEL) as running:
        yield running


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with serving(tmp_path_factory.mktemp("shared"), "--model", MODEL) as running:
        yield running


@pytest.mark.node
@pytest.mark.parametrize("transports", ["polling,websocket", "websocket", "polling"])
async def test_the_npm_client_gets_the_whole_journal_across_a_restart(server: ServerProcess, transports: str) -> None:
    need(shutil.which("node") is not None, "Node is not installed")
    need((NPM_PACKAGES / "socket.io-client").exists(), "web/node_modules is missing: run `make ui`")
    peer = await _across_a_restart(server, node_peer, transports)
    upgraded = [each["transport"] for each in peer.all("upgraded")]
    # It upgrades at each connect, before and after the restart, if it may.
    assert upgraded == (["websocket", "websocket"] if transports == "polling,websocket" else [])


@pytest.mark.parametrize("transports", ["websocket", "polling"])
async def test_the_stock_python_client_gets_the_whole_journal_across_a_restart(
    server: ServerProcess, transports: str
) -> None:
    peer = await _across_a_restart(server, python_peer, transports)
    assert [each["transport"] for each in peer.all("joined")] == [transports] * 2


def test_curl_creates_a_session_sends_a_message_and_pages_the_history(shared_server: ServerProcess) -> None:
    need(shutil.which("curl") is not None, "curl is not installed")
    status, session = _curl(shared_server, "/api/sessions", post={"title": "From a shell"})
    assert (status, session["title"], session["state"]) == (201, "From a shell", "IDLE")
    status, sent = _curl(
        shared_server, f"/api/contexts/{session['id']}/actions/send_message", post={"content": "Hello"}
    )
    assert (status, set(sent)) == (202, {"messageId", "seq", "runId"})
    _wait_for_the_end(shared_server, session["id"])
    status, page = _curl(shared_server, f"/api/sessions/{session['id']}/messages?skip=0&take=1")
    assert (status, page["total"], page["messages"][0]["content"]) == (200, 2, "Hello")
    status, page = _curl(shared_server, f"/api/sessions/{session['id']}/messages?skip=1&take=50")
    assert [(message["role"], message["status"]) for message in page["messages"]] == [("agent", "complete")]


@pytest.mark.parametrize(
    ("path", "post", "status", "code"),
    [
        ("/api/sessions/nobody/messages", None, 404, "session_not_found"),
        ("/api/nothing", None, 404, "not_found"),
        ("/api/sessions", "{not json", 400, "invalid_argument"),
        ("/api/sessions", {"titel": "typo"}, 400, "invalid_argument"),
        ("/api/sessions", {"model": "no-such-model"}, 400, "unknown_model"),
        ("/api/sessions/running", {}, 405, "method_not_allowed"),
    ],
)
def test_curl_is_told_what_was_wrong(
    shared_server: ServerProcess, path: str, post: Json | str | None, status: int, code: str
) -> None:
    need(shutil.which("curl") is not None, "curl is not installed")
    answered, error = _curl(shared_server, path, post=post)
    assert (answered, error["code"], error["retryable"]) == (status, code, False)
    assert error["error"]


async def _across_a_restart(server: ServerProcess, opener: Any, transports: str) -> NodePeer | PythonPeer:
    session_id = server.session()
    opened: AbstractAsyncContextManager[NodePeer | PythonPeer] = opener(server.url, session_id, transports)
    async with opened as peer:
        await peer.until(lambda: len(peer.all("joined")) == 1)
        await peer.send("before")
        await peer.until(lambda: peer.finished_runs() == 1)
        server.terminate()
        assert await asyncio.to_thread(server.wait) == 0
        await peer.until(lambda: len(peer.all("disconnected")) == 1)
        await asyncio.to_thread(server.start)
        await peer.until(lambda: len(peer.all("joined")) == 2)
        await peer.send("after")
        await peer.until(lambda: peer.finished_runs() == 2)
    start = peer.all("joined")[0]["last"]
    assert [each["recovered"] for each in peer.all("joined")] == [False, True]
    assert [each["ack"]["ok"] for each in peer.all("sent")] == [True, True]
    assert [(each["code"], each["retryable"]) for each in peer.all("goodbye")] == [("draining", True)]
    assert peer.all("wrong") == peer.all("refused") == []
    assert (
        _as_json(peer.entries())
        == [entry for entry in _as_json(entries(server.database, session_id)) if entry[0] > start][
            : len(peer.entries())
        ]
    )
    assert peer.entries()[-1][1] in ("run.finished", "session.state_changed")
    return peer


def _as_json(listed: list[tuple[int, str, Json]]) -> list[Any]:
    decoded: list[Any] = json.loads(json.dumps(listed))
    return decoded


def _curl(server: ServerProcess, path: str, post: Json | str | None = None) -> tuple[int, Json]:
    command = ["curl", "--silent", "--max-time", "10", "--write-out", "\n%{http_code}", server.url + path]
    if post is not None:
        body = post if isinstance(post, str) else json.dumps(post)
        command += ["--header", "Content-Type: application/json", "--data", body]
    output = subprocess.run(command, capture_output=True, check=True, timeout=HANG_S).stdout.decode()
    body, _, status = output.rpartition("\n")
    return int(status), json.loads(body)


def _wait_for_the_end(server: ServerProcess, session_id: str) -> None:
    eventually(lambda: _curl(server, f"/api/sessions/{session_id}")[1]["state"] == "COMPLETED", 10)
