"""Whether a client has what the journal has, and came to it without a gap."""

from __future__ import annotations

from typing import Any

import pytest

from hub.client import SessionView
from hub.client.session_view import Verdict
from hub.client.wire import SessionEvent

Json = dict[str, Any]


def at_rest(view: SessionView, head: int) -> bool:
    return view.last == head and not view.joining


def agrees(folded: Json, fresh: Json) -> None:
    """I2, where a client may know more messages than a fresh snapshot has, and more of a large one."""
    cut = {message["id"]: message for message in fresh["messages"] if message.get("truncated")}
    kept = folded["messages"][-len(fresh["messages"]) :] if fresh["messages"] else []
    assert {**folded, "messages": [cut.get(message["id"], message) for message in kept]} == fresh


def count_gaps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The clients heal gaps by joining again; here there must be none to heal."""
    gaps: list[int] = []
    offer = SessionView.offer

    def watch(view: SessionView, event: SessionEvent) -> Verdict:
        verdict = offer(view, event)
        if verdict == "gap":
            gaps.append(event["seq"])
        return verdict

    monkeypatch.setattr(SessionView, "offer", watch)
    return gaps
