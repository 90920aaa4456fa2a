"""A deleted session is no project's current one: the versions that left it so until it was purged are behind."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

NO_LONGER_CURRENT = """
    UPDATE projects SET current_session_id = NULL, version = version + 1
    WHERE current_session_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM sessions WHERE id = current_session_id AND deleted_at IS NULL)
"""


def upgrade() -> None:
    op.execute(NO_LONGER_CURRENT)
