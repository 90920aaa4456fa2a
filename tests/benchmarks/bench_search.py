"""Searching a tree of 50,000 files: the search tool with ripgrep underneath and without, beside `rg` itself.

    python tests/benchmarks/bench_search.py

The three take turns, and the quickest round of each counts: whatever else the machine does only adds. The tree is made
anew and read once before.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from table import Row, render

from services.tools.codebase_search import TextQuery, search_files
from services.tools.workspace import Workspace

FILES = 50_000
FOLDERS = 1_000
ROUNDS = 7
NEEDLE = "needle_in_the_haystack"
EVERY = 500
"""One file of so many holds the needle."""
RULES = "*.log\nbuild/\nnode_modules/\n*.py[cod]\n.cache/\n"


def plant(root: Path) -> None:
    choose = random.Random(7)
    words = ["".join(choose.choices("abcdefghijklmnopqrstuvwxyz", k=choose.randint(3, 10))) for _ in range(2_000)]
    (root / ".gitignore").write_text(RULES)
    for number in range(FILES):
        folder = root / f"area{number % 20}" / f"part{number % FOLDERS}"
        folder.mkdir(parents=True, exist_ok=True)
        lines = [" ".join(choose.choices(words, k=8)) for _ in range(choose.randint(5, 60))]
        if number % EVERY == 0:
            lines.append(f"    return {NEEDLE}({number})")
        (folder / f"file{number}.py").write_text("\n".join(lines) + "\n")


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def plain(root: Path, pattern: str) -> bytes:
    command = [
        "rg",
        "--line-number",
        "--no-heading",
        "--color=never",
        "--hidden",
        "--no-require-git",
        "--sort=none",
        pattern,
        ".",
    ]
    return subprocess.run(command, cwd=root, check=True, capture_output=True).stdout


def measure(root: Path, pattern: str, regex: bool) -> tuple[float, float, float]:
    """The quickest of all rounds: ours with ripgrep, ours without, ripgrep."""
    workspace, query = Workspace(root), TextQuery(pattern, regex=regex, max_results=1_000)
    with_it = search_files(workspace, query)
    if with_it != search_files(workspace, query, ripgrep=None) or "matches in" not in with_it:
        raise AssertionError(with_it[:1_000])
    plain(root, pattern)
    rounds = [
        (
            timed(lambda: search_files(workspace, query)),
            timed(lambda: search_files(workspace, query, ripgrep=None)),
            timed(lambda: plain(root, pattern)),
        )
        for _ in range(ROUNDS)
    ]
    ours, python, ripgrep = (min(column) for column in zip(*rounds, strict=True))
    return ours, python, ripgrep


def run() -> list[Row]:
    if shutil.which("rg") is None:
        return [Row(f"search {FILES:,} files beside rg (skipped: no rg)", None, None, None, "≤ 2", "ms")]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder))
        for what, pattern in (("a text", NEEDLE), ("an expression", r"return \w+_haystack\(\d+\)$")):
            ours, python, ripgrep = measure(Path(folder), pattern, pattern != NEEDLE)
            rows.append(Row(f"search {FILES:,} files for {what} beside rg", ours, ripgrep, ours / ripgrep, "≤ 2", "ms"))
            rows.append(Row("  without ripgrep underneath", python, ripgrep, python / ripgrep, "-", "ms"))
    return rows


if __name__ == "__main__":
    print(render(run()))
