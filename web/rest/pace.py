"""How fast a large body has to come. Never looks at a clock."""

from __future__ import annotations

GRACE_S = 30.0
SLOWEST_BYTES_PER_S = 32 * 1024
"""A large body that has fallen its grace behind this gives its room to others."""


class Pace:
    """What came faster than it had to earns no longer pause: whoever stops is given up after the grace, however much
    has come."""

    def __init__(self, now_s: float, grace_s: float = GRACE_S) -> None:
        self._grace_s = grace_s
        self._until_s = now_s + grace_s

    def came(self, size_bytes: int, now_s: float) -> float:
        """Until when there has to be more."""
        self._until_s = min(self._until_s + size_bytes / SLOWEST_BYTES_PER_S, now_s + self._grace_s)
        return self._until_s
