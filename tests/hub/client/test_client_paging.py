"""The Python client walks through searches and lists without knowing of pages."""

from __future__ import annotations

import pytest
from rest_client import Rest

from hub.client import CallFailed, HubClient
from hub.client.paging import search, sessions


async def test_all_results_and_sessions_come_page_after_page(stored: Rest) -> None:
    titles = [f"Page {number}" for number in range(7)]
    for title in titles:
        await stored.session(title=title)
    async with HubClient(str(stored.client.make_url("")).rstrip("/")) as hub:
        assert [each["title"] async for each in sessions(hub, sort="title", take=3)] == titles
        assert [each["title"] async for each in sessions(hub, q="4")] == ["Page 4"]
        found = [each async for each in search(hub, "page", sort="oldest", take=2, **{"from": "2020-01-01"})]
        assert [each["session"]["title"] for each in found] == titles
        assert [each async for each in search(hub, "nothing like it")] == []
        with pytest.raises(CallFailed) as refused:
            [each async for each in search(hub, "-")]
        assert refused.value.code == "invalid_argument"
