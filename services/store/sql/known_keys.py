"""The integer keys of sessions that were written to lately. Looks nothing up."""

from __future__ import annotations

from models.ids import EpochMs
from services.store.sql.rows import Keys

KEPT_MS = 60_000
KEYS_KEPT = 20_000


class KnownKeys:
    """Two generations: what was not asked for during the younger one's minute is forgotten when it ends. A session that
    rests leaves nothing behind, in however many pieces of memory."""

    def __init__(self) -> None:
        self._young: dict[str, Keys] = {}
        self._old: dict[str, Keys] = {}
        self._since = EpochMs(0)

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, session_id: str) -> Keys | None:
        keys = self._young.get(session_id)
        if keys is None and (keys := self._old.pop(session_id, None)) is not None:
            self._young[session_id] = keys
        return keys

    def keep(self, session_id: str, keys: Keys) -> None:
        self._young[session_id] = keys

    def forget(self, session_id: str) -> None:
        self._young.pop(session_id, None)
        self._old.pop(session_id, None)

    def age(self, now: EpochMs) -> None:
        """Call it with whatever was written to last; a time that lies back changes nothing."""
        if now - self._since >= KEPT_MS or len(self._young) >= KEYS_KEPT:
            self._old, self._young, self._since = self._young, {}, max(now, self._since)
