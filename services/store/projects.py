"""Projects: plain records with a version. The interface and the rules; backends store them."""

from __future__ import annotations

from typing import Protocol

from models.errors import Conflict, SessionNotFound
from models.session import Project

INBOX = "Inbox"
"""What the project is called that exists from the start and takes sessions without one. It is known by being the
first, so it can be renamed, and others may be called the same."""


class Projects(Protocol):
    """Raises ProjectNotFound, and VersionMismatch when `expected_version` is not the stored one."""

    async def create(self, name: str) -> Project: ...
    async def get(self, project_id: str) -> Project: ...
    async def inbox(self) -> Project: ...
    async def all(self) -> tuple[Project, ...]: ...
    async def rename(self, project_id: str, name: str, expected_version: int | None = None) -> Project: ...
    async def set_current(self, project_id: str, session_id: str, expected_version: int | None = None) -> Project:
        """A session that is deleted stops being the current one, which is an edit too. Raises SessionNotFound for one
        that is not there, Conflict for one of another project."""
        ...

    async def delete(self, project_id: str, expected_version: int | None = None) -> None:
        """Raises Conflict for the Inbox and for a project that still has sessions (deleted ones count until purged)."""
        ...


def check_current(project_id: str, sessions_project: str | None) -> None:
    """`sessions_project` is the project of a session that is there and not deleted."""
    if sessions_project is None:
        raise SessionNotFound()
    if sessions_project != project_id:
        raise Conflict("The session belongs to another project", projectId=sessions_project)


def check_deletable(session_count: int, *, is_inbox: bool) -> None:
    if is_inbox:
        raise Conflict("The Inbox can't be deleted; sessions without a project live there")
    if session_count:
        raise Conflict(
            f"The project still has {session_count} sessions; delete them for good first (?purge=true)",
            sessions=session_count,
        )
