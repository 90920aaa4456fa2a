"""The page in a real Chromium against the real server: tabs agree with each other and with REST, whatever is cut."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from page_world import (
    assert_equal_to_rest,
    await_end,
    choose,
    open_new_session,
    reply_of,
    say,
    session_of,
    show_all,
    shown_on,
    stored_in,
    two_tabs,
    words_of,
)
from patience import HANG_MS
from playwright.sync_api import BrowserContext, expect
from server_process import ServerProcess, serving

pytestmark = pytest.mark.browser


# As behind a proxy that does not know the upgrade: every attempt ends in an error.
BROKEN_WEBSOCKET = """
window.WebSocket = class {
    constructor() {
        setTimeout(() => { this.onerror?.(new Event("error")); this.onclose?.({ code: 1006 }); }, 10);
    }
    close() {}
};
"""


def test_two_tabs_stream_one_session_and_end_equal_to_rest(
    shared_server: ServerProcess, context: BrowserContext
) -> None:
    """I2, I3: what both tabs folded from events is what a fresh read gives."""
    first, second = two_tabs(shared_server, context)
    session_id = session_of(first)
    say(first, "/long 60")
    for tab in (first, second):
        expect(reply_of(tab)).to_have_attribute("data-status", "streaming")
    expect(first.get_by_test_id("state-line")).to_have_text("streaming")
    expect(first.locator(".state-mark")).to_have_css("animation-name", "pulse")
    await_end(first, "COMPLETED")
    expect(first.locator(".state-mark")).to_have_css("animation-name", "none")
    await_end(second, "COMPLETED")
    assert_equal_to_rest(shared_server, session_id, first, second)
    assert len(shown_on(first)[-1][3].split()) == 60


@pytest.mark.slow
def test_after_sigkill_in_mid_stream_both_tabs_end_with_the_same_complete_transcript(
    server: ServerProcess, context: BrowserContext
) -> None:
    """I3, I5: same port, same data folder, a new process; nobody reloads anything."""
    first, second = two_tabs(server, context)
    session_id = session_of(first)
    say(first, "/long 60")
    expect(words_of(second)).to_contain_text("20")
    server.kill()
    for tab in (first, second):
        expect(tab.get_by_test_id("connection-state")).to_have_text("reconnecting…")
        # Whether it still streams is not known.
        expect(tab.get_by_test_id("elapsed")).to_be_hidden()
        expect(tab.locator(".state-mark")).to_have_css("animation-name", "none")
    seen = shown_on(first)[-1][3]
    server.start()
    for tab in (first, second):
        expect(tab.get_by_test_id("connection-state")).to_have_text("connected", timeout=HANG_MS)
        await_end(tab, "COMPLETED")
    assert_equal_to_rest(server, session_id, first, second)
    transcript = shown_on(first)
    assert transcript[-1][2] == "complete"
    assert len(transcript[-1][3].split()) == 60
    # I1: what was on the screen when the server died was committed.
    assert any(text.startswith(seen) for *_, text in transcript)


def test_reload_in_mid_stream_loses_nothing(shared_server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(shared_server, context)
    session_id = session_of(page)
    say(page, "/long 60")
    expect(words_of(page)).to_contain_text("10")
    page.reload()
    expect(reply_of(page)).to_have_attribute("data-status", "streaming")
    expect(words_of(page)).to_contain_text("10")
    await_end(page, "COMPLETED")
    assert_equal_to_rest(shared_server, session_id, page)


def test_stop_from_the_second_tab_stops_for_both_and_keeps_the_partial_reply(
    shared_server: ServerProcess, context: BrowserContext
) -> None:
    """I6: whoever looks on may stop."""
    first, second = two_tabs(shared_server, context)
    session_id = session_of(first)
    say(first, "/long 2000")
    expect(words_of(second)).to_contain_text("10")
    second.get_by_test_id("stop").click()
    for tab in (first, second):
        await_end(tab, "CANCELLED")
        expect(reply_of(tab)).to_have_attribute("data-status", "cancelled")
        expect(tab.get_by_test_id("stop")).to_have_count(0)
    assert_equal_to_rest(shared_server, session_id, first, second)
    assert "10" in shown_on(first)[-1][3]


@pytest.mark.slow
def test_new_session_is_switched_to_at_once_while_the_old_one_goes_on(
    shared_server: ServerProcess, context: BrowserContext
) -> None:
    """B4: the run left behind shows as running, then in the history with its mark."""
    page = open_new_session(shared_server, context)
    old = session_of(page)
    say(page, "/long 80")
    expect(reply_of(page)).to_have_attribute("data-status", "streaming")
    page.get_by_test_id("new-session").click()
    expect(page).not_to_have_url(re.compile(f"#{old}$"))
    expect(page.get_by_test_id("message")).to_have_count(0)
    expect(page.get_by_test_id("composer")).to_be_focused()
    row = f'[data-session-id="{old}"]'
    expect(page.get_by_test_id("running-list").locator(row)).to_have_attribute("data-state", "RUNNING")
    expect(page.get_by_test_id("history-list").locator(row)).to_have_attribute(
        "data-state", "COMPLETED", timeout=HANG_MS
    )
    expect(page.get_by_test_id("running-list").locator(row)).to_have_count(0)
    page.get_by_test_id("history-list").locator(row).click()
    await_end(page, "COMPLETED")
    assert_equal_to_rest(shared_server, old, page)


@pytest.mark.slow
def test_a_session_is_renamed_deleted_and_restored_in_every_tab(server: ServerProcess, context: BrowserContext) -> None:
    first, second = two_tabs(server, context)
    first.get_by_test_id("session-title").dblclick()
    first.get_by_test_id("title-input").fill("A better title")
    first.get_by_test_id("title-input").press("Enter")
    for tab in (first, second):
        expect(tab.get_by_test_id("session-title")).to_have_text("A better title")
        expect(tab.get_by_test_id("history-list")).to_contain_text("A better title")
    choose(first, "session-menu", "delete")
    expect(second.get_by_text("it was deleted")).to_be_visible()
    expect(second.get_by_test_id("history-list")).not_to_contain_text("A better title")
    first.get_by_test_id("notice").get_by_text("Undo").click()
    expect(first.get_by_test_id("session-title")).to_have_text("A better title")
    expect(second.get_by_test_id("history-list")).to_contain_text("A better title")


@pytest.mark.slow
def test_what_is_sent_while_offline_waits_and_arrives_once(
    shared_server: ServerProcess, context: BrowserContext
) -> None:
    """The network stalls without a close: the page notices, keeps the message and sends it."""
    page = open_new_session(shared_server, context)
    session_id = session_of(page)
    context.set_offline(True)
    expect(page.get_by_test_id("connection-state")).to_have_text("offline")
    say(page, "/long 5")
    expect(page.get_by_test_id("outgoing")).to_have_attribute("data-state", "queued_offline")
    context.set_offline(False)
    expect(page.get_by_test_id("connection-state")).to_have_text("connected")
    await_end(page, "COMPLETED")
    expect(page.get_by_test_id("outgoing")).to_have_count(0)
    assert [text for _, role, _, text in stored_in(shared_server, session_id) if role == "user"] == ["/long 5"]


@pytest.mark.slow
def test_where_websockets_fail_the_page_works_over_polling(
    shared_server: ServerProcess, context: BrowserContext
) -> None:
    context.add_init_script(BROKEN_WEBSOCKET)
    page = open_new_session(shared_server, context)
    session_id = session_of(page)
    say(page, "/long 20")
    await_end(page, "COMPLETED")
    assert_equal_to_rest(shared_server, session_id, page)


@pytest.mark.slow
def test_a_message_too_large_for_an_event_is_shown_whole_in_every_tab(
    shared_server: ServerProcess, context: BrowserContext
) -> None:
    """Over 64 KiB an event carries the header only; the page pulls the body by REST."""
    first, second = two_tabs(shared_server, context)
    session_id = session_of(first)
    text = "many words " * 9_000
    say(first, text)
    for tab in (first, second):
        await_end(tab, "COMPLETED")
        expect(tab.locator('[data-testid="message"][data-role="user"]')).to_contain_text("many words many words")
        show_all(tab)
    assert_equal_to_rest(shared_server, session_id, first, second)
    assert shown_on(second)[0][3] == text


@pytest.mark.slow
def test_earlier_messages_are_loaded_as_far_as_somebody_reads(
    shared_server: ServerProcess, context: BrowserContext
) -> None:
    page = open_new_session(shared_server, context)
    session_id = session_of(page)
    path = f"/api/contexts/{session_id}/actions/send_message"
    for _ in range(30):
        assert shared_server.request("POST", path, {"content": "/long 1"})[0] == 202
    expect(page.get_by_test_id("transcript")).to_have_attribute("data-length", "60")
    await_end(page, "COMPLETED")
    page.reload()
    expect(page.get_by_test_id("transcript")).to_have_attribute("data-length", "60")
    page.locator(".transcript").press("Home")
    expect(page.locator('[data-testid="message"][data-position="1"]')).to_be_visible()
    assert_equal_to_rest(shared_server, session_id, page)


@pytest.mark.slow
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


@pytest.mark.slow
def test_at_phone_width_nothing_runs_over_the_edge(shared_server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(shared_server, context)
    page.set_viewport_size({"width": 390, "height": 800})
    say(page, "x" * 500)
    expect(reply_of(page)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for hook in ("composer", "send", "connection-state", "state-line"):
        expect(page.get_by_test_id(hook)).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Sessions").click()
    page.get_by_test_id("new-session").click()
    expect(page.get_by_test_id("session-panel")).to_be_hidden()
    expect(page.get_by_test_id("message")).to_have_count(0)


@pytest.mark.slow
def test_the_api_reference_is_drawn_from_bundled_files(shared_server: ServerProcess, context: BrowserContext) -> None:
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{shared_server.url}/api/docs")
    expect(page.locator("#swagger-ui .opblock").first).to_be_visible()
    assert [url for url in asked if not url.startswith((shared_server.url, "data:"))] == []
