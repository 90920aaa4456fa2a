"""Approvals, grants, the open tool request; pins and plans of branches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "approvals",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("session", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("ix_approvals_session", "approvals", ["session", "state"])
    op.add_column("contexts", sa.Column("grants", sa.String(), nullable=False, server_default="[]"))
    op.add_column("branches", sa.Column("body", sa.Text(), nullable=False, server_default="{}"))
    with op.batch_alter_table("branches") as branches:
        branches.drop_column("system_prompt")
    op.add_column("contexts", sa.Column("request", sa.Integer(), nullable=True))
    op.add_column("contexts", sa.Column("workflow", sa.Integer(), nullable=True))
