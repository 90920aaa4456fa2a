"""Sessions and projects as things to keep: made, named, put away, deleted, restored. Knows nothing of what is
said in them."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from models.calls import CreateSessionBody
from models.commands import (
    ArchiveContext,
    CreateSession,
    DeleteSession,
    RenameSession,
    RestoreSession,
    UnarchiveContext,
)
from models.errors import Conflict, ProjectNotFound, SessionNotFound, UnknownModel
from models.ids import EpochMs
from models.session import Project, Session
from services.access import Access, OnProject, OnServer, OnSession, Principal
from services.llm.registry import Providers
from services.sessions.edits import edit
from services.sessions.manager import SessionManager
from services.users import Users

log = structlog.get_logger(__name__)

RESTORABLE_MS = 30 * 24 * 3600 * 1000
"""How long a deleted session can be restored; then it is purged."""


@dataclass(frozen=True)
class Organizer:
    """`model` is that of new sessions, `version` the session's or project's as the caller knows it. Raises the errors
    of the door, Forbidden, ProjectNotFound, SessionNotFound."""

    sessions: SessionManager
    providers: Providers
    users: Users
    model: str

    @property
    def access(self) -> Access:
        return self.sessions.access

    async def create_session(
        self, principal: Principal, wanted: CreateSessionBody, *, session_id: str | None = None
    ) -> Session:
        """Raises Conflict when there is a session of that id."""
        project = await self._project_for(principal, wanted.project_id)
        model = wanted.model or await self._preferred_model(principal) or self.model
        self.providers.resolve(model)
        session_id = session_id or self.sessions.clock.new_id()
        command = CreateSession(
            self.sessions.clock.new_id(), project.id, project.name, (wanted.title or "").strip(), model
        )
        return await edit(self.sessions, principal, session_id, command)

    async def _preferred_model(self, principal: Principal) -> str | None:
        """The user's default, unless it is not known any more."""
        model = (await self.users.state(principal.user_id)).preferences.default_model
        if model is None:
            return None
        try:
            self.providers.resolve(model)
        except UnknownModel:
            log.warning("a user's default model is unknown", user=principal.user_id, model=model, instead=self.model)
            return None
        return model

    async def rename(self, principal: Principal, session_id: str, title: str, version: int | None = None) -> Session:
        return await edit(self.sessions, principal, session_id, RenameSession(title), version)

    async def archive(self, principal: Principal, session_id: str, version: int | None = None) -> Session:
        """Puts a session away: it can be read, forked, restored and deleted, and nothing else. Raises
        RunAlreadyActive."""
        return await edit(self.sessions, principal, session_id, ArchiveContext(), version)

    async def unarchive(self, principal: Principal, session_id: str, version: int | None = None) -> Session:
        return await edit(self.sessions, principal, session_id, UnarchiveContext(), version)

    async def delete(
        self, principal: Principal, session_id: str, *, purge: bool = False, version: int | None = None
    ) -> None:
        """Cancels the run; `purge` leaves nothing to restore. Raises VersionMismatch."""
        # Here too: what the door does not show must not be taken for something that was deleted before.
        await self.access.check(principal, "manage", OnSession(session_id))
        try:
            await self.sessions.handle(session_id, DeleteSession(), principal, expected_version=version)
        except SessionNotFound:
            # Deleted before: what is left of it can still be purged.
            if not purge or version is not None:
                raise
        if purge:
            await self._purge(session_id)

    async def _purge(self, session_id: str) -> None:
        await self.sessions.purge(session_id)
        await self.users.forget_session(session_id)

    async def restore(self, principal: Principal, session_id: str, version: int | None = None) -> Session:
        return await edit(self.sessions, principal, session_id, RestoreSession(), version)

    async def set_current(
        self, principal: Principal, project_id: str, session_id: str, version: int | None = None
    ) -> Project:
        """Raises VersionMismatch, Conflict for a session of another project."""
        await self.access.check(principal, "write", OnProject(project_id))
        await self.sessions.store.projects.get(project_id)
        await self.access.check(principal, "read", OnSession(session_id))
        return await self.sessions.store.projects.set_current(project_id, session_id, version)

    async def create_project(self, principal: Principal, name: str) -> Project:
        await self.access.check(principal, "write", OnServer())
        return await self.sessions.store.projects.create(name)

    async def rename_project(
        self, principal: Principal, project_id: str, name: str, version: int | None = None
    ) -> Project:
        """Raises VersionMismatch."""
        await self.access.check(principal, "write", OnProject(project_id))
        return await self.sessions.store.projects.rename(project_id, name, version)

    async def delete_project(self, principal: Principal, project_id: str, version: int | None = None) -> None:
        """Raises Conflict for the Inbox and for one with sessions, VersionMismatch."""
        await self.access.check(principal, "manage", OnProject(project_id))
        await self.sessions.store.projects.delete(project_id, version)

    async def purge_expired(self) -> int:
        """Removes what was deleted more than 30 days ago; returns how many."""
        before = EpochMs(self.sessions.clock() - RESTORABLE_MS)
        purged = 0
        for session_id in await self.sessions.store.reads.expired(before):
            try:
                await self._purge(session_id)
                purged += 1
            except (Conflict, SessionNotFound):
                continue  # restored, or purged by hand, since it was listed
        return purged

    async def _project_for(self, principal: Principal, project_id: str | None) -> Project:
        """Where a new session is to be: the Inbox unless told otherwise."""
        if project_id is None:
            inbox = await self.sessions.store.projects.inbox()
            await self.access.check(principal, "write", OnProject(inbox.id))
            return inbox
        try:
            await self.access.check(principal, "write", OnProject(project_id))
            return await self.sessions.store.projects.get(project_id)
        except ProjectNotFound as error:
            raise ProjectNotFound(field="projectId") from error
