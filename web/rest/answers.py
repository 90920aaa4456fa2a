"""The shapes of REST answers that are not simply a session, a project or a snapshot."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from models.actors import Actor, absent
from models.approvals import Approval, Grant
from models.branches import Branch, BranchView, Pin
from models.messages import Message
from models.payloads import PlanItem
from models.runs import Run
from models.search import SearchResult
from models.session import Project, Session
from models.states import ContextState, Mode
from models.usage import Usage
from models.wire import Wire


class Done(Wire):
    success: bool = True


class EditDone(Done):
    """`version` is the session's from here on."""

    version: int


class CurrentSession(Wire):
    success: bool = True
    current_session_id: str


class ProjectList(Wire):
    projects: tuple[Project, ...]


class SessionList(Wire):
    """One page; `total` counts all pages. `cursor` asks for the next one, null on the last."""

    sessions: tuple[Session, ...]
    total: int
    has_more: bool
    cursor: str | None


class SearchAnswer(Wire):
    """One page of what was found, in the order that was asked for. A page may be short, even empty, while `hasMore`:
    `cursor` goes on from where the search stopped."""

    query: str
    results: tuple[SearchResult, ...]
    has_more: bool
    cursor: str | None


class RunList(Wire):
    runs: tuple[Run, ...]


class ApprovalList(Wire):
    """All of the session, oldest first, those that were answered too; and the tools that need none."""

    approvals: tuple[Approval, ...]
    grants: tuple[Grant, ...]


class PromptPartView(Wire):
    name: str
    text: str


class PromptAnswer(Wire):
    parts: tuple[PromptPartView, ...]


class ToolView(Wire):
    """`parameters` is a JSON schema; `reason` says why a tool is not available now."""

    name: str
    description: str
    parameters: dict[str, Any]
    category: str
    risk: str
    policy: str
    dangerous: bool
    modes: tuple[str, ...]
    roles: tuple[str, ...]
    requires: tuple[str, ...]
    timeout_ms: int
    available: bool
    reason: str | None


class McpServerView(Wire):
    """A server of tools: `off`, `starting`, `ready`, `down` or `stopped`, and why."""

    name: str
    state: str
    reason: str | None
    tools: tuple[str, ...]
    resources: int
    notes: tuple[str, ...]
    starts: int
    retry_in_ms: int | None


class ToolList(Wire):
    tools: tuple[ToolView, ...]
    servers: tuple[McpServerView, ...]


class WorkflowInputView(Wire):
    name: str
    required: bool
    default: Any
    description: str


class WorkflowStepView(Wire):
    """`group` is the parallel step that it is in."""

    id: str
    kind: str
    group: str | None


class WorkflowView(Wire):
    name: str
    description: str
    inputs: tuple[WorkflowInputView, ...]
    steps: tuple[WorkflowStepView, ...]
    tools: tuple[str, ...]


class WorkflowList(Wire):
    workflows: tuple[WorkflowView, ...]


class BranchName(Wire):
    """The branch that was made or is active now; `version` is the session's from here on."""

    name: str
    version: int


class MergeAnswer(Wire):
    """What was merged, or with `merged` false what would be; `conflicts` are what both sides changed. `version` is the
    session's from here on, where something was merged."""

    merged: bool
    version: int | None = Field(default=None, exclude_if=absent)
    active_branch: str
    messages: tuple[Message, ...]
    conflicts: tuple[str, ...]


class PinnedAnswer(Wire):
    """`version` is the session's from here on."""

    pin_id: str
    version: int


class BranchList(Wire):
    active_branch: str
    branches: tuple[Branch, ...]


class Participant(Wire):
    user_id: str
    name: str
    connections: int


class ParticipantList(Wire):
    participants: tuple[Participant, ...]


class MessagePageAnswer(Wire):
    """`firstPosition` is the position of the first message in `messages`, 0 on an empty page."""

    messages: tuple[Message, ...]
    total: int
    epoch: str
    head: int
    first_position: int

    def to_wire(self) -> dict[str, Any]:
        return {
            "messages": [message.to_wire() for message in self.messages],
            "total": self.total,
            "epoch": self.epoch,
            "head": self.head,
            "firstPosition": self.first_position,
        }


class MessageBatch(Wire):
    """The messages that exist, in the order of the ids asked for."""

    messages: tuple[Message, ...]
    requested_count: int
    found_count: int

    def to_wire(self) -> dict[str, Any]:
        messages = [message.to_wire() for message in self.messages]
        return {"messages": messages, "requestedCount": self.requested_count, "foundCount": self.found_count}


class EventEnvelope(Wire):
    """One entry of the journal; `data` is by `type`, as hub/PROTOCOL.md lists them."""

    session_id: str
    epoch: str
    seq: int
    type: str
    at: str
    by: Actor | None = Field(default=None, exclude_if=absent)
    data: dict[str, Any]


class EventPageAnswer(Wire):
    """At most 1,000 events and 256 KiB; with `hasMore` ask again after the last."""

    epoch: str
    head: int
    events: tuple[EventEnvelope, ...]
    has_more: bool


class ChunkView(Wire):
    """`intervalMs` since the chunk before, where intervals were asked for; null for the first."""

    sequence: int
    delta: str
    at: str
    interval_ms: int | None = Field(default=None, exclude_if=absent)


class ChunkPageAnswer(Wire):
    context_id: str
    message_id: str
    chunks: tuple[ChunkView, ...]
    current_sequence: int
    has_more: bool


class ContextMetadata(Wire):
    """The context's snapshot without its messages."""

    session_id: str
    epoch: str
    head: int
    session: Session
    state: ContextState
    mode: Mode
    model: str
    active_branch: str
    branches: tuple[BranchView, ...]
    approvals: tuple[Approval, ...]
    grants: tuple[Grant, ...]
    run: Run | None
    queue: tuple[Run, ...]
    pins: tuple[Pin, ...]
    plan: tuple[PlanItem, ...]
    usage: Usage


class SentAnswer(Wire):
    """`runId` is the run that the message starts, waits for or steers."""

    message_id: str
    seq: int
    run_id: str | None


class LaunchedAnswer(SentAnswer):
    """`sessionId` is the session that was named, or the one that was made."""

    session_id: str


class ToolCallAnswer(LaunchedAnswer):
    """`state` is the run's: one that is `awaiting_input` waits for an approval, one that is `running` takes longer than
    the answer waits. `status`, `output` and `error` are the result's, null as long as there is none."""

    success: bool
    tool_name: str
    state: str
    status: str | None
    output: str | None
    error: str | None


class CancelledAnswer(Wire):
    """Whether there was anything to cancel."""

    cancelled: bool


class ModelView(Wire):
    name: str
    provider: str
    window_tokens: int
    max_output_tokens: int
    vision: bool
    tools: bool


class ModelList(Wire):
    """`default` is the model of new sessions; more than these may be known by name."""

    models: tuple[ModelView, ...]
    default: str


class Me(Wire):
    user_id: str
    name: str


class Health(Wire):
    """`warning` is for people: the server works, and something that was shown before its start is missing."""

    status: str
    version: str
    warning: str | None = Field(default=None, exclude_if=absent)
