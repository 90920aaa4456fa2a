"""What a resumed run does not do again (I5)."""

from __future__ import annotations

from pathlib import Path

from harness import Harness, serving
from world import USER, eventually

from models.actors import SERVER
from models.commands import BeginStream, FinalizeStream, RunFence, SendMessage, StartRun
from models.ids import new_id
from models.payloads import TextPayload


def _ended(server: Harness, session_id: str) -> bool:
    context = server.chat.sessions.context(session_id)
    return context is not None and not context.busy


async def test_a_reply_that_was_complete_before_the_crash_is_not_asked_for_again(tmp_path: Path) -> None:
    """I5. Taken out: the look at the history's end in Assistant. Then the user reads the answer twice."""
    async with serving(tmp_path) as server:
        session_id = await server.session()
        await server.runs.drain()  # from here on nobody starts what is queued
        run_id, message_id = new_id(), new_id()
        fence = RunFence(run_id, attempt=1)
        door = server.chat.sessions.submit
        payload = TextPayload(text="hello")
        await door(session_id, SendMessage(new_id(), run_id, "local", "hello", payload), USER)
        await door(session_id, StartRun(run_id), SERVER)
        await door(session_id, BeginStream(fence, message_id, "assistant", "m"), SERVER)
        await door(session_id, FinalizeStream(fence, message_id, "stop"), SERVER)
    async with serving(tmp_path) as server:
        await eventually(lambda: server.runs.active == 0 and _ended(server, session_id))
        snapshot = await server.store.reads.snapshot(session_id)
        assert [message.role for message in snapshot.messages] == ["user", "agent"]
        assert snapshot.session.state == "COMPLETED"
