"""Full-text search over titles and messages; what lists of sessions are sorted and filtered by."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from models.search import INDEXED_MAX_CHARS, KEY_BITS, LAST_MS
from models.words import fold, spaced

revision = "0004"
down_revision = "0003"

TITLES = "UPDATE sessions SET title_key = parley_fold(title)"
ARCHIVED = (
    "UPDATE sessions SET archived = 1 "
    "WHERE key IN (SELECT session FROM contexts WHERE json_extract(state, '$.name') = 'archived')"
)
INDEX = "CREATE VIRTUAL TABLE search_text USING fts5(text, scope, tokenize = 'ascii')"
KEYS = f"""
    INSERT INTO search_docs (key, session, ordinal)
    SELECT (at << {KEY_BITS}) + row_number() OVER (PARTITION BY at ORDER BY session, ordinal) - 1, session, ordinal
    FROM (
        SELECT max(0, min(created_at, {LAST_MS})) AS at, key AS session, 0 AS ordinal FROM sessions WHERE title != ''
        UNION ALL
        SELECT max(0, min(created_at, {LAST_MS})), session, ordinal FROM messages
        WHERE status != 'streaming' AND content != ''
    )
"""  # noqa: S608 -- constants
TEXTS = f"""
    INSERT INTO search_text (rowid, text, scope)
    SELECT
        d.key,
        parley_spaced(CASE WHEN d.ordinal = 0 THEN s.title ELSE substr(m.content, 1, {INDEXED_MAX_CHARS}) END),
        'p' || coalesce(p.key, 0) || CASE WHEN d.ordinal = 0 THEN ' t'
            ELSE ' r' || m.role || ' k' || replace(json_extract(m.header, '$.kind'), '_', '') END
    FROM search_docs d
    CROSS JOIN sessions s ON s.key = d.session
    LEFT JOIN projects p ON p.id = s.project_id
    LEFT JOIN messages m ON m.session = d.session AND m.ordinal = d.ordinal
    ORDER BY d.key
"""  # noqa: S608 -- constants


def upgrade() -> None:
    op.add_column("sessions", sa.Column("archived", sa.Boolean(), nullable=False, server_default="0"))
    op.add_column("sessions", sa.Column("title_key", sa.String(), nullable=False, server_default=""))
    op.create_index("ix_sessions_updated", "sessions", ["updated_at"])
    op.create_index("ix_sessions_created", "sessions", ["created_at"])
    op.create_table(
        "search_docs",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("session", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_search_docs_message", "search_docs", ["session", "ordinal"], unique=True)
    connection = op.get_bind()
    driver: Any = connection.connection.driver_connection
    driver.create_function("parley_fold", 1, fold, deterministic=True)
    driver.create_function("parley_spaced", 1, spaced, deterministic=True)
    for statement in (TITLES, ARCHIVED, INDEX, KEYS, TEXTS):
        connection.exec_driver_sql(statement)
