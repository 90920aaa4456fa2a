"""Fragments become calls: the limits, and that ids are one of a kind whatever comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ProviderBroken
from services.llm.call_joiner import ARGUMENTS_MAX_CHARS, CALLS_MAX, CallJoiner


def test_too_many_calls_are_broken() -> None:
    joiner = CallJoiner("r")
    for number in range(CALLS_MAX):
        joiner.add(number, f"id-{number}", "t", "")
    with pytest.raises(ProviderBroken, match="without end"):
        joiner.add(CALLS_MAX, "one-more", "t", "")


def test_arguments_without_end_are_broken() -> None:
    joiner = CallJoiner("r")
    joiner.add(0, "a", "t", "x" * (ARGUMENTS_MAX_CHARS - 1))
    with pytest.raises(ProviderBroken, match="without end"):
        joiner.add(0, "", "", "x")


def test_a_joiner_is_true_once_a_call_began() -> None:
    joiner = CallJoiner("r")
    assert not joiner
    joiner.add(None, "", "", "")
    assert joiner


FRAGMENTS = st.tuples(
    st.none() | st.integers(0, 3), st.sampled_from(["", "a", "b", "\0"]), st.sampled_from(["", "t", "u"]), st.text("{}")
)


@given(st.lists(FRAGMENTS, max_size=12), st.sets(st.sampled_from(["a", "b", "c"])))
def test_ids_are_one_of_a_kind_and_no_argument_is_lost(
    fragments: list[tuple[int | None, str, str, str]], taken: set[str]
) -> None:
    joiner = CallJoiner("r", taken)
    for fragment in fragments:
        joiner.add(*fragment)
    calls = joiner.ready()
    ids = [call.call_id for call in calls]
    assert len(set(ids)) == len(ids)
    assert taken.isdisjoint(ids)
    assert all(ids)
    assert all(call.name for call in calls)
    assert sum(len(call.arguments_json) for call in calls) == sum(len(fragment[3]) for fragment in fragments)
