"""Alembic's environment: runs on the connection that the caller put into the config's attributes."""

from __future__ import annotations

from alembic import context

from models.tables import METADATA, is_declared

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    include_name=is_declared,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
