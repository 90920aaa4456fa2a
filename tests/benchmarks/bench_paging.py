"""A page of 50 messages by REST at the start and at the end of a history of 1,000,000, made through the journal.

    BENCH_MESSAGES=1000000 python tests/benchmarks/bench_paging.py [--quick]

Also what the process weighs at rest, before a model is loaded.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from filling import store
from real_server import ServerProcess, eventually, serving
from table import Row, render

MESSAGES = int(os.environ.get("BENCH_MESSAGES", "1000000"))
MESSAGES_QUICK = 50_000
TAKE = 50
REQUESTS = 300


async def fill(folder: Path, messages: int) -> str:
    async with store(folder / "data") as opened:
        return await opened.history(messages)


def page_s(connection: http.client.HTTPConnection, session: str, skip: int) -> float:
    start = time.perf_counter()
    connection.request("GET", f"/api/sessions/{session}/messages?skip={skip}&take={TAKE}")
    response = connection.getresponse()
    body = response.read()
    took_s = time.perf_counter() - start
    assert response.status == 200
    assert body.count(b'"ordinal"') == TAKE, body[:300]
    return took_s


def measure(hub: ServerProcess, session: str, messages: int) -> tuple[float, float]:
    """Medians at the start and at the end, the requests taking turns."""
    with closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=60)) as connection:
        pairs = [
            (page_s(connection, session, 0), page_s(connection, session, messages - TAKE)) for _ in range(REQUESTS)
        ]
    first, last = (statistics.median(each) for each in zip(*pairs[REQUESTS // 10 :], strict=True))
    return first, last


def run(quick: bool = False) -> list[Row]:
    messages = min(MESSAGES, MESSAGES_QUICK) if quick else MESSAGES
    with tempfile.TemporaryDirectory() as name:
        at_rest = rest_bytes(Path(name) / "empty")
        start = time.perf_counter()
        session = asyncio.run(fill(Path(name), messages))
        took_s = time.perf_counter() - start
        with serving(Path(name)) as hub:
            first, last = measure(hub, session, messages)
    what = f"page of {TAKE} at {messages:,} messages, beside depth 0"
    return [
        Row(what, last * 1000, first * 1000, last / first, "within 1.5 times", "ms"),
        Row(f"{messages:,} messages put into the journal", messages / took_s, None, None, "-", "1/s"),
        Row("process at rest, before a model is loaded", at_rest / 1_000_000, None, None, "< 100", "MB"),
    ]


def rest_bytes(folder: Path) -> int:
    """Resident, once the process has nothing to do any more. Its first start made the database, with more code."""
    folder.mkdir()
    with serving(folder):
        pass
    with serving(folder) as hub:
        idle_at: list[float] = []

        def is_idle() -> bool:
            idle_at.append(hub.cpu_s())
            return len(idle_at) > 100 and idle_at[-1] == idle_at[-100]

        eventually(is_idle, 30)
        return hub.rss_bytes()


if __name__ == "__main__":
    print(render(run("--quick" in sys.argv)))
