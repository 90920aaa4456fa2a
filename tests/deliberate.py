"""What the two suites of conformance stand on: a whole Parley server on loopback whose heart beats as fast as a test
wants, and the list of PROTOCOL.md in which every deliberate difference from the public suites stands."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from rest_fixtures import QUICK
from world import eventually

from hub.socket.engine import HubEngine
from web.app import create_app
from web.keys import HUB
from web.settings import Settings

PAGE = (Path(__file__).parents[1] / "hub" / "PROTOCOL.md").read_text(encoding="utf-8")
SECTION = re.search(r"### Deliberate differences\n(.*?)\n#", PAGE, re.DOTALL)
DIFFERENCES = frozenset(re.findall(r"^- \*\*(.+?)\*\*", SECTION[1] if SECTION else "", re.MULTILINE))
"""The names of those that the page admits."""
Case = TypeVar("Case", bound=Callable[..., Any])


def differs(name: str) -> Callable[[Case], Case]:
    """For a case that Parley answers otherwise than the public suite expects. Raises LookupError when the page does not
    say so."""
    if name not in DIFFERENCES:
        raise LookupError(f"PROTOCOL.md does not list {name!r} among the deliberate differences")
    return lambda case: case


@dataclass(frozen=True)
class Served:
    port: int
    engine: HubEngine

    async def polls(self, sid: str) -> None:
        """Returns once a poll of this session waits."""
        await eventually(lambda: self.engine.live[sid].is_polled, "a poll")


@asynccontextmanager
async def parley(ping_interval_s: float = 25, ping_timeout_s: float = 20) -> AsyncIterator[Served]:
    app = create_app(Settings(**QUICK))
    engine = app[HUB].transport._server.eio
    engine.ping_interval, engine.ping_timeout = ping_interval_s, ping_timeout_s
    engine.connect_timeout = ping_interval_s + ping_timeout_s
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield Served(runner.addresses[0][1], engine)
    finally:
        for session in list(engine.live.values()):
            session.abort("the test is over")  # else those that poll are waited for
        await runner.cleanup()
