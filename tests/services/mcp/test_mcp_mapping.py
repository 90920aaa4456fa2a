"""What becomes of the things that MCP servers list and answer: tools, schemas, results, resources, floods."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from mcp.shared.message import SessionMessage
from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    JSONRPCNotification,
    JSONRPCResponse,
    ReadResourceResult,
    ResourceLink,
    TextContent,
    TextResourceContents,
    Tool,
    ToolAnnotations,
)

from models.errors import InvalidArgument
from services.mcp.config import McpServerConfig
from services.mcp.errors import McpBroken, reason_of
from services.mcp.guard import BURST, Backlog, Guard
from services.mcp.remote_tool import remote_tool
from services.mcp.results import RESOURCE_MAX_CHARS, output_of, resource_of
from services.mcp.schemas import check_arguments, usable_schema
from services.tools.context import ToolContext
from services.tools.errors import BadArguments
from services.tools.tool import Tool as OurTool
from services.tools.tool import ToolFailed, ToolOutput

OBJECT: dict[str, Any] = {"type": "object"}


def made(annotations: ToolAnnotations | None = None, **settings: Any) -> OurTool:
    async def call(name: str, arguments: dict[str, Any]) -> ToolOutput:
        return ToolOutput(f"{name} {arguments}")

    config = McpServerConfig(name="box", command="x", **settings)
    return remote_tool(config, Tool(name="do", input_schema=OBJECT, annotations=annotations), call)


@pytest.mark.parametrize(
    ("hints", "risk", "dangerous"),
    [
        (None, "unsafe", False),
        (ToolAnnotations(), "unsafe", False),
        (ToolAnnotations(read_only_hint=True), "read_only", False),
        (ToolAnnotations(idempotent_hint=True), "idempotent", False),
        (ToolAnnotations(idempotent_hint=True, destructive_hint=True), "idempotent", True),
        (ToolAnnotations(read_only_hint=True, destructive_hint=True), "read_only", True),
    ],
)
def test_hints_become_a_risk(hints: ToolAnnotations | None, risk: str, dangerous: bool) -> None:
    tool = made(hints)
    assert (tool.risk, tool.dangerous) == (risk, dangerous)
    harmless = risk == "read_only" and not dangerous
    assert tool.policy == ("auto" if harmless else "ask")
    assert ("plan" in tool.modes) == harmless


def test_the_owners_word_counts_more_than_the_servers() -> None:
    hints = ToolAnnotations(read_only_hint=True, destructive_hint=True)
    assert made(hints, trust_annotations=False).risk == "unsafe"
    assert made(hints, risks={"do": "idempotent"}, policy="auto").policy == "auto"
    assert made(hints, policy="ask", policies={"do": "off"}).policy == "off"
    with pytest.raises(InvalidArgument, match="can't be “auto”"):
        made(policy="auto")


async def test_arguments_go_to_the_server_as_they_are() -> None:
    tool = made()
    for arguments in ({"x": 1}, '{"x": 1}', b'{"x": 1}'):
        assert await tool.invoke(arguments, ToolContext()) == ToolOutput("do {'x': 1}")
    assert await tool.invoke(None, ToolContext()) == ToolOutput("do {}")
    for wrong, said in (([1], "not list"), ("[1]", "not list"), ("{", "not valid JSON")):
        answer = await tool.invoke(wrong, ToolContext())
        assert isinstance(answer, ToolFailed)
        assert said in str(answer)
    assert tool.signature.json_schema() == {"type": "object", "properties": {}}


def test_a_long_description_is_cut_and_a_missing_one_is_made() -> None:
    config = McpServerConfig(name="box", command="x")
    long = remote_tool(config, Tool(name="a", input_schema=OBJECT, description="x" * 9_000), made().function)  # type: ignore[arg-type]
    assert len(long.description) == 4_001
    assert made().description == "The tool do of the MCP server box"


def test_references_into_the_schema_are_fine_and_others_are_not() -> None:
    inside = {"type": "object", "properties": {"x": {"$ref": "#/$defs/a~1b"}}, "$defs": {"a/b": {"type": "string"}}}
    assert usable_schema(inside) == inside
    assert usable_schema({"type": "object", "properties": {"x": {"anyOf": [{"$ref": "#"}]}}})
    with pytest.raises(InvalidArgument, match=r"refers to “other\.json”"):
        usable_schema({"type": "object", "properties": {"x": {"$ref": "other.json"}}})


def test_each_part_of_a_result_has_a_form_in_text() -> None:
    blob = base64.b64encode(b"12345").decode()
    result = CallToolResult(
        content=[
            TextContent(text="one"),
            AudioContent(data=blob, mime_type="audio/wav"),
            EmbeddedResource(resource=TextResourceContents(uri="a://b", text="two")),
            EmbeddedResource(resource=BlobResourceContents(uri="c://d", blob=blob, mime_type="application/pdf")),
            ResourceLink(uri="e://f", name="three", description="more"),
        ],
        structured_content={"four": 4},
    )
    output = output_of(result)
    assert output.text.splitlines() == [
        "one",
        "[audio, audio/wav, 5 bytes: not shown]",
        "[resource a://b]",
        "two",
        "[resource c://d]",
        "[application/pdf, 5 bytes of binary data: not shown]",
        "[link to the resource e://f (three): more; mcp_read_resource reads it]",
        '{"four": 4}',
    ]
    assert output.note == "not shown: audio"


@pytest.mark.parametrize(
    ("text", "structured"), [("5", {"result": 5}), ("five", {"result": "five"}), ('{ "a": 1 }', {"a": 1})]
)
def test_a_structured_answer_that_says_the_same_is_not_repeated(text: str, structured: Any) -> None:
    result = CallToolResult(content=[TextContent(text=text)], structured_content=structured)
    assert output_of(result).text == text


def test_a_resource_becomes_one_payload() -> None:
    blob = base64.b64encode("größe".encode()).decode()
    contents: list[TextResourceContents | BlobResourceContents] = [
        TextResourceContents(uri="a://1", text="one\0", mime_type="text/plain"),
        BlobResourceContents(uri="a://2", blob=blob, mime_type="text/csv"),
        BlobResourceContents(uri="a://3", blob="AAEC"),
        BlobResourceContents(uri="a://4", blob=base64.b64encode(b"\xff").decode(), mime_type="text/plain"),
    ]
    payload = resource_of("box", "a://", ReadResourceResult(contents=contents), "2026-11-20T10:00:00.000Z")
    assert payload.mime_type == "text/plain"
    assert (
        "--- a://1\none\N{REPLACEMENT CHARACTER}\n--- a://2\ngröße\n--- a://3\n[application/octet-stream, 3 bytes"
        in (payload.content)
    )
    assert "[text/plain, 1 bytes of binary data" in payload.content


def test_a_huge_resource_is_cut() -> None:
    contents: list[TextResourceContents | BlobResourceContents] = [
        TextResourceContents(uri="a://1", text="x" * (RESOURCE_MAX_CHARS + 5))
    ]
    payload = resource_of("box", "a://1", ReadResourceResult(contents=contents), "2026-11-20T10:00:00.000Z")
    assert payload.content.endswith("[cut: the resource has 2,000,005 characters]")


def test_a_flood_is_one_that_leaves_us_no_rest_however_slow_we_are() -> None:
    backlog = Backlog()
    message = SessionMessage(JSONRPCNotification(jsonrpc="2.0", method="notifications/message"))
    answer = SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=1, result={}))
    for _ in range(2 * int(BURST)):
        backlog.took(answer)
        backlog.took(message)
        backlog.rested(0.01)
    for _ in range(int(BURST)):
        backlog.took(message)
    with pytest.raises(McpBroken, match="floods"):
        backlog.took(message)


def test_a_flood_is_one_that_lasts() -> None:
    now = 0.0
    guard = Guard(clock=lambda: now)
    unasked = SessionMessage(JSONRPCNotification(jsonrpc="2.0", method="notifications/message"))
    answer = SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=1, result={}))
    for _ in range(20):
        for _ in range(400):
            guard.check(unasked)
            guard.check(answer)
        now += 1.0

    def pour() -> None:
        for _ in range(3_000):
            guard.check(ValueError("no message"))

    with pytest.raises(McpBroken, match="floods"):
        pour()


def test_of_several_errors_the_one_that_says_most_is_the_reason() -> None:
    from mcp.shared.exceptions import MCPError

    closed = MCPError(-32000, "Connection closed")
    broken = McpBroken("it ended with exit code 1")
    assert reason_of(ExceptionGroup("", [closed, ExceptionGroup("", [broken])])) == "it ended with exit code 1"
    assert reason_of(closed) == "its connection ended"
    assert reason_of(MCPError(-32603, "no\nway")) == "it answers with the error “no way”"
    assert reason_of(ExceptionGroup("", [closed, OSError("disk")])) == "OSError: disk"
    assert reason_of(KeyError()) == "KeyError"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"path": "a"}, None),
        ({"path": "a", "depth": 3, "more": True}, None),
        ({"path": "(" * 40}, None),  # patterns are the server's to check
        ({}, "arguments"),
        ({"path": 5}, "path"),
        ({"path": "a", "depth": "deep"}, "depth"),
        ({"path": "a", "tags": ["x", 1]}, "tags.1"),
    ],
)
def test_arguments_that_a_person_writes_must_fit_the_servers_schema(
    arguments: dict[str, Any], field: str | None
) -> None:
    schema = {
        "type": "object",
        "properties": {
            "path": {"type": "string", "pattern": "^([a(]+)+$"},
            "depth": {"type": "integer"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["path"],
    }
    if field is None:
        check_arguments(schema, arguments)
        return
    with pytest.raises(BadArguments) as refused:
        check_arguments(schema, arguments)
    assert refused.value.details["field"] == field
