"""Leases in SQL: columns of the runs, which the appends take and their owners renew."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from models.ids import EpochMs
from services.store.leases import Lease
from services.store.sql.database import Database
from services.store.sql.rows import as_json
from services.store.sql.statements import ACTIVE, renewal

ORPHANS = text(
    "SELECT sessions.id FROM runs JOIN sessions ON sessions.key = runs.session "  # noqa: S608 -- constants
    f"WHERE runs.state IN {ACTIVE} AND (lease_expires_at IS NULL OR lease_expires_at <= :now)"
)


class SqlLeases:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._renewal = renewal(database.dialect)

    async def renew(self, run_ids: Sequence[str], lease: Lease) -> frozenset[str]:
        rows = as_json([[run_id, lease.owner, lease.expires_at] for run_id in sorted(run_ids)])
        return await self._database.write(
            lambda connection: frozenset(connection.exec_driver_sql(self._renewal, (rows,)).scalars())
        )

    async def orphans(self, now: EpochMs) -> tuple[str, ...]:
        async with self._database.read() as db:
            return tuple((await db.execute(ORPHANS, {"now": now})).scalars())
