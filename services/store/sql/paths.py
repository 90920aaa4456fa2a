"""Messages by their positions: a range read in each branch that a path crosses, or in the whole session's pool."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from models.branches import Branch
from models.events import TRUNCATE_OVER_BYTES
from models.messages import Message
from services.engine.context import Context
from services.store.reads import PAGE_BODIES_BYTES
from services.store.sql.contexts import BRANCHES, message_of
from services.store.sql.dialect import Dialect

ON_PATH = (
    "FROM branch_messages b JOIN messages m ON m.session = :session AND m.ordinal = b.message "
    "WHERE b.branch = :branch AND b.position BETWEEN :low AND :high"
)
IN_POOL = "FROM messages WHERE session = :session AND ordinal BETWEEN :low AND :high"


@dataclass(frozen=True, slots=True)
class _Statements:
    size: TextClause
    whole: TextClause
    small: TextClause
    """Without the bodies that are too large to travel. What makes a header that long is its payload: an image, the
    arguments of a call."""


@cache
def _path(dialect: Dialect) -> _Statements:
    return _statements(dialect, ON_PATH, "b.position")


@cache
def _pool(dialect: Dialect) -> _Statements:
    return _statements(dialect, IN_POOL, "ordinal")


def _statements(dialect: Dialect, source: str, order: str) -> _Statements:
    small = (
        f"CASE WHEN size IS NOT NULL AND length(header) > {TRUNCATE_OVER_BYTES} "
        f"THEN {dialect.without('header', 'payload')} ELSE header END AS header, "
        "size, CASE WHEN size IS NULL THEN content END AS content"
    )
    return _Statements(
        text(f"SELECT coalesce(sum(size), 0) {source}"),
        text(f"SELECT header, size, content {source} ORDER BY {order}"),
        text(f"SELECT {small} {source} ORDER BY {order}"),
    )


async def path_messages(
    db: AsyncConnection,
    dialect: Dialect,
    key: int,
    context: Context,
    positions: range,
    *,
    branch: str | None = None,
    small: bool = False,
) -> list[Message]:
    """Those at ascending `positions` of a branch's path, the active one's when none is named: as much of them as a page
    may hold, with `small` never what is too large to travel."""
    statements = _path(dialect)
    keys = {each.name: each.key for each in (await db.execute(BRANCHES, {"session": key})).all()}
    wheres = [
        {"session": key, "branch": keys[name], "low": low, "high": high}
        for name, low, high in segments(context, branch or context.active_branch, positions)
    ]
    if not small:
        sizes = [(await db.execute(statements.size, where)).scalar_one() for where in wheres]
        small = sum(sizes) > PAGE_BODIES_BYTES
    statement = statements.small if small else statements.whole
    return [message_of(each) for where in wheres for each in (await db.execute(statement, where)).all()]


def segments(context: Context, branch: str, positions: range) -> list[tuple[str, int, int]]:
    """Which positions each branch itself holds, oldest first: [(branch, low, high)]."""
    if not positions:
        return []
    low, high = positions[0], positions[-1]
    found: list[tuple[str, int, int]] = []
    at: Branch | None = context.branches[branch]
    while at is not None and high >= low:
        if high > at.forked_at:
            found.append((at.name, max(low, at.forked_at + 1), high))
            high = at.forked_at
        at = context.branches[at.parent] if at.parent is not None else None
    return found[::-1]


async def pooled_messages(db: AsyncConnection, dialect: Dialect, key: int, ordinals: range) -> list[Message]:
    """The same of the session's pool."""
    if not ordinals:
        return []
    statements = _pool(dialect)
    where = {"session": key, "low": ordinals[0], "high": ordinals[-1]}
    size_bytes = (await db.execute(statements.size, where)).scalar_one()
    statement = statements.whole if size_bytes <= PAGE_BODIES_BYTES else statements.small
    return [message_of(each) for each in (await db.execute(statement, where)).all()]
