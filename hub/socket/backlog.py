"""What waits for one client, whatever carries it: how much may, and since when nothing is taken. Never sends."""

from __future__ import annotations

import asyncio
import socket as net
from abc import ABC, abstractmethod

HIGH_WATER_BYTES = 256 * 1024
"""Above it the hub stops feeding subscriptions, and no further call of this client is read."""
LOW_WATER_BYTES = 64 * 1024
"""Under it feeding goes on."""
OVERFLOW_BYTES = 4 * 1024 * 1024
"""Nobody should get here: what is fed stops at the high water. It bounds memory should somebody feed regardless."""
SEND_BUFFER_BYTES = 128 * 1024
"""Unset, the kernel keeps 3.9 MB for a client that never reads."""


class Backlog(ABC):
    __slots__ = ("_put_bytes", "_seen_bytes", "_stalled_since")

    def __init__(self) -> None:
        self._put_bytes = 0
        self._seen_bytes = 0
        self._stalled_since: float | None = None

    @property
    @abstractmethod
    def backlog_bytes(self) -> int:
        """Put and not yet taken."""

    @property
    def taken_bytes(self) -> int:
        """All that the client's side has taken. While there is a backlog, it grows only if the client reads."""
        return self._put_bytes - self.backlog_bytes

    def stalled_for_s(self, now: float) -> float:
        """How long the client has taken nothing, since back-pressure began. Call it about every second.

        Back-pressure begins above the high-water mark and ends under the low one, so a client that takes a little and
        then freezes in between is found too.
        """
        backlog, taken = self.backlog_bytes, self.taken_bytes
        if backlog <= LOW_WATER_BYTES:
            self._stalled_since = None
        elif self._stalled_since is None:
            self._stalled_since = now if backlog > HIGH_WATER_BYTES else None
        elif taken != self._seen_bytes:
            self._stalled_since = now
        self._seen_bytes = taken
        return 0.0 if self._stalled_since is None else now - self._stalled_since


def bound_send_buffer(transport: asyncio.BaseTransport) -> None:
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, SEND_BUFFER_BYTES)
