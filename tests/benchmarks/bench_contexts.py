"""What the floors of a context ask for, through the door on SQLite: create, transition, begin, append, finalize, load.

    python tests/benchmarks/bench_contexts.py [--quick]

Everything that writes is durable when it counts (`synchronous=FULL`), and one after the other, as a single caller sees
it. Loading is what opening a session that is not in memory costs, at the end of a short and of a long history by turns.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from filling import MODEL, Store, store
from table import Row, render

from models.commands import CancelRun, CreateSession, RequestModel, RunFence, SendMessage, StartRun
from models.events import Event
from models.ids import new_id, now_ms
from models.payloads import TextPayload
from services.access import LOCAL
from services.embedding.chat_context import ChatContext
from services.engine.apply import apply_all
from services.engine.context import Context
from services.engine.decide import decide
from services.operating.collector import tune_collector
from services.operating.logs import configure

TIMES, TIMES_QUICK = 500, 50
PURE_TIMES = 20_000
SHORT, LONG, LONG_QUICK = 10, 100_000, 5_000
TEXT = "some words of a reply "

Step = Callable[[], Awaitable[object]]


async def median_ms(step: Step, times: int) -> float:
    took = []
    for _ in range(times):
        start = time.perf_counter()
        await step()
        took.append(time.perf_counter() - start)
    return statistics.median(took) * 1000


async def create_ms(opened: Store, times: int) -> float:
    inbox = await opened.store.projects.inbox()
    door = opened.sessions.handle
    return await median_ms(
        lambda: door(new_id(), CreateSession(new_id(), inbox.id, inbox.name, "Benchmark", MODEL), LOCAL), times
    )


async def transition_ms(opened: Store, times: int) -> float:
    """`awaiting_llm` again and again: one event each, which changes the state and nothing else."""
    async with ChatContext.open(opened.sessions, await opened.session(), owner="benchmark", question=TEXT) as context:
        return await median_ms(lambda: context.run.request_model(new_id()), times)


async def pure_transition_ms(opened: Store) -> float:
    """The same without a journal: decided and applied."""
    session_id, fence = await opened.session(), RunFence(new_id(), 1)
    await opened.handle(session_id, SendMessage(new_id(), fence.run_id, "local", TEXT, TextPayload(text=TEXT)))
    await opened.handle(session_id, StartRun(fence.run_id))
    context = await opened.store.journal.load(session_id)
    start = time.perf_counter()
    for number in range(PURE_TIMES):
        context = _after(context, RequestModel(fence, str(number)))
    took_s = time.perf_counter() - start
    await opened.handle(session_id, CancelRun())
    return took_s / PURE_TIMES * 1000


def _after(context: Context, command: RequestModel) -> Context:
    now = now_ms()
    bodies = decide(context.session_id, context, command, now).events
    return apply_all(
        context,
        [Event(context.session_id, context.epoch, context.head + n, now, body) for n, body in enumerate(bodies, 1)],
    )


async def reply_ms(opened: Store, times: int) -> tuple[float, float, float]:
    """Begin, append and finalize, by the calls of the facade: replies of ten chunks in one run."""
    begins, appends, finals = [], [], []
    async with ChatContext.open(opened.sessions, await opened.session(), owner="benchmark", question=TEXT) as context:
        for _ in range(max(1, times // 10)):
            start = time.perf_counter()
            message_id = await context.begin_streaming_llm_response(MODEL)
            begins.append(time.perf_counter() - start)
            for _ in range(10):
                start = time.perf_counter()
                await context.append_streaming_chunk(message_id, TEXT)
                appends.append(time.perf_counter() - start)
            start = time.perf_counter()
            await context.finalize_streaming_response(message_id)
            finals.append(time.perf_counter() - start)
    begin, append, final = (statistics.median(took) * 1000 for took in (begins, appends, finals))
    return begin, append, final


async def load_ms(opened: Store, long: int, times: int) -> tuple[float, float]:
    """At a short and at a long history, by turns."""
    ids = (await opened.history(SHORT), await opened.history(long))
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(times):
        for session_id, kept in zip(ids, took, strict=True):
            start = time.perf_counter()
            await opened.store.journal.load(session_id)
            kept.append(time.perf_counter() - start)
    short, deep = (statistics.median(kept) * 1000 for kept in took)
    return short, deep


async def measure(folder: Path, quick: bool) -> list[Row]:
    times, long = (TIMES_QUICK, LONG_QUICK) if quick else (TIMES, LONG)
    configure("warning", "json")
    tune_collector()  # as `parley serve` does
    async with store(folder) as opened:
        created = await create_ms(opened, times)
        moved, pure = await transition_ms(opened, times), await pure_transition_ms(opened)
        begin, append, final = await reply_ms(opened, times)
        short, deep = await load_ms(opened, long, times)
    what = f"load a context at {long:,} messages, beside {SHORT}; floor 15 ms"
    return [
        Row("create a context, durable; floor 5 ms", created, None, None, "< 5", "ms"),
        Row("state transition, durable; floor 1 ms", moved, None, None, "< 1", "ms"),
        Row("state transition, decided and applied; floor 1,000 µs", pure * 1000, None, None, "< 1,000", "µs"),
        Row("begin a streamed reply, durable; floor 10 ms (add a message)", begin, None, None, "< 10", "ms"),
        Row("append a chunk, durable; floor 2 ms", append, None, None, "< 2", "ms"),
        Row("chunks of one reply, one after the other; floor 500/s", 1000 / append, None, None, "≥ 500", "1/s"),
        Row("finalize a streamed reply, durable; floor 10 ms (add a message)", final, None, None, "< 10", "ms"),
        Row(what, deep, short, deep / short, "within 1.5 times, < 15", "ms"),
    ]


def run(quick: bool = False) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder), quick))


if __name__ == "__main__":
    print(render(run("--quick" in sys.argv)))
