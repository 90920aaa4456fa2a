"""The journal in memory: for tests and for trying things out. The same contract, nothing survives the process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from models.approvals import Approval
from models.errors import (
    BranchNotFound,
    ClientMessageIdTaken,
    Conflict,
    Fenced,
    MessageNotFound,
    ProjectNotFound,
    SessionNotFound,
    StaleHead,
)
from models.events import (
    ApprovalRequested,
    ApprovalResolved,
    BranchCreated,
    BranchMerged,
    Event,
    MessageCompleted,
    MessageCreated,
    MessageDelta,
    MessageUpdated,
    RunFinished,
    RunQueued,
    RunStarted,
    SessionCreated,
    SessionRenamed,
    fit_for_travel,
    oversize,
)
from models.heads import Head
from models.ids import EpochMs, from_iso
from models.messages import Message
from models.runs import Run
from models.session import Session
from models.snapshot import Snapshot
from models.words import fold
from services.engine.context import Context
from services.engine.snapshot import SNAPSHOT_MESSAGES, session_of, snapshot_of, so_far
from services.search.query import SearchPage, SearchQuery
from services.store.journal import (
    NOT_DELETED,
    PAGE_BODIES_BYTES,
    PAGE_BYTES,
    PAGE_EVENTS,
    Append,
    Chunk,
    ChunkPage,
    Done,
    EventPage,
    Lease,
    MessagePage,
    MessageQuery,
    SentMessage,
    check_batch,
    page_positions,
)
from services.store.lists import EVERYTHING, SORTED_CHARS, SessionPage, SessionQuery
from services.store.memory.projects import MemoryProjects
from services.store.memory.search import Held, MemoryIndex


@dataclass
class _Stored:
    context: Context
    number: int
    events: list[Event] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    seqs: dict[str, int] = field(default_factory=dict)
    paths: dict[str, list[int]] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    approvals: dict[str, Approval] = field(default_factory=dict)
    clients: dict[tuple[str, str], str] = field(default_factory=dict)


class MemoryJournal:
    trouble: str | None = None

    def __init__(self, projects: MemoryProjects) -> None:
        self._projects = projects
        self._stored: dict[str, _Stored] = {}
        self._leases: dict[str, Lease] = {}
        self._index = MemoryIndex()
        self._created = 0
        projects.count_sessions = lambda project_id: sum(
            stored.context.project_id == project_id for stored in self._stored.values()
        )

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    def append(self, append: Append, done: Done) -> None:
        error: BaseException | None = None
        try:
            self._append(append)
        except (StaleHead, Fenced, ClientMessageIdTaken, ProjectNotFound) as refused:
            error = refused
        asyncio.get_running_loop().call_soon(done, error)

    def _append(self, append: Append) -> None:
        session_id = append.after.session_id
        stored = self._stored.get(session_id)
        if append.before is None:
            if stored is not None:
                raise StaleHead()
            if not self._projects.has(append.after.project_id):
                raise ProjectNotFound(field="projectId")
            self._created += 1
            stored = self._stored[session_id] = _Stored(append.after, self._created)
        elif stored is None or stored.context.head != append.before.head:
            raise StaleHead()
        elif append.fence is not None and append.fence != stored.context.fence:
            raise Fenced()
        _check_client_ids(stored, append.events)
        for event in append.events:
            _project(stored, event, append.after)
            self._make_findable(event, append.after)
        stored.context = append.after
        stored.events.extend(append.events)
        if append.lease is not None and append.after.run is not None:
            self._leases[append.after.run.id] = append.lease

    def _make_findable(self, event: Event, after: Context) -> None:
        match event.body:
            case SessionCreated() | SessionRenamed():
                self._index.put(after.session_id, 0, after.created_at, after.title)
            case MessageCreated(message=message) | MessageCompleted(message=message):
                if message.status != "streaming" and message.content:
                    at = from_iso(message.created_at_utc)
                    self._index.put(after.session_id, message.ordinal, at, message.content)
            case _:
                pass

    def _get(self, session_id: str, *, deleted: bool = False) -> _Stored:
        stored = self._stored.get(session_id)
        if stored is None or (stored.context.deleted_at is not None and not deleted):
            raise SessionNotFound()
        return stored

    async def load(self, session_id: str) -> Context:
        return self._get(session_id, deleted=True).context

    async def heads(self, session_ids: Sequence[str]) -> dict[str, Head]:
        found = {each: self._stored[each].context for each in session_ids if each in self._stored}
        return {session_id: Head(context.epoch, context.head) for session_id, context in found.items()}

    async def since(
        self,
        session_id: str,
        after: int,
        *,
        limit: int = PAGE_EVENTS,
        limit_bytes: int = PAGE_BYTES,
        deleted: bool = False,
    ) -> EventPage:
        stored = self._get(session_id, deleted=deleted)
        events = stored.events[after : after + limit]
        size, kept = 0, 0
        for event in events:
            size += len(orjson.dumps(event.to_wire()))
            if kept and size > limit_bytes:
                break
            kept += 1
        head = stored.context.head
        page = tuple(events[:kept])
        return EventPage(stored.context.epoch, head, page, bool(page) and page[-1].seq < head)

    async def snapshot(self, session_id: str) -> Snapshot:
        stored = self._get(session_id)
        path = stored.paths.get(stored.context.active_branch, [])
        newest = [stored.messages[ordinal - 1] for ordinal in path[-SNAPSHOT_MESSAGES:]]
        name = self._projects.find(stored.context.project_id).name
        return snapshot_of(stored.context, name, newest)

    async def page(self, session_id: str, query: MessageQuery) -> MessagePage:
        stored = self._get(session_id)
        context = stored.context
        branch = query.branch or context.active_branch
        if branch not in context.branches:
            raise BranchNotFound()
        path = list(range(1, context.pool_count + 1)) if query.pool else stored.paths.get(branch, [])
        positions = page_positions(query, len(path))
        messages = tuple(self._current(stored, path[position - 1]) for position in positions)
        if sum(oversize(message) or 0 for message in messages) > PAGE_BODIES_BYTES:
            messages = tuple(fit_for_travel(message) for message in messages)
        first = positions[0] if positions else 0
        return MessagePage(context.epoch, context.head, len(path), messages, first)

    def _current(self, stored: _Stored, ordinal: int) -> Message:
        message = stored.messages[ordinal - 1]
        stream = stored.context.stream
        return so_far(stream) if stream is not None and stream.message.id == message.id else message

    async def messages(self, session_id: str, ids: Sequence[str]) -> tuple[Message, ...]:
        stored = self._get(session_id)
        by_id = {message.id: message.ordinal for message in stored.messages}
        found = tuple(self._current(stored, by_id[wanted]) for wanted in ids if wanted in by_id)
        check_batch(ids, sum(oversize(message) or 0 for message in found))
        return found

    async def chunks(self, session_id: str, message_id: str, after: int, limit: int = PAGE_EVENTS) -> ChunkPage:
        stored = self._get(session_id)
        if not any(message.id == message_id for message in stored.messages):
            raise MessageNotFound()
        chunks = [
            Chunk(event.body.sequence, event.body.delta, event.at)
            for event in stored.events
            if isinstance(event.body, MessageDelta) and event.body.message_id == message_id
        ]
        page = tuple(chunk for chunk in chunks if chunk.sequence > after)[:limit]
        current = chunks[-1].sequence if chunks else 0
        return ChunkPage(page, current, bool(page) and page[-1].sequence < current)

    async def sent(self, session_id: str, author: str, client_message_id: str) -> SentMessage | None:
        stored = self._get(session_id)
        message_id = stored.clients.get((author, client_message_id))
        if message_id is None:
            return None
        message = next(message for message in stored.messages if message.id == message_id)
        return SentMessage(message, stored.seqs[message_id])

    async def session(self, session_id: str) -> Session:
        return self._view(self._get(session_id).context)

    async def sessions(self, query: SessionQuery = EVERYTHING) -> SessionPage:
        return _page_of(query, ((stored, self._view(stored.context)) for stored in self._stored.values()))

    async def search(self, query: SearchQuery) -> SearchPage:
        return self._index.search(query, self._hold)

    def _hold(self, session_id: str) -> Held:
        stored = self._stored[session_id]
        path = stored.paths.get(stored.context.active_branch, ())
        return Held(stored.context, self._view(stored.context), stored.messages, path)

    async def runs(self, session_id: str) -> tuple[Run, ...]:
        return tuple(self._get(session_id).runs.values())

    async def approvals(self, session_id: str) -> tuple[Approval, ...]:
        return tuple(self._get(session_id).approvals.values())

    async def unfinished(self) -> tuple[str, ...]:
        oldest = {
            session_id: min(
                run.created_at_utc for run in (stored.context.run, *stored.context.queue) if run is not None
            )
            for session_id, stored in self._stored.items()
            if stored.context.busy
        }
        return tuple(sorted(oldest, key=oldest.__getitem__))

    async def renew(self, run_ids: Sequence[str], lease: Lease) -> None:
        for run_id in run_ids:
            if run_id in self._leases:
                self._leases[run_id] = lease

    async def orphans(self, owner: str, now: EpochMs) -> tuple[str, ...]:
        return tuple(
            session_id
            for session_id, stored in self._stored.items()
            if stored.context.run is not None and not self._held(stored.context.run, owner, now)
        )

    def _held(self, run: Run, owner: str, now: EpochMs) -> bool:
        lease = self._leases.get(run.id)
        return lease is not None and lease.owner == owner and lease.expires_at > now

    async def purge(self, session_id: str) -> None:
        if self._get(session_id, deleted=True).context.deleted_at is None:
            raise Conflict(NOT_DELETED)
        del self._stored[session_id]
        self._index.forget(session_id)
        self._projects.forget_session(session_id)

    async def expired(self, before: EpochMs) -> tuple[str, ...]:
        return tuple(
            session_id
            for session_id, stored in self._stored.items()
            if stored.context.deleted_at is not None and stored.context.deleted_at < before
        )

    def _view(self, context: Context) -> Session:
        return session_of(context, self._projects.find(context.project_id).name)


def _page_of(query: SessionQuery, all_of_them: Iterable[tuple[_Stored, Session]]) -> SessionPage:
    found = [
        (view, _sort_value(query, stored.context), stored.number)
        for stored, view in all_of_them
        if _is_listed(query, stored.context)
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
        and (not query.states or context.session_state in query.states)
        and query.archived in (None, context.archived)
        and fold(query.title) in fold(context.title)
    )


def _check_client_ids(stored: _Stored, events: Sequence[Event]) -> None:
    for event in events:
        match event.body:
            case MessageCreated(message=Message(client_message_id=str(client_id), author=author)):
                if (author, client_id) in stored.clients:
                    raise ClientMessageIdTaken()
            case _:
                pass


def _project(stored: _Stored, event: Event, after: Context) -> None:
    match event.body:
        case MessageCreated(message=message):
            stored.messages.append(message)
            stored.seqs[message.id] = event.seq
            stored.paths.setdefault(after.active_branch, []).append(message.ordinal)
            if message.client_message_id is not None:
                stored.clients[message.author, message.client_message_id] = message.id
        case BranchCreated(branch=branch):
            stored.paths[branch.name] = list(stored.paths.get(branch.parent or "", ()))[: branch.forked_at]
        case BranchMerged(branch=branch, messages=entries):
            stored.paths.setdefault(branch.name, []).extend(entry.ordinal for entry in entries)
        case MessageCompleted(message=message):
            stored.messages[message.ordinal - 1] = message
        case MessageUpdated(message=message):
            body = stored.messages[message.ordinal - 1].content
            stored.messages[message.ordinal - 1] = message.with_body(body)
        case RunQueued(run=run) | RunStarted(run=run) | RunFinished(run=run):
            stored.runs[run.id] = run
        case ApprovalRequested(approval=approval) | ApprovalResolved(approval=approval):
            stored.approvals[approval.id] = approval
            if after.run is not None:
                stored.runs[after.run.id] = after.run
        case _:
            pass
