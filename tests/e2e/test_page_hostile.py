"""Hostile content in every kind of message, in a real Chromium: nothing runs, nothing foreign is fetched, nothing
freezes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest
from hostile_texts import evil_kinds, evil_pictures, heavy_texts
from page_world import watched_context
from playwright.sync_api import Browser, CDPSession, Dialog, Page, expect
from server_process import ServerProcess, serving
from told_history import Told, tell

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FREEZE_MS = 4_000
"""Of the page's own work, in all: what else the machine does meanwhile counts not. The benchmark of the page says what
single tasks take on a quiet one."""

Sessions: TypeAlias = tuple[ServerProcess, dict[str, str]]
"""The server, and the ids of its sessions by what is hostile in them."""

KINDS = sorted(evil_kinds())
HEAVY = sorted(heavy_texts())

CANARY = """
window.__hacked = 0;
window.breaches = [];
addEventListener("securitypolicyviolation", (event) => window.breaches.push(event.blockedURI + " " + event.sample));
"""

# Attributes that would run, and elements that nothing on the page has a use for.
ALIVE = """() => [...document.querySelectorAll('.transcript *')].filter((element) =>
    ["SCRIPT", "IFRAME", "OBJECT", "EMBED", "STYLE", "LINK", "BASE", "META", "FORM"].includes(element.tagName)
    || [...element.attributes].some(({ name }) => name.startsWith("on"))
    || (element.href !== undefined && !/^(https?|mailto):/.test(element.href))
    || (element.tagName === "IMG" && !element.src.startsWith("data:image/"))
).map((element) => element.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "data").mkdir()
    told = {kind: [message] for kind, message in evil_kinds().items()}
    told |= {name: [Told(text)] for name, text in heavy_texts().items()} | {"pictures": evil_pictures()}
    ids = {name: tell(folder / "data", messages, name) for name, messages in told.items()}
    with serving(folder) as server:
        yield server, ids


@pytest.fixture(scope="module")
def page(chromium: Browser, sessions: Sessions) -> Iterator[Page]:
    """One page for all; the last test fails when a dialog or a script error came up on the way."""
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    with watched_context(chromium) as context:
        context.add_init_script(CANARY)
        page = context.new_page()
        page.on("dialog", dismiss)
        page.goto(sessions[0].url)
        yield page
        assert dialogs == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_wants_to_run_is_shown_as_text(kind: str, page: Page, sessions: Sessions) -> None:
    foreign = _foreign_requests(page, sessions[0].url)
    _open(page, sessions, kind)
    _unfold(page)
    _assert_unharmed(page)
    assert foreign == []
    expect(page.locator(".transcript")).to_contain_text("__hacked")


def test_pictures_that_are_none_are_not_drawn(page: Page, sessions: Sessions) -> None:
    foreign = _foreign_requests(page, sessions[0].url)
    _open(page, sessions, "pictures")
    _unfold(page)
    _assert_unharmed(page)
    assert foreign == []
    # The SVG is drawn as a picture, in which no script runs; the file's bytes are no picture and show as broken.
    assert page.locator(".transcript img").count() == 2


def test_a_link_says_where_it_leads_and_gives_nothing_away(page: Page, sessions: Sessions) -> None:
    _open(page, sessions, "a megabyte of Markdown")
    link = page.locator(".transcript a").first
    expect(link).to_have_attribute("title", "example.org")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(link).to_have_attribute("target", "_blank")


def test_what_turns_a_name_around_is_made_visible(page: Page, sessions: Sessions) -> None:
    _open(page, sessions, "tool_request")
    names = page.locator(".tool-name").all_text_contents()
    assert any("⟨U+202E⟩" in name for name in names)
    assert all("\u202e" not in name for name in names)


@pytest.mark.parametrize("name", HEAVY)
def test_what_is_meant_to_freeze_the_page_does_not(name: str, page: Page, sessions: Sessions) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    began_ms = _worked_ms(devtools)
    _open(page, sessions, name)
    more = page.get_by_test_id("show-more")
    if more.count() > 0:
        more.first.click()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
    worked_ms = _worked_ms(devtools) - began_ms
    devtools.detach()
    print(json.dumps({"text": name, "worked ms": worked_ms, "elements": _elements(page)}))
    assert worked_ms < FREEZE_MS
    assert _elements(page) < 40_000
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def _open(page: Page, sessions: Sessions, name: str) -> None:
    page.evaluate("(id) => { location.hash = id }", sessions[1][name])
    expect(page.get_by_test_id("session-title")).to_have_text(name)
    expect(page.locator('[data-testid="message"], .quiet-row').first).to_be_visible()


def _worked_ms(devtools: CDPSession) -> float:
    """CPU time of the page's main thread since these tools were enabled."""
    metrics = {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"]) * 1_000


def _unfold(page: Page) -> None:
    for _ in range(3):
        page.locator(".transcript details").evaluate_all("(all) => all.forEach((each) => { each.open = true })")
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def _assert_unharmed(page: Page) -> None:
    assert page.evaluate("window.__hacked") == 0
    assert page.evaluate("window.breaches") == []
    assert page.evaluate(ALIVE) == []


def _foreign_requests(page: Page, own: str) -> list[str]:
    asked: list[str] = []

    def note(request: Any) -> None:
        if not request.url.startswith((own, "data:", "blob:")):
            asked.append(request.url)

    page.on("request", note)
    return asked


def _elements(page: Page) -> int:
    count: int = page.evaluate("document.querySelectorAll('*').length")
    return count
