"""Work that is started by name without a session of its own, and the calls of the first protocol: they work, and say
what takes their place."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field
from rest_client import Rest

from services.tools.errors import ToolError
from services.tools.tool import ToolOutput, tool
from services.workflows.agent import WorkflowAgent
from services.workflows.registry import PREFIX
from services.workflows.yaml_form import load_text
from web.keys import TOOLS

ECHO = """
name: echo
description: Says a word.
inputs: {word: {description: What to say}}
steps:
  - {id: said, prompt: "{{ input.word }}"}
"""


@tool(risk="read_only")
def double(number: Annotated[int, Field(ge=0)]) -> int:
    """Twice the number."""
    if number > 99:
        raise ToolError("too large")
    return number * 2


@tool(risk="read_only")
def check() -> ToolOutput:
    """Fails as a command does, with something to show."""
    return ToolOutput("2 mistakes\n[exit code 1]", status="error")


@tool(risk="unsafe")
def smash(what: str) -> str:
    """Breaks something."""
    return f"{what} is broken"


@pytest.fixture
def offering(stored: Rest) -> Rest:
    chat = stored.chat
    chat.workflows.add(load_text(ECHO))
    chat.agents._prefixes[PREFIX] = lambda name: WorkflowAgent(chat.workflows.get(name), chat.sessions, chat.providers)
    for each in (double, check, smash):
        stored.app[TOOLS].register(each)
    return stored


async def sessions(rest: Rest) -> list[str]:
    return [each["id"] for each in (await rest.get("/api/sessions"))["sessions"]]


async def test_a_workflow_without_a_session_makes_one_in_the_project_that_is_named(offering: Rest) -> None:
    project = (await offering.post("/api/projects", {"name": "A"}))["id"]
    for body in ({}, {"projectId": project}):
        sent = await offering.ask("POST", "/workflows/echo/execute", {"input": {"word": "hi"}, **body})
        assert sent.status == 202
        session = await offering.finished(sent.data["sessionId"])
        assert session["state"] == "COMPLETED"
        assert session["projectId"] == body.get("projectId", session["projectId"])
        asked, *_ = (await offering.get(f"/api/sessions/{session['id']}/messages"))["messages"]
        assert (asked["id"], asked["runId"]) == (sent.data["messageId"], sent.data["runId"])
    assert len(await sessions(offering)) == 2


async def test_i10_the_same_client_message_id_makes_one_session_and_one_run(offering: Rest) -> None:
    body = {"input": {"word": "hi"}, "clientMessageId": "c1"}
    first, again = [await offering.ask("POST", "/api/workflows/echo/execute", body) for _ in range(2)]
    assert again.data == first.data
    other = await offering.ask("POST", "/api/workflows/echo/execute", {**body, "input": {"word": "ho"}})
    assert (other.status, other.code) == (409, "idempotency_conflict")
    assert await sessions(offering) == [first.data["sessionId"]]
    await offering.finished(first.data["sessionId"])


async def test_what_can_not_be_started_leaves_no_session(offering: Rest) -> None:
    for path, body, status in (
        ("workflows/nothing/execute", {"input": {}}, 404),
        ("workflows/echo/execute", {"input": {}}, 400),
        ("workflows/echo/execute", {"input": {"word": "a" * 20_000}}, 413),
        ("workflows/echo/execute", {"input": {"word": "a"}, "projectId": "nowhere"}, 404),
        ("tools/execute", {"tool_name": "nothing"}, 404),
        ("tools/execute", {"tool_name": "double", "args": {"number": "9" * 20_000}}, 413),
        ("tools/execute", {"args": {}}, 400),
    ):
        assert (await offering.ask("POST", f"/api/{path}", body)).status == status, path
    assert await sessions(offering) == []


@pytest.mark.parametrize("prefix", ["/api/tools", "/tools"])
async def test_a_tool_is_called_by_name_and_its_result_answered(offering: Rest, prefix: str) -> None:
    body = {"tool_name": "double", "args": {"number": 21}, "clientMessageId": "c1"}
    reply = await offering.ask("POST", f"{prefix}/execute", body)
    assert reply.status == 200
    assert (reply.data["success"], reply.data["output"], reply.data["state"]) == (True, "42", "completed")
    assert (await offering.ask("POST", f"{prefix}/execute", body)).data == reply.data
    page = await offering.get(f"/api/sessions/{reply.data['sessionId']}/messages")
    assert [each["kind"] for each in page["messages"]] == ["text", "tool_request", "tool_result"]
    named = {"sessionId": await offering.session(), "toolName": "double", "args": {"number": 100}}
    failed = (await offering.ask("POST", f"{prefix}/execute", named)).data
    assert (failed["success"], failed["state"], failed["status"]) == (False, "failed", "error")
    assert "too large" in failed["error"]
    assert failed["sessionId"] == named["sessionId"]
    shown = (await offering.ask("POST", f"{prefix}/execute", {"toolName": "check"})).data
    assert (shown["success"], shown["status"], shown["output"]) == (False, "error", "2 mistakes\n[exit code 1]")
    assert shown["error"] == "check ended as error: [exit code 1]"
    wrong = {**named, "args": {"number": -1}}
    assert not (await offering.ask("POST", f"{prefix}/execute", wrong)).data["success"]


async def test_a_tool_that_has_to_be_asked_for_waits_for_the_user(offering: Rest) -> None:
    """Nothing lets a client run what the policy would ask for."""
    reply = (await offering.ask("POST", "/tools/execute", {"tool_name": "smash", "args": {"what": "it"}})).data
    assert (reply["success"], reply["state"], reply["output"]) == (False, "awaiting_input", None)
    context = f"/api/contexts/{reply['sessionId']}"
    (approval,) = (await offering.get(context))["approvals"]
    assert (approval["tool"], approval["arguments"]) == ("smash", {"what": "it"})
    await offering.post(f"{context}/actions/resolve_approval", {"approvalId": approval["id"], "decision": "approve"})
    assert (await offering.finished(reply["sessionId"]))["state"] == "COMPLETED"


@pytest.mark.parametrize("prefix", ["/api", ""])
async def test_messages_of_the_first_protocol_are_taken(stored: Rest, prefix: str) -> None:
    session_id = await stored.session()
    path = f"{prefix}/contexts/{session_id}/messages"
    sent = await stored.ask("POST", path, {"role": "user", "content": "hello"})
    assert sent.status == 202
    (message,) = (await stored.get(f"/api/contexts/{session_id}/messages?ids={sent.data['messageId']}"))["messages"]
    assert (message["role"], message["kind"], message["content"]) == ("user", "text", "hello")
    await stored.finished(session_id)
    assert (await stored.ask("POST", path, {"role": "system", "content": "obey"})).field == "role"


async def test_every_answer_of_a_deprecated_route_names_its_successor(offering: Rest) -> None:
    """Refusals too; and the successor is a route that there is."""
    session_id = await offering.session()
    action = f"/api/contexts/{session_id}/actions/send_message"
    for path, body, successor in (
        (f"/api/contexts/{session_id}/messages", {"content": "hello"}, action),
        (f"/contexts/{session_id}/messages", {}, action),
        ("/tools/execute", {"tool_name": "double", "args": {"number": 1}}, "/api/workflows"),
        ("/api/tools/execute", {"tool_name": "nothing"}, "/api/workflows"),
    ):
        reply = await offering.ask("POST", path, body)
        assert reply.headers["Link"] == f'<{successor}>; rel="successor-version"'
        assert reply.headers["Deprecation"].startswith("@")
        assert reply.headers["Deprecation"][1:].isdigit()
    for path in (action, "/api/sessions"):
        assert "Deprecation" not in (await offering.ask("POST", path, {"content": "a"})).headers


async def test_a_payload_without_a_kind_is_text(rest: Rest) -> None:
    """As older clients send it."""
    session_id = await rest.session()
    for payload in ({"text": "hello"}, {"kind": None, "text": "hello"}):
        sent = await rest.post(f"/api/contexts/{session_id}/actions/send_message", {"payload": payload})
        (message,) = (await rest.get(f"/api/contexts/{session_id}/messages?ids={sent['messageId']}"))["messages"]
        assert (message["kind"], message["content"], message["payload"]["text"]) == ("text", "hello", "hello")
    refused = await rest.ask("POST", f"/api/contexts/{session_id}/actions/send_message", {"payload": {"data": "x"}})
    assert refused.status == 400
    await rest.finished(session_id)
