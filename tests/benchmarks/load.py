"""The load generators, in a process of their own so that their cost is not the server's.

`python load.py NAME` reads its arguments as JSON from stdin and prints its result as JSON. Times are in seconds.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from subprocess import run as run_process
from typing import Any

from light_client import LightClient

Result = dict[str, Any]
CONNECTS_AT_ONCE = 100
"""A listening socket's queue is short."""


def ask(name: str, **arguments: object) -> Result:
    """Runs a load generator and returns its result."""
    command = [sys.executable, str(Path(__file__)), name]
    done = run_process(command, input=json.dumps(arguments), capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"the load generator failed: {done.stderr[-2000:]}")
    result: Result = json.loads(done.stdout)
    return result


async def latency(port: int, session: str, count: int, per_s: float) -> Result:
    """From a command until another client's callback."""
    sender, receiver = await LightClient.connect(port), await LightClient.connect(port)
    took_s: list[float] = []
    sent_at: dict[bytes, float] = {}
    complete = asyncio.Event()

    def received(packet: bytes) -> None:
        now = time.perf_counter()
        start = packet.find(b'"probe-')
        if start >= 0:
            took_s.append(now - sent_at[packet[start + 1 : packet.index(b'"', start + 1)]])
            if len(took_s) == count:
                complete.set()

    receiver.on_event = received
    for client in (sender, receiver):
        await client.call("join_session", {"sessionId": session})
    loop = asyncio.get_running_loop()
    start, acks = loop.time(), []
    for number in range(count):
        await asyncio.sleep(max(0.0, start + number / per_s - loop.time()))
        name = f"probe-{start}-{number}"
        sent_at[name.encode()] = time.perf_counter()
        acks.append(sender.call("send_message", {"sessionId": session, "content": name, "onBusy": "steer"}))
    async with asyncio.timeout(30):
        await asyncio.gather(*acks)
        await complete.wait()
    return {"p50": statistics.median(took_s), "p99": _p99(took_s)}


class Watcher:
    """One client of a streaming session: when each delta came, against when its window ended."""

    def __init__(self, client: LightClient, window_s: float) -> None:
        self.client = client
        self.shown_s: list[float] = []
        self.late_s: list[float] = []
        self.first_at = self.last_at = 0.0
        self.finished = asyncio.Event()
        self._window_s = window_s
        client.on_event = self._received

    def _received(self, packet: bytes) -> None:
        now = time.time()
        if b'"type":"message.delta"' in packet:
            start = packet.index(b'"at":"') + 6
            at = _seconds(packet[start : start + 23])
            self.shown_s.append(now - at)
            if self.last_at:
                # The window was opened by the delta before; nothing that comes in it may be shown later than this.
                self.late_s.append(now - (self.last_at + self._window_s))
            self.first_at, self.last_at = self.first_at or at, at
        elif b'"type":"run.finished"' in packet:
            self.finished.set()


async def streams(port: int, sessions: Sequence[str], clients: int, window_s: float, limit_s: float) -> Result:
    """Starts a reply in every session and watches each with so many clients until all have ended."""
    watchers: list[Watcher] = []
    connected = await _in_groups(lambda: LightClient.connect(port), len(sessions) * clients)
    for index, client in enumerate(connected):
        watchers.append(Watcher(client, window_s))
        await client.call("join_session", {"sessionId": sessions[index // clients]})
    start = time.time()
    starting = [
        watcher.client.call("send_message", {"sessionId": sessions[index // clients], "content": "Begin"})
        for index, watcher in enumerate(watchers)
        if index % clients == 0
    ]
    async with asyncio.timeout(limit_s):
        await asyncio.gather(*starting)
        await asyncio.gather(*(watcher.finished.wait() for watcher in watchers))
    shown_s = [took for watcher in watchers for took in watcher.shown_s]
    late_s = [took for watcher in watchers for took in watcher.late_s]
    return {
        "took": time.time() - start,
        "longest": max(watcher.last_at - watcher.first_at for watcher in watchers),
        "deliveries": len(shown_s),
        "shown_p50": statistics.median(shown_s),
        "shown_p99": _p99(shown_s),
        "late_p99": _p99(late_s),
    }


async def rejoin(port: int, joins: Sequence[dict[str, Any]], missed: int) -> Result:
    """All connect and join at once; until the last has what it missed."""
    start = time.perf_counter()
    gate = asyncio.Semaphore(CONNECTS_AT_ONCE)
    async with asyncio.timeout(120):
        await asyncio.gather(*(_come_back(port, join, missed, gate) for join in joins))
    return {"took": time.perf_counter() - start}


async def _come_back(port: int, join: dict[str, Any], missed: int, gate: asyncio.Semaphore) -> None:
    async with gate:
        client = await LightClient.connect(port)
    emitted, all_there = 0, asyncio.Event()

    def received(packet: bytes) -> None:
        nonlocal emitted
        emitted += packet.startswith(b'42["event"')
        if emitted == missed:
            all_there.set()

    client.on_event = received
    ack = await client.call("join_session", join)
    in_ack = ack.count(b'"seq":')
    if in_ack < missed:
        await all_there.wait()


async def _in_groups(make: Callable[[], Awaitable[LightClient]], count: int) -> list[LightClient]:
    made: list[LightClient] = []
    while len(made) < count:
        made += await asyncio.gather(*(make() for _ in range(min(CONNECTS_AT_ONCE, count - len(made)))))
    return made


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


_SECONDS: dict[bytes, float] = {}


def _seconds(iso: bytes) -> float:
    """Of `2026-11-20T09:00:00.123`; all but the milliseconds is looked up."""
    whole = iso[:19]
    if whole not in _SECONDS:
        _SECONDS[whole] = datetime.fromisoformat(whole.decode() + "+00:00").timestamp()
    return _SECONDS[whole] + int(iso[20:23]) / 1000


LOADS: dict[str, Callable[..., Awaitable[Result]]] = {"latency": latency, "streams": streams, "rejoin": rejoin}


async def main() -> None:
    print(json.dumps(await LOADS[sys.argv[1]](**json.loads(sys.stdin.read()))))


if __name__ == "__main__":
    asyncio.run(main())
