"""What is missing when the database opens is noticed: a log that is gone, cut or garbage, a database that is gone or
older. Nothing is said where nothing is missing.

A crash is a copy of the folder that is made while the database is open.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog.testing
from sqlite_rooms import new_session, opened, tell
from world import commit, decided, eventually

from models.clock import SYSTEM_CLOCK
from models.commands import DeleteSession
from models.errors import DatabaseCorrupt, DataFolderInUse
from services.store.sql.writer import Job
from services.store.sqlite.database import FILE_NAME, Database
from services.store.sqlite.folder import LOCK
from services.store.sqlite.mark import SIZE_BYTES, Mark, MarkFile
from services.store.sqlite.soundness import SHM, WAL, beside
from services.store.store import Store

MARK = MarkFile(Path(FILE_NAME)).path.name


def crash(folder: Path, into: Path) -> Path:
    """The folder as SIGKILL would leave it."""
    shutil.copytree(folder, into, ignore=shutil.ignore_patterns("*" + SHM, "lock*"))
    return into


def cut(file: Path, kept_bytes: int) -> None:
    with file.open("r+b") as opened_file:
        opened_file.truncate(kept_bytes)


def wal_of(folder: Path) -> Path:
    return beside(folder / FILE_NAME, WAL)


def frame_ends(wal: Path) -> list[int]:
    """Where each transaction of a log ends: frames behind a header of 32 bytes, each with one of 24; the last of a
    transaction says how large the database is. Frames with another salt are of the log's life before."""
    content = wal.read_bytes()
    size = int.from_bytes(content[8:12], "big") + 24
    starts = range(32, len(content) - size + 1, size)
    ours = [at for at in starts if content[at + 8 : at + 16] == content[16:24]]
    return [at + size for at in ours if int.from_bytes(content[at + 4 : at + 8], "big")]


async def epoch_of(store: Store, session_id: str = "s") -> str:
    return (await store.journal.load(session_id)).epoch


async def test_what_a_crash_leaves_is_whole_and_keeps_its_epoch(tmp_path: Path) -> None:
    async with opened(tmp_path / "a") as (_, store):
        context = await tell(store, await new_session(store), "hello")
        left = crash(tmp_path / "a", tmp_path / "b")
    with structlog.testing.capture_logs() as logs:
        async with opened(left) as (database, again):
            assert database.missing is None
            assert await again.journal.load("s") == context
    assert {"event": "the last stop was not clean", "is_complete": True, "log_level": "info"} in logs


async def test_a_clean_stop_and_start_says_nothing(tmp_path: Path) -> None:
    for number in range(2):
        with structlog.testing.capture_logs() as logs:
            async with opened(tmp_path) as (database, store):
                await tell(store, await new_session(store, f"s{number}"), "hello")
                assert database.missing is None
        assert logs == []
        mark = MarkFile(tmp_path / FILE_NAME).read()
        assert mark is not None
        assert mark.clean


def removed(wal: Path) -> None:
    wal.unlink()


def emptied(wal: Path) -> None:
    cut(wal, 0)


def without_its_last_transaction(wal: Path) -> None:
    cut(wal, frame_ends(wal)[-2])


def cut_inside_its_last_page(wal: Path) -> None:
    cut(wal, frame_ends(wal)[-1] - 1)


def cut_in_half(wal: Path) -> None:
    cut(wal, wal.stat().st_size // 2)


def overwritten(wal: Path) -> None:
    wal.write_bytes(b"\xa5" * wal.stat().st_size)


def with_one_wrong_byte(wal: Path) -> None:
    content = bytearray(wal.read_bytes())
    content[frame_ends(wal)[-2] + 100] ^= 0xFF
    wal.write_bytes(content)


def of_zeros_from_the_middle_on(wal: Path) -> None:
    size = wal.stat().st_size
    wal.write_bytes(wal.read_bytes()[: size // 2] + bytes(size - size // 2))


HARMS = [
    removed,
    emptied,
    without_its_last_transaction,
    cut_inside_its_last_page,
    cut_in_half,
    overwritten,
    with_one_wrong_byte,
    of_zeros_from_the_middle_on,
]


@pytest.mark.parametrize("harm", HARMS)
async def test_a_log_that_lost_something_gives_every_session_a_new_epoch(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    """Taken out for the check: MarkFile.committed."""
    async with opened(tmp_path / "a") as (_, store):
        other = await new_session(store, "other")
    async with opened(tmp_path / "a") as (_, store):
        context = await new_session(store)
        for number in range(5):
            context = await tell(store, context, f"message {number}")
        left = crash(tmp_path / "a", tmp_path / "b")
    harm(wal_of(left))
    with structlog.testing.capture_logs() as logs:
        async with opened(left) as (database, again):
            assert database.missing is not None
            assert "newest changes" in database.missing
            assert "new epoch" in database.missing
            assert await epoch_of(again, "other") != other.epoch
            await tell(again, await again.journal.load("other"), "life goes on")
    (line,) = [each for each in logs if each["event"] == "changes are missing"]
    assert line["log_level"] == "error"
    async with opened(left) as (database, again):
        assert database.missing is None, "it was said once, and the sessions have their new epoch"


async def test_a_log_without_what_nobody_was_told_of_is_complete(tmp_path: Path) -> None:
    """Frames behind the last commit are what a crash in the middle of a transaction leaves."""
    async with opened(tmp_path / "a") as (_, store):
        context = await tell(store, await new_session(store), "hello")
        left = crash(tmp_path / "a", tmp_path / "b")
    with wal_of(left).open("ab") as wal:
        wal.write(b"\x01" * 5_000)
    async with opened(left) as (database, again):
        assert database.missing is None
        assert await again.journal.load("s") == context


async def test_a_log_that_is_gone_but_was_brought_into_the_file_is_no_loss(tmp_path: Path) -> None:
    async with opened(tmp_path / "a") as (database, store):
        context = await tell(store, await new_session(store), "hello")
        await database.write(lambda connection: None)
        assert database._anchor is not None
        database._anchor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        left = crash(tmp_path / "a", tmp_path / "b")
    wal_of(left).unlink()
    async with opened(left) as (database, again):
        assert database.missing is None
        assert await again.journal.load("s") == context


async def test_writes_that_are_no_appends_are_missed_too(tmp_path: Path) -> None:
    async with opened(tmp_path / "a") as (_, store):
        await new_session(store)
        await store.projects.create("a project that somebody saw")
        left = crash(tmp_path / "a", tmp_path / "b")
    without_its_last_transaction(wal_of(left))
    async with opened(left) as (database, _):
        assert database.missing is not None


async def test_a_session_whose_event_was_the_last_may_be_purged(tmp_path: Path) -> None:
    """Taken out for the check: the count of writes."""
    async with opened(tmp_path / "a") as (_, store):
        await new_session(store, "stays")
        deletion = decided("s", await new_session(store), DeleteSession())
        assert deletion is not None
        await commit(store.journal, deletion)
        await store.journal.purge("s")
        left = crash(tmp_path / "a", tmp_path / "b")
    async with opened(left) as (database, _):
        assert database.missing is None


async def test_an_older_copy_in_the_databases_place_begins_a_new_epoch(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, store):
        context = await new_session(store)
    shutil.copy(tmp_path / FILE_NAME, tmp_path / "copy")
    copied = MarkFile(tmp_path / FILE_NAME).read()
    async with opened(tmp_path) as (_, store):
        await tell(store, context, "after the copy was made")
    shutil.move(tmp_path / "copy", tmp_path / FILE_NAME)
    shown = MarkFile(tmp_path / FILE_NAME).read()
    assert copied is not None
    with structlog.testing.capture_logs() as logs:
        async with opened(tmp_path) as (database, again):
            assert database.missing is not None
            assert await epoch_of(again) != context.epoch
    (line,) = [each for each in logs if each["event"] == "changes are missing"]
    # The log says what was there, not what is there from now on.
    assert (line["found"], line["shown"]) == (copied.writes, shown)


@pytest.mark.parametrize("mark", [None, b"", b"garbage", bytes(SIZE_BYTES)], ids=["gone", "empty", "text", "zeros"])
async def test_without_its_mark_a_database_begins_a_new_epoch(tmp_path: Path, mark: bytes | None) -> None:
    """A copy of the file alone may be older than what was shown."""
    async with opened(tmp_path) as (_, store):
        context = await new_session(store)
    if mark is None:
        (tmp_path / MARK).unlink()
    else:
        (tmp_path / MARK).write_bytes(mark)
    async with opened(tmp_path) as (database, again):
        assert database.missing is not None
        assert MARK in database.missing
        assert await epoch_of(again) != context.epoch


async def test_a_database_of_an_earlier_version_has_no_mark_and_lacks_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as (database, store):
        context = await new_session(store)
        database.writer.submit(
            Job(
                lambda connection: connection.exec_driver_sql("DELETE FROM meta WHERE name = 'writes'"), lambda *_: None
            )
        )
    (tmp_path / MARK).unlink()
    async with opened(tmp_path) as (database, again):
        assert database.missing is None
        assert await epoch_of(again) == context.epoch


async def test_pages_of_different_moments_are_refused(tmp_path: Path) -> None:
    """A log that is cut after it was brought into the file lays older pages over newer ones. Taken out for the check:
    check_journal."""
    async with opened(tmp_path / "a") as (_, store):
        first, second = await new_session(store, "first"), await new_session(store, "second")
        for number in range(30):
            first, second = await tell(store, first, f"{number}"), await tell(store, second, f"{number}")
    async with opened(tmp_path / "a") as (database, store):
        second = await tell(store, second, "kept in the log")
        kept_bytes = frame_ends(wal_of(tmp_path / "a"))[-1]
        first = await tell(store, first, "its pages are of this moment, those that count it of the one before")
        assert database._anchor is not None
        database._anchor.execute("PRAGMA wal_checkpoint(PASSIVE)")
        left = crash(tmp_path / "a", tmp_path / "b")
    cut(wal_of(left), kept_bytes)
    with pytest.raises(DatabaseCorrupt):
        async with opened(left):
            pass


def test_a_mark_reads_as_it_was_written() -> None:
    mark = Mark(True, 12, "a session's id, with spaces", 345, 1_700_000_000_000)
    written = mark.to_bytes()
    assert len(written) == SIZE_BYTES
    assert Mark.of(written) == mark
    assert Mark.of(written.replace(b"345", b"346")) is None


# A database that is gone


@pytest.mark.parametrize("is_there", [True, False], ids=["empty", "gone"])
async def test_an_empty_database_where_there_was_one_is_refused_and_left_alone(tmp_path: Path, is_there: bool) -> None:
    async with opened(tmp_path) as (_, store):
        await new_session(store)
    path = tmp_path / FILE_NAME
    whole = path.read_bytes()
    path.unlink()
    if is_there:
        path.touch()
    for _ in range(2):
        with pytest.raises(DatabaseCorrupt, match="begin anew") as refused:
            await Database(tmp_path, SYSTEM_CLOCK).open()
        assert MARK in refused.value.message
    path.write_bytes(whole)
    async with opened(tmp_path) as (database, again):
        assert database.missing is None
        assert (await again.reads.session("s")).message_count == 0


@pytest.mark.parametrize("trace", [FILE_NAME + WAL, FILE_NAME + ".backup-1"])
async def test_a_log_or_a_backup_says_that_there_was_a_database_too(tmp_path: Path, trace: str) -> None:
    (tmp_path / FILE_NAME).touch()
    (tmp_path / trace).write_bytes(b"something")
    with pytest.raises(DatabaseCorrupt, match="begin anew"):
        await Database(tmp_path, SYSTEM_CLOCK).open()
    assert (tmp_path / trace).read_bytes() == b"something"


# Files that somebody takes away


@pytest.mark.parametrize("suffix", ["", WAL, SHM])
async def test_a_file_that_is_deleted_under_the_server_is_noticed_and_nothing_more_is_taken(
    tmp_path: Path, suffix: str
) -> None:
    async with opened(tmp_path) as (database, store):
        context = await new_session(store)
        beside(database.path, suffix).unlink()
        await eventually(lambda: database.trouble is not None, "the look at the files")
        assert isinstance(database.trouble, DatabaseCorrupt)
        assert FILE_NAME + suffix in database.trouble.message
        with pytest.raises(DatabaseCorrupt, match="deleted or replaced"):
            await tell(store, context, "into nothing")
        database._note_success()
        assert isinstance(database.trouble, DatabaseCorrupt), "it does not come back"
    mark = MarkFile(tmp_path / FILE_NAME).read()
    assert mark is not None
    assert not mark.clean


async def test_a_file_that_is_replaced_under_the_server_is_noticed(tmp_path: Path) -> None:
    async with opened(tmp_path) as (database, store):
        await new_session(store)
        shutil.copy(database.path, tmp_path / "copy")
        shutil.move(tmp_path / "copy", database.path)
        await eventually(lambda: isinstance(database.trouble, DatabaseCorrupt), "the look at the files")


async def test_a_lock_file_that_is_deleted_lets_nobody_in_and_is_made_anew(tmp_path: Path) -> None:
    async with opened(tmp_path) as (database, store):
        (tmp_path / LOCK).unlink()
        # Taken out for the check: the lock on the folder itself.
        with pytest.raises(DataFolderInUse):
            await Database(tmp_path, SYSTEM_CLOCK).open()
        await eventually(lambda: database._held.lost() == [], "the new lock")
        with pytest.raises(DataFolderInUse):
            await Database(tmp_path, SYSTEM_CLOCK).open()
        assert database.trouble is None
        await new_session(store)


async def test_a_mark_that_is_deleted_is_made_anew(tmp_path: Path) -> None:
    async with opened(tmp_path) as (database, store):
        (tmp_path / MARK).unlink()
        await eventually(lambda: (tmp_path / MARK).exists() and database._held.lost() == [], "the new mark")
        await new_session(store)
        assert database.trouble is None
    async with opened(tmp_path) as (database, _):
        assert database.missing is None


async def test_a_connection_that_is_made_anew_keeps_the_log(tmp_path: Path) -> None:
    """SQLite deletes its log when the last connection closes: that must not look like somebody's deed."""
    async with opened(tmp_path) as (database, store):
        await new_session(store)
        database.writer._drop_connection()
        await new_session(store, "s2")
        assert database._held.lost() == []


async def test_a_mark_that_cannot_be_written_holds_up_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    (tmp_path / MARK).unlink()
    (tmp_path / MARK).mkdir()
    async with opened(tmp_path) as (_, store):
        context = await tell(store, await new_session(store), "hello")
        assert await store.journal.load("s") == context
