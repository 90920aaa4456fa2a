"""What a model wrote as arguments: an object, or a sentence that tells it what is wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.text import is_clean
from services.llm.arguments import UnreadableArguments, parse_arguments


@pytest.mark.parametrize("text", ["", "  \n", "{}"])
def test_nothing_is_no_arguments(text: str) -> None:
    assert parse_arguments(text) == {}


def test_an_object_is_taken() -> None:
    assert parse_arguments('{"a": [1, {"b": null}], "c": -2.5}') == {"a": [1, {"b": None}], "c": -2.5}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": ', "not valid JSON"),
        ("a=1", "not valid JSON"),
        ('{"a": NaN}', "NaN is no JSON number"),
        ('{"a": 99999999999999999999}', "64 bits"),
        ('{"a": 9223372036854775808}', "64 bits"),
        ('{"a": ' + "9" * 5_000 + "}", "64 bits"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' + "[" * 101 + "]" * 101 + "}", "nested too deeply"),
        ('{"a": 1e999}', "too large"),
        ("[1]", "no JSON object"),
        ('"a"', "no JSON object"),
    ],
)
def test_anything_else_says_what_is_wrong_and_keeps_what_was_written(text: str, reason: str) -> None:
    bad = parse_arguments(text)
    assert isinstance(bad, UnreadableArguments)
    assert reason in bad.message
    assert "Call the tool again" in bad.message
    assert bad.raw == text


def test_characters_that_cannot_be_stored_are_replaced_behind_escapes_too() -> None:
    text = json.dumps({"a\0": "b\0", "c": ["\ud800", {"d": "\0"}]})
    assert parse_arguments(text) == {"a\ufffd": "b\ufffd", "c": ["\ufffd", {"d": "\ufffd"}]}


@given(st.text(st.sampled_from('{}[]",:0123456789\\u\0 ab-.e'), max_size=40))
def test_no_text_makes_it_raise(text: str) -> None:
    parsed = parse_arguments(text)
    assert is_clean(parsed.raw if isinstance(parsed, UnreadableArguments) else json.dumps(parsed, ensure_ascii=False))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("null", {}),
        ('"null"', {}),
        ('""', {}),
        (' "  " ', {}),
        (json.dumps('{"a": 1}'), {"a": 1}),
        (json.dumps(json.dumps('{"a": 1}')), {"a": 1}),
        ('{"a": "\\ud83d\\ude00"}', {"a": "\N{GRINNING FACE}"}),
        ('{"a": "\ud83d\ude00"}', {"a": "\N{GRINNING FACE}"}),
    ],
)
def test_arguments_of_nothing_and_those_encoded_twice_are_read(written: str, read: dict[str, object]) -> None:
    assert parse_arguments(written) == read
