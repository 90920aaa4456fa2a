"""The garbage collector's settings, put back afterwards."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from services.operating.collector import (
    ARENAS,
    GATHERED_OBJECTS,
    GROWN_BYTES,
    MUCH_GROWN_BYTES,
    PAUSE_S,
    THRESHOLDS,
    Collector,
    have_gathered,
    keep_lean,
    resident_bytes,
    trim,
    tune_collector,
)

ALLOCATING_THREADS = """
import ctypes, threading
from services.operating.collector import share_arenas
share_arenas()
together = threading.Barrier(6)
def allocate():
    kept = bytearray(5_000)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(6)]
for each in threads: each.start()
for each in threads: each.join()
ctypes.CDLL(None).malloc_stats()
"""


@pytest.fixture
def _collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("_collector")
def test_what_lives_at_the_start_is_never_traversed_again() -> None:
    tune_collector()
    assert gc.get_threshold() == THRESHOLDS
    assert gc.get_freeze_count() > 0


def test_a_full_collection_is_made_when_much_more_is_resident_than_after_the_last() -> None:
    """Fails when sizes don't count: few large objects in cycles are never many objects."""
    resident, collected = [100_000_000], []

    def collect() -> None:
        collected.append(resident[0])
        resident[0] -= 10_000_000

    collector = Collector(lambda: resident[0], collect, gathered=lambda: False)
    for grown, collects in ((0, False), (GROWN_BYTES - 1, False), (1, True), (0, False), (GROWN_BYTES, True)):
        resident[0] += grown
        assert collector.look() is collects
    resident[0] = 50_000_000  # what the caches held is gone: growth counts from there
    assert not collector.look()
    resident[0] += GROWN_BYTES
    assert collector.look()
    assert len(collected) == 3


def test_a_collection_that_takes_long_waits_for_a_quiet_time_but_not_for_ever() -> None:
    """Fails when it is made whenever enough has grown: it holds up all clients."""
    resident, passed, worked, pause = 100_000_000, 0.0, 0.0, PAUSE_S

    def collect() -> None:
        nonlocal worked
        worked += pause

    collector = Collector(lambda: resident, collect, lambda: passed, lambda: worked, lambda: False)
    for grown, busy_s, takes_s, collects in (
        (GROWN_BYTES, 30.0, PAUSE_S * 2, True),  # what it costs is not known yet
        (GROWN_BYTES, 30.0, PAUSE_S * 2, False),
        (GROWN_BYTES, 7.0, PAUSE_S * 2, False),
        (GROWN_BYTES, 5.0, PAUSE_S * 2, True),
        (GROWN_BYTES - 1, 0.0, PAUSE_S * 2, False),
        (MUCH_GROWN_BYTES - GROWN_BYTES, 60.0, PAUSE_S * 2, False),
        (1, 60.0, PAUSE_S / 2, True),
        (GROWN_BYTES, 60.0, PAUSE_S / 2, True),
    ):
        resident, passed, worked, pause = resident + grown, passed + 60.0, worked + busy_s, takes_s
        assert collector.look() is collects


def test_what_has_gathered_is_collected_in_a_quiet_time_when_that_is_short() -> None:
    """Fails when only growth counts: the connections that a load leaves behind stay until the next one. And when one
    that took long is the last of them."""
    passed, worked, pause, much = 0.0, 0.0, PAUSE_S / 2, True

    def collect() -> None:
        nonlocal worked
        worked += pause

    collector = Collector(lambda: 100_000_000, collect, lambda: passed, lambda: worked, lambda: much)
    for busy_s, gathered, takes_s, collects in (
        (30.0, True, PAUSE_S / 2, False),
        (5.0, True, PAUSE_S / 2, True),
        (5.0, False, PAUSE_S / 2, False),
        (5.0, True, PAUSE_S * 2, True),  # what it costs is not known yet
        (5.0, True, PAUSE_S * 2, False),
        (5.0, True, PAUSE_S * 2, False),
        (5.0, False, PAUSE_S * 2, False),  # nothing was left out: nothing is forgotten
        (30.0, True, PAUSE_S * 2, False),
        (5.0, True, PAUSE_S * 2, False),
        (5.0, True, PAUSE_S * 2, False),
        (5.0, True, PAUSE_S / 2, True),
        (5.0, True, PAUSE_S / 2, True),
    ):
        passed, worked, pause, much = passed + 60.0, worked + busy_s, takes_s, gathered
        assert collector.look() is collects


@pytest.mark.usefixtures("_collector")
def test_what_gathers_is_seen() -> None:
    gc.collect()
    assert not have_gathered()
    gc.disable()
    kept = [[] for _ in range(GATHERED_OBJECTS + 1)]  # type: list[list[int]]
    gathered = have_gathered()
    gc.enable()
    assert gathered
    assert kept


def test_threads_share_two_arenas() -> None:
    """Fails when each has its own: what one has freed is no use to the others."""
    if not hasattr(ctypes.CDLL(None), "malloc_stats"):
        pytest.skip("another allocator")
    told = subprocess.run([sys.executable, "-c", ALLOCATING_THREADS], capture_output=True, text=True, check=True)
    assert told.stderr.count("Arena ") == ARENAS


def test_the_machine_tells_what_is_resident_and_takes_back_what_was_freed() -> None:
    trim()
    assert resident_bytes() > 10_000_000


async def test_what_is_idle_is_let_go_of_before_anything_is_given_back() -> None:
    order: list[str] = []
    rounds = asyncio.Event()

    async def sleep(seconds: float) -> None:
        if order.count("give back") == 2:
            rounds.set()
            await asyncio.Event().wait()

    collector = Collector(lambda: 0, lambda: None)
    task = asyncio.create_task(
        keep_lean(lambda: order.append("let go"), collector, sleep, lambda: order.append("give back"))
    )
    await rounds.wait()
    task.cancel()
    assert order == ["let go", "give back"] * 2
