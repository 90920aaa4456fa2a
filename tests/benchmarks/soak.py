"""Does memory stay where it is? The real server under a mixed load, and its resident size every ten seconds.

    python tests/benchmarks/soak.py [--minutes 60] [--workers 12]

Each worker lives through sessions, one after the other: it joins one by socket, talks, sends something large now and
then, pages back, deletes it, cuts an upload off in the middle, and sends what can't be read. Ends with 1 when the last
third of the time stood more than 16 MB above the second, or when the memory of the load is not back after it.
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
from pathlib import Path

from aiohttp import ClientError, ClientSession
from light_client import LightClient
from real_server import ServerProcess

MEGABYTE = 1_000_000
SAMPLE_EVERY_S = 10.0
GROWTH_MAX_MB = 16.0
LARGE_CHARS = 200_000
CUT_BYTES = 3 * MEGABYTE
QUIET_S = 240.0
"""After the load: what is idle is let go of meanwhile."""


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


async def soak(server: ServerProcess, seconds: float, workers: int) -> tuple[list[float], float]:
    """The resident sizes in MB while it goes on, and the one when all has been quiet for a while."""
    async with ClientSession() as http:
        crew = [Worker(server, http) for _ in range(workers)]
        until = time.monotonic() + seconds
        working = [asyncio.create_task(worker.live(until)) for worker in crew]
        sizes: list[float] = []
        for number in itertools.count(1):
            await asyncio.wait(working, timeout=SAMPLE_EVERY_S)
            if all(task.done() for task in working):
                break
            sizes.append(resident_mb(server))
            lives = sum(worker.lives for worker in crew)
            print(f"{number * SAMPLE_EVERY_S:6.0f} s  {sizes[-1]:6.1f} MB  {lives} sessions", flush=True)
        await asyncio.gather(*working)
    await asyncio.sleep(QUIET_S)
    return sizes, resident_mb(server)


def resident_mb(server: ServerProcess) -> float:
    return server.rss_bytes() / MEGABYTE


def verdict(sizes: Sequence[float], quiet: float) -> list[str]:
    """What is wrong; empty when memory stays."""
    third = len(sizes) // 3
    middle, last = statistics.median(sizes[third : 2 * third]), statistics.median(sizes[2 * third :])
    print(f"second third {middle:.1f} MB, last third {last:.1f} MB, quiet {quiet:.1f} MB, first {sizes[0]:.1f} MB")
    wrong = [f"it grew by {last - middle:.1f} MB"] if last - middle > GROWTH_MAX_MB else []
    if quiet - sizes[0] > GROWTH_MAX_MB:
        wrong.append(f"{quiet - sizes[0]:.1f} MB did not come back")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--workers", type=int, default=12)
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = "scripted:words=40,delay_ms=1,seed=1"
        server = ServerProcess(Path(folder), ("--model", model))
        server.start()
        try:
            sizes, quiet = asyncio.run(soak(server, parsed.minutes * 60, parsed.workers))
        finally:
            server.stop()
    wrong = verdict(sizes, quiet)
    print("; ".join(wrong) or "memory stays", file=sys.stderr if wrong else sys.stdout)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
