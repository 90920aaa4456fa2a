"""How long to wait, and which failures are none of the endpoint's."""

from __future__ import annotations

import httpx2
import openai
import pytest

from models.errors import ProviderBroken, ProviderRefused, ProviderUnavailable
from models.ids import EpochMs, from_iso
from services.llm.endpoint_errors import retry_after_ms, says
from services.llm.openai_errors import translate

NOW = from_iso("2026-11-20T09:00:00Z")
REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1/chat/completions")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3_000),
        ({"retry-after": "0.25"}, 250),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "-5"}, 0),
        ({"retry-after-ms": "1.5"}, 2),
        ({"retry-after-ms": "70", "retry-after": "1"}, 70),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1_000),
        ({"retry-after": "Fri, 20 Nov 2026 09:01:00 GMT"}, 60_000),
        ({"retry-after": "Fri, 20 Nov 2026 08:00:00 GMT"}, 0),
        ({"retry-after": "in a while"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
    ],
)
def test_retry_after_is_read_in_every_form(headers: dict[str, str], expected: int | None) -> None:
    assert retry_after_ms(headers, NOW) == expected


@pytest.mark.parametrize(
    ("error", "opened", "began", "expected"),
    [
        (openai.APITimeoutError(request=REQUEST), False, False, ProviderUnavailable),
        (openai.APITimeoutError(request=REQUEST), True, False, ProviderUnavailable),
        (openai.APITimeoutError(request=REQUEST), True, True, ProviderBroken),
        (httpx2.ReadTimeout("while reading an error's body"), False, False, ProviderUnavailable),
        (openai.APIConnectionError(request=REQUEST), False, False, ProviderUnavailable),
        (openai.APIConnectionError(request=REQUEST), True, False, ProviderBroken),
        (httpx2.ReadError("reset"), False, False, ProviderUnavailable),
        (ConnectionResetError(), True, True, ProviderBroken),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), True, True, ProviderBroken),
        (ValueError("not serialisable"), False, False, ProviderRefused),
        (openai.OpenAIError("missing credentials"), False, False, ProviderRefused),
    ],
)
def test_each_failure_becomes_the_error_that_tells_what_to_do(
    error: Exception, opened: bool, began: bool, expected: type[Exception]
) -> None:
    assert type(translate(error, key="sk-1", opened=opened, began=began, now=EpochMs(0))) is expected


def test_a_mistake_of_our_own_is_not_blamed_on_the_endpoint() -> None:
    assert translate(AttributeError("oops"), key="sk-1", opened=True, began=True, now=EpochMs(0)) is None


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"message": "model is loading"}, ": model is loading"),
        ("plain words", ": plain words"),
        ("<html><body>502 Bad Gateway</body></html>", ""),
        ({"message": ""}, ""),
        ({"message": {"nested": 1}}, ""),
        (None, ""),
        ({"message": "line\n  break"}, ": line break"),
    ],
)
def test_the_endpoints_own_words_are_shown_when_they_are_words(body: object, shown: str) -> None:
    response = httpx2.Response(503, request=REQUEST)
    error = openai.InternalServerError("x", response=response, body=body)
    translated = translate(error, key="sk-1", opened=False, began=False, now=EpochMs(0))
    assert translated is not None
    assert translated.message == f"The model provider is unavailable (503){shown}"


def test_long_words_are_cut() -> None:
    error = openai.InternalServerError(
        "x", response=httpx2.Response(500, request=REQUEST), body={"message": "y" * 5000}
    )
    translated = translate(error, key="sk-1", opened=False, began=False, now=EpochMs(0))
    assert translated is not None
    assert len(translated.message) < 400


@pytest.mark.parametrize(
    "key",
    ["none", "EMPTY", "sk-no-key", "sk-no-key-required", "ollama", "lm-studio", "x", "xxxxxxxx", "hello", "a1", ""],
)
def test_what_stands_for_no_key_garbles_no_message(key: str) -> None:
    words = f"none of this is EMPTY or hello, {key}, a1 xxxxxxxx"
    assert says("It failed", words, key) == f"It failed: {words}"


@pytest.mark.parametrize("key", ["sk-proj-1a2B3c4D5e", "hunter2", "correct-horse-battery", "ABCDEFGHIJKL", "a1b2c3d4"])
def test_a_key_is_blotted_out(key: str) -> None:
    assert says("It failed", f"bad {key}", key) == "It failed: bad ***"
