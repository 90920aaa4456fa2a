"""The shapes of what the hub sends: acks, server events, and what each event of a journal carries as it travels.

Documentation made of models, for the API document and the types that are generated from it. Only the acks that are
made of a command's result are sent from here.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, create_model

from models.actors import Actor, absent
from models.approvals import Approval
from models.branches import BranchView, Entry, MergeStrategy, Pin
from models.events import (
    BODIES,
    ApprovalRequested,
    ApprovalResolved,
    BranchCreated,
    BranchMerged,
    BranchUpdated,
    EventBody,
    MessageCompleted,
    MessageCreated,
    MessageUpdated,
)
from models.messages import Message
from models.payloads import PlanItem
from models.session import Session
from models.snapshot import Snapshot
from models.states import ContextState
from models.user_state import UserState
from models.wire import Wire


class Empty(Wire):
    """No further keys."""


class ParticipantView(Wire):
    user_id: str
    name: str
    connections: int


class Sender(Wire):
    user_id: str
    name: str


class MessageTravels(Wire):
    """`truncated` and `size` (bytes) come with a message whose body is too large to travel."""

    message: Message
    truncated: bool | None = Field(default=None, exclude_if=absent)
    size: int | None = Field(default=None, exclude_if=absent)


class ApprovalTravels(Wire):
    approval: Approval


class BranchTravels(Wire):
    """`version` is the session's from here on, as in every edit's data."""

    branch: BranchView
    version: int | None = Field(default=None, exclude_if=absent)


class MergeTravels(BranchTravels):
    """With `hasMore` only the newest of many `messages` are listed."""

    source: str
    strategy: MergeStrategy
    messages: tuple[Entry, ...]
    pins: tuple[Pin, ...]
    plan: tuple[PlanItem, ...]
    has_more: bool | None = Field(default=None, exclude_if=absent)


TRAVELS: dict[type[EventBody], type[Wire]] = {
    MessageCreated: MessageTravels,
    MessageCompleted: MessageTravels,
    MessageUpdated: MessageTravels,
    ApprovalRequested: ApprovalTravels,
    ApprovalResolved: ApprovalTravels,
    BranchCreated: BranchTravels,
    BranchUpdated: BranchTravels,
    BranchMerged: MergeTravels,
}
"""Those whose JSON is not simply that of the body in the journal."""


class Envelope(Wire):
    """What every event of a session comes in. `seq` counts from 1 without holes; `by` is who did it, left out by
    servers that are older than it."""

    session_id: str
    epoch: str
    seq: int
    type: str
    at: str
    by: Actor | None = Field(default=None, exclude_if=absent)


def _event(body: type[EventBody]) -> type[Wire]:
    """The envelope of one type, named after the body: `MessageDeltaEvent`."""
    fields: dict[str, Any] = {"type": (Literal[body.type], ...), "data": (TRAVELS.get(body, body), ...)}
    return create_model(f"{body.__name__}Event", __base__=Envelope, **fields)


EVENTS: tuple[type[Wire], ...] = tuple(_event(body) for body in BODIES)


class SignalEvent(Envelope):
    """An event without its content. `seq` is a high-water mark: signals may be merged."""

    message_id: str | None = Field(default=None, exclude_if=absent)
    sequence: int | None = Field(default=None, exclude_if=absent)
    state: str | None = Field(default=None, exclude_if=absent)


class BroadcastEvent(Wire):
    session_id: str
    sender: Sender = Field(alias="from")
    data: Any


class PresenceEvent(Wire):
    """`count` comes instead of names when there are many."""

    session_id: str
    version: int
    joined: tuple[ParticipantView, ...]
    left: tuple[ParticipantView, ...]
    count: int | None = Field(default=None, exclude_if=absent)


class ListEvent(Wire):
    """One change of a watched list: a session as it is now, or the id of one that left."""

    session: Session | None = Field(default=None, exclude_if=absent)
    removed: str | None = Field(default=None, exclude_if=absent)


class HeadEvent(Wire):
    session_id: str
    epoch: str
    seq: int
    state: ContextState
    presence_version: int


class ResyncEvent(Wire):
    session_id: str
    reason: str


class ToolsEvent(Wire):
    """The names of tools that came, went, or were switched off or on: read the list again."""

    changed: tuple[str, ...]


class GoodbyeEvent(Wire):
    code: str
    retryable: bool
    reason: str


SERVER_EVENTS: dict[str, type[Wire]] = {
    "signal": SignalEvent,
    "broadcast": BroadcastEvent,
    "presence": PresenceEvent,
    "session": ListEvent,
    "running": ListEvent,
    "user_state": UserState,
    "tools": ToolsEvent,
    "head": HeadEvent,
    "resync": ResyncEvent,
    "goodbye": GoodbyeEvent,
}
"""All but `event`, which is one of EVENTS."""


class SocketError(Wire):
    """Why a call was refused."""

    code: str
    message: str
    retryable: bool
    details: dict[str, Any]


class JoinAck(Wire):
    """In signal mode `events` are signals."""

    session_id: str
    epoch: str
    head: int
    recovered: bool
    events: tuple[dict[str, Any], ...]
    has_more: bool
    participants: tuple[ParticipantView, ...]
    presence_version: int
    snapshot: Snapshot | None = Field(default=None, exclude_if=absent)


class SentAck(Wire):
    message_id: str
    seq: int
    run_id: str | None


class CancelledAck(Wire):
    cancelled: bool


class SessionsAck(Wire):
    """The ones that changed last; `hasMore` when there are others, whose changes are told all the same."""

    sessions: tuple[Session, ...]
    has_more: bool


ACKS: dict[str, type[Wire]] = {
    "join_session": JoinAck,
    "leave_session": Empty,
    "send_message": SentAck,
    "broadcast_message": Empty,
    "cancel_run": CancelledAck,
    "resolve_approval": Empty,
    "watch_sessions": SessionsAck,
    "unwatch_sessions": Empty,
    "watch_running": SessionsAck,
    "unwatch_running": Empty,
}
"""What the ack of each call holds beside `ok`."""
