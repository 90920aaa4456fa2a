"""When one client is pinged and when it counts as dead. Knows no clock and no socket: `now` is an argument."""

from __future__ import annotations

from hub.socket.outbox import Outbox

LATE = 1 / 20
"""The share of the timeout by which a sweep sends a ping late without the client being given that much more."""


class Liveness:
    __slots__ = ("_had_backlog", "_interval_s", "_seen_bytes", "_timeout_s", "_waiting_since", "ping_due")

    def __init__(self, now: float, interval_s: float, timeout_s: float, early: float = 0.0) -> None:
        """`early` moves the first ping forward by that share of the interval."""
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self.ping_due = now + interval_s * (1 - early)
        self._waiting_since: float | None = None
        self._had_backlog = False
        self._seen_bytes = 0

    def is_due(self, now: float) -> bool:
        return now >= self.ping_due

    def pinged(self, now: float) -> None:
        """On schedule, answered or not: clients expect a ping within interval and timeout."""
        on_time = now - self.ping_due <= self._timeout_s * LATE
        if self._waiting_since is None:
            self._waiting_since = self.ping_due if on_time else now
        self.ping_due = now + self._interval_s

    def heard(self) -> None:
        """The client said something, whatever it was. That it was said something is no sign of life."""
        self._waiting_since = None

    def excuse(self, now: float) -> None:
        """Until now the client could not have been heard: its time begins again."""
        if self._waiting_since is not None:
            self._waiting_since = now

    def is_dead(self, now: float, outbox: Outbox, *, busy: bool) -> bool:
        """Silent since a ping for longer than the timeout.

        A client whose call is being handled is not read, and one that keeps taking a backlog has the ping still before
        it: neither is silent.
        """
        if self._waiting_since is None:
            self._had_backlog = False
            return False
        untaken, taken = outbox.untaken_bytes, outbox.taken_bytes
        if busy or (self._had_backlog and taken != self._seen_bytes):
            self._waiting_since = now
        self._had_backlog, self._seen_bytes = bool(untaken), taken
        return now - self._waiting_since > self._timeout_s
