"""The time, and ids that carry it: handed down from the composition root, so that who builds a server can move both.
Never reads the machine's time by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.ids import EpochMs, id_at, now_ms


@dataclass(frozen=True, slots=True)
class Clock:
    """`clock()` is the instant, `clock.new_id()` a new id that sorts by it. All parts of a server share one."""

    read: Callable[[], EpochMs]

    def __call__(self) -> EpochMs:
        return self.read()

    def new_id(self) -> str:
        return id_at(self.read())


SYSTEM_CLOCK = Clock(now_ms)
"""The machine's. Only who builds a whole server or client may name it."""
