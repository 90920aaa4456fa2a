"""Servers for the hub's tests, on each journal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from harness import Harness, serving


@pytest.fixture(params=["memory", "sqlite"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    """A running server, once with each journal."""
    async with serving(tmp_path if request.param == "sqlite" else None) as harness:
        yield harness


@pytest.fixture
async def in_memory() -> AsyncIterator[Harness]:
    """A running server, where the kind of journal makes no difference."""
    async with serving() as harness:
        yield harness
