"""Where messages stand on the active branches of their sessions, for many messages of many sessions at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Row, TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.sql.dialect import Dialect


@cache
def _parts(dialect: Dialect) -> TextClause:
    """The parts of each active branch's path: which positions are held by which branch."""
    return text(
        "WITH RECURSIVE path(session, key, parent, forked_at, low, high) AS ("  # noqa: S608 -- constants
        "SELECT b.session, b.key, b.parent, b.forked_at, b.forked_at + 1, b.length "
        f"FROM ({dialect.rows(['bigint'], ':sessions')}) wanted "
        "JOIN contexts c ON c.session = wanted.c0 "
        "JOIN branches b ON b.session = c.session AND b.name = c.active_branch "
        "UNION ALL "
        "SELECT b.session, b.key, b.parent, b.forked_at, b.forked_at + 1, "
        "CASE WHEN path.forked_at < path.high THEN path.forked_at ELSE path.high END FROM path "
        "JOIN branches b ON b.session = path.session AND b.name = path.parent) "
        "SELECT session, key, low, high FROM path WHERE low <= high"
    )


@cache
def _at_ordinal(dialect: Dialect) -> TextClause:
    """Where nothing was ever forked or merged, the n-th message is the n-th of the session: no need to look for it."""
    return text(
        f"SELECT w.c0 AS session, w.c1 AS ordinal FROM ({dialect.rows(['bigint'] * 3, ':guesses')}) w "  # noqa: S608
        "CROSS JOIN branch_messages b WHERE b.branch = w.c2 AND b.position = w.c1 AND b.message = w.c1"
    )


IN_PART = text(
    "SELECT message, position FROM branch_messages "
    "WHERE branch = :branch AND position BETWEEN :low AND :high AND message IN :ordinals"
).bindparams(bindparam("ordinals", expanding=True))
"""One pass over what a branch itself holds."""

PathPlace = tuple[int, int]
"""(session's key, ordinal)"""
PathPart = Row[Any]


async def positions_of(db: AsyncConnection, dialect: Dialect, messages: Sequence[PathPlace]) -> dict[PathPlace, int]:
    """Positions count a path from 1. What is not on the active branch is left out."""
    if not messages:
        return {}
    sessions = orjson.dumps([[session] for session in sorted({session for session, _ in messages})]).decode()
    parts: Sequence[PathPart] = (await db.execute(_parts(dialect), {"sessions": sessions})).all()
    positions = await _at_their_ordinals(db, dialect, messages, parts)
    for part in parts:
        missing = [place for place in messages if place[0] == part.session and place not in positions]
        if missing:
            where = {"branch": part.key, "low": part.low, "high": part.high, "ordinals": [each[1] for each in missing]}
            found = (await db.execute(IN_PART, where)).all()
            positions |= {(part.session, row.message): row.position for row in found}
    return positions


async def _at_their_ordinals(
    db: AsyncConnection, dialect: Dialect, messages: Sequence[PathPlace], parts: Sequence[PathPart]
) -> dict[PathPlace, int]:
    guesses = [
        [session, ordinal, part.key]
        for session, ordinal in messages
        for part in parts
        if part.session == session and part.low <= ordinal <= part.high
    ]
    found = await db.execute(_at_ordinal(dialect), {"guesses": orjson.dumps(guesses).decode()})
    return {(row.session, row.ordinal): row.ordinal for row in found.all()}
