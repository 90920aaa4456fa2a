"""The one thread that writes. It takes all jobs that wait, runs them in one transaction, commits, and reports.

A job that fails alone (a guard was lost, a key exists) fails alone: the batch is rolled back and run again, each job
in a savepoint. A failure of the storage fails the whole batch, and nobody is told of success before COMMIT returned.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from models.errors import StorageUnavailable

BATCH_JOBS = 256
"""Jobs in one transaction: enough that a commit's fsync is shared, few enough that the first need not wait long."""


@dataclass(frozen=True, slots=True)
class Job:
    """`run` gets the connection inside the transaction; `done(result, error)` is called in the event loop."""

    run: Callable[[Connection], Any]
    done: Callable[[Any, BaseException | None], None]


@dataclass(frozen=True, slots=True)
class Bulk:
    """One of many alike that are cheaper together: `run_many` gets the items of all neighbours of one batch."""

    run_many: Callable[[Connection, Sequence[Any]], None]
    item: Any
    done: Callable[[Any, BaseException | None], None]


class Writer:
    """Owns the thread and its connection. `submit` never blocks."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        translate: Callable[[BaseException], StorageUnavailable],
        succeeded: Callable[[], None],
    ) -> None:
        self._connect = connect
        self._translate = translate
        self._succeeded = succeeded
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[Job | Bulk | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="parley-writer", daemon=True)
        self._connection: Connection | None = None
        self._thread.start()

    def submit(self, job: Job | Bulk) -> None:
        self._jobs.put(job)

    async def close(self) -> None:
        """Finishes what was submitted before."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        stopping = False
        while not stopping:
            batch = [self._jobs.get()]
            while len(batch) < BATCH_JOBS:
                try:
                    batch.append(self._jobs.get_nowait())
                except queue.Empty:
                    break
            jobs = [job for job in batch if job is not None]
            stopping = len(jobs) < len(batch)
            if jobs:
                outcomes = self._transact(jobs)
                self._report(jobs, outcomes)
        if self._connection is not None:
            self._connection.close()

    def _report(self, jobs: Sequence[Job | Bulk], outcomes: Sequence[tuple[Any, BaseException | None]]) -> None:
        def deliver() -> None:
            if not any(isinstance(error, StorageUnavailable) for _, error in outcomes):
                self._succeeded()
            for job, (result, error) in zip(jobs, outcomes, strict=True):
                job.done(result, error)

        try:
            self._loop.call_soon_threadsafe(deliver)
        except RuntimeError:  # the loop is closed: nobody is left to tell
            return

    def _transact(self, jobs: Sequence[Job | Bulk]) -> list[tuple[Any, BaseException | None]]:
        try:
            try:
                return self._together(jobs)
            except Exception as error:
                if _is_storage(error):
                    raise
                return self._one_by_one(jobs)
        except Exception as error:
            self._drop_connection()
            unavailable = self._translate(error)
            return [(None, unavailable)] * len(jobs)

    def _together(self, jobs: Sequence[Job | Bulk]) -> list[tuple[Any, BaseException | None]]:
        results: list[tuple[Any, BaseException | None]] = [(None, None)] * len(jobs)
        connection = self._connected()
        with connection.begin():
            bulk: list[Bulk] = []
            for index, job in enumerate(jobs):
                if isinstance(job, Bulk):
                    bulk.append(job)
                    continue
                _run_bulk(connection, bulk)
                bulk = []
                results[index] = (job.run(connection), None)
            _run_bulk(connection, bulk)
        return results

    def _one_by_one(self, jobs: Sequence[Job | Bulk]) -> list[tuple[Any, BaseException | None]]:
        results: list[tuple[Any, BaseException | None]] = []
        connection = self._connected()
        with connection.begin():
            for job in jobs:
                try:
                    with connection.begin_nested():
                        results.append((_run(connection, job), None))
                except Exception as refused:
                    if _is_storage(refused):
                        raise
                    results.append((None, refused))
        return results

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


def _is_storage(error: Exception) -> bool:
    """Whether the storage failed, so that everybody in the batch is concerned."""
    return isinstance(error, DBAPIError | sqlite3.Error) and not isinstance(error, IntegrityError)


def _run(connection: Connection, job: Job | Bulk) -> Any:
    if isinstance(job, Job):
        return job.run(connection)
    job.run_many(connection, [job.item])
    return None


def _run_bulk(connection: Connection, bulk: Sequence[Bulk]) -> None:
    if bulk:
        bulk[0].run_many(connection, [job.item for job in bulk])
