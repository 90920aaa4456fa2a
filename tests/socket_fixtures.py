"""Fixtures of the hub over real sockets: the hub alone, on an empty application, and a client's HTTP session."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from socket_peers import Hub, ServerFactory, hurry, start_hub


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of seconds take fractions of them."""
    hurry(monkeypatch)


@pytest.fixture
async def hub(aiohttp_server: ServerFactory) -> Hub:
    return await start_hub(aiohttp_server)


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session
