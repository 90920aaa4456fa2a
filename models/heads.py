"""Where a session's journal ends: what two who know the session compare to see who is behind."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Head:
    """`seq` counts within `epoch`; heads of different epochs can't be compared."""

    epoch: str
    seq: int
