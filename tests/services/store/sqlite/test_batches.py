"""What share a transaction: who loses or is refused is told so alone, and nobody else's work is done a second time."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from patience import HANG_S
from sqlalchemy import Boolean, Connection, Integer, text
from structlog.testing import capture_logs
from world import appending, commit, create, decided, say

from models.clock import SYSTEM_CLOCK
from models.errors import ClientMessageIdTaken, StaleHead, VersionMismatch
from models.events import SessionRenamed
from models.tables import METADATA
from models.user_state import Sections
from services.engine.context import Context
from services.store.journal import Append
from services.store.sql import statements
from services.store.sql.writer import Job
from services.store.sqlite import mark
from services.store.sqlite.database import Database
from services.store.sqlite.dialect import SQLITE
from services.store.sqlite.store import sqlite_store
from services.store.store import Store


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Store, Database]]:
    database = Database(folder, SYSTEM_CLOCK)
    store = sqlite_store(database)
    await store.open()
    yield store, database
    await store.close()


async def sessions(store: Store, count: int) -> list[Context]:
    project = await store.projects.inbox()
    made = [decided(f"s{number}", None, create(project.id, "t")) for number in range(count)]
    await asyncio.gather(*(commit(store.journal, each) for each in made if each is not None))
    return [each.after for each in made if each is not None]


def renamed(context: Context, title: str) -> Append:
    body = SessionRenamed(title=title, version=context.version + 1)
    return appending(context.session_id, context, [body])


async def test_a_user_states_change_that_is_refused_has_nobody_elses_written_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, database):
        written = list[str]()
        beside = database.write(lambda connection: written.append("once"))
        change = store.user_states.change("ann", lambda before: Sections(tabs={"a": 1}), 7)
        _, refused = await asyncio.gather(beside, change, return_exceptions=True)
        assert isinstance(refused, VersionMismatch)
        assert written == ["once"]


async def test_who_loses_the_guard_undoes_nobody_elses_work(tmp_path: Path) -> None:
    """Taken out for the check: looking up who won. Then everybody has lost, or the whole batch is written once more."""
    async with opened(tmp_path) as (store, database):
        contexts = await sessions(store, 8)
        await commit(store.journal, renamed(contexts[3], "faster"))
        project = await store.projects.create("gone")
        late = decided("late", None, create(project.id, "t"))
        assert late is not None
        await store.projects.delete(project.id)
        written = list[str]()
        results = await asyncio.gather(
            database.write(lambda connection: written.append("once")),
            *(commit(store.journal, renamed(each, "new")) for each in contexts),
            commit(store.journal, late),
            return_exceptions=True,
        )
        assert written == ["once"]
        losers = [number for number, result in enumerate(results[1:]) if result is not None]
        assert losers == [3, 8]
        titles = {each.id: each.title for each in (await store.reads.sessions()).sessions}
        assert titles == {f"s{number}": "faster" if number == 3 else "new" for number in range(8)}


async def test_appends_of_one_session_that_follow_each_other_may_share_a_transaction(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        [context] = await sessions(store, 1)
        first = renamed(context, "one")
        second = renamed(first.after, "two")
        other = renamed(first.after, "another two")
        *done, lost = await asyncio.gather(
            *(commit(store.journal, each) for each in (first, second, other)), return_exceptions=True
        )
        assert done == [None, None]
        assert isinstance(lost, StaleHead)
        assert await store.journal.load("s0") == second.after


async def test_one_that_raises_among_many_is_told_so_and_the_others_are_written_once(tmp_path: Path) -> None:
    """A key that is taken is noticed by the database alone."""
    async with opened(tmp_path) as (store, database):
        contexts = await sessions(store, 30)
        taken = decided("s7", contexts[7], say("said before", client_id="c"))
        assert taken is not None
        await commit(store.journal, taken)
        again = decided("s7", taken.after, say("said again", client_id="c"))
        assert again is not None
        appends = [again if number == 7 else renamed(each, "new") for number, each in enumerate(contexts)]
        results = await asyncio.gather(*(commit(store.journal, each) for each in appends), return_exceptions=True)
        assert [number for number, result in enumerate(results) if result is not None] == [7]
        assert isinstance(results[7], ClientMessageIdTaken)
        assert await store.journal.load("s7") == taken.after
        count = text("SELECT count(*) FROM events WHERE session IN (SELECT key FROM sessions WHERE title = 'new')")

        def counted(connection: Connection) -> int:
            return int(connection.execute(count).scalar_one())

        assert await database.write(counted) == 29 * contexts[0].head + 29


@pytest.mark.parametrize("failure", [sqlite3.OperationalError("disk I/O error"), RuntimeError("a bug")])
async def test_what_fails_behind_a_commit_neither_denies_nor_repeats_it(tmp_path: Path, failure: Exception) -> None:
    """Taken out for the check: the second `try` in `_transact`. Then the one is told of no success, the other is done
    twice."""

    def fail(*_: object) -> None:
        raise failure

    async with opened(tmp_path) as (store, database):
        [context] = await sessions(store, 1)
        written = list[str]()
        database.writer._committed = fail
        renaming = renamed(context, "new")
        await asyncio.gather(database.write(lambda connection: written.append("once")), commit(store.journal, renaming))
        assert written == ["once"]
        assert await store.journal.load("s0") == renaming.after
        assert database.trouble is None


async def test_a_count_that_cannot_be_read_leaves_the_mark_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: Connection) -> int:
        raise sqlite3.OperationalError("disk I/O error")

    async with opened(tmp_path) as (store, database):
        before = database._mark.read()
        monkeypatch.setattr(mark, "writes_of", fail)
        with capture_logs() as logs:
            project = await store.projects.create("counted all the same")
        assert [(line["event"], line["log_level"]) for line in logs] == [
            ("how far the database has come can't be read", "warning")
        ]
        assert database._mark.read() == before
    monkeypatch.undo()
    async with opened(tmp_path) as (store, database):
        assert database.missing is None
        assert await store.projects.get(project.id) == project


async def test_one_who_fails_when_told_keeps_nothing_from_the_others(tmp_path: Path) -> None:
    """Taken out for the check: the `try` in `_deliver`. Then nobody is ever told of anything again."""

    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    async with opened(tmp_path) as (_, database):
        database.writer.submit(Job(lambda connection: None, fail))
        async with asyncio.timeout(HANG_S):
            assert await database.write(lambda connection: 1) == 1
            assert await database.write(lambda connection: 2) == 2


@pytest.mark.parametrize("declared", ["EVENT", "SESSION", "CONTEXT", "MESSAGE"])
def test_the_types_of_a_batchs_columns_are_those_of_the_tables(declared: str) -> None:
    """SQLite doesn't look at them; a database that does must be told right."""
    table = METADATA.tables[f"{declared.lower()}s"]
    for name, kind in statements.columns_of(getattr(statements, declared)).items():
        kept = type(table.columns[name].type)
        assert {Integer: "bigint", Boolean: "boolean"}.get(kept, "text") == kind, name


def test_a_batch_has_one_statement_for_each_field() -> None:
    fields = [name for name, _ in statements.projections(SQLITE)]
    assert len(fields) == len(set(fields))
    assert fields.index("runs_new") < fields.index("runs") < fields.index("leases")
