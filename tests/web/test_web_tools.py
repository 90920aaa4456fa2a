"""What the settings make of the tools: built-in ones and others by path, policies, the workspace's overview and the
pipeline that reads its files."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import ValidationError
from rest_client import Rest

from models.clock import SYSTEM_CLOCK
from models.errors import Forbidden, InvalidArgument
from models.messages import Metadata
from models.payloads import FileReferencePayload, TextPayload
from services.pipeline import Draft
from services.runs.toolbox import Toolbox
from services.tools.executor import ToolExecutor
from services.tools.registry import ToolRegistry
from services.tools.tool import tool
from services.tools.workspace import Workspace
from web import tools as web_tools
from web.settings import Settings
from web.tools import OVERVIEW_KEPT_S, mcp_of, overview_of, pipeline_of, toolbox_of

Serve = Callable[..., Awaitable[Rest]]
HERE = "web_tools_for_this_test"


@tool(risk="read_only")
def hello() -> str:
    """Greets."""
    return "hello"


async def shout(draft: Draft) -> Draft:
    return Draft(draft.session_id, draft.author, draft.content.upper(), draft.payload, draft.metadata)


async def refuse(draft: Draft) -> Draft:
    raise Forbidden("Not in this house")


@pytest.fixture(autouse=True)
def by_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is above, importable under a name of its own."""
    module = ModuleType(HERE)
    vars(module).update(hello=hello, shout=shout, refuse=refuse, nothing=7)
    monkeypatch.setitem(sys.modules, HERE, module)


def settings(workspace: Path, **more: Any) -> Settings:
    return Settings(database="memory:", workspace=workspace, **more)


# The toolbox
def test_the_built_in_tools_are_there_and_those_that_are_named(tmp_path: Path) -> None:
    toolbox = toolbox_of(settings(tmp_path, tools=(f"{HERE}:hello",)))
    names = {spec.name for spec in toolbox.offered("act")}
    assert {"hello", "read_file", "read_result"} <= names


def test_policies_and_the_allow_list_come_from_the_settings(tmp_path: Path) -> None:
    made = settings(
        tmp_path,
        tools=(f"{HERE}:hello",),
        tool_policy=("hello=off",),
        approval_policy="allow-list",
        allow_tool=("read_file",),
    )
    toolbox = toolbox_of(made)
    assert "hello" not in {spec.name for spec in toolbox.offered("act")}
    assert (toolbox.policy, toolbox.allowed) == ("allow-list", frozenset({"read_file"}))


@pytest.mark.parametrize("path", ["nowhere:hello", f"{HERE}:unknown", f"{HERE}:nothing"])
def test_a_tool_that_can_not_be_found_is_a_mistake_in_the_settings(tmp_path: Path, path: str) -> None:
    with pytest.raises(InvalidArgument):
        toolbox_of(settings(tmp_path, tools=(path,)))


def test_a_workspace_that_does_not_exist_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="not an existing folder"):
        settings(tmp_path / "nowhere")


def test_without_servers_nothing_of_mcp_is_offered(tmp_path: Path) -> None:
    made = settings(tmp_path)
    toolbox = toolbox_of(made)
    before = {spec.name for spec in toolbox.offered("act")}
    assert mcp_of(made, toolbox, SYSTEM_CLOCK, {}).status() == ()
    assert {spec.name for spec in toolbox.offered("act")} == before


# The overview
def without_workspace() -> Toolbox:
    registry = ToolRegistry()
    return Toolbox(registry, ToolExecutor(registry))


async def test_the_overview_is_kept_for_a_while_and_made_anew_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Workspace] = []

    def describe(workspace: Workspace) -> str:
        made.append(workspace)
        return f"overview {len(made)}"

    now = [0.0]
    monkeypatch.setattr(web_tools, "describe_project", describe)
    overview = overview_of(toolbox_of(settings(tmp_path)), elapsed_s=lambda: now[0])
    assert [await overview(), await overview()] == ["overview 1", "overview 1"]
    now[0] = OVERVIEW_KEPT_S + 1
    assert await overview() == "overview 2"


async def test_an_overview_that_fails_is_empty_and_stops_no_prompt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describe(workspace: Workspace) -> str:
        raise PermissionError("not yours")

    monkeypatch.setattr(web_tools, "describe_project", describe)
    assert await overview_of(toolbox_of(settings(tmp_path)))() == ""
    assert await overview_of(without_workspace(), SYSTEM_CLOCK)() == ""


async def test_the_overview_is_in_the_prompt(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "treasure.py").write_text("x = 1\n")
    rest = await serve(workspace=tmp_path)
    session_id = await rest.session()
    parts = {each["name"]: each["text"] for each in (await rest.get(f"/api/contexts/{session_id}/prompt"))["parts"]}
    assert "Python: 1" in parts["workspace"]
    assert "read_file" in parts["tools"]


# The pipeline
def draft(path: str) -> Draft:
    return Draft("s", "ann", "look", FileReferencePayload(path=path), Metadata())


async def read(made: Settings, path: str) -> FileReferencePayload:
    payload = (await pipeline_of(made, toolbox_of(made), SYSTEM_CLOCK)(draft(path))).payload
    assert isinstance(payload, FileReferencePayload)
    return payload


async def test_files_of_the_workspace_are_read_and_no_others(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside.txt"
    inside.mkdir()
    (inside / "a.txt").write_text("mine")
    outside.write_text("secret")
    (inside / "link.txt").symlink_to(outside)
    made = settings(inside)
    assert (await read(made, "a.txt")).content == "mine"
    for path in ("../outside.txt", str(outside), "link.txt", "/etc/passwd", "missing.txt"):
        payload = await read(made, path)
        assert payload.content is None
        assert payload.error
        assert "secret" not in payload.error


async def test_without_a_workspace_files_are_left_alone(tmp_path: Path) -> None:
    pipeline = pipeline_of(settings(tmp_path, processor=(f"{HERE}:shout",)), without_workspace(), SYSTEM_CLOCK)
    made = await pipeline(draft("a.txt"))
    assert (made.content, made.payload) == ("LOOK", FileReferencePayload(path="a.txt"))


async def test_processors_by_path_run_after_the_files(tmp_path: Path) -> None:
    made = settings(tmp_path, processor=(f"{HERE}:shout",))
    text = Draft("s", "ann", "hello", TextPayload(text="hello"), Metadata())
    assert (await pipeline_of(made, toolbox_of(made), SYSTEM_CLOCK)(text)).payload == TextPayload(text="HELLO")


@pytest.mark.parametrize("path", ["nowhere:shout", f"{HERE}:unknown", f"{HERE}:nothing"])
def test_a_processor_that_can_not_be_found_is_a_mistake_in_the_settings(tmp_path: Path, path: str) -> None:
    made = settings(tmp_path, processor=(path,))
    with pytest.raises(InvalidArgument):
        pipeline_of(made, toolbox_of(made), SYSTEM_CLOCK)


async def test_what_a_processor_refuses_is_answered_with_its_error_and_not_stored(serve: Serve) -> None:
    rest = await serve(processor=(f"{HERE}:refuse",))
    session_id = await rest.session()
    path = f"/api/contexts/{session_id}/actions/send_message"
    reply = await rest.ask("POST", path, {"content": "hello"})
    assert (reply.status, reply.code, reply.data["error"]) == (403, "forbidden", "Not in this house")
    assert (await rest.get(f"/api/sessions/{session_id}/messages"))["total"] == 0


async def test_a_file_that_was_sent_is_in_the_message_and_a_repetition_reads_nothing(
    serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("before\n")
    rest = await serve(workspace=tmp_path)
    session_id = await rest.session()
    body = {"payload": {"kind": "file_reference", "path": "a.txt"}, "clientMessageId": "c"}
    first = await rest.post(f"/api/contexts/{session_id}/actions/send_message", body)
    (tmp_path / "a.txt").write_text("after\n")
    assert await rest.post(f"/api/contexts/{session_id}/actions/send_message", body) == first
    await rest.finished(session_id)
    messages = (await rest.get(f"/api/sessions/{session_id}/messages"))["messages"]
    assert [message["payload"]["content"] for message in messages if message["role"] == "user"] == ["before\n"]


async def test_the_tools_are_listed_with_the_reason_why_some_can_not_be_used(serve: Serve) -> None:
    rest = await serve(tools=(f"{HERE}:hello",), tool_policy=("hello=off",))
    listed = await rest.get("/api/tools")
    [found] = [each for each in listed["tools"] if each["name"] == "hello"]
    assert "off" in str(found)
    assert listed["servers"] == []
