"""A streamed reply on its way into the journal: model deltas in, one event per window out.

The first delta goes at once; what follows is gathered for `window_s` and goes as one event, one chunk, one sequence
number. Never more than one append of a stream is under way, and memory is bounded: a writer that is ahead waits.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from models.actors import Actor
from models.commands import AppendDelta, BeginStream, FinalizeStream, RequestTools, RunFence
from models.errors import Fenced, ParleyError, StorageUnavailable
from models.messages import MessageStatus
from models.text import cleaned, parted
from models.usage import Usage
from services.sessions.manager import SessionManager

CHUNK_MAX_CHARS = 8_192
"""A chunk stays far below the 64 KiB at which payloads are left out of events, whatever the script."""
AHEAD_MAX_CHARS = 65_536


class Reply:
    """`async with ctx.stream() as reply: await reply.write("…")`. Leaving the block completes the message; leaving it
    by an error closes it with `finish_reason="error: …"`, by cancellation leaves it to whoever cancelled."""

    def __init__(
        self,
        sessions: SessionManager,
        session_id: str,
        fence: RunFence,
        *,
        by: Actor,
        message_id: str,
        author: str,
        model: str,
        window_s: float,
    ) -> None:
        self.message_id = message_id
        self._sessions = sessions
        self._session_id = session_id
        self._fence = fence
        self._by = by
        self._author = author
        self._model = model
        self._window_s = window_s
        self._loop = asyncio.get_running_loop()
        self._waiting: list[str] = []
        self._waiting_chars = 0
        self._appending: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due_at = 0.0
        self._deltas = 0
        self._half = ""
        self._error: BaseException | None = None
        self._finished = False

    async def __aenter__(self) -> Self:
        begin = BeginStream(self._fence, self.message_id, self._author, self._model)
        await self._sessions.submit(self._session_id, begin, self._by)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._finished:
            return
        if error is None:
            await self.finish()
        elif isinstance(error, asyncio.CancelledError):
            # The process stops, or the run was cancelled: keep what the model said, as far as it is still wanted.
            self._stop_timer()
            if self._error is None and self._waiting and self._appending is None:
                self._append()
        elif not isinstance(error, Fenced | StorageUnavailable):
            reason = error.message if isinstance(error, ParleyError) else type(error).__name__
            await self.finish(f"error: {reason}", status="error")

    async def write(self, delta: str) -> None:
        """Takes a piece of text; returns at once unless the journal is behind. Raises Fenced when the run was cancelled
        or taken over, StorageUnavailable when it can't be kept."""
        self._check()
        if not delta:
            return
        self._deltas += 1
        # A character that is split over two deltas is written when both have come.
        text, self._half = parted(self._half + delta)
        if not text:
            return
        self._take(text)
        if self._window_s == 0:
            await self.flush()
        elif self._appending is None and self._timer is None:
            self._schedule()
        while self._waiting_chars > AHEAD_MAX_CHARS:
            await self._push()

    def _take(self, text: str) -> None:
        self._waiting.append(text)
        self._waiting_chars += len(text)

    async def flush(self) -> None:
        """Everything written so far is durable when this returns."""
        self._stop_timer()
        while self._waiting or self._appending is not None:
            await self._push()
        self._check()

    async def _push(self) -> None:
        """Waits for the append that is under way, else begins one, window or not: an agent that never waits for
        anything else must let others run here."""
        self._check()
        if self._appending is None:
            self._stop_timer()
            self._append()
        if self._appending is not None:
            await asyncio.wait([self._appending])
        self._check()

    async def finish(
        self,
        finish_reason: str = "stop",
        usage: Usage | None = None,
        *,
        status: MessageStatus = "complete",
        tools: RequestTools | None = None,
    ) -> None:
        """Completes the message. `finish_reason` is the model's own word, `error: …` for a broken stream; `tools` are
        the calls that it ends with."""
        if self._half:
            self._take(cleaned(self._half))
        await self.flush()
        self._finished = True
        await self._sessions.submit(
            self._session_id,
            FinalizeStream(
                self._fence,
                self.message_id,
                finish_reason,
                status=status,
                usage=usage,
                provider_deltas=self._deltas,
                tools=tools,
            ),
            self._by,
        )

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _schedule(self) -> None:
        """At once when the window since the last append is over, else when it will be."""
        wait_s = self._due_at - self._loop.time()
        if wait_s <= 0:
            self._append()
        else:
            self._timer = self._loop.call_later(wait_s, self._append)

    def _append(self) -> None:
        self._timer = None
        text = "".join(self._waiting)
        chunk, rest = text[:CHUNK_MAX_CHARS], text[CHUNK_MAX_CHARS:]
        self._waiting = [rest] if rest else []
        self._waiting_chars = len(rest)
        self._due_at = self._loop.time() + self._window_s
        command = AppendDelta(self._fence, self.message_id, chunk)
        self._appending = self._sessions.submit(self._session_id, command, self._by)
        self._appending.add_done_callback(self._appended)

    def _appended(self, future: asyncio.Future[None]) -> None:
        self._appending = None
        if future.cancelled():
            return
        if (error := future.exception()) is not None:
            self._error = error
        elif self._waiting and self._timer is None and self._window_s > 0:
            self._schedule()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
