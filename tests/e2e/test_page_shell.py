"""The frame of the page in a real Chromium: tabs, the panel, search, shortcuts, the connection, phones, languages."""

from __future__ import annotations

import http.client
import re
from contextlib import closing

import pytest
from page_world import (
    at_session,
    await_connected,
    await_end,
    choose,
    get,
    open_new_session,
    say,
    session_of,
    watched_context,
)
from patience import HANG_MS, HANG_S
from playwright.sync_api import Browser, BrowserContext, CDPSession, Locator, Page, expect
from server_process import ServerProcess, eventually

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE = {"width": 390, "height": 800}
SWITCHES = 50
SLACK = {"JSEventListeners": 20, "Nodes": 200, "JSHeapUsedSize": 3_000_000}
"""Fifty sessions that were kept would hold several times that: each a transcript, its rows and its listeners."""


def test_a_session_that_is_opened_gets_a_tab_and_closing_it_shows_the_next(
    server: ServerProcess, context: BrowserContext
) -> None:
    ids = [server.session(title=title) for title in ("One", "Two", "Three")]
    page = _open(server, context)
    for title in ("One", "Two", "Three"):
        _row(page, title).click()
        expect(page.get_by_test_id("session-title")).to_have_text(title)
    assert _tabs(page) == ids
    _tab(page, "Two").click()
    expect(page).to_have_url(at_session(ids[1]))
    page.get_by_role("button", name="Close “Two”").click()
    expect(page).to_have_url(at_session(ids[2]))
    _tab(page, "One").click(button="middle")
    expect(_tab(page, "One")).to_have_count(0)
    expect(page).to_have_url(at_session(ids[2]))
    _tab(page, "Three").press("Delete")
    expect(page.get_by_text("No session is open")).to_be_visible()
    assert _tabs(page) == []


def test_tabs_are_put_in_order_by_pointer_and_by_keys(server: ServerProcess, context: BrowserContext) -> None:
    page = _with_tabs(server, context, "One", "Two", "Three")
    one, two, three = _tabs(page)
    _drag(page, "One", "Three")
    expect(_tabs_of(page)).to_have_text(["Two", "Three", "One"])
    _tab(page, "One").focus()
    page.keyboard.press("Control+Shift+ArrowLeft")
    expect(_tabs_of(page)).to_have_text(["Two", "One", "Three"])
    expect(_tab(page, "One")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(_tab(page, "Three")).to_be_focused()
    eventually(lambda: _stored_order(server) == [two, one, three], 10)
    page.reload()
    expect(_tabs_of(page)).to_have_text(["Two", "One", "Three"])
    assert _tabs(page) == [two, one, three]


def test_a_tab_has_a_menu_that_moves_and_closes(server: ServerProcess, context: BrowserContext) -> None:
    page = _with_tabs(server, context, "One", "Two", "Three")
    _tab(page, "One").click(button="right")
    page.locator('[role="menu"] [data-item="right"]').click()
    expect(_tabs_of(page)).to_have_text(["Two", "One", "Three"])
    _tab(page, "One").click(button="right")
    expect(page.get_by_role("menu")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    _tab(page, "One").click(button="right")
    page.locator('[role="menu"] [data-item="close-others"]').click()
    expect(_tabs_of(page)).to_have_text(["One"])
    expect(page.get_by_test_id("session-title")).to_have_text("One")


def test_the_address_wins_and_back_and_forward_go_through_it(server: ServerProcess, context: BrowserContext) -> None:
    page = _with_tabs(server, context, "One", "Two")
    one, two = _tabs(page)
    _tab(page, "One").click()
    expect(page.get_by_test_id("session-title")).to_have_text("One")
    page.go_back()
    expect(page.get_by_test_id("session-title")).to_have_text("Two")
    page.go_forward()
    expect(page.get_by_test_id("session-title")).to_have_text("One")
    linked = context.new_page()
    linked.goto(f"{server.url}/#{two}")
    expect(linked.get_by_test_id("session-title")).to_have_text("Two")
    # Without a session in the address it is the one that was looked at last, wherever that was.
    bare = context.new_page()
    bare.goto(server.url)
    expect(bare).to_have_url(at_session(two))
    assert one != two


def test_a_link_to_a_session_that_does_not_exist_says_so(server: ServerProcess, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{server.url}/#0197aaaa-0000-7000-8000-000000000000")
    expect(page.get_by_role("main")).to_contain_text("does not exist")
    page.get_by_test_id("new-session").click()
    expect(page.get_by_test_id("composer")).to_be_visible()
    expect(_tabs_of(page)).to_have_count(1)


def test_the_panel_reads_page_after_page_and_filters_on_the_server(
    server: ServerProcess, context: BrowserContext
) -> None:
    for number in range(120):
        server.session(title=f"Session {number:03}")
    page = _open(server, context)
    rows = page.get_by_test_id("history-list").locator("[data-session-id]")
    expect(rows).to_have_count(50)
    rows.last.scroll_into_view_if_needed()
    expect(rows).to_have_count(100)
    rows.last.scroll_into_view_if_needed()
    expect(rows).to_have_count(120)
    page.get_by_test_id("session-filter").fill("session 11")
    expect(rows).to_have_count(10)
    server.session(title="Session 110 again")
    expect(rows).to_have_count(11)
    page.get_by_test_id("session-filter").press("Escape")
    page.get_by_test_id("list-options").click()
    page.get_by_test_id("list-sort").select_option("title")
    expect(rows.first).to_contain_text("Session 000")
    page.get_by_test_id("session-filter").fill("nowhere to be found")
    expect(page.get_by_text("No session has this in its title.")).to_be_visible()


def test_a_row_renames_archives_deletes_and_brings_back(server: ServerProcess, context: BrowserContext) -> None:
    server.session(title="Draft")
    page = _open(server, context)
    history = page.get_by_test_id("history-list")
    _row_menu(page, "Draft", "rename")
    page.get_by_test_id("title-input").fill("Final")
    page.get_by_test_id("title-input").press("Enter")
    expect(_row(page, "Final")).to_be_visible()
    _row_menu(page, "Final", "archive")
    expect(_row(page, "Final")).to_have_count(0)
    page.get_by_test_id("list-options").click()
    page.get_by_test_id("list-archived").select_option("archived")
    _row_menu(page, "Final", "unarchive")
    expect(history).not_to_contain_text("Final")
    page.get_by_test_id("list-archived").select_option("current")
    _row(page, "Final").click(button="right")
    page.locator('[role="menu"] [data-item="delete"]').click()
    expect(history).not_to_contain_text("Final")
    page.get_by_test_id("notice").filter(has_text="“Final” was deleted.").get_by_text("Undo").click()
    expect(page.get_by_test_id("session-title")).to_have_text("Final")
    expect(_row(page, "Final")).to_be_visible()


def test_who_runs_and_who_waits_is_counted_live(server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(server, context)
    say(page, "/ask")
    waiting = page.get_by_role("region", name="Waiting for you")
    expect(waiting.locator("h2")).to_have_text("Waiting for you 1")
    expect(_tabs_of(page).get_by_role("img", name="waiting for you")).to_be_visible()
    say(page, "/long 2000")
    page.get_by_test_id("new-session").click()
    expect(page.get_by_test_id("message")).to_have_count(0)
    say(page, "/long 2000")
    running = page.get_by_role("region", name="Running")
    expect(running.locator("h2")).to_have_text("Running 1")
    page.get_by_test_id("stop").click()
    expect(running.locator("h2")).to_have_text("Running 0")
    expect(waiting.locator("h2")).to_have_text("Waiting for you 1")


def test_projects_are_created_renamed_chosen_and_deleted(server: ServerProcess, context: BrowserContext) -> None:
    page = _open(server, context)
    page.get_by_test_id("list-options").click()
    page.get_by_test_id("open-projects").click()
    dialog = page.get_by_test_id("projects")
    dialog.get_by_label("Name of a new project").fill("Website")
    dialog.get_by_role("button", name="Create").click()
    dialog.get_by_role("button", name="Rename “Website”").click()
    dialog.get_by_test_id("title-input").fill("Site")
    dialog.get_by_test_id("title-input").press("Enter")
    expect(dialog.get_by_text("Site")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_test_id("list-project").select_option(label="Site")
    page.get_by_test_id("new-session").click()
    expect(page.get_by_test_id("composer")).to_be_visible()
    assert get(server, f"/api/sessions/{session_of(page)}")["projectName"] == "Site"
    page.get_by_test_id("open-projects").click()
    dialog.get_by_label("Name of a new project").fill("Empty")
    dialog.get_by_role("button", name="Create").click()
    dialog.get_by_role("button", name="Delete “Empty”").click()
    dialog.get_by_role("group").get_by_role("button", name="Delete").click()
    expect(dialog.get_by_text("Empty")).to_have_count(0)


def test_the_palette_finds_what_was_said_and_opens_it_there(server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(server, context)
    said = session_of(page)
    say(page, "Where do the kingfishers nest?")
    await_end(page, "COMPLETED")
    page.get_by_test_id("new-session").click()
    expect(page).not_to_have_url(at_session(said))
    page.keyboard.press("Control+k")
    palette = page.get_by_test_id("search")
    found = palette.get_by_test_id("search-results").get_by_role("option")
    expect(found).to_have_count(2)
    palette.get_by_test_id("search-input").fill("kingf")
    expect(palette.locator("mark").first).to_have_text("kingfishers")
    palette.get_by_label("Written by").select_option("user")
    expect(found.filter(has_text="You:")).to_have_count(1)
    palette.get_by_test_id("search-input").fill("kingfishers nest")
    hit = found.filter(has_text="You:")
    expect(hit).to_be_visible()
    while hit.get_attribute("aria-selected") != "true":
        palette.get_by_test_id("search-input").press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"#{said}/1$"))
    expect(page.get_by_test_id("message").first).to_contain_text("kingfishers")
    page.keyboard.press("Control+k")
    palette.get_by_test_id("search-input").fill("zugzwang")
    expect(page.get_by_test_id("search-status")).to_have_text("Nothing found.")
    palette.get_by_test_id("search-input").fill('"unclosed -')
    expect(page.get_by_test_id("search-status")).to_be_visible()
    page.keyboard.press("Escape")
    expect(palette).to_have_count(0)


def test_commands_are_run_from_the_palette(server: ServerProcess, context: BrowserContext) -> None:
    page = _open(server, context)
    page.keyboard.press("Control+k")
    page.get_by_test_id("search-input").fill(">dark")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("Control+k")
    page.get_by_test_id("search-input").fill("> new session")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("composer")).to_be_visible()


def test_shortcuts_work_and_are_listed_in_the_help_sheet(server: ServerProcess, context: BrowserContext) -> None:
    page = _open(server, context)
    page.keyboard.press("Alt+n")
    expect(page.get_by_test_id("composer")).to_be_focused()
    first = session_of(page)
    page.keyboard.press("Alt+n")
    expect(page).not_to_have_url(at_session(first))
    expect(page.get_by_test_id("composer")).to_be_focused()
    page.keyboard.press("Alt+PageUp")
    expect(page).to_have_url(at_session(first))
    page.keyboard.press("Alt+w")
    expect(page).not_to_have_url(at_session(first))
    expect(_tabs_of(page)).to_have_count(1)
    # It takes the focus once its session has come, which must not be in the middle of what follows.
    expect(page.get_by_test_id("composer")).to_be_focused()
    page.keyboard.press("Alt+p")
    expect(page.get_by_test_id("session-panel")).to_be_hidden()
    page.keyboard.press("Alt+p")
    expect(page.get_by_test_id("session-panel")).to_be_visible()
    page.get_by_role("button", name="Hide the panel").press("Enter")
    expect(page.get_by_role("button", name="Sessions", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Hide the panel")).to_be_focused()
    # A question mark that is written is no call for help.
    page.get_by_test_id("composer").press("?")
    expect(page.get_by_test_id("composer")).to_have_value("?")
    page.get_by_test_id("open-shortcuts").click()
    sheet = page.get_by_test_id("shortcut-sheet")
    expect(sheet).to_contain_text("Search, or run a command")
    expect(sheet.locator("kbd").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("open-shortcuts")).to_be_focused()
    page.keyboard.press("?")
    expect(sheet).to_be_visible()


def test_the_first_stop_of_the_keyboard_leads_to_the_session(server: ServerProcess, context: BrowserContext) -> None:
    page = _open(server, context)
    page.keyboard.press("Tab")
    skip = page.get_by_text("Skip to the session")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_a_lost_server_is_told_without_moving_anything_and_healed(
    server: ServerProcess, context: BrowserContext
) -> None:
    page = open_new_session(server, context)
    before = page.get_by_test_id("composer").bounding_box()
    server.kill()
    banner = page.get_by_test_id("banner")
    expect(banner).to_contain_text("what you write is kept")
    assert page.get_by_test_id("composer").bounding_box() == before
    server.start()
    banner.get_by_role("button", name="Retry now").click()
    await_connected(page)
    expect(banner).to_have_count(0)
    server.terminate()
    expect(banner).to_contain_text("restarting")
    server.wait()
    context.set_offline(True)
    expect(banner).to_contain_text("You are offline")
    context.set_offline(False)
    server.start()
    await_connected(page)


def test_on_a_phone_the_panel_is_a_drawer_and_tabs_are_a_menu(server: ServerProcess, chromium: Browser) -> None:
    with watched_context(chromium, viewport=PHONE, has_touch=True) as context:
        page = context.new_page()
        page.goto(server.url)
        toggle = page.get_by_role("button", name="Sessions")
        toggle.click()
        panel = page.get_by_test_id("session-panel")
        expect(panel).to_be_visible()
        # The focus stays inside, however often it moves on.
        for _ in range(12):
            page.keyboard.press("Tab")
            assert page.evaluate("!document.activeElement.closest('.session-area')")
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()
        expect(toggle).to_be_focused()
        for _ in range(2):
            toggle.click()
            page.get_by_test_id("new-session").click()
            expect(panel).to_be_hidden()
            expect(page.get_by_test_id("composer")).to_be_visible()
        last = session_of(page)
        page.get_by_test_id("tab-switcher").click()
        page.locator('[role="menuitemradio"][aria-checked="false"]').click()
        expect(page).not_to_have_url(at_session(last))
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        choose(page, "tab-switcher", "close")
        expect(page).to_have_url(at_session(last))
        toggle.click()
        for name in ("New session", "Hide the panel"):
            box = page.get_by_role("button", name=name).bounding_box()
            assert box is not None
            assert box["height"] >= 40


def test_the_page_speaks_chinese_to_a_chinese_browser_and_english_when_told(
    server: ServerProcess, chromium: Browser
) -> None:
    with watched_context(chromium, locale="zh-CN") as context:
        page = context.new_page()
        page.goto(server.url)
        expect(page.get_by_test_id("connection-state")).to_have_text("已连接")
        expect(page.get_by_test_id("new-session")).to_have_text("新建会话")
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        page.get_by_test_id("open-preferences").click()
        page.get_by_test_id("preference-language").get_by_role("radio", name="English").check()
        expect(page.get_by_test_id("new-session")).to_have_text("New session")
        expect(page.locator("html")).to_have_attribute("lang", "en")
        page.reload()
        expect(page.get_by_test_id("new-session")).to_have_text("New session")


def test_switching_sessions_fifty_times_leaves_nothing_behind(server: ServerProcess, context: BrowserContext) -> None:
    """Rooms on the server, listeners, nodes and heap after collecting garbage are back where they were."""
    page = _with_tabs(server, context, "One", "Two", "Three", "Four")
    ids = _tabs(page)
    _tab(page, "One").click()
    expect(page.get_by_test_id("session-title")).to_have_text("One")
    cdp = context.new_cdp_session(page)
    cdp.send("Performance.enable")
    _switch(page, ids, 10)
    _settled(page, ids[0], "One")
    eventually(lambda: _rooms(server) == 1, HANG_S)
    before = _footprint(cdp)
    _switch(page, ids, SWITCHES)
    _settled(page, ids[0], "One")
    eventually(lambda: _rooms(server) == 1, HANG_S, lambda: f"{_rooms(server)} rooms")
    # What was just left is let go within some frames, and only then counts as garbage.
    eventually(lambda: _is_back(_footprint(cdp), before), HANG_S, lambda: f"{before}, then {_footprint(cdp)}")


def _open(server: ServerProcess, context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto(server.url)
    await_connected(page)
    return page


def _with_tabs(server: ServerProcess, context: BrowserContext, *titles: str) -> Page:
    page = _open(server, context)
    for title in titles:
        page.goto(f"{server.url}/#{server.session(title=title)}")
        expect(page.get_by_test_id("session-title")).to_have_text(title)
    expect(_tabs_of(page)).to_have_text(list(titles))
    return page


def _tabs_of(page: Page) -> Locator:
    return page.get_by_test_id("tabs").locator("li")


def _tabs(page: Page) -> list[str]:
    ids: list[str] = _tabs_of(page).evaluate_all("(tabs) => tabs.map((tab) => tab.dataset.tabId)")
    return ids


def _stored_order(server: ServerProcess) -> list[str]:
    tabs: dict[str, float] = get(server, "/api/me/state")["tabs"]
    return sorted(tabs, key=lambda each: (tabs[each], each))


def _tab(page: Page, title: str) -> Locator:
    return _tabs_of(page).filter(has_text=title).locator(".tab-name")


def _row(page: Page, title: str) -> Locator:
    return page.get_by_test_id("history-list").locator("[data-session-id]").filter(has_text=title)


def _row_menu(page: Page, title: str, item: str) -> None:
    _row(page, title).hover()
    page.get_by_role("button", name=f"Actions for “{title}”").click()
    page.locator(f'[role="menu"] [data-item="{item}"]').click()


def _drag(page: Page, title: str, onto: str) -> None:
    start, end = (_tab(page, each).bounding_box() for each in (title, onto))
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 40, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + 10, steps=8)
    page.mouse.move(end["x"] + end["width"] - 8, end["y"] + 10, steps=4)
    page.mouse.up()


def _switch(page: Page, ids: list[str], times: int) -> None:
    """As fast as an address can change, frames between or not."""
    page.evaluate(
        """async ([ids, times]) => {
            for (let turn = 0; turn < times; turn += 1) {
                location.hash = ids[turn % ids.length];
                if (turn % 3 === 0) await new Promise((done) => requestAnimationFrame(done));
                else await new Promise((done) => setTimeout(done, 5));
            }
        }""",
        [ids, times],
    )


def _settled(page: Page, session_id: str, title: str) -> None:
    page.evaluate("(id) => { location.hash = id; }", session_id)
    expect(page.get_by_test_id("session-title")).to_have_text(title, timeout=HANG_MS)
    expect(page.get_by_test_id("composer")).to_be_visible()


def _rooms(server: ServerProcess) -> int:
    """How many subscriptions to sessions the server holds."""
    found = re.search(r"^parley_subscriptions (\d+)", _metrics(server), re.MULTILINE)
    assert found is not None
    return int(found[1])


def _metrics(server: ServerProcess) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=HANG_S)
    with closing(connection):
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()


def _footprint(cdp: CDPSession) -> dict[str, float]:
    for _ in range(3):
        cdp.send("HeapProfiler.collectGarbage")
    measured = cdp.send("Performance.getMetrics")["metrics"]
    return {each["name"]: each["value"] for each in measured if each["name"] in SLACK}


def _is_back(now: dict[str, float], before: dict[str, float]) -> bool:
    return all(now[name] <= before[name] + slack for name, slack in SLACK.items())
