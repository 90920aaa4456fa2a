"""What happened in a session: the bodies of the journal's events, and the envelope they travel in.

An event's `type` names its body class; a body's JSON is the envelope's `data`. Codes are what the database stores:
add at the end, never renumber.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
from pydantic import Field

from models.actors import UNKNOWN, Actor, absent
from models.approvals import Approval
from models.branches import Branch, Entry, MergeStrategy, Pin
from models.ids import EpochMs, iso
from models.messages import Message
from models.payloads import PlanItem
from models.runs import Run
from models.session import Session
from models.states import ContextState, Mode, SessionState
from models.usage import Usage
from models.wire import Wire

TRUNCATE_OVER_BYTES = 64 * 1024
"""A payload over this travels as `{truncated: true, size, message}` and is pulled by REST (design §5)."""

PAYLOAD_KEPT_BYTES = 4 * 1024
"""A payload up to this travels even where the text of its message can't."""

MERGED_SHOWN = 1_000
MERGED_NEWEST = 50
"""A merge that brought more than a thousand messages lists the newest, as many as a snapshot has: an event must fit
what clients take in one packet."""


class EventBody(Wire):
    type: ClassVar[str]
    code: ClassVar[int]

    def without_body(self) -> EventBody:
        """The same with the text of its message left out; itself when it carries no message."""
        return self


class EditBody(EventBody):
    """An edit of the session: `version` is what the session has from here on. Journals that are older than this have
    none in it."""

    version: int | None = Field(default=None, exclude_if=absent)


class SessionCreated(EventBody):
    type = "session.created"
    code = 1
    session: Session
    model: str


class SessionRenamed(EditBody):
    """A title that was made of the first message is no edit: the version stays."""

    type = "session.renamed"
    code = 2
    title: str
    version: int


class SessionStateChanged(EventBody):
    type = "session.state_changed"
    code = 3
    state: SessionState
    completed_at_utc: str | None = None


class SessionDeleted(EventBody):
    type = "session.deleted"
    code = 4


class SessionRestored(EventBody):
    type = "session.restored"
    code = 5


class ContextStateChanged(EditBody):
    """Has a version when the session was archived or taken up again: nothing else that moves the state is an edit."""

    type = "context.state_changed"
    code = 10
    state: ContextState


class ContextModeChanged(EditBody):
    type = "context.mode_changed"
    code = 11
    mode: Mode


class ContextModelChanged(EditBody):
    type = "context.model_changed"
    code = 12
    model: str


class MessageBody(EventBody):
    message: Message

    def to_wire(self) -> dict[str, Any]:
        return {"message": self.message.to_wire()}

    def without_body(self) -> EventBody:
        return self.model_copy(update={"message": self.message.without_body()})


class MessageCreated(MessageBody):
    type = "message.created"
    code = 20


class MessageDelta(EventBody):
    type = "message.delta"
    code = 21
    message_id: str
    sequence: int
    delta: str

    def to_wire(self) -> dict[str, Any]:
        return {"messageId": self.message_id, "sequence": self.sequence, "delta": self.delta}


class MessageCompleted(MessageBody):
    type = "message.completed"
    code = 22


class MessageUpdated(MessageBody):
    type = "message.updated"
    code = 23


class RunQueued(EventBody):
    type = "run.queued"
    code = 30
    run: Run


class RunStarted(EventBody):
    type = "run.started"
    code = 31
    run: Run


class RunFinished(EventBody):
    type = "run.finished"
    code = 32
    run: Run


class ApprovalBody(EventBody):
    """The journal holds the whole approval; what travels leaves long arguments out."""

    approval: Approval

    def to_wire(self) -> dict[str, Any]:
        return {"approval": self.approval.fit_for_travel().to_wire()}


class ApprovalRequested(ApprovalBody):
    """The run waits from here on: its state is `awaiting_input`."""

    type = "approval.requested"
    code = 40


class ApprovalResolved(ApprovalBody):
    """With scope `session` the tool is granted; once nothing is pending the run's state is `running` again."""

    type = "approval.resolved"
    code = 41


class ApprovalRevoked(EditBody):
    """A grant was taken back: the tool is asked for again."""

    type = "approval.revoked"
    code = 42
    tool: str


class BranchBody(EditBody):
    """The journal holds the whole branch; what travels is its view."""

    branch: Branch

    def to_wire(self) -> dict[str, Any]:
        rest = self.model_dump(mode="json", by_alias=True, exclude={"branch"})
        return rest | {"branch": self.branch.view().to_wire()}


class BranchCreated(BranchBody):
    type = "branch.created"
    code = 50


class BranchSwitched(EditBody):
    """`messageIds` are the newest 50 of the branch that is active now; pull those that you don't have. `pins` and
    `plan` are that branch's."""

    type = "branch.switched"
    code = 51
    name: str
    message_ids: tuple[str, ...]
    pins: tuple[Pin, ...] = ()
    plan: tuple[PlanItem, ...] = ()


class BranchMerged(BranchBody):
    """`branch` is the target as it is now; `messages` are those that its path gained. As it travels, `pins` and `plan`
    are the target's, and with `hasMore` only the newest of many `messages` are listed."""

    type = "branch.merged"
    code = 52
    source: str
    strategy: MergeStrategy
    messages: tuple[Entry, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        whole = len(self.messages) <= MERGED_SHOWN
        shown = self if whole else self.model_copy(update={"messages": self.messages[-MERGED_NEWEST:]})
        wire = super(BranchMerged, shown).to_wire()
        wire["pins"] = [pin.to_wire() for pin in self.branch.pins]
        wire["plan"] = [item.to_wire() for item in self.branch.plan]
        return wire if whole else wire | {"hasMore": True}


class BranchUpdated(BranchBody):
    """Its system prompt changed."""

    type = "branch.updated"
    code = 53


class PinAdded(EditBody):
    type = "pin.added"
    code = 60
    pin: Pin


class PinRemoved(EditBody):
    type = "pin.removed"
    code = 61
    pin_id: str


class PlanChanged(EditBody):
    type = "plan.changed"
    code = 70
    items: tuple[PlanItem, ...]


class UsageAdded(EventBody):
    """What a reply cost that had no words, and so no message of its own to say it: one that only called tools, in the
    request `messageId`, or one that said nothing at all."""

    type = "usage.added"
    code = 80
    model: str
    usage: Usage
    message_id: str | None = None


BODIES: tuple[type[EventBody], ...] = (
    SessionCreated,
    SessionRenamed,
    SessionStateChanged,
    SessionDeleted,
    SessionRestored,
    ContextStateChanged,
    ContextModeChanged,
    ContextModelChanged,
    MessageCreated,
    MessageDelta,
    MessageCompleted,
    MessageUpdated,
    RunQueued,
    RunStarted,
    RunFinished,
    ApprovalRequested,
    ApprovalResolved,
    ApprovalRevoked,
    BranchCreated,
    BranchSwitched,
    BranchMerged,
    BranchUpdated,
    PinAdded,
    PinRemoved,
    PlanChanged,
    UsageAdded,
)
BY_CODE: dict[int, type[EventBody]] = {body.code: body for body in BODIES}
BY_TYPE: dict[str, type[EventBody]] = {body.type: body for body in BODIES}


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a session's journal. `seq` counts from 1 without holes; `at` is when it was decided, `by` who asked
    for it."""

    session_id: str
    epoch: str
    seq: int
    at: EpochMs
    body: EventBody
    by: Actor = UNKNOWN

    @property
    def type(self) -> str:
        return self.body.type

    def to_wire(self) -> dict[str, Any]:
        """The envelope of design §5: `{sessionId, epoch, seq, type, at, by, data}`, an oversized body left out."""
        return self._envelope(self._data())

    def to_signal(self) -> dict[str, Any]:
        """The envelope without content, under 1 KB: enough to know what to pull."""
        signal = self._envelope(None)
        del signal["data"]
        match self.body:
            case MessageDelta():
                signal["messageId"] = self.body.message_id
                signal["sequence"] = self.body.sequence
            case MessageBody():
                signal["messageId"] = self.body.message.id
                signal["sequence"] = self.body.message.sequence
            case ContextStateChanged():
                signal["state"] = self.body.state.name
            case _:
                pass
        return signal

    def _envelope(self, data: dict[str, Any] | None) -> dict[str, Any]:
        return {
            "sessionId": self.session_id,
            "epoch": self.epoch,
            "seq": self.seq,
            "type": self.body.type,
            "at": iso(self.at),
            "by": self.by.to_wire(),
            "data": data,
        }

    def _data(self) -> dict[str, Any]:
        if not isinstance(self.body, MessageBody):
            return self.body.to_wire()
        message = fit_for_travel(self.body.message)
        data: dict[str, Any] = {"message": message.to_wire()}
        if message.truncated:
            data |= {"truncated": True, "size": message.size}
        return data


def _surely_small(message: Message) -> bool:
    """True for the common case, without encoding: short text, a payload that only mirrors it, plain metadata."""
    metadata = message.metadata
    return (
        message.kind in ("text", "streaming_response")
        and len(message.content) < TRUNCATE_OVER_BYTES // 32
        and not metadata.extra
        and metadata.original_input is None
        and metadata.display_hint is None
        and metadata.streaming is None
        and metadata.answers is None
    )


def oversize(message: Message) -> int | None:
    """The message's bytes as JSON, its text counted once, when it is too large to travel in an event or a snapshot;
    else None."""
    if message.truncated:
        return message.size
    if _surely_small(message):
        return None
    size = len(orjson.dumps(message.to_wire(once=True)))
    return size if size > TRUNCATE_OVER_BYTES else None


def truncated(message: Message, size_bytes: int) -> Message:
    """The header that stands for a message whose body can't travel here. A small payload stays: it may hold usage."""
    header = message.without_body()
    payload = header.payload
    if payload is not None and len(orjson.dumps(payload.to_wire())) > PAYLOAD_KEPT_BYTES:
        payload = None
    return header.model_copy(update={"payload": payload, "truncated": True, "size": size_bytes})


def fit_for_travel(message: Message) -> Message:
    """The message as a snapshot or an event may carry it: whole, or its header when it is over 64 KiB."""
    size = oversize(message)
    return message if size is None else truncated(message, size)
