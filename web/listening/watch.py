"""The one sweep over all connections of an application. Never knows when the time of one is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import structlog
from aiohttp import web

from web.listening.places import Guest, Places

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
LOOK_AT_ONCE = 500
"""Connections looked at before the loop gets a turn."""


class Watch:
    """Runs as long as the application it is attached to."""

    def __init__(self, places: Places, every_s: float = LOOK_EVERY_S) -> None:
        self._places = places
        self._every_s = every_s

    def attach(self, app: web.Application) -> None:
        app.cleanup_ctx.append(self._watching)

    async def look(self, now: float) -> None:
        """`now` is the loop's time."""
        for index, guest in enumerate(self._places.guests):
            if index % LOOK_AT_ONCE == LOOK_AT_ONCE - 1:
                await asyncio.sleep(0)
            _look_at(guest, now)

    async def _watching(self, app: web.Application) -> AsyncIterator[None]:
        sweeper = asyncio.get_running_loop().create_task(self._look_for_ever())
        yield
        sweeper.cancel()
        await asyncio.gather(sweeper, return_exceptions=True)

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            await self.look(asyncio.get_running_loop().time())


def _look_at(guest: Guest, now: float) -> None:
    """A fault in one connection must not stop the sweep for all."""
    try:
        guest.look_at(now)
    except Exception:
        log.exception("sweep_failed", peer=guest.address)
