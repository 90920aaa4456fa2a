"""What every test of the page needs: where Chromium is, how to open, say, read and compare. Never a test itself."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from patience import HANG_MS, HANG_S
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from server_process import ROOT, ServerProcess, eventually

CHROMIUMS = [Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium")]
"""The first that is there is taken. The shell is without the browser's own windows, which cost a second of CPU for each
page that is opened."""
DIST = ROOT / "web" / "ui" / "dist"
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

Transcript = list[tuple[str, str, str, str]]
"""What a transcript is compared by: (id, role, status, text) per message."""

# A virtual list draws what is near the view: scrolled through from its start, everything was drawn once.
READ_ALL = """async () => {
    const box = document.querySelector('.transcript');
    const found = new Map();
    const read = () => {
        for (const message of document.querySelectorAll('[data-testid="message"]')) {
            const text = message.querySelector('[data-testid="message-text"]')?.cloneNode(true) ?? null;
            // The head of a block of code is the page's own word on it.
            for (const head of text?.querySelectorAll('figcaption') ?? []) head.remove();
            const { messageId, role, status } = message.dataset;
            found.set(messageId, [messageId, role, status, text === null ? null : text.textContent]);
        }
    };
    const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const before = box.scrollTop;
    box.scrollTop = 0;
    await frame();
    const ordered = [];
    for (let quiet = 0; quiet < 3; ) {
        read();
        for (const id of found.keys()) if (!ordered.includes(id)) ordered.push(id);
        const at = box.scrollTop;
        box.scrollTop += box.clientHeight / 2;
        await frame();
        quiet = box.scrollTop === at ? quiet + 1 : 0;
    }
    box.scrollTop = before;
    await frame();
    return ordered.map((id) => found.get(id));
}"""


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Skips, or fails in CI, where there is no Chromium or no built page."""
    chromium = next((path for path in CHROMIUMS if path.exists()), CHROMIUMS[0])
    need(chromium, "Chromium is not installed: neither chromium-headless-shell nor chromium is in /usr/bin")
    need(DIST / "index.html", "web/ui/dist is missing: run `make ui`")
    expect.set_options(timeout=HANG_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def watched_context(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """One browser profile. A script error or a breach of the content security policy on any page fails the test."""
    opened = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-US", **options})
    opened.set_default_timeout(HANG_MS)
    complaints: list[str] = []
    opened.on("weberror", lambda error: complaints.append(str(error.error)))
    opened.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None,
    )
    yield opened
    opened.close()
    assert complaints == []


def open_new_session(server: ServerProcess, context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto(server.url)
    expect(page.get_by_test_id("connection-state")).to_have_text("connected")
    before = page.url
    page.get_by_test_id("new-session").click()
    expect(page).not_to_have_url(before)
    expect(page.get_by_test_id("composer")).to_be_visible()
    # Not the session that was open last, which a page comes back to by itself.
    expect(page.get_by_test_id("transcript")).to_have_attribute("data-length", "0")
    return page


def two_tabs(server: ServerProcess, context: BrowserContext) -> tuple[Page, Page]:
    """Both on one new session."""
    first = open_new_session(server, context)
    return first, another_tab(context, first)


def another_tab(context: BrowserContext, of: Page) -> Page:
    page = context.new_page()
    page.goto(of.url)
    expect(page.get_by_test_id("composer")).to_be_visible()
    return page


def session_of(page: Page) -> str:
    """The id in the address, which a position may follow."""
    return page.url.partition("#")[2].partition("/")[0]


def say(page: Page, text: str) -> None:
    page.get_by_test_id("composer").fill(text)
    page.get_by_test_id("composer").press("Enter")
    expect(page.get_by_test_id("composer")).to_have_value("")


def choose(page: Page, menu: str, item: str) -> None:
    """An entry of a menu, by the menu's test id and the entry's own id."""
    page.get_by_test_id(menu).click()
    page.locator(f'[role="menu"] [data-item="{item}"]').click()


def unfold(fold: Locator) -> None:
    """Opens what a line stands for. While a transcript that was just loaded finds its end, a click may miss the line,
    which has moved on."""
    details = fold.locator("details")
    eventually(lambda: details.get_attribute("open") is not None or _click(details.locator("summary")), HANG_S)


def _click(place: Locator) -> bool:
    """Not yet what was wanted by it. It may be gone by now, or miss."""
    with suppress(PlaywrightTimeout):
        place.click(timeout=1_000)
    place.page.wait_for_timeout(100)
    return False


def reply_of(page: Page) -> Locator:
    """The newest message of the agent."""
    return page.locator('[data-testid="message"][data-role="agent"]').last


def words_of(page: Page) -> Locator:
    """What the newest reply says: beside its author stands the time, in digits too."""
    return reply_of(page).get_by_test_id("message-text")


def pending_on(page: Page) -> Locator:
    """The cards that wait for an answer."""
    return page.locator('[data-testid="approval"][data-state="pending"]')


def show_all(page: Page) -> None:
    """Long texts come in parts: asks for more until there is none."""
    more = page.get_by_test_id("show-more")
    eventually(lambda: more.count() == 0 or _click(more.first), HANG_S)


def await_end(page: Page, state: str) -> None:
    expect(page.get_by_test_id("state-line")).to_have_attribute("data-session-state", state, timeout=HANG_MS)


def await_connected(page: Page) -> None:
    expect(page.get_by_test_id("connection-state")).to_have_text("connected", timeout=HANG_MS)


def assert_equal_to_rest(server: ServerProcess, session_id: str, *tabs: Page) -> None:
    """I2: each tab has reached the journal's head, and shows what REST answers."""
    head = get(server, f"/api/sessions/{session_id}")["head"]
    for tab in tabs:
        expect(tab.get_by_test_id("transcript")).to_have_attribute("data-head", str(head))
        assert letters_of(shown_on(tab)) == letters_of(stored_in(server, session_id))


def letters_of(transcript: Transcript) -> Transcript:
    """What is left of each text without the marks of Markdown, which are not shown as they are written."""
    return [(mid, role, status, re.sub(r"[\W_]+", "", text)) for mid, role, status, text in transcript]


def stored_in(server: ServerProcess, session_id: str) -> Transcript:
    """Messages of text: what tools and states look like is another test's matter."""
    page = get(server, f"/api/sessions/{session_id}/messages?take=200")
    texts = [m for m in page["messages"] if m["messageType"] == "text"]
    return [(m["id"], m["role"], m["status"], m["content"]) for m in texts]


def shown_on(page: Page) -> Transcript:
    """Every message of text, top to bottom; the view is where it was afterwards."""
    # Behind another tab there is a frame per second.
    page.bring_to_front()
    return [(row[0], row[1], row[2], row[3]) for row in page.evaluate(READ_ALL) if row[3] is not None]


def get(server: ServerProcess, path: str) -> dict[str, Any]:
    status, body = server.request("GET", path)
    assert status == 200, body
    return body


def at_session(session_id: str) -> re.Pattern[str]:
    """The address of a session's page."""
    return re.compile(f"#{session_id}(/\\d+)?$")


def need(path: Path, reason: str) -> None:
    if path.exists():
        return
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
