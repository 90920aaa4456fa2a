"""Deliveries per CPU-second of the server: a room of 1,000, 100 bytes, WebSocket. Ours beside stock and Node.

    python tests/benchmarks/bench_fanout.py

The servers take turns within each round, so that a busy machine is busy for all of them.
"""

from __future__ import annotations

import os
import statistics
from contextlib import ExitStack

from processes import Server, Swarm, node_is_there, server
from table import Row, render

ROOM = 1_000
PAYLOAD_BYTES = 100
ROUNDS = 5
EVENTS = {"hub": 300, "stock": 60, "node": 300}
"""Events per round: enough for the CPU clock's 10 ms, few enough for the kernel's buffers to hold them."""


def measure(peer: Server, swarm: Swarm, events: int) -> float:
    frame_bytes = 2 + len('42["event",""]') + PAYLOAD_BYTES
    swarm.ask(f"expect {frame_bytes * events}")
    before = peer.cpu_s()
    peer.get(f"/emit?count={events}&size={PAYLOAD_BYTES}")
    swarm.ask("wait")
    return ROOM * events / (peer.cpu_s() - before)


def run() -> list[Row]:
    names = ["hub", "stock", *(["node"] if node_is_there() else [])]
    rates: dict[str, list[float]] = {name: [] for name in names}
    with ExitStack() as stack:
        pairs = {}
        for name in names:
            peer = stack.enter_context(server(name))
            swarm = Swarm(peer.port, ROOM)
            stack.callback(swarm.close)
            pairs[name] = peer, swarm
        for _ in range(ROUNDS):
            for name, (peer, swarm) in pairs.items():
                rates[name].append(measure(peer, swarm, EVENTS[name]))
    medians = {name: statistics.median(rates[name]) for name in names}
    return [_row(medians, "stock", "python-socketio", "≥ 6"), _row(medians, "node", "Node socket.io 4.8", "≥ 1.5")]


def _row(medians: dict[str, float], name: str, title: str, aim: str) -> Row:
    if name not in medians:
        return Row(f"fan-out beside {title} (skipped: no Node)", medians["hub"], None, None, aim, "1/CPU-s")
    what = f"fan-out to {ROOM:,} beside {title}"
    return Row(what, medians["hub"], medians[name], medians["hub"] / medians[name], aim, "deliveries/CPU-s")


if __name__ == "__main__":
    print(render(run()))
    print(f"load average {os.getloadavg()[0]:.1f}")
