"""Does memory stay where it is? The real server under a mixed load, and its resident size every ten seconds.

    python tests/benchmarks/soak.py [--minutes 60] [--rounds 5] [--workers 12]

Each worker lives through sessions, one after the other: it joins one by socket, talks, sends something large now and
then, pages back, deletes it, and cuts an upload off in the middle. A round is a load and a quiet time. The first one
warms up: it imports what is used, fills SQLite's caches (16 MB), and makes Python's arenas as many as the load needs at
its height, which are not given back as long as anything lives in them. What no later round may do is to add to that:
ends with 1 when the load or the quiet of a later one stands more than 8 MB above the first's, or when they rise all the
time.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientError, ClientSession
from light_client import LightClient
from real_server import ServerProcess

MEGABYTE = 1_000_000
SAMPLE_EVERY_S = 10.0
GROWTH_MAX_MB = 8.0
STEP_MAX_MB = 0.5
"""Less may be chance, or a heap that is cut elsewhere."""
LARGE_CHARS = 200_000
CUT_BYTES = 3 * MEGABYTE
QUIET_S = 200.0
"""What is idle is let go of meanwhile: two or three looks of the server's, a minute apart."""


class Worker:
    def __init__(self, server: ServerProcess, http: ClientSession) -> None:
        self.server = server
        self.http = http
        self.lives = 0

    async def live(self, until: float) -> None:
        while time.monotonic() < until:
            with suppress(ClientError, ConnectionError, TimeoutError):
                await asyncio.wait_for(self._one_life(), 60)
                self.lives += 1

    async def _one_life(self) -> None:
        session = (await self._post("/api/sessions", {"title": f"soak {self.lives}"}))["id"]
        client = await LightClient.connect(self.server.port)
        over = asyncio.Event()
        client.on_event = lambda packet: over.set() if b'"run.finished"' in packet else None
        await client.call("join_session", {"sessionId": session})
        for turn in range(3):
            over.clear()
            if turn == 1 and self.lives % 5 == 0:
                path = f"/api/contexts/{session}/actions/send_message"
                await self._post(path, {"content": "soak " * (LARGE_CHARS // 5)})
            else:
                await client.call("send_message", {"sessionId": session, "content": f"turn {turn}"})
            await asyncio.wait_for(over.wait(), 30)
        async with self.http.get(f"{self.server.url}/api/sessions/{session}/messages?take=50") as response:
            await response.read()
        client.close()
        if self.lives % 3 == 0:
            await self._cut_off()
        if self.lives % 2 == 0:
            async with self.http.delete(f"{self.server.url}/api/sessions/{session}") as response:
                await response.read()

    async def _post(self, path: str, body: dict[str, str]) -> dict[str, str]:
        async with self.http.post(f"{self.server.url}{path}", json=body) as response:
            answer: dict[str, str] = await response.json()
            return answer

    async def _cut_off(self) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        head = f"POST /api/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {CUT_BYTES * 2}\r\n\r\n"
        writer.write(head.encode() + bytes(CUT_BYTES))
        with suppress(ConnectionError):
            await writer.drain()
        writer.transport.abort()


@dataclass(frozen=True)
class Round:
    """Resident MB: the middle of the load's second half, and at the end of the quiet."""

    load: float
    quiet: float


async def soak(server: ServerProcess, seconds: float, rounds: int, workers: int) -> list[Round]:
    print(f"started with {resident_mb(server):.1f} MB", flush=True)
    async with ClientSession() as http:
        crew = [Worker(server, http) for _ in range(workers)]
        return [await _round(number, server, crew, seconds / rounds - QUIET_S) for number in range(1, rounds + 1)]


async def _round(number: int, server: ServerProcess, crew: list[Worker], load_s: float) -> Round:
    until = time.monotonic() + load_s
    working = [asyncio.create_task(worker.live(until)) for worker in crew]
    sizes = [resident_mb(server)]
    while True:
        await asyncio.wait(working, timeout=SAMPLE_EVERY_S)
        if all(task.done() for task in working):
            break
        sizes.append(resident_mb(server))
        at_s, lives = SAMPLE_EVERY_S * (len(sizes) - 1), sum(worker.lives for worker in crew)
        print(f"round {number}, {at_s:5.0f} s  {sizes[-1]:6.1f} MB  {lives} sessions", flush=True)
    await asyncio.gather(*working)
    await asyncio.sleep(QUIET_S)
    ended = Round(statistics.median(sizes[len(sizes) // 2 :]), resident_mb(server))
    print(f"round {number}: load {ended.load:.1f} MB, quiet {ended.quiet:.1f} MB", flush=True)
    return ended


def resident_mb(server: ServerProcess) -> float:
    return server.rss_bytes() / MEGABYTE


def verdict(rounds: Sequence[Round]) -> list[str]:
    """What is wrong; empty when memory stays."""
    wrong: list[str] = []
    for what, sizes in (("load", [each.load for each in rounds]), ("quiet", [each.quiet for each in rounds])):
        grown = max(sizes[1:]) - sizes[0]
        steps = [after - before for before, after in itertools.pairwise(sizes)]
        if grown > GROWTH_MAX_MB:
            wrong.append(f"{what}: {grown:.1f} MB above the first round")
        elif min(steps) > STEP_MAX_MB:
            wrong.append(f"{what}: it rises with every round, by {statistics.mean(steps):.1f} MB")
    return wrong


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Ends the process with 2 for a run that could not tell anything: two rounds are compared, and in each the load is
    longer than the quiet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=12)
    parsed = parser.parse_args(given)
    if parsed.rounds < 2 or parsed.workers < 1:
        parser.error("at least 2 rounds and 1 worker")
    if not parsed.minutes * 60 / parsed.rounds > 2 * QUIET_S:
        parser.error(f"--minutes for {parsed.rounds} rounds: more than {parsed.rounds * 2 * QUIET_S / 60:.1f}")
    return parsed


def main() -> int:
    parsed = arguments()
    with tempfile.TemporaryDirectory() as folder:
        model = "scripted:words=40,delay_ms=1,seed=1"
        server = ServerProcess(Path(folder), ("--model", model))
        server.start()
        try:
            rounds = asyncio.run(soak(server, parsed.minutes * 60, parsed.rounds, parsed.workers))
        finally:
            server.stop()
    wrong = verdict(rounds)
    print("; ".join(wrong) or "memory stays", file=sys.stderr if wrong else sys.stdout)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
