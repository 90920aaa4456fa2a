"""The one thread that writes. It takes all jobs that wait, runs them in one transaction, commits, and reports.

Who loses is told so and undoes nobody else's work. A job that raises (a key exists) fails alone too: the batch is
rolled back and run again in parts, each in a savepoint. A failure of the storage fails the whole batch, and nobody is
told of success before COMMIT returned. What was committed is never denied nor done again, whatever fails behind it.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from models.errors import StorageUnavailable
from services.faults import report

log = structlog.get_logger(__name__)

BATCH_JOBS = 256
"""Jobs in one transaction: enough that a commit's fsync is shared, few enough that the first need not wait long."""

WriteOutcome = tuple[Any, BaseException | None]


@dataclass(frozen=True, slots=True)
class Job:
    """`run` gets the connection inside the transaction; `done(result, error)` is called in the event loop."""

    run: Callable[[Connection], Any]
    done: Callable[[Any, BaseException | None], None]


@dataclass(frozen=True, slots=True)
class Bulk:
    """One of many alike that are cheaper together: `run_many` gets the items of all neighbours of one batch, and says
    for each why it lost, None when it didn't."""

    run_many: Callable[[Connection, Sequence[Any]], Sequence[BaseException | None]]
    item: Any
    done: Callable[[Any, BaseException | None], None]


Run = Callable[[Connection, "Sequence[Job | Bulk]"], list[WriteOutcome]]
OnCommitted = Callable[[Connection, "Sequence[Job | Bulk]", Sequence[WriteOutcome]], None]
"""Called in the writer's thread after a commit, before anybody is told of it."""


class Writer:
    """Owns the thread and its connection. `submit` never blocks.

    Jobs are handed over at the end of a turn of the event loop, and only when the thread is idle: whoever was told of
    the last batch may join the next one. Batches are as large as they can be, and loop and thread rarely fight for the
    interpreter's lock (measured with 200 busy sessions: 190 jobs a batch instead of 34).
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        driver_error: type[Exception],
        translate: Callable[[BaseException], StorageUnavailable],
        succeeded: Callable[[], None],
        committed: OnCommitted,
    ) -> None:
        self._connect = connect
        self._driver_error = driver_error
        self._translate = translate
        self._succeeded = succeeded
        self._committed = committed
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Job | Bulk] = []
        self._at_work = False
        self._batches: queue.SimpleQueue[list[Job | Bulk] | None] = queue.SimpleQueue()
        self._idle = asyncio.Event()
        self._idle.set()
        self._thread = threading.Thread(target=self._work, name="parley-writer", daemon=True)
        self._connection: Connection | None = None
        self._thread.start()

    def submit(self, job: Job | Bulk) -> None:
        """Call it in the loop."""
        self._waiting.append(job)
        if not self._at_work:
            self._at_work = True
            self._idle.clear()
            self._loop.call_soon(self._hand_over)

    async def close(self) -> None:
        """Finishes what was submitted before."""
        await self._idle.wait()
        self._batches.put(None)
        await asyncio.to_thread(self._thread.join)

    def _hand_over(self) -> None:
        batch, self._waiting = self._waiting[:BATCH_JOBS], self._waiting[BATCH_JOBS:]
        self._batches.put(batch)

    def _work(self) -> None:
        while (batch := self._batches.get()) is not None:
            outcomes = self._transact(batch)
            try:
                self._loop.call_soon_threadsafe(self._deliver, batch, outcomes)
            except RuntimeError:  # the loop is closed: nobody is left to tell
                break
        if self._connection is not None:
            self._connection.close()

    def _deliver(self, batch: Sequence[Job | Bulk], outcomes: Sequence[WriteOutcome]) -> None:
        if not any(isinstance(error, StorageUnavailable) for _, error in outcomes):
            self._succeeded()
        for job, (result, error) in zip(batch, outcomes, strict=True):
            try:
                job.done(result, error)
            except Exception as failure:
                report(log, "telling of a write failed", failure)
        # Behind the callers that were just told: what they submit next belongs to this batch.
        self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if self._waiting:
            self._hand_over()
        else:
            self._at_work = False
            self._idle.set()

    def _transact(self, jobs: Sequence[Job | Bulk]) -> list[WriteOutcome]:
        try:
            try:
                outcomes = self._in_transaction(_run_all, jobs)
            except Exception as error:
                if self._is_storage(error):
                    raise
                outcomes = self._in_transaction(self._settle, jobs)
        except Exception as error:
            self._drop_connection()
            unavailable = self._translate(error)
            return [(None, unavailable)] * len(jobs)
        try:
            self._committed(self._connected(), jobs, outcomes)
        except Exception as failure:
            report(log, "noting a commit failed", failure)
        return outcomes

    def _in_transaction(self, run: Run, jobs: Sequence[Job | Bulk]) -> list[WriteOutcome]:
        connection = self._connected()
        with connection.begin():
            return run(connection, jobs)

    def _settle(self, connection: Connection, jobs: Sequence[Job | Bulk]) -> list[WriteOutcome]:
        """Together in a savepoint; when one of them raises, the halves in savepoints of their own, and so on until it
        stands alone."""
        try:
            with connection.begin_nested():
                return _run_all(connection, jobs)
        except Exception as refused:
            if self._is_storage(refused):
                raise
            if len(jobs) == 1:
                return [(None, refused)]
        half = len(jobs) // 2
        return [*self._settle(connection, jobs[:half]), *self._settle(connection, jobs[half:])]

    def _is_storage(self, error: Exception) -> bool:
        """Whether the storage failed, so that everybody in the batch is concerned. A batch that is too large for one
        statement (DataError: SQLite takes 1 GB) is not such a failure: in parts its jobs fit."""
        return isinstance(error, (DBAPIError, self._driver_error)) and not isinstance(error, IntegrityError | DataError)

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.invalidated:
            self._connection = self._connect()
        return self._connection

    def _drop_connection(self) -> None:
        """After a failure of the storage a fresh connection sees what is really there."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except DBAPIError:
                connection.invalidate()


def _run_all(connection: Connection, jobs: Sequence[Job | Bulk]) -> list[WriteOutcome]:
    """In their order; neighbours that are alike together."""
    outcomes: list[WriteOutcome] = []
    bulk: list[Bulk] = []
    for job in jobs:
        if isinstance(job, Bulk):
            bulk.append(job)
            continue
        outcomes += _run_bulk(connection, bulk)
        bulk = []
        outcomes.append((job.run(connection), None))
    return [*outcomes, *_run_bulk(connection, bulk)]


def _run_bulk(connection: Connection, bulk: Sequence[Bulk]) -> list[WriteOutcome]:
    if not bulk:
        return []
    return [(None, lost) for lost in bulk[0].run_many(connection, [job.item for job in bulk])]
