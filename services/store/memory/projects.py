"""Projects in memory."""

from __future__ import annotations

from models.errors import VersionMismatch
from models.session import Project
from services.store.memory.tables import Memory
from services.store.projects import check_current, check_deletable


class MemoryProjects:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def create(self, name: str) -> Project:
        return self._memory.add_project(name)

    async def get(self, project_id: str) -> Project:
        return self._memory.project(project_id)

    async def inbox(self) -> Project:
        return next(iter(self._memory.projects.values()))

    async def all(self) -> tuple[Project, ...]:
        return tuple(self._memory.projects.values())

    async def rename(self, project_id: str, name: str, expected_version: int | None = None) -> Project:
        return self._edit(project_id, expected_version, name=name)

    async def set_current(self, project_id: str, session_id: str, expected_version: int | None = None) -> Project:
        self._checked(project_id, expected_version)
        check_current(project_id, self._memory.kept(session_id).context.project_id)
        return self._edit(project_id, expected_version, current_session_id=session_id)

    async def delete(self, project_id: str, expected_version: int | None = None) -> None:
        self._checked(project_id, expected_version)
        first = next(iter(self._memory.projects))
        count = sum(kept.context.project_id == project_id for kept in self._memory.sessions.values())
        check_deletable(count, is_inbox=project_id == first)
        del self._memory.projects[project_id]

    def _checked(self, project_id: str, expected_version: int | None) -> Project:
        project = self._memory.project(project_id)
        if expected_version not in (None, project.version):
            raise VersionMismatch(currentVersion=project.version)
        return project

    def _edit(self, project_id: str, expected_version: int | None, **changes: str) -> Project:
        project = self._checked(project_id, expected_version)
        edited = project.model_copy(update={**changes, "version": project.version + 1})
        self._memory.projects[project_id] = edited
        return edited
