"""New databases: the first of a process is migrated, those after it are copies of it.

Only empty ones. Whatever a test puts there to be migrated is, and tests/services/store/sqlite/test_migrate.py calls
`migrate` itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

import services.store.sqlite.database as database_module
from services.store.sqlite.migrate import migrate


class Template:
    """Stands where `migrate` is called."""

    def __init__(self) -> None:
        self._pages: bytes | None = None

    def migrate(self, engine: Engine, backup_to: Path | None) -> str | None:
        with _driver(engine) as driver:
            if self._pages is not None and _is_empty(driver):
                _copy(self._pages, driver)
                return None
        found = migrate(engine, backup_to)
        if found is None:
            with _driver(engine) as driver:
                self._pages = _without_wal(driver.serialize())
        return found


@contextmanager
def _driver(engine: Engine) -> Iterator[sqlite3.Connection]:
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        yield driver


def _is_empty(driver: sqlite3.Connection) -> bool:
    return driver.execute("SELECT 1 FROM sqlite_master").fetchone() is None


def _without_wal(pages: bytes) -> bytes:
    """For a connection in memory, which can't read what says that it has a log beside it (bytes 18 and 19)."""
    return pages[:18] + b"\x01\x01" + pages[20:]


def _copy(pages: bytes, to: sqlite3.Connection) -> None:
    with closing(sqlite3.connect(":memory:")) as template:
        template.deserialize(pages)
        template.backup(to)


@pytest.fixture(scope="session", autouse=True)
def _migrated_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database_module, "migrate", Template().migrate)
        yield
