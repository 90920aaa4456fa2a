"""One SQLite file: its folder lock, its checks at start, one writer thread, asynchronous readers, and its health.

The writer runs plain synchronous SQL in one thread, one transaction for all that waits (group commit). Readers are
read-only and take one short transaction each. Never knows what the tables mean.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import filelock
import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from models.clock import Clock
from models.errors import DatabaseCorrupt, DatabaseFull, DatabaseLocked, DataFolderInUse, StorageUnavailable
from services.store.sql.writer import Job, Writer
from services.store.sqlite.dialect import SQLITE, SqliteDialect
from services.store.sqlite.migrate import migrate

log = structlog.get_logger(__name__)
ResultT = TypeVar("ResultT")

FILE_NAME = "parley.db"
BUSY_TIMEOUT_S = 2.0
"""How long a write waits for a foreign process's lock before it is answered with DatabaseLocked."""
READERS = 4
PROBE_EVERY_S = 1.0
CHECK_WHOLE_UP_TO_BYTES = 64 * 1024 * 1024
"""At start a file up to this size is read through (`quick_check`); a larger one only has its length checked."""
PROBE_BYTES = 16 * 1024


class Database:
    """Open it before use; `close` releases the folder. `trouble` says why it can't be used, None when it can."""

    dialect: SqliteDialect = SQLITE

    def __init__(
        self, folder: Path, clock: Clock, *, busy_timeout_s: float = BUSY_TIMEOUT_S, max_pages: int | None = None
    ) -> None:
        self.folder = folder
        self.clock = clock
        self.path = folder / FILE_NAME
        self.trouble: str | None = None
        self._busy_timeout_s = busy_timeout_s
        self._max_pages = max_pages
        self._lock = filelock.FileLock(folder / "lock")
        self._pid_file = folder / "lock.pid"
        self._engine: Engine | None = None
        self._readers: AsyncEngine | None = None
        self._writer: Writer | None = None
        self._probe: asyncio.Task[None] | None = None
        self._damaged = False

    async def open(self) -> None:
        """Raises DataFolderInUse, DatabaseCorrupt, DatabaseTooNew, DatabaseLocked, DatabaseFull."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            told = f"Another server{self._holder()} uses the data folder {self.folder}"
            raise DataFolderInUse(f"{told}; stop it, or choose another with --data") from None
        with suppress(OSError):  # a full disk is told where it matters
            self._pid_file.write_text(str(os.getpid()))
        try:
            await asyncio.to_thread(self._prepare)
        except BaseException:
            self._unlock()
            raise
        self._readers = self._reader_engine()
        self._writer = Writer(self._connect(), sqlite3.Error, self._translate_and_note, self._note_success)
        self._probe = asyncio.create_task(self._probe_while_in_trouble())

    async def close(self) -> None:
        """Lets what was submitted finish, then closes. Safe to call twice."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
            self._probe = None
        if self._writer is not None:
            await self._writer.close()
            self._writer = None
        if self._readers is not None:
            await self._readers.dispose()
            self._readers = None
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
        self._unlock()

    def _unlock(self) -> None:
        if self._lock.is_locked:
            with suppress(OSError):
                self._pid_file.unlink()
        self._lock.release()

    def _holder(self) -> str:
        """The process that holds the lock, as it wrote it beside; empty when it could not."""
        try:
            return f" (pid {int(self._pid_file.read_text())})"
        except (OSError, ValueError):
            return ""

    @property
    def writer(self) -> Writer:
        if self._writer is None:
            raise StorageUnavailable("The database is closed")
        return self._writer

    async def write(self, function: Callable[[Connection], ResultT]) -> ResultT:
        """Runs `function` inside the next write transaction; its result is returned once that is durable."""
        future: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()

        def done(result: ResultT | None, error: BaseException | None) -> None:
            if future.cancelled():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]  # without an error there is a result

        self.writer.submit(Job(function, done))
        return await future

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One read transaction: everything read inside belongs to the same moment."""
        if self._readers is None:
            raise StorageUnavailable("The database is closed")
        try:
            async with self._readers.connect() as connection, connection.begin():
                yield connection
        except PoolTimeout as error:
            raise StorageUnavailable("Too many readers wait for the database; try again") from error
        except (DBAPIError, sqlite3.Error) as error:
            raise self._translate_and_note(error) from error

    def _prepare(self) -> None:
        try:
            check_file(self.path)
            self._engine = self._writer_engine()
            backup = self.folder / f"{FILE_NAME}.backup-{self.clock()}"
            found = migrate(self._engine, backup)
            if backup.exists():
                log.info("database migrated", found=found, backup=backup.name)
        except (DBAPIError, sqlite3.Error) as error:
            raise translate(error) from error

    def _writer_engine(self) -> Engine:
        engine = create_engine(
            f"sqlite:///{self.path}",
            poolclass=NullPool,
            connect_args={
                "timeout": self._busy_timeout_s,
                "isolation_level": None,
                "check_same_thread": False,
            },
        )
        pragmas = ["journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY", "cache_size=-8000"]
        if self._max_pages is not None:
            pragmas.append(f"max_page_count={self._max_pages}")
        _on_connect(engine, pragmas)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine

    def _reader_engine(self) -> AsyncEngine:
        engine = create_async_engine(
            f"sqlite+aiosqlite:///{self.path}",
            pool_size=READERS,
            max_overflow=0,
            pool_timeout=30,
            connect_args={"timeout": self._busy_timeout_s, "isolation_level": None},
        )
        _on_connect(engine.sync_engine, ["query_only=ON", "temp_store=MEMORY", "cache_size=-2000"])
        event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine

    def _connect(self) -> Callable[[], Connection]:
        engine = self._engine
        if engine is None:
            raise StorageUnavailable("The database is closed")
        return engine.connect

    def _translate_and_note(self, error: BaseException) -> StorageUnavailable:
        """What callers are told; from now on `trouble` says it too."""
        unavailable = translate(error)
        if self.trouble != unavailable.message:
            # The driver's own words: the statement would bring what people said into the log.
            cause = error.orig if isinstance(error, DBAPIError) else error
            log.error("storage trouble", reason=unavailable.message, cause=str(cause))
        self.trouble = unavailable.message
        self._damaged = self._damaged or isinstance(unavailable, DatabaseCorrupt)
        return unavailable

    def _note_success(self) -> None:
        if self.trouble is not None and not self._damaged:
            log.info("storage works again")
            self.trouble = None

    async def _probe_while_in_trouble(self) -> None:
        """Nobody may write while things look bad, so try it: readiness must come back by itself."""
        while True:
            await asyncio.sleep(PROBE_EVERY_S)
            if self.trouble is None or self._damaged:
                continue
            try:
                await self.write(_probe_write)
            except StorageUnavailable:
                continue


def _probe_write(connection: Connection) -> None:
    """Takes some pages and gives them back: an update in place would succeed on a full disk."""
    connection.exec_driver_sql("INSERT OR REPLACE INTO meta VALUES ('probe', hex(zeroblob(?)))", (PROBE_BYTES,))
    connection.exec_driver_sql("DELETE FROM meta WHERE name = 'probe'")


def _on_connect(engine: Engine, pragmas: Sequence[str]) -> None:
    def run(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine, "connect", run)


def check_file(path: Path) -> None:
    """Raises DatabaseCorrupt for a file that is not a database, is shorter than its header says, or is damaged."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb") as file:
        header = file.read(100)
    if header[:16] != b"SQLite format 3\x00":
        raise DatabaseCorrupt(f"{path.name} is not a SQLite database; move it away or restore a backup")
    page_size = int.from_bytes(header[16:18], "big")
    page_size = 65536 if page_size == 1 else page_size
    promised = int.from_bytes(header[28:32], "big") * page_size
    size = path.stat().st_size
    has_wal = path.with_name(path.name + "-wal").exists()
    if size < promised and not has_wal:
        raise DatabaseCorrupt(f"{path.name} is cut off ({size} of {promised} bytes); restore a backup")
    if size <= CHECK_WHOLE_UP_TO_BYTES:
        _quick_check(path)


def _quick_check(path: Path) -> None:
    connection = sqlite3.connect(path)
    try:
        problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    finally:
        connection.close()
    if problem != "ok":
        raise DatabaseCorrupt(f"{path.name} is damaged ({problem}); restore a backup")


def translate(error: BaseException) -> StorageUnavailable:
    """A driver's error as the condition that it means."""
    if isinstance(error, StorageUnavailable):
        return error
    cause = error.orig if isinstance(error, DBAPIError) else error
    text = str(cause).lower()
    if "locked" in text or "busy" in text:
        return DatabaseLocked()
    if "full" in text or "no space" in text:
        return DatabaseFull()
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return DatabaseCorrupt()
    return StorageUnavailable(f"Storage is unavailable: {type(cause).__name__}")
