"""What is read of sessions besides their journals: snapshots, pages of messages, chunks, lists, runs, approvals. The
interface; back ends answer each from one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

from models.approvals import Approval
from models.errors import PayloadTooLarge
from models.ids import EpochMs
from models.messages import Message
from models.runs import Run
from models.session import Session
from models.snapshot import Snapshot
from services.store.journal import PAGE_EVENTS
from services.store.lists import EVERYTHING, SessionPage, SessionQuery

PAGE_BODIES_BYTES = 8 * 1024 * 1024
"""What the large bodies of a page of messages may come to; beyond it they stand as headers, as in snapshots."""
BATCH_BYTES = 32 * 1024 * 1024
"""What several messages asked for by their ids may come to. A single one always travels."""


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


def intervals(chunks: Sequence[Chunk], before: EpochMs | None = None) -> tuple[int | None, ...]:
    """Of each chunk, the milliseconds since the one before; of the first since `before`, None where that is."""
    times = [before, *(chunk.at for chunk in chunks)]
    return tuple(None if last is None or at is None else at - last for last, at in pairwise(times))


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


class Reads(Protocol):
    """Raises SessionNotFound for sessions that it does not hold and for deleted ones."""

    async def snapshot(self, session_id: str) -> Snapshot: ...
    async def page(self, session_id: str, query: MessageQuery) -> MessagePage: ...
    async def messages(self, session_id: str, ids: Sequence[str]) -> tuple[Message, ...]:
        """Whole, in the order of `ids`, without those that are not there. Raises PayloadTooLarge when several come to
        more than 32 MiB together."""
        ...

    async def chunks(self, session_id: str, message_id: str, after: int, limit: int = PAGE_EVENTS) -> ChunkPage: ...
    async def sent(self, session_id: str, author: str, client_message_id: str) -> SentMessage | None: ...
    async def seq_of(self, session_id: str, message_id: str) -> int | None:
        """Where in the journal the message came; None when it never did."""
        ...

    async def session(self, session_id: str) -> Session: ...
    async def sessions(self, query: SessionQuery = EVERYTHING) -> SessionPage:
        """Raises InvalidArgument for a cursor of another list."""
        ...

    async def runs(self, session_id: str) -> tuple[Run, ...]: ...
    async def approvals(self, session_id: str) -> tuple[Approval, ...]:
        """All, oldest first; those that were answered too."""
        ...

    async def unfinished(self) -> tuple[str, ...]:
        """The sessions with a run that is queued or active, oldest first."""
        ...

    async def expired(self, before: EpochMs) -> tuple[str, ...]:
        """The sessions that were deleted before an instant."""
        ...
