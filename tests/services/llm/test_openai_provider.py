"""The OpenAI provider: the real SDK against the loopback endpoint, every way a reply can go."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from openai_loopback import Behaviour, OpenAILoopback
from patience import HANG_S

from models.clock import SYSTEM_CLOCK
from models.errors import (
    InvalidArgument,
    ProviderBroken,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    forget_frames,
)
from models.usage import Usage
from services.llm.openai import OpenAIProvider
from services.llm.openai_chunks import OpenAIReply
from services.llm.provider import Finished, ModelEvent, ModelMessage, ModelRequest, TextDelta, open_stream

KEY = "sk-loopback-0123456789"


def request(model: str = "openai:loop-1", text: str = "Hello") -> ModelRequest:
    messages = (ModelMessage.text("system", "Be brief."), ModelMessage.text("user", text))
    return ModelRequest(model=model, messages=messages, request_id="request-7")


@asynccontextmanager
async def provider_for(base_url: str, **options: Any) -> AsyncIterator[OpenAIProvider]:
    provider = OpenAIProvider(clock=SYSTEM_CLOCK, api_key=KEY, base_url=base_url, **options)
    try:
        yield provider
    finally:
        await provider.aclose()


async def reply(behaviour: Behaviour, **options: Any) -> tuple[list[ModelEvent], ProviderError | None]:
    """The events that came, and the error that ended them."""
    async with OpenAILoopback(behaviour) as server, provider_for(server.base_url, **options) as provider:
        return await collected(provider)


async def collected(provider: OpenAIProvider) -> tuple[list[ModelEvent], ProviderError | None]:
    events: list[ModelEvent] = []
    try:
        async with asyncio.timeout(HANG_S):
            async for event in provider.stream(request()):
                events.append(event)
    except ProviderError as error:
        return events, error
    return events, None


async def test_normal_reply_is_streamed_and_ends_with_reason_and_usage() -> None:
    events, error = await reply(Behaviour())
    assert error is None
    assert events == [
        TextDelta("Hello "),
        TextDelta("from "),
        TextDelta("the "),
        TextDelta("loopback."),
        Finished("stop", Usage(input_tokens=11, output_tokens=4)),
    ]


async def test_request_carries_bare_model_messages_key_and_request_id() -> None:
    async with OpenAILoopback() as server, provider_for(server.base_url) as provider:
        await collected(provider)
    sent = server.exchanges[0]
    assert sent.body["model"] == "loop-1"
    assert sent.body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
    ]
    assert sent.body["stream_options"] == {"include_usage": True}
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["x-client-request-id"] == "request-7"


async def test_slow_reply_is_waited_for_while_gaps_stay_below_the_idle_timeout() -> None:
    events, error = await reply(Behaviour("slow", gap_s=0.05), idle_timeout_s=2.0)
    assert error is None
    assert len(events) == 5


async def test_other_finish_reasons_are_passed_on() -> None:
    events, _ = await reply(Behaviour(reason="length"))
    assert events[-1] == Finished("length", Usage(input_tokens=11, output_tokens=4))


async def test_empty_reply_finishes_with_its_reason_and_no_text() -> None:
    events, error = await reply(Behaviour("empty"))
    assert error is None
    assert events == [Finished("stop", Usage(input_tokens=11, output_tokens=0))]


async def test_a_failure_does_not_hold_the_request() -> None:
    """Which may be megabytes. Fails when an error and a variable of a frame that it came through hold each other."""
    for kind in ("error_event", "server_error", "broken", "malformed"):
        gc.collect()
        before = _requests()
        gc.disable()
        try:
            _, error = await reply(Behaviour(kind))
            assert error is not None
            forget_frames(error)  # as whoever answers it does
            assert _requests() <= before, kind
        finally:
            gc.enable()


def _requests() -> int:
    """Other tests may have left some."""
    return sum(isinstance(each, ModelRequest) for each in gc.get_objects())


async def test_missing_usage_is_none() -> None:
    events, error = await reply(Behaviour("no_usage"))
    assert error is None
    assert events[-1] == Finished("stop", None)


async def test_connection_lost_after_the_finish_reason_costs_only_the_usage() -> None:
    events, error = await reply(Behaviour("dropped_after_finish"))
    assert error is None
    assert events[-1] == Finished("stop", None)


async def test_connection_dropped_in_the_middle_is_broken() -> None:
    events, error = await reply(Behaviour("broken"))
    assert events == [TextDelta("Hello "), TextDelta("from ")]
    assert isinstance(error, ProviderBroken)
    assert error.retryable


async def test_connection_dropped_before_any_text_is_broken() -> None:
    events, error = await reply(Behaviour("broken", after=0))
    assert events == []
    assert isinstance(error, ProviderBroken)


@pytest.mark.parametrize("chunk", ['{"id": "chunk", "choi', "[" * 100_000, '{"choices": [{"delta": {"content": "x"}}'])
async def test_a_chunk_that_begins_and_can_not_be_read_is_broken(chunk: str) -> None:
    events, error = await reply(Behaviour("malformed", chunk=chunk))
    assert events == [TextDelta("Hello "), TextDelta("from ")]
    assert isinstance(error, ProviderBroken)


@pytest.mark.parametrize(
    "chunk",
    [
        '{"choices": []}',
        '{"choices": null}',
        '{"choices": 5}',
        '{"choices": [null]}',
        '{"choices": [{"index": 0}]}',
        '{"choices": [{"delta": null}]}',
        '{"choices": [{"delta": 7}]}',
        '{"choices": [{"delta": {"content": null, "reasoning_content": "hm", "reasoning": "hm"}}]}',
        '{"choices": [{"delta": {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}}]}',
        '{"choices": [{"delta": {"content": true}, "finish_reason": ""}]}',
        '{"object": "novelty", "data": [1, 2]}',
        '{"type": "ping"}',
        '{"error": null, "choices": []}',
        '{"prompt_filter_results": [], "choices": [], "usage": null}',
        "{}",
        "null",
        "[]",
        "[7]",
        "7",
        '"text"',
        "",
        "ping",
        "\n\n: keep-alive\n\nevent: ping\nretry: 3\nid: 4\n\nhello there",
    ],
)
async def test_what_carries_nothing_is_passed_over(chunk: str) -> None:
    events, error = await reply(Behaviour("malformed", chunk=chunk))
    assert error is None
    assert events == [
        TextDelta("Hello "),
        TextDelta("from "),
        Finished("stop", Usage(input_tokens=11, output_tokens=2)),
    ]


@pytest.mark.parametrize(
    "chunk",
    [
        '{"choices": [{"delta": {"content": ["x"]}}]}',
        '{"choices": [{"delta": {"content": [{"type": "text", "text": "x"}]}}]}',
        '{"choices": [{"delta": {"content": {"type": "text", "text": "x"}}}]}',
        '{"choices": [{"delta": {"content": [{"type": "text", "text": {"value": "x"}}]}}]}',
        '{"choices": {"delta": {"content": "x"}}}',
        '{"choices": [{"delta": "x"}]}',
        '{"choices": [{"text": "x"}]}',
        '{"object": "novelty", "choices": [{"delta": {"content": "x"}}]}',
        '[{"choices": [{"delta": {"content": "x"}}]}]',
        '{"choices": [{"delta":\ndata: {"content": "x"}}]}',
    ],
)
async def test_text_is_taken_in_every_form(chunk: str) -> None:
    events, error = await reply(Behaviour("malformed", chunk=chunk, after=0))
    assert error is None
    assert events[0] == TextDelta("x")


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("max_tokens", "length"),
        ("end_turn", "stop"),
        ("SAFETY", "content_filter"),
        ("content_filter", "content_filter"),
        ("novelty", "novelty"),
    ],
)
async def test_reasons_are_told_in_the_words_of_all_providers(reason: str, told: str) -> None:
    events, error = await reply(Behaviour(reason=reason))
    assert error is None
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == told


async def test_an_explicit_end_without_a_reason_is_an_end() -> None:
    events, error = await reply(Behaviour("malformed", chunk="[DONE]"))
    assert error is None
    assert events == [TextDelta("Hello "), TextDelta("from "), Finished("stop", None)]


WHOLE = {
    "object": "chat.completion",
    "choices": [{"message": {"role": "assistant", "content": "All of it."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4},
}


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(WHOLE),
        json.dumps(WHOLE, indent=2),
        f"data: {json.dumps(WHOLE)}",
        f"data: {json.dumps(WHOLE)}\r\n\r\ndata: [DONE]\r\n",
        f"\N{ZERO WIDTH NO-BREAK SPACE}{json.dumps([WHOLE])}",
    ],
)
async def test_a_whole_completion_is_taken_although_a_stream_was_asked_for(body: str) -> None:
    events, error = await reply(Behaviour("body", message=body))
    assert error is None
    assert events == [TextDelta("All of it."), Finished("stop", Usage(input_tokens=3, output_tokens=4))]


async def test_lines_of_json_without_any_frame_are_taken() -> None:
    lines = [
        '{"choices": [{"delta": {"content": "a\u2028"}}]}',
        '{"choices": [{"delta": {"content": "b"}, "finish_reason": "stop"}]}',
    ]
    events, error = await reply(Behaviour("body", message="\n".join(lines)))
    assert error is None
    assert events == [TextDelta("a\u2028"), TextDelta("b"), Finished("stop", None)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n", "\r\n\r\n"])
async def test_events_are_told_apart_however_their_lines_end(end: str) -> None:
    chunks = ['{"choices": [{"delta": {"content": "ä"}}]}', '{"choices": [{"delta": {}, "finish_reason": "stop"}]}']
    body = "".join(f"data:{chunk}{end}" for chunk in [*chunks, "[DONE]"])
    events, error = await reply(Behaviour("body", message=body))
    assert error is None
    assert events == [TextDelta("ä"), Finished("stop", None)]


@pytest.mark.parametrize("body", ['{"choices": [{"message": {"content": "All', '{\n"choices": [', ""])
async def test_a_body_that_is_cut_is_broken(body: str) -> None:
    _, error = await reply(Behaviour("body", message=body))
    assert isinstance(error, ProviderBroken)


@pytest.mark.parametrize(
    ("body", "words", "expected"),
    [
        ('{"error": {"message": "no such model", "code": 404}}', "no such model", ProviderRefused),
        ('[{"error": {"message": "quota", "status": "RESOURCE_EXHAUSTED"}}]', "quota", ProviderUnavailable),
        ('{"error": "overloaded"}', "overloaded", ProviderUnavailable),
        ('{"error": true, "message": "out of order"}', "out of order", ProviderUnavailable),
        ('{"detail": "Not authenticated"}', "Not authenticated", ProviderUnavailable),
        ('{"detail": [{"loc": ["body"], "msg": "field required"}]}', "field required", ProviderUnavailable),
        ('{"choices": null, "error_message": "no balance"}', "no balance", ProviderUnavailable),
        (
            '{"choices": null, "base_resp": {"status_code": 1004, "status_msg": "log in"}}',
            "log in",
            ProviderUnavailable,
        ),
        ('{"object": "error", "message": "too long", "code": 400}', "too long", ProviderRefused),
        ('{"code": 401, "msg": "bad token"}', "bad token", ProviderRefused),
        ('{"error": {"type": "insufficient_quota", "message": "empty"}}', "empty", ProviderRefused),
        ('data: {"error": {"message": "inside", "code": 503}}', "inside", ProviderUnavailable),
        ("event: error\ndata: it fell over\n\n", "it fell over", ProviderUnavailable),
        ('event: error\ndata: {"message": "it fell"}\n\n', "it fell", ProviderUnavailable),
        (
            "<!DOCTYPE html><html><title>Log in &amp; go</title>",
            "web page in place of a reply: Log in & go",
            ProviderRefused,
        ),
        ("Internal Server Error", "Internal Server Error", ProviderUnavailable),
    ],
)
async def test_a_failure_under_200_says_why(body: str, words: str, expected: type[ProviderError]) -> None:
    events, error = await reply(Behaviour("body", message=body))
    assert events == []
    assert error is not None
    assert type(error) is expected
    assert error.message.endswith(words)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ('{"delta": {}, "finish_reason": "error", "error": {"message": "the GPU is gone"}}', "the GPU is gone"),
        ('{"delta": {"content": ""}, "finish_reason": "error"}', "“error”"),
    ],
)
@pytest.mark.parametrize(("after", "expected"), [(0, ProviderUnavailable), (2, ProviderBroken)])
async def test_the_reason_error_is_a_failure(
    choice: str, words: str, after: int, expected: type[ProviderError]
) -> None:
    _, error = await reply(Behaviour("malformed", chunk=f'{{"choices": [{choice}]}}', after=after))
    assert type(error) is expected
    assert error is not None
    assert error.message.endswith(words)


@pytest.mark.parametrize("body", [[{"error": {"message": "in a list"}}], {"detail": "in a list"}, {"msg": "in a list"}])
async def test_a_refusal_says_why_in_every_form(body: object) -> None:
    _, error = await reply(Behaviour("body", status=400, message=json.dumps(body)))
    assert isinstance(error, ProviderRefused)
    assert error.message.endswith(": in a list")


async def test_refusal_is_text_too() -> None:
    chunk = '{"choices": [{"index": 0, "delta": {"refusal": "I will not."}}]}'
    events, _ = await reply(Behaviour("malformed", chunk=chunk, after=0))
    assert events[0] == TextDelta("I will not.")


async def test_usage_without_choices_is_taken() -> None:
    chunk = '{"usage": {"prompt_tokens": 3, "completion_tokens": 4}}'
    async with OpenAILoopback(Behaviour("malformed", chunk=chunk, after=0)) as server:
        async with provider_for(server.base_url) as provider:
            events, error = await collected(provider)
    assert error is None
    assert isinstance(events[-1], Finished)


async def test_stream_that_ends_without_reason_is_broken() -> None:
    events, error = await reply(Behaviour("no_finish"))
    assert len(events) == 4
    assert isinstance(error, ProviderBroken)


@pytest.mark.parametrize("kind", ["rate_limited", "server_error"])
async def test_overload_is_unavailable(kind: Any) -> None:
    events, error = await reply(Behaviour(kind))
    assert events == []
    assert isinstance(error, ProviderUnavailable)
    assert error.retryable
    assert "retry_after_ms" not in error.details


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 529])
async def test_passing_statuses_are_unavailable(status: int) -> None:
    _, error = await reply(Behaviour("status", status=status))
    assert isinstance(error, ProviderUnavailable)
    assert error.details == {"status": status}


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
async def test_lasting_statuses_are_refused(status: int) -> None:
    _, error = await reply(Behaviour("status", status=status, message="no such thing"))
    assert isinstance(error, ProviderRefused)
    assert not error.retryable
    assert error.details == {"status": status}
    assert "no such thing" in error.message


async def test_retry_after_in_seconds_is_passed_on() -> None:
    _, error = await reply(Behaviour("rate_limited", retry_after="2"))
    assert error is not None
    assert error.details["retry_after_ms"] == 2_000


async def test_retry_after_in_milliseconds_comes_first() -> None:
    _, error = await reply(Behaviour("rate_limited", retry_after="2", retry_after_ms="150"))
    assert error is not None
    assert error.details["retry_after_ms"] == 150


async def test_an_empty_purse_is_refused_although_it_says_429() -> None:
    _, error = await reply(Behaviour("rate_limited", code="insufficient_quota"))
    assert isinstance(error, ProviderRefused)


async def test_the_sdk_does_not_retry_by_itself() -> None:
    async with OpenAILoopback(Behaviour("server_error")) as server, provider_for(server.base_url) as provider:
        await collected(provider)
    assert len(server.exchanges) == 1


async def test_the_next_request_after_a_failure_works() -> None:
    async with OpenAILoopback() as server, provider_for(server.base_url) as provider:
        server.plan(Behaviour("server_error"), Behaviour("broken"))
        failures = [(await collected(provider))[1] for _ in range(3)]
    assert [type(failure) for failure in failures] == [ProviderUnavailable, ProviderBroken, type(None)]


async def test_no_error_contains_the_key() -> None:
    _, error = await reply(Behaviour("unauthorized"))
    assert isinstance(error, ProviderRefused)
    assert "Incorrect API key provided: ***" in error.message
    assert KEY not in repr(error.to_wire())
    # A traceback in the log prints what hangs on to the error.
    assert error.__context__ is None
    assert error.__cause__ is None


async def test_error_inside_the_stream_before_any_text_takes_the_upstreams_status() -> None:
    _, error = await reply(Behaviour("error_event", after=0, code=503, message="upstream is full"))
    assert isinstance(error, ProviderUnavailable)
    assert "upstream is full" in error.message


async def test_error_inside_the_stream_after_text_is_broken() -> None:
    _, error = await reply(Behaviour("error_event", code=503, message=f"lost {KEY}"))
    assert isinstance(error, ProviderBroken)
    assert error.message.endswith("lost ***")


async def test_refusal_inside_the_stream_is_refused() -> None:
    _, error = await reply(Behaviour("error_event", code=400))
    assert isinstance(error, ProviderRefused)


async def test_silence_in_the_middle_is_broken_after_the_idle_timeout() -> None:
    events, error = await reply(Behaviour("silent"), idle_timeout_s=0.2)
    assert len(events) == 2
    assert isinstance(error, ProviderBroken)


@pytest.mark.parametrize("behaviour", [Behaviour("mute"), Behaviour("silent", after=0)])
async def test_silence_from_the_start_is_unavailable_after_the_idle_timeout(behaviour: Behaviour) -> None:
    events, error = await reply(behaviour, idle_timeout_s=0.2)
    assert events == []
    assert isinstance(error, ProviderUnavailable)


async def test_refused_connection_is_unavailable() -> None:
    with socket.socket() as bound:  # bound and not listening: nobody else can take the port meanwhile
        bound.bind(("127.0.0.1", 0))
        async with provider_for(f"http://127.0.0.1:{bound.getsockname()[1]}/v1") as provider:
            events, error = await collected(provider)
    assert events == []
    assert isinstance(error, ProviderUnavailable)


async def test_connection_that_is_never_accepted_is_unavailable_after_the_connect_timeout() -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for filler in (first, second):  # a backlog of none holds one; from then on the kernel answers nobody
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        async with provider_for(url, connect_timeout_s=0.2) as provider:
            events, error = await collected(provider)
    assert events == []
    assert isinstance(error, ProviderUnavailable)


async def test_closing_the_iterator_closes_the_connection_at_once() -> None:
    async with OpenAILoopback(Behaviour("never_ending")) as server, provider_for(server.base_url) as provider:
        async with aclosing(provider.stream(request())) as events:
            assert await anext(events) == TextDelta("Hello ")
        await asyncio.wait_for(server.exchanges[0].gone.wait(), HANG_S)
    assert not server.exchanges[0].done.is_set()


async def test_leaving_open_stream_early_closes_the_connection() -> None:
    async with OpenAILoopback(Behaviour("never_ending")) as server, provider_for(server.base_url) as provider:
        async with open_stream(provider, request()) as events:
            async for _ in events:
                break
        await asyncio.wait_for(server.exchanges[0].gone.wait(), HANG_S)


@pytest.mark.parametrize("kind", ["never_ending", "silent", "mute"])
async def test_cancelling_the_reader_closes_the_connection(kind: Any) -> None:
    async with OpenAILoopback(Behaviour(kind)) as server, provider_for(server.base_url) as provider:
        reading = asyncio.create_task(collected(provider))
        async with asyncio.timeout(HANG_S):
            await server.arrived.wait()
            await server.exchanges[0].begun.wait()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await server.exchanges[0].gone.wait()


async def test_a_closed_provider_begins_no_stream() -> None:
    async with OpenAILoopback() as server:
        async with provider_for(server.base_url) as provider:
            await collected(provider)
        _, error = await collected(provider)
    assert isinstance(error, ProviderUnavailable)
    assert len(server.exchanges) == 1


async def test_many_streams_share_one_provider() -> None:
    async with OpenAILoopback() as server, provider_for(server.base_url) as provider:
        replies = await asyncio.gather(*(collected(provider) for _ in range(20)))
    assert all(error is None and len(events) == 5 for events, error in replies)


async def test_text_that_is_not_unicode_is_refused() -> None:
    async with OpenAILoopback() as server, provider_for(server.base_url) as provider:
        with pytest.raises(ProviderRefused):
            async for _ in provider.stream(request(text="\ud800")):
                pass
    assert server.exchanges == []


@pytest.mark.parametrize("key", ["sk with space", "sk-\nnewline", "sk-Schlüssel"])
def test_a_key_that_no_header_can_carry_is_refused_without_quoting_it(key: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        OpenAIProvider(clock=SYSTEM_CLOCK, api_key=key)
    assert caught.value.details["field"] == "openai_api_key"
    assert key not in caught.value.message


async def test_a_mistake_of_our_own_is_raised_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def take(*_: object) -> str:
        raise AttributeError("oops")

    monkeypatch.setattr(OpenAIReply, "take", take)
    with pytest.raises(AttributeError, match="oops"):
        await reply(Behaviour())


def test_a_base_url_without_scheme_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        OpenAIProvider(clock=SYSTEM_CLOCK, api_key=None, base_url="localhost:11434/v1")
