"""Where messages stand on the active branches of their sessions, for many messages of many sessions at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Row, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

BRANCHES = text(
    "WITH RECURSIVE path(session, key, parent, forked_at, low, high) AS ("
    "SELECT b.session, b.key, b.parent, b.forked_at, b.forked_at + 1, b.length FROM json_each(:sessions) wanted "
    "JOIN contexts c ON c.session = wanted.value JOIN branches b ON b.session = c.session AND b.name = c.active_branch "
    "UNION ALL "
    "SELECT b.session, b.key, b.parent, b.forked_at, b.forked_at + 1, min(path.forked_at, path.high) FROM path "
    "JOIN branches b ON b.session = path.session AND b.name = path.parent) "
    "SELECT session, key, low, high FROM path WHERE low <= high"
)
"""The parts of each active branch's path: which positions are held by which branch."""
AT_ORDINAL = text(
    "SELECT w.session, w.ordinal FROM (SELECT json_extract(value, '$[0]') AS session, "
    "json_extract(value, '$[1]') AS ordinal, json_extract(value, '$[2]') AS branch FROM json_each(:guesses)) w "
    "CROSS JOIN branch_messages b ON b.branch = w.branch AND b.position = w.ordinal AND b.message = w.ordinal"
)
"""Where nothing was ever forked or merged, the n-th message is the n-th of the session: no need to look for it."""
IN_PART = text(
    "SELECT message, position FROM branch_messages "
    "WHERE branch = :branch AND position BETWEEN :low AND :high AND message IN :ordinals"
).bindparams(bindparam("ordinals", expanding=True))
"""One pass over what a branch itself holds."""

PathPlace = tuple[int, int]
"""(session's key, ordinal)"""
PathPart = Row[Any]


async def positions_of(db: AsyncConnection, messages: Sequence[PathPlace]) -> dict[PathPlace, int]:
    """Positions count a path from 1. What is not on the active branch is left out."""
    if not messages:
        return {}
    sessions = orjson.dumps(sorted({session for session, _ in messages})).decode()
    parts: Sequence[PathPart] = (await db.execute(BRANCHES, {"sessions": sessions})).all()
    positions = await _at_their_ordinals(db, messages, parts)
    for part in parts:
        missing = [place for place in messages if place[0] == part.session and place not in positions]
        if missing:
            where = {"branch": part.key, "low": part.low, "high": part.high, "ordinals": [each[1] for each in missing]}
            found = (await db.execute(IN_PART, where)).all()
            positions |= {(part.session, row.message): row.position for row in found}
    return positions


async def _at_their_ordinals(
    db: AsyncConnection, messages: Sequence[PathPlace], parts: Sequence[PathPart]
) -> dict[PathPlace, int]:
    guesses = [
        [session, ordinal, part.key]
        for session, ordinal in messages
        for part in parts
        if part.session == session and part.low <= ordinal <= part.high
    ]
    found = await db.execute(AT_ORDINAL, {"guesses": orjson.dumps(guesses).decode()})
    return {(row.session, row.ordinal): row.ordinal for row in found.all()}
