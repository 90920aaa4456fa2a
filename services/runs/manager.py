"""The task manager: starts the runs that wait, stops those that were ended, and gives each its task.

What a run may write is decided by the door and fenced by its attempt; a task that lost its session only has to notice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

import structlog

from models.actors import SERVER
from models.backoff import Backoff
from models.commands import StartRun
from models.errors import RunAlreadyActive, RunNotFound, SessionNotFound, StorageUnavailable
from models.events import ApprovalResolved, RunFinished, RunQueued, RunStarted
from models.runs import Run
from models.states import AwaitingLLM
from services.engine.context import Context
from services.faults import report
from services.runs.agents import Agents
from services.runs.attempt import Attempt
from services.runs.context import RunContext
from services.runs.helpers import Helpers
from services.runs.keeper import RETRY, Keeper
from services.runs.places import Places
from services.runs.toolbox import Toolbox
from services.runs.turn_time import TurnTime
from services.sessions.listeners import Committed
from services.sessions.manager import SessionManager

log = structlog.get_logger(__name__)

WINDOW_S = 0.040
RUNS_MAX = 1_000
"""Runs at work at once. One that waits, for its user or until its model may be asked again, costs next to nothing and
holds no place; then it goes on at once, and only those that begin anew wait until there is room again."""
DRAIN_S = 10.0


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
        monotonic: Callable[[], float] = time.monotonic,
        retry: Backoff = RETRY,
    ) -> None:
        self.boot_id = sessions.clock.new_id()
        self.draining = False
        self._sessions = sessions
        self._agents = agents
        self._toolbox = toolbox
        self._window_s = window_s
        self._sleep = sleep
        self._monotonic = monotonic
        self._active: dict[str, Attempt] = {}
        self._starting: set[str] = set()
        self._places = Places(runs_max)
        self._helpers = Helpers()
        self._keeper = Keeper(sessions, self, self._places, self._helpers, owner=self.boot_id, sleep=sleep, retry=retry)
        sessions.subscribe(self._on_committed)

    @property
    def active(self) -> int:
        """Runs that have a task, be they at work or waiting for their user."""
        return len(self._active)

    def at_work(self) -> list[str]:
        return list(self._active)

    async def start(self) -> None:
        """Takes over what an earlier process left, starts what waits, and keeps watch. Raises StorageUnavailable."""
        await self._keeper.start()

    async def drain(self) -> None:
        """No new runs; those at work stop after their next commit, 10 s at most. Their leases end."""
        self.draining = True
        run_ids, tasks = self.at_work(), [attempt.task for attempt in self._active.values()]
        self._helpers.cancel()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=DRAIN_S)
        await self._helpers.over()
        if run_ids:
            await self._keeper.release(run_ids)

    def spawn(self, run: Run) -> None:
        if self.draining or run.id in self._active:
            return
        turn_time = TurnTime(self._agents.time_limit(run.agent), monotonic=self._monotonic, sleep=self._sleep)
        context = RunContext(self._sessions, run, window_s=self._window_s, toolbox=self._toolbox, time=turn_time)
        self._places.take(run.id)
        self._active[run.id] = Attempt(context, self._agents, self._over)

    def lose(self, run_ids: Iterable[str]) -> None:
        for run_id in run_ids:
            if run_id in self._active:
                self._active[run_id].lose()

    async def wake(self, session_id: str) -> None:
        """Starts what waits in a session, be it in memory or not."""
        self._kick(session_id, await self._sessions.current(session_id))

    def _on_committed(self, committed: Committed) -> None:
        finished = [event.body.run.id for event in committed.events if isinstance(event.body, RunFinished)]
        self.lose((*finished, *_taken_from_here(committed)))
        if committed.own:
            self._follow_up(committed, bool(finished))
        self._note_waiting(committed.after)

    def _follow_up(self, committed: Committed, finished: bool) -> None:
        """What has to be done next is done by the node that committed the cause; should it be gone, the watch of
        another one does it."""
        if finished or any(isinstance(event.body, RunQueued) for event in committed.events):
            self._kick(committed.after.session_id, committed.after)
        if any(isinstance(event.body, ApprovalResolved) for event in committed.events):
            self._go_on(committed.after)

    def _note_waiting(self, context: Context) -> None:
        """A run that waits for its user, or until its model may be asked again, gives its place to another."""
        run, state = context.run, context.state
        if run is None or run.id not in self._active:
            return
        if run.state != "awaiting_input" and not (isinstance(state, AwaitingLLM) and state.retry_at_utc is not None):
            self._places.take(run.id)
        elif self._places.free(run.id):
            self._offer_places()

    def _go_on(self, context: Context) -> None:
        """The user has answered a run whose process is gone: it is taken over now. One that lives notices itself."""
        run = context.run
        if run is not None and run.id not in self._active and not context.approvals and not self.draining:
            self._helpers.start(self._keeper.keep(context.session_id, self._keeper.take_over_lost))

    def _kick(self, session_id: str, context: Context) -> None:
        """Starts the session's oldest waiting run, if none is active and there is room."""
        if self.draining or session_id in self._starting:
            return
        if context.run is not None or not context.queue or context.deleted_at is not None:
            return
        if self._places.full:
            self._places.postpone(session_id, self.wake)
            return
        self._starting.add(session_id)
        self._places.claim()
        run_id = context.queue[0].id
        future = self._sessions.submit(session_id, StartRun(run_id), SERVER, self._keeper.lease())
        future.add_done_callback(lambda done: self._started(session_id, run_id, done))

    def _started(self, session_id: str, run_id: str, done: asyncio.Future[None]) -> None:
        self._starting.discard(session_id)
        self._places.unclaim()
        error = None if done.cancelled() else done.exception()
        context = self._sessions.shown(session_id)
        run = context.run if context is not None else None
        if error is None and run is not None and run.id == run_id:
            self.spawn(run)
        elif isinstance(error, RunNotFound | RunAlreadyActive) and context is not None:
            self._kick(session_id, context)
        elif isinstance(error, StorageUnavailable):
            self._helpers.start(self._keeper.retry(session_id))
        elif error is not None and not isinstance(error, SessionNotFound):
            report(log, "a run did not start", error, session=session_id)

    def _over(self, attempt: Attempt) -> None:
        self._active.pop(attempt.run.id, None)
        self._places.free(attempt.run.id)
        if attempt.interrupted:
            self._helpers.start(self._keeper.retry(attempt.run.session_id))
        self._offer_places()

    def _offer_places(self) -> None:
        if not self.draining and self._places.wanted:
            self._helpers.start(self._give_places())

    async def _give_places(self) -> None:
        """To those that wait for one, longest first; some may have been cancelled meanwhile."""
        while (waiting := self._places.next()) is not None:
            session_id, step = waiting
            await self._keeper.keep(session_id, step)


def _taken_from_here(committed: Committed) -> list[str]:
    """The runs of which another node has begun an attempt."""
    if committed.own:
        return []
    return [event.body.run.id for event in committed.events if isinstance(event.body, RunStarted)]
