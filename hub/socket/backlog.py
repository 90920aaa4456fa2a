"""What waits for one client, whatever carries it: how much may, and since when nothing is taken. Never sends."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from hub.socket.kernel import unacknowledged_bytes

HIGH_WATER_BYTES = 256 * 1024
"""Above it the hub stops feeding subscriptions, and no further call of this client is read."""
LOW_WATER_BYTES = 64 * 1024
"""Under it feeding goes on."""
OVERFLOW_BYTES = 4 * 1024 * 1024
"""Nobody should get here: what is fed stops at the high water. It bounds memory should somebody feed regardless."""


class Backlog(ABC):
    """`_carrier` is the connection by which it goes out, if it does so now."""

    __slots__ = ("_carrier", "_put_bytes", "_seen_bytes", "_stalled_since")

    def __init__(self) -> None:
        self._carrier: asyncio.WriteTransport | None = None
        self._put_bytes = 0
        self._seen_bytes = 0
        self._stalled_since: float | None = None

    @property
    @abstractmethod
    def backlog_bytes(self) -> int:
        """Put and not yet taken by the kernel, or fetched. What is fed depends on it."""

    @property
    def untaken_bytes(self) -> int:
        """Put and not yet acknowledged. Who is cut depends on it: the kernel makes room in steps so large that a slow
        reader seems to stand still for half a minute."""
        return self.backlog_bytes + unacknowledged_bytes(self._carrier)

    @property
    def taken_bytes(self) -> int:
        """All that the client's side has taken. While there is something untaken, it grows only if the client reads."""
        return self._put_bytes - self.untaken_bytes

    def stalled_for_s(self, now: float) -> float:
        """How long the client has taken nothing, since back-pressure began. Call it about every second.

        Back-pressure begins above the high-water mark and ends under the low one, so a client that takes a little and
        then freezes in between is found too.
        """
        backlog = self.backlog_bytes
        if backlog <= LOW_WATER_BYTES or (self._stalled_since is None and backlog <= HIGH_WATER_BYTES):
            self._stalled_since = None
            return 0.0
        taken = self.taken_bytes
        if self._stalled_since is None or taken != self._seen_bytes:
            self._stalled_since = now
        self._seen_bytes = taken
        return now - self._stalled_since
