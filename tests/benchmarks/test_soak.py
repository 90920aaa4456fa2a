"""What the soak refuses to begin."""

from __future__ import annotations

from pathlib import Path

import pytest


def test_a_soak_that_could_not_tell_anything_is_refused_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when it runs for an hour and then has nothing to compare, or no time for its load."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    from soak import arguments

    for given in ("--rounds 1", "--minutes 10", "--minutes 60 --rounds 9", "--minutes nan", "--workers 0"):
        with pytest.raises(SystemExit) as refused:
            arguments(given.split())
        assert refused.value.code == 2
    for given in ("", "--minutes 14 --rounds 2"):
        assert arguments(given.split()).rounds >= 2
