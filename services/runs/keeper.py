"""Keeps runs: renews the leases of those at work here, takes over those that nobody works on, starts the queues that
nobody started, and declines approvals that nobody answered in time. Starts no task of a run itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

import structlog

from models.actors import SERVER
from models.backoff import Backoff
from models.commands import AbandonRun, ExpireApprovals, TakeOverRun
from models.errors import Fenced, SessionNotFound, StorageUnavailable
from models.ids import EpochMs, iso
from models.runs import Run
from services.faults import report
from services.runs.helpers import Helpers
from services.runs.places import Places
from services.sessions.manager import SessionManager
from services.store.leases import Lease

log = structlog.get_logger(__name__)

LEASE_MS = 30_000
HEARTBEAT_S = 10.0
REAP_S = 15.0
RETRY = Backoff(1.0, 5.0)
"""For a run that lost its storage."""
ATTEMPTS_MAX = 5
"""A run that takes its process down each time must not do so for ever."""
LOST = "the server stopped while the agent was at work"


class Runs(Protocol):
    """What the keeper knows of who starts runs."""

    @property
    def draining(self) -> bool: ...
    def at_work(self) -> list[str]:
        """The ids of the runs that have a task here."""
        ...

    def spawn(self, run: Run) -> None:
        """Begins the task of a run that is ours."""
        ...

    def lose(self, run_ids: Iterable[str]) -> None:
        """They were ended, or are somebody else's."""
        ...

    async def wake(self, session_id: str) -> None:
        """Starts what waits in a session."""
        ...


class Keeper:
    """`owner` is the boot id that leases are in the name of."""

    def __init__(
        self,
        sessions: SessionManager,
        runs: Runs,
        places: Places,
        helpers: Helpers,
        *,
        owner: str,
        sleep: Callable[[float], Awaitable[None]],
        retry: Backoff,
    ) -> None:
        self._sessions = sessions
        self._runs = runs
        self._places = places
        self._helpers = helpers
        self._owner = owner
        self._sleep = sleep
        self._retry = retry
        self._taking: set[str] = set()

    async def start(self) -> None:
        """Looks around once, then keeps watch. Raises StorageUnavailable."""
        await self._reap()
        self._helpers.start(self._forever(HEARTBEAT_S, self._renew))
        self._helpers.start(self._forever(REAP_S, self._reap))

    def lease(self) -> Lease:
        return Lease(self._owner, EpochMs(self._sessions.clock() + LEASE_MS))

    async def release(self, run_ids: list[str]) -> None:
        """Lets others take them over at once."""
        try:
            await self._sessions.store.leases.renew(run_ids, Lease(self._owner, EpochMs(0)))
        except StorageUnavailable as error:
            log.warning("leases not released", reason=error.message)

    async def keep(self, session_id: str, *steps: Callable[[str], Awaitable[None]]) -> None:
        """One session that was purged meanwhile, or that can't be read, holds up no other. Raises
        StorageUnavailable: that concerns all of them."""
        try:
            for step in steps:
                await step(session_id)
        except StorageUnavailable:
            raise
        except SessionNotFound:
            return
        except Exception as error:
            report(log, "keeping a session's runs failed", error, session=session_id)

    async def take_over_lost(self, session_id: str) -> None:
        """Leaves alone what lives outside of our tasks: a program's own run, or one of another process."""
        if session_id in await self._orphans():
            await self._take_over(session_id)

    async def retry(self, session_id: str) -> None:
        """The storage failed under a run, or under its start: goes on as soon as the storage does."""
        failures = 0
        while not self._runs.draining:
            failures += 1
            await self._sleep(self._retry.wait_s(failures))
            try:
                await self._take_over(session_id)
                await self._runs.wake(session_id)
                return
            except SessionNotFound:
                return
            except StorageUnavailable:
                continue

    async def _reap(self) -> None:
        """Takes over every active run that nobody works on, and starts the queues that nobody started."""
        for session_id in await self._orphans():
            await self.keep(session_id, self._take_over)
        for session_id in await self._sessions.store.reads.unfinished():
            await self.keep(session_id, self._runs.wake, self._expire)

    async def _orphans(self) -> tuple[str, ...]:
        return await self._sessions.store.leases.orphans(self._sessions.clock())

    async def _expire(self, session_id: str) -> None:
        """Declines approvals that nobody answered in time; their runs go on with that."""
        context = await self._sessions.current(session_id)
        now = iso(self._sessions.clock())
        if any(each.expires_at_utc is not None and each.expires_at_utc <= now for each in context.approvals):
            await self._sessions.submit(session_id, ExpireApprovals(), SERVER)

    async def _take_over(self, session_id: str) -> None:
        """Goes on with a run that nobody works on, once there is room, or ends it when it can't be resumed."""
        if session_id in self._taking:
            return
        context = await self._sessions.store.journal.load(session_id)
        run = context.run
        if run is None or run.id in self._runs.at_work() or context.deleted_at is not None:
            return
        if context.approvals:
            return  # it waits for the user, who can take all the time in the world
        try:
            if run.on_crash != "resume" or run.attempt >= ATTEMPTS_MAX:
                await self._abandon(run)
            elif self._places.full:
                self._places.postpone(session_id, self._take_over)
            else:
                await self._resume(run)
        except (Fenced, SessionNotFound):
            return

    async def _abandon(self, run: Run) -> None:
        reason = LOST
        if run.attempt >= ATTEMPTS_MAX:
            reason = f"given up after {run.attempt} attempts: {reason}"
        command = AbandonRun(run.id, run.attempt, f"interrupted: {reason}")
        await self._sessions.submit(run.session_id, command, SERVER, self.lease())

    async def _resume(self, run: Run) -> None:
        self._taking.add(run.session_id)
        self._places.claim()
        try:
            await self._sessions.submit(run.session_id, TakeOverRun(run.id, run.attempt, LOST), SERVER, self.lease())
            log.info("run taken over", session=run.session_id, run=run.id, attempt=run.attempt + 1)
            ours = (await self._sessions.store.journal.load(run.session_id)).run
            # It may have been ended meanwhile, and the next one begun by another node.
            if ours is not None and (ours.id, ours.attempt) == (run.id, run.attempt + 1):
                self._runs.spawn(ours)
        finally:
            self._places.unclaim()
            self._taking.discard(run.session_id)

    async def _renew(self) -> None:
        if run_ids := self._runs.at_work():
            held = await self._sessions.store.leases.renew(run_ids, self.lease())
            self._runs.lose([run_id for run_id in run_ids if run_id not in held])

    async def _forever(self, every_s: float, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._sleep(every_s)
            try:
                await step()
            except StorageUnavailable as error:
                log.warning("run keeping postponed", reason=error.message)
            except Exception as error:
                # The next turn may be better; without it no run is kept at all.
                report(log, "run keeping failed", error)
