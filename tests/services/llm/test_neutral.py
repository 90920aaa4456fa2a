"""I9: whatever the history, no call is unpaired and each API gets turns in its order. Taken out for the check: the
`setdefault` in `_first_results`, the made-up result in `_Pairing.answer`, `_without`."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from anthropic_loopback import problem_with
from hypothesis import given
from hypothesis import strategies as st

from models.messages import Message, MessageStatus, Role, message_type_of
from models.payloads import (
    FileReferencePayload,
    ImagePayload,
    McpToolRequestPayload,
    McpToolResultPayload,
    Payload,
    StreamingResponsePayload,
    TextPayload,
    ToolCall,
    ToolRequestPayload,
    ToolResultPayload,
)
from models.tools import ToolSpec
from services.llm.anthropic_format import anthropic_tools, to_anthropic
from services.llm.neutral import DENIED, INTERRUPTED, countable_message, countable_text, to_neutral
from services.llm.openai_format import to_openai
from services.llm.provider import (
    ImagePart,
    ModelInfo,
    ModelMessage,
    ModelRequest,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

INFO = ModelInfo("m", "p", 100_000, 4_000, vision=True, tools=True)
TOOLS = (ToolSpec("search", "Finds.", {"type": "object"}),)


def message(payload: Payload, content: str, role: Role, status: MessageStatus = "complete") -> Message:
    return Message(
        id="m",
        ordinal=1,
        role=role,
        content=content,
        message_type=message_type_of(payload.kind),
        kind=payload.kind,
        payload=payload,
        status=status,
        created_at_utc="2026-11-20T09:00:00.000Z",
        author="ann",
    )


def user(text: str, status: MessageStatus = "complete") -> Message:
    return message(TextPayload(text=text), text, "user", status)


def reply(text: str, status: MessageStatus = "complete") -> Message:
    return message(StreamingResponsePayload(model="m"), text, "agent", status)


def request(*ids: str, status: Any = "done") -> Message:
    calls = tuple(ToolCall(call_id=each, name="search", arguments={}, status=status) for each in ids)
    return message(ToolRequestPayload(calls=calls), "search", "agent")


def result(call_id: str, output: str = "found") -> Message:
    return message(ToolResultPayload(call_id=call_id, name="search", status="ok", output=output), output, "system")


def told(*history: Message) -> list[tuple[str, list[str]]]:
    """Role and parts of each turn, in short: "a?" is a call, "a=found" its result."""
    return [(turn.role, [_short(part) for part in turn.parts]) for turn in to_neutral(history, INFO)]


def _short(part: Any) -> str:
    match part:
        case ToolCallPart():
            return f"{part.call_id}?"
        case ToolResultPart():
            return f"{part.call_id}={part.output}"
        case _:
            return str(part.text)


def test_a_reply_and_its_calls_are_one_turn_and_the_results_the_next() -> None:
    assert told(user("hi"), reply("Look."), request("a", "b"), result("a"), result("b"), reply("There.")) == [
        ("user", ["hi"]),
        ("assistant", ["Look.", "a?", "b?"]),
        ("tool", ["a=found", "b=found"]),
        ("assistant", ["There."]),
    ]


def test_calls_with_no_words_before_them_in_two_steps_stay_two_turns() -> None:
    assert told(request("a"), result("a"), request("b"), result("b")) == [
        ("assistant", ["a?"]),
        ("tool", ["a=found"]),
        ("assistant", ["b?"]),
        ("tool", ["b=found"]),
    ]


def test_two_requests_of_one_step_are_one_turn() -> None:
    other = ToolCall(call_id="b", name="log", arguments={})
    mcp = message(McpToolRequestPayload(server="git", calls=(other,)), "log", "agent")
    answer = McpToolResultPayload(server="git", call_id="b", name="log", status="ok", output="c1")
    assert told(request("a"), mcp, result("a"), message(answer, "c1", "system")) == [
        ("assistant", ["a?", "b?"]),
        ("tool", ["a=found", "b=c1"]),
    ]


def test_a_result_that_is_missing_is_made_up() -> None:
    assert told(request("a", "b"), result("b"), user("go on")) == [
        ("assistant", ["a?", "b?"]),
        ("tool", [f"a={INTERRUPTED}", "b=found"]),
        ("user", ["go on"]),
    ]


def test_a_denied_call_without_a_result_is_not_called_unknown() -> None:
    assert told(request("a", status="denied"))[1] == ("tool", [f"a={DENIED}"])


def test_results_stand_in_the_order_of_the_calls() -> None:
    assert told(request("a", "b"), result("b"), result("a"))[1] == ("tool", ["a=found", "b=found"])


def test_what_was_said_meanwhile_stands_behind_the_results() -> None:
    assert told(request("a"), user("hurry"), result("a"), reply("Done.")) == [
        ("assistant", ["a?"]),
        ("tool", ["a=found"]),
        ("user", ["hurry"]),
        ("assistant", ["Done."]),
    ]


def test_results_without_a_call_before_them_are_left_out() -> None:
    assert told(result("a"), user("hi"), request("a")) == [
        ("user", ["hi"]),
        ("assistant", ["a?"]),
        ("tool", [f"a={INTERRUPTED}"]),
    ]


def test_of_two_results_and_of_two_calls_with_one_id_the_first_counts() -> None:
    assert told(
        request("a"), result("a", "first"), result("a", "second"), reply("Hm."), request("a"), reply("So.")
    ) == [
        ("assistant", ["a?"]),
        ("tool", ["a=first"]),
        ("assistant", ["Hm.", "So."]),
    ]


def test_replies_that_broke_off_are_left_out_and_their_calls_kept() -> None:
    calls = request("a").model_copy(update={"status": "interrupted"})
    assert told(user("hi"), reply("half a", "interrupted"), reply("ha", "error"), calls, user("again", "error")) == [
        ("user", ["hi"]),
        ("assistant", ["a?"]),
        ("tool", [f"a={INTERRUPTED}"]),
    ]


def test_a_cancelled_reply_was_read_and_stays() -> None:
    assert told(user("hi"), reply("half a", "cancelled")) == [("user", ["hi"]), ("assistant", ["half a"])]


def test_words_behind_calls_begin_another_turn() -> None:
    assert told(request("a"), reply("meanwhile")) == [
        ("assistant", ["a?"]),
        ("tool", [f"a={INTERRUPTED}"]),
        ("assistant", ["meanwhile"]),
    ]


def test_empty_replies_are_left_out_unless_they_call() -> None:
    assert told(user("hi"), reply(""), reply(" \n"), request("a"), result("a"), reply("")) == [
        ("user", ["hi"]),
        ("assistant", ["a?"]),
        ("tool", ["a=found"]),
    ]


def test_everything_that_costs_tokens_can_be_counted() -> None:
    parts = (
        TextPart("hi"),
        ToolCallPart("a", "search", {"query": "x"}),
        ToolResultPart("a", "search", "found"),
        ImagePart("image/png", "AAAA"),
    )
    assert countable_text(ModelMessage("user", parts)) == 'hi\nsearch {"query":"x"}\nfound\n'


def test_a_message_by_itself_can_be_counted_with_all_that_its_payload_says() -> None:
    file = FileReferencePayload(path="a.py", content="x = 1")
    image = ImagePayload(source="base64", data="AAAA", mime_type="image/png")
    counted = countable_message(message(file, "", "user"), INFO)
    assert counted is not None
    assert "x = 1" in counted[0]
    assert countable_message(message(image, "Look", "user"), INFO) == ("Look\n", 1)
    assert countable_message(request("a"), INFO) == ("search {}", 0)
    assert countable_message(reply("half a", "error"), INFO) is None


@pytest.mark.parametrize("part", [ToolCallPart("a", "t", {}), ToolResultPart("a", "t", "x")])
def test_calls_in_a_users_turn_with_images_are_a_mistake_of_ours(part: Any) -> None:
    turn = ModelMessage("user", (ImagePart("image/png", "AAAA"), part))
    with pytest.raises(TypeError):
        to_openai(ModelRequest("m", (turn,), "r"))


IDS = st.sampled_from(["a", "b", "c", "d.1", "x" * 50])
WORDS = st.sampled_from(["", " ", "hi", "so"])
STATUSES: st.SearchStrategy[MessageStatus] = st.sampled_from(["complete", "interrupted", "error", "cancelled"])
HISTORIES = st.lists(
    st.one_of(
        st.builds(user, WORDS, STATUSES),
        st.builds(reply, WORDS, STATUSES),
        st.builds(lambda text: message(TextPayload(text=text), text, "system"), WORDS),
        st.lists(IDS, max_size=4).map(lambda ids: request(*ids)),
        st.builds(result, IDS, WORDS),
    ),
    max_size=14,
)


@given(HISTORIES)
def test_i9_no_call_is_unpaired_in_any_form(history: list[Message]) -> None:
    turns = to_neutral(history, INFO)
    for before, after in pairwise((*turns, ModelMessage("user", ()))):
        assert [call.call_id for call in before.calls] == [each.call_id for each in after.results]
    asked = [call.call_id for turn in turns for call in turn.calls]
    requested = [m.payload for m in history if isinstance(m.payload, ToolRequestPayload)]
    assert set(asked) == {call.call_id for payload in requested for call in payload.calls}
    assert len(set(asked)) == len(asked)
    assert not turns or not turns[0].results
    assert all(turn.parts for turn in turns)


@given(HISTORIES, st.booleans())
def test_i9_anthropic_takes_whatever_the_history(history: list[Message], offered: bool) -> None:
    """By the rules of the real API, which the loopback server enforces too."""
    asked = ModelRequest("m", to_neutral(history, INFO), "r", tools=TOOLS if offered else ())
    _, turns = to_anthropic(asked)
    assert problem_with({"messages": turns, "tools": anthropic_tools(asked.tools)}) is None


@given(HISTORIES)
def test_i9_openai_gets_results_right_behind_their_calls(history: list[Message]) -> None:
    rows = to_openai(ModelRequest("m", to_neutral(history, INFO), "r", tools=TOOLS))
    waiting: list[str] = []
    for row in rows:
        if row["role"] == "tool":
            assert row["tool_call_id"] == waiting.pop(0)
            continue
        assert waiting == []
        waiting = [call["id"] for call in row.get("tool_calls", [])]
        assert row["content"] or waiting
        assert all(json.loads(call["function"]["arguments"]) == {} for call in row.get("tool_calls", []))
    assert waiting == []
