"""Rounds of seeded tests: a few that everybody plays, and those that only the whole suite does."""

from __future__ import annotations

from typing import Any

import pytest

QUICK = 2
"""As many as show that a test works at all."""


def seeded(first: int, rounds: int) -> list[Any]:
    """Seeds for `parametrize`; all but the first two are slow."""
    return [pytest.param(first + index, marks=() if index < QUICK else pytest.mark.slow) for index in range(rounds)]
