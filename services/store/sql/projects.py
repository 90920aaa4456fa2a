"""Projects in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, text

from models.errors import ProjectNotFound, VersionMismatch
from models.ids import iso
from models.session import Project
from services.store.projects import INBOX, check_current, check_deletable
from services.store.sql.database import Database
from services.store.sql.stored import stored

SELECT = "SELECT * FROM projects "
ONE = text(SELECT + "WHERE id = :id")
ALL = text(SELECT + "ORDER BY key")
FIRST = text(SELECT + "ORDER BY key LIMIT 1")
INSERT = text("INSERT INTO projects (id, name, created_at, version) VALUES (:id, :name, :at, 1)")
RENAME = text("UPDATE projects SET name = :name, version = version + 1 WHERE id = :id")
SET_CURRENT = text("UPDATE projects SET current_session_id = :session_id, version = version + 1 WHERE id = :id")
LIVE_IN = text("SELECT project_id FROM sessions WHERE id = :id AND deleted_at IS NULL")
DELETE = text("DELETE FROM projects WHERE id = :id")
COUNT = text("SELECT count(*) FROM sessions WHERE project_id = :id")


class SqlProjects:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str) -> Project:
        def insert(connection: Connection) -> Project:
            self._inbox(connection)  # which has to be the first
            return self._insert(connection, name)

        return await self._database.write(insert)

    async def get(self, project_id: str) -> Project:
        async with self._database.read() as db:
            return _found((await db.execute(ONE, {"id": project_id})).first())

    async def inbox(self) -> Project:
        """The oldest project; made when there is none."""
        async with self._database.read() as db:
            row = (await db.execute(FIRST)).first()
            if row is not None:
                return _project(row)
        return await self._database.write(self._inbox)

    async def all(self) -> tuple[Project, ...]:
        async with self._database.read() as db:
            return tuple(_project(row) for row in (await db.execute(ALL)).all())

    async def rename(self, project_id: str, name: str, expected_version: int | None = None) -> Project:
        def edit(connection: Connection) -> Project:
            _checked(connection, project_id, expected_version)
            connection.execute(RENAME, {"id": project_id, "name": name})
            return _found(connection.execute(ONE, {"id": project_id}).first())

        return await self._database.write(edit)

    async def set_current(self, project_id: str, session_id: str, expected_version: int | None = None) -> Project:
        def edit(connection: Connection) -> Project:
            _checked(connection, project_id, expected_version)
            check_current(project_id, connection.execute(LIVE_IN, {"id": session_id}).scalar())
            connection.execute(SET_CURRENT, {"id": project_id, "session_id": session_id})
            return _found(connection.execute(ONE, {"id": project_id}).first())

        return await self._database.write(edit)

    async def delete(self, project_id: str, expected_version: int | None = None) -> None:
        def edit(connection: Connection) -> None:
            _checked(connection, project_id, expected_version)
            count = connection.execute(COUNT, {"id": project_id}).scalar_one()
            check_deletable(count, is_inbox=self._inbox(connection).id == project_id)
            connection.execute(DELETE, {"id": project_id})

        await self._database.write(edit)

    def _inbox(self, connection: Connection) -> Project:
        row = connection.execute(FIRST).first()
        return _project(row) if row is not None else self._insert(connection, INBOX)

    def _insert(self, connection: Connection, name: str) -> Project:
        clock = self._database.clock
        project_id = clock.new_id()
        connection.execute(INSERT, {"id": project_id, "name": name, "at": clock()})
        return _found(connection.execute(ONE, {"id": project_id}).first())


def _checked(connection: Connection, project_id: str, expected_version: int | None) -> Project:
    project = _found(connection.execute(ONE, {"id": project_id}).first())
    if expected_version not in (None, project.version):
        raise VersionMismatch(currentVersion=project.version)
    return project


def _found(row: Row[Any] | None) -> Project:
    if row is None:
        raise ProjectNotFound()
    return _project(row)


def _project(row: Row[Any]) -> Project:
    with stored:
        return Project(
            id=row.id,
            name=row.name,
            current_session_id=row.current_session_id,
            created_at_utc=iso(row.created_at),
            version=row.version,
        )
