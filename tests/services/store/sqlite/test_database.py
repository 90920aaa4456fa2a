"""A database in trouble: full, locked, cut off, garbage, damaged.

The error is clear, nothing half-written shows, and it works again as soon as the cause is gone.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import structlog.testing
from patience import HANG_S
from sqlalchemy import Connection, PoolProxiedConnection, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlite_rooms import new_session, opened, tell
from world import Room, appending, commit, decided, eventually, say

from models.clock import SYSTEM_CLOCK
from models.commands import DeleteSession
from models.errors import (
    DatabaseCorrupt,
    DatabaseFull,
    DatabaseLocked,
    DataFolderInUse,
    StorageUnavailable,
    VersionMismatch,
)
from models.events import SessionRenamed
from models.user_state import Sections
from services.engine.context import Context
from services.search.query import SearchQuery
from services.store.projects import INBOX
from services.store.reads import MessageQuery
from services.store.sqlite.database import FILE_NAME, Database
from services.store.sqlite.soundness import translate
from services.store.sqlite.store import sqlite_store
from services.store.store import Store

LENGTH_LIMIT = 0
"""SQLITE_LIMIT_LENGTH: the largest value, in bytes."""


async def fill(store: Store, context: Context, chars: int = 20_000) -> Context:
    """Says things until there is no room left; returns the last context that is durable."""
    for _ in range(10_000):
        try:
            context = await tell(store, context, "x" * chars)
        except DatabaseFull:
            return context
    raise AssertionError("the database never filled up")


async def assert_whole(store: Store, context: Context) -> None:
    """The journal holds this context, all of its events and messages, and nothing more."""
    assert await store.journal.load(context.session_id) == context
    page = await store.journal.since(context.session_id, 0, limit=100_000, limit_bytes=1 << 40)
    assert [each.seq for each in page.events] == list(range(1, context.head + 1))
    assert len((await store.reads.page(context.session_id, MessageQuery(take=200))).messages) == context.pool_count


def lock_from_another_process(path: Path) -> subprocess.Popen[str]:
    """A process that holds the write lock until its stdin is closed."""
    script = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('BEGIN EXCLUSIVE')\n"
        "print('locked', flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def unlock(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=HANG_S)


# Full


async def test_a_full_database_says_so_and_shows_nothing_half_written(tmp_path: Path) -> None:
    async with opened(tmp_path, max_pages=120) as (database, store):
        context = await fill(store, await new_session(store))
        assert type(database.trouble) is DatabaseFull
        await assert_whole(store, context)
        with pytest.raises(DatabaseFull) as refused:
            await tell(store, context, "x" * 20_000)
        assert (refused.value.status, refused.value.retryable) == (503, True)
        await assert_whole(store, context)


async def test_a_full_database_works_again_without_a_restart_when_there_is_room(tmp_path: Path) -> None:
    async with opened(tmp_path, max_pages=120) as (database, store):
        context = await fill(store, await new_session(store))
        assert database._engine is not None
        event.listen(database._engine, "connect", lambda raw, _: raw.execute("PRAGMA max_page_count = 100000"))
        await eventually(lambda: database.trouble is None, "the probe's success")
        context = await tell(store, context, "x" * 20_000)
        await assert_whole(store, context)


async def test_the_log_of_a_failure_says_why_and_not_what_people_said(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logs:
        async with opened(tmp_path, max_pages=120) as (_, store):
            await fill(store, await new_session(store))
    (line,) = [each for each in logs if each["event"] == "storage trouble"]
    assert line["cause"] == "database or disk is full"


async def test_purging_makes_room(tmp_path: Path) -> None:
    async with opened(tmp_path, max_pages=160) as (database, store):
        doomed = await new_session(store, "doomed")
        for _ in range(5):
            doomed = await tell(store, doomed, "x" * 20_000)
        deletion = decided("doomed", doomed, DeleteSession())
        assert deletion is not None
        await commit(store.journal, deletion)
        context = await fill(store, await new_session(store))
        assert database.trouble is not None
        await store.journal.purge("doomed")
        assert await tell(store, context, "there is room again")
        assert database.trouble is None


async def test_readiness_stays_red_while_the_database_is_full(tmp_path: Path) -> None:
    async with opened(tmp_path, max_pages=120) as (database, store):
        context = await fill(store, await new_session(store))
        small = await fill(store, context, chars=1)
        with pytest.raises(DatabaseFull):
            await tell(store, small, "x" * 20_000)
        async with database.read() as connection:
            await connection.execute(text("SELECT 1"))
        assert type(database.trouble) is DatabaseFull


# Locked


async def test_a_foreign_lock_is_named_reading_goes_on_and_writing_too_when_it_is_gone(tmp_path: Path) -> None:
    async with opened(tmp_path) as (database, store):
        context = await tell(store, await new_session(store), "before")
        process = await asyncio.to_thread(lock_from_another_process, database.path)
        try:
            with pytest.raises(DatabaseLocked):
                await tell(store, context, "during")
            assert type(database.trouble) is DatabaseLocked
            await assert_whole(store, context)
        finally:
            await asyncio.to_thread(unlock, process)
        await eventually(lambda: database.trouble is None, "the probe's success")
        await assert_whole(store, await tell(store, context, "after"))


async def test_a_lock_that_goes_within_the_busy_timeout_is_not_noticed(tmp_path: Path) -> None:
    async with opened(tmp_path, busy_timeout_s=HANG_S) as (database, store):
        context = await new_session(store)
        process = await asyncio.to_thread(lock_from_another_process, database.path)
        waiting = asyncio.create_task(tell(store, context, "patience"))
        await asyncio.to_thread(unlock, process)
        await assert_whole(store, await waiting)
        assert database.trouble is None


async def test_a_lock_at_the_start_is_named_and_leaves_the_folder_free(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    process = await asyncio.to_thread(lock_from_another_process, tmp_path / FILE_NAME)
    try:
        with pytest.raises(DatabaseLocked):
            await Database(tmp_path, SYSTEM_CLOCK, busy_timeout_s=0.05).open()
    finally:
        await asyncio.to_thread(unlock, process)
    async with opened(tmp_path) as (database, _):
        assert database.trouble is None


# Cut off, garbage, damaged


async def some_history(folder: Path, messages: int = 30) -> None:
    async with opened(folder) as (_, store):
        context = await new_session(store)
        for number in range(messages):
            context = await tell(store, context, f"{number} " * 1_000)


@pytest.mark.parametrize("kept", [0.9, 0.5, 0.1])
async def test_a_file_that_was_cut_off_is_refused_with_what_to_do(tmp_path: Path, kept: float) -> None:
    await some_history(tmp_path)
    path = tmp_path / FILE_NAME
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(DatabaseCorrupt, match="cut off") as refused:
        await Database(tmp_path, SYSTEM_CLOCK).open()
    assert "backup" in refused.value.message
    path.write_bytes(whole)
    async with opened(tmp_path) as (_, store):
        assert (await store.reads.session("s")).message_count == 30


@pytest.mark.parametrize("garbage", [b"x", b"hello" * 10_000, bytes(100_000)], ids=["tiny", "text", "zeros"])
async def test_a_file_of_garbage_is_refused_and_left_alone(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(garbage)
    with pytest.raises(DatabaseCorrupt, match="not a SQLite database"):
        await Database(tmp_path, SYSTEM_CLOCK).open()
    assert path.read_bytes() == garbage


async def test_garbage_behind_a_good_header_is_refused(tmp_path: Path) -> None:
    await some_history(tmp_path)
    path = tmp_path / FILE_NAME
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xa5" * (len(whole) - 100))
    with pytest.raises(DatabaseCorrupt):
        await Database(tmp_path, SYSTEM_CLOCK).open()


async def test_a_damaged_page_is_found_at_the_start(tmp_path: Path) -> None:
    await some_history(tmp_path)
    path = tmp_path / FILE_NAME
    damage(path)
    with pytest.raises(DatabaseCorrupt):
        await Database(tmp_path, SYSTEM_CLOCK).open()


async def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).touch()
    async with opened(tmp_path) as (_, store):
        await new_session(store)


def damage(path: Path) -> None:
    """Overwrites every page from the third quarter on, as a failing disk might."""
    content = bytearray(path.read_bytes())
    start = len(content) // 4096 // 2 * 4096
    content[start:] = b"\xa5" * (len(content) - start)
    path.write_bytes(content)


async def test_damage_at_run_time_is_named_stays_red_and_shows_nothing_wrong(tmp_path: Path) -> None:
    await some_history(tmp_path)
    async with opened(tmp_path) as (database, store):
        context = await store.journal.load("s")
        with sqlite3.connect(database.path) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.close()
        damage(database.path)
        with pytest.raises(DatabaseCorrupt) as refused:
            await store.reads.page("s", MessageQuery(take=200))
        assert (refused.value.code, refused.value.retryable) == ("storage_corrupt", False)
        assert type(database.trouble) is DatabaseCorrupt
        with pytest.raises(DatabaseCorrupt):
            await tell(store, context, "x" * 50_000)
        database._note_success()
        assert type(database.trouble) is DatabaseCorrupt, "a damaged file does not heal"


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE messages SET header = '{'",
        "UPDATE messages SET content = CAST(x'ff00fe' AS TEXT)",
        "UPDATE contexts SET state = 'x'",
        "UPDATE events SET data = '{' WHERE seq = 1",
        "UPDATE events SET code = 999 WHERE seq = 1",
        "DELETE FROM branches",
        "DELETE FROM messages",
        "DROP TABLE search_text",
        "DELETE FROM search_text_data",
        "DROP TABLE events",
    ],
)
async def test_damage_that_only_reading_shows_is_damage_wherever_it_shows(tmp_path: Path, harm: str) -> None:
    async with opened(tmp_path) as (database, store):
        await tell(store, await new_session(store), "hello")
        with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
            other.execute(harm)
        reads = [
            store.journal.load("s"),
            store.journal.since("s", 0),
            store.reads.page("s", MessageQuery()),
            store.search.find(SearchQuery("hello")),
        ]
        errors = [each for each in await asyncio.gather(*reads, return_exceptions=True) if isinstance(each, Exception)]
        assert errors
        assert {type(each) for each in errors} == {DatabaseCorrupt}
        assert {each.code for each in errors if isinstance(each, DatabaseCorrupt)} == {"storage_corrupt"}


UNREADABLE = (
    ("projects", "rowid", "created_at version name"),
    ("sessions", "rowid", "created_at updated_at version head pool_count state title"),
    ("contexts", "rowid", "state model steered usage grants"),
    ("branches", "rowid", "body"),
    ("messages", "rowid", "header content"),
    ("events", "seq", "at data"),
    ("user_states", "rowid", "updated_at version body"),
)
"""Columns whose values are read; not those that are only compared."""


async def test_a_value_that_is_none_of_its_kind_is_damage_wherever_it_is_read(tmp_path: Path) -> None:
    """Taken out for the check: `__exit__` in `_Stored`. Then it is a fault of ours, or nonsense is answered."""
    async with opened(tmp_path) as (database, store):
        context = await tell(store, await new_session(store), "hello")
        project = await store.projects.inbox()
        await store.user_states.change("ann", lambda before: Sections(tabs={"s": 1}))
        reads: list[Callable[[], Awaitable[object]]] = [
            lambda: store.journal.load("s"),
            lambda: store.journal.since("s", 0),
            lambda: store.reads.page("s", MessageQuery()),
            lambda: store.reads.snapshot("s"),
            lambda: store.reads.session("s"),
            lambda: store.reads.sessions(),
            lambda: store.reads.messages("s", [next(iter(ids))]),
            lambda: store.search.find(SearchQuery("hello")),
            lambda: store.projects.all(),
            lambda: store.projects.inbox(),
            lambda: store.projects.get(project.id),
            lambda: store.projects.rename(project.id, "new", 1_000_000),
            lambda: store.user_states.get("ann"),
            lambda: store.user_states.change("ann", lambda before: before.sections),
        ]
        ids = [message.id for message in (await store.reads.page("s", MessageQuery())).messages]
        with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
            for table, key, column in [(*each[:2], name) for each in UNREADABLE for name in each[2].split()]:
                select = f"SELECT {key}, {column} FROM {table} ORDER BY {key} LIMIT 1"  # noqa: S608 -- constants
                update = f"UPDATE {table} SET {column} = ? WHERE {key} = ?"  # noqa: S608 -- constants
                [(row, whole)] = other.execute(select)
                for value in (b"\xff", "x") if isinstance(whole, int) else (b"\xff",):
                    other.execute(update, (value, row))
                    answers = await asyncio.gather(*(read() for read in reads), return_exceptions=True)
                    errors = {type(each) for each in answers if isinstance(each, Exception)} - {VersionMismatch}
                    assert errors == {DatabaseCorrupt}, (table, column, value)
                other.execute(update, (whole, row))
        assert await store.journal.load("s") == context
        assert type(database.trouble) is DatabaseCorrupt


async def test_what_a_driver_raises_while_a_context_is_read_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damage is believed until the next start. Fails when a query is awaited inside `stored`."""
    async with opened(tmp_path) as (database, store):
        context = await tell(store, await new_session(store), "hello")
        execute = AsyncConnection.execute
        faults: dict[str, Exception] = {}

        async def fails(self: AsyncConnection, statement: Any, *more: Any, **named: Any) -> Any:
            for table, fault in faults.items():
                if f"FROM {table} " in str(statement):
                    raise fault
            return await execute(self, statement, *more, **named)

        with monkeypatch.context() as patch:
            patch.setattr(AsyncConnection, "execute", fails)
            for table in ("branches", "runs", "approvals"):
                for fault in (OSError("the driver"), ValueError("the driver")):
                    faults = {table: fault}
                    with pytest.raises(type(fault), match="the driver"):
                        await store.journal.load("s")
        assert database.trouble is None
        assert await store.journal.load("s") == context


async def test_a_session_that_has_lost_its_context_is_damage_and_not_unknown(tmp_path: Path) -> None:
    async with opened(tmp_path) as (database, store):
        await new_session(store)
        with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
            other.execute("DELETE FROM contexts")
        for read in (store.journal.load("s"), store.reads.snapshot("s"), store.reads.session("s")):
            with pytest.raises(DatabaseCorrupt, match="lost its context"):
                await read
        assert [each.id for each in (await store.reads.sessions()).sessions] == ["s"]


# The folder


async def test_a_second_server_on_the_folder_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    async with opened(tmp_path):
        refused = Database(tmp_path, SYSTEM_CLOCK)
        for _ in range(2):
            # Taken out: who is refused and closes leaves the other's pid where it is.
            with pytest.raises(DataFolderInUse, match=rf"server \(pid {os.getpid()}\) uses .* --data"):
                await refused.open()
            await refused.close()
        (tmp_path / "lock.pid").write_text("no number")
        with pytest.raises(DataFolderInUse, match="Another server uses"):
            await refused.open()
    assert not (tmp_path / "lock.pid").exists()
    async with opened(tmp_path):
        pass


async def test_a_server_in_another_process_is_refused_too(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys, pathlib\n"
        "from models.clock import SYSTEM_CLOCK\n"
        "from models.errors import DataFolderInUse\n"
        "from services.store.sqlite.database import Database\n"
        "try:\n    asyncio.run(Database(pathlib.Path(sys.argv[1]), SYSTEM_CLOCK).open())\n"
        "except DataFolderInUse as error:\n    print(error.code)\n"
    )
    root = Path(__file__).parents[4]
    async with opened(tmp_path):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, str(tmp_path), stdout=asyncio.subprocess.PIPE, cwd=root
        )
        async with asyncio.timeout(HANG_S):
            out, _ = await process.communicate()
    assert out == b"data_folder_in_use\n"


async def test_a_closed_database_refuses_and_may_be_closed_again(tmp_path: Path) -> None:
    database = Database(tmp_path, SYSTEM_CLOCK)
    await database.close()
    await database.open()
    await database.close()
    await database.close()
    with pytest.raises(StorageUnavailable, match="closed"):
        await database.write(lambda connection: None)
    with pytest.raises(StorageUnavailable, match="closed"):
        async with database.read():
            pass
    with pytest.raises(StorageUnavailable, match="closed"):
        database._connect()


async def test_closing_finishes_what_was_submitted_before(tmp_path: Path) -> None:
    database = Database(tmp_path, SYSTEM_CLOCK)
    store = sqlite_store(database)
    await store.open()
    writes = [asyncio.create_task(new_session(store, f"s{n}")) for n in range(20)]
    await eventually(lambda: any(write.done() for write in writes))
    await asyncio.gather(*writes)
    context = await store.journal.load("s0")
    told: list[BaseException | None] = []
    store.journal.append(appending("s0", context, [SessionRenamed(title="last words", version=2)]), told.append)
    await database.close()
    await eventually(lambda: told)
    assert told == [None]
    async with opened(tmp_path) as (_, again):
        assert (await again.reads.session("s0")).title == "last words"


# I1: the outcome of a commit


async def test_i1_an_append_whose_commit_fails_shows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken out for the check: the failure of the whole batch in `Writer._transact`."""
    async with opened(tmp_path) as (database, store):
        context = await new_session(store)
        assert database._engine is not None

        def fails(_raw: object) -> None:
            raise sqlite3.OperationalError("disk I/O error")

        with monkeypatch.context() as patch:
            patch.setattr(database._engine.dialect, "do_commit", fails)
            results = await asyncio.gather(
                tell(store, context, "never"), new_session(store, "s2"), return_exceptions=True
            )
        assert [type(each) for each in results] == [StorageUnavailable, StorageUnavailable]
        await assert_whole(store, context)
        assert len((await store.reads.sessions()).sessions) == 1
        await assert_whole(store, await tell(store, context, "now"))
        assert database.trouble is None


async def test_i1_an_append_of_unknown_outcome_is_shown_once_it_is_known_to_be_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The COMMIT did its work, then reported a failure. Taken out for the check: the missed events in `_read`."""
    async with opened(tmp_path) as (database, store):
        room = Room(store, (await store.projects.inbox()).id)
        session_id = await room.create()
        assert database._engine is not None
        commit_for_real = database._engine.dialect.do_commit

        def commits_and_fails(raw: PoolProxiedConnection) -> None:
            commit_for_real(raw)
            raise sqlite3.OperationalError("disk I/O error")

        with monkeypatch.context() as patch:
            patch.setattr(database._engine.dialect, "do_commit", commits_and_fails)
            with pytest.raises(StorageUnavailable):
                await room.do(session_id, say("was it kept?", client_id="c"))
        await eventually(lambda: len(room.of(session_id)) > 1, "the missed events")
        await room.assert_shown_is_journal(session_id)
        assert (await room.do(session_id, say("was it kept?", client_id="c"))).seq == 2
        await room.sessions.close()


async def test_an_append_that_cannot_be_encoded_fails_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as (database, store):
        contexts = [await new_session(store, f"s{n}") for n in range(5)]
        words = ["fine", "fine", "not \ud800", "fine", "fine"]
        results = await asyncio.gather(
            *(tell(store, context, each) for context, each in zip(contexts, words, strict=True)),
            return_exceptions=True,
        )
        assert [isinstance(each, Context) for each in results] == [True, True, False, True, True]
        assert isinstance(results[2], TypeError)
        assert database.trouble is None
        await assert_whole(store, contexts[2])


async def test_appends_that_are_too_much_for_one_statement_are_written_in_parts(tmp_path: Path) -> None:
    """SQLite takes 1 GB per value, and a batch travels as one: many large messages at once may pass it."""
    async with opened(tmp_path) as (database, store):
        assert database._engine is not None
        event.listen(database._engine, "connect", lambda raw, _: raw.setlimit(LENGTH_LIMIT, 1_000_000))
        contexts = [await new_session(store, f"s{n}") for n in range(6)]
        results = await asyncio.gather(*(tell(store, context, "x" * 300_000) for context in contexts))
        for context in results:
            await assert_whole(store, context)
        assert database.trouble is None


async def test_a_write_whose_caller_is_gone_is_done_all_the_same(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, store):
        projects = store.projects
        caller = asyncio.create_task(projects.create("orphan"))
        await asyncio.sleep(0)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        await projects.create("next")
        assert [project.name for project in await projects.all()] == [INBOX, "orphan", "next"]


async def test_a_job_that_raises_fails_alone_with_its_own_error(tmp_path: Path) -> None:
    """Taken out for the check: the savepoints of Writer._settle."""
    async with opened(tmp_path) as (database, _):
        await database.write(lambda connection: connection.execute(text("CREATE TABLE t (n INTEGER PRIMARY KEY)")))

        def insert(number: int) -> None:
            database_write(number)

        def database_write(number: int) -> None:
            tasks.append(asyncio.create_task(database.write(lambda connection: job(connection, number))))

        def job(connection: Connection, number: int) -> int:
            connection.execute(text("INSERT INTO t VALUES (:n)"), {"n": number})
            if number % 3 == 0:
                raise LookupError(f"{number} does not want to")
            return number

        tasks: list[asyncio.Task[int]] = []
        for number in range(30):
            insert(number)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        good = [number for number in range(30) if number % 3]
        assert [each for each in results if isinstance(each, int)] == good
        assert sum(isinstance(each, LookupError) for each in results) == 10
        async with database.read() as connection:
            assert list((await connection.execute(text("SELECT n FROM t ORDER BY n"))).scalars()) == good
        assert database.trouble is None


async def test_readers_cannot_write(tmp_path: Path) -> None:
    async with opened(tmp_path) as (database, _):
        with pytest.raises(StorageUnavailable):
            async with database.read() as connection:
                await connection.execute(text("DELETE FROM sessions"))


async def test_a_read_transaction_sees_one_moment(tmp_path: Path) -> None:
    async with opened(tmp_path) as (database, store):
        context = await new_session(store)
        head = text("SELECT head FROM sessions")
        async with database.read() as connection:
            before = (await connection.execute(head)).scalar()
            await tell(store, context, "meanwhile")
            assert (await connection.execute(head)).scalar() == before
        async with database.read() as connection:
            assert (await connection.execute(head)).scalar() != before


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("database is locked", DatabaseLocked),
        ("database table is locked", DatabaseLocked),
        ("database or disk is full", DatabaseFull),
        ("database disk image is malformed", DatabaseCorrupt),
        ("file is not a database", DatabaseCorrupt),
        ("disk I/O error", StorageUnavailable),
    ],
)
def test_a_drivers_words_become_the_condition_they_mean(words: str, meaning: type[StorageUnavailable]) -> None:
    raw = sqlite3.OperationalError(words)
    assert type(translate(raw)) is meaning
    assert type(translate(OperationalError("SELECT 1", {}, raw))) is meaning
    known = DatabaseFull()
    assert translate(known) is known
