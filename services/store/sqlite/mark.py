"""How far the database had come when it was last written, in a small file beside it: a start that finds the database
behind its mark knows that something is missing.

A commit writes the mark and does not wait for the disk: a process that is killed leaves it all the same. It is made
durable now and then. Whatever is lost with a write-ahead log is the end of what was committed, so it is enough to ask
for the last of it: the newest event, or, behind writes that are no appends, how many of these there were.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import structlog
from sqlalchemy import Connection

from models.events import Event
from services.store.sql.writer import Bulk, Job, WriteOutcome

log = structlog.get_logger(__name__)

SUFFIX = "-mark"
SIZE_BYTES = 512
"""One sector: it is written whole or not at all."""
COUNT = (
    "INSERT INTO meta VALUES ('writes', '1') "
    "ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)"
)
COUNTED = "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'writes'"
HAS_EVENT = (
    "SELECT 1 FROM sessions JOIN events ON events.session = sessions.key "
    "WHERE sessions.id = ? AND events.seq = ? AND events.at = ?"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """`writes` counts what was no append; `session_id`, `seq` and `at` are the newest event since the last of them,
    empty when there is none. `clean` is that of a database that was closed."""

    clean: bool = False
    writes: int = 0
    session_id: str = ""
    seq: int = 0
    at: int = 0

    def is_reached(self, connection: Connection, writes: int) -> bool:
        """Whether a database that counted so many `writes` has come as far."""
        if writes != self.writes or not self.session_id:
            return writes >= self.writes
        return connection.exec_driver_sql(HAS_EVENT, (self.session_id, self.seq, self.at)).first() is not None

    def to_bytes(self) -> bytes:
        line = f"{self.clean:d} {self.writes} {self.seq} {self.at} {self.session_id}".encode()
        return (b"%08x %s\n" % (zlib.crc32(line), line)).ljust(SIZE_BYTES)

    @classmethod
    def of(cls, written: bytes) -> Mark | None:
        """None for what is no mark."""
        check, _, line = written.partition(b"\n")[0].partition(b" ")
        try:
            if int(check, 16) != zlib.crc32(line):
                return None
            clean, writes, seq, at, session_id = line.decode().split(" ", 4)
            return cls(clean == "1", int(writes), session_id, int(seq), int(at))
        except ValueError:
            return None


class MarkFile:
    """`open` it once the database is known to be whole. Where it can't be written nothing is held up: the next start
    then knows less."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + SUFFIX)
        self._fd: int | None = None
        self._mark = Mark()
        self._is_durable = True
        self._lock = threading.Lock()

    def read(self) -> Mark | None:
        """As the last who had it left it; None when there is none that can be read."""
        try:
            return Mark.of(self.path.read_bytes())
        except OSError:
            return None

    def open(self, writes: int) -> None:
        """Says that the database is in use and has come so far."""
        self._mark = Mark(writes=writes)
        self.make_anew()
        self.sync()

    def make_anew(self) -> None:
        """Somebody may have deleted the file."""
        with self._lock:
            self._close()
            try:
                self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            except OSError as error:
                log.warning("the journal's mark can't be written", reason=error.strerror)
        self._write(self._mark)

    def committed(self, connection: Connection, jobs: Sequence[Job | Bulk], outcomes: Sequence[WriteOutcome]) -> None:
        """In the writer's thread, after a commit and before anybody is told of it. A mark that stays behind is true."""
        if any(isinstance(job, Job) for job in jobs):
            try:
                self._write(Mark(writes=writes_of(connection)))
            except sqlite3.Error as error:
                log.warning("how far the database has come can't be read", reason=str(error))
        elif (event := _newest(jobs, outcomes)) is not None:
            mark = self._mark
            self._write(Mark(False, mark.writes, event.session_id, event.seq, event.at))

    def sync(self) -> None:
        """Blocks until the mark is durable."""
        with self._lock:
            if self._is_durable or self._fd is None:
                return
            self._is_durable = True
            with suppress(OSError):
                os.fsync(self._fd)

    def close(self, *, clean: bool) -> None:
        """`clean` when everything that was committed is in the database's file."""
        if self._fd is None:
            return
        if clean:
            self._write(replace(self._mark, clean=True))
        self.sync()
        with self._lock:
            self._close()

    def _write(self, mark: Mark) -> None:
        self._mark = mark
        with self._lock:
            if self._fd is None:
                return
            self._is_durable = False
            with suppress(OSError):
                os.pwrite(self._fd, mark.to_bytes(), 0)

    def _close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def writes_of(connection: Connection) -> int:
    """Outside of any transaction. 0 when nothing was ever counted."""
    driver = connection.connection.driver_connection
    found = driver.execute(COUNTED).fetchone() if driver is not None else None
    return found[0] if found is not None else 0


def _newest(jobs: Sequence[Job | Bulk], outcomes: Sequence[WriteOutcome]) -> Event | None:
    """The last event of the last append that won."""
    for job, (_, error) in zip(reversed(jobs), reversed(outcomes), strict=True):
        if error is None and isinstance(job, Bulk) and job.item.events:
            event: Event = job.item.events[-1]
            return event
    return None
