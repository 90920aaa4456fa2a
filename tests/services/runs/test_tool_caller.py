"""A run that makes one call makes one, whatever else is said to it."""

from __future__ import annotations

import asyncio

from world import Workshop, eventually, hooked_store, say

from services.runs.tool_caller import ToolCaller
from services.runs.toolbox import Toolbox
from services.tools.executor import ToolExecutor
from services.tools.registry import ToolRegistry
from services.tools.tool import tool


async def test_i5_a_message_that_steers_does_not_make_the_call_again() -> None:
    """Taken out: `again` in ToolCaller. Then the tool has run twice, under two call ids."""
    begun, go, times = asyncio.Event(), asyncio.Event(), 0

    @tool(risk="unsafe")
    async def fire() -> str:
        """Fires."""
        nonlocal times
        times += 1
        begun.set()
        await go.wait()
        return "fired"

    store, _ = hooked_store()
    registry = ToolRegistry((fire,))
    toolbox = Toolbox(registry, ToolExecutor(registry), policy="allow-list", allowed={"fire"})
    inbox = await store.projects.inbox()
    shop = Workshop(store, inbox.id, {"tool:fire": ToolCaller("fire")}, toolbox=toolbox)
    await shop.runs.start()
    try:
        session_id = await shop.room.create()
        await shop.room.do(session_id, say("fire", agent="tool:fire"))
        await eventually(begun.is_set, "the call")
        await shop.room.do(session_id, say("and be quick", on_busy="steer"))
        go.set()
        await shop.until(session_id, "COMPLETED", "FAILED")
        kinds = [message.kind for message in await shop.room.messages(session_id)]
        assert (times, kinds) == (1, ["text", "tool_request", "text", "tool_result"])
        assert [run.state for run in await shop.room.runs(session_id)] == ["completed"]
    finally:
        await shop.stop()
