"""How long to wait before another try. Never waits itself."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: anything from nothing to a bound that doubles from `base_s` to `cap_s`, so that those who failed
    together don't come back together (M. Brooker, “Exponential Backoff And Jitter”, 2015). `chance` is from 0 to 1."""

    base_s: float
    cap_s: float
    chance: Callable[[], float] = random.random

    def wait_s(self, failures: int) -> float:
        """After so many failures in a row; the first is 1."""
        return self.chance() * self.bound_s(failures)

    def bound_s(self, failures: int) -> float:
        return float(min(self.cap_s, self.base_s * 2.0 ** min(failures - 1, 60)))
