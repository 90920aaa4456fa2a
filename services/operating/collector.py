"""What is not needed any more goes back to the machine: Python's garbage collector, and the allocator below it, set
for a server whose live objects are many and rarely cyclic."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

THRESHOLDS = (50_000, 20, 100)
"""Young objects before a collection, then every 20th and every 100th of those goes one generation deeper. With
Python's own (700, 10, 10) the events kept for readers were traversed over and over: 200 busy sessions spent 45 % of
their time in it (22,000 appends/s instead of 12,000)."""
GROWN_BYTES = 32_000_000
"""Those count objects, and see nothing of their sizes: when so much more is resident than after the last full
collection, there is another."""
MUCH_GROWN_BYTES = 8 * GROWN_BYTES
PAUSE_S = 0.1
QUIET_PART = 0.1
"""A collection holds up everybody, a quarter of a second for a million live objects (13,000 idle connections): where
the last took longer than this pause, the next waits until the loop was at work for so small a part of the time, but not
while more and more is resident."""
GATHERED_OBJECTS = 10_000
"""So many more since the last collection are worth one in a quiet time, if it is short: a connection that ended is a
cycle, and keeps its requests and buffers."""
FORGOTTEN_PART = 0.2
"""So much of what the last collection took, whenever one is not made because of it: what made it long may be gone.
After a quarter of a second it is tried again in five quiet looks, after a second in eleven."""
M_ARENA_MAX = -8
"""Of malloc.h; other libraries that know `mallopt` refuse what they don't."""
ARENAS = 2
LOOK_EVERY_S = 60.0


def share_arenas() -> None:
    """Call it before there are threads: glibc would give each an arena of its own, up to eight for a core, and what is
    freed in one is no use to the others. The threads wait for the disk and for Python's lock, hardly for memory."""
    try:
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)
    except (OSError, AttributeError):
        pass  # another allocator


def tune_collector() -> None:
    """Call it once everything is imported and started: what lives then is never traversed again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


def resident_bytes() -> int:
    """What the process holds in memory; 0 where the kernel does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def have_gathered() -> bool:
    """Whether there may be much to collect: objects that are more now than after the last full collection."""
    young, *older = gc.get_count()
    return young > GATHERED_OBJECTS or any(older)


def trim() -> None:
    """glibc keeps what was freed, in an arena for each thread. Blocks, without holding up other threads."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        pass  # another allocator


class Collector:
    """`look` every now and then, in the thread whose pauses count; `resident` and `collect` are the machine's, `passed`
    is the time, and `worked` what this thread has worked of it; `gathered` says whether there may be much to
    collect."""

    def __init__(
        self,
        resident: Callable[[], int] = resident_bytes,
        collect: Callable[[], object] = gc.collect,
        passed: Callable[[], float] = time.monotonic,
        worked: Callable[[], float] = time.thread_time,
        gathered: Callable[[], bool] = have_gathered,
    ) -> None:
        self._resident = resident
        self._collect = collect
        self._passed = passed
        self._worked = worked
        self._gathered = gathered
        self._settled_bytes = resident()
        self._took_s = 0.0
        self._looked = (passed(), worked())

    def look(self) -> bool:
        """Whether enough has come together for a full collection, which then was made: something when it holds up
        nobody, much otherwise. It is expected to take what the last one took, which is slowly forgotten."""
        resident, quiet, long = self._resident(), self._is_quiet(), self._took_s > PAUSE_S
        self._settled_bytes = min(self._settled_bytes, resident)
        has_grown = resident - self._settled_bytes >= (MUCH_GROWN_BYTES if long and not quiet else GROWN_BYTES)
        if not has_grown and not (quiet and self._gathered()):
            return False
        if not has_grown and long:
            self._took_s *= 1 - FORGOTTEN_PART
            return False
        began_s = self._worked()
        self._collect()
        self._took_s = self._worked() - began_s
        self._settled_bytes = self._resident()
        log.debug("collected", before=resident, after=self._settled_bytes, ms=round(self._took_s * 1000))
        return True

    def _is_quiet(self) -> bool:
        """Since the last look."""
        (passed_s, worked_s), self._looked = self._looked, (self._passed(), self._worked())
        return self._looked[1] - worked_s <= QUIET_PART * (self._looked[0] - passed_s)


async def keep_lean(
    let_go_idle: Callable[[], None],
    collector: Collector,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    give_back: Callable[[], None] = trim,
) -> None:
    """As long as it is not cancelled: what is idle is let go of, and what was freed goes back."""
    while True:
        await sleep(LOOK_EVERY_S)
        let_go_idle()
        collector.look()
        await asyncio.to_thread(give_back)
