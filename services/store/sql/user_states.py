"""The states of users in SQL."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, Row, text

from models.errors import ParleyError
from models.ids import iso
from models.user_state import UserState
from services.store.sql.database import Database
from services.store.sql.stored import stored
from services.store.user_states import Edit, changed

ONE = text("SELECT version, updated_at, body FROM user_states WHERE user_id = :id")
PUT = text(
    "INSERT INTO user_states (user_id, version, updated_at, body) VALUES (:id, :version, :at, :body) "
    "ON CONFLICT (user_id) DO UPDATE SET version = :version, updated_at = :at, body = :body"
)


class SqlUserStates:
    def __init__(self, database: Database) -> None:
        self._database = database
        holds = database.dialect.contains("body", ":id")
        self._mentioning = text(f"SELECT user_id FROM user_states WHERE {holds}")  # noqa: S608 -- constants

    async def get(self, user_id: str) -> UserState:
        async with self._database.read() as db:
            return _state((await db.execute(ONE, {"id": user_id})).first())

    async def change(self, user_id: str, edit: Edit, expected_version: int | None = None) -> UserState:
        def write(connection: Connection) -> UserState | ParleyError:
            now = self._database.clock()
            before = _state(connection.execute(ONE, {"id": user_id}).first())
            try:
                after = changed(before, edit, expected_version, now)
            except ParleyError as refused:
                # Nothing was written. Raised here, it would have the whole batch rolled back and written once more.
                return refused
            if after is not before:
                body = after.sections.to_json()
                connection.execute(PUT, {"id": user_id, "version": after.version, "at": now, "body": body})
            return after

        outcome = await self._database.write(write)
        if isinstance(outcome, ParleyError):
            raise outcome
        return outcome

    async def mentioning(self, session_id: str) -> tuple[str, ...]:
        async with self._database.read() as db:
            return tuple((await db.execute(self._mentioning, {"id": session_id})).scalars())


def _state(row: Row[Any] | None) -> UserState:
    if row is None:
        return UserState()
    with stored:
        known = {"version": row.version, "updated_at_utc": iso(row.updated_at)}
        return UserState.model_validate(orjson.loads(row.body) | known)
