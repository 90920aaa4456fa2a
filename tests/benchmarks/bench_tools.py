"""1,000 tool calls of 100 ms at once, through the executor, beside bare asyncio tasks that do the same.

    python tests/benchmarks/bench_tools.py

Async tools wait in the loop; functions that block wait in threads, of which there are at most 128.
"""

from __future__ import annotations

import asyncio
import statistics
import time

from table import Row, render

from services.tools.context import ToolContext
from services.tools.executor import Invocation, ToolExecutor
from services.tools.registry import ToolRegistry
from services.tools.tool import tool

CALLS = 1_000
EACH_S = 0.1
ROUNDS = 5


@tool(risk="read_only")
async def wait(seconds: float) -> str:
    """Waits in the loop."""
    await asyncio.sleep(seconds)
    return "done"


@tool(risk="read_only")
def block(seconds: float) -> str:
    """Waits in a thread."""
    time.sleep(seconds)
    return "done"


async def through_tools(name: str) -> float:
    executor = ToolExecutor(ToolRegistry([wait, block]))
    began = time.perf_counter()
    calls = (Invocation(str(number), name, {"seconds": EACH_S}) for number in range(CALLS))
    outcomes = await asyncio.gather(*(executor.execute(call, ToolContext()) for call in calls))
    took_s = time.perf_counter() - began
    if any(outcome.status != "ok" for outcome in outcomes):
        raise AssertionError(next(outcome for outcome in outcomes if outcome.status != "ok"))
    return took_s


async def bare() -> float:
    began = time.perf_counter()
    await asyncio.gather(*(asyncio.sleep(EACH_S) for _ in range(CALLS)))
    return time.perf_counter() - began


def run() -> list[Row]:
    rounds = [
        (asyncio.run(through_tools("wait")), asyncio.run(through_tools("block")), asyncio.run(bare()))
        for _ in range(ROUNDS)
    ]
    waiting, blocking, plain = (statistics.median(seconds) * 1000 for seconds in zip(*rounds, strict=True))
    return [
        Row(f"{CALLS:,} async tool calls of 100 ms at once", waiting, plain, waiting / plain, "< 500 ms", "ms"),
        Row(f"{CALLS:,} blocking tool calls of 100 ms at once", blocking, plain, blocking / plain, "≥ 800 ms", "ms"),
    ]


if __name__ == "__main__":
    print(render(run()))
