"""REST of what a model is sent: the whole of the next request, and what is left out of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rest_client import Rest

Json = dict[str, Any]


def said(view: Json) -> list[str]:
    return [message["id"] for message in view["messages"]]


@pytest.mark.parametrize("prefix", ["/api/contexts", "/contexts"])
async def test_the_view_is_what_the_next_request_sends(stored: Rest, prefix: str) -> None:
    session_id = await stored.talked(2)
    path = (await stored.get(f"/api/sessions/{session_id}/messages"))["messages"]
    view = await stored.get(f"{prefix}/{session_id}/view")
    assert said(view) == [message["id"] for message in path]
    assert [message["role"] for message in view["messages"]] == ["user", "agent", "user", "agent"]
    assert view["leftOut"] == []
    assert view["model"] == (await stored.get(f"{prefix}/{session_id}/metadata"))["model"]
    prompt = (await stored.get(f"{prefix}/{session_id}/prompt"))["parts"]
    assert [{"name": part["name"], "text": part["text"]} for part in view["system"]] == prompt


async def test_the_views_tokens_add_up_and_fit_the_budget(rest: Rest) -> None:
    session_id = await rest.talked()
    view = await rest.get(f"/api/contexts/{session_id}/view")
    tokens = view["tokens"]
    for name in ("system", "tools"):
        assert tokens[name] == sum(each["tokens"] for each in view[name])
    assert tokens["history"] == sum(message["tokens"] for message in view["messages"])
    assert tokens["total"] == tokens["system"] + tokens["tools"] + tokens["history"] <= view["budget"]
    assert view["budget"] == view["window"] - tokens["reserve"]
    assert tokens["exact"] is False


async def test_what_does_not_fit_is_named_and_what_was_cut_says_so(rest: Rest) -> None:
    session_id = await rest.session(model="scripted:words=1")
    for text in ("old news " * 60_000, "new news " * 60_000):
        await rest.say(session_id, text)
        await rest.finished(session_id)
    old, _, new, reply = (await rest.get(f"/api/sessions/{session_id}/messages"))["messages"]
    view = await rest.get(f"/api/contexts/{session_id}/view")
    assert said(view) == [new["id"], reply["id"]]
    assert [message["cut"] for message in view["messages"]] == [True, False]
    unread, *_ = view["leftOut"]
    assert (unread["reason"], unread["from"], "id" in unread) == ("over_budget", 1, False)
    assert old["ordinal"] <= unread["to"]


async def test_a_session_whose_model_is_gone_has_a_prompt_but_no_view(rest: Rest) -> None:
    session_id = await rest.talked()
    context = rest.chat.sessions.context(session_id)
    assert context is not None
    rest.chat.sessions._cache.take(session_id).context = replace(context, model="gone:away")
    assert (await rest.get(f"/api/contexts/{session_id}/prompt"))["parts"]
    refused = await rest.ask("GET", f"/api/contexts/{session_id}/view")
    assert refused.code == "unknown_model"


async def test_a_view_of_nothing_is_empty(rest: Rest) -> None:
    view = await rest.get(f"/api/contexts/{await rest.session()}/view")
    assert (view["messages"], view["leftOut"], view["tokens"]["history"]) == ([], [], 0)
    missing = await rest.ask("GET", "/api/contexts/nowhere/view")
    assert (missing.status, missing.code) == (404, "session_not_found")
