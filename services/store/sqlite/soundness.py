"""Whether a SQLite file is whole, and what a driver's error means. Mends nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from models.errors import DatabaseCorrupt, DatabaseFull, DatabaseLocked, StorageUnavailable
from services.store.sqlite.mark import SUFFIX as MARK

CHECK_WHOLE_UP_TO_BYTES = 64 * 1024 * 1024
"""At start a file up to this size is read through (`quick_check`); a larger one only has its length checked."""
WAL, SHM = "-wal", "-shm"
ODD_HEAD = """
    SELECT id FROM sessions WHERE head > 0 AND (
        NOT EXISTS (SELECT 1 FROM events WHERE session = sessions.key AND seq = sessions.head)
        OR EXISTS (SELECT 1 FROM events WHERE session = sessions.key AND seq > sessions.head)
    ) LIMIT 1
"""
DAMAGES = ("malformed", "not a database", "corrupt", "could not decode to utf-8", "vtable constructor failed")
DAMAGES_IN_SCHEMA = ("no such table", "no such column", "no such index")
"""Statements are constants, and each was tried on a database that is whole."""
PRIMARY = 0xFF
"""An extended result code has the primary one in its last byte."""


def check_file(path: Path) -> None:
    """Raises DatabaseCorrupt for a file that is not a database, is shorter than its header says, is damaged, or is
    empty where there was a database before."""
    if not path.exists() or path.stat().st_size == 0:
        _check_is_new(path)
        return
    with path.open("rb") as file:
        header = file.read(100)
    if header[:16] != b"SQLite format 3\x00":
        raise DatabaseCorrupt(f"{path.name} is not a SQLite database; move it away or restore a backup")
    page_size = int.from_bytes(header[16:18], "big")
    page_size = 65536 if page_size == 1 else page_size
    promised = int.from_bytes(header[28:32], "big") * page_size
    size = path.stat().st_size
    has_wal = beside(path, WAL).exists()
    if size < promised and not has_wal:
        raise DatabaseCorrupt(f"{path.name} is cut off ({size} of {promised} bytes); restore a backup")
    if size <= CHECK_WHOLE_UP_TO_BYTES:
        with closing(sqlite3.connect(path)) as connection:
            _raise_damage(path.name, connection.execute("PRAGMA quick_check(1)").fetchone()[0])


def check_journal(connection: Connection) -> None:
    """Raises DatabaseCorrupt when a session's head is not its last event: pages of different moments were mixed."""
    session_id = connection.exec_driver_sql(ODD_HEAD).scalar()
    if session_id is not None:
        raise DatabaseCorrupt(f"The journal of session {session_id} does not end where it says; restore a backup")


def check_whole(connection: Connection, name: str) -> None:
    """Reads everything. Raises DatabaseCorrupt."""
    _raise_damage(name, connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one())


def beside(database: Path, suffix: str) -> Path:
    return database.with_name(database.name + suffix)


def translate(error: BaseException) -> StorageUnavailable:
    """A driver's error as the condition that it means."""
    if isinstance(error, StorageUnavailable):
        return error
    cause = error.orig if isinstance(error, DBAPIError) else error
    text = str(cause).lower()
    match getattr(cause, "sqlite_errorcode", 0) & PRIMARY, getattr(cause, "sqlite_errorcode", 0):
        case (sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB, _) | (_, sqlite3.SQLITE_IOERR_SHORT_READ):
            return DatabaseCorrupt()
        case _ if any(words in text for words in (*DAMAGES, *DAMAGES_IN_SCHEMA)):
            return DatabaseCorrupt()
        case _ if "locked" in text or "busy" in text:
            return DatabaseLocked()
        case _ if "full" in text or "no space" in text:
            return DatabaseFull()
        case _:
            return StorageUnavailable(f"Storage is unavailable: {type(cause).__name__}")


def _check_is_new(path: Path) -> None:
    """An empty file is a new database, unless something beside it says that there was one."""
    candidates = [beside(path, WAL), beside(path, MARK), *sorted(path.parent.glob(f"{path.name}.backup-*"))]
    left = [file.name for file in candidates if file.exists() and file.stat().st_size]
    if left:
        found = "is empty" if path.exists() else "is gone"
        raise DatabaseCorrupt(
            f"{path.name} {found}, and {', '.join(left)} beside it says that there was a database: restore a backup, "
            "or move these files away to begin anew"
        )


def _raise_damage(name: str, problem: str) -> None:
    if problem != "ok":
        raise DatabaseCorrupt(f"{name} is damaged ({problem}); restore a backup")
