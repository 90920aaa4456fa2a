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
from models.session import Session, Visible
from services.access import SYSTEM, Principal
from services.faults import report
from services.library import Library
from services.sessions.listeners import Committed
from services.sessions.manager import SessionManager
from services.store.lists import RUNNING, SessionPage, SessionQuery

log = structlog.get_logger(__name__)

BATCH_S = 0.1
FAR_BATCH_S = 1.0
"""The same for sessions at other nodes: their hints don't tell a change of state from a word of a stream."""
FAR_KEPT = 10_000
"""Of so many it is known what was told last; then all are told once more."""


@dataclass(slots=True, eq=False)
class Watcher:
    """What one connection watches, in the projects that are `visible` to it since it began. `held` gathers changes, by
    session its project, while a list is being read for it (`reading`, until its ack is out) or its outbox drains."""

    connection: Connection
    all_projects: bool = False
    project_id: str | None = None
    running: bool = False
    visible: Visible = None
    reading: bool = False
    held: dict[str, str | None] | None = None
    task: asyncio.Task[None] | None = None

    @property
    def sessions(self) -> bool:
        return self.all_projects or self.project_id is not None


@dataclass(slots=True)
class Feeds:
    """`watch_*` registers first and reads then; call `release` right after the ack went out."""

    sessions: SessionManager
    library: Library
    _watchers: dict[str, Watcher] = field(default_factory=dict)
    _dirty: dict[str, str | None] = field(default_factory=dict)
    _running: set[str] = field(default_factory=set)
    _task: asyncio.Task[None] | None = None
    _far: dict[str, Session | None] = field(default_factory=dict)
    _far_dirty: set[str] = field(default_factory=set)
    _far_task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.sessions.subscribe(self._on_committed)
        self.sessions.subscribe_cuts(self._on_cut)
        self.sessions.subscribe_far(self._on_far)

    async def close(self) -> None:
        tasks = [
            task
            for task in (self._task, self._far_task, *(each.task for each in self._watchers.values()))
            if task is not None
        ]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def watch_sessions(
        self, connection: Connection, principal: Principal, project_id: str | None, take: int
    ) -> SessionPage:
        """The sessions that changed last; changes of all others are told too. Raises ProjectNotFound, Forbidden."""
        visible = await self.library.scope(principal, project_id)
        watcher = self._watcher(connection, visible)
        watcher.all_projects, watcher.project_id = project_id is None, project_id
        query = SessionQuery(project_id, take=take)
        return await self._listed(watcher, self.library.list_sessions(principal, query))

    async def watch_running(self, connection: Connection, principal: Principal, take: int) -> SessionPage:
        """The same of those that run, in all projects."""
        visible = await self.library.scope(principal, None)
        watcher = self._watcher(connection, visible)
        watcher.running = True
        page = await self._listed(watcher, self.library.list_sessions(principal, replace(RUNNING, take=take)))
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
            self._far.clear()

    def _watcher(self, connection: Connection, visible: Visible) -> Watcher:
        watcher = self._watchers.setdefault(connection.sid, Watcher(connection))
        watcher.visible = visible
        return watcher

    async def _listed(self, watcher: Watcher, listing: Awaitable[SessionPage]) -> SessionPage:
        """From before the read until `release` nothing is told, so that the list can't undo it."""
        watcher.reading = True
        if watcher.held is None:
            watcher.held = {}
        try:
            return await listing
        except BaseException:
            self.release(watcher.connection)
            raise

    def _on_committed(self, committed: Committed) -> None:
        if not self._watchers or all(isinstance(event.body, MessageDelta) for event in committed.events):
            return
        self._mark(committed.after.session_id, committed.after.project_id)

    def _on_cut(self, session_id: str, reason: str) -> None:
        if self._watchers:
            shown = self.sessions.shown(session_id)
            self._mark(session_id, shown.project_id if shown is not None else None)

    def _on_far(self, session_id: str) -> None:
        if not self._watchers:
            return
        self._far_dirty.add(session_id)
        if self._far_task is None:
            self._far_task = asyncio.get_running_loop().create_task(self._look_far())

    async def _look_far(self) -> None:
        while self._far_dirty:
            await asyncio.sleep(FAR_BATCH_S)
            dirty, self._far_dirty = self._far_dirty, set()
            for session_id in dirty:
                try:
                    await self._look_at(session_id)
                except Exception as error:
                    report(log, "a session list is behind", error, session=session_id)
        self._far_task = None

    async def _look_at(self, session_id: str) -> None:
        """Marks it if it has changed in a list's eyes: the words of a stream move the head alone."""
        try:
            shown = await self.library.shown_session(SYSTEM, session_id)
            seen: Session | None = shown.model_copy(update={"head": 0})
        except SessionNotFound:
            seen = None
        known = session_id in self._far
        before = self._far.get(session_id)
        if known and seen == before:
            return
        if len(self._far) >= FAR_KEPT:
            self._far.clear()
        self._far[session_id] = seen
        there = seen or before
        self._mark(session_id, there.project_id if there is not None else None)

    def _mark(self, session_id: str, project_id: str | None) -> None:
        self._dirty[session_id] = project_id
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        """One at a time, so that no change is overtaken by a newer one of the same session."""
        while self._dirty:
            await asyncio.sleep(BATCH_S)
            dirty, self._dirty = self._dirty, {}
            for session_id, project_id in dirty.items():
                change = await self._change(session_id, project_id)
                if change is not None:
                    for watcher in list(self._watchers.values()):
                        self._give(watcher, change)
        self._forget_what_runs()
        self._task = None

    def _give(self, watcher: Watcher, change: _Change) -> None:
        if watcher.held is None and watcher.connection.over_high_water:
            watcher.held = {}
            watcher.task = asyncio.get_running_loop().create_task(self._deliver_held(watcher))
        if watcher.held is not None:
            watcher.held[change.session_id] = change.project_id
        else:
            change.tell(watcher)

    async def _deliver_held(self, watcher: Watcher) -> None:
        while watcher.held and not watcher.reading:
            await self._deliver_one(watcher, watcher.held)
        watcher.task = None
        if not watcher.reading:
            watcher.held = None

    async def _deliver_one(self, watcher: Watcher, held: dict[str, str | None]) -> None:
        await watcher.connection.drained()
        session_id, project_id = held.popitem()
        change = await self._change(session_id, project_id)
        if watcher.reading:
            held[session_id] = project_id
        elif change is not None:
            # It may have stopped while it was held, and been told to the others then.
            change.ran = True
            change.tell(watcher)

    async def _change(self, session_id: str, project_id: str | None) -> _Change | None:
        """The session as it is now; None when it can't be read. A fault in one must not keep the others from being
        told."""
        try:
            return await self._read_change(session_id, project_id)
        except ParleyError as error:
            log.warning("a session list is behind", session=session_id, reason=error.message)
        except Exception:
            log.exception("a session list is behind", session=session_id)
        return None

    async def _read_change(self, session_id: str, project_id: str | None) -> _Change:
        try:
            session: Session | None = await self.library.shown_session(SYSTEM, session_id)
        except SessionNotFound:
            session = None
        ran = session_id in self._running
        if session is not None and session.state == "RUNNING":
            self._running.add(session_id)
        else:
            self._running.discard(session_id)
        return _Change(session_id, project_id, session, ran)


class _Change:
    """One session as it is now (None: gone), ready to be told. `project_id` is where it is or was, None when nobody
    knows; `ran` says that it was told as running before."""

    def __init__(self, session_id: str, project_id: str | None, session: Session | None, ran: bool) -> None:
        self.session_id = session_id
        self.project_id = session.project_id if session is not None else project_id
        self.ran = ran
        self._runs = session is not None and session.state == "RUNNING"
        view = session.to_wire() if session is not None else None
        gone = {"removed": session_id}
        self._session_frame = event_frame("session", {"session": view} if view else gone)
        self._running_frame = event_frame("running", {"session": view} if self._runs else gone)

    def tell(self, watcher: Watcher) -> None:
        if watcher.visible is not None and self.project_id not in watcher.visible:
            return
        if watcher.all_projects or (watcher.project_id is not None and self.project_id in (None, watcher.project_id)):
            watcher.connection.send(self._session_frame)
        if watcher.running and (self._runs or self.ran):
            watcher.connection.send(self._running_frame)
