"""The SQL tables. Projections are derived from `events` and can be rebuilt; records (projects, user states, leases)
can't.

A table class does not validate: rows are made by `services` from values that were parsed before.
"""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel


class ProjectRow(SQLModel, table=True):
    """Record. `key` orders by creation."""

    __tablename__ = "projects"
    key: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    name: str
    current_session_id: str | None = None
    created_at: int
    version: int = 1


class SessionRow(SQLModel, table=True):
    """Projection. `fence` is `run/attempt` of the active run, null without one: the guard of every run's write.
    `title_key` is the folded title, which lists are sorted and filtered by."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("ix_sessions_project", "project_id", "updated_at"),
        Index("ix_sessions_state", "state", "updated_at"),
        Index("ix_sessions_updated", "updated_at"),
        Index("ix_sessions_created", "created_at"),
    )
    key: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    project_id: str
    epoch: str
    head: int
    fence: str | None = None
    title: str
    state: str
    created_at: int
    updated_at: int
    completed_at: int | None = None
    deleted_at: int | None = None
    message_count: int
    pool_count: int
    version: int
    archived: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    title_key: str = Field(default="", sa_column_kwargs={"server_default": ""})


class ContextRow(SQLModel, table=True):
    """Projection: what is small and often written. `state`, `usage` and `grants` are JSON, `request` and
    `workflow` are the ordinals of the messages of those that are open (of requests, the first: the others follow)."""

    __tablename__ = "contexts"
    session: int = Field(primary_key=True)
    state: str
    mode: str
    model: str
    active_branch: str
    usage: str
    steered: int = 0
    grants: str = Field(default="[]", sa_column_kwargs={"server_default": "[]"})
    request: int | None = None
    workflow: int | None = None


class EventRow(SQLModel, table=True):
    """The journal. A delta's `data` is its bare text, with `message` (ordinal) and `sequence` beside it; every other
    event's is the JSON of its body without the text of its message, which lives in `messages.content`; there
    `sequence` is the message's size in bytes when it is too large to travel in an event. `by` is the key of an actor,
    null in rows that are older than actors."""

    __tablename__ = "events"
    __table_args__: ClassVar[dict[str, bool]] = {"sqlite_with_rowid": False}
    session: int = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    code: int
    at: int
    message: int | None = None
    sequence: int | None = None
    data: str = Field(sa_column=Column(Text, nullable=False))
    by: int | None = None


class ActorRow(SQLModel, table=True):
    """Record: who events are by. `on_behalf_of` is empty for who acts for nobody else."""

    __tablename__ = "actors"
    __table_args__ = (UniqueConstraint("id", "name", "kind", "on_behalf_of", name="uq_actors"),)
    key: int | None = Field(default=None, primary_key=True)
    id: str
    name: str
    kind: str
    on_behalf_of: str


class MessageRow(SQLModel, table=True):
    """Projection. `content` is written once; `header` is the message's JSON without it. `seq` is that of its
    message.created, `size` its bytes when it is too large to travel in a snapshot. It keeps its rowid: bodies may be
    large, and rows without one live inside the key's tree."""

    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_id", "session", "id", unique=True),
        Index(
            "ix_messages_client",
            "session",
            "author",
            "client_message_id",
            unique=True,
            sqlite_where=text("client_message_id IS NOT NULL"),
            postgresql_where=text("client_message_id IS NOT NULL"),
        ),
    )
    session: int = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    id: str
    seq: int
    role: str
    status: str
    author: str
    client_message_id: str | None = None
    created_at: int
    size: int | None = None
    header: str = Field(sa_column=Column(Text, nullable=False))
    content: str = Field(sa_column=Column(Text, nullable=False))


class BranchRow(SQLModel, table=True):
    """Projection. `length` counts the whole path, the parent's part included; `body` is the branch's JSON."""

    __tablename__ = "branches"
    __table_args__ = (Index("ix_branches_name", "session", "name", unique=True),)
    key: int | None = Field(default=None, primary_key=True)
    session: int
    name: str
    parent: str | None = None
    forked_at: int = 0
    length: int = 0
    body: str = Field(default="{}", sa_column=Column(Text, nullable=False, server_default="{}"))
    created_at: int


class BranchMessageRow(SQLModel, table=True):
    """Projection: what a branch added itself, by position on its path (from 1). `message` is an ordinal."""

    __tablename__ = "branch_messages"
    __table_args__: ClassVar[dict[str, bool]] = {"sqlite_with_rowid": False}
    branch: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    message: int


class RunRow(SQLModel, table=True):
    """Projection of the runs' outcomes, and record of their leases (`lease_*`), which only the owner renews."""

    __tablename__ = "runs"
    __table_args__ = (
        Index(
            "ix_runs_active",
            "session",
            unique=True,
            sqlite_where=text("state IN ('running', 'awaiting_input')"),
            postgresql_where=text("state IN ('running', 'awaiting_input')"),
        ),
        Index("ix_runs_session", "session", "key"),
        CheckConstraint("attempt >= 0", name="ck_runs_attempt"),
    )
    key: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    session: int
    state: str
    attempt: int
    body: str = Field(sa_column=Column(Text, nullable=False))
    lease_owner: str | None = None
    lease_expires_at: int | None = None


class ApprovalRow(SQLModel, table=True):
    """Projection. `key` orders by request; `body` is the approval's JSON."""

    __tablename__ = "approvals"
    __table_args__ = (Index("ix_approvals_session", "session", "state"),)
    key: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    session: int
    state: str
    body: str = Field(sa_column=Column(Text, nullable=False))


class UserStateRow(SQLModel, table=True):
    """Record. `body` is the JSON of what the user may write; who never wrote has no row."""

    __tablename__ = "user_states"
    user_id: str = Field(primary_key=True)
    version: int
    updated_at: int
    body: str = Field(sa_column=Column(Text, nullable=False))


class SearchDocRow(SQLModel, table=True):
    """Projection: what the full-text index holds, a title (`ordinal` 0) or a message. `key` begins with the instant of
    its creation (`models.search`), so that the index can be read by time. A negative `session` was purged, and its rows
    wait to be taken out of the index. The index itself is the virtual table `search_text(text, scope)` with the same
    rowids: folded words, and the facets that every query may name."""

    __tablename__ = "search_docs"
    __table_args__ = (Index("ix_search_docs_message", "session", "ordinal", unique=True),)
    key: int | None = Field(default=None, primary_key=True)
    session: int
    ordinal: int


class MetaRow(SQLModel, table=True):
    """Record: facts about the database itself."""

    __tablename__ = "meta"
    name: str = Field(primary_key=True)
    value: str


METADATA = SQLModel.metadata
SEARCH_TEXT = "search_text"


def is_declared(name: str | None, kind: str, _parents: object) -> bool:
    """For Alembic's comparison: the full-text index and its shadow tables are made by hand."""
    return not (kind == "table" and (name or "").startswith(SEARCH_TEXT))
