"""1,000 clients come back at once, each with 50 missed events: into one room, and into 1,000 sessions that are cold.

    python tests/benchmarks/bench_rejoin.py [--quick]

Timed from the first connection attempt until the last client has what it missed. Before each round the server is
started anew, so that nothing is in memory. Beside it a stock server that stores nothing and emits 50 events to each.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path

from filling import many, store
from load import ask
from processes import server
from real_server import serving
from table import Row, render

CLIENTS = 1_000
MISSED = 50
ROUNDS = 3
DELTAS = 60
"""Per session: more than what is missed, so that a client was there before."""


async def fill(folder: Path) -> list[dict[str, object]]:
    """What each client of a session of its own joins with."""
    async with store(folder / "data") as opened:
        sessions = await many(lambda: opened.told(DELTAS), CLIENTS)
        contexts = [await opened.store.journal.load(session) for session in sessions]
    return [
        {"sessionId": context.session_id, "after": context.head - MISSED, "epoch": context.epoch}
        for context in contexts
    ]


def measure(folder: Path, joins: list[dict[str, object]]) -> float:
    with serving(folder, "--log-level", "warning") as hub:
        return float(ask("rejoin", port=hub.port, joins=joins, missed=MISSED)["took"])


def stock() -> float:
    with server("echo") as peer:
        joins = [{"sessionId": "room", "missed": MISSED}] * CLIENTS
        return float(ask("rejoin", port=peer.port, joins=joins, missed=MISSED)["took"])


def run(quick: bool = False) -> list[Row]:
    room, cold, peer = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        joins = asyncio.run(fill(folder))
        for _ in range(1 if quick else ROUNDS):
            room.append(measure(folder, joins[:1] * CLIENTS))
            cold.append(measure(folder, joins))
            peer.append(stock())
    return [_row("one room", room, peer), _row(f"{CLIENTS:,} cold sessions", cold, peer)]


def _row(where: str, ours_s: list[float], stock_s: list[float]) -> Row:
    ours, beside = statistics.median(ours_s), statistics.median(stock_s)
    what = f"{CLIENTS:,} clients rejoin {where}, {MISSED} missed events each, beside stock emit"
    return Row(what, ours, beside, ours / beside, "< 3", "s")


if __name__ == "__main__":
    print(render(run("--quick" in sys.argv)))
