"""The examples with tools and questions run as they are, each the way its docstring says."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
from journal_rows import session_state
from openai_loopback import Behaviour, LoopCall, OpenAILoopback
from patience import HANG_S
from server_process import ServerProcess, eventually, serving

Json = dict[str, Any]
TOOLS = "tests.examples.custom_tools:TOOLS"
PLANNER = "tests.examples.asking_agent:TripPlanner"
SAID = "So it is."

pytestmark = pytest.mark.slow


async def test_the_custom_tools_are_offered_and_called_by_a_model(tmp_path: Path) -> None:
    """The model is a loopback endpoint, which streams its calls in fragments; the last word goes to it as well."""
    call = LoopCall("days_between", '{"first": "2026-12-24", "last": "2027-01-01"}')
    async with OpenAILoopback(Behaviour(words=(SAID,))) as model:
        model.plan(Behaviour(calls=(call,)))
        (result,) = await asyncio.to_thread(_results, tmp_path, model.base_url)
        offered = {tool["function"]["name"] for tool in model.exchanges[0].body["tools"]}
        given_back = model.exchanges[1].body["messages"][-1]
    assert {"days_between", "save_reminder"} <= offered
    assert (result["payload"]["status"], result["content"]) == ("ok", "8")
    assert (given_back["role"], given_back["content"]) == ("tool", "8")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ('{"first": "2027-01-01", "last": "2026-12-24"}', "last lies before first: swap them"),
        ('{"first": "Christmas", "last": "2026-12-24"}', "first"),
    ],
)
async def test_what_a_tool_refuses_is_told_to_the_model(tmp_path: Path, arguments: str, says: str) -> None:
    async with OpenAILoopback(Behaviour(words=(SAID,))) as model:
        model.plan(Behaviour(calls=(LoopCall("days_between", arguments),)))
        (result,) = await asyncio.to_thread(_results, tmp_path, model.base_url)
        given_back = model.exchanges[1].body["messages"][-1]
    assert result["payload"]["status"] == "error"
    assert says in result["payload"]["error"]
    assert says in given_back["content"]


@pytest.mark.parametrize("decision", ["approve", "deny"])
async def test_the_tool_that_writes_asks_first(tmp_path: Path, decision: str) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    call = LoopCall("save_reminder", '{"day": "2026-12-24", "text": "candles"}')
    async with OpenAILoopback(Behaviour(words=(SAID,))) as model:
        model.plan(Behaviour(calls=(call,)))
        (result,) = await asyncio.to_thread(_results, tmp_path, model.base_url, decision, workspace)
    written = {path.name: path.read_text() for path in workspace.iterdir()}
    if decision == "approve":
        assert (result["payload"]["status"], result["content"]) == ("ok", "Wrote reminder-2026-12-24.txt")
        assert written == {"reminder-2026-12-24.txt": "candles"}
    else:
        assert (result["payload"]["status"], written) == ("denied", {})


def _results(folder: Path, base_url: str, decision: str | None = None, workspace: Path | None = None) -> list[Json]:
    """What the tools returned for one message to a server with the example's tools."""
    options = ["--tools", TOOLS, "--model", "openai:loop-1", "--openai-base-url", base_url]
    if workspace is not None:
        options += ["--workspace", str(workspace)]
    with serving(folder, *options) as server:
        session_id = _say(server, "How long?")
        if decision is not None:
            asked = _pending(server, session_id)
            assert (asked["kind"], asked["tool"], asked["risk"]) == ("tool", "save_reminder", "idempotent")
            _resolve(server, session_id, asked, decision)
        _ended(server, session_id)
        messages = _messages(server, session_id)
    assert messages[-1]["content"] == SAID
    return [message for message in messages if message["kind"] == "tool_result"]


def test_the_asking_agent_plans_with_the_answers(tmp_path: Path) -> None:
    with serving(tmp_path, "--agent", PLANNER) as server:
        session_id = _say(server, "Plan a trip")
        where = _pending(server, session_id)
        assert (where["question"], where["options"]) == ("Where shall we go?", ["the sea", "the mountains"])
        _resolve(server, session_id, where, "respond", "the sea")
        # A message is an answer too.
        assert _pending(server, session_id)["question"] == "How many days at the sea?"
        _say(server, "3", session_id)
        _ended(server, session_id)
        assert _messages(server, session_id)[-1]["content"] == "A trip to the sea, for 3 days."


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_the_asking_agent_goes_on_after_restarts_and_asks_nothing_twice(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path, "--agent", PLANNER) as server:
        session_id = _say(server, "Plan a trip")
        where = _pending(server, session_id)
        _restart(server, number)
        assert _pending(server, session_id) == where
        _resolve(server, session_id, where, "respond", "the mountains")
        days = _pending(server, session_id, besides=where["id"])
        _restart(server, number)
        assert _pending(server, session_id) == days
        _resolve(server, session_id, days, "respond", "10")
        _ended(server, session_id)
        contents = [message["content"] for message in _messages(server, session_id)]
        questions = [each["question"] for each in _approvals(server, session_id)]
    assert contents == ["Plan a trip", "the mountains", "10", "A trip to the mountains, for 10 days."]
    assert questions == ["Where shall we go?", "How many days at the mountains?"]


def test_the_asking_agent_takes_no_for_an_answer(tmp_path: Path) -> None:
    with serving(tmp_path, "--agent", PLANNER) as server:
        session_id = _say(server, "Plan a trip")
        _resolve(server, session_id, _pending(server, session_id), "deny")
        _ended(server, session_id)
        assert _messages(server, session_id)[-1]["content"] == "No trip, then."


def _restart(server: ServerProcess, number: signal.Signals) -> None:
    if number == signal.SIGKILL:
        server.kill()
    else:
        server.terminate()
        assert server.wait() == 0
    server.start()


def _say(server: ServerProcess, text: str, session_id: str | None = None) -> str:
    session_id = session_id or server.session()
    status, answer = server.request("POST", f"/api/contexts/{session_id}/actions/send_message", {"content": text})
    assert status == 202, answer
    return session_id


def _resolve(server: ServerProcess, session_id: str, approval: Json, decision: str, reason: str | None = None) -> None:
    body = {"approvalId": approval["id"], "decision": decision, "reason": reason}
    status, answer = server.request("POST", f"/api/contexts/{session_id}/actions/resolve_approval", body)
    assert status == 200, answer


def _pending(server: ServerProcess, session_id: str, besides: str | None = None) -> Json:
    """The one question that waits for an answer."""
    found: list[Json] = []

    def one_waits() -> bool:
        found[:] = [each for each in _approvals(server, session_id) if each["state"] == "pending"]
        return len(found) == 1 and found[0]["id"] != besides

    eventually(one_waits, HANG_S, lambda: f"{found} {server.log()}")
    return found[0]


def _approvals(server: ServerProcess, session_id: str) -> list[Json]:
    approvals: list[Json] = server.request("GET", f"/api/sessions/{session_id}/approvals")[1]["approvals"]
    return approvals


def _messages(server: ServerProcess, session_id: str) -> list[Json]:
    messages: list[Json] = server.request("GET", f"/api/sessions/{session_id}/messages")[1]["messages"]
    return messages


def _ended(server: ServerProcess, session_id: str) -> None:
    eventually(lambda: session_state(server.database, session_id) == "COMPLETED", HANG_S, server.log)
