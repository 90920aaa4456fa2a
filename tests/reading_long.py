"""Reads through a very long session in Chromium, and notes what the page's thread was busy with. Never asserts."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page, expect

# Tasks of the page's thread that were longer than 50 ms, as the browser itself counts them.
LONG_TASKS = """
window.tasks = [];
new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.tasks.push(task.duration);
}).observe({ type: "longtask", buffered: true });
"""

# From the change of the address, which is what a click does, to the last message on the page.
OPEN = """([id, last]) => new Promise((done) => {
    const began = performance.now();
    location.hash = id;
    const look = () => document.querySelector(`[data-position="${last}"]`) === null
        ? requestAnimationFrame(look)
        : done(performance.now() - began);
    look();
})"""

READ_THROUGH = """(steps) => new Promise((done) => {
    const box = document.querySelector('.transcript');
    const seen = new Set();
    let elements = 0;
    let step = 0;
    const next = () => {
        for (const message of document.querySelectorAll('[data-position]')) seen.add(message.dataset.position);
        elements = Math.max(elements, document.querySelectorAll('.transcript *').length);
        if (step === steps) return done([elements, seen.size]);
        step += 1;
        box.scrollTop = (box.scrollHeight - box.clientHeight) * (step / steps);
        requestAnimationFrame(next);
    };
    box.scrollTop = 0;
    requestAnimationFrame(next);
})"""


@dataclass(frozen=True)
class Reading:
    """`elements` is the most that were in the transcript at once, `seen` how many messages were drawn on the way."""

    first_content_ms: float
    longest_task_ms: float
    elements: int
    seen: int


def read_through(page: Page, url: str, session_id: str, messages: int, steps: int) -> Reading:
    """Opens the session from a page that is there already, and scrolls from its first message to its last."""
    page.add_init_script(LONG_TASKS)
    page.goto(url)
    expect(page.get_by_test_id("connection-state")).to_have_text("connected")
    # Another session than the one that was open last, which the page comes back to by itself.
    page.get_by_test_id("new-session").click()
    expect(page.get_by_test_id("transcript")).to_have_attribute("data-length", "0")
    settle(page)
    first: float = page.evaluate(OPEN, [session_id, messages])
    settle(page)
    page.evaluate("window.tasks.length = 0")
    elements, seen = page.evaluate(READ_THROUGH, steps)
    return Reading(first, longest_task_ms(page), elements, seen)


def longest_task_ms(page: Page) -> float:
    """0: none was longer than 50 ms."""
    longest: float = page.evaluate("Math.max(0, ...window.tasks)")
    return longest


def settle(page: Page) -> None:
    """Until the browser has had nothing to do for a moment."""
    page.evaluate("new Promise((done) => requestIdleCallback(() => requestIdleCallback(done)))")
