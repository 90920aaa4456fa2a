"""Identifiers and instants."""

from __future__ import annotations

import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ids import from_iso, iso, new_id, now_ms


def test_ids_are_version_7_uuids_of_the_rfc_variant() -> None:
    for _ in range(100):
        made = uuid.UUID(new_id())
        assert made.version == 7
        assert made.variant == uuid.RFC_4122


def test_ids_of_later_milliseconds_sort_after_earlier_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    instants = [1_795_000_000_000 + step for step in (0, 1, 2, 1_000, 86_400_000)]
    made = []
    for instant in instants:
        monkeypatch.setattr(time, "time_ns", lambda instant=instant: instant * 1_000_000)
        made.append(new_id())
    assert made == sorted(made)
    assert [uuid.UUID(each).int >> 80 for each in made] == instants


def test_many_ids_of_one_moment_are_distinct() -> None:
    assert len({new_id() for _ in range(10_000)}) == 10_000


def test_an_instant_is_written_in_utc_with_milliseconds_and_z() -> None:
    assert iso(1_795_165_200_123) == "2026-11-20T09:00:00.123Z"
    assert iso(0) == "1970-01-01T00:00:00.000Z"


@given(st.integers(min_value=0, max_value=253_402_300_799_999))
def test_iso_and_back_is_the_same_instant(at: int) -> None:
    assert from_iso(iso(at)) == at


def test_other_zones_and_precisions_are_understood() -> None:
    assert iso(from_iso("2026-11-20T11:00:00.1234+02:00")) == "2026-11-20T09:00:00.123Z"


@pytest.mark.parametrize("text", ["2026-11-20T09:00:00", "2026-11-20", "yesterday", ""])
def test_a_time_without_zone_or_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_iso(text)


def test_now_is_in_milliseconds() -> None:
    assert abs(now_ms() - time.time() * 1000) < 10_000
