"""A store on SQLite: one file in a data folder."""

from __future__ import annotations

from services.store.sqlite.database import Database
from services.store.sqlite.index import sweep_all
from services.store.sqlite.journal import SqliteJournal
from services.store.sqlite.leases import SqliteLeases
from services.store.sqlite.projects import SqliteProjects
from services.store.sqlite.reads import SqliteReads
from services.store.sqlite.search import SqliteSearch
from services.store.sqlite.user_states import SqliteUserStates
from services.store.store import Store


class SqliteStorage:
    """The database, and what is left to do in it when it opens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self) -> None:
        await self._database.open()
        await sweep_all(self._database)

    async def close(self) -> None:
        await self._database.close()

    @property
    def trouble(self) -> str | None:
        return self._database.trouble


def sqlite_store(database: Database) -> Store:
    """On a database that is not open yet."""
    return Store(
        SqliteJournal(database),
        SqliteReads(database),
        SqliteLeases(database),
        SqliteSearch(database),
        SqliteProjects(database),
        SqliteUserStates(database),
        SqliteStorage(database),
    )
