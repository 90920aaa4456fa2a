"""Brings a database to the version that this program knows, with a backup first. Refuses a newer one."""

from __future__ import annotations

import importlib.resources
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from models.errors import DatabaseTooNew
from models.migrations import HEAD

if TYPE_CHECKING:
    from alembic.config import Config


def migrate(engine: Engine, backup_to: Path | None, scripts: str | None = None, head: str = HEAD) -> str | None:
    """Returns the version that was found (None: an empty database). `backup_to` names the file that an older
    database is copied to before it is changed. Raises DatabaseTooNew for a version that isn't known here."""
    with engine.connect() as connection:
        found = current_version(connection)
        connection.rollback()
        if found == head:
            return found
        if found is not None:
            _check_known(found, head, scripts)
            if backup_to is not None:
                _back_up(connection, backup_to)
        with connection.begin():
            _upgrade(connection, scripts)
    return found


def current_version(connection: Connection) -> str | None:
    if "alembic_version" not in inspect(connection).get_table_names():
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _check_known(found: str, head: str, scripts: str | None) -> None:
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(_config(None, scripts)).walk_revisions()}
    if found not in known:
        raise DatabaseTooNew(
            f"The database has version {found}, this program knows up to {head}: upgrade Parley, "
            "or start with another --data folder",
            found=found,
            known=head,
        )


def _back_up(connection: Connection, backup_to: Path) -> None:
    driver = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("the connection was closed before its backup")
    # Not VACUUM INTO: it takes the name as text, and not every name is.
    with closing(sqlite3.connect(backup_to)) as copy:
        driver.backup(copy)


def _upgrade(connection: Connection, scripts: str | None) -> None:
    from alembic import command

    command.upgrade(_config(connection, scripts), "head")


def _config(connection: Connection | None, scripts: str | None) -> Config:
    # Alembic is imported only when there is something to migrate: it costs 10 MB and 100 ms.
    from alembic.config import Config

    config = Config()
    # Alembic reads its options as templates, in which a percent sign begins a variable.
    location = scripts or str(importlib.resources.files("models") / "migrations")
    config.set_main_option("script_location", location.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
