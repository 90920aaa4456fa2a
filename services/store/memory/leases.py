"""Leases in memory."""

from __future__ import annotations

from collections.abc import Sequence

from models.ids import EpochMs
from models.runs import Run
from services.store.leases import Lease
from services.store.memory.tables import Memory


class MemoryLeases:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def renew(self, run_ids: Sequence[str], lease: Lease) -> None:
        for run_id in run_ids:
            if run_id in self._memory.leases:
                self._memory.leases[run_id] = lease

    async def orphans(self, owner: str, now: EpochMs) -> tuple[str, ...]:
        return tuple(
            session_id
            for session_id, kept in self._memory.sessions.items()
            if kept.context.run is not None and not self._held(kept.context.run, owner, now)
        )

    def _held(self, run: Run, owner: str, now: EpochMs) -> bool:
        lease = self._memory.leases.get(run.id)
        return lease is not None and lease.owner == owner and lease.expires_at > now
