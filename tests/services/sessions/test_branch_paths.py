"""Which positions each branch itself holds: a page at any depth is a range read in each branch that it crosses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world import T0, create, decided

from models.branches import Branch
from models.ids import iso
from services.engine.context import Context
from services.store.sql.paths import segments


def forked() -> Context:
    """main to 10, `a` from main's 6 to 12, `b` from a's 9 to 14, and `c` from main's 0 to 3."""
    append = decided("s", None, create())
    assert append is not None
    branches = {
        "main": Branch(name="main", parent=None, forked_at=0, length=10, created_at_utc=iso(T0)),
        "a": Branch(name="a", parent="main", forked_at=6, length=12, created_at_utc=iso(T0)),
        "b": Branch(name="b", parent="a", forked_at=9, length=14, created_at_utc=iso(T0)),
        "c": Branch(name="c", parent="main", forked_at=0, length=3, created_at_utc=iso(T0)),
    }
    return replace(append.after, branches=branches)


@pytest.mark.parametrize(
    ("branch", "low", "high", "expected"),
    [
        ("main", 1, 10, [("main", 1, 10)]),
        ("a", 1, 12, [("main", 1, 6), ("a", 7, 12)]),
        ("a", 7, 8, [("a", 7, 8)]),
        ("a", 2, 6, [("main", 2, 6)]),
        ("b", 1, 14, [("main", 1, 6), ("a", 7, 9), ("b", 10, 14)]),
        ("b", 6, 10, [("main", 6, 6), ("a", 7, 9), ("b", 10, 10)]),
        ("b", 8, 9, [("a", 8, 9)]),
        ("c", 1, 3, [("c", 1, 3)]),
    ],
)
def test_a_range_is_split_where_the_path_was_forked(
    branch: str, low: int, high: int, expected: list[tuple[str, int, int]]
) -> None:
    assert segments(forked(), branch, range(low, high + 1)) == expected


def test_an_empty_range_needs_nothing() -> None:
    assert segments(forked(), "b", range(5, 5)) == []
