"""The table of kinds and APIs: what each of the fourteen becomes in each, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from models.messages import Message, Role, message_type_of
from models.payloads import Kind, Payload
from models.tools import ToolSpec
from services.llm.anthropic_format import to_anthropic
from services.llm.neutral import to_neutral
from services.llm.neutral_kinds import RENDERERS
from services.llm.openai_format import to_openai
from services.llm.provider import (
    ModelInfo,
    ModelRequest,
)

AT = "2026-11-20T09:00:00.000Z"
PAYLOAD: TypeAdapter[Payload] = TypeAdapter(Payload)
SEEING = ModelInfo("m", "p", 100_000, 4_000, vision=True, tools=True)
BLIND = ModelInfo("m", "p", 100_000, 4_000, vision=False, tools=True)
WORDS_ONLY = ModelInfo("m", "p", 100_000, 4_000, vision=True, tools=False)
TOOLS = (ToolSpec("search", "Finds.", {"type": "object"}),)


def message(kind: Kind, payload: Mapping[str, Any] | None, content: str = "", role: Role = "agent") -> Message:
    return Message(
        id="m",
        ordinal=1,
        role=role,
        content=content,
        message_type=message_type_of(kind),
        kind=kind,
        payload=None if payload is None else PAYLOAD.validate_python({"kind": kind, **payload}),
        created_at_utc=AT,
        author="ann",
    )


CALL = {"callId": "c1", "name": "search", "arguments": {"query": "x"}, "risk": "read_only", "status": "done"}
RESULT = {"callId": "c1", "name": "search", "status": "ok", "output": "a.py:3", "durationMs": 5}
REQUEST = message("tool_request", {"calls": [CALL]}, "search")
ANSWER = message("tool_result", RESULT, "a.py:3", "system")
MCP_REQUEST = message("mcp_tool_request", {"server": "git", "calls": [CALL]}, "search")
MCP_ANSWER = message("mcp_tool_result", {"server": "git", **RESULT}, "a.py:3", "system")

# What is said before the message, the message's kind first among them: a result is nothing without its call.
HISTORIES: dict[Kind, tuple[Message, ...]] = {
    "text": (message("text", {"text": "hi"}, "hi", "user"),),
    "streaming_response": (message("streaming_response", {"model": "m"}, "hello"),),
    "plan": (message("plan", {"items": [{"id": "1", "text": "dig", "status": "done"}, {"id": "2", "text": "sow"}]}),),
    "image": (message("image", {"source": "base64", "data": "AAAA", "mimeType": "image/png"}, "Look", "user"),),
    "file_reference": (
        message("file_reference", {"path": "a.py", "startLine": 2, "endLine": 3, "content": "x\ny\n"}, "See", "user"),
    ),
    "project_structure": (
        message("project_structure", {"root": "p", "type": "tree", "content": "a/\n", "generatedAt": AT}),
    ),
    "tool_request": (REQUEST,),
    "tool_result": (REQUEST, ANSWER),
    "mcp_tool_request": (MCP_REQUEST,),
    "mcp_tool_result": (MCP_REQUEST, MCP_ANSWER),
    "mcp_resource": (
        message(
            "mcp_resource",
            {"server": "git", "uri": "git://log", "mimeType": "text/plain", "content": "c1", "retrievedAt": AT},
        ),
    ),
    "workflow_execution": (
        message(
            "workflow_execution",
            {"name": "w", "executionId": "1", "status": "failed", "steps": [{}, {}], "currentStep": 2, "error": "no"},
        ),
    ),
    "system_control": (
        message("system_control", {"control": "mode_switch", "parameters": {"from": "act", "to": "plan"}}),
    ),
    "processing": (message("processing", {"stage": "ocr", "startedAt": AT, "details": {"pages": 2}}),),
}

PLAN = "Plan:\n- [x] dig\n- [ ] sow"
FILE = "File a.py, lines 2-3:\n```py\nx\ny\n```"
STRUCTURE = "Project p (tree):\n```\na/\n```"
RESOURCE = "Resource git://log of git, text/plain:\n```\nc1\n```"
WORKFLOW = "Workflow w: failed, step 2 of 2\nError: no"
CONTROL = "Mode switch: from act, to plan"
PROCESSING = "Processing, ocr in progress: pages 2"
LOST = "interrupted, outcome unknown"


def calling(name: str) -> dict[str, Any]:
    function = {"name": name, "arguments": '{"query":"x"}'}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }


def returning(content: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": "c1", "content": content}


def note(text: str) -> list[dict[str, Any]]:
    return [{"role": "system", "content": text}]


OPENAI: dict[Kind, list[dict[str, Any]]] = {
    "text": [{"role": "user", "content": "hi"}],
    "streaming_response": [{"role": "assistant", "content": "hello"}],
    "plan": note(PLAN),
    "image": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            ],
        }
    ],
    "file_reference": [{"role": "user", "content": f"See\n\n{FILE}"}],
    "project_structure": note(STRUCTURE),
    "tool_request": [calling("search"), returning(LOST)],
    "tool_result": [calling("search"), returning("a.py:3")],
    "mcp_tool_request": [calling("git__search"), returning(LOST)],
    "mcp_tool_result": [calling("git__search"), returning("a.py:3")],
    "mcp_resource": note(RESOURCE),
    "workflow_execution": note(WORKFLOW),
    "system_control": note(CONTROL),
    "processing": note(PROCESSING),
}


def said(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def using(name: str) -> dict[str, Any]:
    return assistant({"type": "tool_use", "id": "c1", "name": name, "input": {"query": "x"}})


def used(content: str, *, is_error: bool = False) -> dict[str, Any]:
    return user({"type": "tool_result", "tool_use_id": "c1", "content": content, "is_error": is_error})


ASKED = user(said("Go"))

ANTHROPIC: dict[Kind, list[dict[str, Any]]] = {
    "text": [user(said("Go"), said("hi"))],
    "streaming_response": [ASKED, assistant(said("hello")), user(said("Go on."))],
    "plan": [user(said("Go"), said(f"[Note] {PLAN}"))],
    "image": [
        user(
            said("Go"),
            said("Look"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        )
    ],
    "file_reference": [user(said("Go"), said("See"), said(FILE))],
    "project_structure": [user(said("Go"), said(f"[Note] {STRUCTURE}"))],
    "tool_request": [ASKED, using("search"), used(LOST, is_error=True)],
    "tool_result": [ASKED, using("search"), used("a.py:3")],
    "mcp_tool_request": [ASKED, using("git__search"), used(LOST, is_error=True)],
    "mcp_tool_result": [ASKED, using("git__search"), used("a.py:3")],
    "mcp_resource": [user(said("Go"), said(f"[Note] {RESOURCE}"))],
    "workflow_execution": [user(said("Go"), said(f"[Note] {WORKFLOW}"))],
    "system_control": [user(said("Go"), said(f"[Note] {CONTROL}"))],
    "processing": [user(said("Go"), said(f"[Note] {PROCESSING}"))],
}


def sent(
    history: tuple[Message, ...], info: ModelInfo = SEEING, tools: tuple[ToolSpec, ...] = TOOLS, system: str = ""
) -> ModelRequest:
    return ModelRequest("m", to_neutral(history, info), "r", system=system, tools=tools)


@pytest.mark.parametrize(
    "table", [RENDERERS, HISTORIES, OPENAI, ANTHROPIC], ids=["code", "examples", "openai", "anthropic"]
)
def test_no_kind_is_missing_in_any_table(table: Mapping[Kind, object]) -> None:
    assert set(table) == set(get_args(Kind))


@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_kind_in_openais_form(kind: Kind) -> None:
    assert to_openai(sent(HISTORIES[kind])) == OPENAI[kind]


@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_kind_in_anthropics_form(kind: Kind) -> None:
    before = message("text", {"text": "Go"}, "Go", "user")
    assert to_anthropic(sent((before, *HISTORIES[kind]))) == ("", ANTHROPIC[kind])


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_kind_whose_body_has_not_come_along_breaks_nothing(kind: Kind) -> None:
    assert all(turn.parts for turn in to_neutral([message(kind, None)], SEEING))
    told = to_neutral([message(kind, None, "what stands for it")], SEEING)
    assert [turn.content for turn in told] == ([] if "tool" in kind else ["what stands for it"])


@pytest.mark.parametrize("kind", sorted(set(get_args(Kind)) - {"text", "tool_request"}))
def test_a_payload_that_only_a_newer_version_can_read_is_still_told(kind: Kind) -> None:
    foreign = message("text", {"text": "[can't show]", "foreign": {"kind": kind}}).model_copy(update={"kind": kind})
    told = [turn.content for turn in to_neutral([foreign], SEEING)]
    assert told == ([] if "tool" in kind else ["[can't show]"])


IMAGE = {"source": "base64", "data": "AAAA", "mimeType": "image/png"}
URL_IMAGE = {"source": "url", "data": "https://x/i.png", "mimeType": "image/png"}
FILE_IMAGE = {"source": "file", "data": "i.png", "mimeType": "image/png"}
UNREAD = "It can't be shown to you, and no text was read from it."


@pytest.mark.parametrize(
    ("payload", "info", "text"),
    [
        (IMAGE, BLIND, f"[Image, image/png]\n{UNREAD}"),
        ({**IMAGE, "ocrText": "EXIT"}, BLIND, "[Image, image/png]\nThe text in it:\n```\nEXIT\n```"),
        ({**IMAGE, "mode": "ocr", "ocrText": "EXIT"}, SEEING, "[Image, image/png]\nThe text in it:\n```\nEXIT\n```"),
        ({**IMAGE, "description": "A door"}, BLIND, "[Image, image/png]\nA door"),
        ({**IMAGE, "error": "too large"}, SEEING, "[Image, image/png]\nIt could not be read: too large"),
        ({**IMAGE, "mimeType": "image/svg+xml"}, SEEING, f"[Image, image/svg+xml]\n{UNREAD}"),
        (FILE_IMAGE, SEEING, f"[Image i.png, image/png]\n{UNREAD}"),
        (URL_IMAGE, BLIND, f"[Image https://x/i.png, image/png]\n{UNREAD}"),
    ],
)
def test_an_image_that_is_not_shown_is_told_of(payload: dict[str, Any], info: ModelInfo, text: str) -> None:
    (turn,) = to_neutral([message("image", payload, role="user")], info)
    assert (turn.role, turn.content, len(turn.parts)) == ("user", text, 1)


def test_an_image_by_url_and_one_from_a_file_are_shown() -> None:
    history = (
        message("image", URL_IMAGE, role="user"),
        message("image", {**FILE_IMAGE, "embedded": "BBBB"}, role="agent"),
    )
    url = "https://x/i.png"
    assert [row["content"] for row in to_openai(sent(history))] == [
        [{"type": "image_url", "image_url": {"url": url}}],
        [{"type": "image_url", "image_url": {"url": "data:image/png;base64,BBBB"}}],
    ]
    assert to_anthropic(sent(history))[1] == [
        user(
            {"type": "image", "source": {"type": "url", "url": url}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "BBBB"}},
        )
    ]


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"path": "a.py"}, "File a.py (referred to; its content was not read)"),
        ({"path": "a.py", "error": "There is no such file"}, "File a.py: There is no such file"),
        ({"path": "a.py", "startLine": 9}, "File a.py, from line 9 (referred to; its content was not read)"),
        ({"path": "a.py", "endLine": 9}, "File a.py, lines 1-9 (referred to; its content was not read)"),
        ({"path": "a.md", "content": "````\nx"}, "File a.md:\n`````md\n````\nx\n`````"),
        (
            {"path": "a", "content": "x", "cut": True},
            "File a:\n```\nx\n```\n(Cut here: ask for the lines that follow.)",
        ),
    ],
)
def test_a_file_is_told_with_its_lines_or_why_there_are_none(payload: dict[str, Any], text: str) -> None:
    (turn,) = to_neutral([message("file_reference", payload, role="user")], SEEING)
    assert turn.content == text


@pytest.mark.parametrize(
    ("result", "output", "is_error"),
    [
        ({"status": "ok", "output": "x"}, "x", False),
        ({"status": "ok"}, "(no output)", False),
        ({"status": "error", "error": "no such file", "output": "half"}, "error: no such file\nhalf", True),
        ({"status": "denied", "error": "not now"}, "denied: not now", True),
        ({"status": "timeout"}, "timeout", True),
        ({"status": "cancelled"}, "cancelled", True),
        ({"status": "interrupted", "error": LOST}, f"interrupted: {LOST}", True),
        ({"status": "ok", "output": "x", "handle": "h7"}, "x\n(More is kept under the handle h7.)", False),
        ({"status": "ok", "output": "x, more: h7", "handle": "h7"}, "x, more: h7", False),
    ],
)
def test_a_result_says_how_the_call_ended(result: dict[str, Any], output: str, is_error: bool) -> None:
    answer = message("tool_result", {"callId": "c1", "name": "search", **result}, role="system")
    _, turn = to_neutral([REQUEST, answer], SEEING)
    assert (turn.results[0].output, turn.results[0].is_error) == (output, is_error)


def test_arguments_that_were_no_json_travel_inside_an_object() -> None:
    request = message("tool_request", {"calls": [{"callId": "c1", "name": "search", "rawArguments": '{"q'}]})
    assert to_openai(sent((request,)))[0]["tool_calls"][0]["function"]["arguments"] == '{"unreadable":"{\\"q"}'


@pytest.mark.parametrize(
    ("payload", "content", "text"),
    [
        ({"control": "summary", "parameters": {"text": "We met."}}, "", "Summary: We met."),
        ({"control": "summary", "parameters": {"text": "We met."}}, "They met.", "They met."),
        ({"control": "merge"}, "", "Merge"),
        ({"control": "branch_switch", "parameters": {"to": ["a", 1]}}, "", 'Branch switch: to ["a", 1]'),
    ],
)
def test_a_control_is_told_in_words(payload: dict[str, Any], content: str, text: str) -> None:
    (turn,) = to_neutral([message("system_control", payload, content)], SEEING)
    assert (turn.role, turn.content) == ("system", text)


def test_what_else_a_note_can_say() -> None:
    history = [
        message("plan", {"items": []}),
        message("workflow_execution", {"name": "w", "executionId": "1", "status": "completed", "result": "42"}),
        message("processing", {"stage": "ocr", "startedAt": AT, "finishedAt": AT}),
        message(
            "project_structure",
            {"root": "p", "type": "files", "content": "a", "generatedAt": AT, "excluded": ["node_modules", "dist"]},
        ),
    ]
    assert [turn.content for turn in to_neutral(history, SEEING)] == [
        "Workflow w: completed\nResult: 42",
        "Processing, ocr finished",
        "Project p (files):\n```\na\n```\nLeft out: node_modules, dist",
    ]


def test_a_model_without_tools_is_told_of_calls_in_words() -> None:
    turns = to_neutral([REQUEST, ANSWER, *HISTORIES["image"]], WORDS_ONLY)
    assert [(turn.role, turn.content) for turn in turns] == [
        ("assistant", '[Called search with {"query":"x"}]'),
        ("user", "[Result of search]\na.py:3"),
        ("user", "Look"),
    ]


def test_anthropic_is_told_of_calls_in_words_when_the_request_offers_no_tools() -> None:
    _, turns = to_anthropic(sent((REQUEST, ANSWER), tools=()))
    assert turns == [
        user(said("(The conversation goes on from here.)")),
        assistant(said('[Called search with {"query":"x"}]')),
        user(said("[Result of search]\na.py:3")),
    ]


def test_the_prompt_stands_first_and_anthropic_joins_the_first_notes_to_it() -> None:
    history = (message("text", {"text": "be kind"}, "be kind", "system"), *HISTORIES["text"], *HISTORIES["plan"])
    asked = sent(history, system="Be brief.")
    assert to_openai(asked)[:2] == [*note("Be brief."), *note("be kind")]
    assert to_anthropic(asked) == ("Be brief.\n\nbe kind", [user(said("hi"), said(f"[Note] {PLAN}"))])


def test_anthropic_gets_a_user_even_from_an_empty_history() -> None:
    assert to_anthropic(sent(())) == ("", [user(said("(The conversation goes on from here.)"))])


def test_ids_and_names_that_an_api_refuses_become_ones_that_it_takes() -> None:
    odd, long = "functions.search:0", "x" * 41
    calls = [
        {"callId": odd, "name": "repo/search"},
        {"callId": long, "name": ""},
        {"callId": "fine-1", "name": "n" * 80},
    ]
    asked = sent((message("tool_request", {"calls": calls}),))
    rows = to_openai(asked)
    ids = [call["id"] for call in rows[0]["tool_calls"]]
    assert (ids[0], ids[2], len(ids[1])) == (odd, "fine-1", 29)
    assert [row["tool_call_id"] for row in rows[1:]] == ids
    assert [c["function"]["name"] for c in rows[0]["tool_calls"]] == ["repo_search", "unnamed_tool", "n" * 64]
    _, (_, use, result) = to_anthropic(asked)
    used_ids = [block["id"] for block in use["content"]]
    assert used_ids[0].startswith("call_")
    assert used_ids[1:] == [long, "fine-1"]
    assert [block["tool_use_id"] for block in result["content"]] == used_ids
