"""When one client is pinged and when it counts as dead. Knows no clock and no socket: `now` is an argument."""

from __future__ import annotations

from hub.socket.outbox import Outbox


class Liveness:
    __slots__ = ("_interval_s", "_moved_bytes", "_pinged_at", "_timeout_s", "heard_at", "ping_due")

    def __init__(self, now: float, interval_s: float, timeout_s: float, early: float = 0.0) -> None:
        """`early` moves the first ping forward by that share of the interval."""
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self.heard_at = now
        self.ping_due = now + interval_s * (1 - early)
        self._pinged_at: float | None = None
        self._moved_bytes = 0

    def is_due(self, now: float) -> bool:
        return now >= self.ping_due

    def pinged(self, now: float) -> None:
        """On schedule, answered or not: clients expect a ping within interval and timeout."""
        self.ping_due = now + self._interval_s
        if self._pinged_at is None:
            self._pinged_at = now

    def is_dead(self, now: float, outbox: Outbox, *, busy: bool) -> bool:
        """Silent since a ping for longer than the timeout.

        A client whose call is being handled is not read, and one that keeps taking a backlog has the ping still before
        it: neither is silent.
        """
        backlog = outbox.backlog_bytes
        if busy or (backlog and outbox.taken_bytes != self._moved_bytes):
            self.heard_at = now
        if backlog:
            self._moved_bytes = outbox.taken_bytes
        if self._pinged_at is None:
            return False
        if self.heard_at >= self._pinged_at:
            self._pinged_at = None
            return False
        return now - self._pinged_at > self._timeout_s
