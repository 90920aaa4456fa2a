"""The journal on SQLite, its reading half: one short read transaction per request, head and rows from the same one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Row, TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from models.approvals import Approval, Grant
from models.branches import Branch
from models.errors import BranchNotFound, MessageNotFound, SessionNotFound
from models.events import BY_CODE, TRUNCATE_OVER_BYTES, Event, EventBody, MessageBody, MessageDelta, truncated
from models.heads import Head
from models.ids import EpochMs, iso
from models.messages import Message
from models.runs import Run
from models.session import Session
from models.snapshot import Snapshot
from models.states import ContextState, StreamingResponse
from models.usage import Usage
from services.engine.context import Context, Stream
from services.engine.snapshot import SNAPSHOT_MESSAGES, snapshot_of, so_far
from services.search.query import SearchPage, SearchQuery
from services.store.journal import (
    PAGE_BODIES_BYTES,
    PAGE_BYTES,
    PAGE_EVENTS,
    Chunk,
    ChunkPage,
    EventPage,
    MessagePage,
    MessageQuery,
    SentMessage,
    check_batch,
    page_positions,
)
from services.store.lists import EVERYTHING, SessionPage, SessionQuery
from services.store.sqlite.database import Database
from services.store.sqlite.lists import list_sessions, session_of_row
from services.store.sqlite.search import search

GRANTS: TypeAdapter[tuple[Grant, ...]] = TypeAdapter(tuple[Grant, ...])
STATE: TypeAdapter[ContextState] = TypeAdapter(ContextState)
READ_AHEAD_EVENTS = 200
"""Events fetched at a time: a page's byte bound is met without reading a thousand bodies first."""

SESSION = text(
    "SELECT sessions.*, contexts.state AS context_state, mode, model, active_branch, usage, steered, "
    "grants, request, workflow, projects.name AS project_name "
    "FROM sessions JOIN contexts ON contexts.session = sessions.key "
    "LEFT JOIN projects ON projects.id = sessions.project_id WHERE sessions.id = :id"
)
HEAD = text("SELECT key, epoch, head, deleted_at FROM sessions WHERE id = :id")
HEADS = text("SELECT id, epoch, head FROM sessions WHERE id IN :ids").bindparams(bindparam("ids", expanding=True))
BRANCHES = text("SELECT * FROM branches WHERE session = :session ORDER BY key")
OPEN_RUNS = text(
    "SELECT body FROM runs WHERE session = :session AND state IN ('queued', 'running', 'awaiting_input') ORDER BY key"
)
PENDING = text("SELECT body FROM approvals WHERE session = :session AND state = 'pending' ORDER BY key")
APPROVALS = text("SELECT body FROM approvals WHERE session = :session ORDER BY key")
RUNS = text("SELECT body FROM runs WHERE session = :session ORDER BY key")
EVENT_ROWS = (
    "SELECT e.seq, code, at, e.message, e.sequence, m.id AS message_id, "
    "CASE WHEN code != :delta AND e.sequence IS NOT NULL AND length(data) > {} "
    "THEN json_set(data, '$.message.payload', NULL) ELSE data END AS data, "
    "CASE WHEN code != :delta AND e.sequence IS NULL THEN m.content END AS content "
    "FROM events e LEFT JOIN messages m ON m.session = e.session AND m.ordinal = e.message "
    "WHERE e.session = :session AND e.seq > :after ORDER BY e.seq LIMIT :limit"
)
EVENTS = text(EVENT_ROWS.format(TRUNCATE_OVER_BYTES))
DELTAS = text(
    "SELECT sequence, data, at FROM events WHERE session = :session AND seq > :from_seq AND code = :delta "
    "AND message = :ordinal AND sequence > :after ORDER BY seq LIMIT :limit"
)
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
MESSAGE = text("SELECT * FROM messages WHERE session = :session AND id = :id")
SENT = text(
    "SELECT * FROM messages WHERE session = :session AND author = :author AND client_message_id = :client_message_id"
)
UNFINISHED = text(
    "SELECT sessions.id FROM runs JOIN sessions ON sessions.key = runs.session "
    "WHERE runs.state IN ('queued', 'running', 'awaiting_input') AND deleted_at IS NULL "
    "GROUP BY sessions.id ORDER BY min(runs.key)"
)
ORPHANS = text(
    "SELECT sessions.id FROM runs JOIN sessions ON sessions.key = runs.session "
    "WHERE runs.state IN ('running', 'awaiting_input') "
    "AND (lease_owner IS NOT :owner OR lease_expires_at <= :now)"
)
EXPIRED = text("SELECT id FROM sessions WHERE deleted_at < :before")

Found = Row[Any]


class SqliteReads:
    """Raises SessionNotFound for unknown ids, StorageUnavailable when the file can't be read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, session_id: str) -> Context:
        async with self._database.read() as db:
            return await _context(db, await _session_row(db, session_id, deleted=True))

    async def heads(self, session_ids: Sequence[str]) -> dict[str, Head]:
        async with self._database.read() as db:
            found = (await db.execute(HEADS, {"ids": list(session_ids)})).all()
        return {each.id: Head(each.epoch, each.head) for each in found}

    async def since(
        self,
        session_id: str,
        after: int,
        *,
        limit: int = PAGE_EVENTS,
        limit_bytes: int = PAGE_BYTES,
        deleted: bool = False,
    ) -> EventPage:
        events: list[Event] = []
        size = 0
        async with self._database.read() as db:
            row = await _head_row(db, session_id, deleted=deleted)
            while len(events) < limit:
                ahead = min(READ_AHEAD_EVENTS, limit - len(events))
                found = await _events(db, session_id, row, events[-1].seq if events else after, ahead)
                for event in found:
                    size += len(orjson.dumps(event.to_wire()))
                    if events and size > limit_bytes:
                        return EventPage(row.epoch, row.head, tuple(events), True)
                    events.append(event)
                if len(found) < ahead:
                    break
        return EventPage(row.epoch, row.head, tuple(events), bool(events) and events[-1].seq < row.head)

    async def snapshot(self, session_id: str) -> Snapshot:
        async with self._database.read() as db:
            row = await _session_row(db, session_id)
            context = await _context(db, row)
            keys = await _branch_keys(db, row.key)
            low = max(1, context.branch.length - SNAPSHOT_MESSAGES + 1)
            messages = await _path(db, row.key, context, keys, range(low, context.branch.length + 1), SMALL_PATH)
            return snapshot_of(context, row.project_name or "", messages)

    async def page(self, session_id: str, query: MessageQuery) -> MessagePage:
        async with self._database.read() as db:
            row = await _session_row(db, session_id)
            context = await _context(db, row)
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
            row = await _session_row(db, session_id)
            where = {"session": row.key, "ids": list(ids)}
            check_batch(ids, (await db.execute(SIZE_BY_ID, where)).scalar_one())
            found = (await db.execute(MESSAGES_BY_ID, where)).all()
            by_id = {each.id: _message(each) for each in found}
            if any(message.status == "streaming" for message in by_id.values()):
                context = await _context(db, row)
                by_id = {id_: _current(context, message) for id_, message in by_id.items()}
        return tuple(by_id[wanted] for wanted in ids if wanted in by_id)

    async def chunks(self, session_id: str, message_id: str, after: int, limit: int = PAGE_EVENTS) -> ChunkPage:
        async with self._database.read() as db:
            row = await _head_row(db, session_id)
            message = (await db.execute(MESSAGE, {"session": row.key, "id": message_id})).first()
            if message is None:
                raise MessageNotFound()
            where = _delta_range(row.key, message)
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
            key = (await _head_row(db, session_id)).key
            row = (await db.execute(SENT, {"session": key, **wanted})).first()
        return SentMessage(_message(row), row.seq) if row is not None else None

    async def session(self, session_id: str) -> Session:
        async with self._database.read() as db:
            return session_of_row(await _session_row(db, session_id))

    async def sessions(self, query: SessionQuery = EVERYTHING) -> SessionPage:
        async with self._database.read() as db:
            return await list_sessions(db, query)

    async def search(self, query: SearchQuery) -> SearchPage:
        return await search(self._database, query)

    async def runs(self, session_id: str) -> tuple[Run, ...]:
        async with self._database.read() as db:
            row = await _head_row(db, session_id)
            found = (await db.execute(RUNS, {"session": row.key})).scalars()
            return tuple(Run.model_validate_json(body) for body in found)

    async def approvals(self, session_id: str) -> tuple[Approval, ...]:
        async with self._database.read() as db:
            row = await _head_row(db, session_id)
            found = (await db.execute(APPROVALS, {"session": row.key})).scalars()
            return tuple(Approval.model_validate_json(body) for body in found)

    async def unfinished(self) -> tuple[str, ...]:
        async with self._database.read() as db:
            return tuple((await db.execute(UNFINISHED)).scalars())

    async def orphans(self, owner: str, now: EpochMs) -> tuple[str, ...]:
        """The folder's lock says that no other process lives: a lease of another owner is void at once."""
        async with self._database.read() as db:
            return tuple((await db.execute(ORPHANS, {"owner": owner, "now": now})).scalars())

    async def expired(self, before: EpochMs) -> tuple[str, ...]:
        async with self._database.read() as db:
            return tuple((await db.execute(EXPIRED, {"before": before})).scalars())


async def _head_row(db: AsyncConnection, session_id: str, *, deleted: bool = False) -> Found:
    row = (await db.execute(HEAD, {"id": session_id})).first()
    if row is None or (row.deleted_at is not None and not deleted):
        raise SessionNotFound()
    return row


async def _session_row(db: AsyncConnection, session_id: str, *, deleted: bool = False) -> Found:
    row = (await db.execute(SESSION, {"id": session_id})).first()
    if row is None or (row.deleted_at is not None and not deleted):
        raise SessionNotFound()
    return row


async def _context(db: AsyncConnection, row: Found) -> Context:
    branches = (await db.execute(BRANCHES, {"session": row.key})).all()
    runs = [Run.model_validate_json(body) for body in (await db.execute(OPEN_RUNS, {"session": row.key})).scalars()]
    state = STATE.validate_json(row.context_state)
    stream = await _stream(db, row.key, state) if isinstance(state, StreamingResponse) else None
    if stream is not None and isinstance(state, StreamingResponse):
        state = state.model_copy(update={"sequence": stream.sequence})
    return Context(
        session_id=row.id,
        epoch=row.epoch,
        project_id=row.project_id,
        title=row.title,
        session_state=row.state,
        created_at=row.created_at,
        updated_at=row.updated_at,
        completed_at=row.completed_at,
        deleted_at=row.deleted_at,
        version=row.version,
        head=row.head,
        pool_count=row.pool_count,
        state=state,
        mode=row.mode,
        model=row.model,
        active_branch=row.active_branch,
        branches={each.name: _branch(each) for each in branches},
        stream=stream,
        run=next((run for run in runs if run.state != "queued"), None),
        queue=tuple(run for run in runs if run.state == "queued"),
        steered=row.steered,
        request=await _pooled(db, row.key, row.request),
        workflow=await _pooled(db, row.key, row.workflow),
        approvals=await _pending(db, row.key),
        grants=GRANTS.validate_json(row.grants),
        usage=Usage.model_validate_json(row.usage),
    )


async def _pooled(db: AsyncConnection, key: int, ordinal: int | None) -> Message | None:
    if ordinal is None:
        return None
    where = {"session": key, "low": ordinal, "high": ordinal}
    return _message((await db.execute(WHOLE_POOL, where)).one())


async def _pending(db: AsyncConnection, key: int) -> tuple[Approval, ...]:
    found = (await db.execute(PENDING, {"session": key})).scalars()
    return tuple(Approval.model_validate_json(body) for body in found)


async def _stream(db: AsyncConnection, key: int, state: StreamingResponse) -> Stream:
    """The reply in progress, from its chunks: the message's row gets its text only at completion."""
    row = (await db.execute(MESSAGE, {"session": key, "id": state.message_id})).one()
    where = {**_delta_range(key, row), "after": 0, "limit": -1}
    chunks = (await db.execute(DELTAS, where)).all()
    return Stream(
        message=_message(row),
        text="".join(chunk.data for chunk in chunks),
        sequence=chunks[-1].sequence if chunks else 0,
        first_at=EpochMs(chunks[0].at) if chunks else None,
        last_at=EpochMs(chunks[-1].at) if chunks else None,
    )


async def _last_sequence(db: AsyncConnection, message: Found, where: dict[str, int]) -> int:
    """The number of a message's last chunk: once it is finished its header has it."""
    if message.status != "streaming":
        return _message(message).sequence
    return (await db.execute(LAST_DELTA, where)).scalar() or 0


def _delta_range(key: int, message: Found) -> dict[str, int]:
    return {"session": key, "from_seq": message.seq, "ordinal": message.ordinal, "delta": MessageDelta.code}


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
    return [_message(each) for where in wheres for each in (await db.execute(statement, where)).all()]


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
    return [_message(each) for each in (await db.execute(statement, where)).all()]


async def _events(db: AsyncConnection, session_id: str, row: Found, after: int, limit: int) -> list[Event]:
    where = {"session": row.key, "after": after, "limit": limit, "delta": MessageDelta.code}
    found = (await db.execute(EVENTS, where)).all()
    return [Event(session_id, row.epoch, each.seq, EpochMs(each.at), _body(each)) for each in found]


def _body(row: Found) -> EventBody:
    if row.code == MessageDelta.code:
        return MessageDelta(message_id=row.message_id, sequence=row.sequence, delta=row.data)
    body = BY_CODE[row.code].model_validate_json(row.data)
    if not isinstance(body, MessageBody) or body.message.status == "streaming":
        return body
    message = body.message
    full = truncated(message, row.sequence) if row.content is None else message.with_body(row.content)
    return body.model_copy(update={"message": full})


def _message(row: Found) -> Message:
    message = Message.model_validate_json(row.header)
    return truncated(message, row.size) if row.content is None else message.with_body(row.content)


def _current(context: Context, message: Message) -> Message:
    stream = context.stream
    return so_far(stream) if stream is not None and stream.message.id == message.id else message


def _branch(row: Found) -> Branch:
    """The body is written with the first change after the fork, and always by this version."""
    if row.body != "{}":
        return Branch.model_validate_json(row.body)
    return Branch(
        name=row.name,
        parent=row.parent,
        forked_at=row.forked_at,
        length=row.length,
        created_at_utc=iso(row.created_at),
    )
