"""The journal on SQLite: guarded appends, many per transaction.

Each table gets one statement per batch, with all rows as one JSON parameter. sqlite3 gives up the interpreter's lock
around every statement, and a busy event loop may take milliseconds to give it back: one statement for 200 rows waits
once, executemany waits 200 times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.exc import IntegrityError

from models.branches import Branch
from models.errors import (
    ClientMessageIdTaken,
    Conflict,
    Fenced,
    ProjectNotFound,
    SessionNotFound,
    StaleHead,
)
from models.events import BranchCreated
from models.heads import Head
from models.ids import from_iso
from services.engine.context import Context
from services.store.journal import NOT_DELETED, PAGE_BYTES, PAGE_EVENTS, Append, EventPage, OnAppended
from services.store.sql.rows import Keys, Row, Rows, as_json, context_values, session_values
from services.store.sql.writer import Bulk
from services.store.sqlite.actors import ActorIndex
from services.store.sqlite.contexts import HEADS, context_of, head_row, session_row
from services.store.sqlite.database import Database
from services.store.sqlite.events import events_after
from services.store.sqlite.index import INDEX_KEYS, INDEX_TEXTS, sweep_all, take_out

KEYS_KEPT = 100_000
"""Session keys remembered; then all are forgotten and looked up again."""


def _columns(count: int) -> str:
    return ", ".join(f"json_extract(value, '$[{index}]') AS c{index}" for index in range(count))


def _insert(table: str, columns: str) -> str:
    count = columns.count(",") + 1
    return f"INSERT INTO {table} ({columns}) SELECT {_columns(count)} FROM json_each(?)"  # noqa: S608 -- constants


def _update(table: str, keys: str, columns: str) -> str:
    """Updates `columns` of the rows found by `keys`, all bound as one JSON array of arrays, keys first."""
    key_names, names = keys.split(", "), columns.split(", ")
    sets = ", ".join(f"{name} = b.c{index + len(key_names)}" for index, name in enumerate(names))
    where = " AND ".join(f"{table}.{name} = b.c{index}" for index, name in enumerate(key_names))
    rows = f"SELECT {_columns(len(key_names) + len(names))} FROM json_each(?)"  # noqa: S608 -- constants
    return f"UPDATE {table} SET {sets} FROM ({rows}) AS b WHERE {where}"  # noqa: S608 -- constants


SESSION_COLUMNS = (
    "fence, title, state, updated_at, completed_at, deleted_at, message_count, pool_count, version, archived, title_key"
)
CONTEXT_COLUMNS = "state, mode, model, active_branch, usage, steered, grants, request, workflow"
GUARD = (
    f"UPDATE sessions SET head = b.c2 FROM (SELECT {_columns(4)} FROM json_each(?)) AS b "  # noqa: S608 -- constants
    "WHERE sessions.key = b.c0 AND sessions.head = b.c1 AND (b.c3 IS NULL OR sessions.fence = b.c3)"
)
STATEMENTS: tuple[tuple[str, str], ...] = (
    ("events", _insert("events", "session, seq, code, at, message, sequence, data, by")),
    ("sessions", _update("sessions", "key", SESSION_COLUMNS)),
    ("contexts", _update("contexts", "session", CONTEXT_COLUMNS)),
    (
        "messages",
        _insert(
            "messages",
            "session, ordinal, id, seq, role, status, author, client_message_id, created_at, size, header, content",
        ),
    ),
    ("bodies", _update("messages", "session, ordinal", "status, size, header, content")),
    ("headers", _update("messages", "session, ordinal", "status, header")),
    ("positions", _insert("branch_messages", "branch, position, message")),
    ("branches", _update("branches", "key", "length, body")),
    ("runs_new", _insert("runs", "session, id, state, attempt, body")),
    ("runs", _update("runs", "id", "state, attempt, body")),
    ("approvals_new", _insert("approvals", "session, id, state, body")),
    ("approvals", _update("approvals", "id", "state, body")),
    ("leases", _update("runs", "id", "lease_owner, lease_expires_at")),
    ("docs", INDEX_KEYS),
    ("texts", INDEX_TEXTS),
)
"""Field of Rows and its statement, in the order of execution. A run is queued by an insert and started by an update,
so `runs_new` comes before `runs`."""

CREATE_SESSION = text(
    f"INSERT INTO sessions (id, project_id, epoch, head, created_at, {SESSION_COLUMNS}) "  # noqa: S608 -- constants
    "VALUES (:id, :project_id, :epoch, :head, :created_at, :fence, :title, :state, :updated_at, :completed_at, "
    ":deleted_at, :message_count, :pool_count, :version, :archived, :title_key)"
)
CREATE_CONTEXT = text(
    f"INSERT INTO contexts (session, {CONTEXT_COLUMNS}) "  # noqa: S608 -- constants
    "VALUES (:session, :state, :mode, :model, :active_branch, :usage, :steered, :grants, :request, :workflow)"
)
CREATE_BRANCH = text(
    "INSERT INTO branches (session, name, parent, forked_at, length, created_at) "
    "VALUES (:session, :name, :parent, :forked_at, 0, :at)"
)
FIND_PROJECT = text("SELECT 1 FROM projects WHERE id = :id")
FIND_KEYS = text(
    "SELECT sessions.key, branches.name, branches.key FROM sessions JOIN branches ON branches.session = sessions.key "
    "WHERE sessions.id = :id"
)
TABLES_OF_SESSION = ("events", "messages", "contexts", "branches", "runs", "approvals")


class SqliteJournal:
    """`append` needs a running loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Touched by the writer thread only.
        self._keys: dict[str, Keys] = {}
        self._actors = ActorIndex()

    def append(self, append: Append, done: OnAppended) -> None:
        def told(_result: None, error: BaseException | None) -> None:
            if error is None:
                self._actors.keep(append)
            done(_meaning(error))

        self._database.writer.submit(Bulk(self._write, append, told))

    async def load(self, session_id: str) -> Context:
        async with self._database.read() as db:
            return await context_of(db, await session_row(db, session_id, deleted=True))

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
            return await events_after(db, row, after, limit, limit_bytes)

    async def purge(self, session_id: str) -> None:
        await self._database.write(lambda connection: self._purge(connection, session_id))
        await sweep_all(self._database)

    def _write(self, connection: Connection, appends: Sequence[Append]) -> None:
        """One transaction's appends. Raises StaleHead or Fenced when a guard fails; then nothing may be kept."""
        rows = Rows(self._actors.keys_of(connection, appends))
        for append in appends:
            rows.add(append, self._with_new_branches(connection, append, self._keys_of(connection, append)))
        if rows.guards:
            updated = connection.exec_driver_sql(GUARD, (as_json(rows.guards),)).rowcount
            if updated != len(rows.guards):
                raise _why_refused(connection, rows.guards[0]) if len(rows.guards) == 1 else StaleHead()
        for name, statement in STATEMENTS:
            if pending := rows.of(name):
                connection.exec_driver_sql(statement, (as_json(pending),))

    def _keys_of(self, connection: Connection, append: Append) -> Keys:
        if append.before is None:
            return _create(connection, append)
        session_id = append.after.session_id
        keys = self._keys.get(session_id)
        if keys is None:
            found = connection.execute(FIND_KEYS, {"id": session_id}).all()
            if not found:
                raise StaleHead("The session is gone")
            if len(self._keys) >= KEYS_KEPT:
                self._keys.clear()
            keys = self._keys[session_id] = Keys(found[0][0], {name: key for _, name, key in found})
        return keys

    def _with_new_branches(self, connection: Connection, append: Append, keys: Keys) -> Keys:
        """Forks get their keys here. They are not remembered: the transaction may yet be rolled back."""
        created = [event.body.branch for event in append.events if isinstance(event.body, BranchCreated)]
        if not created:
            return keys
        self._keys.pop(append.after.session_id, None)
        new = {branch.name: _create_branch(connection, keys.session, branch) for branch in created}
        return Keys(keys.session, keys.branches | new)

    def _purge(self, connection: Connection, session_id: str) -> None:
        found = connection.execute(FIND_KEYS, {"id": session_id}).all()
        if not found:
            raise SessionNotFound()
        deleted = connection.execute(text("SELECT deleted_at FROM sessions WHERE key = :key"), {"key": found[0][0]})
        if deleted.scalar() is None:
            raise Conflict(NOT_DELETED)
        self._keys.pop(session_id, None)
        take_out(connection, found[0][0])
        branches = [key for _, _, key in found]
        connection.execute(
            text("DELETE FROM branch_messages WHERE branch IN :keys").bindparams(bindparam("keys", expanding=True)),
            {"keys": branches},
        )
        for table in TABLES_OF_SESSION:
            connection.execute(text(f"DELETE FROM {table} WHERE session = :key"), {"key": found[0][0]})  # noqa: S608
        connection.execute(text("DELETE FROM sessions WHERE key = :key"), {"key": found[0][0]})
        connection.execute(
            text("UPDATE projects SET current_session_id = NULL WHERE current_session_id = :id"), {"id": session_id}
        )


def _create(connection: Connection, append: Append) -> Keys:
    context = append.after
    if connection.execute(FIND_PROJECT, {"id": context.project_id}).first() is None:
        # Deleted since the caller looked: inside this transaction nobody can be faster.
        raise ProjectNotFound(field="projectId")
    values: dict[str, Any] = dict(zip(SESSION_COLUMNS.split(", "), session_values(context), strict=True))
    values |= {"id": context.session_id, "project_id": context.project_id, "epoch": context.epoch}
    values |= {"head": context.head, "created_at": context.created_at}
    session = connection.execute(CREATE_SESSION, values).lastrowid
    small = dict(zip(CONTEXT_COLUMNS.split(", "), context_values(context), strict=True))
    connection.execute(CREATE_CONTEXT, {"session": session, **small})
    return Keys(session, {context.active_branch: _create_branch(connection, session, context.branch)})


def _create_branch(connection: Connection, session: int, branch: Branch) -> int:
    values = {
        "session": session,
        "name": branch.name,
        "parent": branch.parent,
        "forked_at": branch.forked_at,
        "at": from_iso(branch.created_at_utc),
    }
    key: int = connection.execute(CREATE_BRANCH, values).lastrowid
    return key


def _why_refused(connection: Connection, guard: Row) -> StaleHead | Fenced:
    key, expected, _, fence = guard
    row = connection.execute(text("SELECT head, fence FROM sessions WHERE key = :key"), {"key": key}).first()
    if row is None or row.head != expected or fence is None:
        return StaleHead()
    return Fenced()


def _meaning(error: BaseException | None) -> BaseException | None:
    """A broken unique key as the condition that it means."""
    if not isinstance(error, IntegrityError):
        return error
    return ClientMessageIdTaken() if "client_message_id" in str(error.orig) else StaleHead(str(error.orig))
