"""Fixtures of the page's tests. The browser lives as long as one module: its driver holds the thread's event loop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from page_world import running_chromium, watched_context
from playwright.sync_api import Browser, BrowserContext
from server_process import ServerProcess, serving


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with serving(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """For tests that open sessions of their own, and leave the server and what it keeps of the user alone."""
    with serving(tmp_path_factory.mktemp("shared")) as running:
        yield running


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    with watched_context(chromium) as opened:
        yield opened
