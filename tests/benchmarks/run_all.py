"""Every benchmark, one after the other, as one Markdown table.

    python tests/benchmarks/run_all.py [--quick] [NAME…]

`--quick` takes one round of each and a short history; its numbers say that the benchmarks work, not more.
"""

from __future__ import annotations

import importlib
import os
import platform
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from table import Row

NAMES = (
    "appends",
    "fanout",
    "latency",
    "sessions",
    "rejoin",
    "paging",
    "memory",
    "joined",
    "contexts",
    "tools",
    "search",
    "fulltext",
    "page",
)
HEADINGS = ("what", "ours", "beside", "ratio", "aim", "unit")


def rows_of(name: str, quick: bool) -> list[Row]:
    module = importlib.import_module(f"bench_{name}")
    run: Callable[..., list[Row]] = module.run
    if "quick" in run.__code__.co_varnames:
        return run(quick)
    if quick:
        module.__dict__["ROUNDS"] = 1
    return run()


def machine() -> str:
    cores = len(os.sched_getaffinity(0))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores ({_processor()}), {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"python-socketio {version('python-socketio')}, load average at the start {os.getloadavg()[0]:.1f}"
    )


def markdown(rows: Sequence[Row]) -> str:
    lines = [_line(HEADINGS), "|---|---:|---:|---:|---|---|"]
    for row in rows:
        ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
        lines.append(_line((row.what, _number(row.ours), _number(row.beside), ratio, row.aim, row.unit)))
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    quick = "--quick" in arguments
    wanted = [argument for argument in arguments if not argument.startswith("-")] or NAMES
    where, rows = machine(), []
    for name in wanted:
        start = time.monotonic()
        rows += rows_of(name, quick)
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    print(f"{where}{'; one round each (--quick)' if quick else ''}\n\n{markdown(rows)}")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        models = []
    return models[0] if models else platform.machine()


if __name__ == "__main__":
    main(sys.argv[1:])
