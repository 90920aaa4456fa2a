"""Takes the pictures of README: `python tests/pictures.py`, with the page built and Chromium there. Writes to
web/ui/docs: `page.png` (one session in two tabs, light and dark), `kinds.png` (what messages look like), and
`together.webp`, the short film: two tabs on one session, one is reloaded in mid-stream, one answers for both."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from page_world import await_end, open_new_session, pending_on, reply_of, running_chromium, say, session_of
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect
from server_process import ROOT, ServerProcess, serving

DOCS = ROOT / "web" / "ui" / "docs"
SHOWCASE = ("--agent", "tests.e2e.showcase_agent:Showcase")
GREY = (138, 140, 142)
GAP_PX = 16
FRAME_MS = 250
QUESTIONS = ("Why is the outbox byte-counted?", "Plan the release of 0.2", "Compare three ways to page a history")


def main() -> int:
    DOCS.mkdir(exist_ok=True)
    with running_chromium() as browser, tempfile.TemporaryDirectory() as still, tempfile.TemporaryDirectory() as film:
        with serving(Path(still), *SHOWCASE) as server:
            _stills(browser, server)
        with serving(Path(film), "--demo-words-per-s", "14") as server:
            _film(browser, server)
    return 0


def _stills(browser: Browser, server: ServerProcess) -> None:
    wide = _context(browser, 1180, 760, "light")
    for question in QUESTIONS:
        _ask(server, question)
    page = open_new_session(server, wide)
    say(page, "How does a rejoin stay gap-free? Show me everything.")
    await_end(page, "COMPLETED")
    _settle(page)
    phone = _context(browser, 390, 760, "dark").new_page()
    phone.goto(f"{server.url}/#{session_of(page)}")
    expect(reply_of(phone)).to_be_visible()
    _settle(phone)
    _beside([_shot(page), _shot(phone)]).save(DOCS / "page.png", optimize=True)
    page.set_viewport_size({"width": 1180, "height": 1080})
    page.locator(".transcript").evaluate("(box) => { box.scrollTop = 0; }")
    _settle(page)
    _shot(page).save(DOCS / "kinds.png", optimize=True)


def _film(browser: Browser, server: ServerProcess) -> None:
    """Scenes are played in real time; a frame is taken of both tabs after each step and while one waits."""
    address = f"{server.url}/#{server.session()}"
    left, right = (_context(browser, 640, 560, theme).new_page() for theme in ("light", "dark"))
    for page in (left, right):
        page.goto(address)
        expect(page.get_by_test_id("composer")).to_be_visible()
    frames: list[Image.Image] = []

    def take(count: int) -> None:
        for _ in range(count):
            frames.append(_beside([_shot(left), _shot(right)]).convert("RGB"))
            left.wait_for_timeout(FRAME_MS / 2)

    take(2)
    left.get_by_test_id("composer").fill("/long 90")
    take(2)
    say_now(left)
    take(8)
    right.reload(wait_until="commit")
    take(10)
    await_end(left, "COMPLETED")
    take(2)
    left.get_by_test_id("composer").fill("/ask")
    take(1)
    say_now(left)
    expect(pending_on(right)).to_be_visible()
    take(5)
    pending_on(right).get_by_test_id("approve-once").click()
    take(8)
    await_end(right, "COMPLETED")
    take(4)
    frames[0].save(
        DOCS / "together.webp", save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0, quality=70, method=6
    )


def say_now(page: Page) -> None:
    page.get_by_test_id("composer").press("Enter")


def _ask(server: ServerProcess, question: str) -> None:
    path = f"/api/contexts/{server.session()}/actions/send_message"
    assert server.request("POST", path, {"content": question})[0] == 202


def _context(browser: Browser, width: int, height: int, theme: str) -> BrowserContext:
    options = {"viewport": {"width": width, "height": height}, "color_scheme": theme, "locale": "en-US"}
    make: Callable[..., BrowserContext] = browser.new_context
    return make(**options)


def _settle(page: Page) -> None:
    """Highlighting and fonts come a moment after the text."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)


def _shot(page: Page) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot()))


def _beside(pictures: list[Image.Image]) -> Image.Image:
    width = sum(each.width for each in pictures) + GAP_PX * (len(pictures) - 1)
    whole = Image.new("RGB", (width, max(each.height for each in pictures)), GREY)
    at = 0
    for each in pictures:
        whole.paste(each, (at, 0))
        at += each.width + GAP_PX
    return whole


if __name__ == "__main__":
    sys.exit(main())
