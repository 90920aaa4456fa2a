"""The shapes of what travels, as far as the Python client looks into them: plain JSON with the keys that it reads.

hub/shapes.py has them all, and a test holds these against it. A key that is not named here is a newer server's.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Json = dict[str, Any]
FeedMode = Literal["push", "signal"]


class SessionEvent(TypedDict):
    """An event of the journal, perhaps of a type that this client does not know. `by` is who did it, where that is
    known."""

    sessionId: str
    epoch: str
    seq: int
    type: str
    at: str
    by: NotRequired[Json]
    data: Json


class JoinAck(TypedDict):
    """In signal mode `events` are signals, without data."""

    sessionId: str
    epoch: str
    head: int
    recovered: bool
    events: list[SessionEvent]
    hasMore: bool
    participants: list[Json]
    presenceVersion: int
    snapshot: NotRequired[Json]


class EventPage(TypedDict):
    epoch: str
    head: int
    events: list[SessionEvent]
    hasMore: bool


class Sent(TypedDict):
    """What became of a message: `runId` is the run that it starts, waits for or steers."""

    messageId: str
    seq: int
    runId: str | None


class Cancelled(TypedDict):
    """False when nothing ran."""

    cancelled: bool
