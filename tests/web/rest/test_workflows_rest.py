"""REST of workflows: listed, started, refused; with and without the prefix."""

from __future__ import annotations

import pytest
from rest_client import Rest

from services.workflows.agent import WorkflowAgent
from services.workflows.registry import PREFIX
from services.workflows.yaml_form import load_text

GREET = """
name: greet
description: Finds Python files and says so.
inputs: {pattern: {default: "*.py"}, word: {description: What to say}}
steps:
  - {id: found, tool: find_files, with: {glob: "{{ input.pattern }}"}}
  - {id: said, prompt: "{{ input.word }}"}
"""


@pytest.fixture
def offering(stored: Rest) -> Rest:
    """A server with one workflow."""
    chat = stored.chat
    chat.workflows.add(load_text(GREET))
    chat.agents._prefixes[PREFIX] = lambda name: WorkflowAgent(chat.workflows.get(name), chat.sessions, chat.providers)
    return stored


async def test_the_workflows_are_listed_with_their_inputs_and_steps(offering: Rest) -> None:
    (workflow,) = (await offering.get("/api/workflows"))["workflows"]
    assert (workflow["name"], workflow["tools"]) == ("greet", ["find_files"])
    assert workflow["inputs"][1] == {"name": "word", "required": True, "default": None, "description": "What to say"}
    assert workflow["steps"][0] == {"id": "found", "kind": "tool", "group": None}


@pytest.mark.parametrize("prefix", ["/api/workflows", "/workflows"])
async def test_a_workflow_is_accepted_and_its_progress_is_a_message(offering: Rest, prefix: str) -> None:
    session_id = await offering.session()
    body = {"sessionId": session_id, "input": {"word": "hi"}, "clientMessageId": "c1"}
    sent = await offering.ask("POST", f"{prefix}/greet/execute", body)
    assert sent.status == 202
    assert (await offering.finished(session_id))["state"] == "COMPLETED"
    asked, execution, *_ = (await offering.get(f"/api/sessions/{session_id}/messages"))["messages"]
    assert (asked["id"], asked["runId"]) == (sent.data["messageId"], sent.data["runId"])
    assert (asked["metadata"]["source"], asked["metadata"]["originalInput"]) == ("user_workflow", '{"word":"hi"}')
    assert (execution["kind"], execution["messageType"]) == ("workflow_execution", "status")
    assert execution["payload"]["status"] == "completed"
    assert [step["status"] for step in execution["payload"]["steps"]] == ["done", "done"]
    again = await offering.ask("POST", f"{prefix}/greet/execute", body)
    assert again.data == sent.data
    other = await offering.ask("POST", f"{prefix}/greet/execute", {**body, "input": {"word": "ho"}})
    assert (other.status, other.code) == (409, "idempotency_conflict")


async def test_what_can_not_be_started_is_refused_and_the_field_named(offering: Rest) -> None:
    session_id = await offering.session()
    unknown = await offering.ask("POST", "/api/workflows/nothing/execute", {"sessionId": session_id})
    assert (unknown.status, unknown.code) == (404, "workflow_not_found")
    gone = await offering.ask("POST", "/api/workflows/greet/execute", {"sessionId": "gone", "input": {"word": "a"}})
    assert (gone.status, gone.code) == (404, "session_not_found")
    for given, field in (({}, "input.word"), ({"word": "a", "more": 1}, "input.more"), ([], "input")):
        refused = await offering.ask("POST", "/api/workflows/greet/execute", {"sessionId": session_id, "input": given})
        assert (refused.status, refused.field) == (400, field)
    large = {"sessionId": session_id, "input": {"word": "a" * 20_000}}
    refused = await offering.ask("POST", "/api/workflows/greet/execute", large)
    assert (refused.status, refused.code, refused.field) == (413, "payload_too_large", "input")
    assert (await offering.get(f"/api/sessions/{session_id}/messages"))["messages"] == []


async def test_a_server_without_workflows_lists_none(rest: Rest) -> None:
    assert await rest.get("/api/workflows") == {"workflows": []}
