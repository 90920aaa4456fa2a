"""Applications for the tests of REST, in the test's own loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from journal_store import KINDS
from rest_client import Rest

from web.app import create_app
from web.settings import Settings

Serve = Callable[..., Awaitable[Rest]]
QUICK: dict[str, Any] = {"database": "memory:", "model": "scripted:words=5,delay_ms=0,seed=1", "coalesce_window_ms": 0}


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts applications with the settings a test names, in memory unless it says otherwise."""
    async with AsyncExitStack() as stack:

        async def start(parts: dict[str, Any] | None = None, **settings: Any) -> Rest:
            app = create_app(Settings(**{**QUICK, **settings}), **(parts or {}))
            client = await stack.enter_async_context(TestClient(TestServer(app)))
            return Rest(client)

        yield start


@pytest.fixture
async def rest(serve: Serve) -> Rest:
    """A server in memory."""
    return await serve()


@pytest.fixture(params=KINDS)
async def stored(request: pytest.FixtureRequest, serve: Serve, tmp_path: Path) -> Rest:
    """A server, once with each storage."""
    return await serve() if request.param == "memory" else await serve(database=None, data=tmp_path / "data")
