"""Leases in memory."""

from __future__ import annotations

from collections.abc import Sequence

from models.ids import EpochMs
from services.store.leases import Lease
from services.store.memory.tables import Memory


class MemoryLeases:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def renew(self, run_ids: Sequence[str], lease: Lease) -> frozenset[str]:
        active = {kept.context.run.id for kept in self._memory.sessions.values() if kept.context.run is not None}
        leases = self._memory.leases
        held = {each for each in run_ids if each in active and each in leases and leases[each].owner == lease.owner}
        leases.update(dict.fromkeys(held, lease))
        return frozenset(held)

    async def orphans(self, now: EpochMs) -> tuple[str, ...]:
        return tuple(
            session_id
            for session_id, kept in self._memory.sessions.items()
            if kept.context.run is not None and not self._memory.is_held(kept.context.run.id, now)
        )
