"""The transcript in a real Chromium: what one reads stays where it is, and each message can be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from all_kinds import told_kinds
from page_world import await_end, open_new_session, reply_of, say, watched_context
from patience import HANG_MS
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from server_process import ROOT, ServerProcess, serving
from told_history import Told, tell

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# The message at the upper edge of the view, and how far it reaches beyond it.
READING = """() => {
    const box = document.querySelector('.transcript');
    const edge = box.getBoundingClientRect().top + 40;
    const message = [...document.querySelectorAll('[data-testid="message"]')]
        .find((each) => each.getBoundingClientRect().bottom > edge);
    return [message.dataset.messageId, Math.round(message.getBoundingClientRect().top - edge)];
}"""
PLACE_OF = """(id) => {
    const edge = document.querySelector('.transcript').getBoundingClientRect().top + 40;
    return Math.round(document.querySelector(`[data-message-id="${id}"]`).getBoundingClientRect().top - edge);
}"""
# By its place in the text: the same words at the upper edge, whatever lines they stand in now.
FIRST_PARAGRAPH = """() => {
    const edge = document.querySelector('.transcript').getBoundingClientRect().top;
    const all = [...document.querySelectorAll('.message-text > *')];
    const first = all.find((each) => each.getBoundingClientRect().bottom > edge);
    const message = first.closest('[data-position]');
    return [`${message.dataset.position} ${first.textContent.slice(0, 14)}`];
}"""
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = """async () => {
    const { violations } = await axe.run('.transcript-frame', { resultTypes: ["violations"] });
    return violations.map(({ id, impact, nodes }) => [id, impact, nodes.map(({ target }) => target.join(" "))]);
}"""
DISTANCE_TO_END = """() => {
    const box = document.querySelector('.transcript');
    return box.scrollHeight - box.scrollTop - box.clientHeight;
}"""
HIT_WHILE_SCROLLING = """async () => {
    const box = document.querySelector('.transcript');
    const before = box.scrollTop;
    box.scrollTop -= 1;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const reply = [...document.querySelectorAll('[data-role="agent"]')].at(-1);
    const { left, bottom } = reply.getBoundingClientRect();
    return box.scrollTop < before && reply.contains(document.elementFromPoint(left + 40, bottom - 20));
}"""
TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
STILL = """async () => {
    const box = document.querySelector('.transcript');
    let before = '';
    for (let quiet = 0; quiet < 12; ) {
        await new Promise((done) => requestAnimationFrame(done));
        const now = `${box.scrollTop} ${box.scrollHeight} ${document.querySelectorAll('.placeholder').length}`;
        quiet = now === before ? quiet + 1 : 0;
        before = now;
    }
}"""
STILL_PX = 2
"""Positions of a scrolled box are rounded to whole pixels."""


def test_a_growing_reply_is_followed_by_who_is_at_the_end(server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(server, context)
    say(page, "/long 400")
    expect(reply_of(page)).to_contain_text("200", timeout=HANG_MS)
    assert page.evaluate(DISTANCE_TO_END) <= STILL_PX
    await_end(page, "COMPLETED")
    page.evaluate(TWO_FRAMES)
    assert page.evaluate(DISTANCE_TO_END) <= STILL_PX
    # A reply that is being written scrolls all the time, and can be clicked nevertheless.
    assert page.evaluate(HIT_WHILE_SCROLLING)


def test_who_reads_further_up_is_left_alone_and_told_what_came(server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(server, context)
    for _ in range(4):
        say(page, "/help")
        await_end(page, "COMPLETED")
    page.locator(".transcript").hover()
    page.mouse.wheel(0, -500)
    expect(page.get_by_test_id("to-end")).to_be_visible()
    page.evaluate(TWO_FRAMES)
    before = page.evaluate(READING)
    path = f"/api/contexts/{page.url.partition('#')[2]}/actions/send_message"
    assert server.request("POST", path, {"content": "/long 60"})[0] == 202
    expect(page.get_by_test_id("to-end")).to_contain_text("2 new")
    await_end(page, "COMPLETED")
    assert _moved(before, page.evaluate(READING)) <= STILL_PX
    page.get_by_test_id("to-end").click()
    expect(page.get_by_test_id("to-end")).to_have_count(0)
    expect(reply_of(page)).to_contain_text("60")


def test_pages_that_load_above_do_not_move_what_is_read(tmp_path: Path, context: BrowserContext) -> None:
    """The rows above have other heights than was thought before they were there."""
    with _told(tmp_path, context, [Told(f"{n} " + "words " * (n * 37 % 300)) for n in range(1, 1_001)]) as page:
        page.evaluate("document.querySelector('.transcript').scrollTop = 60_000")
        expect(page.get_by_test_id("placeholder")).to_have_count(0)
        _until_still(page)
        page.locator(".transcript").hover()
        for _ in range(10):
            before = page.evaluate(READING)
            page.mouse.wheel(0, -40)
            _until_still(page)
            after = page.evaluate(READING)
            seen = page.evaluate(PLACE_OF, before[0])
            assert abs(seen - before[1] - 40) <= STILL_PX, (before, after, seen)


def test_what_is_read_stays_when_the_window_is_made_narrower(tmp_path: Path, context: BrowserContext) -> None:
    text = "\n\n".join(f"Paragraph {n}. " + "Some words to break. " * 12 for n in range(12))
    with _told(tmp_path, context, [Told(text) for _ in range(40)]) as page:
        page.evaluate("document.querySelector('.transcript').scrollTop = 9_000")
        _until_still(page)
        before = page.evaluate(FIRST_PARAGRAPH)
        page.set_viewport_size({"width": 760, "height": 800})
        _until_still(page)
        assert page.evaluate(FIRST_PARAGRAPH)[0] == before[0]
        page.set_viewport_size({"width": 1280, "height": 800})
        _until_still(page)
        assert page.evaluate(FIRST_PARAGRAPH)[0] == before[0]


def test_a_fold_opens_below_its_line_and_nothing_above_moves(tmp_path: Path, context: BrowserContext) -> None:
    with _told(tmp_path, context, told_kinds()) as page:
        page.locator(".transcript").press("Home")
        _until_still(page)
        line = page.get_by_test_id("tool-call").first.locator("summary")
        before = line.bounding_box()
        line.click()
        expect(page.get_by_test_id("tool-result").first.locator("pre")).to_contain_text("class Rooms")
        page.evaluate(TWO_FRAMES)
        after = line.bounding_box()
        assert before is not None
        assert after is not None
        assert abs(before["y"] - after["y"]) <= STILL_PX


def test_what_was_opened_is_open_when_one_comes_back(tmp_path: Path, context: BrowserContext) -> None:
    more = [Told("words " * 200) for _ in range(60)]
    with _told(tmp_path, context, [*told_kinds(), *more]) as page:
        page.locator(".transcript").press("Home")
        line = page.get_by_test_id("tool-call").first.locator("summary")
        line.click()
        output = page.get_by_test_id("tool-result").first.locator("pre")
        expect(output).to_be_visible()
        page.locator(".transcript").press("End")
        expect(output).to_have_count(0)
        page.locator(".transcript").press("Home")
        expect(output).to_be_visible()


def test_messages_are_walked_by_keyboard(tmp_path: Path, context: BrowserContext) -> None:
    with _told(tmp_path, context, [Told(f"Message {n}") for n in range(1, 301)]) as page:
        box = page.locator(".transcript")
        box.press("Home")
        expect(_at(page, 1)).to_be_in_viewport()
        box.press("Alt+ArrowDown")
        expect(_at(page, 2)).to_be_focused()
        page.keyboard.press("Alt+ArrowDown")
        expect(_at(page, 3)).to_be_focused()
        page.keyboard.press("Alt+ArrowUp")
        expect(_at(page, 2)).to_be_focused()
        page.keyboard.press("End")
        expect(_at(page, 300)).to_be_in_viewport()


def test_each_kind_has_a_form_of_its_own(tmp_path: Path, context: BrowserContext) -> None:
    with _told(tmp_path, context, told_kinds()) as page:
        page.locator(".transcript").press("Home")
        expect(page.get_by_test_id("plan-message")).to_contain_text("1 of 4 done")
        expect(page.get_by_test_id("tool-call")).to_have_count(4)
        expect(page.get_by_test_id("tool-result")).to_have_count(3)
        expect(page.get_by_test_id("tool-call").first).to_contain_text("3 matches in 2 files")
        expect(page.locator(".code-block .code-keyword").first).to_have_text("async")
        expect(page.locator(".table-frame td").first).to_have_text("stock")
        for expected in (
            "read at",
            "There is no file",
            "Folders and files",
            "A picture on another site",
            "on tickets",
            "2 of 5 steps",
            "Switched to plan mode",
            "Merged branch try-two: 3 messages",
            "Summary of branch try-two",
            "Reading the pictures, 2.4 s",
            "Build log",
            "Interrupted: the reply ends here.",
            "The reply broke off: the provider closed the stream",
            "Stopped.",
        ):
            _find(page, expected)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_any_kind_opened_or_not(theme: Any, tmp_path: Path, chromium: Browser) -> None:
    with watched_context(chromium, color_scheme=theme) as context, _told(tmp_path, context, told_kinds()) as page:
        page.evaluate(AXE.read_text(encoding="utf-8"))
        page.locator(".transcript").press("Home")
        for _ in range(12):
            page.locator(".transcript details").evaluate_all("(all) => all.forEach((each) => { each.open = true })")
            _until_still(page)
            serious = [each for each in page.evaluate(RUN_AXE) if each[1] in ("serious", "critical")]
            assert serious == []
            page.locator(".transcript").press("PageDown")
        assert page.evaluate(DISTANCE_TO_END) <= STILL_PX


def test_a_message_is_copied_as_it_reads_and_as_it_was_written(tmp_path: Path, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    with _told(tmp_path, context, [Told("Some **bold** words")]) as page:
        message = page.get_by_test_id("message")
        message.hover()
        message.get_by_label("Copy", exact=True).click()
        expect(message.get_by_label("Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == "Some bold words"
        message.get_by_label("Copy as Markdown").click()
        expect(message.get_by_label("Copied")).to_have_count(2)
        assert page.evaluate("navigator.clipboard.readText()") == "Some **bold** words"


def test_a_screen_reader_hears_finished_messages_and_no_single_words(
    server: ServerProcess, context: BrowserContext
) -> None:
    page = open_new_session(server, context)
    page.evaluate(
        """() => {
            window.said = [];
            new MutationObserver(() => window.said.push(document.querySelector('[data-testid=announcer]').textContent))
                .observe(document.querySelector('[data-testid=announcer]'), {
                    childList: true, characterData: true, subtree: true
                });
        }"""
    )
    say(page, "/long 30")
    await_end(page, "COMPLETED")
    expect(page.get_by_test_id("announcer")).to_contain_text("Agent: This is a long reply")
    said: list[str] = page.evaluate("[...new Set(window.said)]")
    assert len(said) <= 2
    expect(page.get_by_test_id("transcript")).to_have_attribute("aria-live", "off")


@contextmanager
def _told(tmp_path: Path, context: BrowserContext, messages: list[Told]) -> Iterator[Page]:
    """A page on a session that has these messages, at its end."""
    (tmp_path / "data").mkdir()
    session_id = tell(tmp_path / "data", messages)
    with serving(tmp_path) as server:
        page = context.new_page()
        page.goto(f"{server.url}/#{session_id}")
        expect(_at(page, len(messages))).to_be_in_viewport()
        _until_still(page)
        yield page


def _at(page: Page, position: int) -> Locator:
    return page.locator(f'[data-position="{position}"]')


def _until_still(page: Page) -> None:
    """Until nothing has moved for some frames: what was loaded is measured, and the wheel has come to rest."""
    page.evaluate(STILL)


def _moved(before: list[object], after: list[object]) -> float:
    """How far the message at the edge of the view went; a different one is at once too far."""
    if before[0] != after[0]:
        return 10_000
    return abs(float(str(before[1])) - float(str(after[1])))


def _find(page: Page, text: str) -> None:
    """Reads on from where the page is until the text is seen."""
    found = page.locator(".transcript").get_by_text(text)
    for _ in range(30):
        if found.count() > 0:
            return
        page.evaluate("document.querySelector('.transcript').scrollTop += 300")
        page.evaluate(TWO_FRAMES)
    raise AssertionError(f"“{text}” is nowhere")
