"""Leases on SQLite."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from models.ids import EpochMs
from services.store.leases import Lease
from services.store.sql.rows import as_json
from services.store.sqlite.database import Database
from services.store.sqlite.journal import STATEMENTS

ORPHANS = text(
    "SELECT sessions.id FROM runs JOIN sessions ON sessions.key = runs.session "
    "WHERE runs.state IN ('running', 'awaiting_input') "
    "AND (lease_owner IS NOT :owner OR lease_expires_at <= :now)"
)


class SqliteLeases:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def renew(self, run_ids: Sequence[str], lease: Lease) -> None:
        rows = as_json([[run_id, lease.owner, lease.expires_at] for run_id in run_ids])
        statement = dict(STATEMENTS)["leases"]
        await self._database.write(lambda connection: connection.exec_driver_sql(statement, (rows,)).close())

    async def orphans(self, owner: str, now: EpochMs) -> tuple[str, ...]:
        """The folder's lock says that no other process lives: a lease of another owner is void at once."""
        async with self._database.read() as db:
            return tuple((await db.execute(ORPHANS, {"owner": owner, "now": now})).scalars())
