"""How long a turn may be at work, and how long it has been. Time in which it waits, for its user or until its model may
be asked again, is left out; so is the time in which no process had it. Ends nothing by itself but what it was given."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from models.errors import TurnTooLong
from models.ids import EpochMs
from services.engine.turn import Turn
from services.runs.helpers import first_of

STOPS_AFTER = {"stop": 1, "ask": 2}
"""How many times its limit a turn may take before it is stopped. One that asks does so between two steps: a step that
takes as long again as the whole turn should have is no step."""


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """For one user turn; 0 is no limit. `ask`: the user says whether it goes on; `stop`: the run fails."""

    seconds: float
    policy: Literal["ask", "stop"] = "ask"


NO_LIMIT = TimeLimit(0)


class TurnTime:
    """For one attempt of a run. `monotonic` counts seconds, from whenever."""

    def __init__(
        self,
        limit: TimeLimit = NO_LIMIT,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._limit = limit
        self._monotonic = monotonic
        self._sleep = sleep
        self._turn_since: int | None = None
        self._worked_s = 0.0
        self._at_work_since = monotonic()
        self._waits = 0
        self._at_work = asyncio.Event()
        self._at_work.set()

    @property
    def limited(self) -> bool:
        return self._limit.seconds > 0

    @property
    def worked_s(self) -> float:
        return self._worked_s + (0.0 if self._waits else self._monotonic() - self._at_work_since)

    def follow(self, turn: Turn, now: EpochMs) -> None:
        """Begins anew with the user's last word. What was worked on it before counts: by earlier attempts, and by a
        step that was in the middle of its work then."""
        if turn.since == self._turn_since:
            return
        self._turn_since = turn.since
        going_on_ms = max(0, now - turn.working_since) if turn.working_since is not None else 0
        self._worked_s = (turn.worked_ms + going_on_ms) / 1000
        self._at_work_since = self._monotonic()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        if not self._waits:
            self._worked_s = self.worked_s
        self._waits += 1
        self._at_work.clear()
        try:
            yield
        finally:
            self._waits -= 1
            if not self._waits:
                self._at_work_since = self._monotonic()
                self._at_work.set()

    def question(self) -> str | None:
        """What the user is to be asked before the next step."""
        if not self.limited or self._limit.policy != "ask" or self.worked_s < self._limit.seconds:
            return None
        return f"I have been at work on this for {_in_words(self.worked_s)}. Shall I go on?"

    async def bound(self, work: Awaitable[None], look: Callable[[], Awaitable[object]]) -> None:
        """Does the work. Raises what it raises, and TurnTooLong: then it was cancelled, wherever it was. `look` brings
        the newest turn to `follow`: somebody may have spoken to a step that is at work."""
        if self.limited:
            await first_of(work, self._too_long(look))
        else:
            await work

    async def _too_long(self, look: Callable[[], Awaitable[object]]) -> None:
        most_s = self._limit.seconds * STOPS_AFTER[self._limit.policy]
        while True:
            await self._at_work.wait()
            if (left_s := most_s - self.worked_s) > 0:
                await self._sleep(left_s)
                continue
            await look()
            if self.worked_s >= most_s:
                raise TurnTooLong(f"Stopped: the turn took longer than {_in_words(most_s)}", limit=most_s)


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"
