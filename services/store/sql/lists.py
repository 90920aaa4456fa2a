"""Lists of sessions in SQL: one page by key, and how many there are, from the same read transaction."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import BindParameter, Row, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from models.ids import iso
from models.session import Session
from models.words import fold
from services.store.lists import SORTED_CHARS, SessionPage, SessionQuery, SessionSort
from services.store.sql.dialect import Dialect
from services.store.sql.stored import stored

VALUES: dict[SessionSort, str] = {
    "updated": "sessions.updated_at",
    "created": "sessions.created_at",
    "title": f"substr(sessions.title_key, 1, {SORTED_CHARS})",
}
LISTED = (
    "SELECT sessions.*, {value} AS sort_value, contexts.state AS context_state, projects.name AS project_name "
    "FROM sessions LEFT JOIN contexts ON contexts.session = sessions.key "
    "LEFT JOIN projects ON projects.id = sessions.project_id WHERE {where} "
    "ORDER BY {value} {order}, sessions.key {order} LIMIT :limit"
)
COUNTED = "SELECT count(*) FROM sessions WHERE {where}"


async def list_sessions(db: AsyncConnection, dialect: Dialect, query: SessionQuery) -> SessionPage:
    """Raises InvalidArgument for a cursor of another list."""
    wheres, values = _filters(dialect, query)
    total = (await db.execute(_statement(COUNTED.format(where=" AND ".join(wheres)), values), values)).scalar_one()
    value, order = VALUES[query.sort], "DESC" if query.falls else "ASC"
    if (place := query.place) is not None:
        wheres.append(f"({value}, sessions.key) {'<' if query.falls else '>'} (:value, :row)")
        values |= {"value": place[0], "row": place[1]}
    values["limit"] = query.take + 1
    listed = LISTED.format(where=" AND ".join(wheres), value=value, order=order)
    found = (await db.execute(_statement(listed, values), values)).all()
    return query.page([(session_of_row(row), row.sort_value, row.key) for row in found], total)


def _filters(dialect: Dialect, query: SessionQuery) -> tuple[list[str], dict[str, Any]]:
    wheres, values = ["sessions.deleted_at IS NULL"], dict[str, Any]()
    if query.project_id is not None:
        wheres.append("sessions.project_id = :project_id")
        values["project_id"] = query.project_id
    if query.visible is not None:
        wheres.append("sessions.project_id IN :visible")
        values["visible"] = sorted(query.visible)
    if query.states:
        wheres.append("sessions.state IN :states")
        values["states"] = list(query.states)
    if query.archived is not None:
        wheres.append("sessions.archived = :archived")
        values["archived"] = query.archived
    if query.title:
        wheres.append(dialect.contains("sessions.title_key", ":title"))
        values["title"] = fold(query.title)
    return wheres, values


def _statement(sql: str, values: dict[str, Any]) -> Any:
    several: list[BindParameter[Any]] = [
        bindparam(name, expanding=True) for name in ("states", "visible") if name in values
    ]
    return text(sql).bindparams(*several)


def session_of_row(row: Row[Any]) -> Session:
    with stored:
        return Session(
            id=row.id,
            project_id=row.project_id,
            project_name=row.project_name or "",
            title=row.title,
            state=row.state,
            created_at_utc=iso(row.created_at),
            updated_at_utc=iso(row.updated_at),
            completed_at_utc=iso(row.completed_at) if row.completed_at is not None else None,
            message_count=row.message_count,
            head=row.head,
            version=row.version,
            archived=bool(row.archived),
            waiting=row.state == "RUNNING" and json.loads(row.context_state)["name"] == "awaiting_user",
        )
