"""Memory per idle connection: 1,000 connected WebSockets, beside a bare aiohttp WebSocket server.

    python tests/benchmarks/bench_memory.py

What the process holds resident after a thousand connections, less what it held after a first ten, per connection.
"""

from __future__ import annotations

import statistics
import time

from processes import Server, Swarm, server
from table import Row, render

FIRST = 10
CONNECTIONS = 1_000
ROUNDS = 3
SETTLE_S = 1.0


def measure(name: str) -> float:
    """KB per connection."""
    with server(name) as peer:
        swarm = Swarm(peer.port, FIRST)
        try:
            before = _settled(peer)
            swarm.ask(f"connect {peer.port} {CONNECTIONS}")
            return (_settled(peer) - before) / CONNECTIONS / 1000
        finally:
            swarm.close()


def _settled(peer: Server) -> int:
    time.sleep(SETTLE_S)
    return peer.rss_bytes()


def run() -> list[Row]:
    rounds = [(measure("hub"), measure("bare"), measure("stock")) for _ in range(ROUNDS)]
    hub, bare, stock = (statistics.median(kilobytes) for kilobytes in zip(*rounds, strict=True))
    return [
        Row("idle connection beside bare aiohttp", hub, bare, hub / bare, "≤ 25 KB", "KB"),
        Row("idle connection beside python-socketio", hub, stock, hub / stock, "≤ 25 KB", "KB"),
    ]


if __name__ == "__main__":
    print(render(run()))
