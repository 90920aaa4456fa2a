"""The garbage collector's settings, put back afterwards."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from services.operating.collector import THRESHOLDS, tune_collector


@pytest.fixture
def _collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("_collector")
def test_what_lives_at_the_start_is_never_traversed_again() -> None:
    tune_collector()
    assert gc.get_threshold() == THRESHOLDS
    assert gc.get_freeze_count() > 0
