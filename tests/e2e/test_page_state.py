"""The user's state on the page in a real Chromium: two browsers of one user stay in step, whatever both do at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from page_world import await_connected, await_end, get, open_new_session, say, watched_context
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from server_process import ServerProcess, eventually

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TITLES = ["One", "Two", "Three", "Four", "Five"]
DARK_GROUND = "rgb(19, 21, 23)"
"""--ground of the dark theme in styles/tokens.css."""

# What the background was at the first frame in which the page had a body.
FIRST_GROUND = """
const look = () => {
    if (document.body === null) return requestAnimationFrame(look);
    window.__firstGround = [document.documentElement.dataset.theme, getComputedStyle(document.body).backgroundColor];
};
requestAnimationFrame(look);
"""


@pytest.fixture
def elsewhere(chromium: Browser) -> Iterator[BrowserContext]:
    """Another browser of the same user: nothing is shared but the server."""
    with watched_context(chromium) as opened:
        yield opened


def test_tabs_that_are_opened_and_closed_are_so_in_the_other_browser(
    server: ServerProcess, context: BrowserContext, elsewhere: BrowserContext
) -> None:
    here, there = _two_with_tabs(server, context, elsewhere)
    here.get_by_role("button", name="Close “Two”").click()
    expect(_tabs(there)).to_have_text(["One", "Three", "Four", "Five"])
    there.get_by_test_id("new-session").click()
    expect(there.get_by_test_id("composer")).to_be_visible()
    expect(_tabs(here)).to_have_count(5)
    # What is looked at is each page's own.
    expect(here.get_by_test_id("session-title")).to_have_text("Five")


def test_tabs_dragged_in_two_browsers_at_once_end_in_the_same_order(
    server: ServerProcess, context: BrowserContext, elsewhere: BrowserContext
) -> None:
    here, there = _two_with_tabs(server, context, elsewhere)
    for turn in range(6):
        for page, title, key in ((here, TITLES[turn % 5], "ArrowRight"), (there, TITLES[(turn + 2) % 5], "ArrowLeft")):
            _tabs(page).filter(has_text=title).locator(".tab-name").focus()
            page.keyboard.press(f"Control+Shift+{key}")
            page.keyboard.press(f"Control+Shift+{key}")
    eventually(
        lambda: _titles(here) == _titles(there) == _stored(server), 20, lambda: f"{_titles(here)} {_titles(there)}"
    )
    assert sorted(_titles(here)) == sorted(TITLES)


def test_a_tab_dragged_while_the_connection_is_cut_is_where_it_was_put_afterwards(
    server: ServerProcess, context: BrowserContext, elsewhere: BrowserContext
) -> None:
    here, there = _two_with_tabs(server, context, elsewhere)
    context.set_offline(True)
    _tabs(here).filter(has_text="Five").locator(".tab-name").focus()
    for _ in range(4):
        here.keyboard.press("Control+Shift+ArrowLeft")
    expect(_tabs(here)).to_have_text(["Five", "One", "Two", "Three", "Four"])
    there.get_by_role("button", name="Close “Two”").click()
    expect(_tabs(there)).to_have_text(["One", "Three", "Four", "Five"])
    context.set_offline(False)
    for page in (here, there):
        expect(_tabs(page)).to_have_text(["Five", "One", "Three", "Four"])


def test_a_preference_holds_at_once_in_both_browsers_and_before_the_first_paint_later(
    server: ServerProcess, context: BrowserContext, elsewhere: BrowserContext
) -> None:
    here, there = (_open(server, each) for each in (context, elsewhere))
    here.get_by_test_id("open-preferences").click()
    here.get_by_test_id("preference-theme").get_by_role("radio", name="Dark").check()
    here.get_by_test_id("preference-fontSize").get_by_role("radio", name="Large").check()
    for page in (here, there):
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        expect(page.locator("html")).to_have_attribute("data-font-size", "large")
    here.get_by_test_id("preference-language").get_by_role("radio", name="中文").check()
    expect(there.get_by_test_id("new-session")).to_have_text("新建会话")
    there.add_init_script(FIRST_GROUND)
    there.reload()
    expect(there.get_by_test_id("new-session")).to_have_text("新建会话")
    assert there.evaluate("window.__firstGround") == ["dark", DARK_GROUND]
    preferences = get(server, "/api/me/state")["preferences"]
    assert (preferences["theme"], preferences["fontSize"], preferences["language"]) == ("dark", "large", "zh")


def test_the_preferred_model_is_that_of_the_next_session(server: ServerProcess, context: BrowserContext) -> None:
    page = _open(server, context)
    page.get_by_test_id("open-preferences").click()
    model = page.get_by_test_id("preference-defaultModel")
    expect(model.locator("option")).to_have_count(2)
    name = model.locator("option").last.text_content()
    assert name is not None
    model.select_option(name)
    page.keyboard.press("Escape")
    eventually(lambda: get(server, "/api/me/state")["preferences"]["defaultModel"] == name, 10)
    page.get_by_test_id("new-session").click()
    expect(page.get_by_test_id("composer")).to_be_visible()
    assert get(server, f"/api/contexts/{page.url.partition('#')[2]}")["model"] == name


def test_the_panel_folds_in_both_browsers_and_stays_so(
    server: ServerProcess, context: BrowserContext, elsewhere: BrowserContext
) -> None:
    here, there = (_open(server, each) for each in (context, elsewhere))
    here.get_by_role("button", name="Hide the panel").click()
    expect(there.get_by_test_id("session-panel")).to_be_hidden()
    there.reload()
    await_connected(there)
    expect(there.get_by_test_id("session-panel")).to_be_hidden()


def test_a_tab_with_news_is_marked_until_it_was_looked_at_anywhere(
    server: ServerProcess, context: BrowserContext, elsewhere: BrowserContext
) -> None:
    here, there = _two_with_tabs(server, context, elsewhere)
    quiet = _tabs(here).filter(has_text="One")
    quiet.locator(".tab-name").click()
    session_id = here.url.partition("#")[2]
    eventually(lambda: session_id in get(server, "/api/me/state")["ui"].get("seen", {}), 10)
    _tabs(here).filter(has_text="Two").locator(".tab-name").click()
    expect(here.get_by_test_id("session-title")).to_have_text("Two")
    path = f"/api/contexts/{session_id}/actions/send_message"
    assert server.request("POST", path, {"content": "/long 1"})[0] == 202
    unread = quiet.get_by_role("img", name="new since you looked")
    expect(unread).to_be_visible()
    _tabs(there).filter(has_text="One").locator(".tab-name").click()
    expect(unread).to_have_count(0)


def test_in_signal_mode_a_session_ends_the_same(server: ServerProcess, context: BrowserContext) -> None:
    pushed = open_new_session(server, context)
    signalled = context.new_page()
    signalled.goto(pushed.url.replace("/#", "/?delivery=signal#"))
    expect(signalled.get_by_test_id("composer")).to_be_visible()
    say(pushed, "/long 30")
    for page in (pushed, signalled):
        await_end(page, "COMPLETED")
    texts = [page.get_by_test_id("message-text").all_text_contents() for page in (pushed, signalled)]
    assert texts[0] == texts[1]
    assert "30" in texts[0][-1]


def test_the_end_of_a_run_is_told_by_the_browser_while_the_page_is_hidden(
    server: ServerProcess, context: BrowserContext
) -> None:
    context.grant_permissions(["notifications"], origin=server.url)
    context.add_init_script(
        """
        window.__told = [];
        window.Notification = class {
            static permission = "granted";
            static requestPermission = async () => "granted";
            constructor(title, { body, tag }) { window.__told.push([title, body, tag]); }
            close() {}
        };
        """
    )
    page = open_new_session(server, context)
    page.get_by_test_id("open-preferences").click()
    page.get_by_test_id("preference-notifications").check()
    page.keyboard.press("Escape")
    say(page, "/long 10")
    await_end(page, "COMPLETED")
    assert page.evaluate("window.__told") == []
    page.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })")
    say(page, "/long 5")
    eventually(lambda: page.evaluate("window.__told.length") > 0, 15)
    [[title, body, tag]] = page.evaluate("window.__told")
    assert (title, body, tag) == ("/long 10", "Completed", page.url.partition("#")[2])


def _open(server: ServerProcess, context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto(server.url)
    await_connected(page)
    return page


def _two_with_tabs(server: ServerProcess, here: BrowserContext, there: BrowserContext) -> tuple[Page, Page]:
    """Both on the last of five tabs."""
    page = _open(server, here)
    for title in TITLES:
        page.goto(f"{server.url}/#{server.session(title=title)}")
        expect(page.get_by_test_id("session-title")).to_have_text(title)
    other = there.new_page()
    other.goto(page.url)
    for each in (page, other):
        expect(_tabs(each)).to_have_text(TITLES)
    return page, other


def _tabs(page: Page) -> Locator:
    return page.get_by_test_id("tabs").locator("li")


def _titles(page: Page) -> list[str]:
    return _tabs(page).all_text_contents()


def _stored(server: ServerProcess) -> list[str]:
    """The titles in the order that the server keeps."""
    tabs: dict[str, float] = get(server, "/api/me/state")["tabs"]
    order = sorted(tabs, key=lambda each: (tabs[each], each))
    return [str(get(server, f"/api/sessions/{each}")["title"]) for each in order]
