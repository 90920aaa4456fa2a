"""A session of fifty thousand messages in a real Chromium: it opens at once, and what is on the page stays bounded."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from patience import HANG_MS, HANG_S
from playwright.sync_api import BrowserContext, expect
from reading_long import read_through
from server_process import eventually, serving
from told_history import Told, tell

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MESSAGES = 50_000
STEPS = 1_500
ELEMENTS_MAX = 1_500
"""Some forty rows with their buttons; all messages would be a million."""


def test_fifty_thousand_messages_cost_no_more_elements_than_fifty(tmp_path: Path, context: BrowserContext) -> None:
    (tmp_path / "data").mkdir()
    session_id = tell(tmp_path / "data", _messages())
    with serving(tmp_path) as server:
        page = context.new_page()
        reading = read_through(page, server.url, session_id, MESSAGES, STEPS)
        print(json.dumps(asdict(reading)))
        assert reading.elements < ELEMENTS_MAX
        assert reading.first_content_ms < HANG_MS
        # Back in the middle, what is there is loaded and right.
        page.evaluate("document.querySelector('.transcript').scrollTop /= 2")
        expect(page.get_by_test_id("message").first).to_be_visible()
        expect(page.get_by_test_id("placeholder")).to_have_count(0)
        eventually(lambda: bool(page.evaluate(EACH_IN_ITS_PLACE)), HANG_S)


# In one go: which message is the first may change between two looks.
EACH_IN_ITS_PLACE = """() => {
    const shown = [...document.querySelectorAll('[data-testid="message"]')];
    return shown.length > 0 && shown.every((each) => each.textContent.includes(`Message ${each.dataset.position}:`));
}"""


def _messages() -> list[Told]:
    """Of very different heights: from one line to some twenty."""
    text = "something that somebody might say in a chat. "
    return [
        Told(f"Message {n}: {text * (1 + n * 7_919 % 23)}", role="user" if n % 2 else "agent")
        for n in range(1, MESSAGES + 1)
    ]
