"""A session's row and its context, as the projections have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from models.approvals import Approval, Grant
from models.branches import Branch
from models.errors import DatabaseCorrupt, SessionNotFound
from models.events import MessageDelta, truncated
from models.ids import iso
from models.messages import Message
from models.payloads import calls_in
from models.runs import Run
from models.states import ContextState, StreamingResponse
from models.usage import Usage
from services.engine.context import Context, Stream
from services.store.sql.dialect import Dialect
from services.store.sql.stored import instant, number, stored, words

GRANTS: TypeAdapter[tuple[Grant, ...]] = TypeAdapter(tuple[Grant, ...])
STATE: TypeAdapter[ContextState] = TypeAdapter(ContextState)

SESSION = text(
    "SELECT sessions.*, contexts.state AS context_state, mode, model, active_branch, usage, steered, "
    "grants, request, workflow, projects.name AS project_name "
    "FROM sessions LEFT JOIN contexts ON contexts.session = sessions.key "
    "LEFT JOIN projects ON projects.id = sessions.project_id WHERE sessions.id = :id"
)
HEAD = text("SELECT key, id, epoch, head, deleted_at FROM sessions WHERE id = :id")
HEADS = text("SELECT id, epoch, head FROM sessions WHERE id IN :ids").bindparams(bindparam("ids", expanding=True))
BRANCHES = text("SELECT * FROM branches WHERE session = :session ORDER BY key")
OPEN_RUNS = text(
    "SELECT body FROM runs WHERE session = :session AND state IN ('queued', 'running', 'awaiting_input') ORDER BY key"
)
PENDING = text("SELECT body FROM approvals WHERE session = :session AND state = 'pending' ORDER BY key")
DELTAS = text(
    "SELECT sequence, data, at FROM events WHERE session = :session AND seq > :from_seq AND code = :delta "
    "AND message = :ordinal AND sequence > :after ORDER BY seq LIMIT :limit"
)
ONE_POOLED = text("SELECT header, size, content FROM messages WHERE session = :session AND ordinal = :ordinal")
ASKED_TOGETHER = text(
    "SELECT header, size, content FROM messages WHERE session = :session AND ordinal >= :ordinal AND created_at = "
    "(SELECT created_at FROM messages WHERE session = :session AND ordinal = :ordinal) ORDER BY ordinal"
)
MESSAGE = text("SELECT * FROM messages WHERE session = :session AND id = :id")

Found = Row[Any]


async def head_row(db: AsyncConnection, session_id: str, *, deleted: bool = False) -> Found:
    row = (await db.execute(HEAD, {"id": session_id})).first()
    if row is None or (row.deleted_at is not None and not deleted):
        raise SessionNotFound()
    with stored:
        number(row.head)
    return row


async def session_row(db: AsyncConnection, session_id: str, *, deleted: bool = False) -> Found:
    row = (await db.execute(SESSION, {"id": session_id})).first()
    if row is None or (row.deleted_at is not None and not deleted):
        raise SessionNotFound()
    if row.context_state is None:
        raise DatabaseCorrupt(f"Session {row.id} has lost its context; stop the server and restore a backup")
    return row


@dataclass(frozen=True, slots=True)
class _Rows:
    """What a context is made of beside its session's row; `reply` and its `chunks` of one that grows."""

    branches: Sequence[Found]
    runs: Sequence[str]
    approvals: Sequence[str]
    requests: Sequence[Found]
    workflow: Found | None
    reply: Found | None
    chunks: Sequence[Found]


async def context_of(db: AsyncConnection, dialect: Dialect, row: Found) -> Context:
    """All is read first: what a driver raises says nothing about what is stored."""
    with stored:
        state = STATE.validate_json(row.context_state)
    rows = await _rows_of(db, dialect, row, state)
    if row.active_branch not in {each.name for each in rows.branches}:
        raise DatabaseCorrupt(f"Session {row.id} has lost its branch; stop the server and restore a backup")
    with stored:
        return _context(row, state, rows)


async def _rows_of(db: AsyncConnection, dialect: Dialect, row: Found, state: ContextState) -> _Rows:
    key, reply = row.key, None
    chunks: Sequence[Found] = ()
    if isinstance(state, StreamingResponse):
        reply = (await db.execute(MESSAGE, {"session": key, "id": state.message_id})).one()
        where = {**delta_range(key, reply), "after": 0, "limit": dialect.no_limit}
        chunks = (await db.execute(DELTAS, where)).all()
    requests, pooled = {"session": key, "ordinal": row.request}, {"session": key, "ordinal": row.workflow}
    return _Rows(
        branches=(await db.execute(BRANCHES, {"session": key})).all(),
        runs=(await db.execute(OPEN_RUNS, {"session": key})).scalars().all(),
        approvals=(await db.execute(PENDING, {"session": key})).scalars().all(),
        requests=(await db.execute(ASKED_TOGETHER, requests)).all() if row.request is not None else (),
        workflow=(await db.execute(ONE_POOLED, pooled)).one() if row.workflow is not None else None,
        reply=reply,
        chunks=chunks,
    )


def _context(row: Found, state: ContextState, rows: _Rows) -> Context:
    runs = [Run.model_validate_json(body) for body in rows.runs]
    stream = _stream(rows.reply, rows.chunks) if rows.reply is not None else None
    if stream is not None and isinstance(state, StreamingResponse):
        state = state.model_copy(update={"sequence": stream.sequence})
    return Context(
        session_id=row.id,
        epoch=words(row.epoch),
        project_id=row.project_id,
        title=words(row.title),
        session_state=row.state,
        created_at=instant(row.created_at),
        updated_at=instant(row.updated_at),
        completed_at=instant(row.completed_at) if row.completed_at is not None else None,
        deleted_at=instant(row.deleted_at) if row.deleted_at is not None else None,
        version=number(row.version),
        head=number(row.head),
        pool_count=number(row.pool_count),
        state=state,
        mode=row.mode,
        model=words(row.model),
        active_branch=row.active_branch,
        branches={each.name: _branch(each) for each in rows.branches},
        stream=stream,
        run=next((run for run in runs if run.state != "queued"), None),
        queue=tuple(run for run in runs if run.state == "queued"),
        steered=number(row.steered),
        requests=_requests(rows.requests),
        workflow=message_of(rows.workflow) if rows.workflow is not None else None,
        approvals=tuple(Approval.model_validate_json(body) for body in rows.approvals),
        grants=GRANTS.validate_json(row.grants),
        usage=Usage.model_validate_json(row.usage),
    )


def _requests(rows: Sequence[Found]) -> tuple[Message, ...]:
    """The open ones of a reply stand next to each other: from the first of them on."""
    found = takewhile(lambda message: bool(calls_in(message.payload)), map(message_of, rows))
    return tuple(message for message in found if any(call.is_open for call in calls_in(message.payload)))


def _stream(reply: Found, chunks: Sequence[Found]) -> Stream:
    """The reply in progress, from its chunks: the message's row gets its text only at completion."""
    return Stream(
        message=message_of(reply),
        text="".join(chunk.data for chunk in chunks),
        sequence=chunks[-1].sequence if chunks else 0,
        first_at=instant(chunks[0].at) if chunks else None,
        last_at=instant(chunks[-1].at) if chunks else None,
    )


def delta_range(key: int, message: Found) -> dict[str, int]:
    return {"session": key, "from_seq": message.seq, "ordinal": message.ordinal, "delta": MessageDelta.code}


def message_of(row: Found) -> Message:
    with stored:
        message = Message.model_validate_json(row.header)
        return truncated(message, row.size) if row.content is None else message.with_body(words(row.content))


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
