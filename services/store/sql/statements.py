"""The statements of an append and their order. Each table gets one per batch, with all rows as one JSON parameter: a
driver may give up the interpreter's lock around every statement, and a busy event loop may take milliseconds to give
it back. One statement for 200 rows waits once, 200 statements wait 200 times."""

from __future__ import annotations

from functools import cache

from services.store.sql.dialect import Dialect

EVENT = "session bigint, seq bigint, code bigint, at bigint, message bigint, sequence bigint, data text, by bigint"
SESSION = (
    "fence text, title text, state text, updated_at bigint, completed_at bigint, deleted_at bigint, "
    "message_count bigint, pool_count bigint, version bigint, archived boolean, title_key text"
)
CONTEXT = (
    "state text, mode text, model text, active_branch text, usage text, steered bigint, grants text, "
    "request bigint, workflow bigint"
)
MESSAGE = (
    "session bigint, ordinal bigint, id text, seq bigint, role text, status text, author text, "
    "client_message_id text, created_at bigint, size bigint, header text, content text"
)
ACTIVE = "('running', 'awaiting_input')"
"""The states of a run that somebody has to work on; the partial index of active runs names the same."""
AS_IT_WAS = "sessions.key = b.c0 AND sessions.head = b.c1 AND (b.c3 IS NULL OR sessions.fence = b.c3)"
"""What every append has decided on: the head, and for a run's own write its fence."""


def columns_of(declared: str) -> dict[str, str]:
    """Names and SQL types, as they are declared above."""
    return dict(each.split(" ") for each in declared.split(", "))


def names_of(declared: str) -> str:
    return ", ".join(columns_of(declared))


def insert(dialect: Dialect, table: str, declared: str) -> str:
    rows = dialect.rows(list(columns_of(declared).values()), dialect.parameter)
    return f"INSERT INTO {table} ({names_of(declared)}) {rows}"


def update(dialect: Dialect, table: str, keys: str, declared: str, *, where: str = "") -> str:
    """Updates the columns of the rows found by `keys`, which come first in each row."""
    found, changed = columns_of(keys), columns_of(declared)
    sets = ", ".join(f"{name} = b.c{index}" for index, name in enumerate(changed, len(found)))
    wheres = " AND ".join(f"{table}.{name} = b.c{index}" for index, name in enumerate(found))
    rows = dialect.rows([*found.values(), *changed.values()], dialect.parameter)
    return f"UPDATE {table} SET {sets} FROM ({rows}) AS b WHERE {wheres}{where}"  # noqa: S608 -- constants


@cache
def guard(dialect: Dialect) -> str:
    """Rows of [session, expected head, new head, fence], one per session. Counts the sessions that were as they had to
    be; they have their new heads. Nothing is returned: the interpreter's lock would be given up for each row."""
    rows = dialect.rows(["bigint", "bigint", "bigint", "text"], dialect.parameter)
    return f"UPDATE sessions SET head = b.c2 FROM ({rows}) AS b WHERE {AS_IT_WAS}"  # noqa: S608


@cache
def claim(dialect: Dialect) -> str:
    """The guard of those who claim a run: rows of [session, expected head, new head, fence, owner, instant]. Nobody
    else may have a lease that lasts."""
    held = (
        f"EXISTS (SELECT 1 FROM runs WHERE runs.session = b.c0 AND runs.state IN {ACTIVE} "  # noqa: S608 -- constants
        "AND runs.lease_owner <> b.c4 AND runs.lease_expires_at > b.c5)"
    )
    rows = dialect.rows(["bigint", "bigint", "bigint", "text", "text", "bigint"], dialect.parameter)
    where = f"{AS_IT_WAS} AND NOT {held}"
    return f"UPDATE sessions SET head = b.c2 FROM ({rows}) AS b WHERE {where}"  # noqa: S608 -- constants


@cache
def winners(dialect: Dialect) -> str:
    """After a guard that did not count all of its rows: those that won. Whoever has the new head without its event has
    just been given it."""
    rows = dialect.rows(["bigint", "bigint", "bigint"], dialect.parameter)
    return (
        f"SELECT b.c0 FROM ({rows}) AS b JOIN sessions s ON s.key = b.c0 AND s.head = b.c2 "  # noqa: S608 -- constants
        "WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.session = b.c0 AND e.seq = b.c2)"
    )


@cache
def renewal(dialect: Dialect) -> str:
    """Rows of [run, owner, until]. Returns the runs that are active and the owner's."""
    where = f" AND runs.state IN {ACTIVE} RETURNING id"
    return update(dialect, "runs", "id text, lease_owner text", "lease_expires_at bigint", where=where)


@cache
def not_current(dialect: Dialect) -> str:
    """Rows of [session id]. Deleted sessions are no project's current one, and who read that they were is told."""
    rows = dialect.rows(["text"], dialect.parameter)
    return (
        "UPDATE projects SET current_session_id = NULL, version = version + 1 "  # noqa: S608 -- constants
        f"FROM ({rows}) AS b WHERE projects.current_session_id = b.c0"
    )


@cache
def projections(dialect: Dialect) -> tuple[tuple[str, str], ...]:
    """Field of Rows and its statement, in the order of execution. A run is queued by an insert and started by an
    update, so `runs_new` comes before `runs`."""
    return (
        (
            "events",
            insert(
                dialect,
                "events",
                EVENT,
            ),
        ),
        ("sessions", update(dialect, "sessions", "key bigint", SESSION)),
        ("contexts", update(dialect, "contexts", "session bigint", CONTEXT)),
        ("messages", insert(dialect, "messages", MESSAGE)),
        (
            "bodies",
            update(
                dialect,
                "messages",
                "session bigint, ordinal bigint",
                "status text, size bigint, header text, content text",
            ),
        ),
        ("headers", update(dialect, "messages", "session bigint, ordinal bigint", "status text, header text")),
        ("positions", insert(dialect, "branch_messages", "branch bigint, position bigint, message bigint")),
        ("branches", update(dialect, "branches", "key bigint", "length bigint, body text")),
        ("runs_new", insert(dialect, "runs", "session bigint, id text, state text, attempt bigint, body text")),
        ("runs", update(dialect, "runs", "id text", "state text, attempt bigint, body text")),
        ("approvals_new", insert(dialect, "approvals", "session bigint, id text, state text, body text")),
        ("approvals", update(dialect, "approvals", "id text", "state text, body text")),
        ("leases", update(dialect, "runs", "id text", "lease_owner text, lease_expires_at bigint")),
        ("not_current", not_current(dialect)),
    )
