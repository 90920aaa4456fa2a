"""Durable appends per second through the door, beside raw sqlite3 with the same schema, taking turns.

    python tests/benchmarks/bench_appends.py [--quick]

Ours: AppendDelta commands of active runs through `SessionManager.handle`, each awaited, 200 sessions at once and one.
Raw: the same rows into the same table (`events`, keyed by session and seq, WITHOUT ROWID), the sessions interleaved,
WAL, synchronous=FULL; 200 rows per commit, and one row per commit beside the one session.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from filling import Store, Streaming, many, store
from table import Row, render

from services.operating.collector import tune_collector

SESSIONS = 200
SECONDS = 2.0
ROUNDS = 5
TEXT = "some words of a reply "
ROWS_PER_COMMIT = 200
INSERT = "INSERT INTO events (session, seq, code, at, message, sequence, data) VALUES (?, ?, 21, ?, 2, ?, ?)"


class Raw:
    """The peer: a database that a Store made, written by sqlite3 alone."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        # Keys beyond all that the Store gave to its own sessions.
        self._first = 1_000_000
        self._seq = 0

    def rate(self, sessions: int, rows_per_commit: int, seconds: float) -> float:
        """Rows per second: each commit has one row of each session."""
        self._first += SESSIONS
        start, rows = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            self._seq += 1
            at = time.time_ns() // 1_000_000
            batch = [(self._first + key % sessions, self._seq, at, self._seq, TEXT) for key in range(rows_per_commit)]
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(INSERT, batch)
            self._db.execute("COMMIT")
            rows += len(batch)
        return rows / (time.perf_counter() - start)

    def commit_s(self) -> float:
        """What one row costs until it is durable."""
        self._seq += 1
        start = time.perf_counter()
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute(INSERT, (self._first, self._seq, time.time_ns() // 1_000_000, self._seq, TEXT))
        self._db.execute("COMMIT")
        return time.perf_counter() - start

    def close(self) -> None:
        self._db.close()


async def ours(opened: Store, streams: list[Streaming], seconds: float) -> float:
    """Appends per second. Every session has one command under way at a time, as a run has."""
    done = 0
    start = time.perf_counter()

    async def work(stream: Streaming) -> None:
        nonlocal done
        while time.perf_counter() - start < seconds:
            await opened.handle(stream.session_id, stream.delta(TEXT))
            done += 1

    await asyncio.gather(*(work(stream) for stream in streams))
    return done / (time.perf_counter() - start)


async def measure(folder: Path, rounds: int) -> list[tuple[float, float, float, float]]:
    """Per round: ours with many sessions, raw, ours with one, raw with one row per commit."""
    async with store(folder / "raw"):
        pass  # makes the schema
    tune_collector()  # as `parley serve` does
    results = []
    async with store(folder / "ours") as opened:
        with closing(Raw(folder / "raw" / "parley.db")) as raw:
            for _ in range(rounds):
                # New replies each round: a reply's text grows with every delta.
                streams = await many(opened.streaming, SESSIONS)
                results.append(
                    (
                        await ours(opened, streams, SECONDS),
                        raw.rate(SESSIONS, ROWS_PER_COMMIT, SECONDS),
                        await ours(opened, streams[:1], SECONDS),
                        raw.rate(1, 1, SECONDS),
                    )
                )
    return results


def run(quick: bool = False) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        rounds = asyncio.run(measure(Path(folder), 1 if quick else ROUNDS))
    many_ours, many_raw, one_ours, one_raw = (statistics.median(rates) for rates in zip(*rounds, strict=True))
    return [
        Row(
            f"durable appends, {SESSIONS} sessions, beside raw sqlite3 with {ROWS_PER_COMMIT} rows per commit",
            many_ours,
            many_raw,
            many_ours / many_raw,
            "≥ 0.5 of raw and ≥ 15,000",
            "1/s",
        ),
        Row(
            "durable appends, one session, beside raw sqlite3 with one row per commit",
            one_ours,
            one_raw,
            one_ours / one_raw,
            "≥ 1,000",
            "1/s",
        ),
    ]


if __name__ == "__main__":
    print(render(run("--quick" in sys.argv)))
