"""Branches in the page: forked, switched, edited, merged after a look at it; the other tab sees the same."""

from __future__ import annotations

from typing import Any

import pytest
from page_world import await_end, get, open_new_session, reply_of, say, session_of, two_tabs
from patience import HANG_MS
from playwright.sync_api import BrowserContext, Locator, Page, expect
from server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_fork_from_a_message_is_suggested_a_name_and_opens_in_every_tab(
    shared_server: ServerProcess, context: BrowserContext
) -> None:
    first, second = two_tabs(shared_server, context)
    _talk(first, "/long 3", "/long 4")
    _act_on(first, _message(first, "user", "/long 3"), "message-fork")
    name = first.get_by_test_id("branch-name")
    expect(name).to_have_value("main 2")
    name.fill("shorter")
    first.get_by_test_id("create-branch").click()
    for tab in (first, second):
        expect(tab.get_by_test_id("branch-picker")).to_contain_text("shorter")
        expect(tab.get_by_test_id("message")).to_have_count(1)
    second.get_by_test_id("branch-picker").click()
    tree = second.get_by_test_id("branches")
    expect(tree).to_contain_text("1 message · from main after 1 message")
    tree.locator('[data-branch="main"]').click()
    for tab in (first, second):
        expect(tab.get_by_test_id("branch-picker")).to_contain_text("main")
        expect(tab.get_by_test_id("message")).to_have_count(4)


def test_no_branch_is_left_while_a_run_writes_to_it(shared_server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(shared_server, context)
    _talk(page, "/long 2")
    _fork(shared_server, page, name="other")
    say(page, "/long 400")
    expect(reply_of(page)).to_have_attribute("data-status", "streaming")
    page.get_by_test_id("branch-picker").click()
    tree = page.get_by_test_id("branches")
    expect(tree).to_contain_text("A run is active")
    expect(tree.locator('[data-branch="main"]')).to_be_disabled()
    page.keyboard.press("Escape")
    page.get_by_test_id("stop").click()
    await_end(page, "CANCELLED")


def test_a_message_is_sent_again_in_other_words_and_the_old_way_stays(
    shared_server: ServerProcess, context: BrowserContext
) -> None:
    first, second = two_tabs(shared_server, context)
    _talk(first, "/long 3")
    _act_on(first, _message(first, "user", "/long 3"), "message-edit")
    dialog = first.get_by_test_id("edit-dialog")
    expect(dialog.get_by_role("textbox")).to_have_value("/long 3")
    dialog.get_by_role("textbox").fill("/long 6")
    dialog.get_by_role("button", name="Send on a new branch").click()
    for tab in (first, second):
        expect(tab.get_by_test_id("branch-picker")).to_contain_text("main 2")
        expect(_message(tab, "user", "/long 6")).to_be_visible()
        expect(_message(tab, "user", "/long 3")).to_have_count(0)
    await_end(first, "COMPLETED")
    branches = {branch["name"]: branch["length"] for branch in _branches(shared_server, first)}
    assert branches == {"main": 2, "main 2": 2}


def test_a_merge_is_looked_at_first_and_gone_back_from_afterwards(
    shared_server: ServerProcess, context: BrowserContext
) -> None:
    first, second = two_tabs(shared_server, context)
    _talk(first, "/long 2")
    _fork(shared_server, first, name="idea")
    _talk(first, "An idea that came up")
    _switch(shared_server, first, "main")
    _open_merge(first, "idea")
    preview = first.get_by_test_id("merge-preview")
    expect(preview).to_contain_text("2 messages")
    expect(preview).to_contain_text("An idea that came up")
    assert _get_session(shared_server, first)["messageCount"] == 2
    first.get_by_test_id("merge").click()
    for tab in (first, second):
        expect(tab.get_by_test_id("message")).to_have_count(4)
        expect(_message(tab, "user", "An idea that came up")).to_be_visible()
    first.get_by_role("button", name="Go back before it").click()
    for tab in (first, second):
        expect(tab.get_by_test_id("message")).to_have_count(2)
        expect(tab.get_by_test_id("branch-picker")).to_contain_text("main 2")


def test_single_messages_are_chosen_and_a_summary_is_told(
    shared_server: ServerProcess, context: BrowserContext
) -> None:
    page = open_new_session(shared_server, context)
    _talk(page, "/long 2")
    _fork(shared_server, page, name="side")
    _talk(page, "First thought", "Second thought")
    _switch(shared_server, page, "main")
    _open_merge(page, "side")
    dialog = page.get_by_test_id("merge-dialog")
    dialog.locator('input[value="cherry-pick"]').check()
    expect(page.get_by_test_id("merge")).to_be_disabled()
    page.get_by_test_id("message-picker").get_by_label("You Second thought").check()
    expect(page.get_by_test_id("merge-preview")).to_contain_text("1 message")
    page.get_by_test_id("merge").click()
    expect(dialog).to_have_count(0)
    expect(_message(page, "user", "Second thought")).to_be_visible()
    assert _get_session(shared_server, page)["messageCount"] == 3
    _open_merge(page, "side")
    dialog.locator('input[value="summary"]').check()
    expect(page.get_by_test_id("merge")).to_be_disabled()
    dialog.get_by_label("What it came to").fill("Both thoughts were the same")
    page.get_by_test_id("merge").click()
    expect(page.get_by_test_id("transcript")).to_contain_text("Both thoughts were the same")


def test_what_both_sides_changed_is_named_and_decided_before_a_rebase(
    shared_server: ServerProcess, context: BrowserContext
) -> None:
    page = open_new_session(shared_server, context)
    _talk(page, "/long 2")
    _fork(shared_server, page, name="side")
    _plan(shared_server, page, "Their plan")
    _switch(shared_server, page, "main")
    _plan(shared_server, page, "Our plan")
    _talk(page, "Said on main")
    _open_merge(page, "side")
    dialog = page.get_by_test_id("merge-dialog")
    dialog.locator('input[value="rebase"]').check()
    expect(page.get_by_test_id("merge-conflicts")).to_contain_text("Both sides changed: the plan")
    expect(page.get_by_test_id("merge")).to_be_disabled()
    dialog.get_by_label("Name of the new branch").fill("both")
    page.get_by_test_id("merge-conflicts").get_by_label("those of side").check()
    page.get_by_test_id("merge").click()
    expect(page.get_by_test_id("branch-picker")).to_contain_text("both")
    expect(_message(page, "user", "Said on main")).to_be_visible()
    page.get_by_test_id("side-toggle").click()
    expect(page.get_by_test_id("plan-item").locator(".plan-text")).to_have_text(["Their plan"])
    page.get_by_role("button", name="Back to main").click()
    expect(page.get_by_test_id("plan-item").locator(".plan-text")).to_have_text(["Our plan"])


def test_a_branch_has_a_prompt_of_its_own(shared_server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(shared_server, context)
    page.get_by_test_id("session-menu").click()
    page.locator('[data-item="branch-prompt"]').click()
    dialog = page.get_by_test_id("branch-prompt-dialog")
    dialog.get_by_role("textbox").fill("Answer in verse.")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    page.get_by_test_id("branch-picker").click()
    expect(page.get_by_test_id("branches")).to_contain_text("own prompt")
    page.keyboard.press("Escape")
    page.get_by_test_id("session-menu").click()
    page.locator('[data-item="prompt"]').click()
    expect(page.get_by_test_id("prompt-dialog")).to_contain_text("Answer in verse.")


def _talk(page: Page, *texts: str) -> None:
    """Says each and waits for its answer, which stands at the end."""
    last = page.get_by_test_id("message").last
    for text in texts:
        say(page, text)
        expect(_message(page, "user", text)).to_be_visible()
        expect(last).to_have_attribute("data-role", "agent")
        expect(last).to_have_attribute("data-status", "complete", timeout=HANG_MS)
        await_end(page, "COMPLETED")


def _message(page: Page, role: str, text: str) -> Locator:
    return page.locator(f'[data-testid="message"][data-role="{role}"]').filter(has_text=text)


def _act_on(page: Page, message: Locator, action: str) -> None:
    message.hover()
    message.get_by_test_id(action).click()


def _open_merge(page: Page, source: str) -> None:
    page.get_by_test_id("branch-picker").click()
    row = page.locator(".branch-row").filter(has=page.locator(f'[data-branch="{source}"]'))
    row.get_by_test_id("merge-from").click()
    expect(page.get_by_test_id("merge-dialog")).to_be_visible()


def _fork(shared_server: ServerProcess, page: Page, name: str) -> None:
    _do(shared_server, page, "fork", {"name": name}, 201)
    expect(page.get_by_test_id("branch-picker")).to_contain_text(name)


def _switch(shared_server: ServerProcess, page: Page, name: str) -> None:
    _do(shared_server, page, "switch_branch", {"name": name})
    expect(page.get_by_test_id("branch-picker")).to_contain_text(name)


def _plan(shared_server: ServerProcess, page: Page, text: str) -> None:
    _do(shared_server, page, "set_plan", {"items": [{"id": "1", "text": text, "status": "pending"}]})


def _do(shared_server: ServerProcess, page: Page, action: str, body: dict[str, Any], expected: int = 200) -> None:
    status, answer = shared_server.request("POST", f"/api/contexts/{session_of(page)}/actions/{action}", body)
    assert status == expected, answer


def _branches(shared_server: ServerProcess, page: Page) -> list[dict[str, Any]]:
    branches: list[dict[str, Any]] = get(shared_server, f"/api/sessions/{session_of(page)}/branches")["branches"]
    return branches


def _get_session(shared_server: ServerProcess, page: Page) -> dict[str, Any]:
    return get(shared_server, f"/api/sessions/{session_of(page)}")
