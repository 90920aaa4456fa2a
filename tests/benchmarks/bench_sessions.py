"""200 sessions stream at once, 50 provider deltas a second each, two clients each; the server has one core.

    python tests/benchmarks/bench_sessions.py [--quick]

Sustained means that a reply takes about as long as its script says, whose sleeps add a little each. Lateness is counted
from the end of a delta's window (the delta before, plus 40 ms) to the client's callback, so that a loop that is late to
close windows shows too.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

from load import Result, ask
from real_server import ServerProcess, serving
from table import Row, render

SESSIONS = 200
CLIENTS = 2
DELTAS_PER_S = 50
SECONDS, SECONDS_QUICK = 15, 5
ROUNDS = 3
WINDOW_MS = 40


def measure(seconds: int) -> Result:
    model = f"scripted:words={DELTAS_PER_S * seconds},delay_ms={1000 // DELTAS_PER_S},seed=1"
    folder = tempfile.TemporaryDirectory()
    core = max(os.sched_getaffinity(0))
    options = ("--model", model, "--coalesce-window-ms", str(WINDOW_MS), "--log-level", "warning")
    with folder as name, serving(Path(name), *options, core=core) as hub:
        sessions = [hub.session() for _ in range(SESSIONS)]
        before_s = hub.cpu_s()
        result = _streams(hub, sessions, seconds)
        return result | {"cpu": (hub.cpu_s() - before_s) / result["took"]}


def _streams(hub: ServerProcess, sessions: list[str], seconds: int) -> Result:
    window_s = WINDOW_MS / 1000
    return ask("streams", port=hub.port, sessions=sessions, clients=CLIENTS, window_s=window_s, limit_s=6.0 * seconds)


def run(quick: bool = False) -> list[Row]:
    seconds = SECONDS_QUICK if quick else SECONDS
    results = [measure(seconds) for _ in range(1 if quick else ROUNDS)]
    middle = {name: statistics.median(result[name] for result in results) for name in results[0]}
    asked, got = float(SESSIONS * DELTAS_PER_S), SESSIONS * DELTAS_PER_S * seconds / middle["longest"]
    what = f"{SESSIONS} sessions of {DELTAS_PER_S} deltas/s, {CLIENTS} clients each, one core"
    return [
        Row(f"{what}: provider deltas taken, beside those asked for", got, asked, got / asked, "≥ 0.9 of them", "1/s"),
        Row(f"{what}: deliveries", middle["deliveries"] / middle["longest"], None, None, "-", "1/s"),
        Row(f"{what}: p99, window's end to callback", middle["late_p99"] * 1000, None, None, "< 100", "ms"),
        Row(f"{what}: p99, decided to callback", middle["shown_p99"] * 1000, None, None, "-", "ms"),
        Row(f"{what}: share of the core", middle["cpu"] * 100, None, None, "-", "%"),
    ]


if __name__ == "__main__":
    print(render(run("--quick" in sys.argv)))
