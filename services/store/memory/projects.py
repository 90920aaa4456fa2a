"""Projects in memory."""

from __future__ import annotations

from collections.abc import Callable

from models.clock import Clock
from models.errors import ProjectNotFound, VersionMismatch
from models.ids import iso
from models.session import Project
from services.store.projects import INBOX, check_deletable


class MemoryProjects:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._projects: dict[str, Project] = {}
        self._add(INBOX)
        self.count_sessions: Callable[[str], int] = lambda project_id: 0

    async def create(self, name: str) -> Project:
        return self._add(name)

    async def get(self, project_id: str) -> Project:
        return self.find(project_id)

    async def inbox(self) -> Project:
        return next(iter(self._projects.values()))

    async def all(self) -> tuple[Project, ...]:
        return tuple(self._projects.values())

    async def rename(self, project_id: str, name: str, expected_version: int | None = None) -> Project:
        return self._edit(project_id, expected_version, name=name)

    async def set_current(self, project_id: str, session_id: str, expected_version: int | None = None) -> Project:
        return self._edit(project_id, expected_version, current_session_id=session_id)

    async def delete(self, project_id: str, expected_version: int | None = None) -> None:
        self._checked(project_id, expected_version)
        first = next(iter(self._projects))
        check_deletable(self.count_sessions(project_id), is_inbox=project_id == first)
        del self._projects[project_id]

    def has(self, project_id: str) -> bool:
        return project_id in self._projects

    def find(self, project_id: str) -> Project:
        project = self._projects.get(project_id)
        if project is None:
            raise ProjectNotFound()
        return project

    def forget_session(self, session_id: str) -> None:
        """The session was purged: no project may point at it."""
        for project in self._projects.values():
            if project.current_session_id == session_id:
                self._projects[project.id] = project.model_copy(update={"current_session_id": None})

    def _add(self, name: str) -> Project:
        project = Project(id=self._clock.new_id(), name=name, created_at_utc=iso(self._clock()))
        self._projects[project.id] = project
        return project

    def _checked(self, project_id: str, expected_version: int | None) -> Project:
        project = self.find(project_id)
        if expected_version not in (None, project.version):
            raise VersionMismatch(currentVersion=project.version)
        return project

    def _edit(self, project_id: str, expected_version: int | None, **changes: str) -> Project:
        project = self._checked(project_id, expected_version)
        edited = project.model_copy(update={**changes, "version": project.version + 1})
        self._projects[project_id] = edited
        return edited
