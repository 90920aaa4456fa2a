"""The writing half of the full-text index: rows for what is complete, in the transaction that completes it, and none
for what was purged. Their keys are told in models.search, the tables in models.tables."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection, text

from models.errors import StorageUnavailable
from models.search import KEY_BITS
from services.store.sqlite.database import Database

SWEPT_AT_ONCE = 500
"""Rows that leave the index in one transaction: about 15 ms of the writer's time."""
IN_THE_SAME_MS = f"WHERE d.key >= r.first AND d.key < r.first + (1 << {KEY_BITS})"
INDEX_KEYS = f"""
    INSERT INTO search_docs (key, session, ordinal)
    SELECT
        coalesce((SELECT max(d.key) + 1 FROM search_docs d {IN_THE_SAME_MS}), r.first)
            + row_number() OVER (PARTITION BY r.first ORDER BY r.session, r.ordinal) - 1,
        r.session, r.ordinal
    FROM (
        SELECT json_extract(value, '$[0]') AS session, json_extract(value, '$[1]') AS ordinal,
            json_extract(value, '$[2]') AS first
        FROM json_each(?)
    ) r
    WHERE true ON CONFLICT (session, ordinal) DO NOTHING
"""  # noqa: S608 -- constants
"""What is indexed anew keeps its key; what is new takes the next one of its millisecond."""
INDEX_TEXTS = """
    INSERT OR REPLACE INTO search_text (rowid, text, scope)
    SELECT d.key, r.text, 'p' || coalesce(p.key, 0) || ' ' || r.facets
    FROM (
        SELECT json_extract(value, '$[0]') AS session, json_extract(value, '$[1]') AS ordinal,
            json_extract(value, '$[2]') AS text, json_extract(value, '$[3]') AS facets
        FROM json_each(?)
    ) r
    CROSS JOIN search_docs d ON d.session = r.session AND d.ordinal = r.ordinal
    CROSS JOIN sessions s ON s.key = r.session
    LEFT JOIN projects p ON p.id = s.project_id
    ORDER BY d.key
"""
"""In the order of their keys: the index writes a segment of its own for each step back."""
DROP = "DELETE FROM search_text WHERE rowid IN (SELECT key FROM search_docs WHERE {where})"
FORGET = "DELETE FROM search_docs WHERE {where}"
LEFT_BEHIND = text("UPDATE search_docs SET session = -session WHERE session = :session")
SWEEP = "key IN (SELECT key FROM search_docs WHERE session < 0 ORDER BY session LIMIT :count)"


class SqliteIndex:
    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def statements(self) -> tuple[tuple[str, str], ...]:
        return (("docs", INDEX_KEYS), ("texts", INDEX_TEXTS))

    def take_out(self, connection: Connection, session: int) -> None:
        """From now on nothing of a session is found; `sweep` does the rest. Keys of sessions are used again, so what an
        earlier one with this key left behind goes first."""
        for statement in (DROP, FORGET):
            connection.execute(text(statement.format(where="session = -:session")), {"session": session})
        connection.execute(LEFT_BEHIND, {"session": session})

    async def sweep(self) -> None:
        """A little at a time, so that nobody's append waits for it. What was purged can't be found any more: while the
        storage is in trouble the rest may wait for the next purge or start."""
        with suppress(StorageUnavailable):
            while await self._database.write(sweep_some):
                pass


def sweep_some(connection: Connection) -> int:
    """Takes some of what was purged out of the index. Returns how many rows; 0 when nothing is left."""
    connection.execute(text(DROP.format(where=SWEEP)), {"count": SWEPT_AT_ONCE})
    return connection.execute(text(FORGET.format(where=SWEEP)), {"count": SWEPT_AT_ONCE}).rowcount
