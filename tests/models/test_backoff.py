"""Waiting before another try: bounded, growing, and spread over the whole of the bound."""

from __future__ import annotations

import random

from models.backoff import Backoff


def test_the_bound_doubles_up_to_the_cap_and_stays_there() -> None:
    patient = Backoff(0.5, 3.0, lambda: 1.0)
    assert [patient.wait_s(failures) for failures in (1, 2, 3, 4, 5, 100_000)] == [0.5, 1.0, 2.0, 3.0, 3.0, 3.0]


def test_the_wait_is_any_part_of_the_bound() -> None:
    assert Backoff(0.5, 3.0, lambda: 0.0).wait_s(3) == 0.0
    assert Backoff(0.5, 3.0, lambda: 0.25).wait_s(3) == 0.5


def test_those_that_failed_together_come_back_spread() -> None:
    many = Backoff(1.0, 64.0, random.Random(1).random)
    waits = sorted(many.wait_s(4) for _ in range(1000))
    assert (waits[0] < 0.1, waits[-1] > 7.9, 3.5 < sum(waits) / 1000 < 4.5) == (True, True, True)
