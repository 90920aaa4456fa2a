"""One SQLite file: its checks at start, one writer thread, asynchronous readers, and its health.

The writer runs plain synchronous SQL in one thread, one transaction for all that waits (group commit). Readers are
read-only and take one short transaction each. Never knows what the tables mean.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, NoResultFound
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from models.clock import Clock
from models.errors import DatabaseCorrupt, DataFolderInUse, StorageUnavailable
from services.store.sql.writer import Job, Writer
from services.store.sqlite.dialect import SQLITE, SqliteDialect
from services.store.sqlite.folder import LOCK, DataFolder
from services.store.sqlite.mark import COUNT, MarkFile, writes_of
from services.store.sqlite.migrate import migrate
from services.store.sqlite.soundness import SHM, WAL, beside, check_file, check_journal, check_whole, translate

log = structlog.get_logger(__name__)
ResultT = TypeVar("ResultT")

FILE_NAME = "parley.db"
BUSY_TIMEOUT_S = 2.0
"""How long a write waits for a foreign process's lock before it is answered with DatabaseLocked."""
READERS = 4
LOOK_EVERY_S = 1.0
MARK_DURABLE_EVERY = 5
"""Looks between two fsyncs of the mark."""
PROBE_BYTES = 16 * 1024
NEW_EPOCH = "UPDATE sessions SET epoch = ?"
SET_WRITES = "INSERT OR REPLACE INTO meta VALUES ('writes', ?)"
DAMAGED_ROWS = (ValidationError, json.JSONDecodeError, UnicodeDecodeError, NoResultFound)
"""What was stored could be read once: it is not what it was."""


class Database:
    """Open it before use; `close` releases the folder. `trouble` says why it can't be used, None when it can; `missing`
    that it opened older than what had been shown."""

    dialect: SqliteDialect = SQLITE

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        look_every_s: float = LOOK_EVERY_S,
        max_pages: int | None = None,
    ) -> None:
        self.folder = folder
        self.clock = clock
        self.path = folder / FILE_NAME
        self.trouble: StorageUnavailable | None = None
        self.missing: str | None = None
        self._busy_timeout_s = busy_timeout_s
        self._look_every_s = look_every_s
        self._max_pages = max_pages
        self._held = DataFolder(folder)
        self._mark = MarkFile(self.path)
        self._engine: Engine | None = None
        self._readers: AsyncEngine | None = None
        self._writer: Writer | None = None
        self._anchor: sqlite3.Connection | None = None
        self._watch: asyncio.Task[None] | None = None
        self._damaged = False
        self._gone: StorageUnavailable | None = None

    async def open(self) -> None:
        """Raises DataFolderInUse, DatabaseCorrupt, DatabaseTooNew, DatabaseLocked, DatabaseFull."""
        self._held.hold()
        try:
            await asyncio.to_thread(self._prepare)
            self._readers = self._reader_engine()
            self._writer = Writer(
                self._connect(), sqlite3.Error, self._translate_and_note, self._note_success, self._mark.committed
            )
            await self.write(lambda connection: None)
        except BaseException:
            await self.close()
            raise
        self._held.watch([self.path, beside(self.path, WAL), beside(self.path, SHM), self._mark.path])
        self._watch = asyncio.create_task(self._look_after())

    async def close(self) -> None:
        """Lets what was submitted finish, then closes. Safe to call twice."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        if self._writer is not None:
            await self._writer.close()
            self._writer = None
        if self._readers is not None:
            await self._readers.dispose()
            self._readers = None
        await asyncio.to_thread(self._close_files)
        self._held.release()

    def _close_files(self) -> None:
        """The last connection brings what is in the log into the file."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
        if self._anchor is not None:
            self._anchor.close()
            self._anchor = None
        self._mark.close(clean=not self._damaged and not beside(self.path, WAL).exists())

    @property
    def writer(self) -> Writer:
        if self._writer is None:
            raise StorageUnavailable("The database is closed")
        if self._gone is not None:
            raise self._gone  # what would be written now is in no file any more
        return self._writer

    async def write(self, function: Callable[[Connection], ResultT]) -> ResultT:
        """Runs `function` inside the next write transaction; its result is returned once that is durable."""
        future: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()

        def done(result: ResultT | None, error: BaseException | None) -> None:
            if future.cancelled():
                return
            if error is not None:
                future.set_exception(self._translate_and_note(error) if isinstance(error, DatabaseCorrupt) else error)
            else:
                future.set_result(result)  # type: ignore[arg-type]  # without an error there is a result

        def counted(connection: Connection) -> ResultT:
            result = function(connection)
            connection.exec_driver_sql(COUNT)
            return result

        self.writer.submit(Job(counted, done))
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
        except DatabaseCorrupt as error:
            self._translate_and_note(error)
            raise
        except DAMAGED_ROWS as error:
            raise self._translate_and_note(DatabaseCorrupt()) from error
        except (DBAPIError, sqlite3.Error) as error:
            raise self._translate_and_note(error) from error

    def _prepare(self) -> None:
        try:
            check_file(self.path)
            self.path.touch()  # from here on nobody makes it: a file that is deleted does not come back empty
            self._engine = self._writer_engine()
            backup = self.folder / f"{FILE_NAME}.backup-{self.clock()}"
            found = migrate(self._engine, backup)
            if backup.exists():
                log.info("database migrated", found=found, backup=backup.name)
            self._open_mark(self._engine)
            # As long as it is open SQLite keeps its log, whoever else comes and goes: it can be told from another.
            self._anchor = sqlite3.connect(self._uri, uri=True, check_same_thread=False)
            self._anchor.execute("SELECT 1 FROM meta").fetchone()
        except (DBAPIError, sqlite3.Error) as error:
            raise translate(error) from error

    def _open_mark(self, engine: Engine) -> None:
        mark = self._mark.read()
        with engine.connect() as connection:
            writes = writes_of(connection)
            with connection.begin():
                is_complete = mark.is_reached(connection, writes) if mark is not None else writes == 0
                if mark is not None and not mark.clean:
                    check_journal(connection)
                    log.info("the last stop was not clean", is_complete=is_complete)
                if not is_complete:
                    check_whole(connection, self.path.name)
                    check_journal(connection)
                    found, writes = writes, max(writes, mark.writes if mark is not None else 0) + 1
                    self._begin_new_epoch(connection, writes, is_known=mark is not None)
                    log.error("changes are missing", reason=self.missing, found=found, shown=mark)
        self._mark.open(writes)

    def _begin_new_epoch(self, connection: Connection, writes: int, *, is_known: bool) -> None:
        """Under the same numbers there may now be other events."""
        epoch = self.clock.new_id()
        connection.exec_driver_sql(NEW_EPOCH, (epoch,))
        connection.exec_driver_sql(SET_WRITES, (str(writes),))
        what = (
            "The newest changes before the last stop are missing: the database is older than what was shown"
            if is_known
            else f"Changes may be missing: {self._mark.path.name} is not there to tell how far the database had come"
        )
        self.missing = f"{what}. All sessions have a new epoch."

    @property
    def _uri(self) -> str:
        """The only form in which a file that is not there is refused. It is quoted: names may have `?`, `#` and `%`."""
        return f"{self.path.absolute().as_uri()}?mode=rw"

    def _url(self, driver: str) -> URL:
        return URL.create(driver, database=self._uri, query={"uri": "true"})

    def _writer_engine(self) -> Engine:
        engine = create_engine(
            self._url("sqlite"),
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
        event.listen(engine, "begin", _begin_to_write)
        return engine

    def _reader_engine(self) -> AsyncEngine:
        engine = create_async_engine(
            self._url("sqlite+aiosqlite"),
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
        if self._gone is not None:
            return self._gone  # whatever else goes wrong follows from it
        if self.trouble is None or self.trouble.message != unavailable.message:
            # The driver's own words: the statement would bring what people said into the log.
            cause = error.orig if isinstance(error, DBAPIError) else error
            log.error("storage trouble", code=unavailable.code, reason=unavailable.message, cause=str(cause))
        self._damaged = self._damaged or isinstance(unavailable, DatabaseCorrupt)
        if not isinstance(self.trouble, DatabaseCorrupt):  # nothing that comes behind it is worse
            self.trouble = unavailable
        return unavailable

    def _note_success(self) -> None:
        if self.trouble is not None and not self._damaged:
            log.info("storage works again")
            self.trouble = None

    async def _look_after(self) -> None:
        """Files that somebody takes away are noticed, the mark is made durable, and while things look bad, so that
        nobody writes, writing is tried: readiness must come back by itself."""
        for number in itertools.count(1):
            await asyncio.sleep(self._look_every_s)
            if self._gone is None and (lost := self._held.lost()):
                self._note_lost(lost)
            if number % MARK_DURABLE_EVERY == 0:
                await asyncio.to_thread(self._mark.sync)
            if self.trouble is None or self._damaged:
                continue
            with suppress(StorageUnavailable):
                await self.write(_probe_write)

    def _note_lost(self, lost: Sequence[Path]) -> None:
        """Lock and mark can be made again. Without the others whatever is written is gone when the process ends."""
        names = {file.name for file in lost}
        if ours := sorted(names - {LOCK, self._mark.path.name}):
            told = f"{', '.join(ours)} was deleted or replaced while the server runs"
            self._refuse_writes(DatabaseCorrupt(f"{told}: nothing more is taken; stop it and restore a backup"))
            return
        log.warning("files of the data folder were deleted and are made anew", files=sorted(names))
        if self._mark.path.name in names:
            self._mark.make_anew()
            self._held.watch([self._mark.path])
        if LOCK in names:
            try:
                self._held.make_lock_anew()
            except DataFolderInUse as error:
                self._refuse_writes(error)

    def _refuse_writes(self, why: StorageUnavailable) -> None:
        log.error("storage trouble", code=why.code, reason=why.message)
        self.trouble = self._gone = why
        self._damaged = True


def _probe_write(connection: Connection) -> None:
    """Takes some pages and gives them back: an update in place would succeed on a full disk."""
    connection.exec_driver_sql("INSERT OR REPLACE INTO meta VALUES ('probe', hex(zeroblob(?)))", (PROBE_BYTES,))
    connection.exec_driver_sql("DELETE FROM meta WHERE name = 'probe'")


def _begin_to_write(connection: Connection) -> None:
    """By the driver itself: every commit begins so."""
    driver = connection.connection.driver_connection
    if driver is not None:
        driver.execute("BEGIN IMMEDIATE")


def _on_connect(engine: Engine, pragmas: Sequence[str]) -> None:
    def run(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine, "connect", run)
