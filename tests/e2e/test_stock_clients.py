"""Clients that others wrote against the real server process: they join, send, receive, and survive a restart."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import pytest
from journal_rows import entries
from patience import HANG_S
from server_process import ServerProcess, eventually, serving
from stock_peers import NPM_PACKAGES, NodePeer, PythonPeer, need, node_peer, python_peer

Json = dict[str, Any]
Peer: TypeAlias = NodePeer | PythonPeer
MODEL = "scripted:words=8,delay_ms=5,seed=3"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with serving(tmp_path_factory.mktemp("stock"), "--model", MODEL) as running:
        yield running


@pytest.mark.node
async def test_the_npm_client_gets_the_whole_journal_across_a_restart(server: ServerProcess) -> None:
    need(shutil.which("node") is not None, "Node is not installed")
    need((NPM_PACKAGES / "socket.io-client").exists(), "web/node_modules is missing: run `make ui`")
    transports = ("polling,websocket", "websocket", "polling")
    both, *others = await _across_a_restart(server, node_peer, transports)
    # It upgrades at each connect, before and after the restart, if it may.
    assert [each["transport"] for each in both.all("upgraded")] == ["websocket", "websocket"]
    assert [peer.all("upgraded") for peer in others] == [[], []]


async def test_the_stock_python_client_gets_the_whole_journal_across_a_restart(server: ServerProcess) -> None:
    transports = ("websocket", "polling")
    for transport, peer in zip(transports, await _across_a_restart(server, python_peer, transports), strict=True):
        assert [each["transport"] for each in peer.all("joined")] == [transport] * 2


def test_curl_creates_a_session_sends_a_message_and_pages_the_history(server: ServerProcess) -> None:
    need(shutil.which("curl") is not None, "curl is not installed")
    status, session = _curl(server, "/api/sessions", post={"title": "From a shell"})
    assert (status, session["title"], session["state"]) == (201, "From a shell", "IDLE")
    status, sent = _curl(server, f"/api/contexts/{session['id']}/actions/send_message", post={"content": "Hello"})
    assert (status, set(sent)) == (202, {"messageId", "seq", "runId"})
    _wait_for_the_end(server, session["id"])
    status, page = _curl(server, f"/api/sessions/{session['id']}/messages?skip=0&take=1")
    assert (status, page["total"], page["messages"][0]["content"]) == (200, 2, "Hello")
    status, page = _curl(server, f"/api/sessions/{session['id']}/messages?skip=1&take=50")
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
    server: ServerProcess, path: str, post: Json | str | None, status: int, code: str
) -> None:
    need(shutil.which("curl") is not None, "curl is not installed")
    answered, error = _curl(server, path, post=post)
    assert (answered, error["code"], error["retryable"]) == (status, code, False)
    assert error["error"]


async def _across_a_restart(server: ServerProcess, opener: Any, transports: Sequence[str]) -> list[Peer]:
    """One client by each of the transports, in a session of its own."""
    ids = [server.session() for _ in transports]
    async with AsyncExitStack() as stack:
        opened = [opener(server.url, each, by) for each, by in zip(ids, transports, strict=True)]
        peers: list[Peer] = [await stack.enter_async_context(each) for each in opened]
        await asyncio.gather(*(_say(peer, "before", 1) for peer in peers))
        server.terminate()
        assert await asyncio.to_thread(server.wait) == 0
        await asyncio.gather(*(_cut_off(peer) for peer in peers))
        await asyncio.to_thread(server.start)
        await asyncio.gather(*(_say(peer, "after", 2) for peer in peers))
    for session_id, peer in zip(ids, peers, strict=True):
        _assert_whole(server, session_id, peer)
    return peers


async def _say(peer: Peer, text: str, time: int) -> None:
    """Once it has joined for the `time`th time; until the run of what it says is over."""
    await peer.until(lambda: len(peer.all("joined")) == time)
    await peer.send(text)
    await peer.until(lambda: peer.finished_runs() == time)


async def _cut_off(peer: Peer) -> None:
    await peer.until(lambda: len(peer.all("disconnected")) == 1)


def _assert_whole(server: ServerProcess, session_id: str, peer: Peer) -> None:
    start = peer.all("joined")[0]["last"]
    assert [each["recovered"] for each in peer.all("joined")] == [False, True]
    assert [each["ack"]["ok"] for each in peer.all("sent")] == [True, True]
    assert [(each["code"], each["retryable"]) for each in peer.all("goodbye")] == [("draining", True)]
    assert peer.all("wrong") == peer.all("refused") == []
    stored = [entry for entry in _as_json(entries(server.database, session_id)) if entry[0] > start]
    assert _as_json(peer.entries()) == stored[: len(peer.entries())]
    assert peer.entries()[-1][1] in ("run.finished", "session.state_changed")


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
