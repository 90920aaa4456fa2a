"""What a search finds, as it travels, and the keys that order the full-text index by time."""

from __future__ import annotations

from typing import Literal

from models.ids import EpochMs
from models.messages import Role
from models.payloads import Kind
from models.states import SessionState
from models.wire import Wire

INDEXED_MAX_CHARS = 65_536
"""How much of a message can be found: the output of a tool may be megabytes."""
KEY_BITS = 20
"""A key of the index is its millisecond shifted by so many bits, and a number within it."""
LAST_MS = (1 << 63 - KEY_BITS) - 1
"""The last millisecond that keys hold (the year 2248)."""


def first_key(at: EpochMs | int) -> int:
    """The smallest key of a millisecond."""
    return max(0, min(at, LAST_MS)) << KEY_BITS


class Fragment(Wire):
    """A part of a snippet; `match` where it is what was looked for."""

    text: str
    match: bool = False


class FoundSession(Wire):
    id: str
    project_id: str
    project_name: str
    title: str
    state: SessionState
    archived: bool
    updated_at_utc: str


class SearchResult(Wire):
    """A session's title or one of its messages. `position` is where the message stands on the session's active branch,
    null when it isn't on it. `createdAtUtc` of a title is its session's."""

    type: Literal["title", "message"]
    session: FoundSession
    message_id: str | None = None
    position: int | None = None
    role: Role | None = None
    kind: Kind | None = None
    created_at_utc: str
    snippet: tuple[Fragment, ...]
