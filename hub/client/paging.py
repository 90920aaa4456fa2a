"""Searches and lists of sessions for Python clients: everything that matches, page after page as it is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hub.client.hub_client import HubClient
from hub.client.wire import Json


async def search(hub: HubClient, q: str, **filters: str | int) -> AsyncIterator[Json]:
    """The results, best first unless `sort` says otherwise; `filters` are the parameters of GET /api/search, several
    values with commas between. Raises CallFailed, ConnectionLost."""
    async for result in _each(hub, "/api/search", "results", {"q": q, **filters}):
        yield result


async def sessions(hub: HubClient, **filters: str | int) -> AsyncIterator[Json]:
    """The sessions of all projects; `filters` are the parameters of GET /api/sessions. Raises CallFailed,
    ConnectionLost."""
    async for session in _each(hub, "/api/sessions", "sessions", filters):
        yield session


async def _each(hub: HubClient, path: str, key: str, query: dict[str, str | int]) -> AsyncIterator[Json]:
    page: Json = {"cursor": query.pop("cursor", None), "hasMore": True}
    while page["hasMore"]:
        more = {} if page["cursor"] is None else {"cursor": page["cursor"]}
        page = await hub.get(path, **query, **more)
        for each in page[key]:
            yield each
