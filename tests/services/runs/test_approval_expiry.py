"""An approval that nobody answers counts as declined when its time is over, and the run goes on with that."""

from __future__ import annotations

from world import FakeTime, Workshop, eventually, no_sleep, say

from models.actors import SERVER
from models.clock import SYSTEM_CLOCK
from services.llm.provider import ModelRequest, ToolResultPart
from services.llm.scripted import CallTool, Finish, Say, ScriptedProvider, ScriptStep
from services.runs.keeper import REAP_S
from services.runs.toolbox import Toolbox
from services.store.memory.store import memory_store
from services.store.memory.tables import Memory
from services.tools.executor import ToolExecutor
from services.tools.registry import ToolRegistry
from services.tools.tool import tool

WEEK_S = 7 * 24 * 3600.0


def script(request: ModelRequest) -> tuple[ScriptStep, ...]:
    results = [part for message in request.messages for part in message.parts if isinstance(part, ToolResultPart)]
    if not results:
        return (CallTool("smash", {}, "c1"), Finish("tool_calls"))
    return (Say(f"It was not allowed: {results[0].output}"), Finish("stop"))


async def test_an_approval_that_expires_is_denied_and_the_run_completes() -> None:
    """Taken out: `_expire` in the task manager's watch. Then the session waits for ever."""

    @tool(risk="unsafe")
    def smash() -> str:
        """Smashes something."""
        raise AssertionError("it was never allowed")

    store = memory_store(Memory(SYSTEM_CLOCK))
    registry = ToolRegistry((smash,))
    toolbox = Toolbox(registry, ToolExecutor(registry), approvals_expire_after_s=60)
    provider = ScriptedProvider(sleep=no_sleep)
    provider.register("walk", script)
    time = FakeTime()
    shop = Workshop(store, (await store.projects.inbox()).id, provider=provider, toolbox=toolbox, time=time)
    await shop.runs.start()
    session_id = await shop.room.create(title="t", model="scripted:walk")
    await shop.room.do(session_id, say("go"))
    await eventually(lambda: bool(shop.room.state(session_id).approvals), "it is asked")
    await time.advance(WEEK_S)
    await time.advance(REAP_S)
    await shop.until(session_id, "COMPLETED")
    (approval,) = await shop.room.store.reads.approvals(session_id)
    (expired,) = [event for event in shop.room.of(session_id) if event.type == "approval.resolved"]
    assert expired.by == SERVER
    assert (approval.state, approval.decided_by) == ("expired", "system")
    messages = await shop.room.messages(session_id)
    assert "nobody answered in time" in messages[-1].content
    await shop.stop()
