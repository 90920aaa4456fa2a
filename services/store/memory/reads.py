"""What is read of sessions in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from models.approvals import Approval
from models.errors import BranchNotFound, MessageNotFound
from models.events import MessageDelta, fit_for_travel, oversize
from models.ids import EpochMs
from models.messages import Message
from models.runs import Run
from models.session import Session
from models.snapshot import Snapshot
from models.words import fold
from services.engine.context import Context
from services.engine.snapshot import SNAPSHOT_MESSAGES, snapshot_of
from services.store.journal import PAGE_EVENTS
from services.store.lists import EVERYTHING, SORTED_CHARS, SessionPage, SessionQuery
from services.store.memory.tables import Kept, Memory
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


class MemoryReads:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def snapshot(self, session_id: str) -> Snapshot:
        kept = self._memory.kept(session_id)
        path = kept.paths.get(kept.context.active_branch, [])
        newest = [kept.messages[ordinal - 1] for ordinal in path[-SNAPSHOT_MESSAGES:]]
        name = self._memory.project(kept.context.project_id).name
        return snapshot_of(kept.context, name, newest)

    async def page(self, session_id: str, query: MessageQuery) -> MessagePage:
        kept = self._memory.kept(session_id)
        context = kept.context
        branch = query.branch or context.active_branch
        if branch not in context.branches:
            raise BranchNotFound()
        path = list(range(1, context.pool_count + 1)) if query.pool else kept.paths.get(branch, [])
        positions = page_positions(query, len(path))
        messages = tuple(kept.message(path[position - 1]) for position in positions)
        if sum(oversize(message) or 0 for message in messages) > PAGE_BODIES_BYTES:
            messages = tuple(fit_for_travel(message) for message in messages)
        first = positions[0] if positions else 0
        return MessagePage(context.epoch, context.head, len(path), messages, first)

    async def messages(self, session_id: str, ids: Sequence[str]) -> tuple[Message, ...]:
        kept = self._memory.kept(session_id)
        by_id = {message.id: message.ordinal for message in kept.messages}
        found = tuple(kept.message(by_id[wanted]) for wanted in ids if wanted in by_id)
        check_batch(ids, sum(oversize(message) or 0 for message in found))
        return found

    async def chunks(self, session_id: str, message_id: str, after: int, limit: int = PAGE_EVENTS) -> ChunkPage:
        kept = self._memory.kept(session_id)
        if not any(message.id == message_id for message in kept.messages):
            raise MessageNotFound()
        chunks = [
            Chunk(event.body.sequence, event.body.delta, event.at)
            for event in kept.events
            if isinstance(event.body, MessageDelta) and event.body.message_id == message_id
        ]
        page = tuple(chunk for chunk in chunks if chunk.sequence > after)[:limit]
        current = chunks[-1].sequence if chunks else 0
        return ChunkPage(page, current, bool(page) and page[-1].sequence < current)

    async def sent(self, session_id: str, author: str, client_message_id: str) -> SentMessage | None:
        kept = self._memory.kept(session_id)
        message_id = kept.clients.get((author, client_message_id))
        if message_id is None:
            return None
        message = next(message for message in kept.messages if message.id == message_id)
        return SentMessage(message, kept.seqs[message_id])

    async def seq_of(self, session_id: str, message_id: str) -> int | None:
        return self._memory.kept(session_id).seqs.get(message_id)

    async def session(self, session_id: str) -> Session:
        return self._memory.view(self._memory.kept(session_id).context)

    async def sessions(self, query: SessionQuery = EVERYTHING) -> SessionPage:
        return _page_of(query, ((kept, self._memory.view(kept.context)) for kept in self._memory.sessions.values()))

    async def runs(self, session_id: str) -> tuple[Run, ...]:
        return tuple(self._memory.kept(session_id).runs.values())

    async def approvals(self, session_id: str) -> tuple[Approval, ...]:
        return tuple(self._memory.kept(session_id).approvals.values())

    async def unfinished(self) -> tuple[str, ...]:
        oldest = {
            session_id: min(run.created_at_utc for run in (kept.context.run, *kept.context.queue) if run is not None)
            for session_id, kept in self._memory.sessions.items()
            if kept.context.busy
        }
        return tuple(sorted(oldest, key=oldest.__getitem__))

    async def expired(self, before: EpochMs) -> tuple[str, ...]:
        return tuple(
            session_id
            for session_id, kept in self._memory.sessions.items()
            if kept.context.deleted_at is not None and kept.context.deleted_at < before
        )


def _page_of(query: SessionQuery, all_of_them: Iterable[tuple[Kept, Session]]) -> SessionPage:
    found = [
        (view, _sort_value(query, kept.context), kept.number)
        for kept, view in all_of_them
        if _is_listed(query, kept.context)
    ]
    found.sort(key=lambda each: each[1:], reverse=query.falls)
    total, place = len(found), query.place
    if place is not None:
        found = [each for each in found if (each[1:] < place if query.falls else each[1:] > place)]
    return query.page(found[: query.take + 1], total)


def _sort_value(query: SessionQuery, context: Context) -> int | str:
    match query.sort:
        case "updated":
            return context.updated_at
        case "created":
            return context.created_at
        case "title":
            return fold(context.title)[:SORTED_CHARS]


def _is_listed(query: SessionQuery, context: Context) -> bool:
    return (
        context.deleted_at is None
        and query.project_id in (None, context.project_id)
        and (query.visible is None or context.project_id in query.visible)
        and (not query.states or context.session_state in query.states)
        and query.archived in (None, context.archived)
        and fold(query.title) in fold(context.title)
    )
