"""The journal's interface: append events, read them since a position, read what is derived from them.

Every backend passes tests/contracts/test_journal*.py. An append is one transaction: the events and their projections,
guarded by the head that was decided on and, for a run, by its fence. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from models.approvals import Approval
from models.errors import PayloadTooLarge
from models.events import Event
from models.heads import Head
from models.ids import EpochMs
from models.messages import Message
from models.runs import Run
from models.session import Session
from models.snapshot import Snapshot
from services.engine.context import Context
from services.search.query import SearchPage, SearchQuery
from services.store.lists import EVERYTHING, SessionPage, SessionQuery

PAGE_EVENTS = 1_000
PAGE_BYTES = 256 * 1024
"""Bounds of one page of events, in a join and by REST (design §5)."""
PAGE_BODIES_BYTES = 8 * 1024 * 1024
"""What the large bodies of a page of messages may come to; beyond it they stand as headers, as in snapshots."""
BATCH_BYTES = 32 * 1024 * 1024
"""What several messages asked for by their ids may come to. A single one always travels."""
NOT_DELETED = "The session was restored in the meantime"
"""Why a purge is refused."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works on a run (the boot id of a process) and until when the others must believe it."""

    owner: str
    expires_at: EpochMs


@dataclass(frozen=True, slots=True)
class Append:
    """`before` None creates the session. `after` is `before` with `events` applied. `fence`, when given, must be
    that of the run which holds the session. `lease` goes with an append that starts a run."""

    before: Context | None
    after: Context
    events: tuple[Event, ...]
    fence: str | None = None
    lease: Lease | None = None


Done = Callable[[BaseException | None], None]
"""Called in the event loop once an append is durable (None) or is not (StaleHead, Fenced, ClientMessageIdTaken,
ProjectNotFound, StorageUnavailable). After StorageUnavailable the outcome is unknown: load the head before anything
else."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events after a position, in order; `head` is the journal's last seq in the same read transaction."""

    epoch: str
    head: int
    events: tuple[Event, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class MessageQuery:
    """Which page of a branch. Positions count a path from 1. At most one of `before` and `after`; they win over
    `skip`. `branch` None is the active one; `pool` reads every message of the session by ordinal."""

    skip: int = 0
    take: int = 50
    order: Literal["asc", "desc"] = "asc"
    before: int | None = None
    after: int | None = None
    branch: str | None = None
    pool: bool = False


def page_positions(query: MessageQuery, total: int) -> range:
    """The positions (from 1) that a query asks of a path of `total`, always ascending unless order is desc."""
    if query.before is not None:
        stop = min(query.before, total + 1)
        ascending = range(max(1, stop - query.take), max(1, stop))
    elif query.after is not None:
        start = query.after + 1
        ascending = range(start, max(start, min(start + query.take, total + 1)))
    elif query.order == "desc":
        stop = max(1, total + 1 - query.skip)
        ascending = range(max(1, stop - query.take), stop)
    else:
        ascending = range(query.skip + 1, max(query.skip + 1, min(query.skip + query.take, total) + 1))
    return ascending[::-1] if query.order == "desc" else ascending


@dataclass(frozen=True, slots=True)
class MessagePage:
    """`first_position` is the position of `messages[0]`, 0 on an empty page. Where the bodies over 64 KiB come to more
    than 8 MiB together, headers stand for all of them, and `messages` has them whole."""

    epoch: str
    head: int
    total: int
    messages: tuple[Message, ...]
    first_position: int


def check_batch(ids: Sequence[str], size_bytes: int) -> None:
    """Raises PayloadTooLarge when so many bytes are too much for those messages together."""
    if len(ids) > 1 and size_bytes > BATCH_BYTES:
        raise PayloadTooLarge(
            f"These messages have {size_bytes} bytes together: ask for fewer at once",
            field="ids",
            limit=BATCH_BYTES,
            size=size_bytes,
        )


@dataclass(frozen=True, slots=True)
class Chunk:
    sequence: int
    delta: str
    at: EpochMs


@dataclass(frozen=True, slots=True)
class ChunkPage:
    chunks: tuple[Chunk, ...]
    current_sequence: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What is kept of a message with a clientMessageId, to answer its repetition."""

    message: Message
    seq: int


class Journal(Protocol):
    """Reads raise SessionNotFound for sessions that it does not hold and, all but `load`, for deleted ones."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...

    @property
    def trouble(self) -> str | None:
        """Why the storage can't be used at the moment; None when it can."""
        ...

    def append(self, append: Append, done: Done) -> None: ...
    async def load(self, session_id: str) -> Context: ...
    async def heads(self, session_ids: Sequence[str]) -> dict[str, Head]:
        """In one query, of deleted sessions too. Who is missing was purged, or never was."""
        ...

    async def since(
        self,
        session_id: str,
        after: int,
        *,
        limit: int = PAGE_EVENTS,
        limit_bytes: int = PAGE_BYTES,
        deleted: bool = False,
    ) -> EventPage:
        """With `deleted` of a deleted session too."""
        ...

    async def snapshot(self, session_id: str) -> Snapshot: ...
    async def page(self, session_id: str, query: MessageQuery) -> MessagePage: ...
    async def messages(self, session_id: str, ids: Sequence[str]) -> tuple[Message, ...]:
        """Whole, in the order of `ids`, without those that are not there. Raises PayloadTooLarge when several come to
        more than 32 MiB together."""
        ...

    async def chunks(self, session_id: str, message_id: str, after: int, limit: int = PAGE_EVENTS) -> ChunkPage: ...
    async def sent(self, session_id: str, author: str, client_message_id: str) -> SentMessage | None: ...
    async def session(self, session_id: str) -> Session: ...
    async def sessions(self, query: SessionQuery = EVERYTHING) -> SessionPage:
        """Raises InvalidArgument for a cursor of another list."""
        ...

    async def search(self, query: SearchQuery) -> SearchPage:
        """What is committed can be found. Raises InvalidArgument for a question without a word, and for a cursor of
        another one."""
        ...

    async def runs(self, session_id: str) -> tuple[Run, ...]: ...
    async def approvals(self, session_id: str) -> tuple[Approval, ...]:
        """All, oldest first; those that were answered too."""
        ...

    async def unfinished(self) -> tuple[str, ...]:
        """The sessions with a run that is queued or active, oldest first."""
        ...

    async def renew(self, run_ids: Sequence[str], lease: Lease) -> None:
        """Extends the leases of runs that the caller works on. A run that is no longer active is left alone."""
        ...

    async def orphans(self, owner: str, now: EpochMs) -> tuple[str, ...]:
        """The sessions whose active run nobody works on: its lease expired, or its owner can't be alive."""
        ...

    async def purge(self, session_id: str) -> None:
        """Removes a deleted session and everything of it, for good. Raises Conflict when it isn't deleted: somebody
        restored it."""
        ...

    async def expired(self, before: EpochMs) -> tuple[str, ...]:
        """The sessions that were deleted before an instant."""
        ...
