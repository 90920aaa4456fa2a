"""Where messages stand on the active branches of their sessions, for many messages of many sessions at once."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from sqlalchemy import text
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
WANTED = (
    "SELECT json_extract(value, '$[0]') AS session, json_extract(value, '$[1]') AS ordinal, "
    "json_extract(value, '$[2]') AS branch, json_extract(value, '$[3]') AS low, json_extract(value, '$[4]') AS high "
    "FROM json_each(:wanted)"
)
FOUND = (
    f"SELECT w.session, w.ordinal, b.position FROM ({WANTED}) w CROSS JOIN branch_messages b "  # noqa: S608 -- constants
    "ON b.branch = w.branch AND {} AND b.message = w.ordinal"
)
AT_ORDINAL = text(FOUND.format("b.position = w.ordinal AND w.ordinal BETWEEN w.low AND w.high"))
"""Where nothing was ever forked or merged, the n-th message is the n-th of the session: no need to look for it."""
ANYWHERE = text(FOUND.format("b.position BETWEEN w.low AND w.high"))

Place = tuple[int, int]
"""(session's key, ordinal)"""


async def positions_of(db: AsyncConnection, messages: Sequence[Place]) -> dict[Place, int]:
    """Positions count a path from 1. What is not on the active branch is left out."""
    if not messages:
        return {}
    sessions = orjson.dumps(sorted({session for session, _ in messages})).decode()
    parts = (await db.execute(BRANCHES, {"sessions": sessions})).all()
    positions: dict[Place, int] = {}
    for statement in (AT_ORDINAL, ANYWHERE):
        wanted = [
            [*message, part.key, part.low, part.high]
            for message in messages
            if message not in positions
            for part in parts
            if part.session == message[0]
        ]
        if wanted:
            found = await db.execute(statement, {"wanted": orjson.dumps(wanted).decode()})
            positions |= {(row.session, row.ordinal): row.position for row in found.all()}
    return positions
