"""The demo: plain about what it is, paced, deterministic."""

from __future__ import annotations

import asyncio

import pytest

from models.errors import ProviderBroken
from services.llm.demo import LONGEST_WORDS, DemoProvider, reply_to
from services.llm.provider import Finished, ModelMessage, ModelRequest, TextDelta


class Clock:
    """Time that passes only by being slept; each sleep gives the loop its turn."""

    def __init__(self) -> None:
        self.now_s = 0.0

    async def sleep(self, delay_s: float) -> None:
        self.now_s += delay_s
        await asyncio.sleep(0)


def request(text: str | None) -> ModelRequest:
    said = () if text is None else (ModelMessage.text("user", text),)
    return ModelRequest(model="demo", messages=(ModelMessage.text("system", "Be brief."), *said), request_id="r")


async def said(text: str | None, clock: Clock | None = None) -> tuple[list[str], Finished]:
    demo = DemoProvider(sleep=(clock or Clock()).sleep)
    *deltas, last = [event async for event in demo.stream(request(text))]
    assert isinstance(last, Finished)
    return [delta.text for delta in deltas if isinstance(delta, TextDelta)], last


@pytest.mark.parametrize("text", ["hello", "/help", "", None, "what is the meaning of life?"])
async def test_it_says_that_it_is_not_a_language_model(text: str | None) -> None:
    words, _ = await said(text)
    assert "I am not a language model" in "".join(words)


async def test_it_quotes_the_user() -> None:
    words, _ = await said("  good\nmorning  ")
    assert "You wrote: “good morning”" in "".join(words)


async def test_a_long_text_is_quoted_in_part() -> None:
    words, _ = await said("a" * 10_000)
    assert len("".join(words)) < 2_000


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("What if I reload?", "journal"),
        ("Which models can I use?", "openai:NAME"),
        ("Is there an API?", "/api/docs"),
        ("How do I cancel?", "can stop it"),
        ("Tell me about Parley", "keeps a chat with an agent running"),
        ("A capital idea", "keeps a chat with an agent running"),
    ],
)
def test_it_answers_to_what_was_asked(asked: str, answered: str) -> None:
    assert answered in reply_to(asked)


async def test_the_last_user_message_counts() -> None:
    messages = (
        ModelMessage.text("user", "first"),
        ModelMessage.text("assistant", "yes"),
        ModelMessage.text("user", "second"),
    )
    demo = DemoProvider(sleep=Clock().sleep)
    events = [event async for event in demo.stream(ModelRequest(model="demo", messages=messages, request_id="r"))]
    assert "“second”" in "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_one_word_is_one_delta_and_together_they_are_the_reply() -> None:
    words, _ = await said("hello")
    assert all(len(word.split()) == 1 for word in words)
    assert "".join(words) == reply_to("hello")


async def test_the_same_request_gets_the_same_words() -> None:
    assert await said("hello") == await said("hello")


async def test_twenty_words_take_a_second() -> None:
    clock = Clock()
    await said("/long 200", clock)
    assert clock.now_s == pytest.approx(10.0)


async def test_no_pace_waits_for_nothing() -> None:
    clock = Clock()
    events = [event async for event in DemoProvider(words_per_s=0, sleep=clock.sleep).stream(request("hello"))]
    assert clock.now_s == 0
    assert isinstance(events[-1], Finished)


@pytest.mark.parametrize(
    ("command", "count"),
    [
        ("/long 1", 1),
        ("/long 200", 200),
        ("/long", 200),
        ("/long many", 200),
        ("/long 0", 1),
        ("/long 999999999", LONGEST_WORDS),
    ],
)
async def test_long_streams_as_many_words(command: str, count: int) -> None:
    words, _ = await said(command)
    assert len(words) == count


async def test_each_tenth_long_word_is_its_number() -> None:
    words, _ = await said("/long 200")
    assert [int(word) for word in words[9::10]] == list(range(10, 201, 10))


async def test_fail_breaks_off_in_the_middle() -> None:
    demo = DemoProvider(sleep=Clock().sleep).stream(request("/fail"))
    words = [await anext(demo) for _ in range(12)]
    assert all(isinstance(word, TextDelta) for word in words)
    with pytest.raises(ProviderBroken):
        await anext(demo)


async def test_usage_is_estimated_and_says_so() -> None:
    _, finished = await said("hello")
    assert finished.reason == "stop"
    assert finished.usage is not None
    assert finished.usage.estimated
    assert finished.usage.input_tokens > 0
    assert finished.usage.output_tokens > 50
