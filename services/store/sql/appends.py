"""The writing of appends, many per transaction: the guard counts the winners, and only theirs is written. Touched by
the writer's thread alone, but for `keep`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from models.branches import Branch
from models.errors import ClientMessageIdTaken, Fenced, ParleyError, ProjectNotFound, StaleHead
from models.events import BranchCreated
from models.ids import from_iso
from services.engine.context import Context
from services.store.journal import Append
from services.store.sql import statements
from services.store.sql.actors import ActorIndex
from services.store.sql.dialect import Dialect
from services.store.sql.known_keys import KnownKeys
from services.store.sql.rows import GUARDED, Keys, Row, Rows, as_json, context_values, guard_row, session_values
from services.store.sql.statements import CONTEXT, SESSION, columns_of, names_of


def _named(declared: str) -> str:
    return ", ".join(f":{name}" for name in columns_of(declared))


CREATE_SESSION = text(
    f"INSERT INTO sessions (id, project_id, epoch, head, created_at, {names_of(SESSION)}) "  # noqa: S608 -- constants
    f"VALUES (:id, :project_id, :epoch, :head, :created_at, {_named(SESSION)}) "
    "ON CONFLICT (id) DO NOTHING RETURNING key"
)
CREATE_CONTEXT = text(
    f"INSERT INTO contexts (session, {names_of(CONTEXT)}) VALUES (:session, {_named(CONTEXT)})"  # noqa: S608
)
CREATE_BRANCH = text(
    "INSERT INTO branches (session, name, parent, forked_at, length, created_at) "
    "VALUES (:session, :name, :parent, :forked_at, 0, :at) RETURNING key"
)
FIND_PROJECT = text("SELECT 1 FROM projects WHERE id = :id")
FIND_KEYS = text(
    "SELECT sessions.key, branches.name, branches.key FROM sessions JOIN branches ON branches.session = sessions.key "
    "WHERE sessions.id = :id"
)
WRITE_TEXTS = text(
    "UPDATE messages SET header = :header, content = :content WHERE session = :session AND ordinal = :ordinal"
)
FIND_HEAD = text("SELECT head FROM sessions WHERE key = :key")

AppendOutcome = ParleyError | None


@dataclass(slots=True)
class _Turn:
    """Appends of different sessions, which one guard can tell apart, by their places in the batch. Each gets keys, or
    the reason why it lost."""

    appends: dict[int, Append] = field(default_factory=dict)
    keys: dict[int, Keys] = field(default_factory=dict)
    lost: dict[int, ParleyError] = field(default_factory=dict)


class Appends:
    """`write` may raise IntegrityError for a key that is taken; then nothing of it may be kept."""

    def __init__(self, dialect: Dialect, index_statements: Sequence[tuple[str, str]]) -> None:
        self._guard, self._claim = statements.guard(dialect), statements.claim(dialect)
        self._statements = (*statements.projections(dialect), *index_statements)
        self._winning = statements.winners(dialect)
        self._actors = ActorIndex()
        self._keys = KnownKeys()
        # Whose keys were made by the transaction that is under way: it may yet be rolled back.
        self._uncertain: set[str] = set()

    def write(self, connection: Connection, appends: Sequence[Append]) -> list[AppendOutcome]:
        """In the caller's transaction. StaleHead, Fenced or ProjectNotFound is the outcome of who lost, and of nobody
        else."""
        self._uncertain.clear()
        if appends:
            self._keys.age(appends[0].after.updated_at)
        lost: dict[int, ParleyError] = {}
        for turn in _turns(appends):
            self._create(connection, turn)
            self._ask_guard(connection, turn)
            self._write_winners(connection, turn)
            lost |= turn.lost
        return [lost.get(place) for place in range(len(appends))]

    def keep(self, append: Append) -> None:
        """In the loop, once an append is durable."""
        self._actors.keep(append)

    def forget(self, session_id: str) -> None:
        self._keys.forget(session_id)

    def _create(self, connection: Connection, turn: _Turn) -> None:
        for place, append in turn.appends.items():
            if append.before is None:
                self._uncertain.add(append.after.session_id)
                created = _create(connection, append)
                if isinstance(created, Keys):
                    turn.keys[place] = created
                else:
                    turn.lost[place] = created

    def _ask_guard(self, connection: Connection, turn: _Turn) -> None:
        """Those who find their sessions as they had decided on win."""
        asking: dict[int, Keys] = {}
        for place, append in turn.appends.items():
            if append.before is not None:
                keys = self._keys_of(connection, append.after.session_id, append.before)
                if keys is not None:
                    asking[place] = keys
                else:
                    turn.lost[place] = StaleHead("The session is gone")
        if not asking:
            return
        won = self._winners(
            connection, [guard_row(turn.appends[place], each.session) for place, each in asking.items()]
        )
        for place, keys in asking.items():
            if keys.session in won:
                turn.keys[place] = keys
            else:
                turn.lost[place] = _why_refused(connection, turn.appends[place], keys.session)

    def _winners(self, connection: Connection, guards: list[Row]) -> set[int]:
        guards.sort()  # in the order of their keys: no two writers wait for each other's rows
        claims = [row for row in guards if len(row) > GUARDED]
        plain = [row for row in guards if len(row) == GUARDED] if claims else guards
        won: set[int] = set()
        for statement, rows in ((self._guard, plain), (self._claim, claims)):
            if rows and connection.exec_driver_sql(statement, (as_json(rows),)).rowcount == len(rows):
                won.update(row[0] for row in rows)
            elif rows:
                won.update(connection.exec_driver_sql(self._winning, (as_json(rows),)).scalars())
        return won

    def _write_winners(self, connection: Connection, turn: _Turn) -> None:
        rows = Rows(self._actors.keys_of(connection, [turn.appends[place] for place in turn.keys]))
        for place, keys in turn.keys.items():
            append = turn.appends[place]
            rows.add(append, self._with_new_branches(connection, append, keys))
        large = rows.take_large_texts()
        # Most transactions have words of replies and nothing else.
        for name, statement in self._statements if rows.are_more_than_words else self._statements[:1]:
            if pending := rows.of(name):
                connection.exec_driver_sql(statement, (as_json(pending),))
        for texts in large:
            connection.execute(WRITE_TEXTS, texts)

    def _keys_of(self, connection: Connection, session_id: str, before: Context) -> Keys | None:
        """None when the session is gone. What another process may have forked is looked up again."""
        keys = self._keys.get(session_id)
        if keys is not None and len(before.branches) <= len(keys.branches):
            return keys
        found = connection.execute(FIND_KEYS, {"id": session_id}).all()
        if not found:
            return None
        keys = Keys(found[0][0], {name: key for _, name, key in found})
        if session_id not in self._uncertain:
            self._keys.keep(session_id, keys)
        return keys

    def _with_new_branches(self, connection: Connection, append: Append, keys: Keys) -> Keys:
        if append.before is not None and append.before.branches is append.after.branches:
            return keys
        created = [event.body.branch for event in append.events if isinstance(event.body, BranchCreated)]
        if not created:
            return keys
        self._uncertain.add(append.after.session_id)
        self.forget(append.after.session_id)
        new = {branch.name: _create_branch(connection, keys.session, branch) for branch in created}
        return Keys(keys.session, keys.branches | new)


def _turns(appends: Sequence[Append]) -> list[_Turn]:
    """A session's appends come in different turns, in the order in which they were submitted."""
    if len({append.after.session_id for append in appends}) == len(appends):
        return [_Turn(dict(enumerate(appends)))]
    turns: list[_Turn] = []
    count: dict[str, int] = {}
    for place, append in enumerate(appends):
        session_id = append.after.session_id
        number = count.get(session_id, 0)
        count[session_id] = number + 1
        if number == len(turns):
            turns.append(_Turn())
        turns[number].appends[place] = append
    return turns


def meaning(dialect: Dialect, error: BaseException | None) -> BaseException | None:
    """A key that is taken as the condition that it means."""
    if not isinstance(error, IntegrityError):
        return error
    violated = dialect.violated(error)
    is_clients = "client_message_id" in violated or "ix_messages_client" in violated
    return ClientMessageIdTaken() if is_clients else StaleHead(violated)


def _create(connection: Connection, append: Append) -> Keys | ParleyError:
    context = append.after
    if connection.execute(FIND_PROJECT, {"id": context.project_id}).first() is None:
        # Deleted since the caller looked: inside this transaction nobody can be faster.
        return ProjectNotFound(field="projectId")
    values: dict[str, Any] = dict(zip(columns_of(SESSION), session_values(context), strict=True))
    values |= {"id": context.session_id, "project_id": context.project_id, "epoch": context.epoch}
    values |= {"head": context.head, "created_at": context.created_at}
    session = connection.execute(CREATE_SESSION, values).scalar()
    if session is None:
        return StaleHead()
    small = dict(zip(columns_of(CONTEXT), context_values(context), strict=True))
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
    key: int = connection.execute(CREATE_BRANCH, values).scalar_one()
    return key


def _why_refused(connection: Connection, append: Append, session: int) -> StaleHead | Fenced:
    head = connection.execute(FIND_HEAD, {"key": session}).scalar()
    expected = append.before.head if append.before is not None else None
    return Fenced() if head == expected else StaleHead()
