"""Log lines about conditions that anybody can bring about: one a minute for each, however often it happens. Never
drops the first."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

EVERY_S = 60.0


class Log(Protocol):
    def log(self, level: int, event: str, **facts: Any) -> Any: ...


@dataclass(slots=True)
class _Told:
    at: float
    unsaid: int = 0


class Seldom:
    """The next line about a condition says how often it was `unsaid` since the last."""

    def __init__(self, log: Log, *, every_s: float = EVERY_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._every_s = every_s
        self._clock = clock
        self._told: dict[str, _Told] = {}

    def say(self, level: Literal[20, 30, 40], condition: str, **facts: Any) -> None:
        """`level` is one of logging's: INFO, WARNING, ERROR."""
        now = self._clock()
        told = self._told.get(condition)
        if told is not None and now - told.at < self._every_s:
            told.unsaid += 1
            return
        if told is not None and told.unsaid:
            facts["unsaid"] = told.unsaid
        self._told[condition] = _Told(now)
        self._log.log(level, condition, **facts)
