"""The full-text index as plain SQL sees it, and as it has to be: what a whole reading of the messages would give."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from models.search import INDEXED_MAX_CHARS
from models.words import spaced

Row = tuple[int, int, str, str]
"""(session's key, ordinal, words, facets)"""

INDEXED = (
    "SELECT d.session, d.ordinal, t.text, t.scope FROM search_text t JOIN search_docs d ON d.key = t.rowid "
    "ORDER BY d.session, d.ordinal"
)
TITLES = "SELECT s.key, 0, s.title, p.key FROM sessions s JOIN projects p ON p.id = s.project_id"
MESSAGES = (
    "SELECT m.session, m.ordinal, m.content, p.key, m.role, json_extract(m.header, '$.kind') FROM messages m "
    "JOIN sessions s ON s.key = m.session JOIN projects p ON p.id = s.project_id "
    "WHERE m.status != 'streaming' AND m.content != ''"
)


def assert_index_is_that_of_the_messages(database: Path) -> None:
    with closing(sqlite3.connect(database)) as db:
        indexed: list[Row] = db.execute(INDEXED).fetchall()
        (rows,) = db.execute("SELECT count(*) FROM search_text").fetchone()
        expected = [
            (key, ordinal, spaced(title), f"p{project} t") for key, ordinal, title, project in db.execute(TITLES)
        ]
        expected += [
            (key, ordinal, spaced(content[:INDEXED_MAX_CHARS]), f"p{project} r{role} k{kind.replace('_', '')}")
            for key, ordinal, content, project, role, kind in db.execute(MESSAGES)
        ]
        # The index's own view of its consistency.
        db.execute("INSERT INTO search_text (search_text) VALUES ('integrity-check')")
    assert [row for row in indexed if row[2]] == sorted(row for row in expected if row[2])
    assert rows == len(indexed)
