"""What is read of sessions, in SQL: one short read transaction per request, head and rows from the same one."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from models.approvals import Approval
from models.errors import BranchNotFound, MessageNotFound
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
    Chunk,
    ChunkPage,
    MessagePage,
    MessageQuery,
    SentMessage,
    check_batch,
    page_positions,
)
from services.store.sql.contexts import (
    DELTAS,
    MESSAGE,
    Found,
    context_of,
    delta_range,
    head_row,
    message_of,
    session_row,
)
from services.store.sql.database import Database
from services.store.sql.lists import list_sessions, session_of_row
from services.store.sql.paths import path_messages, pooled_messages
from services.store.sql.stored import instant, stored, words

APPROVALS = text("SELECT body FROM approvals WHERE session = :session ORDER BY key")
RUNS = text("SELECT body FROM runs WHERE session = :session ORDER BY key")
LAST_DELTA = text(
    "SELECT max(sequence) FROM events "
    "WHERE session = :session AND seq > :from_seq AND code = :delta AND message = :ordinal"
)
MESSAGES_BY_ID = text(
    "SELECT id, header, size, content FROM messages WHERE session = :session AND id IN :ids"
).bindparams(bindparam("ids", expanding=True))
SIZE_BY_ID = text("SELECT coalesce(sum(size), 0) FROM messages WHERE session = :session AND id IN :ids").bindparams(
    bindparam("ids", expanding=True)
)
SENT = text(
    "SELECT * FROM messages WHERE session = :session AND author = :author AND client_message_id = :client_message_id"
)
SEQ = text("SELECT seq FROM messages WHERE session = :session AND id = :id")
UNFINISHED = text(
    "SELECT sessions.id FROM runs JOIN sessions ON sessions.key = runs.session "
    "WHERE runs.state IN ('queued', 'running', 'awaiting_input') AND deleted_at IS NULL "
    "GROUP BY sessions.id ORDER BY min(runs.key)"
)
EXPIRED = text("SELECT id FROM sessions WHERE deleted_at < :before")


class SqlReads:
    """Raises SessionNotFound for unknown ids, StorageUnavailable when the file can't be read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def snapshot(self, session_id: str) -> Snapshot:
        async with self._database.read() as db:
            row = await session_row(db, session_id)
            context = await context_of(db, self._dialect, row)
            low = max(1, context.branch.length - SNAPSHOT_MESSAGES + 1)
            positions = range(low, context.branch.length + 1)
            messages = await path_messages(db, self._dialect, row.key, context, positions, small=True)
            return snapshot_of(context, row.project_name or "", messages)

    async def page(self, session_id: str, query: MessageQuery) -> MessagePage:
        async with self._database.read() as db:
            row = await session_row(db, session_id)
            context = await context_of(db, self._dialect, row)
            branch = query.branch or context.active_branch
            if branch not in context.branches:
                raise BranchNotFound()
            total = context.pool_count if query.pool else context.branches[branch].length
            positions = page_positions(query, total)
            ascending = positions if positions.step > 0 else positions[::-1]
            if query.pool:
                messages = await pooled_messages(db, self._dialect, row.key, ascending)
            else:
                messages = await path_messages(db, self._dialect, row.key, context, ascending, branch=branch)
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
                context = await context_of(db, self._dialect, row)
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
            with stored:
                chunks = tuple(Chunk(each.sequence, words(each.data), instant(each.at)) for each in found)
        return ChunkPage(chunks, current, bool(chunks) and chunks[-1].sequence < current)

    async def sent(self, session_id: str, author: str, client_message_id: str) -> SentMessage | None:
        wanted = {"author": author, "client_message_id": client_message_id}
        async with self._database.read() as db:
            key = (await head_row(db, session_id)).key
            row = (await db.execute(SENT, {"session": key, **wanted})).first()
            return SentMessage(message_of(row), row.seq) if row is not None else None

    async def seq_of(self, session_id: str, message_id: str) -> int | None:
        async with self._database.read() as db:
            key = (await head_row(db, session_id)).key
            return (await db.execute(SEQ, {"session": key, "id": message_id})).scalar_one_or_none()

    async def session(self, session_id: str) -> Session:
        async with self._database.read() as db:
            return session_of_row(await session_row(db, session_id))

    async def sessions(self, query: SessionQuery = EVERYTHING) -> SessionPage:
        async with self._database.read() as db:
            return await list_sessions(db, self._dialect, query)

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


def _current(context: Context, message: Message) -> Message:
    stream = context.stream
    return so_far(stream) if stream is not None and stream.message.id == message.id else message
