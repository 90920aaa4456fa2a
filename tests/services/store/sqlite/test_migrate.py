"""Versions of the database: an older one is backed up and migrated, a newer one refused, a failed step undone."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
import structlog.testing
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from search_index import assert_index_is_that_of_the_messages
from sqlalchemy import Connection, create_engine, inspect, text
from world import USER, commit, create, decided, say

import models.migrations
from models.actors import UNKNOWN
from models.clock import SYSTEM_CLOCK
from models.commands import RenameSession
from models.errors import DatabaseTooNew
from models.migrations import HEAD
from models.tables import METADATA, is_declared
from services.search.query import SearchQuery
from services.store.lists import SessionQuery
from services.store.sqlite import database as database_module
from services.store.sqlite.database import FILE_NAME, Database
from services.store.sqlite.migrate import migrate
from services.store.sqlite.store import sqlite_store

SCRIPTS = Path(models.migrations.__file__).parent
NEXT = '''"""A step that this program does not have yet."""
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("projects", sa.Column("colour", sa.String(), nullable=True))
    {more}
'''

FOLDED_AS_BEFORE = """
    UPDATE search_text SET text = 'old';
    UPDATE sessions SET title_key = 'łodz';
    UPDATE alembic_version SET version_num = '0005';
"""
CURRENT_THOUGH_DELETED = """
    UPDATE projects SET current_session_id = 's';
    INSERT INTO sessions SELECT 99, 'gone', project_id, epoch, head, fence, title, state, created_at, updated_at,
        completed_at, 1, message_count, pool_count, version, archived, title_key FROM sessions;
    INSERT INTO projects (id, name, current_session_id, created_at, version) VALUES
        ('p1', 'deleted', 'gone', 1, 7), ('p2', 'purged', 'unknown', 1, 7), ('p3', 'none', NULL, 1, 7);
    UPDATE alembic_version SET version_num = '0006';
"""
BEFORE_ACTORS = """
    DROP TABLE actors;
    ALTER TABLE events DROP COLUMN "by";
    UPDATE alembic_version SET version_num = '0004';
"""


def scripts_with_a_next_step(folder: Path, more: str = "") -> str:
    copy = folder / "migrations"
    shutil.copytree(SCRIPTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "versions" / "9999_next.py").write_text(NEXT.format(head=HEAD, more=more))
    return str(copy)


async def an_older_database(folder: Path) -> None:
    database = Database(folder, SYSTEM_CLOCK)
    store = sqlite_store(database)
    await store.open()
    append = decided("s", None, create((await store.projects.inbox()).id, "kept"))
    assert append is not None
    await commit(store.journal, append)
    await store.close()


def newer_program(monkeypatch: pytest.MonkeyPatch, scripts: str) -> None:
    monkeypatch.setattr(
        database_module, "migrate", lambda engine, backup: migrate(engine, backup, scripts=scripts, head="9999")
    )


def backups(folder: Path) -> list[Path]:
    return list(folder.glob("*.backup-*"))


def columns(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    try:
        return {row[1] for row in connection.execute("PRAGMA table_info(projects)")}
    finally:
        connection.close()


def test_head_names_the_newest_script_and_there_is_one() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_the_schema_that_migrations_make_is_the_one_that_the_tables_declare(tmp_path: Path) -> None:
    await an_older_database(tmp_path)
    engine = create_engine(f"sqlite:///{tmp_path / FILE_NAME}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_declared})
        assert compare_metadata(context, METADATA) == []
        declared = create_engine("sqlite://")
        METADATA.create_all(declared)
        with declared.connect() as other:
            assert without_rowid(connection) == without_rowid(other)
            for table in METADATA.tables:
                assert checks(connection, table) == checks(other, table), table
                assert partial(connection, table) == partial(other, table), table
        declared.dispose()
    engine.dispose()


def without_rowid(connection: Connection) -> set[str]:
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    return {row.name for row in rows if "WITHOUT ROWID" in row.sql.upper() and is_declared(row.name, "table", {})}


def checks(connection: Connection, table: str) -> list[str]:
    return [each["sqltext"] for each in inspect(connection).get_check_constraints(table)]


def partial(connection: Connection, table: str) -> dict[str, str]:
    """Index name and its SQL, which alone tells the condition of a partial one."""
    rows = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :table AND sql IS NOT NULL"),
        {"table": table},
    )
    return {row.name: row.sql for row in rows}


async def test_a_new_database_gets_the_newest_version_and_no_backup(tmp_path: Path) -> None:
    await an_older_database(tmp_path)
    assert backups(tmp_path) == []
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (HEAD,)
    connection.close()


async def test_an_older_database_is_backed_up_and_migrated_and_keeps_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    await an_older_database(data)
    newer_program(monkeypatch, scripts_with_a_next_step(tmp_path))
    database = Database(data, SYSTEM_CLOCK)
    store = sqlite_store(database)
    with structlog.testing.capture_logs() as logs:
        await store.open()
    assert (await store.reads.session("s")).title == "kept"
    await store.close()
    assert "colour" in columns(data / FILE_NAME)
    (backup,) = backups(data)
    assert "colour" not in columns(backup)
    connection = sqlite3.connect(backup)
    assert connection.execute("SELECT title FROM sessions").fetchall() == [("kept",)]
    connection.close()
    assert [(each["event"], each["found"]) for each in logs] == [("database migrated", HEAD)]
    await reopened(data)


async def reopened(folder: Path) -> None:
    database = Database(folder, SYSTEM_CLOCK)
    await database.open()
    await database.close()
    assert len(backups(folder)) == 1, "nothing to migrate, nothing to back up"


async def test_events_that_are_older_than_actors_are_by_nobody_who_is_known(tmp_path: Path) -> None:
    await an_older_database(tmp_path)
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.executescript(BEFORE_ACTORS)
    connection.close()
    store = sqlite_store(Database(tmp_path, SYSTEM_CLOCK))
    await store.open()
    renamed = decided("s", await store.journal.load("s"), RenameSession("new"))
    assert renamed is not None
    await commit(store.journal, renamed)
    events = (await store.journal.since("s", 0)).events
    assert [event.by for event in events] == [UNKNOWN, USER]
    await store.close()


async def test_what_was_folded_as_before_is_folded_anew_once(tmp_path: Path) -> None:
    """Taken out for the check: the migration."""
    database = Database(tmp_path, SYSTEM_CLOCK)
    store = sqlite_store(database)
    await store.open()
    append = decided("s", None, create((await store.projects.inbox()).id, "Łódź"))
    assert append is not None
    await commit(store.journal, append)
    said = decided("s", append.after, say("שָׁלוֹם 👍🏽"))
    assert said is not None
    await commit(store.journal, said)
    await store.close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.executescript(FOLDED_AS_BEFORE)
    connection.close()
    for _ in range(2):
        store = sqlite_store(Database(tmp_path, SYSTEM_CLOCK))
        await store.open()
        for query, found in (("lodz ", 1), ("שלום ", 1), ("👍", 1), ("old", 0)):
            assert len((await store.search.find(SearchQuery(query))).results) == found, query
        assert [each.id for each in (await store.reads.sessions(SessionQuery(title="lodz"))).sessions] == ["s"]
        await store.close()
    assert len(backups(tmp_path)) == 1
    assert_index_is_that_of_the_messages(tmp_path / FILE_NAME)


async def test_a_deleted_session_that_was_left_its_projects_current_one_is_so_no_more(tmp_path: Path) -> None:
    """As earlier versions left it until it was purged. Taken out for the check: the migration."""
    await an_older_database(tmp_path)
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.executescript(CURRENT_THOUGH_DELETED)
    connection.close()
    for _ in range(2):
        store = sqlite_store(Database(tmp_path, SYSTEM_CLOCK))
        await store.open()
        current = {each.name: (each.current_session_id, each.version) for each in await store.projects.all()}
        # Who read that it was the current one is told.
        assert current == {"Inbox": ("s", 1), "deleted": (None, 8), "purged": (None, 8), "none": (None, 7)}
        await store.close()


async def test_a_newer_database_is_refused_and_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    await an_older_database(data)
    with monkeypatch.context() as newer:
        newer_program(newer, scripts_with_a_next_step(tmp_path))
        database = Database(data, SYSTEM_CLOCK)
        await database.open()
        await database.close()
    before = (data / FILE_NAME).read_bytes()
    with pytest.raises(DatabaseTooNew, match="upgrade Parley") as refused:
        await Database(data, SYSTEM_CLOCK).open()
    assert refused.value.details == {"found": "9999", "known": HEAD}
    assert refused.value.retryable is False
    assert (data / FILE_NAME).read_bytes() == before
    with pytest.raises(DatabaseTooNew):
        await Database(data, SYSTEM_CLOCK).open()


async def test_a_migration_that_fails_half_way_leaves_the_database_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    await an_older_database(data)
    scripts = scripts_with_a_next_step(tmp_path, more='raise RuntimeError("half way")')
    with monkeypatch.context() as newer:
        newer_program(newer, scripts)
        with pytest.raises(RuntimeError, match="half way"):
            await Database(data, SYSTEM_CLOCK).open()
    assert "colour" not in columns(data / FILE_NAME)
    database = Database(data, SYSTEM_CLOCK)
    store = sqlite_store(database)
    await store.open()
    assert (await store.reads.session("s")).title == "kept"
    await store.close()
