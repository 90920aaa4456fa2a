"""A run's turn, read from the journal: all of it when an earlier attempt had begun it, then what is new. Keeps nothing
that another process could not read there too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from models.events import Event, MessageCreated
from models.runs import Run
from services.engine.turn import Turn, follow
from services.sessions.manager import SessionManager


class TurnReader:
    """For one attempt of a run. Its agent asks, and so does who watches over its time: one after the other, so that no
    event is folded twice."""

    def __init__(self, sessions: SessionManager, run: Run) -> None:
        self._sessions = sessions
        self._run = run
        self._turn = Turn(run.id)
        self._lock = asyncio.Lock()
        context = sessions.shown(run.session_id)
        # Of a first attempt, nothing lies before its start.
        self._read_to = context.head if context is not None and run.attempt <= 1 else None

    async def now(self) -> Turn:
        """The turn with everything that is shown. Raises StorageUnavailable, SessionNotFound."""
        async with self._lock:
            if self._read_to is None:
                asked_at = await self._sessions.store.reads.seq_of(self._run.session_id, self._run.message_id)
                self._read_to = asked_at or 0
            async for events in self._news(self._read_to):
                self._turn = follow(self._turn, [await self._whole(event) for event in events])
                self._read_to = events[-1].seq
            return self._turn

    async def _news(self, after: int) -> AsyncIterator[Sequence[Event]]:
        while True:
            events = self._sessions.tail(self._run.session_id, after)
            more = events is None
            if events is None:
                page = await self._sessions.store.journal.since(self._run.session_id, after)
                events, more = page.events, page.has_more
            if events:
                yield events
                after = events[-1].seq
            if not more:
                return

    async def _whole(self, event: Event) -> Event:
        """A page of the journal has the headers alone of what is large."""
        body = event.body
        if not isinstance(body, MessageCreated) or not body.message.truncated or body.message.role == "user":
            return event
        found = await self._sessions.store.reads.messages(self._run.session_id, [body.message.id])
        return replace(event, body=MessageCreated(message=found[0])) if found else event
