"""The journal in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson

from models.errors import ClientMessageIdTaken, Conflict, Fenced, ProjectNotFound, StaleHead
from models.events import (
    ApprovalRequested,
    ApprovalResolved,
    BranchCreated,
    BranchMerged,
    Event,
    MessageCompleted,
    MessageCreated,
    MessageUpdated,
    RunFinished,
    RunQueued,
    RunStarted,
    SessionCreated,
    SessionDeleted,
    SessionRenamed,
)
from models.heads import Head
from models.ids import EpochMs, from_iso
from models.messages import Message
from services.engine.context import Context
from services.store.journal import NOT_DELETED, PAGE_BYTES, PAGE_EVENTS, Append, EventPage, OnAppended, check_reach
from services.store.leases import Lease
from services.store.memory.tables import Kept, Memory


class MemoryJournal:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def append(self, append: Append, done: OnAppended) -> None:
        error: BaseException | None = None
        try:
            self._append(append)
        except (StaleHead, Fenced, ClientMessageIdTaken, ProjectNotFound) as refused:
            error = refused
        asyncio.get_running_loop().call_soon(done, error)

    def _append(self, append: Append) -> None:
        kept = self._guarded(append)
        _check_client_ids(kept, append.events)
        self._memory.sessions[append.after.session_id] = kept
        for event, branch in append.on_branches():
            _project(kept, event, append.after, branch.name)
            self._make_findable(event, append.after)
            if isinstance(event.body, SessionDeleted):
                self._memory.no_longer_current(append.after.session_id)
        kept.context = append.after
        kept.events.extend(append.events)
        if append.lease is not None and append.after.run is not None:
            self._memory.leases[append.after.run.id] = append.lease

    def _guarded(self, append: Append) -> Kept:
        """The session, new or as it was decided on. Raises StaleHead, Fenced, ProjectNotFound."""
        kept = self._memory.sessions.get(append.after.session_id)
        if append.before is None:
            if kept is not None:
                raise StaleHead()
            if append.after.project_id not in self._memory.projects:
                raise ProjectNotFound(field="projectId")
            self._memory.created += 1
            return Kept(append.after, self._memory.created)
        if kept is None or kept.context.head != append.before.head:
            raise StaleHead()
        if append.fence is not None and append.fence != kept.context.fence:
            raise Fenced()
        if append.lease is not None and self._is_held(kept, append.lease, append.events[-1].at):
            raise Fenced()
        return kept

    def _is_held(self, kept: Kept, lease: Lease, now: EpochMs) -> bool:
        run = kept.context.run
        return run is not None and self._memory.is_held(run.id, now, but_by=lease.owner)

    def _make_findable(self, event: Event, after: Context) -> None:
        match event.body:
            case SessionCreated() | SessionRenamed():
                self._memory.index.put(after.session_id, 0, after.created_at, after.title)
            case MessageCreated(message=message) | MessageCompleted(message=message):
                if message.status != "streaming" and message.content:
                    at = from_iso(message.created_at_utc)
                    self._memory.index.put(after.session_id, message.ordinal, at, message.content)
            case _:
                pass

    async def load(self, session_id: str) -> Context:
        return self._memory.kept(session_id, deleted=True).context

    async def heads(self, session_ids: Sequence[str]) -> dict[str, Head]:
        sessions = self._memory.sessions
        found = {each: sessions[each].context for each in session_ids if each in sessions}
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
        stored = self._memory.kept(session_id, deleted=deleted)
        before = stored.events[0].seq - 1
        events = stored.events[max(0, after - before) :][:limit]
        check_reach(after, events)
        size, kept = 0, 0
        for event in events:
            size += len(orjson.dumps(event.to_wire()))
            if kept and size > limit_bytes:
                break
            kept += 1
        head = stored.context.head
        page = tuple(events[:kept])
        return EventPage(stored.context.epoch, head, page, bool(page) and page[-1].seq < head)

    async def purge(self, session_id: str) -> None:
        if self._memory.kept(session_id, deleted=True).context.deleted_at is None:
            raise Conflict(NOT_DELETED)
        del self._memory.sessions[session_id]
        self._memory.index.forget(session_id)


def _check_client_ids(kept: Kept, events: Sequence[Event]) -> None:
    for event in events:
        match event.body:
            case MessageCreated(message=Message(client_message_id=str(client_id), author=author)):
                if (author, client_id) in kept.clients:
                    raise ClientMessageIdTaken()
            case _:
                pass


def _project(kept: Kept, event: Event, after: Context, active: str) -> None:
    match event.body:
        case MessageCreated(message=message):
            kept.messages.append(message)
            kept.seqs[message.id] = event.seq
            kept.paths.setdefault(active, []).append(message.ordinal)
            if message.client_message_id is not None:
                kept.clients[message.author, message.client_message_id] = message.id
        case BranchCreated(branch=branch):
            kept.paths[branch.name] = list(kept.paths.get(branch.parent or "", ()))[: branch.forked_at]
        case BranchMerged(branch=branch, messages=entries):
            kept.paths.setdefault(branch.name, []).extend(entry.ordinal for entry in entries)
        case MessageCompleted(message=message):
            kept.messages[message.ordinal - 1] = message
        case MessageUpdated(message=message):
            body = kept.messages[message.ordinal - 1].content
            kept.messages[message.ordinal - 1] = message.with_body(body)
        case RunQueued(run=run) | RunStarted(run=run) | RunFinished(run=run):
            kept.runs[run.id] = run
        case ApprovalRequested(approval=approval) | ApprovalResolved(approval=approval):
            kept.approvals[approval.id] = approval
            if after.run is not None:
                kept.runs[after.run.id] = after.run
        case _:
            pass
