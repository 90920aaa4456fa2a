"""A store on SQLite: one file in a data folder, and one process that holds it."""

from __future__ import annotations

from sqlalchemy import Connection

from models.errors import StorageUnavailable
from services.store.sql.journal import SqlJournal
from services.store.sql.leases import SqlLeases
from services.store.sql.projects import SqlProjects
from services.store.sql.reads import SqlReads
from services.store.sql.statements import ACTIVE
from services.store.sql.user_states import SqlUserStates
from services.store.sqlite.database import Database
from services.store.sqlite.index import SqliteIndex
from services.store.sqlite.search import SqliteSearch
from services.store.store import Capabilities, Store

CAPABILITIES = Capabilities(survives_restart=True, several_writers=False, bounded_reads=True)
VOID = f"UPDATE runs SET lease_expires_at = 0 WHERE state IN {ACTIVE} AND lease_expires_at > 0"  # noqa: S608


class SqliteStorage:
    """The database, and what is left to do in it when it opens."""

    def __init__(self, database: Database, index: SqliteIndex) -> None:
        self._database = database
        self._index = index

    async def open(self) -> None:
        await self._database.open()
        try:
            await self._database.write(_void_leases)
            await self._index.sweep()
        except BaseException:
            await self._database.close()
            raise

    async def close(self) -> None:
        await self._database.close()

    @property
    def trouble(self) -> StorageUnavailable | None:
        return self._database.trouble

    @property
    def missing(self) -> str | None:
        return self._database.missing


def _void_leases(connection: Connection) -> None:
    """The folder's lock says that no other process lives: nobody works on the runs that are found here."""
    connection.exec_driver_sql(VOID)


def sqlite_store(database: Database) -> Store:
    """On a database that is not open yet."""
    index = SqliteIndex(database)
    return Store(
        SqlJournal(database, index),
        SqlReads(database),
        SqlLeases(database),
        SqliteSearch(database),
        SqlProjects(database),
        SqlUserStates(database),
        SqliteStorage(database, index),
        CAPABILITIES,
    )
