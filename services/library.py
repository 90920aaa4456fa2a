"""What a caller can read: sessions and what they hold, lists of them, and what is found in them. Every method asks
whether the caller may; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.approvals import Approval
from models.errors import SessionNotFound
from models.messages import Message
from models.runs import Run
from models.session import Project, Session, Visible
from models.snapshot import Snapshot
from services.access import OnProject, OnServer, OnSession, Principal
from services.engine.context import Context
from services.engine.snapshot import session_of, snapshot_of
from services.runs.history import History
from services.search.query import SearchPage, SearchQuery
from services.sessions.manager import SessionManager
from services.store.journal import EventPage
from services.store.lists import SessionPage, SessionQuery
from services.store.reads import ChunkPage, MessagePage, MessageQuery


@dataclass(frozen=True)
class Library:
    """Raises SessionNotFound and ProjectNotFound for what is not there and for what the caller may not see, Forbidden,
    StorageUnavailable."""

    sessions: SessionManager

    async def session(self, principal: Principal, session_id: str) -> Session:
        await self._may_read(principal, session_id)
        return await self.sessions.store.reads.session(session_id)

    async def shown_session(self, principal: Principal, session_id: str) -> Session:
        """The same as of the last event that was shown, mostly from memory."""
        await self._may_read(principal, session_id)
        context = self.sessions.context(session_id)
        if context is None:
            return await self.sessions.store.reads.session(session_id)
        project = await self.sessions.store.projects.get(context.project_id)
        # Read again: what was committed during the await may have been told already.
        context = self.sessions.context(session_id) or context
        if context.deleted_at is not None:
            raise SessionNotFound()
        return session_of(context, project.name)

    async def snapshot(self, principal: Principal, session_id: str) -> Snapshot:
        await self._may_read(principal, session_id)
        return await self.sessions.store.reads.snapshot(session_id)

    async def metadata(self, principal: Principal, session_id: str) -> Snapshot:
        """The snapshot without messages, mostly from memory: clients in signal mode ask for it at every change of
        state."""
        await self._may_read(principal, session_id)
        session = await self.sessions.store.reads.session(session_id)
        return snapshot_of(await self.sessions.current(session_id), session.project_name, ())

    async def context(self, principal: Principal, session_id: str) -> Context:
        await self._may_read(principal, session_id)
        return await self.sessions.until(session_id, lambda _: True)

    async def history(self, principal: Principal, context: Context) -> History:
        """As the run at work reads it, else one that goes on from here."""
        await self._may_read(principal, context.session_id)
        run = context.run or next(iter(context.queue), None)
        return History(self.sessions.store.reads, context, run)

    async def page(self, principal: Principal, session_id: str, query: MessageQuery) -> MessagePage:
        """Raises BranchNotFound."""
        await self._may_read(principal, session_id)
        return await self.sessions.store.reads.page(session_id, query)

    async def messages(self, principal: Principal, session_id: str, ids: Sequence[str]) -> tuple[Message, ...]:
        """Raises PayloadTooLarge."""
        await self._may_read(principal, session_id)
        return await self.sessions.store.reads.messages(session_id, ids)

    async def chunks(self, principal: Principal, session_id: str, message_id: str, after: int) -> ChunkPage:
        """Raises MessageNotFound."""
        await self._may_read(principal, session_id)
        return await self.sessions.store.reads.chunks(session_id, message_id, after)

    async def events(self, principal: Principal, session_id: str, after: int) -> EventPage:
        await self._may_read(principal, session_id)
        return await self.sessions.store.journal.since(session_id, after)

    async def runs(self, principal: Principal, session_id: str) -> tuple[Run, ...]:
        await self._may_read(principal, session_id)
        return await self.sessions.store.reads.runs(session_id)

    async def approvals(self, principal: Principal, session_id: str) -> tuple[Approval, ...]:
        """All, oldest first; those that were answered too."""
        await self._may_read(principal, session_id)
        return await self.sessions.store.reads.approvals(session_id)

    async def list_sessions(self, principal: Principal, query: SessionQuery) -> SessionPage:
        """Raises InvalidArgument for a cursor of another list."""
        visible = await self.scope(principal, query.project_id)
        return await self.sessions.store.reads.sessions(replace(query, visible=visible))

    async def search(self, principal: Principal, query: SearchQuery) -> SearchPage:
        """Raises InvalidArgument for a question without a word and for a cursor of another one."""
        visible = await self.scope(principal, query.project_id)
        return await self.sessions.store.search.find(replace(query, visible=visible))

    async def scope(self, principal: Principal, project_id: str | None) -> Visible:
        """The projects that a list of the caller's may show: of one project, or of all there are."""
        if project_id is None:
            await self.sessions.access.check(principal, "read", OnServer())
        else:
            await self.project(principal, project_id)
        return await self.sessions.access.visible(principal)

    async def project(self, principal: Principal, project_id: str) -> Project:
        await self.sessions.access.check(principal, "read", OnProject(project_id))
        return await self.sessions.store.projects.get(project_id)

    async def list_projects(self, principal: Principal) -> tuple[Project, ...]:
        """All that the caller may see, oldest first."""
        visible = await self.scope(principal, None)
        return tuple(each for each in await self.sessions.store.projects.all() if visible is None or each.id in visible)

    async def _may_read(self, principal: Principal, session_id: str) -> None:
        await self.sessions.access.check(principal, "read", OnSession(session_id))
