"""Memory per connection that has joined a session and taken 50 events: 1,000 of them on the real server.

    python tests/benchmarks/bench_joined.py [--quick]

What the server holds resident after they have all joined one room, less what it held after a first ten.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench_rejoin import MISSED, fill
from light_client import LightClient
from real_server import ServerProcess, serving
from table import Row, render

FIRST = 10
CLIENTS = 1_000
ROUNDS = 3
AT_ONCE = 50
SETTLE_S = 1.0


async def _come(port: int, join: Mapping[str, object], count: int) -> list[LightClient]:
    clients: list[LightClient] = []
    while len(clients) < count:
        some = await asyncio.gather(*(LightClient.connect(port) for _ in range(min(AT_ONCE, count - len(clients)))))
        for client in some:
            assert (await client.call("join_session", dict(join))).count(b'"seq":') >= MISSED
        clients += some
    return clients


async def _measure(server: ServerProcess, join: Mapping[str, object]) -> float:
    """KB per client."""
    clients = await _come(server.port, join, FIRST)
    await asyncio.sleep(SETTLE_S)
    before = server.rss_bytes()
    clients += await _come(server.port, join, CLIENTS)
    await asyncio.sleep(SETTLE_S)
    return (server.rss_bytes() - before) / CLIENTS / 1000


def measure(folder: Path, join: Mapping[str, object]) -> float:
    with serving(folder, "--log-level", "warning") as hub:
        return asyncio.run(_measure(hub, join))


def run(quick: bool = False) -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        join = asyncio.run(fill(folder))[0]
        kilobytes = statistics.median(measure(folder, join) for _ in range(1 if quick else ROUNDS))
    return [Row(f"connection after join and {MISSED} events", kilobytes, None, None, "≤ 40 KB", "KB")]


if __name__ == "__main__":
    print(render(run("--quick" in sys.argv)))
