"""The Context: everything about one session that decisions need, as one frozen value. Knows no I/O and no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.approvals import Approval, Grant
from models.branches import Branch
from models.ids import EpochMs
from models.messages import Message
from models.payloads import WorkflowExecutionPayload
from models.runs import Run
from models.states import Active, ContextState, Mode, ProcessingWorkflow, SessionState
from models.usage import Usage

MAIN_BRANCH = "main"


@dataclass(frozen=True, slots=True)
class Stream:
    """A reply that grows: its header, its text so far, and when its first and last chunk came."""

    message: Message
    text: str
    sequence: int
    first_at: EpochMs | None
    last_at: EpochMs | None


@dataclass(frozen=True, slots=True)
class Context:
    """`head` is the last event's seq, `pool_count` the last message's ordinal. `run` is the active run, `queue` those
    that wait, oldest first. `steered` is the ordinal of the newest message that steers the active run, else 0.
    `requests` are those for tools whose calls are not all done: of one reply, one for our own tools and one for each
    MCP server. `workflow` is the execution that is not over, `approvals` those that are pending, `grants` the tools
    that need none."""

    session_id: str
    epoch: str
    project_id: str
    title: str
    session_state: SessionState
    created_at: EpochMs
    updated_at: EpochMs
    completed_at: EpochMs | None
    deleted_at: EpochMs | None
    version: int
    head: int
    pool_count: int
    state: ContextState
    mode: Mode
    model: str
    active_branch: str
    branches: Mapping[str, Branch]
    stream: Stream | None
    run: Run | None
    queue: tuple[Run, ...]
    steered: int
    usage: Usage
    requests: tuple[Message, ...] = ()
    workflow: Message | None = None
    approvals: tuple[Approval, ...] = ()
    grants: tuple[Grant, ...] = ()

    @property
    def branch(self) -> Branch:
        return self.branches[self.active_branch]

    @property
    def request(self) -> Message | None:
        """The first that is open."""
        return self.requests[0] if self.requests else None

    @property
    def resting(self) -> ContextState:
        """The state between two steps: that of the workflow, if one is open."""
        if self.workflow is not None and isinstance(self.workflow.payload, WorkflowExecutionPayload):
            return ProcessingWorkflow(workflow_id=self.workflow.payload.execution_id)
        return Active()

    @property
    def fence(self) -> str | None:
        """What the write of a run must match; None while no run is active."""
        return self.run.fence if self.run else None

    @property
    def archived(self) -> bool:
        return self.state.name == "archived"

    @property
    def waiting(self) -> bool:
        return self.session_state == "RUNNING" and self.state.name == "awaiting_user"

    @property
    def busy(self) -> bool:
        return self.run is not None or bool(self.queue)
