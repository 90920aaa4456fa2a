"""One session for a program that embeds Parley and drives the conversation itself: a run that belongs to the program,
and the calls that stream replies into it. Never asks a model; agents that Parley is to run get a RunContext instead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self

import structlog

from models.actors import actor_named
from models.commands import (
    AppendDelta,
    BeginStream,
    CancelRun,
    CommandFor,
    FinalizeStream,
    RetryRun,
    RunFence,
    SendMessage,
    StartRun,
)
from models.errors import (
    Fenced,
    IllegalTransition,
    InvalidArgument,
    MessageNotFound,
    ParleyError,
    SessionNotFound,
    StorageUnavailable,
)
from models.events import Event
from models.ids import EpochMs
from models.messages import MessageStatus
from models.payloads import StreamingResponsePayload, TextPayload
from models.results import Cancelled
from models.text import check_text, cleaned, parted
from models.usage import Usage
from services.access import LOCAL, OnSession, Principal, actor_of
from services.embedding.compat import BROKEN, OlderCalls
from services.runs.context import RunContext
from services.runs.keeper import HEARTBEAT_S, LEASE_MS
from services.runs.reply import CHUNK_MAX_CHARS
from services.sessions.manager import ResultT, SessionManager
from services.store.leases import Lease
from services.store.reads import Chunk, MessageQuery, intervals

log = structlog.get_logger(__name__)

AGENT = "chat-context"
"""The agent of such runs. Nobody is called so: what a crash leaves of them ends as failed, it can't be resumed."""
LOOKS_BACK = 200
NOT_STREAMING = (IllegalTransition, Fenced, SessionNotFound)
"""How the door refuses a chunk: another message or none is being streamed, the run is over, the session is gone."""


class ChatContext(OlderCalls):
    """`async with ChatContext.open(…) as context`. `run` has the rest of what a run can do: history, emit, ask."""

    def __init__(self, sessions: SessionManager, run: RunContext, author: str) -> None:
        self.run = run
        self._sessions = sessions
        self._fence = RunFence(run.run.id, run.run.attempt)
        self._author = author
        self._streaming: str | None = None
        self._deltas = 0
        self._half = ""
        self._one_at_a_time = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        sessions: SessionManager,
        session_id: str,
        *,
        owner: str,
        question: str | None = None,
        principal: Principal = LOCAL,
        author: str = "assistant",
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> AsyncIterator[Self]:
        """Holds the session for as long as the block lasts. With `question` it is sent as the principal's message;
        without, the newest message of a user is answered.

        `owner` is in whose name the lease is kept: the `boot_id` of the RunManager on the same sessions, or any name.
        While it is renewed nobody takes the run for an orphan. Leaving the block completes the run, by an error fails
        it, by cancellation cancels it. Raises Forbidden, SessionNotFound, RunAlreadyActive, MessageNotFound when nobody
        has said anything, IllegalTransition when the session is archived, StorageUnavailable.
        """
        await sessions.access.check(principal, "write", OnSession(session_id))
        lease = _Lease(sessions, owner, sleep)
        asking = await _asking(sessions, session_id, question, principal)
        context = cls(sessions, await _begun(sessions, session_id, asking, principal, lease.now()), author)
        heartbeat = asyncio.get_running_loop().create_task(lease.keep(asking.run_id))
        try:
            yield context
        except asyncio.CancelledError:
            await context._end(context._cancel)
            raise
        except Exception as error:
            reason = error.message if isinstance(error, ParleyError) else type(error).__name__
            await context._end(lambda: context._fail(reason))
            raise
        else:
            await context._finish()
        finally:
            heartbeat.cancel()
            await asyncio.gather(heartbeat, return_exceptions=True)

    @property
    def session_id(self) -> str:
        return self.run.session_id

    @property
    def active(self) -> bool:
        """False once the run was cancelled or taken over, or the session deleted: the model can be stopped."""
        context = self._sessions.shown(self.session_id)
        return context is not None and context.deleted_at is None and context.fence == self.run.run.fence

    async def begin_streaming_llm_response(self, model: str | None = None) -> str:
        """Opens a reply in front of everybody; returns its message id. `model` None is not told. Raises
        IllegalTransition while another one is open, Fenced when the run is over."""
        message_id = self._sessions.clock.new_id()
        begin = BeginStream(self._fence, message_id, self._author, check_text(model or "", "model"))
        await self._do(begin)
        self._streaming, self._deltas, self._half = message_id, 0, ""
        return message_id

    async def append_streaming_chunk(self, message_id: str, delta: str) -> int | None:
        """The chunk's sequence number once it is durable and shown; None when that message is not being streamed. A
        delta beyond 8,192 characters becomes several chunks: the number is the last one's. Raises
        StorageUnavailable. A character that is split over two deltas is written with the second."""
        async with self._one_at_a_time:
            text, self._half = parted(self._half + delta)
            try:
                await self._append(message_id, text)
            except NOT_STREAMING:
                return None
            self._deltas += 1
            return self._sequence(message_id)

    async def _append(self, message_id: str, text: str) -> None:
        for start in range(0, len(text), CHUNK_MAX_CHARS):
            await self._do(AppendDelta(self._fence, message_id, text[start : start + CHUNK_MAX_CHARS]))

    async def finalize_streaming_response(
        self, message_id: str, finish_reason: str | None = None, usage: Usage | None = None
    ) -> bool:
        """Completes the reply; False when that message is not being streamed. A `finish_reason` that begins with
        `error: ` is that of a broken stream, None an ordinary end; after either the context is `active` again. Raises
        StorageUnavailable."""
        reason = cleaned(finish_reason or "stop")
        status: MessageStatus = "error" if reason.startswith(BROKEN) else "complete"
        async with self._one_at_a_time:
            try:
                await self._append(message_id, cleaned(self._half))
                await self._do(FinalizeStream(self._fence, message_id, reason, status, usage, self._deltas))
            except NOT_STREAMING:
                return False
            self._streaming, self._half = None, ""
            return True

    async def get_streaming_chunks_after(self, message_id: str, after: int = 0) -> tuple[Chunk, ...]:
        """All chunks of a reply, of any run, from number `after` + 1 on, each with its time. Raises MessageNotFound."""
        chunks: list[Chunk] = []
        has_more = True
        while has_more:
            page = await self._sessions.store.reads.chunks(self.session_id, message_id, after)
            chunks.extend(page.chunks)
            has_more = page.has_more
            after = page.chunks[-1].sequence if page.chunks else after
        return tuple(chunks)

    async def get_streaming_chunk_intervals(self, message_id: str) -> tuple[int | None, ...]:
        """Of each chunk, the milliseconds since the one before; None for the first. Raises MessageNotFound."""
        return intervals(await self.get_streaming_chunks_after(message_id))

    async def with_updates(self, call: Awaitable[ResultT]) -> tuple[ResultT, tuple[Event, ...]]:
        """The call's answer, and what this run has written meanwhile."""
        before = (await self.run.context()).head
        answer = await call
        events: list[Event] = []
        has_more = True
        while has_more:
            page = await self._sessions.store.journal.since(self.session_id, before)
            events.extend(page.events)
            before, has_more = page.events[-1].seq if page.events else before, page.has_more
        return answer, tuple(event for event in events if event.by == self.run.actor)

    async def get_streaming_metadata(self, message_id: str) -> StreamingResponsePayload:
        """How the reply went; while it grows, the chunks so far, and neither its end nor durations. Raises
        MessageNotFound, and InvalidArgument for a message that was not streamed."""
        found = await self._sessions.store.reads.messages(self.session_id, [message_id])
        if not found:
            raise MessageNotFound(messageId=message_id)
        payload = found[0].payload
        if not isinstance(payload, StreamingResponsePayload):
            raise InvalidArgument("Only streamed replies have this metadata", field="messageId")
        return payload.model_copy(update={"chunks_count": found[0].sequence})

    def _do(self, command: CommandFor[ResultT]) -> asyncio.Future[ResultT]:
        return self._sessions.submit(self.session_id, command, self.run.actor)

    def _sequence(self, message_id: str) -> int | None:
        """Only this run appends, and only one chunk at a time: the newest number is that of the last chunk."""
        context = self._sessions.shown(self.session_id)
        stream = context.stream if context is not None else None
        return stream.sequence if stream is not None and stream.message.id == message_id else None

    async def _end(self, how: Callable[[], Awaitable[None]]) -> None:
        """For a block that was left by an error, which must not be hidden by another one."""
        try:
            await how()
        except ParleyError as error:
            log.warning("the run's end was not written", session=self.session_id, reason=error.message)

    async def _cancel(self) -> None:
        await self._do(CancelRun(self.run.run.id))

    async def _fail(self, reason: str) -> None:
        if self._streaming is not None:
            await self.finalize_streaming_response(self._streaming, BROKEN + cleaned(reason))
        await self._finish(cleaned(reason))

    async def _finish(self, error: str | None = None) -> None:
        """A message that steered the run was for the program to read. Nothing happens when somebody else ended it."""
        while True:
            self.run.mark_seen()
            try:
                await self.run.finish(error)
                return
            except IllegalTransition as refused:
                if "unseen" not in refused.details:
                    raise
            except (Fenced, SessionNotFound):
                return


class _Lease:
    """Tells the task manager that somebody works on the run."""

    def __init__(
        self,
        sessions: SessionManager,
        owner: str,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._leases = sessions.store.leases
        self._owner = owner
        self._clock = sessions.clock
        self._sleep = sleep

    def now(self) -> Lease:
        return Lease(self._owner, EpochMs(self._clock() + LEASE_MS))

    async def keep(self, run_id: str) -> None:
        while True:
            await self._sleep(HEARTBEAT_S)
            try:
                await self._leases.renew([run_id], self.now())
            except StorageUnavailable as error:
                log.warning("lease not renewed", run=run_id, reason=error.message)


async def _asking(
    sessions: SessionManager, session_id: str, question: str | None, principal: Principal
) -> SendMessage | RetryRun:
    """The command that queues the run: a message, or none when one is there to be answered."""
    if question is not None:
        text = check_text(question, "question")
        return SendMessage(
            message_id=sessions.clock.new_id(),
            run_id=sessions.clock.new_id(),
            author=principal.user_id,
            content=text,
            payload=TextPayload(text=text),
            on_busy="reject",
            agent=AGENT,
            on_crash="fail",
        )
    page = await sessions.store.reads.page(session_id, MessageQuery(take=LOOKS_BACK, order="desc"))
    said = next((message for message in page.messages if message.role == "user"), None)
    if said is None:
        raise MessageNotFound("Nobody has said anything yet: pass a question")
    return RetryRun(sessions.clock.new_id(), said.id, principal.user_id, AGENT, "fail")


async def _begun(
    sessions: SessionManager, session_id: str, asking: SendMessage | RetryRun, principal: Principal, lease: Lease
) -> RunContext:
    """Queues and starts in one go, so that no task manager gets in between."""
    program = actor_named(AGENT, AGENT, "agent", principal.user_id)
    queued = sessions.submit(session_id, asking, actor_of(principal))
    started = sessions.submit(session_id, StartRun(asking.run_id), program, lease)
    try:
        for outcome in await asyncio.gather(queued, started, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
    except BaseException:
        # However far it came, nobody works on it.
        sessions.submit(session_id, CancelRun(asking.run_id), program).add_done_callback(_forget)
        raise
    context = sessions.shown(session_id)
    if context is None or context.run is None or context.run.id != asking.run_id:
        raise Fenced()
    return RunContext(sessions, context.run, window_s=0)


def _forget(future: asyncio.Future[Cancelled]) -> None:
    if not future.cancelled():
        future.exception()
