"""The journal in SQL: appends go to the writer, many per transaction; everything that is read comes from one read
transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, text

from models.errors import Conflict, SessionNotFound
from models.heads import Head
from services.engine.context import Context
from services.store.journal import NOT_DELETED, PAGE_BYTES, PAGE_EVENTS, Append, EventPage, OnAppended
from services.store.sql.appends import FIND_KEYS, Appends, meaning
from services.store.sql.contexts import HEADS, context_of, head_row, session_row
from services.store.sql.database import Database
from services.store.sql.events import events_after
from services.store.sql.index import SearchIndex
from services.store.sql.writer import Bulk

DELETED_AT = text("SELECT deleted_at FROM sessions WHERE key = :key")
DROP_POSITIONS = text("DELETE FROM branch_messages WHERE branch IN :keys").bindparams(bindparam("keys", expanding=True))
DROPS = tuple(
    text(f"DELETE FROM {table} WHERE session = :key")  # noqa: S608 -- constants
    for table in ("events", "messages", "contexts", "branches", "runs", "approvals")
)
DROP_SESSION = text("DELETE FROM sessions WHERE key = :key")


class SqlJournal:
    """`append` needs a running loop."""

    def __init__(self, database: Database, index: SearchIndex) -> None:
        self._database = database
        self._index = index
        self._appends = Appends(database.dialect, index.statements)

    def append(self, append: Append, done: OnAppended) -> None:
        def told(_result: None, error: BaseException | None) -> None:
            if error is None:
                self._appends.keep(append)
            done(meaning(self._database.dialect, error))

        self._database.writer.submit(Bulk(self._appends.write, append, told))

    async def load(self, session_id: str) -> Context:
        async with self._database.read() as db:
            return await context_of(db, self._database.dialect, await session_row(db, session_id, deleted=True))

    async def heads(self, session_ids: Sequence[str]) -> dict[str, Head]:
        async with self._database.read() as db:
            found = (await db.execute(HEADS, {"ids": list(session_ids)})).all()
        return {each.id: Head(each.epoch, each.head) for each in found}

    async def since(
        self,
        session_id: str,
        after: int,
        *,
        limit: int = PAGE_EVENTS,
        limit_bytes: int = PAGE_BYTES,
        deleted: bool = False,
    ) -> EventPage:
        async with self._database.read() as db:
            row = await head_row(db, session_id, deleted=deleted)
            return await events_after(db, self._database.dialect, row, after, limit, limit_bytes)

    async def purge(self, session_id: str) -> None:
        await self._database.write(lambda connection: self._purge(connection, session_id))
        await self._index.sweep()

    def _purge(self, connection: Connection, session_id: str) -> None:
        found = connection.execute(FIND_KEYS, {"id": session_id}).all()
        if not found:
            raise SessionNotFound()
        key = found[0][0]
        if connection.execute(DELETED_AT, {"key": key}).scalar() is None:
            raise Conflict(NOT_DELETED)
        self._appends.forget(session_id)
        self._index.take_out(connection, key)
        connection.execute(DROP_POSITIONS, {"keys": [branch for _, _, branch in found]})
        for drop in (*DROPS, DROP_SESSION):
            connection.execute(drop, {"key": key})
