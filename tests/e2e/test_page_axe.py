"""Every view of the page is held against axe, in both themes, both languages and on a phone: nothing serious."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from page_world import await_end, say, watched_context
from playwright.sync_api import Browser, Page, expect
from server_process import ROOT, ServerProcess, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, impact, nodes }) => [id, impact, nodes.map(({ target }) => target.join(" "))]);
}"""
PHONE = {"width": 390, "height": 800}
DESK = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with serving(Path(tmp_path_factory.mktemp("axe"))) as running:
        yield running


def _session(page: Page) -> None:
    say(page, "/help")
    await_end(page, "COMPLETED")


def _palette(page: Page) -> None:
    _session(page)
    page.keyboard.press("Control+k")
    page.get_by_test_id("search-input").fill("demo")
    expect(page.locator("mark").first).to_be_visible()


def _commands(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.get_by_test_id("search-input").fill(">")


def _preferences(page: Page) -> None:
    page.get_by_test_id("open-preferences").click()
    expect(page.get_by_test_id("preferences")).to_be_visible()


def _shortcuts(page: Page) -> None:
    page.keyboard.press("Escape")
    page.get_by_role("main").focus()
    page.keyboard.press("?")
    expect(page.get_by_test_id("shortcut-sheet")).to_be_visible()


def _panel(page: Page) -> None:
    """With its options and a menu open."""
    toggle = page.locator(".top-bar > .panel-toggle")
    if toggle.is_visible():
        toggle.click()
    page.get_by_test_id("list-options").click()
    page.locator(".session-item").first.hover()
    page.locator(".row-menu").first.click()
    expect(page.get_by_role("menu")).to_be_visible()


def _projects(page: Page) -> None:
    toggle = page.locator(".top-bar > .panel-toggle")
    if toggle.is_visible():
        toggle.click()
    page.get_by_test_id("list-options").click()
    page.get_by_test_id("open-projects").click()
    expect(page.get_by_test_id("projects")).to_be_visible()


def _toast(page: Page) -> None:
    page.evaluate("location.hash = ''")
    toggle = page.locator(".top-bar > .panel-toggle")
    if toggle.is_visible():
        toggle.click()
    page.locator(".session-item").first.hover()
    page.locator(".row-menu").first.click()
    page.locator('[data-item="delete"]').click()
    if page.locator("dialog[open]").count():
        page.keyboard.press("Escape")
    expect(page.get_by_test_id("notice")).to_be_visible()


VIEWS: tuple[Callable[[Page], None], ...] = (
    _session,
    _palette,
    _commands,
    _preferences,
    _shortcuts,
    _panel,
    _projects,
    _toast,
)


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize(("theme", "locale"), [("light", "en-US"), ("dark", "zh-CN")])
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__.strip("_"))
def test_axe_finds_nothing_serious(
    view: Callable[[Page], None], theme: Any, locale: str, viewport: Any, shared: ServerProcess, chromium: Browser
) -> None:
    with watched_context(chromium, viewport=viewport, color_scheme=theme, locale=locale) as context:
        page = context.new_page()
        session_id = shared.session(title="A session to look at")
        page.goto(f"{shared.url}/#{session_id}")
        expect(page.get_by_test_id("composer")).to_be_visible()
        view(page)
        page.evaluate(_axe())
        found = [each for each in page.evaluate(RUN) if each[1] in ("serious", "critical")]
        assert found == []


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")
