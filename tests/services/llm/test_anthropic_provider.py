"""The Anthropic provider: the real SDK against the loopback API, every way a reply can go."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from anthropic_loopback import AnthropicLoopback, Reply, Use, events_of
from patience import HANG_S

from models.clock import SYSTEM_CLOCK
from models.errors import InvalidArgument, ProviderBroken, ProviderError, ProviderRefused, ProviderUnavailable
from models.tools import ToolSpec
from models.usage import Usage
from services.llm.anthropic import AnthropicProvider
from services.llm.anthropic_events import AnthropicReply
from services.llm.capabilities import describe_anthropic
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

pytest.importorskip("anthropic", reason="the extra anthropic is not installed")

KEY = "sk-loopback-0123456789"
SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}}
SEARCH = ToolSpec("search", "Finds text.", SCHEMA)
WORDS = [TextDelta(word) for word in Reply().words]
TWO = (Use("search", '{"query": "a"}', "toolu_a"), Use("read_file", '{"path": "b.py"}', "toolu_b"))


def request(*messages: ModelMessage, tools: tuple[ToolSpec, ...] = (SEARCH,), text: str = "Hi") -> ModelRequest:
    said = messages or (ModelMessage.text("user", text),)
    return ModelRequest("anthropic:claude-sonnet-loop", said, "request-7", system="Be brief.", tools=tools)


@asynccontextmanager
async def provider_for(base_url: str, **options: Any) -> AsyncIterator[AnthropicProvider]:
    provider = AnthropicProvider(clock=SYSTEM_CLOCK, api_key=KEY, base_url=base_url, **options)
    try:
        yield provider
    finally:
        await provider.aclose()


async def collected(
    provider: AnthropicProvider, asked: ModelRequest | None = None
) -> tuple[list[ModelEvent], ProviderError | None]:
    events: list[ModelEvent] = []
    try:
        async with asyncio.timeout(HANG_S):
            async for event in provider.stream(asked or request()):
                events.append(event)
    except ProviderError as error:
        return events, error
    return events, None


async def reply(planned: Reply, **options: Any) -> tuple[list[ModelEvent], ProviderError | None]:
    async with AnthropicLoopback(planned) as server, provider_for(server.base_url, **options) as provider:
        return await collected(provider)


def calls_of(events: list[ModelEvent]) -> list[tuple[str, str, str]]:
    ready = [event for event in events if isinstance(event, ToolCallReady)]
    return [(call.call_id, call.name, call.arguments_json) for call in ready]


async def test_text_is_streamed_and_ends_with_reason_and_usage() -> None:
    events, error = await reply(Reply())
    assert error is None
    assert events == [*WORDS, Finished("stop", Usage(input_tokens=11, output_tokens=4))]


async def test_thinking_is_passed_over() -> None:
    events, error = await reply(Reply(thinking="hm"))
    assert error is None
    assert events[:4] == WORDS


@pytest.mark.parametrize("size", [1, 3, 1_000])
async def test_calls_in_fragments_of_any_size_come_out_whole_behind_the_text(size: int) -> None:
    events, error = await reply(Reply(calls=TWO, fragment_chars=size))
    assert error is None
    assert events[:4] == WORDS
    assert calls_of(events) == [
        ("toolu_a", "search", '{"query": "a"}'),
        ("toolu_b", "read_file", '{"path": "b.py"}'),
    ]
    assert events[-1] == Finished("tool_calls", Usage(input_tokens=11, output_tokens=4))


async def test_two_calls_with_one_id_get_two() -> None:
    events, _ = await reply(Reply(calls=(Use("search"), Use("search"))))
    first, second = (call[0] for call in calls_of(events))
    assert (first, second.startswith("call_")) == ("toolu_a", True)


async def test_a_call_whose_arguments_come_with_its_head_has_them() -> None:
    block = {"type": "tool_use", "id": "toolu_a", "name": "search", "input": {"query": "a"}}
    start = json.dumps({"type": "content_block_start", "index": 0, "content_block": block})
    events, _ = await reply(Reply(events=(("content_block_start", start), *_ending("tool_use"))))
    assert calls_of(events) == [("toolu_a", "search", '{"query": "a"}')]


async def test_a_call_without_id_and_name_gets_both() -> None:
    start = '{"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use"}}'
    events, error = await reply(Reply(events=(("content_block_start", start), *_ending("tool_use"))))
    assert error is None
    ((call_id, name, arguments),) = calls_of(events)
    assert (call_id.startswith("call_"), name, arguments) == (True, "unnamed_tool", "")


@pytest.mark.parametrize("arguments", ['{"query": ', "query=x", ""])
async def test_arguments_that_are_no_json_are_kept_as_they_are(arguments: str) -> None:
    events, error = await reply(Reply(calls=(Use("search", arguments),)))
    assert error is None
    assert calls_of(events) == [("toolu_a", "search", arguments)]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
        ("pause_turn", "pause_turn"),
    ],
)
async def test_reasons_are_told_in_the_words_of_all_providers(given: str, reason: str) -> None:
    events, _ = await reply(Reply(stop_reason=given))
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == reason


async def test_an_empty_reply_finishes() -> None:
    events, error = await reply(Reply(words=()))
    assert error is None
    assert events == [Finished("stop", Usage(input_tokens=11, output_tokens=0))]


async def test_missing_usage_is_none() -> None:
    events, error = await reply(Reply(usage=False, calls=TWO))
    assert error is None
    assert events[-1] == Finished("tool_calls", None)


LAST = len(events_of(Reply(calls=TWO))) - 1


@pytest.mark.parametrize("position", range(LAST + 1))
async def test_a_stream_that_dies_before_its_reason_is_broken_and_makes_no_call(position: int) -> None:
    events, error = await reply(Reply(calls=TWO, drop_at=position))
    if position == LAST:
        assert error is None
        assert len(calls_of(events)) == 2
    else:
        assert isinstance(error, ProviderBroken)
        assert error.retryable
        assert calls_of(events) == []


async def test_a_stream_that_ends_without_reason_is_broken() -> None:
    _, error = await reply(Reply(events=tuple(events_of(Reply())[:-2])))
    assert isinstance(error, ProviderBroken)


def _ending(reason: str = "end_turn") -> list[tuple[str, str]]:
    return events_of(Reply(words=(), stop_reason=reason))[-2:]


async def test_an_event_that_begins_and_can_not_be_read_is_broken() -> None:
    cut = ("content_block_delta", '{"type": "content_block_delta", "index')
    _, error = await reply(Reply(events=(cut, *_ending())))
    assert isinstance(error, ProviderBroken)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("novelty", '{"type": "novelty"}'),
        ("content_block_start", '{"type": "content_block_start", "index": 0, "content_block": {"type": "novelty"}}'),
        ("content_block_start", '{"type": "content_block_start", "index": 0}'),
        ("content_block_delta", '{"type": "content_block_delta", "index": 0, "delta": {"type": "novelty"}}'),
        ("content_block_delta", '{"type": "content_block_delta", "index": 0}'),
        ("content_block_delta", '{"type": "content_block_delta", "delta": null}'),
        ("message_start", "{}"),
        ("message_start", "7"),
        ("ping", ""),
        ("ping", "ping"),
        ("message_delta", '{"type": "message_delta", "delta": null}'),
    ],
)
async def test_what_is_new_is_passed_over(name: str, data: str) -> None:
    events, error = await reply(Reply(events=((name, data), *_ending())))
    assert error is None
    assert isinstance(events[-1], Finished)


async def test_text_without_a_number_or_a_kind_is_said() -> None:
    data = '{"type": "content_block_delta", "delta": {"text": "x"}}'
    events, error = await reply(Reply(events=(("", data), *_ending())))
    assert error is None
    assert events[0] == TextDelta("x")


async def test_an_explicit_end_without_a_reason_is_an_end() -> None:
    events, error = await reply(Reply(events=(*events_of(Reply())[:-2], ("message_stop", '{"type": "message_stop"}'))))
    assert error is None
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "stop"


async def test_a_whole_message_is_taken_although_a_stream_was_asked_for() -> None:
    content = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "Yes."},
        {"type": "tool_use", "id": "toolu_a", "name": "search", "input": {"query": "a"}},
    ]
    usage = {"input_tokens": 1, "output_tokens": 2}
    whole = {"type": "message", "content": content, "stop_reason": "tool_use", "usage": usage}
    events, error = await reply(Reply(events=(("", json.dumps(whole)),)))
    assert error is None
    assert events == [
        TextDelta("Yes."),
        ToolCallReady("toolu_a", "search", '{"query": "a"}'),
        Finished("tool_calls", Usage(input_tokens=1, output_tokens=2)),
    ]


async def test_text_that_comes_with_a_blocks_head_is_said() -> None:
    start = '{"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Hm. "}}'
    events, _ = await reply(Reply(events=(("content_block_start", start), *_ending())))
    assert events[0] == TextDelta("Hm. ")


def _failing(error_type: str, *, after: int) -> Reply:
    error = json.dumps({"type": "error", "error": {"type": error_type, "message": f"lost {KEY}"}})
    return Reply(events=(*events_of(Reply())[:after], ("error", error)))


@pytest.mark.parametrize(
    ("error_type", "after", "expected"),
    [
        ("overloaded_error", 2, ProviderUnavailable),
        ("rate_limit_error", 2, ProviderUnavailable),
        ("novel_error", 2, ProviderUnavailable),
        ("overloaded_error", 5, ProviderBroken),
        ("invalid_request_error", 2, ProviderRefused),
        ("invalid_request_error", 5, ProviderRefused),
        ("authentication_error", 2, ProviderRefused),
    ],
)
async def test_errors_inside_the_stream_tell_what_to_do(error_type: str, after: int, expected: type) -> None:
    _, error = await reply(_failing(error_type, after=after))
    assert error is not None
    assert type(error) is expected
    assert error.message.endswith("lost ***")


async def test_an_error_inside_the_stream_that_is_no_json_is_passing() -> None:
    _, error = await reply(Reply(events=(("error", "upstream fell over"),)))
    assert isinstance(error, ProviderUnavailable)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ProviderRefused),
        (401, ProviderRefused),
        (404, ProviderRefused),
        (413, ProviderRefused),
        (408, ProviderUnavailable),
        (429, ProviderUnavailable),
        (500, ProviderUnavailable),
        (529, ProviderUnavailable),
    ],
)
async def test_statuses_tell_what_to_do(status: int, expected: type) -> None:
    _, error = await reply(Reply(status=status, message="bad KEY"))
    assert error is not None
    assert type(error) is expected
    assert error.details == {"status": status}
    assert error.message.endswith("bad ***")
    # A traceback in the log prints what hangs on to the error.
    assert error.__context__ is None


async def test_retry_after_is_passed_on() -> None:
    _, error = await reply(Reply(status=429, headers=(("Retry-After", "2"),)))
    assert error is not None
    assert error.details["retry_after_ms"] == 2_000


async def test_the_sdk_does_not_retry_by_itself() -> None:
    async with AnthropicLoopback(Reply(status=500)) as server, provider_for(server.base_url) as provider:
        await collected(provider)
    assert len(server.exchanges) == 1


@pytest.mark.parametrize(("hang_at", "expected"), [(2, ProviderUnavailable), (5, ProviderBroken)])
async def test_silence_ends_with_the_idle_timeout(hang_at: int, expected: type) -> None:
    _, error = await reply(Reply(hang_at=hang_at), idle_timeout_s=0.2)
    assert error is not None
    assert type(error) is expected


async def test_a_refused_connection_is_unavailable() -> None:
    with socket.socket() as bound:  # bound and not listening: nobody else can take the port meanwhile
        bound.bind(("127.0.0.1", 0))
        async with provider_for(f"http://127.0.0.1:{bound.getsockname()[1]}") as provider:
            _, error = await collected(provider)
    assert isinstance(error, ProviderUnavailable)


async def test_closing_the_iterator_closes_the_connection_at_once() -> None:
    async with AnthropicLoopback(Reply(hang_at=4)) as server, provider_for(server.base_url) as provider:
        async with aclosing(provider.stream(request())) as events:
            assert await anext(events) == TextDelta("Hello ")
        await asyncio.wait_for(server.exchanges[0].gone.wait(), HANG_S)


async def test_a_closed_provider_begins_no_stream() -> None:
    async with AnthropicLoopback() as server:
        async with provider_for(server.base_url) as provider:
            await collected(provider)
        _, error = await collected(provider)
    assert isinstance(error, ProviderUnavailable)
    assert len(server.exchanges) == 1


async def test_a_provider_that_was_never_used_closes() -> None:
    async with provider_for("http://127.0.0.1:1") as provider:
        assert provider.models() == ()


async def test_text_that_is_not_unicode_is_refused() -> None:
    async with AnthropicLoopback() as server, provider_for(server.base_url) as provider:
        _, error = await collected(provider, request(text="\ud800"))
    assert isinstance(error, ProviderRefused)
    assert server.exchanges == []


async def test_a_mistake_of_our_own_is_raised_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def take(*_: object) -> str:
        raise AttributeError("oops")

    monkeypatch.setattr(AnthropicReply, "take", take)
    with pytest.raises(AttributeError, match="oops"):
        await reply(Reply())


async def test_prompt_tools_calls_and_results_travel_in_the_apis_form() -> None:
    async with AnthropicLoopback() as server, provider_for(server.base_url) as provider:
        history = (
            ModelMessage.text("user", "Where?"),
            ModelMessage("assistant", (ToolCallPart("call_1", "search", {"query": "ü"}),)),
            ModelMessage("tool", (ToolResultPart("call_1", "search", "a.py:3"),)),
        )
        _, error = await collected(provider, request(*history))
    assert error is None
    sent = server.exchanges[0]
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["x-client-request-id"] == "request-7"
    assert sent.body["model"] == "claude-sonnet-loop"
    assert sent.body["max_tokens"] == 20_000
    assert sent.body["system"] == "Be brief."
    assert sent.body["tools"] == [{"name": "search", "description": "Finds text.", "input_schema": SCHEMA}]
    use = {"type": "tool_use", "id": "call_1", "name": "search", "input": {"query": "ü"}}
    result = {"type": "tool_result", "tool_use_id": "call_1", "content": "a.py:3", "is_error": False}
    assert sent.body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Where?"}]},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]


async def test_the_replys_limit_is_what_the_operator_says_of_the_model() -> None:
    info = describe_anthropic("claude-sonnet-loop")
    known = type(info)(info.name, "anthropic", 200_000, 1_000, vision=True, tools=True)
    async with AnthropicLoopback() as server, provider_for(server.base_url, models=(known,)) as provider:
        await collected(provider)
    assert server.exchanges[0].body["max_tokens"] == 1_000


async def test_a_missing_sdk_is_a_refusal_that_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anthropic", None)
    async with provider_for("http://127.0.0.1:1") as provider:
        _, error = await collected(provider)
    assert isinstance(error, ProviderRefused)
    assert "parley-hub[anthropic]" in error.message


@pytest.mark.parametrize(
    ("options", "field"),
    [({"api_key": "sk 1"}, "anthropic_api_key"), ({"api_key": "k", "base_url": "x"}, "anthropic_base_url")],
)
def test_settings_that_can_never_work_are_refused(options: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        AnthropicProvider(clock=SYSTEM_CLOCK, api_key=options["api_key"], base_url=options.get("base_url"))
    assert caught.value.details["field"] == field
