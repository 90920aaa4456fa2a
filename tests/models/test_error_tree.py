"""The tree of errors: codes, statuses, the wire shape, and the picture at the head of the module."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from models import errors
from models.errors import InvalidArgument, ParleyError, VersionMismatch


def tree(base: type[ParleyError] = ParleyError) -> Iterator[type[ParleyError]]:
    yield base
    for child in base.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child)


ALL = tuple(tree())


def test_no_two_errors_define_the_same_code() -> None:
    codes = Counter(error.code for error in ALL if "code" in vars(error))
    assert [code for code, times in codes.items() if times > 1] == []


def test_an_error_has_a_snake_case_code_a_status_and_words(subtests: pytest.Subtests) -> None:
    for error in ALL:
        with subtests.test(error.__name__):
            assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
            assert 400 <= error.status < 600
            assert error.default_message[0].isupper()
            assert str(error()) == error.default_message


def test_an_error_that_shares_a_code_shares_status_and_retryable() -> None:
    seen: dict[str, tuple[int, bool]] = {}
    for error in ALL:
        assert seen.setdefault(error.code, (error.status, error.retryable)) == (error.status, error.retryable)


def test_the_picture_at_the_head_names_every_error_and_no_other() -> None:
    picture = (errors.__doc__ or "").partition("ParleyError\n")[2]
    drawn = re.findall(r"[A-Z][A-Za-z]+", picture)
    assert sorted(drawn) == sorted(error.__name__ for error in ALL if error is not ParleyError)


def test_the_picture_gives_the_status_of_what_stands_on_its_own_branch() -> None:
    for name, status in re.findall(r"\b([A-Z][A-Za-z]+) (\d{3})\b", errors.__doc__ or ""):
        assert getattr(errors, name).status == int(status), name


def test_the_wire_shape_has_camel_case_details() -> None:
    error = VersionMismatch(current_version=3, currentVersion=3)
    assert error.to_wire() == {
        "code": "version_mismatch",
        "message": "The resource was changed in the meantime",
        "retryable": False,
        "details": {"currentVersion": 3},
    }


def test_a_message_of_its_own_replaces_the_default() -> None:
    assert InvalidArgument("title is too long", field="title").to_wire()["message"] == "title is too long"
