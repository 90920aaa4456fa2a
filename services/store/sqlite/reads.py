"""What is read of sessions, in SQL: one short read transaction per request, head and rows from the same one."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from models.approvals import Approval
from models.branches import Branch
from models.errors import BranchNotFound, MessageNotFound
from models.events import TRUNCATE_OVER_BYTES
from models.ids import EpochMs
from models.messages import Message
from models.runs import Run
from models.session import Session
from models.snapshot import Snapshot
from services.engine.context import Context
from services.engine.snapshot import SNAPSHOT_MESSAGES, snapshot_of, so_far
from services.store.journal import PAGE_EVENTS
from services.store.lists import EVERYTHING, SessionPage, SessionQuery
from services.store.reads import (
    PAGE_BODIES_BYTES,
    Chunk,
    ChunkPage,
    MessagePage,
    MessageQuery,
    SentMessage,
    check_batch,
    page_positions,
)
from services.store.sqlite.contexts import (
    BRANCHES,
    DELTAS,
    MESSAGE,
    Found,
    context_of,
    delta_range,
    head_row,
    message_of,
    session_row,
)
from services.store.sqlite.database import Database
from services.store.sqlite.lists import list_sessions, session_of_row

APPROVALS = text("SELECT body FROM approvals WHERE session = :session ORDER BY key")
RUNS = text("SELECT body FROM runs WHERE session = :session ORDER BY key")
LAST_DELTA = text(
    "SELECT max(sequence) FROM events "
    "WHERE session = :session AND seq > :from_seq AND code = :delta AND message = :ordinal"
)
PATH_MESSAGES = (
    "SELECT {} FROM branch_messages b "
    "JOIN messages m ON m.session = :session AND m.ordinal = b.message "
    "WHERE b.branch = :branch AND b.position BETWEEN :low AND :high ORDER BY b.position"
)
POOLED_MESSAGES = "SELECT {} FROM messages WHERE session = :session AND ordinal BETWEEN :low AND :high ORDER BY ordinal"
WHOLE = "header, size, content"
SMALL = (
    f"CASE WHEN size IS NOT NULL AND length(header) > {TRUNCATE_OVER_BYTES} "
    "THEN json_set(header, '$.payload', NULL) ELSE header END AS header, "
    "size, CASE WHEN size IS NULL THEN content END AS content"
)
"""Without the bodies that are too large to travel. What makes a header that long is its payload: an image, the
arguments of a call."""
SIZE = "coalesce(sum(size), 0)"
WHOLE_PATH = text(PATH_MESSAGES.format(WHOLE))
SMALL_PATH = text(PATH_MESSAGES.format(SMALL))
SIZE_OF_PATH = text(PATH_MESSAGES.format(SIZE))
WHOLE_POOL = text(POOLED_MESSAGES.format(WHOLE))
SMALL_POOL = text(POOLED_MESSAGES.format(SMALL))
SIZE_OF_POOL = text(POOLED_MESSAGES.format(SIZE))
MESSAGES_BY_ID = text(
    "SELECT id, header, size, content FROM messages WHERE session = :session AND id IN :ids"
).bindparams(bindparam("ids", expanding=True))
SIZE_BY_ID = text("SELECT coalesce(sum(size), 0) FROM messages WHERE session = :session AND id IN :ids").bindparams(
    bindparam("ids", expanding=True)
)
SENT = text(
    "SELECT * FROM messages WHERE session = :session AND author = :author AND client_message_id = :client_message_id"
)
UNFINISHED = text(
    "SELECT sessions.id FROM runs JOIN sessions ON sessions.key = runs.session "
    "WHERE runs.state IN ('queued', 'running', 'awaiting_input') AND deleted_at IS NULL "
    "GROUP BY sessions.id ORDER BY min(runs.key)"
)
EXPIRED = text("SELECT id FROM sessions WHERE deleted_at < :before")


class SqliteReads:
    """Raises SessionNotFound for unknown ids, StorageUnavailable when the file can't be read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def snapshot(self, session_id: str) -> Snapshot:
        async with self._database.read() as db:
            row = await session_row(db, session_id)
            context = await context_of(db, row)
            keys = await _branch_keys(db, row.key)
            low = max(1, context.branch.length - SNAPSHOT_MESSAGES + 1)
            messages = await _path(db, row.key, context, keys, range(low, context.branch.length + 1), SMALL_PATH)
            return snapshot_of(context, row.project_name or "", messages)

    async def page(self, session_id: str, query: MessageQuery) -> MessagePage:
        async with self._database.read() as db:
            row = await session_row(db, session_id)
            context = await context_of(db, row)
            branch = query.branch or context.active_branch
            if branch not in context.branches:
                raise BranchNotFound()
            total = context.pool_count if query.pool else context.branches[branch].length
            positions = page_positions(query, total)
            ascending = positions if positions.step > 0 else positions[::-1]
            if query.pool:
                messages = await _pool(db, row.key, ascending)
            else:
                keys = await _branch_keys(db, row.key)
                messages = await _path(db, row.key, context, keys, ascending, None, branch)
            shown = [_current(context, message) for message in messages]
            if positions.step < 0:
                shown.reverse()
            return MessagePage(row.epoch, row.head, total, tuple(shown), positions[0] if positions else 0)

    async def messages(self, session_id: str, ids: Sequence[str]) -> tuple[Message, ...]:
        async with self._database.read() as db:
            row = await session_row(db, session_id)
            where = {"session": row.key, "ids": list(ids)}
            check_batch(ids, (await db.execute(SIZE_BY_ID, where)).scalar_one())
            found = (await db.execute(MESSAGES_BY_ID, where)).all()
            by_id = {each.id: message_of(each) for each in found}
            if any(message.status == "streaming" for message in by_id.values()):
                context = await context_of(db, row)
                by_id = {id_: _current(context, message) for id_, message in by_id.items()}
        return tuple(by_id[wanted] for wanted in ids if wanted in by_id)

    async def chunks(self, session_id: str, message_id: str, after: int, limit: int = PAGE_EVENTS) -> ChunkPage:
        async with self._database.read() as db:
            row = await head_row(db, session_id)
            message = (await db.execute(MESSAGE, {"session": row.key, "id": message_id})).first()
            if message is None:
                raise MessageNotFound()
            where = delta_range(row.key, message)
            current = await _last_sequence(db, message, where)
            # Numbers have no holes: with as many rows as are left, the search ends at the reply's last chunk instead of
            # at the journal's.
            left = max(0, min(limit, current - after))
            found = (await db.execute(DELTAS, {**where, "after": after, "limit": left})).all() if left else []
        chunks = tuple(Chunk(each.sequence, each.data, EpochMs(each.at)) for each in found)
        return ChunkPage(chunks, current, bool(chunks) and chunks[-1].sequence < current)

    async def sent(self, session_id: str, author: str, client_message_id: str) -> SentMessage | None:
        wanted = {"author": author, "client_message_id": client_message_id}
        async with self._database.read() as db:
            key = (await head_row(db, session_id)).key
            row = (await db.execute(SENT, {"session": key, **wanted})).first()
        return SentMessage(message_of(row), row.seq) if row is not None else None

    async def session(self, session_id: str) -> Session:
        async with self._database.read() as db:
            return session_of_row(await session_row(db, session_id))

    async def sessions(self, query: SessionQuery = EVERYTHING) -> SessionPage:
        async with self._database.read() as db:
            return await list_sessions(db, query)

    async def runs(self, session_id: str) -> tuple[Run, ...]:
        async with self._database.read() as db:
            row = await head_row(db, session_id)
            found = (await db.execute(RUNS, {"session": row.key})).scalars()
            return tuple(Run.model_validate_json(body) for body in found)

    async def approvals(self, session_id: str) -> tuple[Approval, ...]:
        async with self._database.read() as db:
            row = await head_row(db, session_id)
            found = (await db.execute(APPROVALS, {"session": row.key})).scalars()
            return tuple(Approval.model_validate_json(body) for body in found)

    async def unfinished(self) -> tuple[str, ...]:
        async with self._database.read() as db:
            return tuple((await db.execute(UNFINISHED)).scalars())

    async def expired(self, before: EpochMs) -> tuple[str, ...]:
        async with self._database.read() as db:
            return tuple((await db.execute(EXPIRED, {"before": before})).scalars())


async def _last_sequence(db: AsyncConnection, message: Found, where: dict[str, int]) -> int:
    """The number of a message's last chunk: once it is finished its header has it."""
    if message.status != "streaming":
        return message_of(message).sequence
    return (await db.execute(LAST_DELTA, where)).scalar() or 0


async def _branch_keys(db: AsyncConnection, key: int) -> dict[str, int]:
    return {each.name: each.key for each in (await db.execute(BRANCHES, {"session": key})).all()}


async def _path(
    db: AsyncConnection,
    key: int,
    context: Context,
    keys: dict[str, int],
    positions: range,
    statement: TextClause | None,
    branch: str | None = None,
) -> list[Message]:
    """The messages at ascending `positions` of a branch's path: a range read in each branch that the path crosses.
    Without a `statement` as much of them as a page may hold."""
    wheres = [
        {"session": key, "branch": keys[name], "low": low, "high": high}
        for name, low, high in segments(context, branch or context.active_branch, positions)
    ]
    if statement is None:
        sizes = [(await db.execute(SIZE_OF_PATH, where)).scalar_one() for where in wheres]
        statement = WHOLE_PATH if sum(sizes) <= PAGE_BODIES_BYTES else SMALL_PATH
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


async def _pool(db: AsyncConnection, key: int, ordinals: range) -> list[Message]:
    if not ordinals:
        return []
    where = {"session": key, "low": ordinals[0], "high": ordinals[-1]}
    size_bytes = (await db.execute(SIZE_OF_POOL, where)).scalar_one()
    statement = WHOLE_POOL if size_bytes <= PAGE_BODIES_BYTES else SMALL_POOL
    return [message_of(each) for each in (await db.execute(statement, where)).all()]


def _current(context: Context, message: Message) -> Message:
    stream = context.stream
    return so_far(stream) if stream is not None and stream.message.id == message.id else message
