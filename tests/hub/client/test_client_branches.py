"""The Python client on branches: what a switch or a merge brings and it has not seen is pulled (I2)."""

from __future__ import annotations

import hub_peer
import pytest
from harness import Harness, Json
from hub_peer import eventually

from hub.client import HubClient, SessionView
from hub.client.wire import FeedMode
from services.access import LOCAL

in_memory = hub_peer.in_memory


def client_of(server: Harness) -> HubClient:
    return HubClient(server.url, backoff_s=(0.01, 0.02), call_timeout_s=2.0, keep_events=True)


async def said(client: HubClient, view: SessionView, text: str) -> None:
    run_id = (await client.send_message(view.session_id, text))["runId"]
    await view.until(lambda view: run_id in ended(view))


def ended(view: SessionView) -> list[str]:
    return [event["data"]["run"]["id"] for event in view.events if event["type"] == "run.finished"]


def messages(view: SessionView) -> list[Json]:
    found: list[Json] = view.snapshot["messages"] if view.snapshot else []
    return found


@pytest.mark.parametrize("mode", ["push", "signal"])
async def test_messages_that_a_merge_or_a_switch_brings_are_pulled(in_memory: Harness, mode: FeedMode) -> None:
    """Fails when only what was too large to travel is pulled: `{id, truncated}` stays in its place for ever."""
    session_id, branches = await in_memory.session(), in_memory.branches
    async with client_of(in_memory) as client, client_of(in_memory) as later:
        view = await client.open(session_id, mode)
        await said(client, view, "here")
        await branches.fork(LOCAL, session_id, name="side")
        await said(client, view, "there")
        await branches.switch(LOCAL, session_id, "main")
        newcomer = await later.open(session_id, mode)
        await branches.merge(LOCAL, session_id, "side", "append")
        merged = (await in_memory.snapshot(session_id))["messages"]
        assert [message["content"] for message in merged if message["role"] == "user"] == ["here", "there"]
        for each in (view, newcomer):
            await eventually(lambda each=each: messages(each) == merged, "the merged messages")  # type: ignore[misc]
            assert each.text() == merged[-1]["content"]


def test_pulled_message_that_came_by_an_event_meanwhile_is_left_as_it_is() -> None:
    """Fails when `heal` takes an answer for a message that is whole: it may be from before an update."""
    view = SessionView("s")
    view.snapshot = {"messages": [{"id": "m", "truncated": True}]}
    assert view.text() == ""
    newer = {"id": "m", "content": "new", "status": "complete", "sequence": 0}
    view.snapshot = {"messages": [newer]}
    assert view.heal({**newer, "content": "old"}) is True
    assert messages(view) == [newer]


def test_unseen_message_is_put_in_its_place() -> None:
    view = SessionView("s")
    view.snapshot = {"messages": [{"id": "m", "truncated": True}]}
    assert view.lacks("m")
    whole = {"id": "m", "content": "text", "status": "complete", "sequence": 3}
    assert view.heal(whole) is True
    assert messages(view) == [whole]
