"""What may be asked of a session: frozen values that the door turns into events. Ids and texts were checked before.

Each names what its caller gets: `CommandFor[Sent]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from models.approvals import ApprovalDecision, Scope
from models.branches import Entry, MergeStrategy, Resolution
from models.ids import EpochMs
from models.messages import MessageStatus, Metadata, Role
from models.payloads import (
    Artifact,
    Payload,
    PlanItem,
    ProcessingPayload,
    ToolCall,
    ToolStatus,
    WorkflowExecutionPayload,
    digest_of,
)
from models.results import Cancelled, Edited, Emitted, Forked, Pinned, Sent
from models.runs import OnBusy, OnCrash
from models.states import Mode
from models.usage import Usage

ResultT_co = TypeVar("ResultT_co", covariant=True)


SYSTEM_USER = "system"
"""Who has done what no user did."""


class CommandFor(Generic[ResultT_co]):
    """What all commands are: asked of a session, and answered with a result of one kind."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class CreateSession(CommandFor[Edited]):
    epoch: str
    project_id: str
    project_name: str
    title: str
    model: str


@dataclass(frozen=True, slots=True)
class RenameSession(CommandFor[Edited]):
    title: str


@dataclass(frozen=True, slots=True)
class DeleteSession(CommandFor[None]):
    pass


@dataclass(frozen=True, slots=True)
class RestoreSession(CommandFor[Edited]):
    pass


@dataclass(frozen=True, slots=True)
class SetModel(CommandFor[Edited]):
    """`by` None leaves no record of it in the transcript."""

    model: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class SendMessage(CommandFor[Sent]):
    """A user's message. `run_id` is the id for the run that it starts, should it start one. `digest` is of what the
    client wrote, when that is not what `content` and `payload` say by now. `steps` are those of the pipeline that took
    time or failed."""

    message_id: str
    run_id: str
    author: str
    content: str
    payload: Payload
    client_message_id: str | None = None
    metadata: Metadata = field(default_factory=Metadata)
    on_busy: OnBusy = "enqueue"
    agent: str = "assistant"
    on_crash: OnCrash = "resume"
    digest: str | None = None
    steps: tuple[ProcessingPayload, ...] = ()

    def written(self) -> str | None:
        """The digest to know a repetition by; None when there can't be one."""
        return (self.digest or digest_of(self.content, self.payload)) if self.client_message_id else None


@dataclass(frozen=True, slots=True)
class CancelRun(CommandFor[Cancelled]):
    """Ends the run `run_id`, or with None the active one and all that wait."""

    run_id: str | None = None
    reason: str = "cancelled"


@dataclass(frozen=True, slots=True)
class StartRun(CommandFor[None]):
    """The first attempt of a queued run."""

    run_id: str


@dataclass(frozen=True, slots=True)
class TakeOverRun(CommandFor[None]):
    """A further attempt of a run whose process is gone. `attempt` is the one that was lost."""

    run_id: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class AbandonRun(CommandFor[None]):
    """Ends a run whose process is gone and that can't be resumed."""

    run_id: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class RunFence:
    """Which attempt of which run is writing."""

    run_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class RequestModel(CommandFor[None]):
    """With `retry_at` the model is asked again only then; `reason` says what happened before."""

    fence: RunFence
    request_id: str
    retry_at: EpochMs | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class BeginStream(CommandFor[None]):
    fence: RunFence
    message_id: str
    author: str
    model: str


@dataclass(frozen=True, slots=True)
class AppendDelta(CommandFor[None]):
    fence: RunFence
    message_id: str
    delta: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What one reply of a model cost."""

    model: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class RequestTools(CommandFor[None]):
    """The calls that a model asks for. A call is `approved` or `denied` when policy has decided, else `pending`, and
    then `approvals` has the id of the question to the user: {callId: approvalId}. `each_time` are the calls of tools
    that can't be granted for the session. `servers` are the MCP servers that calls go to, by call id. `spent` is what
    the reply cost that asks for them without a word."""

    fence: RunFence
    message_id: str
    author: str
    calls: tuple[ToolCall, ...]
    approvals: Mapping[str, str] = field(default_factory=dict)
    each_time: frozenset[str] = frozenset()
    servers: Mapping[str, str] = field(default_factory=dict)
    expires_at: EpochMs | None = None
    spent: Spent | None = None


@dataclass(frozen=True, slots=True)
class CountUsage(CommandFor[None]):
    """A reply that brought neither words nor calls was paid for, too."""

    fence: RunFence
    spent: Spent


@dataclass(frozen=True, slots=True)
class FinalizeStream(CommandFor[None]):
    """`tools` are the calls that the reply ends with: committed together with it."""

    fence: RunFence
    message_id: str
    finish_reason: str
    status: MessageStatus = "complete"
    usage: Usage | None = None
    provider_deltas: int | None = None
    tools: RequestTools | None = None


@dataclass(frozen=True, slots=True)
class EmitMessage(CommandFor[Emitted]):
    """A finished message that a run writes."""

    fence: RunFence
    message_id: str
    author: str
    role: Role
    content: str
    payload: Payload
    metadata: Metadata = field(default_factory=Metadata)


@dataclass(frozen=True, slots=True)
class StartTools(CommandFor[None]):
    """Approved calls begin: committed before any of them does anything (I5). `not_in_plan` are those of tools that plan
    mode does not allow: where the session was switched to it meanwhile, they are asked for again instead, as
    `each_time` and `expires_at` say (see RequestTools), and nothing begins."""

    fence: RunFence
    call_ids: tuple[str, ...]
    not_in_plan: frozenset[str] = frozenset()
    each_time: frozenset[str] = frozenset()
    expires_at: EpochMs | None = None


@dataclass(frozen=True, slots=True)
class FinishTool(CommandFor[None]):
    """A call's result. Also ends a denied call, which never started. `artifact` is what it made beside that, kept as a
    message of its own; a plan becomes the branch's."""

    fence: RunFence
    message_id: str
    call_id: str
    status: ToolStatus
    output: str = ""
    error: str | None = None
    duration_ms: int = 0
    handle: str | None = None
    artifact: Artifact | None = None


@dataclass(frozen=True, slots=True)
class BeginWorkflow(CommandFor[None]):
    fence: RunFence
    message_id: str
    author: str
    payload: WorkflowExecutionPayload


@dataclass(frozen=True, slots=True)
class UpdateWorkflow(CommandFor[None]):
    """Progress: the payload as it is now. A status that is over ends the workflow."""

    fence: RunFence
    payload: WorkflowExecutionPayload


@dataclass(frozen=True, slots=True)
class AskUser(CommandFor[None]):
    """A question of the agent's own, or that of a limit. `key` tells it from the run's other questions."""

    fence: RunFence
    approval_id: str
    kind: Literal["question", "limit"]
    question: str
    options: tuple[str, ...] = ()
    key: str | None = None
    expires_at: EpochMs | None = None


@dataclass(frozen=True, slots=True)
class ResolveApproval(CommandFor[None]):
    """The user's answer. `arguments` come with edit, `answer` is the reason of deny or the text of respond."""

    approval_id: str
    decision: ApprovalDecision
    by: str
    arguments: Mapping[str, Any] | None = None
    answer: str | None = None
    scope: Scope = "once"


@dataclass(frozen=True, slots=True)
class ExpireApprovals(CommandFor[None]):
    """Whatever has waited for the user too long counts as declined."""


@dataclass(frozen=True, slots=True)
class RevokeGrant(CommandFor[Edited]):
    tool: str


@dataclass(frozen=True, slots=True)
class SetMode(CommandFor[Edited]):
    """`by` None leaves no record of it in the transcript."""

    mode: Mode
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Fork(CommandFor[Forked]):
    """A new branch from `position` of `base` on. `message_ids` are the newest of its path, for those who follow."""

    name: str
    base: str
    position: int
    system_prompt: str | None = None
    switch: bool = True
    message_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SwitchBranch(CommandFor[Edited]):
    """`length` is the branch's as the caller read it, with `message_ids` the newest of its path. `by` None leaves no
    record of it in the transcript."""

    name: str
    length: int
    message_ids: tuple[str, ...]
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Merge(CommandFor[Edited]):
    """Brings `entries` of `source` into the active branch. `source_length` and `length` are as the caller read them.
    With rebase, `name` is the new branch: the source's path, then the active branch's own `entries`. `message_ids` are
    the newest of that path."""

    source: str
    strategy: MergeStrategy
    entries: tuple[Entry, ...]
    source_length: int
    length: int
    by: str
    resolution: Resolution | None = None
    name: str | None = None
    message_ids: tuple[str, ...] = ()
    summary_id: str | None = None
    summary: str = ""


@dataclass(frozen=True, slots=True)
class SetBranchPrompt(CommandFor[Edited]):
    branch: str
    system_prompt: str | None


@dataclass(frozen=True, slots=True)
class AddPin(CommandFor[Pinned]):
    pin_id: str
    text: str
    by: str
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class RemovePin(CommandFor[Edited]):
    pin_id: str


@dataclass(frozen=True, slots=True)
class ChangePlan(CommandFor[Edited]):
    items: tuple[PlanItem, ...]


@dataclass(frozen=True, slots=True)
class ArchiveContext(CommandFor[Edited]):
    pass


@dataclass(frozen=True, slots=True)
class UnarchiveContext(CommandFor[Edited]):
    pass


@dataclass(frozen=True, slots=True)
class RetryRun(CommandFor[Sent]):
    """Runs again for the last message of the branch, after an error or a cancellation."""

    run_id: str
    message_id: str
    asked_by: str
    agent: str = "assistant"
    on_crash: OnCrash = "resume"


@dataclass(frozen=True, slots=True)
class FinishRun(CommandFor[None]):
    """`error` None completes the run. `seen` is the highest ordinal that the agent has taken into account: a run
    does not complete while a steering message waits unseen."""

    fence: RunFence
    seen: int = 0
    error: str | None = None


RunCommand = (
    RequestModel
    | BeginStream
    | AppendDelta
    | FinalizeStream
    | EmitMessage
    | RequestTools
    | CountUsage
    | StartTools
    | FinishTool
    | BeginWorkflow
    | UpdateWorkflow
    | AskUser
    | FinishRun
)
EditCommand = (
    RenameSession
    | SetMode
    | SetModel
    | SwitchBranch
    | Merge
    | SetBranchPrompt
    | AddPin
    | RemovePin
    | ChangePlan
    | RevokeGrant
)
"""What edits a session beside what is said in it: refused while it is archived."""
ExistingCommand = (
    DeleteSession
    | RestoreSession
    | SendMessage
    | CancelRun
    | StartRun
    | TakeOverRun
    | AbandonRun
    | ResolveApproval
    | ExpireApprovals
    | Fork
    | ArchiveContext
    | UnarchiveContext
    | RetryRun
    | EditCommand
    | RunCommand
)
"""What is asked of a session that is there."""
Command = CreateSession | ExistingCommand
