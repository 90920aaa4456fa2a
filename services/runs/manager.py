"""The task manager: starts the runs that wait, keeps their leases, stops them, takes over what a crash left behind.

One asyncio task per active run. What a run may write is decided by the door and fenced by its attempt; a task that
lost its session only has to notice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

import structlog

from models.commands import AbandonRun, ExpireApprovals, StartRun, TakeOverRun
from models.errors import (
    Fenced,
    IllegalTransition,
    ParleyError,
    RunAlreadyActive,
    RunNotFound,
    SessionNotFound,
    StorageUnavailable,
)
from models.events import ApprovalResolved, RunFinished, RunQueued
from models.ids import EpochMs, iso
from models.runs import Run
from services.engine.context import Context
from services.runs.agents import Agents
from services.runs.context import RunContext
from services.runs.toolbox import Toolbox
from services.sessions.manager import Committed, SessionManager
from services.store.leases import Lease

log = structlog.get_logger(__name__)

WINDOW_S = 0.040
LEASE_MS = 30_000
HEARTBEAT_S = 10.0
REAP_S = 15.0
RETRY_S = 1.0
"""How often a run that lost its storage is tried again."""
ATTEMPTS_MAX = 5
"""A run that takes its process down each time must not do so for ever."""
RUNS_MAX = 1_000
"""Runs at work at once. One that waits for its user costs next to nothing and holds no place; when it is answered it
goes on at once, and only those that begin anew wait until there is room again."""
DRAIN_S = 10.0
LOST = "the server stopped while the agent was at work"


class RunManager:
    """`start` recovers and begins; `drain` stops without ending any run: the next start resumes them."""

    def __init__(
        self,
        sessions: SessionManager,
        agents: Agents,
        *,
        toolbox: Toolbox | None = None,
        window_s: float = WINDOW_S,
        runs_max: int = RUNS_MAX,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.boot_id = sessions.clock.new_id()
        self._sessions = sessions
        self._agents = agents
        self._toolbox = toolbox
        self._window_s = window_s
        self._runs_max = runs_max
        self._sleep = sleep
        self._active: dict[str, asyncio.Task[None]] = {}
        self._finishing: set[str] = set()
        self._waiting: set[str] = set()
        self._starting: set[str] = set()
        self._taking: set[str] = set()
        self._postponed: dict[str, Callable[[str], Awaitable[None]]] = {}
        self._helpers: set[asyncio.Task[None]] = set()
        self._draining = False
        sessions.subscribe(self._on_committed)

    @property
    def active(self) -> int:
        """Runs that have a task, be they at work or waiting for their user."""
        return len(self._active)

    @property
    def _full(self) -> bool:
        at_work = len(self._active) - len(self._waiting) + len(self._starting) + len(self._taking)
        return at_work >= self._runs_max

    async def start(self) -> None:
        """Takes over what an earlier process left, starts what waits, and keeps watch. Raises StorageUnavailable."""
        await self._reap()
        self._help(self._forever(HEARTBEAT_S, self._renew))
        self._help(self._forever(REAP_S, self._reap))

    async def drain(self) -> None:
        """No new runs; those at work stop after their next commit, 10 s at most. Their leases end."""
        self._draining = True
        run_ids, tasks = list(self._active), list(self._active.values())
        for task in (*self._helpers, *tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=DRAIN_S)
        await asyncio.gather(*self._helpers, return_exceptions=True)
        if run_ids:
            try:
                await self._sessions.store.leases.renew(run_ids, Lease(self.boot_id, EpochMs(0)))
            except StorageUnavailable as error:
                log.warning("leases not released", reason=error.message)

    def _on_committed(self, committed: Committed) -> None:
        finished = [event.body.run.id for event in committed.events if isinstance(event.body, RunFinished)]
        for run_id in finished:
            # Somebody else ended it: its task has nothing left to say.
            task = self._active.get(run_id)
            if task is not None and run_id not in self._finishing:
                task.cancel()
        if finished or any(isinstance(event.body, RunQueued) for event in committed.events):
            self._kick(committed.after.session_id, committed.after)
        if any(isinstance(event.body, ApprovalResolved) for event in committed.events):
            self._go_on(committed.after)
        self._note_waiting(committed.after.run)

    def _note_waiting(self, run: Run | None) -> None:
        """A run that waits for its user gives its place to another."""
        if run is None or run.id not in self._active:
            return
        if run.state != "awaiting_input":
            self._waiting.discard(run.id)
        elif run.id not in self._waiting:
            self._waiting.add(run.id)
            self._offer_places()

    def _go_on(self, context: Context) -> None:
        """The user has answered a run whose process is gone: it is taken over now. One that lives notices itself."""
        run = context.run
        if run is not None and run.id not in self._active and not context.approvals and not self._draining:
            self._help(self._keep(context.session_id, self._take_over_lost))

    async def _take_over_lost(self, session_id: str) -> None:
        """Leaves alone what lives outside of this manager's tasks: a program's own run, or one of another process."""
        if session_id in await self._sessions.store.leases.orphans(self.boot_id, self._sessions.clock()):
            await self._take_over(session_id)

    def _kick(self, session_id: str, context: Context) -> None:
        """Starts the session's oldest waiting run, if none is active and there is room."""
        if self._draining or session_id in self._starting:
            return
        if context.run is not None or not context.queue or context.deleted_at is not None:
            return
        if self._full:
            self._postponed[session_id] = self._wake
            return
        self._starting.add(session_id)
        run_id = context.queue[0].id
        future = self._sessions.submit(session_id, StartRun(run_id), self._lease())
        future.add_done_callback(lambda done: self._started(session_id, done))

    def _started(self, session_id: str, done: asyncio.Future[None]) -> None:
        self._starting.discard(session_id)
        error = None if done.cancelled() else done.exception()
        context = self._sessions.shown(session_id)
        if error is None and context is not None and context.run is not None:
            self._spawn(context.run)
        elif isinstance(error, RunNotFound | RunAlreadyActive) and context is not None:
            self._kick(session_id, context)
        elif isinstance(error, StorageUnavailable):
            self._help(self._retry(session_id))
        elif error is not None and not isinstance(error, SessionNotFound):
            log.error("a run did not start", session=session_id, error=str(error))

    def _spawn(self, run: Run) -> None:
        if self._draining or run.id in self._active:
            return
        task = asyncio.get_running_loop().create_task(self._work(run), name=f"run {run.id}")
        self._active[run.id] = task
        task.add_done_callback(lambda _: self._ended(run))

    def _ended(self, run: Run) -> None:
        self._active.pop(run.id, None)
        self._waiting.discard(run.id)
        self._offer_places()

    def _offer_places(self) -> None:
        if not self._draining and self._postponed:
            self._help(self._wake_postponed())

    async def _work(self, run: Run) -> None:
        """One attempt, from the agent's first step to the run's end in the journal."""
        context = RunContext(self._sessions, run, window_s=self._window_s, toolbox=self._toolbox)
        logger = log.bind(session=run.session_id, run=run.id, attempt=run.attempt, agent=run.agent)
        logger.info("run started")
        try:
            error = await self._run_to_its_end(context, run)
            logger.info("run ended", error=error)
        except (Fenced, SessionNotFound):
            logger.info("run lost its session")
        except ParleyError as failure:
            logger.warning("run interrupted", reason=failure.message)
            self._help(self._retry(run.session_id))
        except asyncio.CancelledError:
            logger.info("run stopped")

    async def _run_to_its_end(self, context: RunContext, run: Run) -> str | None:
        """Lets the agent work until it has seen all that steers it. Returns why the run failed, None when it
        completed."""
        while True:
            context.mark_seen()
            error = await self._run_agent(context, run)
            self._finishing.add(run.id)
            try:
                await context.finish(error)
                return error
            except IllegalTransition as refused:
                if "unseen" not in refused.details:
                    raise
            finally:
                self._finishing.discard(run.id)

    async def _run_agent(self, context: RunContext, run: Run) -> str | None:
        try:
            await self._agents.resolve(run.agent).run(context)
            return None
        except (Fenced, StorageUnavailable):
            raise
        except ParleyError as error:
            return f"{error.code}: {error.message}"
        except Exception as error:
            log.exception("agent failed", session=run.session_id, run=run.id)
            return f"internal_error: the agent failed ({type(error).__name__})"

    async def _reap(self) -> None:
        """Takes over every active run that nobody works on, and starts the queues that nobody started."""
        for session_id in await self._sessions.store.leases.orphans(self.boot_id, self._sessions.clock()):
            await self._keep(session_id, self._take_over)
        for session_id in await self._sessions.store.reads.unfinished():
            await self._keep(session_id, self._wake, self._expire)

    async def _keep(self, session_id: str, *steps: Callable[[str], Awaitable[None]]) -> None:
        """One session that was purged meanwhile, or that can't be read, holds up no other. Raises
        StorageUnavailable: that concerns all of them."""
        try:
            for step in steps:
                await step(session_id)
        except StorageUnavailable:
            raise
        except SessionNotFound:
            return
        except Exception:
            log.exception("keeping a session's runs failed", session=session_id)

    async def _expire(self, session_id: str) -> None:
        """Declines approvals that nobody answered in time; their runs go on with that."""
        context = await self._sessions.current(session_id)
        now = iso(self._sessions.clock())
        if any(each.expires_at_utc is not None and each.expires_at_utc <= now for each in context.approvals):
            await self._sessions.submit(session_id, ExpireApprovals())

    async def _wake(self, session_id: str) -> None:
        """Starts what waits in a session, be it in memory or not."""
        context = await self._sessions.current(session_id)
        self._kick(session_id, context)

    async def _wake_postponed(self) -> None:
        """Gives free places to those that wait for one, longest first; some may have been cancelled meanwhile."""
        while self._postponed and not self._full:
            session_id = next(iter(self._postponed))
            await self._keep(session_id, self._postponed.pop(session_id))

    async def _take_over(self, session_id: str) -> None:
        """Goes on with a run that nobody works on, once there is room, or ends it when it can't be resumed."""
        if session_id in self._taking:
            return
        context = await self._sessions.store.journal.load(session_id)
        run = context.run
        if run is None or run.id in self._active or context.deleted_at is not None:
            return
        if context.approvals:
            return  # it waits for the user, who can take all the time in the world
        try:
            if run.on_crash != "resume" or run.attempt >= ATTEMPTS_MAX:
                await self._abandon(run)
            elif self._full:
                self._postponed[session_id] = self._take_over
            else:
                await self._resume(run)
        except (Fenced, SessionNotFound):
            return

    async def _abandon(self, run: Run) -> None:
        reason = LOST
        if run.attempt >= ATTEMPTS_MAX:
            reason = f"given up after {run.attempt} attempts: {reason}"
        await self._sessions.submit(run.session_id, AbandonRun(run.id, run.attempt, f"interrupted: {reason}"))

    async def _resume(self, run: Run) -> None:
        self._taking.add(run.session_id)  # its place, until it has a task
        try:
            await self._sessions.submit(run.session_id, TakeOverRun(run.id, run.attempt, LOST), self._lease())
            context = await self._sessions.store.journal.load(run.session_id)
            log.info("run taken over", session=run.session_id, run=run.id, attempt=run.attempt + 1)
            if context.run is not None:
                self._spawn(context.run)
        finally:
            self._taking.discard(run.session_id)

    async def _renew(self) -> None:
        if self._active:
            await self._sessions.store.leases.renew(list(self._active), self._lease())

    async def _retry(self, session_id: str) -> None:
        """The storage failed under a run, or under its start: goes on as soon as the storage does."""
        while not self._draining:
            await self._sleep(RETRY_S)
            try:
                await self._take_over(session_id)
                await self._wake(session_id)
                return
            except SessionNotFound:
                return
            except StorageUnavailable:
                continue

    async def _forever(self, every_s: float, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._sleep(every_s)
            try:
                await step()
            except StorageUnavailable as error:
                log.warning("run keeping postponed", reason=error.message)
            except Exception:
                log.exception("run keeping failed")  # the next turn may be better; without it no run is kept at all

    def _lease(self) -> Lease:
        return Lease(self.boot_id, EpochMs(self._sessions.clock() + LEASE_MS))

    def _help(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._helpers.add(task)
        task.add_done_callback(self._helped)

    def _helped(self, task: asyncio.Task[None]) -> None:
        self._helpers.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # The watch comes back to whatever is left undone.
            log.error("run keeping failed", exc_info=error)
