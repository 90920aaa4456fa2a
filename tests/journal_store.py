"""A store of either kind, and what was appended to it: what the contracts of stores stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from world import T0, appending, commit, create, decided, say

import services.store.store
from models.branches import Entry, MergeStrategy
from models.clock import SYSTEM_CLOCK
from models.commands import (
    AppendDelta,
    BeginStream,
    Command,
    Merge,
    RequestModel,
    RunFence,
    StartRun,
    SwitchBranch,
)
from models.events import Event, EventBody, MessageCreated
from models.ids import EpochMs, iso
from models.messages import Message
from models.payloads import TextPayload
from models.search import SearchResult
from models.session import Session
from services.engine.context import Context
from services.search.query import SearchQuery
from services.store.backends import BACKENDS
from services.store.journal import Append
from services.store.leases import Lease
from services.store.lists import EVERYTHING, SessionQuery

FOREVER = EpochMs(2**50)
KINDS = sorted(BACKENDS)
LASTING = [kind for kind in KINDS if BACKENDS[kind](Path(), SYSTEM_CLOCK).capabilities.survives_restart]
BOUNDED = [kind for kind in KINDS if BACKENDS[kind](Path(), SYSTEM_CLOCK).capabilities.bounded_reads]


class Store:
    """A store and what was appended to it through here."""

    def __init__(self, whole: services.store.store.Store, project_id: str) -> None:
        self.whole = whole
        self.journal, self.reads, self.leases = whole.journal, whole.reads, whole.leases
        self.search, self.projects = whole.search, whole.projects
        self.project_id = project_id
        self.events: dict[str, list[Event]] = {}

    async def put(self, session_id: str, append: Append) -> Context:
        await commit(self.journal, append)
        self.events.setdefault(session_id, []).extend(append.events)
        return append.after

    async def session(self, session_id: str = "s", title: str = "t", now: int = T0) -> Context:
        append = decided(session_id, None, create(self.project_id, title), now=now)
        assert append is not None
        return await self.put(session_id, append)

    async def do(self, context: Context, *commands: Command, now: int = T0, lease: Lease | None = None) -> Context:
        for command in commands:
            append = decided(context.session_id, context, command, now=now)
            if append is not None:
                append = Append(append.before, append.after, append.events, append.fence, lease)
                context = await self.put(context.session_id, append)
        return context

    async def listed(self, query: SessionQuery = EVERYTHING) -> tuple[Session, ...]:
        return (await self.reads.sessions(query)).sessions

    async def found(self, text: str, **asked: Any) -> list[str]:
        """What a search finds, a message by its id and a title by that of its session with a star."""
        page = await self.search.find(SearchQuery(text, **asked))
        return [name_of(result) for result in page.results]

    async def emit(self, context: Context, *bodies: EventBody, fence: str | None = None) -> Context:
        return await self.put(context.session_id, appending(context.session_id, context, bodies, fence=fence))

    async def running(self, session_id: str = "s", now: int = T0) -> Context:
        context = await self.session(session_id, now=now)
        first = say("first")
        return await self.do(context, first, StartRun(first.run_id), now=now, lease=Lease("boot", FOREVER))

    async def talk(self, context: Context, count: int) -> Context:
        for first in range(context.pool_count + 1, context.pool_count + count + 1, 500):
            bodies = [note(n) for n in range(first, min(first + 500, count + 1))]
            context = await self.emit(context, *bodies)
        return context


def name_of(result: SearchResult) -> str:
    return result.message_id or f"{result.session.id}*"


def note(ordinal: int, text: str | None = None, **changes: Any) -> MessageCreated:
    text = f"note {ordinal}" if text is None else text
    message = Message(
        id=f"n{ordinal}",
        ordinal=ordinal,
        role="system",
        content=text,
        message_type="text",
        kind="text",
        payload=TextPayload(text=text),
        created_at_utc=iso(T0),
        author="system",
    )
    return MessageCreated(message=message.model_copy(update=changes))


def fence_of(context: Context) -> RunFence:
    assert context.run is not None
    return RunFence(context.run.id, context.run.attempt)


def switch(context: Context, name: str) -> SwitchBranch:
    return SwitchBranch(name, context.branches[name].length, ())


def merge(context: Context, source: str, ordinals: list[int], strategy: MergeStrategy = "append") -> Merge:
    return Merge(
        source=source,
        strategy=strategy,
        entries=tuple(Entry(id=f"n{ordinal}", ordinal=ordinal) for ordinal in ordinals),
        source_length=context.branches[source].length,
        length=context.branch.length,
        by="ann",
        resolution="source",
        name=f"rebased {context.head}",
        summary_id=f"n{context.pool_count + 1}",
        summary=f"note {context.pool_count + 1}",
    )


async def noted(store: Store, context: Context, count: int) -> Context:
    """So many notes on the active branch, at the next ordinals."""
    first = context.pool_count + 1
    return await store.emit(context, *(note(ordinal) for ordinal in range(first, first + count)))


async def streaming(store: Store, deltas: int = 7) -> Context:
    context = await store.running()
    fence = fence_of(context)
    context = await store.do(context, RequestModel(fence, "q"), BeginStream(fence, "m", "a", "demo"))
    for number in range(1, deltas + 1):
        context = await store.do(context, AppendDelta(fence, "m", f"{number} "), now=T0 + 10 * number)
    return context


@asynccontextmanager
async def opened(kind: str, folder: Path) -> AsyncIterator[Store]:
    """A store of that back end, closed at the end."""
    whole = BACKENDS[kind](folder, SYSTEM_CLOCK)
    await whole.open()
    yield Store(whole, (await whole.projects.inbox()).id)
    await whole.close()


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Each back end in turn. A test module takes it in by `store = journal_store.store`."""
    async with opened(request.param, tmp_path) as found:
        yield found


def wire(events: tuple[Event, ...] | list[Event]) -> list[dict[str, Any]]:
    return [event.to_wire() for event in events]
