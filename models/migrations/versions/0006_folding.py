"""Words are folded further: vowel points of Hebrew and Arabic, letters with a stroke; emoji are words. Everything that
was folded is folded anew."""

from __future__ import annotations

from typing import Any

from alembic import op

from models.search import INDEXED_MAX_CHARS
from models.words import fold, spaced

revision = "0006"
down_revision = "0005"

TITLES = "UPDATE sessions SET title_key = parley_fold(title)"
DROP = "DROP TABLE search_text"
INDEX = "CREATE VIRTUAL TABLE search_text USING fts5(text, scope, tokenize = 'ascii')"
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
    connection = op.get_bind()
    driver: Any = connection.connection.driver_connection
    driver.create_function("parley_fold", 1, fold, deterministic=True)
    driver.create_function("parley_spaced", 1, spaced, deterministic=True)
    for statement in (TITLES, DROP, INDEX, TEXTS):
        connection.exec_driver_sql(statement)
