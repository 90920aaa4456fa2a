"""The Python client's `settled`: whatever was committed before it was asked is seen first."""

from __future__ import annotations

import pytest
from hub_peer import eventually
from rest_client import Rest

from hub.client import HubClient, SessionView
from hub.client.wire import FeedMode, Json


def url_of(rest: Rest) -> str:
    return str(rest.client.make_url("/"))


@pytest.mark.parametrize("mode", ["push", "signal"])
async def test_settled_waits_for_a_run_that_was_started_over_rest(
    rest: Rest, mode: FeedMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when `settled` believes the view alone: it is at rest until the first event of the run has come."""
    session_id = await rest.session()
    held: list[tuple[str, Json]] = []
    async with HubClient(url_of(rest)) as client:
        view = await client.open(session_id, mode)
        feed = client._sessions.feed(session_id)
        with monkeypatch.context() as late:
            late.setattr(feed, "take", lambda *told: held.append(told))
            await rest.say(session_id, "hello")
            await eventually(lambda: held, "events that the view has not seen yet")
            with pytest.raises(TimeoutError):
                await view.settled(timeout_s=0.2)
            assert view.session_state == "IDLE"
        for told in held:
            feed.take(*told)
        await view.settled(timeout_s=60)
        assert view.session_state == "COMPLETED"
        assert view.messages[-1].role == "agent"
        assert view.last == (await rest.finished(session_id))["head"]


async def test_a_session_that_is_gone_has_settled(rest: Rest) -> None:
    session_id = await rest.session()
    async with HubClient(url_of(rest)) as client:
        view = await client.open(session_id)
        await rest.ask("DELETE", f"/api/sessions/{session_id}")
        await view.settled()


async def test_a_view_without_a_server_settles_by_what_it_has(rest: Rest) -> None:
    session_id = await rest.session()
    view = SessionView(session_id)
    view.snapshot = await rest.get(f"/api/contexts/{session_id}")
    await view.settled()
