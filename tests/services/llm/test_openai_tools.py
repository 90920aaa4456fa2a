"""Tool calls through the OpenAI provider: however the endpoint cuts, numbers and names them, they come out whole."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from openai_loopback import Behaviour, LoopCall, OpenAILoopback
from patience import HANG_S

from models.clock import SYSTEM_CLOCK
from models.errors import ProviderBroken, ProviderError
from models.tools import ToolSpec
from models.usage import Usage
from services.llm.openai import OpenAIProvider
from services.llm.provider import (
    Finished,
    ModelEvent,
    ModelMessage,
    ModelRequest,
    TextDelta,
    ToolCallPart,
    ToolCallReady,
    ToolResultPart,
)

SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
SEARCH = ToolSpec("search", "Finds text.", SCHEMA)
HISTORY = (ModelMessage.text("user", "Where is it?"),)
ONE = (LoopCall("search_everywhere", '{"query": "state machine"}', "call_a"),)
TWO = (LoopCall("search", '{"query": "a"}', "call_a"), LoopCall("read_file", '{"path": "b.py"}', "call_b"))


def request(messages: tuple[ModelMessage, ...] = HISTORY, tools: tuple[ToolSpec, ...] = (SEARCH,)) -> ModelRequest:
    return ModelRequest("openai:loop-1", messages, "request-7", system="Be brief.", tools=tools)


async def reply(
    behaviour: Behaviour, asked: ModelRequest | None = None
) -> tuple[list[ModelEvent], ProviderError | None, dict[str, Any]]:
    """The events that came, the error that ended them, and what was sent."""
    events: list[ModelEvent] = []
    failure: ProviderError | None = None
    async with OpenAILoopback(behaviour) as server:
        provider = OpenAIProvider(clock=SYSTEM_CLOCK, api_key="sk-1", base_url=server.base_url)
        try:
            async with asyncio.timeout(HANG_S):
                async for event in provider.stream(asked or request()):
                    events.append(event)
        except ProviderError as error:
            failure = error
        finally:
            await provider.aclose()
    return events, failure, server.exchanges[0].body


def calls_of(events: list[ModelEvent]) -> list[tuple[str, str, str]]:
    ready = [event for event in events if isinstance(event, ToolCallReady)]
    return [(call.call_id, call.name, call.arguments_json) for call in ready]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
async def test_a_call_in_fragments_of_any_size_comes_out_whole_behind_the_text(size: int) -> None:
    events, error, _ = await reply(Behaviour(calls=ONE, fragment_chars=size))
    assert error is None
    assert events == [
        *(TextDelta(word) for word in Behaviour().words),
        ToolCallReady("call_a", "search_everywhere", '{"query": "state machine"}'),
        Finished("tool_calls", Usage(input_tokens=11, output_tokens=4)),
    ]


@pytest.mark.parametrize("quirk", ["", "interleaved", "no_index", "same_index", "repeated_head", "object_arguments"])
async def test_parallel_calls_are_told_apart_however_they_are_numbered(quirk: Any) -> None:
    events, error, _ = await reply(Behaviour(calls=TWO, quirk=quirk, words=()))
    assert error is None
    assert calls_of(events) == [
        ("call_a", "search", '{"query": "a"}'),
        ("call_b", "read_file", '{"path": "b.py"}'),
    ]


async def test_two_calls_with_one_id_get_two() -> None:
    twice = (LoopCall("search", "{}", "call_a"), LoopCall("search", "{}", "call_a"))
    events, _, _ = await reply(Behaviour(calls=twice))
    first, second = (call[0] for call in calls_of(events))
    assert first == "call_a"
    assert second.startswith("call_")
    assert second != first


async def test_an_id_that_the_history_uses_is_replaced() -> None:
    history = (
        *HISTORY,
        ModelMessage("assistant", (ToolCallPart("call_a", "search", {}),)),
        ModelMessage("tool", (ToolResultPart("call_a", "search", "nothing"),)),
    )
    events, _, _ = await reply(Behaviour(calls=ONE), request(history))
    assert calls_of(events)[0][0] != "call_a"


async def test_calls_without_ids_get_some_and_the_same_request_the_same() -> None:
    behaviour = Behaviour(calls=TWO, quirk="no_id")
    first, second = [calls_of((await reply(behaviour))[0]) for _ in range(2)]
    assert first == second
    assert len({call_id for call_id, _, _ in first}) == 2
    assert all(call_id.startswith("call_") for call_id, _, _ in first)


async def test_a_call_without_a_name_is_one_of_a_tool_that_nobody_has() -> None:
    events, _, _ = await reply(Behaviour(calls=ONE, quirk="no_name"))
    assert calls_of(events) == [("call_a", "unnamed_tool", '{"query": "state machine"}')]


@pytest.mark.parametrize("arguments", ['{"query": ', "query=x", "", "[1]", '{"query": "a"}}'])
async def test_arguments_that_are_no_json_are_kept_as_they_are(arguments: str) -> None:
    events, error, _ = await reply(Behaviour(calls=(LoopCall("search", arguments),)))
    assert error is None
    assert calls_of(events) == [("call_a", "search", arguments)]


async def test_an_unknown_tool_is_passed_on() -> None:
    events, _, _ = await reply(Behaviour(calls=(LoopCall("teleport"),)))
    assert calls_of(events) == [("call_a", "teleport", "{}")]


async def test_calls_that_finish_with_stop_are_calls_all_the_same() -> None:
    events, _, _ = await reply(Behaviour(calls=ONE, reason="end"))
    assert len(calls_of(events)) == 1
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "end"


async def test_missing_usage_leaves_the_calls_whole() -> None:
    events, error, _ = await reply(Behaviour(calls=ONE, usage=False))
    assert error is None
    assert len(calls_of(events)) == 1
    assert events[-1] == Finished("tool_calls", None)


async def test_the_older_form_of_calls_is_taken_too() -> None:
    events, error, _ = await reply(Behaviour(calls=ONE, quirk="function_call"))
    assert error is None
    ((call_id, name, arguments),) = calls_of(events)
    assert (call_id[:5], name, arguments) == ("call_", "search_everywhere", '{"query": "state machine"}')


async def test_a_refusal_is_text_and_a_reason_of_its_own() -> None:
    events, _, _ = await reply(Behaviour("refusal", words=("I will ", "not.")))
    assert events == [
        TextDelta("I will "),
        TextDelta("not."),
        Finished("refusal", Usage(input_tokens=11, output_tokens=2)),
    ]


@pytest.mark.parametrize("position", range(13))
async def test_a_stream_that_dies_at_any_position_makes_no_call(position: int) -> None:
    """12 chunks come before the finish reason; from it on the reply is whole."""
    behaviour = Behaviour(calls=TWO, words=("Look. ",), fragment_chars=5, drop_at=position)
    events, error, _ = await reply(behaviour)
    assert isinstance(error, ProviderBroken)
    assert calls_of(events) == []
    assert error.retryable


async def test_a_stream_that_dies_after_the_finish_reason_has_made_its_calls() -> None:
    events, error, _ = await reply(Behaviour("dropped_after_finish", calls=TWO))
    assert error is None
    assert len(calls_of(events)) == 2
    assert events[-1] == Finished("tool_calls", None)


@pytest.mark.parametrize(
    "delta",
    [
        '{"tool_calls": 5}',
        '{"tool_calls": null}',
        '{"tool_calls": []}',
        '{"tool_calls": "none"}',
    ],
)
async def test_calls_that_carry_nothing_are_passed_over(delta: str) -> None:
    chunk = f'{{"choices": [{{"index": 0, "delta": {delta}}}]}}'
    events, error, _ = await reply(Behaviour("malformed", chunk=chunk))
    assert error is None
    assert calls_of(events) == []


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        # Neither number nor id, twice the same tool.
        (
            ['{"function": {"name": "look", "arguments": "{\\"a\\": 1}"}}'] * 2,
            [("look", '{"a": 1}'), ("look", '{"a": 1}')],
        ),
        # The name again with each piece, and no id.
        (
            [
                '{"index": 0, "function": {"name": "look", "arguments": "{\\"a\\":"}}',
                '{"index": 0, "function": {"name": "look", "arguments": " 1}"}}',
            ],
            [("look", '{"a": 1}')],
        ),
        # Another name behind arguments, and neither number nor id.
        (
            ['{"function": {"name": "look", "arguments": "{}"}}', '{"function": {"name": "go", "arguments": "{}"}}'],
            [("look", "{}"), ("go", "{}")],
        ),
        # The name beside the arguments and not inside a function, numbers as text, an id that counts.
        (['{"index": "0", "id": 7, "name": "look", "arguments": {"a": 1}}'], [("look", '{"a": 1}')]),
        # The name in pieces, an id with the first alone.
        (
            [
                '{"index": 0, "id": "c", "function": {"name": "lo"}}',
                '{"index": 0, "function": {"name": "ok", "arguments": ""}}',
                '{"index": 0, "id": null, "function": {"name": null, "arguments": "{}"}}',
            ],
            [("look", "{}")],
        ),
    ],
)
async def test_calls_come_out_whole_in_every_form(deltas: list[str], expected: list[tuple[str, str]]) -> None:
    chunks = [f'{{"choices": [{{"delta": {{"tool_calls": [{delta}]}}}}]}}' for delta in deltas]
    events, error, _ = await reply(Behaviour("malformed", chunk="\n\ndata: ".join(chunks), words=()))
    assert error is None
    assert [call[1:] for call in calls_of(events)] == expected
    assert len({call[0] for call in calls_of(events)}) == len(expected), "each has an id of its own"


@pytest.mark.parametrize("fragment", ["7", '{"index": "x"}', "{}"])
async def test_fragments_that_say_nothing_are_a_call_without_a_name(fragment: str) -> None:
    chunk = f'{{"choices": [{{"index": 0, "delta": {{"tool_calls": [{fragment}]}}}}]}}'
    events, error, _ = await reply(Behaviour("malformed", chunk=chunk))
    assert error is None
    assert [name for _, name, _ in calls_of(events)] == ["unnamed_tool"]


async def test_a_failure_inside_the_stream_after_a_call_began_is_broken() -> None:
    """Not "unavailable": something had been produced."""
    _, error, _ = await reply(Behaviour("error_event", after=0, calls=ONE, code=503))
    assert isinstance(error, ProviderBroken)


async def test_prompt_tools_calls_and_results_travel_in_the_apis_form() -> None:
    history = (
        *HISTORY,
        ModelMessage("assistant", (ToolCallPart("call_1", "search", {"query": "ü"}),)),
        ModelMessage("tool", (ToolResultPart("call_1", "search", "a.py:3"),)),
    )
    _, error, body = await reply(Behaviour(), request(history))
    assert error is None
    assert body["tools"] == [
        {"type": "function", "function": {"name": "search", "description": "Finds text.", "parameters": SCHEMA}}
    ]
    function = {"name": "search", "arguments": '{"query":"ü"}'}
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Where is it?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "a.py:3"},
    ]


async def test_without_tools_the_request_says_nothing_of_them() -> None:
    _, _, body = await reply(Behaviour(), request(tools=()))
    assert "tools" not in body
