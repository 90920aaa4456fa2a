"""The door: every command of a session passes here, one at a time, and is decided, committed, and only then shown.

Deciding, appending and publishing are driven by the journal's callback, not by the caller: a caller that is cancelled
or gone leaves nothing half done. Never knows who listens.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import TypeVar, cast

import structlog

from models.commands import Command, CommandFor, SendMessage, StartRun, TakeOverRun
from models.errors import (
    ClientMessageIdTaken,
    IdempotencyConflict,
    ParleyError,
    SessionNotFound,
    StaleHead,
    StorageUnavailable,
)
from models.events import Event, MessageDelta
from models.ids import EpochMs, now_ms
from models.messages import Message
from models.results import Result, Sent
from services.access import Access, Action, Principal
from services.engine.apply import apply_all
from services.engine.context import Context
from services.engine.decide import Decision, decide
from services.sessions.tail import Tail
from services.store.journal import Append, Journal, Lease

log = structlog.get_logger(__name__)

ResultT = TypeVar("ResultT")
STALE_TRIES = 5
"""How often a decision that lost the race for the head is made anew before the caller is told."""
OPEN_SESSIONS = 2_000
"""Contexts kept in memory; beyond it the one that was idle longest is let go."""
IDLE_BYTES = 64_000_000
"""What idle contexts and their tails may take by estimate; beyond it the one that was idle longest is let go. Sessions
at work stay and don't count: runs are bounded by their number. A context that is kept is what was shown last: every
commit replaces it, a lost race or a commit of unknown outcome has it read again, a purge drops it."""
OPEN_BYTES, BRANCH_BYTES, EVENT_BYTES, CHAR_BYTES = 6_000, 1_500, 1_000, 2
"""A session, each of its branches, each event in its tail, each character (of 1 to 4 bytes). Measured on CPython 3.11:
the sum is right for a short session and up to 1.6 times too much for long replies in ASCII."""
RELOAD_AFTER_S = (0.1, 0.3, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Committed:
    """What listeners get, in order, once per append. `before` is None for a new session."""

    before: Context | None
    after: Context
    events: tuple[Event, ...]


Listener = Callable[[Committed], None]


@dataclass(slots=True)
class _Pending:
    command: Command
    future: asyncio.Future[Result]
    lease: Lease | None = None
    tries: int = 0

    def resolve(self, result: Result) -> None:
        if not self.future.done():
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class _Tail(Tail):
    @property
    def weight_bytes(self) -> int:
        return EVENT_BYTES * len(self._events) + CHAR_BYTES * self._chars


@dataclass(slots=True)
class _Open:
    """A session in memory. `known` is false until its context was read, and again when an append's outcome is
    unknown. While `busy` the inbox waits."""

    session_id: str
    context: Context | None = None
    known: bool = False
    busy: bool = False
    shown_head: int | None = None
    inbox: deque[_Pending] = field(default_factory=deque)
    tail: _Tail = field(default_factory=_Tail)

    @property
    def at_work(self) -> bool:
        """Whether something of it is under way, its run included. It must not be let go: two doors would show twice."""
        return self.busy or bool(self.inbox) or (self.context is not None and self.context.busy)

    @property
    def weight_bytes(self) -> int:
        """An estimate for a session at rest. Cheap: it walks over branches, never over history."""
        chars = 0
        branches = self.context.branches.values() if self.context is not None else ()
        for branch in branches:
            chars += len(branch.system_prompt or "")
            chars += sum(len(pin.text) for pin in branch.pins) + sum(len(item.text) for item in branch.plan)
        return OPEN_BYTES + BRANCH_BYTES * len(branches) + CHAR_BYTES * chars + self.tail.weight_bytes


class SessionManager:
    """`handle` may raise every ParleyError that `decide` raises, IdempotencyConflict and StorageUnavailable."""

    def __init__(self, journal: Journal, access: Access, *, clock: Callable[[], EpochMs] = now_ms) -> None:
        self.journal = journal
        self.access = access
        self._clock = clock
        self._open: dict[str, _Open] = {}
        self._idle: OrderedDict[str, int] = OrderedDict()
        self._idle_bytes = 0
        self._listeners: list[Listener] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}

    def subscribe(self, listener: Listener) -> None:
        """`listener` is called in the loop for every append, right after it is durable. It must not block."""
        self._listeners.append(listener)

    async def close(self) -> None:
        """Waits for what is being read or looked up, 5 s at most. Submit nothing after."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=5)
            for task in late:
                task.cancel()

    async def handle(
        self, session_id: str, command: CommandFor[ResultT], principal: Principal, *, action: Action = "write"
    ) -> ResultT:
        """Returns the decision's result once its events are durable and shown."""
        self.access.check(principal, action)
        return await self.submit(session_id, command)

    def submit(
        self, session_id: str, command: CommandFor[ResultT], lease: Lease | None = None
    ) -> asyncio.Future[ResultT]:
        """The same without waiting, for callers that are trusted: the future may be dropped. `lease` goes with
        StartRun and TakeOverRun."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        session = self._open.get(session_id)
        if session is None:
            self._evict(OPEN_SESSIONS - 1)
            session = self._open[session_id] = _Open(session_id)
        self._wake(session_id)
        # Every CommandFor is one of Command, and decided with a result of its kind: tests hold both.
        session.inbox.append(_Pending(cast(Command, command), future, lease))
        if not session.busy:
            self._next(session)
        return cast("asyncio.Future[ResultT]", future)

    async def purge(self, session_id: str) -> None:
        """Forgets a session for good; it must have been deleted. Raises SessionNotFound, Conflict."""
        await self.journal.purge(session_id)
        self._open.pop(session_id, None)
        self._wake(session_id)

    def tail(self, session_id: str, after: int) -> tuple[Event, ...] | None:
        """The events after `after` from memory, without any await; None when memory does not reach back that far."""
        session = self._open.get(session_id)
        return session.tail.since(after) if session is not None else None

    def context(self, session_id: str) -> Context | None:
        """The context as of the last shown event, when it is in memory."""
        session = self._open.get(session_id)
        return session.context if session is not None and session.known else None

    async def until(self, session_id: str, condition: Callable[[Context], bool]) -> Context:
        """Waits until the session's context, as of the last shown event, meets `condition`. For sessions that are
        busy: those stay in memory. Raises SessionNotFound when it is deleted meanwhile."""
        while True:
            # Before anything is read: what is shown while it is must not be missed.
            waiter = asyncio.get_running_loop().create_future()
            waiters = self._waiters.setdefault(session_id, set())
            waiters.add(waiter)
            try:
                context = self.context(session_id) or await self.journal.load(session_id)
                if context.deleted_at is not None:
                    raise SessionNotFound()
                if condition(context):
                    return context
                await waiter
            finally:
                waiters.discard(waiter)
                if not waiters:
                    self._waiters.pop(session_id, None)

    async def repeated(self, session_id: str, command: Command) -> Sent | None:
        """The first result of a message that was sent before, None for any other. Raises IdempotencyConflict when the
        id was used for something else."""
        if not isinstance(command, SendMessage) or command.client_message_id is None:
            return None
        sent = await self.journal.sent(session_id, command.author, command.client_message_id)
        if sent is None:
            return None
        message = sent.message
        if not _same(message, command):
            raise IdempotencyConflict(field="clientMessageId", messageId=message.id)
        return Sent(message.id, sent.seq, message.run_id)

    def _next(self, session: _Open) -> None:
        """Takes from the inbox until something has to be waited for."""
        while session.inbox:
            if not session.known:
                session.busy = True
                self._spawn(self._load(session))
                return
            pending = session.inbox.popleft()
            if self._begin(session, pending):
                session.busy = True
                return
        session.busy = False
        self._rest(session)

    def _begin(self, session: _Open, pending: _Pending) -> bool:
        """Decides and hands over to the journal; False when the command is over already."""
        now = self._clock()
        try:
            decision = decide(session.session_id, session.context, pending.command, now)
            if not decision.events:
                pending.resolve(decision.result)
                return False
            append = self._append_of(session, pending, decision, now)
        except ParleyError as refused:
            if _may_be_repetition(pending.command) and not isinstance(refused, SessionNotFound):
                # What it wants of the session, as it was then, was settled the first time.
                self._spawn(self._answer_repetition(session, pending, refused))
                return True
            pending.fail(refused)
            return False
        except Exception as bug:
            log.exception("deciding failed", session=session.session_id, command=type(pending.command).__name__)
            pending.fail(bug)
            return False
        try:
            self.journal.append(append, lambda error: self._appended(session, pending, decision, append, error))
        except StorageUnavailable as refused:
            pending.fail(refused)
            return False
        return True

    def _append_of(self, session: _Open, pending: _Pending, decision: Decision, now: EpochMs) -> Append:
        context = session.context
        head = context.head if context is not None else 0
        epoch = context.epoch if context is not None else getattr(pending.command, "epoch", "")
        events = tuple(
            Event(session.session_id, epoch, head + index, now, body)
            for index, body in enumerate(decision.events, start=1)
        )
        lease = pending.lease if isinstance(pending.command, StartRun | TakeOverRun) else None
        return Append(context, apply_all(context, events), events, decision.fence, lease)

    def _appended(
        self, session: _Open, pending: _Pending, decision: Decision, append: Append, error: BaseException | None
    ) -> None:
        """The journal's answer, in the loop: apply, publish, tell the caller, go on."""
        match error:
            case None:
                self._show(session, append)
                pending.resolve(decision.result)
            case StaleHead() if pending.tries < STALE_TRIES:
                pending.tries += 1
                session.inbox.appendleft(pending)
                session.known = False
            case ClientMessageIdTaken():
                self._spawn(self._answer_repetition(session, pending, StaleHead()))
                return
            case StorageUnavailable():
                pending.fail(error)
                self._spawn(self._reload_after_trouble(session))
                return
            case _:
                pending.fail(error)
                session.known = session.known and not isinstance(error, StaleHead)
        self._next(session)

    def _show(self, session: _Open, append: Append) -> None:
        session.context = append.after
        session.known = True
        session.shown_head = append.after.head
        session.tail.extend(append.events)
        _log_transitions(append)
        self._publish(Committed(append.before, append.after, append.events))

    def _publish(self, committed: Committed) -> None:
        for waiter in self._waiters.get(committed.after.session_id, ()):
            if not waiter.done():
                waiter.set_result(None)
        for listener in self._listeners:
            try:
                listener(committed)
            except Exception:
                log.exception("a listener failed", session=committed.after.session_id)

    async def _load(self, session: _Open) -> None:
        try:
            await self._read(session)
        except Exception as error:
            self._fail_all(session, error)
        self._next(session)

    async def _read(self, session: _Open) -> None:
        """Reads the context, and shows what was committed without our knowing."""
        try:
            context = await self.journal.load(session.session_id)
        except SessionNotFound:
            session.context, session.known = None, True
            return
        before, shown = session.context, session.shown_head
        missed: tuple[Event, ...] = ()
        if shown is not None and before is not None and context.head > shown:
            missed = await self._events_between(session.session_id, shown, context.head)
        session.context, session.known, session.shown_head = context, True, context.head
        if missed:
            session.tail.extend(missed)
            self._publish(Committed(before, context, missed))

    async def _events_between(self, session_id: str, after: int, head: int) -> tuple[Event, ...]:
        """All of them: a deletion among them is shown too, and a page's bounds don't leave a hole."""
        events: list[Event] = []
        while (after + len(events)) < head:
            left = head - after - len(events)
            page = await self.journal.since(session_id, after + len(events), limit=left, deleted=True)
            events.extend(page.events)
        return tuple(events)

    async def _reload_after_trouble(self, session: _Open) -> None:
        """An append's outcome is unknown: nothing else may happen before the head was read. Until then all who ask
        are refused at once."""
        session.known = False
        for wait_s in chain(RELOAD_AFTER_S, repeat(RELOAD_AFTER_S[-1])):
            try:
                await self._read(session)
                break
            except Exception as error:
                self._fail_all(session, error)
            await asyncio.sleep(wait_s)
        self._next(session)

    async def _answer_repetition(self, session: _Open, pending: _Pending, otherwise: ParleyError) -> None:
        """I10: the message exists; answer as the first time, or refuse other content under the same id. `otherwise`
        is the answer when it doesn't exist."""
        try:
            sent = await self.repeated(session.session_id, pending.command)
            if sent is None:
                raise otherwise
            pending.resolve(sent)
        except Exception as error:
            pending.fail(error)
        self._next(session)

    def _fail_all(self, session: _Open, error: Exception) -> None:
        while session.inbox:
            session.inbox.popleft().fail(error)

    def _wake(self, session_id: str) -> None:
        self._idle_bytes -= self._idle.pop(session_id, 0)

    def _rest(self, session: _Open) -> None:
        """Counts a session that has nothing to do as the one that was idle shortest, and makes room for it."""
        if session.at_work or self._open.get(session.session_id) is not session:
            return
        self._wake(session.session_id)
        self._idle[session.session_id] = weight = session.weight_bytes
        self._idle_bytes += weight
        self._evict(OPEN_SESSIONS)

    def _evict(self, keep: int) -> None:
        """Lets go of the longest idle sessions until `keep` are open, and the idle ones within their budget. One that
        works, or whose run does, stays; so does the one that has just come to rest."""
        while len(self._idle) > 1 and (len(self._open) > keep or self._idle_bytes > IDLE_BYTES):
            session_id, weight = self._idle.popitem(last=False)
            self._idle_bytes -= weight
            self._open.pop(session_id, None)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _may_be_repetition(command: Command) -> bool:
    return isinstance(command, SendMessage) and command.client_message_id is not None


def _same(message: Message, command: SendMessage) -> bool:
    """Of messages that are older than digests only the words can be compared."""
    if message.digest is None:
        return (message.content, message.kind) == (command.content, command.payload.kind)
    return message.digest == command.written()


def _log_transitions(append: Append) -> None:
    """Every change of a context's state, with its session and run."""
    if len(append.events) == 1 and isinstance(append.events[0].body, MessageDelta):
        return
    before = append.before.state.name if append.before is not None else None
    after = append.after.state.name
    if before != after:
        run = append.after.run or (append.before.run if append.before is not None else None)
        log.info("state", session=append.after.session_id, run=run.id if run else None, before=before, after=after)
