"""The live lists: all sessions (of a project), and those that run. Changes are gathered for 100 ms and sent as they are
at that moment, so a list that is read meanwhile can't end up older than what was sent before it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace

import structlog

from hub.socket.connection import Connection
from hub.socket.frames import event_frame
from models.errors import ParleyError, SessionNotFound
from models.events import MessageDelta
from models.session import Session
from services.chat import Chat
from services.engine.snapshot import session_of
from services.sessions.manager import Committed
from services.store.lists import RUNNING, SessionPage, SessionQuery

log = structlog.get_logger(__name__)

BATCH_S = 0.1


@dataclass(slots=True, eq=False)
class Watcher:
    """What one connection watches. `held` gathers changes while a list is being read for it (`reading`, until its ack
    is out) or its outbox drains."""

    connection: Connection
    all_projects: bool = False
    project_id: str | None = None
    running: bool = False
    reading: bool = False
    held: set[str] | None = None
    task: asyncio.Task[None] | None = None

    @property
    def sessions(self) -> bool:
        return self.all_projects or self.project_id is not None


@dataclass(slots=True)
class Feeds:
    """`watch_*` registers first and reads then; call `release` right after the ack went out."""

    chat: Chat
    _watchers: dict[str, Watcher] = field(default_factory=dict)
    _dirty: set[str] = field(default_factory=set)
    _running: set[str] = field(default_factory=set)
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.chat.sessions.subscribe(self._on_committed)
        self.chat.sessions.subscribe_cuts(self._on_cut)

    async def close(self) -> None:
        tasks = [task for task in (self._task, *(each.task for each in self._watchers.values())) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def watch_sessions(self, connection: Connection, project_id: str | None, take: int) -> SessionPage:
        """The sessions that changed last; changes of all others are told too. Raises ProjectNotFound."""
        if project_id is not None:
            await self.chat.projects.get(project_id)
        watcher = self._watcher(connection)
        watcher.all_projects, watcher.project_id = project_id is None, project_id
        return await self._listed(watcher, self.chat.store.reads.sessions(SessionQuery(project_id, take=take)))

    async def watch_running(self, connection: Connection, take: int) -> SessionPage:
        watcher = self._watcher(connection)
        watcher.running = True
        page = await self._listed(watcher, self.chat.store.reads.sessions(replace(RUNNING, take=take)))
        self._running.update(session.id for session in page.sessions)
        self._forget_what_runs()  # it may have gone meanwhile
        return page

    def release(self, connection: Connection) -> None:
        """The list is on its way: send what changed meanwhile."""
        watcher = self._watchers.get(connection.sid)
        if watcher is None:
            return
        watcher.reading = False
        if watcher.task is None:
            watcher.task = asyncio.get_running_loop().create_task(self._deliver_held(watcher))

    def unwatch(self, connection: Connection, *, sessions: bool = False, running: bool = False) -> None:
        watcher = self._watchers.get(connection.sid)
        if watcher is None:
            return
        if sessions:
            watcher.all_projects, watcher.project_id = False, None
        if running:
            watcher.running = False
        if not watcher.sessions and not watcher.running:
            self.forget(connection)

    def forget(self, connection: Connection) -> None:
        watcher = self._watchers.pop(connection.sid, None)
        if watcher is not None and watcher.task is not None:
            watcher.task.cancel()
        self._forget_what_runs()

    def _forget_what_runs(self) -> None:
        """While nobody watches nobody hears of ends, and what ended would be remembered for ever."""
        if not self._watchers:
            self._running.clear()

    def _watcher(self, connection: Connection) -> Watcher:
        return self._watchers.setdefault(connection.sid, Watcher(connection))

    async def _listed(self, watcher: Watcher, listing: Awaitable[SessionPage]) -> SessionPage:
        """From before the read until `release` nothing is told, so that the list can't undo it."""
        watcher.reading = True
        if watcher.held is None:
            watcher.held = set()
        try:
            return await listing
        except BaseException:
            self.release(watcher.connection)
            raise

    def _on_committed(self, committed: Committed) -> None:
        if not self._watchers or all(isinstance(event.body, MessageDelta) for event in committed.events):
            return
        self._mark(committed.after.session_id)

    def _on_cut(self, session_id: str, reason: str) -> None:
        if self._watchers:
            self._mark(session_id)

    def _mark(self, session_id: str) -> None:
        self._dirty.add(session_id)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        """One at a time, so that no change is overtaken by a newer one of the same session."""
        while self._dirty:
            await asyncio.sleep(BATCH_S)
            dirty, self._dirty = self._dirty, set()
            for session_id in dirty:
                change = await self._change(session_id)
                if change is not None:
                    for watcher in list(self._watchers.values()):
                        self._give(watcher, change)
        self._forget_what_runs()
        self._task = None

    def _give(self, watcher: Watcher, change: _Change) -> None:
        if watcher.held is None and watcher.connection.over_high_water:
            watcher.held = set()
            watcher.task = asyncio.get_running_loop().create_task(self._deliver_held(watcher))
        if watcher.held is not None:
            watcher.held.add(change.session_id)
        else:
            change.tell(watcher)

    async def _deliver_held(self, watcher: Watcher) -> None:
        while watcher.held and not watcher.reading:
            await self._deliver_one(watcher, watcher.held)
        watcher.task = None
        if not watcher.reading:
            watcher.held = None

    async def _deliver_one(self, watcher: Watcher, held: set[str]) -> None:
        await watcher.connection.drained()
        session_id = held.pop()
        change = await self._change(session_id)
        if watcher.reading:
            held.add(session_id)
        elif change is not None:
            # It may have stopped while it was held, and been told to the others then.
            change.ran = True
            change.tell(watcher)

    async def _change(self, session_id: str) -> _Change | None:
        """The session as it is now; None when it can't be read. A fault in one must not keep the others from being
        told."""
        try:
            return await self._read_change(session_id)
        except ParleyError as error:
            log.warning("a session list is behind", session=session_id, reason=error.message)
        except Exception:
            log.exception("a session list is behind", session=session_id)
        return None

    async def _read_change(self, session_id: str) -> _Change:
        try:
            session: Session | None = await self._session(session_id)
        except SessionNotFound:
            session = None
        ran = session_id in self._running
        if session is not None and session.state == "RUNNING":
            self._running.add(session_id)
        else:
            self._running.discard(session_id)
        return _Change(session_id, session, ran)

    async def _session(self, session_id: str) -> Session:
        context = self.chat.sessions.context(session_id)
        if context is None:
            return await self.chat.store.reads.session(session_id)
        project = await self.chat.projects.get(context.project_id)
        # Read again: what was committed during the await may have been told already.
        context = self.chat.sessions.context(session_id) or context
        if context.deleted_at is not None:
            raise SessionNotFound()
        return session_of(context, project.name)


class _Change:
    """One session as it is now (None: gone), ready to be told. `ran` says that it was told as running before."""

    def __init__(self, session_id: str, session: Session | None, ran: bool) -> None:
        self.session_id = session_id
        self.ran = ran
        self._session = session
        self._runs = session is not None and session.state == "RUNNING"
        view = session.to_wire() if session is not None else None
        gone = {"removed": session_id}
        self._session_frame = event_frame("session", {"session": view} if view else gone)
        self._running_frame = event_frame("running", {"session": view} if self._runs else gone)

    def tell(self, watcher: Watcher) -> None:
        if watcher.all_projects or (watcher.project_id is not None and self._may_concern(watcher.project_id)):
            watcher.connection.send(self._session_frame)
        if watcher.running and (self._runs or self.ran):
            watcher.connection.send(self._running_frame)

    def _may_concern(self, project_id: str) -> bool:
        return self._session is None or self._session.project_id == project_id
