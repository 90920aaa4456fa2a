"""What JSON would become is counted before it is parsed, and texts don't count, whatever stands in them."""

from __future__ import annotations

import orjson
import pytest

from models.calls import VALUES_MAX
from models.errors import InvalidArgument
from models.json_scan import JSON_PLACES_MAX, check_values

MANY = JSON_PLACES_MAX + 10


@pytest.mark.parametrize(
    "raw",
    [
        b"[" + b"[]," * MANY + b"0]",
        b"[" + b"0," * MANY + b"0]",
        b"[" * MANY,
        b"[" + b'{"a":0},' * MANY + b"0]",
        b"[" + b'"",' * MANY + b"0]",
        b'["a\\"",' + b"0," * MANY + b"0]",
        b'["a\\\\",' + b"0," * MANY + b"0]",
        b'{"a":"[","b":[' + b'"\\"",' * MANY + b"0]}",
    ],
    ids=["lists", "numbers", "openings", "objects", "texts", "escaped quote", "escaped backslash", "quotes"],
)
def test_too_many_values_are_refused(raw: bytes) -> None:
    with pytest.raises(InvalidArgument) as refused:
        check_values(raw, "body")
    assert refused.value.details == {"field": "body"}


@pytest.mark.parametrize("text", [",[{" * MANY, '",' * MANY, '\\"[' * MANY, "\\\\" * MANY + ",[", "\u201c,[" * MANY])
def test_what_stands_in_a_text_does_not_count(text: str) -> None:
    check_values(orjson.dumps({"content": text, "other": [text[:9]]}), "body")


def test_the_most_that_one_argument_may_have_is_let_through() -> None:
    lists = orjson.dumps({"data": [[] for _ in range(VALUES_MAX)], "more": {"a": list(range(9))}})
    pairs = orjson.dumps({"data": {str(each): [] for each in range(VALUES_MAX)}})
    for raw in (lists, pairs):
        check_values(raw, "body")
