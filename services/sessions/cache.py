"""The sessions in memory: those at work, and the idle ones that were used last, within bounds. Reads nothing.

A context that is kept is what was shown last: every commit replaces it, a lost race or a commit of unknown outcome has
it read again, a purge drops it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from services.sessions.open_session import OpenSession

OPEN_SESSIONS = 2_000
"""Sessions kept in memory; beyond it the one that was idle longest is let go."""
IDLE_BYTES = 64_000_000
"""What idle contexts and their tails may take by estimate; beyond it the one that was idle longest is let go. Sessions
at work stay and don't count: runs are bounded by their number."""


class SessionCache:
    """Iterates over the ids. `idle` has the weight of each idle session by id, longest idle first."""

    def __init__(self) -> None:
        self._open: dict[str, OpenSession] = {}
        self.idle: OrderedDict[str, int] = OrderedDict()
        self.idle_bytes = 0
        self._aged: set[str] = set()

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._open

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._open))

    def __len__(self) -> int:
        return len(self._open)

    def get(self, session_id: str) -> OpenSession | None:
        return self._open.get(session_id)

    def take(self, session_id: str) -> OpenSession:
        """In memory, read or not, and not to be let go before `rest`."""
        session = self._open.get(session_id)
        if session is None:
            self._evict(OPEN_SESSIONS - 1)
            session = self._open[session_id] = OpenSession(session_id)
        self.wake(session_id)
        return session

    def wake(self, session_id: str) -> None:
        """It has something to do again. Harmless when it had."""
        self.idle_bytes -= self.idle.pop(session_id, 0)
        self._aged.discard(session_id)

    def rest(self, session: OpenSession) -> None:
        """Counts a session that has nothing to do as the one that was idle shortest, and makes room for it."""
        if session.at_work or self._open.get(session.session_id) is not session:
            return
        self.wake(session.session_id)
        self.idle[session.session_id] = weight = session.weight_bytes
        self.idle_bytes += weight
        self._evict(OPEN_SESSIONS)

    def age(self) -> None:
        """Lets go of what was idle since the call before, and of nothing that was used meanwhile."""
        for session_id in self._aged:
            self.idle_bytes -= self.idle.pop(session_id)
            del self._open[session_id]
        self._aged = set(self.idle)

    def drop(self, session_id: str) -> None:
        """Harmless when it is not there."""
        self._open.pop(session_id, None)
        self.wake(session_id)

    def at_work(self) -> list[str]:
        """All that are not idle."""
        return [session_id for session_id in self._open if session_id not in self.idle]

    def _evict(self, keep: int) -> None:
        """Lets go of the longest idle sessions until `keep` are open, and the idle ones within their budget. One that
        works, or whose run does, stays; so does the one that has just come to rest."""
        while len(self.idle) > 1 and (len(self._open) > keep or self.idle_bytes > IDLE_BYTES):
            session_id, weight = self.idle.popitem(last=False)
            self.idle_bytes -= weight
            self._open.pop(session_id, None)
            self._aged.discard(session_id)
