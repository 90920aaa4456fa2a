"""Everybody on one session: three tabs, one of them fed by signals, and a terminal. Whatever happens to each, all end
with what the journal says (I2, I3)."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from page_world import (
    assert_equal_to_rest,
    await_connected,
    await_end,
    get,
    open_new_session,
    pending_on,
    reply_of,
    say,
    session_of,
    words_of,
)
from patience import HANG_S
from playwright.sync_api import BrowserContext, Page, expect
from server_process import ROOT, ServerProcess, eventually, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]


class Terminal:
    """`parley chat` as a process: lines go in, what it prints is kept."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._printed: queue.Queue[str] = queue.Queue()
        self._text = ""
        threading.Thread(target=self._read, daemon=True).start()

    def types(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def shows(self, text: str, times: int = 1) -> None:
        eventually(lambda: self.text().count(text) >= times, HANG_S, self.text)

    def text(self) -> str:
        while not self._printed.empty():
            self._text += self._printed.get_nowait()
        return self._text

    def _read(self) -> None:
        assert self._process.stdout is not None
        while (read := self._process.stdout.read(1)) != "":
            self._printed.put(read)


@contextmanager
def terminal(server: ServerProcess, session_id: str) -> Iterator[Terminal]:
    command = [sys.executable, "-u", "-m", "web.terminal.cli", "chat", "--url", server.url, "--session", session_id]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True, env=dict(os.environ))
    try:
        yield Terminal(process)
    finally:
        process.terminate()
        process.wait(10)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def test_three_tabs_and_a_terminal_end_equal_whatever_happens_to_each(tmp_path: Path, context: BrowserContext) -> None:
    """One tab goes offline in the middle, one is frozen, one is reloaded, and the server is killed once; approvals are
    given by two of them."""
    with serving(tmp_path) as server:
        first = open_new_session(server, context)
        session_id = session_of(first)
        second = _open(context, f"{server.url}/#{session_id}")
        by_signals = _open(context, f"{server.url}/?delivery=signal#{session_id}")
        tabs = (first, second, by_signals)
        pulled: list[str] = []
        by_signals.on("request", lambda request: pulled.append(request.url) if "/events?" in request.url else None)
        with terminal(server, session_id) as cli:
            cli.shows("session")

            say(first, "/ask")
            for tab in tabs:
                expect(pending_on(tab)).to_be_visible()
            pending_on(by_signals).get_by_test_id("approve-once").click()
            for tab in tabs:
                expect(pending_on(tab)).to_have_count(0)
                await_end(tab, "COMPLETED")

            _offline_frozen_and_reloaded_in_mid_stream(*tabs)
            cli.shows("run_command: ok")

            say(second, "/long 60")
            expect(words_of(by_signals)).to_contain_text("20")
            server.kill()
            server.start()
            for tab in tabs:
                await_connected(tab)
                await_end(tab, "COMPLETED")

            cli.types("/ask")
            for tab in tabs:
                expect(pending_on(tab)).to_be_visible()
            cli.shows("waits for your approval", times=2)
            cli.types("/allow")
            for tab in tabs:
                expect(pending_on(tab)).to_have_count(0)
                await_end(tab, "COMPLETED")
            cli.shows("run_command: ok", times=2)
            assert pulled, "what was signalled is pulled by REST"
            assert_equal_to_rest(server, session_id, *tabs)
            _assert_told(server, session_id, cli)


def _offline_frozen_and_reloaded_in_mid_stream(offline: Page, frozen: Page, reloaded: Page) -> None:
    say(reloaded, "/long 120")
    expect(words_of(offline)).to_contain_text("10")
    network = offline.context.new_cdp_session(offline)
    network.send("Network.emulateNetworkConditions", _network(offline=True))
    lifecycle = frozen.context.new_cdp_session(frozen)
    lifecycle.send("Page.setWebLifecycleState", {"state": "frozen"})
    reloaded.reload()
    expect(words_of(reloaded)).to_contain_text("40")
    lifecycle.send("Page.setWebLifecycleState", {"state": "active"})
    network.send("Network.emulateNetworkConditions", _network(offline=False))
    for tab in (offline, frozen, reloaded):
        await_end(tab, "COMPLETED")
        expect(reply_of(tab)).to_have_attribute("data-status", "complete")


def _network(*, offline: bool) -> dict[str, Any]:
    return {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


def _assert_told(server: ServerProcess, session_id: str, cli: Terminal) -> None:
    """The terminal shows each finished reply, in the order of the journal."""
    messages = get(server, f"/api/sessions/{session_id}/messages?take=200")["messages"]
    said = [m["content"] for m in messages if m["messageType"] == "text" and m["status"] == "complete"]
    text, at = cli.text(), 0
    for content in said:
        at = text.find(content, at)
        assert at >= 0, (content, text)
        at += len(content)


def _open(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    expect(page.get_by_test_id("composer")).to_be_visible()
    await_connected(page)
    return page
