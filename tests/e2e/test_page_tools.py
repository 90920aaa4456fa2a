"""Tools in the page, in a real Chromium against the real server: asked for, approved or denied, answered once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_world import await_end, choose, open_new_session, pending_on, reply_of, say, two_tabs, unfold
from playwright.sync_api import BrowserContext, Locator, WebSocketRoute, expect
from server_process import ROOT, ServerProcess, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Every tool is asked for; and the demo talks at once, so that the tests wait for nothing but the page.
MANUAL = ("--approval-policy", "manual", "--demo-words-per-s", "0")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with serving(tmp_path, *MANUAL) as running:
        yield running


def test_a_question_about_this_code_is_answered_with_file_and_line_through_approvals(
    server: ServerProcess, context: BrowserContext
) -> None:
    """The codebase tools run on Parley's own repository; what they return and who allowed it outlives a reload."""
    page = open_new_session(server, context)
    say(page, "Where is `perFrame` defined?")
    card = pending_on(page)
    expect(card).to_contain_text("It only reads.")
    expect(page.get_by_test_id("state-line")).to_have_text("waiting for your approval")
    card.get_by_test_id("approve-once").click()
    expect(pending_on(page)).to_contain_text("read_file")
    pending_on(page).get_by_test_id("approve-session").click()
    await_end(page, "COMPLETED")
    expect(reply_of(page)).to_contain_text(f"web/ui/src/lib/frames.ts, line {_line_of_per_frame()}")
    expect(page.get_by_test_id("grants")).to_contain_text("read_file")
    lines = ["Approved by you", "Approved for this session by you"]
    expect(page.get_by_test_id("approval")).to_have_text(lines)
    page.reload()
    expect(page.get_by_test_id("approval")).to_have_text(lines)
    expect(page.locator('[data-testid="tool-call"][data-status="done"]')).to_have_count(2)
    result = page.locator('[data-testid="tool-result"][data-status="ok"]').first
    unfold(result)
    expect(result.locator("pre")).to_contain_text("export function perFrame")


def test_a_tool_allowed_for_the_session_is_asked_for_again_once_that_is_taken_back(
    server: ServerProcess, context: BrowserContext
) -> None:
    page = open_new_session(server, context)
    for expected in ("session", "granted", "revoked"):
        if expected == "revoked":
            page.get_by_test_id("revoke").click()
            expect(page.get_by_test_id("grants")).to_have_count(0)
        say(page, "Where is `perFrame` used?")
        if expected != "granted":
            expect(pending_on(page)).to_contain_text("search")
            pending_on(page).get_by_test_id("approve-session").click()
        expect(pending_on(page)).to_contain_text("read_file")
        pending_on(page).get_by_test_id("deny").click()
        await_end(page, "COMPLETED")


def test_what_one_tab_approves_is_gone_from_the_other(server: ServerProcess, context: BrowserContext) -> None:
    first, second = two_tabs(server, context)
    say(first, "/ask")
    expect(pending_on(second)).to_be_visible()
    pending_on(first).get_by_test_id("approve-once").click()
    expect(pending_on(second)).to_have_count(0)
    await_end(second, "COMPLETED")
    expect(second.get_by_test_id("transcript")).to_have_attribute("data-length", "5")


def test_the_second_answer_is_refused_kindly_and_nothing_runs_twice(
    server: ServerProcess, context: BrowserContext
) -> None:
    first = open_new_session(server, context)
    line = HeldLine()
    second = context.new_page()
    second.route_web_socket("**/socket.io/**", line.take)
    second.goto(first.url)
    say(first, "/ask")
    expect(pending_on(second)).to_be_visible()
    line.hold()
    pending_on(first).get_by_test_id("deny-reason").fill("not on this machine")
    pending_on(first).get_by_test_id("deny").click()
    expect(pending_on(first)).to_have_count(0)
    pending_on(second).get_by_test_id("approve-once").click()
    await_end(first, "COMPLETED")
    line.let_go()
    expect(second.get_by_test_id("approval-refusal")).to_have_text(
        "Your answer came second: you denied this in another window. Nothing was done twice."
    )
    for tab in (first, second):
        expect(pending_on(tab)).to_have_count(0)
        expect(tab.get_by_test_id("approval")).to_contain_text("Denied by you: not on this machine")
        expect(tab.get_by_test_id("tool-result")).to_have_attribute("data-status", "denied")


def test_arguments_are_edited_before_the_tool_runs_by_keyboard_alone(
    server: ServerProcess, context: BrowserContext
) -> None:
    """The schema of this tool is simple enough for fields; JSON is a button away."""
    page = open_new_session(server, context)
    say(page, "/ask")
    card = pending_on(page)
    card.get_by_test_id("edit-arguments").focus()
    page.keyboard.press("Enter")
    expect(card.get_by_test_id("argument-command")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("echo from a field")
    card.get_by_test_id("arguments-as-json").focus()
    page.keyboard.press("Enter")
    expect(card.get_by_test_id("arguments")).to_be_focused()
    expect(card.get_by_test_id("arguments")).to_have_value(re.compile("echo from a field"))
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("not JSON")
    expect(card.get_by_test_id("approve-once")).to_be_disabled()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text('{"command": "echo changed by hand"}')
    page.keyboard.press("Tab")
    expect(card.get_by_test_id("arguments-as-fields")).to_be_focused()
    page.keyboard.press("Tab")
    expect(card.get_by_test_id("approve-once")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("approval")).to_have_text("Approved with changes by you")
    await_end(page, "COMPLETED")
    expect(reply_of(page)).to_contain_text("changed by hand")


def test_an_approval_outlives_the_server_and_its_run_goes_on_by_itself(
    server: ServerProcess, context: BrowserContext
) -> None:
    """C4: killed between question and answer."""
    page = open_new_session(server, context)
    say(page, "/ask")
    expect(pending_on(page)).to_be_visible()
    server.kill()
    expect(pending_on(page).get_by_test_id("approve-once")).to_be_disabled()
    server.start()
    pending_on(page).get_by_test_id("approve-once").click()
    await_end(page, "COMPLETED")
    expect(reply_of(page)).to_contain_text("Hello from Parley")
    expect(page.get_by_test_id("tool-result")).to_have_count(1)


def test_a_question_is_answered_with_an_option_or_in_words_or_declined(tmp_path: Path, context: BrowserContext) -> None:
    with serving(tmp_path, "--agent", "tests.e2e.asking_agents:Asks") as server:
        first, second = two_tabs(server, context)
        for answer in ("birch", "weeping willow", None):
            say(first, "Tell me of a tree")
            expect(first.get_by_test_id("state-line")).to_have_text("waiting for your answer")
            _answer(pending_on(first), answer)
            for tab in (first, second):
                await_end(tab, "COMPLETED")
                expect(reply_of(tab)).to_contain_text(f"A fine {answer}." if answer else "No tree then.")
        outcomes = ["Answered by you: birch", "Answered by you: weeping willow", "Declined by you"]
        second.reload()
        for tab in (first, second):
            expect(tab.get_by_test_id("approval")).to_have_text(
                [f"Which tree shall I describe?{outcome}" for outcome in outcomes]
            )


def test_mode_and_model_are_switched_for_every_tab(tmp_path: Path, context: BrowserContext) -> None:
    """Plan mode offers no tool that changes anything. No request goes to the second model: it is only chosen."""
    endpoint = ("--openai-base-url", "http://127.0.0.1:9/v1", "--openai-models", "other")
    with serving(tmp_path, *MANUAL, *endpoint) as server:
        first, second = two_tabs(server, context)
        first.get_by_test_id("mode-switch").get_by_text("Plan").click()
        for tab in (first, second):
            expect(tab.get_by_test_id("mode-switch")).to_have_attribute("data-mode", "plan")
        say(first, "/ask")
        await_end(second, "COMPLETED")
        expect(reply_of(second)).to_contain_text("am offered no tool for it")
        first.get_by_test_id("model-switch").click()
        models = first.locator('[role="menu"] [role="menuitemradio"]')
        expect(models).to_have_count(2)
        expect(models.filter(has_text="demo")).to_have_attribute("aria-checked", "true")
        first.keyboard.press("Escape")
        choose(first, "model-switch", "openai:other")
        for tab in (first, second):
            expect(tab.get_by_test_id("model-switch")).to_have_text("openai:other")


def test_after_an_error_retry_runs_again(server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(server, context)
    say(page, "/fail")
    failed = page.locator('[data-testid="message"][data-role="agent"][data-status="error"]')
    expect(page.get_by_test_id("retry")).to_be_visible()
    before = failed.count()
    page.get_by_test_id("retry").click()
    expect(failed).not_to_have_count(before)
    await_end(page, "FAILED")
    expect(page.get_by_test_id("retry")).to_be_enabled()


def test_at_phone_width_a_card_runs_over_no_edge(server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(server, context)
    page.set_viewport_size({"width": 390, "height": 800})
    say(page, "/ask")
    for hook in ("approve-once", "deny", "mode-switch", "model-switch"):
        expect(page.get_by_test_id(hook)).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


class HeldLine:
    """A WebSocket between page and server that can keep back what the server says."""

    def __init__(self) -> None:
        self._held: list[str | bytes] | None = None
        self._page: WebSocketRoute | None = None

    def take(self, route: WebSocketRoute) -> None:
        self._page = route
        route.connect_to_server().on_message(self._pass)

    def hold(self) -> None:
        self._held = []

    def let_go(self) -> None:
        assert self._held is not None
        held, self._held = self._held, None
        for message in held:
            self._pass(message)

    def _pass(self, message: str | bytes) -> None:
        if self._held is not None:
            self._held.append(message)
        elif self._page is not None:
            self._page.send(message)


def _answer(card: Locator, answer: str | None) -> None:
    if answer is None:
        card.get_by_test_id("decline").click()
    elif card.get_by_role("button", name=answer, exact=True).count() == 1:
        card.get_by_role("button", name=answer, exact=True).click()
    else:
        card.get_by_test_id("question-answer").fill(answer)
        card.get_by_test_id("question-answer").press("Enter")


def _line_of_per_frame() -> int:
    lines = (ROOT / "web" / "ui" / "src" / "lib" / "frames.ts").read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if "function perFrame" in line)
