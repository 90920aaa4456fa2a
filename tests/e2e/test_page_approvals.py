"""Cards that wait for an answer: what would change, by keyboard, several at once, and until when."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_world import await_end, open_new_session, pending_on, reply_of, say, session_of, two_tabs
from patience import HANG_MS
from playwright.sync_api import BrowserContext, expect
from server_process import ServerProcess, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EDIT = {"path": "notes.txt", "old": "one\ntwo", "new": "one\n2"}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "notes.txt").write_text("one\ntwo\nthree\n")
    return folder


@pytest.fixture
def server(tmp_path: Path, workspace: Path) -> Iterator[ServerProcess]:
    with serving(tmp_path, "--workspace", str(workspace), "--demo-words-per-s", "0") as running:
        yield running


def test_an_edit_is_shown_as_a_diff_and_approved_by_a_key(
    server: ServerProcess, context: BrowserContext, workspace: Path
) -> None:
    page = open_new_session(server, context)
    say(page, f"/call edit_file {json.dumps(EDIT)}")
    card = pending_on(page)
    expect(card.locator('[data-kind="removed"]')).to_have_text(re.compile("two"))
    expect(card.locator('[data-kind="added"]')).to_have_text(re.compile("2"))
    expect(card.locator('[data-kind="same"]')).to_have_text(re.compile("one"))
    card.locator("section").focus()
    page.keyboard.press("a")
    expect(page.get_by_test_id("approval")).to_have_text("Approved by you")
    await_end(page, "COMPLETED")
    assert (workspace / "notes.txt").read_text() == "one\n2\nthree\n"


def test_an_edit_is_changed_field_by_field_before_it_is_made(
    server: ServerProcess, context: BrowserContext, workspace: Path
) -> None:
    page = open_new_session(server, context)
    say(page, f"/call edit_file {json.dumps(EDIT)}")
    card = pending_on(page)
    card.get_by_test_id("edit-arguments").click()
    card.get_by_test_id("argument-new").fill("one\nTWO")
    card.get_by_test_id("approve-once").click()
    await_end(page, "COMPLETED")
    assert (workspace / "notes.txt").read_text() == "one\nTWO\nthree\n"
    expect(page.get_by_test_id("approval")).to_have_text("Approved with changes by you")
    page.get_by_test_id("tool-call").locator("summary").click()
    models_own = page.get_by_test_id("models-arguments")
    expect(models_own).to_contain_text("What the model wanted")
    expect(models_own.locator('[data-kind="added"]')).to_have_text(re.compile("2"))


def test_a_card_is_denied_by_a_key_but_a_letter_in_a_field_is_a_letter(
    server: ServerProcess, context: BrowserContext, workspace: Path
) -> None:
    first, second = two_tabs(server, context)
    say(first, f"/call edit_file {json.dumps(EDIT)}")
    reason = pending_on(first).get_by_test_id("deny-reason")
    reason.press_sequentially("add")
    expect(reason).to_have_value("add")
    pending_on(first).locator("section").focus()
    first.keyboard.press("d")
    for tab in (first, second):
        expect(tab.get_by_test_id("approval")).to_contain_text("Denied by you")
    await_end(first, "COMPLETED")
    assert (workspace / "notes.txt").read_text() == "one\ntwo\nthree\n"


def test_what_nobody_answers_is_counted_down_and_ends_everywhere(
    tmp_path: Path, context: BrowserContext, workspace: Path
) -> None:
    expiry = ("--approvals-expire-after-s", "3", "--workspace", str(workspace))
    with serving(tmp_path, *expiry) as server:
        first, second = two_tabs(server, context)
        say(first, "/ask")
        expect(pending_on(second).get_by_test_id("expiry")).to_have_text(re.compile(r"Expires in [123] s"))
        for tab in (first, second):
            expect(tab.get_by_test_id("approval")).to_have_text("Nobody answered in time", timeout=HANG_MS)


def test_of_several_calls_that_wait_each_is_reached_in_turn_and_again_after_a_switch_to_plan(
    tmp_path: Path, context: BrowserContext, workspace: Path
) -> None:
    agent = ("--agent", "tests.e2e.asking_agents:CallsTwice", "--workspace", str(workspace))
    with serving(tmp_path, *agent) as server:
        page = open_new_session(server, context)
        say(page, "Run both")
        expect(page.get_by_test_id("state-line")).to_have_text("waiting for your approval of 2 calls")
        jump = page.get_by_test_id("waiting-jump")
        expect(jump).to_contain_text("2 waiting")
        page.get_by_test_id("next-waiting").click()
        expect(jump).to_contain_text("1 of 2")
        page.keyboard.press("Alt+a")
        expect(jump).to_contain_text("2 of 2")
        second = pending_on(page).filter(has_text="echo milk")
        expect(second.locator("section")).to_be_focused()
        page.keyboard.press("a")
        expect(pending_on(page)).to_have_count(1)
        expect(jump).to_have_count(0)
        path = f"/api/contexts/{session_of(page)}/actions/set_mode"
        assert server.request("POST", path, {"mode": "plan"})[0] == 200
        pending_on(page).get_by_test_id("approve-once").click()
        # Neither had begun. What was said before stands above each card.
        expect(pending_on(page)).to_have_count(2)
        expect(page.get_by_test_id("approval")).to_have_count(4)
        for word in ("tea", "milk"):
            card = pending_on(page).filter(has_text=f"echo {word}")
            expect(card.get_by_test_id("asked-again")).to_contain_text("then the session was switched to plan mode")
            card.get_by_test_id("approve-once").click()
            expect(card).to_have_count(0)
        await_end(page, "COMPLETED")
        expect(reply_of(page)).to_contain_text("tea")
