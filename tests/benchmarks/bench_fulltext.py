"""Searching 100,000 messages: the 95th percentile of one page, snippets and positions included, beside a plain LIKE and
beside the index asked for its best twenty.

    python tests/benchmarks/bench_fulltext.py [--quick]

One word is in every message, another in one of two thousand, two Chinese characters in one of a thousand; the other
fifty words of each are drawn as words are in a language. The three take turns.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from itertools import accumulate
from pathlib import Path

from filling import Store, store
from table import Row, render

from services.search.query import SearchQuery, SearchSort

MESSAGES = 100_000
ROUNDS = 100
ROUNDS_QUICK = 40
WORDS = 50
VOCABULARY = 20_000
EVERYWHERE, RARE, CHINESE = "everywhere", "needle", "数据"
LIKE = "SELECT session, ordinal, content FROM messages WHERE content LIKE ? ORDER BY created_at DESC LIMIT 20"
RANKED = "SELECT rowid, text FROM search_text WHERE search_text MATCH ? ORDER BY rank LIMIT 20"
Timings = list[float]


class Talk:
    """Makes up what is said, the same every time."""

    def __init__(self) -> None:
        self._chance = random.Random(7)
        letters = "abcdefghijklmnopqrstuvwxyz"
        self.words = ["".join(self._chance.choices(letters, k=self._chance.randint(2, 10))) for _ in range(VOCABULARY)]
        self._weights = list(accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))

    def text(self, ordinal: int) -> str:
        said = self._chance.choices(self.words, cum_weights=self._weights, k=WORDS)
        said[ordinal % WORDS] = EVERYWHERE
        if ordinal % 2_000 == 0:
            said.append(RARE)
        if ordinal % 1_000 == 0:
            said.append(f"关于{CHINESE}库的消息")
        return " ".join(said)


def timed_ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def p95(timings: Timings) -> float:
    return statistics.quantiles(timings, n=20)[-1]


async def compare(
    opened: Store, raw: sqlite3.Connection, query: SearchQuery, match: str, rounds: int
) -> tuple[float, float, float]:
    """Ours, LIKE and the index by rank, in milliseconds."""
    ours, like, ranked = Timings(), Timings(), Timings()
    pattern = f"%{query.text.strip('* ')}%"
    for number in range(rounds):
        began = time.perf_counter()
        page = await opened.store.search.find(query)
        ours.append((time.perf_counter() - began) * 1000)
        assert len(page.results) == 20
        ranked.append(timed_ms(lambda: raw.execute(RANKED, (match,)).fetchall()))
        if number % 5 == 0:  # slow, and always the same
            like.append(timed_ms(lambda: raw.execute(LIKE, (pattern,)).fetchall()))
    return p95(ours), p95(like), p95(ranked)


async def measure(folder: Path, rounds: int) -> list[Row]:
    talk = Talk()
    questions: list[tuple[str, SearchQuery, str]] = [
        ("a word in 50 messages", SearchQuery(f"{RARE} "), RARE),
        ("a word in every message", SearchQuery(f"{EVERYWHERE} "), EVERYWHERE),
        ("a word in every message, newest first", _sorted(f"{EVERYWHERE} ", "newest"), EVERYWHERE),
        ("both", SearchQuery(f"{RARE} {EVERYWHERE} "), f"{RARE} {EVERYWHERE}"),
        ("the two commonest words", SearchQuery(f"{talk.words[0]} {talk.words[1]} "), " ".join(talk.words[:2])),
        ("two letters while typing", SearchQuery("th"), "th*"),
        ("two Chinese characters", SearchQuery(CHINESE), f'"{" ".join(CHINESE)}"'),
    ]
    rows = []
    async with store(folder) as opened:
        began = time.perf_counter()
        await opened.history(MESSAGES, talk.text)
        rate = MESSAGES / (time.perf_counter() - began)
        with closing(sqlite3.connect(folder / "parley.db")) as raw:
            for what, query, match in questions:
                ours, like, ranked = await compare(opened, raw, query, match, rounds)
                rows.append(Row(f"{what}, p95, beside LIKE", ours, like, ours / like, "< 50 ms", "ms"))
                rows.append(Row("  beside the index ordered by rank", ours, ranked, ours / ranked, "-", "ms"))
    first = Row(f"search of {MESSAGES:,} messages: put into journal and index", rate, None, None, "-", "1/s")
    return [first, *rows]


def _sorted(text: str, sort: SearchSort) -> SearchQuery:
    return SearchQuery(text, sort=sort)


def run(quick: bool = False) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder), ROUNDS_QUICK if quick else ROUNDS))


if __name__ == "__main__":
    print(render(run("--quick" in sys.argv)))
