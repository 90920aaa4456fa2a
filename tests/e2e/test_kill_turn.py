"""SIGKILL in the middle of a turn of many rounds, on the real process: its limits count on (C4)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from openai_loopback import Behaviour, LoopCall, OpenAILoopback
from patience import HANG_S
from server_process import serving

from hub.client import HubClient, SessionView
from services.engine.policy import LIMITED_DEPTH

pytestmark = pytest.mark.slow

BACKOFF_S = (0.05, 0.1, 0.2)
KILLED_AFTER = 3


class Counting(OpenAILoopback):
    """A model that never has enough: each reply counts on. In the first life it falls silent behind the third."""

    killed = False

    def _behaviour(self, body: dict[str, Any]) -> Behaviour:
        done = sum(message["role"] == "tool" for message in body["messages"])
        if done == KILLED_AFTER and not self.killed:
            return Behaviour("mute")
        return Behaviour(words=(), calls=(LoopCall("count", json.dumps({"n": done}), f"call_{done}"),))


async def test_limited_depth_counts_on_after_a_kill(tmp_path: Path) -> None:
    """Fails when a further attempt begins to count at nought: then eight rounds run before anybody is asked."""
    async with Counting() as endpoint:
        here = {"PYTHONPATH": str(Path(__file__).parent), "PARLEY_OPENAI_API_KEY": "k"}
        model = ("--openai-base-url", endpoint.base_url, "--model", "openai:loop-1")
        options = (*model, "--tools", "turn_tools:count", "--approval-policy", "limited")
        with serving(tmp_path, *options, environment=here) as server:
            async with HubClient(server.url, backoff_s=BACKOFF_S) as client:
                view = await client.open(server.session())
                await client.send_message(view.session_id, "Count")
                await view.until(lambda view: _results(view) == KILLED_AFTER and _asks(view), HANG_S)
                server.kill()
                endpoint.killed = True
                await asyncio.to_thread(server.start)
                await view.until(lambda view: bool(view.approvals), HANG_S)
                assert (view.approvals[0].kind, _results(view)) == ("tool", LIMITED_DEPTH)


def _results(view: SessionView) -> int:
    return sum(message.kind == "tool_result" for message in view.messages)


def _asks(view: SessionView) -> bool:
    return view.state is not None and view.state.name == "awaiting_llm"
