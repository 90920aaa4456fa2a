"""The door: every command of a session passes here, one at a time, and is decided, committed, and only then shown.

Deciding, appending and publishing are driven by the journal's callback, not by the caller: a caller that is cancelled
or gone leaves nothing half done. Never knows who listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TypeVar, cast

import structlog

from models.actors import SERVER, Actor
from models.backoff import Backoff
from models.clock import Clock
from models.commands import (
    AppendDelta,
    Command,
    CommandFor,
    CreateSession,
    DeleteSession,
    ResolveApproval,
    RestoreSession,
    RevokeGrant,
    SendMessage,
)
from models.errors import (
    ClientMessageIdTaken,
    IdempotencyConflict,
    ParleyError,
    SessionNotFound,
    StaleHead,
    StorageUnavailable,
)
from models.events import Event, MessageDelta
from models.heads import Head
from models.ids import EpochMs
from models.messages import Message
from models.results import Result, Sent
from services.access import Access, Action, OnProject, OnSession, Principal, Resource, actor_of
from services.engine.apply import apply_all
from services.engine.context import Context
from services.engine.decide import Decision, decide
from services.sessions.cache import SessionCache
from services.sessions.listeners import Committed, CutListener, FarListener, Listener, Listeners
from services.sessions.open_session import OpenSession, Pending
from services.sessions.other_nodes import GAP_S, OtherNodes
from services.sessions.reading import goes_on, read_on, read_whole
from services.store.journal import Append, OnAppended
from services.store.leases import Lease
from services.store.store import Store
from services.tracing import OFF, Tracing

log = structlog.get_logger(__name__)

ResultT = TypeVar("ResultT")
GONE = Head("", 0)
"""What other nodes are told of a session that was purged: no epoch is like this one, so they look for themselves."""
STALE_TRIES = 20
"""How often a decision that lost the race for the head is made anew before the caller is told. Each costs one read of
what the others wrote."""
RELOAD = Backoff(0.1, 2.0)


class SessionManager:
    """`handle` may raise every ParleyError that `decide` raises, IdempotencyConflict and StorageUnavailable."""

    def __init__(
        self, store: Store, access: Access, *, clock: Clock, others: OtherNodes | None = None, tracing: Tracing = OFF
    ) -> None:
        """`others` when the journal may have other writers: then nothing is refused, and nothing is taken for
        fulfilled, before the head was read after the command had come."""
        self.store = store
        self.access = access
        self.clock = clock
        self.tracing = tracing
        self._others = others
        self._cache = SessionCache()
        self._listeners = Listeners()
        self._tasks: set[asyncio.Task[None]] = set()
        if others is not None:
            others.begin(store.journal, self.learn, self._cache.at_work)

    def subscribe(self, listener: Listener) -> None:
        """`listener` is called in the loop for every append, right after it is durable. It must not block."""
        self._listeners.of_commits.append(listener)

    def subscribe_cuts(self, listener: CutListener) -> None:
        """`listener` is called when another node purged a session before its deletion could be shown, or when its
        journal was replaced: who follows it has to begin anew."""
        self._listeners.of_cuts.append(listener)

    def subscribe_far(self, listener: FarListener) -> None:
        """`listener` is told the id of a session that another node has changed and that isn't in memory here: nothing
        of it is read unless the listener does. Words of a stream are changes too. Hints may get lost."""
        self._listeners.of_far.append(listener)

    def let_go_idle(self) -> None:
        """Sessions that nobody has used since the call before leave the memory; whoever wants one has it read again."""
        self._cache.age()

    async def close(self) -> None:
        """Waits for what is being read or looked up, 5 s at most. Submit nothing after."""
        if self._others is not None:
            await self._others.close()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=5)
            for task in late:
                task.cancel()

    async def handle(
        self,
        session_id: str,
        command: CommandFor[ResultT],
        principal: Principal,
        *,
        expected_version: int | None = None,
    ) -> ResultT:
        """Returns the decision's result once its events are durable and shown. Raises VersionMismatch when the session
        has another version than the caller expects."""
        # Every CommandFor is one of Command: tests hold it.
        asked = cast(Command, command)
        await self.access.check(principal, _action_of(asked), _resource_of(session_id, asked))
        future = self._enqueue(session_id, asked, actor_of(principal), expected_version=expected_version)
        return cast(ResultT, await future)

    def submit(
        self, session_id: str, command: CommandFor[ResultT], by: Actor, lease: Lease | None = None
    ) -> asyncio.Future[ResultT]:
        """The same without waiting, for callers that are trusted: the future may be dropped. `by` is who its events
        are by. `lease` claims the session's run: with StartRun, TakeOverRun and AbandonRun, which are Fenced while
        somebody else has one."""
        # Every CommandFor is one of Command, and decided with a result of its kind: tests hold both.
        return cast("asyncio.Future[ResultT]", self._enqueue(session_id, cast(Command, command), by, lease))

    def _enqueue(
        self,
        session_id: str,
        command: Command | None,
        by: Actor,
        lease: Lease | None = None,
        expected_version: int | None = None,
    ) -> asyncio.Future[Result]:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        session = self._cache.take(session_id)
        span = self.tracing.command(session_id, command, future) if command is not None else None
        session.inbox.append(Pending(command, by, future, lease, expected_version, session.asked, span=span))
        if not session.busy:
            self._next(session)
        return future

    async def purge(self, session_id: str) -> None:
        """Forgets a session for good; it must have been deleted. Raises SessionNotFound, Conflict."""
        await self.store.journal.purge(session_id)
        self._cache.drop(session_id)
        if self._others is not None:
            self._others.announce(session_id, GONE)

    def learn(self, session_id: str, head: Head | None) -> None:
        """Somebody says that the session's journal has come to `head`, or (None) that it is gone: what was committed
        elsewhere is read and shown. Costs nothing when it is known already, or the session not in memory."""
        session = self._cache.get(session_id)
        if session is None:
            self._listeners.changed_far_away(session_id)
            return
        if session.known and session.context is None:
            return
        session.hear(head)
        if session.behind and not session.busy:
            self._cache.wake(session_id)
            self._next(session)

    def follow(self, session_id: str) -> None:
        """From the next `catch_up` on what other nodes commit is shown too, until `unfollow`. Free when there are
        none."""
        if self._others is not None:
            self._cache.take(session_id).followers += 1
            self._others.watch()

    def unfollow(self, session_id: str) -> None:
        session = self._cache.get(session_id)
        if session is not None and session.followers:
            session.followers -= 1
            self._rest(session)

    async def catch_up(self, session_id: str) -> None:
        """Whatever was committed before this call, by whomever, is shown when it returns. Raises StorageUnavailable."""
        if self._others is not None:
            await self._enqueue(session_id, None, SERVER)

    async def current(self, session_id: str) -> Context:
        """The context with everything that was committed before this call. Raises SessionNotFound when there never was
        such a session, StorageUnavailable."""
        if session_id in self._cache:
            await self.catch_up(session_id)
        return self.context(session_id) or await self.store.journal.load(session_id)

    def tail(self, session_id: str, after: int) -> tuple[Event, ...] | None:
        """The events after `after` from memory, without any await; None when memory does not reach back that far."""
        session = self._cache.get(session_id)
        return session.tail.since(after) if session is not None else None

    def context(self, session_id: str) -> Context | None:
        """The context as of the last shown event, when it is in memory and no read of it is due. Another node may have
        gone on: `current` knows."""
        session = self._cache.get(session_id)
        return session.context if session is not None and session.known else None

    def shown(self, session_id: str) -> Context | None:
        """The same without regard to what may have happened since: what listeners were told last."""
        session = self._cache.get(session_id)
        return session.context if session is not None else None

    async def until(self, session_id: str, condition: Callable[[Context], bool]) -> Context:
        """Waits until the session's context, with everything that is committed, meets `condition`. For sessions that
        are busy: those stay in memory. Raises SessionNotFound when it is deleted meanwhile."""
        self.follow(session_id)
        try:
            while True:
                context = await self._after_change(session_id, condition)
                if context is not None:
                    return context
        finally:
            self.unfollow(session_id)

    async def _after_change(self, session_id: str, condition: Callable[[Context], bool]) -> Context | None:
        """The context if it meets `condition`, else None once something was shown."""
        # Before anything is read: what is shown while it is must not be missed.
        with self._listeners.change_of(session_id) as changed:
            context = await self.current(session_id)
            if context.deleted_at is not None:
                raise SessionNotFound()
            if condition(context):
                return context
            await changed
            return None

    async def repeated(self, session_id: str, command: Command | None) -> Sent | None:
        """The first result of a message that was sent before, None for any other. Raises IdempotencyConflict when the
        id was used for something else."""
        if not isinstance(command, SendMessage) or command.client_message_id is None:
            return None
        sent = await self.store.reads.sent(session_id, command.author, command.client_message_id)
        if sent is None:
            return None
        message = sent.message
        if not _same(message, command):
            raise IdempotencyConflict(field="clientMessageId", messageId=message.id)
        return Sent(message.id, sent.seq, message.run_id)

    def _next(self, session: OpenSession) -> None:
        """Takes from the inbox until something has to be waited for."""
        while session.inbox or session.behind:
            if not session.known or session.behind:
                session.busy = True
                self._spawn(self._load(session))
                return
            if self._leaves_gap(session):
                session.busy = True
                return
            pending = session.inbox.popleft()
            if self._begin(session, pending):
                session.busy = True
                return
        session.busy = False
        self._rest(session)

    def _leaves_gap(self, session: OpenSession) -> bool:
        """Whether the next command is a word of a stream that comes too soon after the last append."""
        if self._others is None or not isinstance(session.inbox[0].command, AppendDelta):
            return False
        loop = asyncio.get_running_loop()
        wait_s = session.appended_at + GAP_S - loop.time()
        if wait_s > 0:
            loop.call_later(wait_s, self._next, session)
        return wait_s > 0

    def _begin(self, session: OpenSession, pending: Pending) -> bool:
        """Decides and hands over to the journal; False when the command is over already."""
        now = self.clock()
        try:
            decision = self._decided(session, pending, now)
            if not decision.events:
                if self._may_be_behind(session, pending):
                    self._spawn(self._look_again(session, pending))
                    return True
                pending.resolve(decision.result)
                return False
            append = self._append_of(session, pending, decision, now)
        except ParleyError as refused:
            if self._may_be_behind(session, pending):
                self._spawn(self._look_again(session, pending))
                return True
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
        asked = session.ask()
        done: OnAppended = partial(self._appended, session, pending, decision, append, asked)
        if pending.span is not None:
            done = self.tracing.append(pending.span, len(append.events), done)
        try:
            self.store.journal.append(append, done)
        except StorageUnavailable as refused:
            pending.fail(refused)
            return False
        return True

    def _decided(self, session: OpenSession, pending: Pending, now: EpochMs) -> Decision:
        if pending.command is None:
            return Decision()
        expected = pending.expected_version
        return decide(session.session_id, session.context, pending.command, now, expected_version=expected)

    def _may_be_behind(self, session: OpenSession, pending: Pending) -> bool:
        """Whether another node may have committed, before this command came, what we don't know of."""
        return self._others is not None and session.confirmed <= pending.since

    async def _look_again(self, session: OpenSession, pending: Pending) -> None:
        """Makes sure of the head, and lets the command be decided once more."""
        try:
            if not await self._is_newest(session):
                await self._read(session)
            session.inbox.appendleft(pending)
        except Exception as error:
            pending.fail(error)
        self._next(session)

    async def _is_newest(self, session: OpenSession) -> bool:
        asked = session.ask()
        heads = await self.store.journal.heads([session.session_id])
        if heads.get(session.session_id) != session.head:
            return False
        session.confirmed = asked
        return True

    def _append_of(self, session: OpenSession, pending: Pending, decision: Decision, now: EpochMs) -> Append:
        context = session.context
        head = context.head if context is not None else 0
        epoch = context.epoch if context is not None else getattr(pending.command, "epoch", "")
        events = tuple(
            Event(session.session_id, epoch, head + index, now, body, pending.by)
            for index, body in enumerate(decision.events, start=1)
        )
        return Append(context, apply_all(context, events), events, decision.fence, pending.lease)

    def _appended(
        self,
        session: OpenSession,
        pending: Pending,
        decision: Decision,
        append: Append,
        asked: int,
        error: BaseException | None,
    ) -> None:
        """The journal's answer, in the loop: apply, publish, tell the caller, go on."""
        match error:
            case None:
                session.confirmed = asked
                with self.tracing.publish(pending.span):
                    self._show(session, append)
                pending.resolve(decision.result)
            case StaleHead() if pending.tries < STALE_TRIES:
                pending.tries += 1
                session.inbox.appendleft(pending)
                session.lost()
            case ClientMessageIdTaken():
                self._spawn(self._answer_repetition(session, pending, StaleHead()))
                return
            case StorageUnavailable():
                pending.fail(error)
                self._spawn(self._reload_after_trouble(session))
                return
            case _:
                pending.fail(error)
                if isinstance(error, StaleHead):
                    session.lost()
        self._next(session)

    def _show(self, session: OpenSession, append: Append) -> None:
        session.show(append.after, append.events)
        _log_transitions(append)
        self._listeners.committed(Committed(append.before, append.after, append.events))
        if self._others is not None:
            session.appended_at = asyncio.get_running_loop().time()
            self._others.announce(session.session_id, Head(append.after.epoch, append.after.head))

    def _cut(self, session: OpenSession, context: Context | None) -> None:
        """What was shown, if anything was, is not continued: begins anew with `context`."""
        was_shown = session.context is not None
        session.begin(context)
        if not was_shown:
            return
        reason = "the journal was replaced" if context is not None else "the session was deleted"
        self._listeners.cut(session.session_id, reason)

    async def _load(self, session: OpenSession) -> None:
        try:
            await self._read(session)
        except Exception as error:
            if not session.inbox:
                log.warning("what others committed was not read", session=session.session_id, reason=str(error))
            self._fail_all(session, error)
        self._next(session)

    async def _read(self, session: OpenSession, *, own: bool = False) -> None:
        """Reads the context, and shows what was committed without our knowing; `own` when it may be from here."""
        asked, before = session.ask(), session.context
        folds = session.known and not session.doubted
        session.hinted, session.doubted = 0, False
        journal, session_id = self.store.journal, session.session_id
        try:
            read = await read_on(journal, session_id, before) if folds and before is not None else None
            read = read or await read_whole(journal, session_id, before)
        except SessionNotFound:
            read = None
        session.confirmed = asked
        if read is None or not goes_on(session.context, read.after):
            self._cut(session, read.after if read is not None else None)
            return
        session.show(read.after, read.events)
        if read.events:
            self._listeners.committed(replace(read, own=own or self._others is None))

    async def _reload_after_trouble(self, session: OpenSession) -> None:
        """An append's outcome is unknown: nothing else may happen before the head was read. Until then all who ask
        are refused at once."""
        session.known = False
        for failures in count(1):
            try:
                await self._read(session, own=True)
                break
            except Exception as error:
                self._fail_all(session, error)
            await asyncio.sleep(RELOAD.wait_s(failures))
        self._next(session)

    async def _answer_repetition(self, session: OpenSession, pending: Pending, otherwise: ParleyError) -> None:
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

    def _fail_all(self, session: OpenSession, error: Exception) -> None:
        while session.inbox:
            session.inbox.popleft().fail(error)

    def _rest(self, session: OpenSession) -> None:
        if session.at_work and self._others is not None:
            self._others.watch()
        self._cache.rest(session)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _action_of(command: Command) -> Action:
    match command:
        case ResolveApproval() | RevokeGrant():
            return "approve"
        case DeleteSession() | RestoreSession():
            return "manage"
        case _:
            return "write"


def _resource_of(session_id: str, command: Command) -> Resource:
    """A session that is not there yet is its project's."""
    return OnProject(command.project_id) if isinstance(command, CreateSession) else OnSession(session_id)


def _may_be_repetition(command: Command | None) -> bool:
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
