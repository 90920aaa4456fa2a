"""How long the other side of a connection may take. Never measures it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Deadlines:
    """For a head from its first byte (the first from the connection's beginning); for progress of a body or of an
    answer; for the time between requests."""

    head_s: float = 10.0
    progress_s: float = 30.0
    idle_s: float = 75.0

    @property
    def shortest_s(self) -> float:
        return min(self.head_s, self.progress_s, self.idle_s)
