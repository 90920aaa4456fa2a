"""What other nodes commit to the sessions that are watched here: their hints, and the heads at an interval, so that a
lost hint costs no more than that. Knows heads alone: the door reads what is behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from models.errors import ParleyError
from models.heads import Head
from services.bus import Bus
from services.store.journal import Journal

log = structlog.get_logger(__name__)

HEADS_EVERY_S = 1.0
"""How late one learns of a commit whose hint was lost."""
HEADS_AT_ONCE = 5_000
"""Heads in one query: 20 ms where it was measured."""

GAP_S = 0.02
"""What a stream leaves free after an append: time for another node to read the head and append on it. Else one that
writes again at once wins every race, and nobody elsewhere could cancel it."""

Learn = Callable[[str, Head | None], None]


class OtherNodes:
    """One for a SessionManager whose journal has other writers. Without a bus the heads are all that is heard."""

    def __init__(
        self,
        bus: Bus | None = None,
        *,
        every_s: float = HEADS_EVERY_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bus = bus
        self._every_s = every_s
        self._sleep = sleep
        self._polling: asyncio.Task[None] | None = None
        self._closed = False
        self._hear_no_more: Callable[[], None] | None = None

    def begin(self, journal: Journal, learn: Learn, watched: Callable[[], Sequence[str]]) -> None:
        """`learn` is told the heads of `watched` sessions, and None for one that is gone."""
        self._journal = journal
        self._learn = learn
        self._watched = watched
        if self._bus is not None:
            self._hear_no_more = self._bus.subscribe(lambda hint: learn(hint.topic, hint.head))

    def announce(self, session_id: str, head: Head) -> None:
        if self._bus is not None:
            self._bus.publish(session_id, head)

    def watch(self) -> None:
        """There is something to watch: polls until there is nothing any more."""
        if self._polling is None and not self._closed:
            self._polling = asyncio.get_running_loop().create_task(self._poll())

    async def close(self) -> None:
        """Safe to call twice."""
        self._closed = True
        hear_no_more, self._hear_no_more = self._hear_no_more, None
        if hear_no_more is not None:
            hear_no_more()
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)

    async def _poll(self) -> None:
        await self._sleep(self._every_s)
        while session_ids := self._watched():
            for first in range(0, len(session_ids), HEADS_AT_ONCE):
                await self._ask(session_ids[first : first + HEADS_AT_ONCE])
            await self._sleep(self._every_s)
        self._polling = None

    async def _ask(self, session_ids: Sequence[str]) -> None:
        try:
            heads = await self._journal.heads(session_ids)
        except ParleyError as error:
            log.warning("heads not read", reason=error.message)
            return
        except Exception:
            log.exception("heads not read")  # the next turn may be better; without it lost hints are lost
            return
        for session_id in session_ids:
            self._learn(session_id, heads.get(session_id))
