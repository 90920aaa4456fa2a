"""Leases on runs: who works on a run, and until when the others must believe it. The interface; back ends keep them.

A lease is taken by the append that starts a run or takes it over (`Append.lease`), in its transaction: of two that
claim one run, one wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from models.ids import EpochMs


@dataclass(frozen=True, slots=True)
class Lease:
    """`owner` is the boot id of a process."""

    owner: str
    expires_at: EpochMs


class Leases(Protocol):
    async def renew(self, run_ids: Sequence[str], lease: Lease) -> frozenset[str]:
        """Extends the owner's leases. Returns the runs that it still holds: one that is over, or that somebody else has
        taken over, is left alone."""
        ...

    async def orphans(self, now: EpochMs) -> tuple[str, ...]:
        """The sessions whose active run nobody works on: it has no lease, or one that expired."""
        ...
