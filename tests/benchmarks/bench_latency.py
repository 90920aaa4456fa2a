"""From a command to another client's callback, 200 a second: p50 and p99, beside a bare Socket.IO echo.

    python tests/benchmarks/bench_latency.py [--quick]

The command is a message that steers an active run: decided, committed with synchronous=FULL, then shown. The echo
stores nothing. Both servers run and take turns. The commit alone is measured at the same pace with raw sqlite3.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench_appends import Raw
from load import ask
from processes import server
from real_server import ServerProcess, serving
from table import Row, render

PER_S = 200
COUNT = 1_000
ROUNDS = 5
AGENT = "tests.benchmarks.idle_agent:IdleAgent"
AIM_MS = 3


def commit_p50_s(database: Path, count: int) -> float:
    """One row per commit, at the same pace."""
    raw = Raw(database)
    took_s = []
    start = time.perf_counter()
    for number in range(count):
        time.sleep(max(0.0, start + number / PER_S - time.perf_counter()))
        took_s.append(raw.commit_s())
    raw.close()
    return statistics.median(took_s)


def busy_session(hub: ServerProcess) -> str:
    """A session whose agent is at work, so that every message steers."""
    session = hub.session()
    hub.request("POST", f"/api/contexts/{session}/actions/send_message", {"content": "Work"})
    return session


def run(quick: bool = False) -> list[Row]:
    ours, echo, commits = [], [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), "--agent", AGENT) as hub,
        server("echo") as peer,
    ):
        for _ in range(1 if quick else ROUNDS):
            ours.append(ask("latency", port=hub.port, session=busy_session(hub), count=COUNT, per_s=PER_S))
            echo.append(ask("latency", port=peer.port, session="echo", count=COUNT, per_s=PER_S))
            commits.append(commit_p50_s(hub.copy_of_database(Path(folder)), COUNT // 2))
    p50, p99 = (statistics.median(each[key] for each in ours) * 1000 for key in ("p50", "p99"))
    echo_p50, echo_p99 = (statistics.median(each[key] for each in echo) * 1000 for key in ("p50", "p99"))
    commit = statistics.median(commits) * 1000
    what = f"command → other client's callback at {PER_S}/s"
    return [
        Row(f"{what}, p50, beside a bare echo", p50, echo_p50, p50 / echo_p50, f"within {AIM_MS} ms of it", "ms"),
        Row(f"{what}, p99, beside a bare echo", p99, echo_p99, p99 / echo_p99, "-", "ms"),
        Row(f"{what}, p50, beside the commit alone", p50, commit, p50 / commit, "-", "ms"),
    ]


if __name__ == "__main__":
    print(render(run("--quick" in sys.argv)))
