"""The scripted provider: each step, each way of choosing a script, and the words that a model name foretells."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from patience import HANG_S

from models.clock import SYSTEM_CLOCK
from models.errors import ProviderBroken, ProviderRefused, ProviderUnavailable, UnknownModel
from models.usage import Usage
from services.llm.provider import (
    Finished,
    ModelEvent,
    ModelMessage,
    ModelRequest,
    TextDelta,
    ToolCallPart,
    ToolCallReady,
)
from services.llm.registry import Providers
from services.llm.scripted import (
    Break,
    CallTool,
    Finish,
    Mark,
    Pause,
    Refuse,
    Say,
    Script,
    ScriptedProvider,
    ScriptStep,
    Turns,
    Unavailable,
)
from services.llm.scripted_words import WordScript

WORDS = "scripted:words=2,delay_ms=0,seed=1"


def request(model: str = "scripted:test", text: str = "hi") -> ModelRequest:
    return ModelRequest(model=model, messages=(ModelMessage.text("user", text),), request_id="r")


def playing(*steps: ScriptStep) -> ScriptedProvider:
    return ScriptedProvider({"test": steps})


async def played(provider: ScriptedProvider, asked: ModelRequest | None = None) -> list[ModelEvent]:
    return [event async for event in provider.stream(asked or request())]


async def test_what_is_said_comes_out_and_the_finish_ends_it() -> None:
    usage = Usage(input_tokens=1, output_tokens=2)
    events = await played(playing(Say("a"), Say("b"), Finish("length", usage), Say("never")))
    assert events == [TextDelta("a"), TextDelta("b"), Finished("length", usage)]


async def test_a_script_without_finish_ends_with_stop() -> None:
    assert await played(playing(Say("a"))) == [TextDelta("a"), Finished("stop", None)]


async def test_calls_come_out_whole_and_end_the_reply_with_their_reason() -> None:
    events = await played(playing(Say("a"), CallTool("search", {"query": "x"}), CallTool("read", '{"broken', "c9")))
    assert events == [
        TextDelta("a"),
        ToolCallReady("call-1", "search", '{"query": "x"}'),
        ToolCallReady("c9", "read", '{"broken'),
        Finished("tool_calls", None),
    ]


async def test_a_finish_behind_calls_says_what_the_script_says() -> None:
    assert (await played(playing(CallTool("t"), Finish("length"))))[-1] == Finished("length", None)


async def test_no_call_gets_an_id_that_is_taken() -> None:
    history = (ModelMessage("assistant", (ToolCallPart("call-1", "t", {}), ToolCallPart("c", "t", {}))),)
    asked = ModelRequest("scripted:test", history, "r")
    events = await played(
        playing(CallTool("t"), CallTool("t"), CallTool("t", call_id="c"), CallTool("t", call_id="c")), asked
    )
    ids = [event.call_id for event in events if isinstance(event, ToolCallReady)]
    assert ids == ["call-2", "call-3", "c-2", "c-3"]


async def test_delays_and_timed_pauses_go_through_the_given_sleep() -> None:
    slept: list[float] = []

    async def sleep(delay_s: float) -> None:
        slept.append(delay_s)

    await played(ScriptedProvider({"test": (Say("a", 0.5), Pause(60.0), Say("b"))}, sleep=sleep))
    assert slept == [0.5, 60.0, 0.0]


async def test_break_raises_broken_after_what_was_said() -> None:
    events = playing(Say("a"), Break("mid-word")).stream(request())
    assert await anext(events) == TextDelta("a")
    with pytest.raises(ProviderBroken, match="mid-word"):
        await anext(events)


async def test_refuse_and_unavailable_raise_their_errors() -> None:
    with pytest.raises(ProviderRefused, match="no such model"):
        await played(playing(Refuse("no such model")))
    with pytest.raises(ProviderUnavailable) as caught:
        await played(playing(Unavailable(retry_after_ms=250)))
    assert caught.value.details == {"retry_after_ms": 250}
    with pytest.raises(ProviderUnavailable) as caught:
        await played(playing(Unavailable()))
    assert caught.value.details == {}


async def test_a_pause_holds_the_reply_until_its_event_and_a_mark_tells_when() -> None:
    paused, go_on = asyncio.Event(), asyncio.Event()
    provider = playing(Say("a"), Mark(paused), Pause(go_on), Say("b"))
    async with asyncio.timeout(HANG_S):
        reading = asyncio.create_task(played(provider))
        await paused.wait()
        assert not reading.done()
        assert provider.open_streams == 1
        go_on.set()
        assert await reading == [TextDelta("a"), TextDelta("b"), Finished("stop", None)]
    assert provider.open_streams == 0


async def test_cancelling_the_reader_closes_the_stream() -> None:
    paused = asyncio.Event()
    provider = playing(Mark(paused), Pause(asyncio.Event()))
    reading = asyncio.create_task(played(provider))
    await asyncio.wait_for(paused.wait(), HANG_S)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert provider.open_streams == 0


async def test_closing_the_iterator_closes_the_stream() -> None:
    provider = playing(Say("a"), Say("b"))
    async with aclosing(provider.stream(request())) as events:
        assert await anext(events) == TextDelta("a")
    assert provider.open_streams == 0


async def test_turns_are_taken_one_per_request_and_one_too_many_is_refused() -> None:
    provider = ScriptedProvider({"test": Turns((Say("first"),), (Unavailable(),), (Say("third"),))})
    assert (await played(provider))[0] == TextDelta("first")
    with pytest.raises(ProviderUnavailable):
        await played(provider)
    assert (await played(provider))[0] == TextDelta("third")
    with pytest.raises(ProviderRefused):
        await played(provider)


async def test_a_function_of_the_request_chooses_the_script() -> None:
    def echo(asked: ModelRequest) -> Script:
        return (Say(asked.last_user_text),)

    provider = ScriptedProvider()
    provider.register("echo", echo)
    assert (await played(provider, request("scripted:echo", "hey")))[0] == TextDelta("hey")


async def test_requests_are_kept_for_the_test_to_look_at() -> None:
    provider = playing()
    await played(provider, request(text="one"))
    await played(provider, request(text="two"))
    assert [asked.last_user_text for asked in provider.requests] == ["one", "two"]


async def test_a_server_keeps_no_requests() -> None:
    """It plays words for days, and each request holds its whole session."""
    provider, _ = Providers(SYSTEM_CLOCK).resolve(WORDS)
    assert isinstance(provider, ScriptedProvider)
    await played(provider, request(WORDS, "one"))
    assert provider.requests == []


async def test_an_unknown_script_is_refused() -> None:
    with pytest.raises(ProviderRefused, match="No script"):
        await played(ScriptedProvider(), request("scripted:nobody"))


async def test_words_come_from_the_model_name_alone() -> None:
    slept: list[float] = []

    async def sleep(delay_s: float) -> None:
        slept.append(delay_s)

    provider = ScriptedProvider(sleep=sleep)
    *deltas, last = await played(provider, request("scripted:words=200,delay_ms=5,seed=1"))
    assert last == Finished("stop", Usage(output_tokens=200))
    foretold = WordScript(words=200, delay_ms=5, seed=1).deltas("hi")
    assert [delta.text for delta in deltas if isinstance(delta, TextDelta)] == foretold
    assert slept == [0.005] * 200


async def test_a_word_script_can_break_off() -> None:
    events = ScriptedProvider().stream(request("scripted:words=9,break_after=3"))
    said = [await anext(events) for _ in range(3)]
    assert said == [TextDelta(word) for word in WordScript(9).deltas("hi")[:3]]
    with pytest.raises(ProviderBroken):
        await anext(events)


def test_words_differ_by_seed_and_by_what_was_asked_and_by_nothing_else() -> None:
    assert WordScript(50, seed=1).deltas("x") == WordScript(50, delay_ms=9, seed=1).deltas("x")
    assert WordScript(50, seed=1).deltas("x") != WordScript(50, seed=2).deltas("x")
    assert WordScript(50, seed=1).deltas("x") != WordScript(50, seed=1).deltas("y")


def test_each_word_bears_its_number() -> None:
    words = "".join(WordScript(30).deltas("x")).split(" ")
    assert [int(word.partition("-")[2]) for word in words] == list(range(1, 31))


def test_no_words_is_an_empty_reply() -> None:
    assert WordScript.parse("words=0").deltas("x") == []


@pytest.mark.parametrize(
    "parameters",
    ["", "words", "words=", "words=many", "words=-1", "words=20001", "speed=3", "words=1,,seed=1", "seed=²"],
)
def test_malformed_parameters_are_an_unknown_model_that_names_the_known_ones(parameters: str) -> None:
    with pytest.raises(UnknownModel, match="delay_ms=0"):
        WordScript.parse(parameters)
