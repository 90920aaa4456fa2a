"""Results with parts of kinds that nobody knows: what can be read is kept, and what was left out is named."""

from __future__ import annotations

from typing import Any

import pytest
from mcp.shared.message import SessionMessage
from mcp_types import CallToolResult, JSONRPCResponse, ReadResourceResult

from services.mcp.guard import Guard
from services.mcp.results import output_of

GOOD = {"type": "text", "text": "good"}


def heard(result: dict[str, Any]) -> dict[str, Any]:
    """The result as it comes through."""
    message = JSONRPCResponse(jsonrpc="2.0", id=1, result=result)
    Guard().check(SessionMessage(message))
    return message.result


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ({"type": "video", "data": "AAAA", "mimeType": "video/mp4"}, "video/mp4"),
        ({"type": "image"}, "image"),
        ({"type": "resource", "resource": {"uri": "a:b"}}, "a:b"),
        ({"kind": "novelty"}, "novelty"),
        ({"type": "markdown", "text": "said"}, "said"),
        (7, "7"),
        (None, "null"),
        ("bare", "bare"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_part_of_an_unknown_kind_spoils_nothing_beside_it(part: object, named: str, first: bool) -> None:
    content = [part, GOOD] if first else [GOOD, part]
    text = output_of(CallToolResult.model_validate(heard({"content": content}))).text
    assert "good" in text
    assert named in text
    assert "AAAA" not in text


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"content": "alone"}, "alone"),
        ({"content": GOOD}, "good"),
        ({"content": None, "isError": False}, ""),
        ({"structuredContent": {"a": 1}}, '{"a": 1}'),
    ],
)
def test_content_in_another_form_is_read(result: dict[str, Any], expected: str) -> None:
    assert output_of(CallToolResult.model_validate(heard(result))).text == expected


def test_contents_of_a_resource_that_have_no_form_are_named() -> None:
    contents = [{"uri": "a:1", "text": "good"}, {"uri": "a:2", "number": 5}]
    read = ReadResourceResult.model_validate(heard({"contents": contents}))
    assert len(read.contents) == 2
    assert "number" in str(read.contents[1])
