"""The page in a real Chromium against the real server: tabs agree with each other and with REST, whatever is cut."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from server_process import ServerProcess, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHROMIUM = Path("/usr/bin/chromium")
DIST = Path(__file__).parents[2] / "web" / "ui" / "dist"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A reply of 60 words takes three seconds; a machine that is busy with other tests several times that.
PATIENCE_MS = 40_000
# Playwright's own 5 s is little on two cores that run other tests as well.
EXPECT_MS = 15_000

# As behind a proxy that does not know the upgrade: every attempt ends in an error.
BROKEN_WEBSOCKET = """
window.WebSocket = class {
    constructor() {
        setTimeout(() => { this.onerror?.(new Event("error")); this.onclose?.({ code: 1006 }); }, 10);
    }
    close() {}
};
"""

# What a transcript is compared by: (id, role, status, text) per message.
Transcript = list[tuple[str, str, str, str]]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    _need(CHROMIUM, "Chromium is not installed at /usr/bin/chromium")
    _need(DIST / "index.html", "web/ui/dist is missing: run `make ui`")
    expect.set_options(timeout=EXPECT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with serving(tmp_path) as running:
        yield running


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """One browser profile. A script error or a breach of the content security policy on any page fails the test."""
    opened = chromium.new_context(viewport={"width": 1280, "height": 800})
    opened.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    opened.on("weberror", lambda error: complaints.append(str(error.error)))
    opened.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None,
    )
    yield opened
    opened.close()
    assert complaints == []


def test_two_tabs_stream_one_session_and_end_equal_to_rest(server: ServerProcess, context: BrowserContext) -> None:
    """I2, I3: what both tabs folded from events is what a fresh read gives."""
    first, second, session_id = _two_tabs(server, context)
    _say(first, "/long 60")
    for tab in (first, second):
        expect(_reply(tab)).to_have_attribute("data-status", "streaming")
    expect(first.get_by_test_id("state-line")).to_have_text("streaming")
    _await_end(first, "COMPLETED")
    _await_end(second, "COMPLETED")
    _assert_equal_to_rest(server, session_id, first, second)
    assert len(_shown(first)[-1][3].split()) == 60


def test_after_sigkill_in_mid_stream_both_tabs_end_with_the_same_complete_transcript(
    server: ServerProcess, context: BrowserContext
) -> None:
    """I3, I5: same port, same data folder, a new process; nobody reloads anything."""
    first, second, session_id = _two_tabs(server, context)
    _say(first, "/long 60")
    expect(_words(second)).to_contain_text("20")
    server.kill()
    for tab in (first, second):
        expect(tab.get_by_test_id("connection-state")).to_have_text("reconnecting…")
    seen = _shown(first)[-1][3]
    server.start()
    for tab in (first, second):
        expect(tab.get_by_test_id("connection-state")).to_have_text("connected", timeout=PATIENCE_MS)
        _await_end(tab, "COMPLETED")
    _assert_equal_to_rest(server, session_id, first, second)
    transcript = _shown(first)
    assert transcript[-1][2] == "complete"
    assert len(transcript[-1][3].split()) == 60
    # I1: what was on the screen when the server died was committed.
    assert any(text.startswith(seen) for *_, text in transcript)


def test_reload_in_mid_stream_loses_nothing(server: ServerProcess, context: BrowserContext) -> None:
    page = _open_new_session(server, context)
    session_id = _session_id(page)
    _say(page, "/long 60")
    expect(_words(page)).to_contain_text("10")
    page.reload()
    expect(_reply(page)).to_have_attribute("data-status", "streaming")
    expect(_words(page)).to_contain_text("10")
    _await_end(page, "COMPLETED")
    _assert_equal_to_rest(server, session_id, page)


def test_stop_from_the_second_tab_stops_for_both_and_keeps_the_partial_reply(
    server: ServerProcess, context: BrowserContext
) -> None:
    """I6: whoever looks on may stop."""
    first, second, session_id = _two_tabs(server, context)
    _say(first, "/long 2000")
    expect(_words(second)).to_contain_text("10")
    second.get_by_test_id("stop").click()
    for tab in (first, second):
        _await_end(tab, "CANCELLED")
        expect(_reply(tab)).to_have_attribute("data-status", "cancelled")
        expect(tab.get_by_test_id("stop")).to_have_count(0)
    _assert_equal_to_rest(server, session_id, first, second)
    assert "10" in _shown(first)[-1][3]


def test_new_session_is_switched_to_at_once_while_the_old_one_goes_on(
    server: ServerProcess, context: BrowserContext
) -> None:
    """B4: the run left behind shows as running, then in the history with its mark."""
    page = _open_new_session(server, context)
    old = _session_id(page)
    _say(page, "/long 80")
    expect(_reply(page)).to_have_attribute("data-status", "streaming")
    page.get_by_test_id("new-session").click()
    expect(page).not_to_have_url(re.compile(f"#{old}$"))
    expect(page.get_by_test_id("message")).to_have_count(0)
    expect(page.get_by_test_id("composer")).to_be_focused()
    row = f'[data-session-id="{old}"]'
    expect(page.get_by_test_id("running-list").locator(row)).to_have_attribute("data-state", "RUNNING")
    expect(page.get_by_test_id("history-list").locator(row)).to_contain_text("✓", timeout=PATIENCE_MS)
    expect(page.get_by_test_id("running-list").locator(row)).to_have_count(0)
    page.get_by_test_id("history-list").locator(row).click()
    _await_end(page, "COMPLETED")
    _assert_equal_to_rest(server, old, page)


def test_a_session_is_renamed_deleted_and_restored_in_every_tab(server: ServerProcess, context: BrowserContext) -> None:
    first, second, _ = _two_tabs(server, context)
    first.get_by_test_id("session-title").dblclick()
    first.get_by_test_id("title-input").fill("A better title")
    first.get_by_test_id("title-input").press("Enter")
    for tab in (first, second):
        expect(tab.get_by_test_id("session-title")).to_have_text("A better title")
        expect(tab.get_by_test_id("history-list")).to_contain_text("A better title")
    first.get_by_test_id("delete").click()
    expect(second.get_by_text("it was deleted")).to_be_visible()
    expect(second.get_by_test_id("history-list")).not_to_contain_text("A better title")
    first.get_by_test_id("notice").get_by_text("Undo").click()
    expect(first.get_by_test_id("session-title")).to_have_text("A better title")
    expect(second.get_by_test_id("history-list")).to_contain_text("A better title")


def test_what_was_typed_while_offline_stays_and_is_sent_once_afterwards(
    server: ServerProcess, context: BrowserContext
) -> None:
    """The network stalls without a close: the page notices, keeps the text, and comes back by itself."""
    page = _open_new_session(server, context)
    session_id = _session_id(page)
    context.set_offline(True)
    expect(page.get_by_test_id("connection-state")).to_have_text("offline")
    page.get_by_test_id("composer").fill("/long 5")
    expect(page.get_by_test_id("send")).to_be_disabled()
    page.get_by_test_id("composer").press("Enter")
    expect(page.get_by_test_id("composer")).to_have_value("/long 5")
    context.set_offline(False)
    expect(page.get_by_test_id("connection-state")).to_have_text("connected")
    page.get_by_test_id("composer").press("Enter")
    expect(page.get_by_test_id("composer")).to_have_value("")
    _await_end(page, "COMPLETED")
    assert [text for _, role, _, text in _stored(server, session_id) if role == "user"] == ["/long 5"]


def test_where_websockets_fail_the_page_works_over_polling(server: ServerProcess, context: BrowserContext) -> None:
    context.add_init_script(BROKEN_WEBSOCKET)
    page = _open_new_session(server, context)
    session_id = _session_id(page)
    _say(page, "/long 20")
    _await_end(page, "COMPLETED")
    _assert_equal_to_rest(server, session_id, page)


def test_a_message_too_large_for_an_event_is_shown_whole_in_every_tab(
    server: ServerProcess, context: BrowserContext
) -> None:
    """Over 64 KiB an event carries the header only; the page pulls the body by REST."""
    first, second, session_id = _two_tabs(server, context)
    text = "many words " * 9_000
    _say(first, text)
    for tab in (first, second):
        _await_end(tab, "COMPLETED")
        expect(tab.locator('[data-testid="message"][data-role="user"]')).to_contain_text("many words many words")
    _assert_equal_to_rest(server, session_id, first, second)
    assert _shown(second)[0][3] == text


def test_earlier_messages_are_loaded_in_front_until_all_are_there(
    server: ServerProcess, context: BrowserContext
) -> None:
    page = _open_new_session(server, context)
    session_id = _session_id(page)
    path = f"/api/contexts/{session_id}/actions/send_message"
    for _ in range(30):
        assert server.request("POST", path, {"content": "/long 1"})[0] == 202
    expect(page.get_by_test_id("message")).to_have_count(60)
    _await_end(page, "COMPLETED")
    page.reload()
    expect(page.get_by_test_id("message")).to_have_count(50)
    page.get_by_test_id("earlier").click()
    expect(page.get_by_test_id("message")).to_have_count(60)
    expect(page.get_by_test_id("earlier")).to_have_count(0)
    _assert_equal_to_rest(server, session_id, page)


def test_a_server_with_a_token_is_entered_by_the_form(tmp_path: Path, context: BrowserContext) -> None:
    with serving(tmp_path, environment={"PARLEY_TOKEN": "open-sesame-for-this-test"}) as server:
        page = context.new_page()
        page.goto(server.url)
        for token in ("wrong", "open-sesame-for-this-test"):
            page.get_by_label("This server asks for its token.").fill(token)
            page.keyboard.press("Enter")
            if token == "wrong":
                expect(page.get_by_role("alert")).to_have_text("That token was not accepted.")
        expect(page.get_by_test_id("connection-state")).to_have_text("connected")
        page.reload()
        expect(page.get_by_test_id("connection-state")).to_have_text("connected")


def test_at_phone_width_nothing_runs_over_the_edge(server: ServerProcess, context: BrowserContext) -> None:
    page = _open_new_session(server, context)
    page.set_viewport_size({"width": 390, "height": 800})
    _say(page, "x" * 500)
    expect(_reply(page)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for hook in ("composer", "send", "connection-state", "state-line"):
        expect(page.get_by_test_id(hook)).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Sessions").click()
    page.get_by_test_id("new-session").click()
    expect(page.get_by_test_id("session-panel")).to_be_hidden()
    expect(page.get_by_test_id("message")).to_have_count(0)


def test_the_api_reference_is_drawn_from_bundled_files(server: ServerProcess, context: BrowserContext) -> None:
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{server.url}/api/docs")
    expect(page.locator("#swagger-ui .opblock").first).to_be_visible()
    assert [url for url in asked if not url.startswith((server.url, "data:"))] == []


def _two_tabs(server: ServerProcess, context: BrowserContext) -> tuple[Page, Page, str]:
    first = _open_new_session(server, context)
    second = context.new_page()
    second.goto(first.url)
    expect(second.get_by_test_id("composer")).to_be_visible()
    return first, second, _session_id(first)


def _open_new_session(server: ServerProcess, context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto(server.url)
    expect(page.get_by_test_id("connection-state")).to_have_text("connected")
    page.get_by_test_id("new-session").click()
    expect(page.get_by_test_id("composer")).to_be_visible()
    return page


def _session_id(page: Page) -> str:
    return page.url.partition("#")[2]


def _say(page: Page, text: str) -> None:
    page.get_by_test_id("composer").fill(text)
    page.get_by_test_id("composer").press("Enter")
    expect(page.get_by_test_id("composer")).to_have_value("")


def _reply(page: Page) -> Locator:
    return page.locator('[data-testid="message"][data-role="agent"]').last


def _words(page: Page) -> Locator:
    """What the newest reply says: beside its author stands the time, in digits too."""
    return _reply(page).get_by_test_id("message-text")


def _await_end(page: Page, state: str) -> None:
    expect(page.get_by_test_id("state-line")).to_have_attribute("data-session-state", state, timeout=PATIENCE_MS)


def _assert_equal_to_rest(server: ServerProcess, session_id: str, *tabs: Page) -> None:
    """Each tab has reached the journal's head, and shows what REST answers."""
    head = _get(server, f"/api/sessions/{session_id}")["head"]
    for tab in tabs:
        expect(tab.get_by_test_id("transcript")).to_have_attribute("data-head", str(head))
        assert _shown(tab) == _stored(server, session_id)


def _stored(server: ServerProcess, session_id: str) -> Transcript:
    page = _get(server, f"/api/sessions/{session_id}/messages?take=200")
    return [(m["id"], m["role"], m["status"], m["content"]) for m in page["messages"]]


def _get(server: ServerProcess, path: str) -> dict[str, Any]:
    status, body = server.request("GET", path)
    assert status == 200, body
    return body


def _shown(page: Page) -> Transcript:
    rows = page.get_by_test_id("message").evaluate_all(
        """(messages) => messages.map((message) => [
            message.dataset.messageId,
            message.dataset.role,
            message.dataset.status,
            message.querySelector('[data-testid="message-text"]').textContent,
        ])"""
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def _need(path: Path, reason: str) -> None:
    if path.exists():
        return
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
