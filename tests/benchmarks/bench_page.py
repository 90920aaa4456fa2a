"""The page in Chromium: how soon a long session is there, and how long its thread is busy while one reads or listens.

    python tests/benchmarks/bench_page.py [--quick]

Needs Chromium and the built page. Browsers count tasks from 50 ms on: below that, 0 is what they say.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path

from filling import store
from playwright.sync_api import Browser, Page, expect
from real_server import TESTS, serving
from table import Row, render

sys.path.insert(0, str(TESTS))

from page_world import (
    await_end,
    open_new_session,
    pending_on,
    reply_of,
    running_chromium,
    say,
    two_tabs,
    watched_context,
)
from reading_long import LONG_TASKS, Reading, longest_task_ms, read_through, settle

ROUNDS = 3
MESSAGES = 50_000
MESSAGES_QUICK = 5_000
STEPS = 1_500
DELTAS_PER_S = 100
DELTAS = 1_000
APPROVALS = 5
# Notes the time of each click on an approval, and of each change that leaves the page without a pending card.
CLOCK = """
window.clicked = [];
window.gone = [];
addEventListener("click", (event) => {
    if (event.target.dataset.testid === "approve-once") window.clicked.push(Date.now());
}, true);
addEventListener("DOMContentLoaded", () => {
    let pending = false;
    new MutationObserver(() => {
        const now = document.querySelector('[data-testid="approval"][data-state="pending"]') !== null;
        if (pending && !now) window.gone.push(Date.now());
        pending = now;
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
});
"""


async def fill(folder: Path, messages: int) -> str:
    async with store(folder / "data") as opened:
        return await opened.history(messages)


def read_long(messages: int) -> Reading:
    """The median of the rounds: other work on the machine may fall into one of them."""
    with tempfile.TemporaryDirectory() as name:
        # Before the browser is there: its driver has the event loop of this thread.
        session = asyncio.run(fill(Path(name), messages))
        with serving(Path(name)) as hub, running_chromium() as browser:
            rounds = [_round(browser, hub.url, session, messages) for _ in range(ROUNDS)]
    return Reading(
        statistics.median(each.first_content_ms for each in rounds),
        statistics.median(each.longest_task_ms for each in rounds),
        max(each.elements for each in rounds),
        min(each.seen for each in rounds),
    )


def _round(browser: Browser, url: str, session: str, messages: int) -> Reading:
    with watched_context(browser) as context:
        return read_through(context.new_page(), url, session, messages, STEPS)


def listen(browser: Browser) -> float:
    """The longest task while a reply comes in view, each delta an event of its own. The median of the rounds."""
    options = ("--coalesce-window-ms", "0", "--demo-words-per-s", str(DELTAS_PER_S))
    with tempfile.TemporaryDirectory() as name, serving(Path(name), *options) as hub:
        longest = []
        for _ in range(ROUNDS):
            with watched_context(browser) as context:
                context.add_init_script(LONG_TASKS)
                longest.append(_listened(open_new_session(hub, context)))
        return statistics.median(longest)


def _listened(page: Page) -> float:
    say(page, f"/long {DELTAS}")
    expect(reply_of(page)).to_have_attribute("data-status", "streaming")
    settle(page)
    page.evaluate("window.tasks.length = 0")
    await_end(page, "COMPLETED")
    return longest_task_ms(page)


def approve(browser: Browser) -> float:
    """From the click on an approval in one tab until no card waits in the other. The median of several."""
    options = ("--approval-policy", "manual", "--demo-words-per-s", "0")
    with tempfile.TemporaryDirectory() as name, serving(Path(name), *options) as hub:
        with watched_context(browser) as context:
            context.add_init_script(CLOCK)
            first, second = two_tabs(hub, context)
            for _ in range(APPROVALS):
                say(first, "/ask")
                expect(pending_on(second)).to_be_visible()
                pending_on(first).get_by_test_id("approve-once").click()
                expect(pending_on(second)).to_have_count(0)
                await_end(second, "COMPLETED")
            clicked: list[int] = first.evaluate("window.clicked")
            gone: list[int] = second.evaluate("window.gone")
    return statistics.median(after - before for before, after in zip(clicked, gone, strict=True))


def run(quick: bool = False) -> list[Row]:
    messages = MESSAGES_QUICK if quick else MESSAGES
    with running_chromium() as browser:
        streaming = listen(browser)
        approved = approve(browser)
    reading = read_long(messages)
    of = f"{messages:,} messages in Chromium"
    return [
        Row(f"first content of {of}", reading.first_content_ms, None, None, "< 500", "ms"),
        Row(f"longest task while scrolling through {of}", reading.longest_task_ms, None, None, "< 50", "ms"),
        Row(f"most elements at once of {of}", reading.elements, None, None, "< 1,500", "elements"),
        Row(f"longest task while {DELTAS_PER_S} deltas/s come in view", streaming, None, None, "< 50", "ms"),
        Row("approved in one tab → gone from another", approved, None, None, "< 200", "ms"),
    ]


if __name__ == "__main__":
    print(render(run("--quick" in sys.argv)))
