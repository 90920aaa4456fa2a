"""What the back end in memory holds: its parts share it. Nothing survives the process."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.approvals import Approval
from models.clock import Clock
from models.errors import ProjectNotFound, SessionNotFound, StorageUnavailable
from models.events import Event
from models.ids import iso
from models.messages import Message
from models.runs import Run
from models.session import Project, Session
from models.user_state import UserState
from services.engine.context import Context
from services.engine.snapshot import session_of, so_far
from services.store.leases import Lease
from services.store.memory.index import MemoryIndex
from services.store.projects import INBOX


@dataclass
class Kept:
    """One session. `number` counts them by creation."""

    context: Context
    number: int
    events: list[Event] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    seqs: dict[str, int] = field(default_factory=dict)
    paths: dict[str, list[int]] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    approvals: dict[str, Approval] = field(default_factory=dict)
    clients: dict[tuple[str, str], str] = field(default_factory=dict)

    def message(self, ordinal: int) -> Message:
        """As far as it has come."""
        message = self.messages[ordinal - 1]
        stream = self.context.stream
        return so_far(stream) if stream is not None and stream.message.id == message.id else message


class Memory:
    """There is nothing to open and to close."""

    trouble: StorageUnavailable | None = None
    missing: str | None = None

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.sessions: dict[str, Kept] = {}
        self.created = 0
        self.leases: dict[str, Lease] = {}
        self.index = MemoryIndex()
        self.projects: dict[str, Project] = {}
        self.user_states: dict[str, UserState] = {}
        self.add_project(INBOX)

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    def kept(self, session_id: str, *, deleted: bool = False) -> Kept:
        kept = self.sessions.get(session_id)
        if kept is None or (kept.context.deleted_at is not None and not deleted):
            raise SessionNotFound()
        return kept

    def is_held(self, run_id: str, now: int, *, but_by: str | None = None) -> bool:
        """Whether somebody (else) has a lease that lasts."""
        lease = self.leases.get(run_id)
        return lease is not None and lease.owner != but_by and lease.expires_at > now

    def add_project(self, name: str) -> Project:
        project = Project(id=self.clock.new_id(), name=name, created_at_utc=iso(self.clock()))
        self.projects[project.id] = project
        return project

    def project(self, project_id: str) -> Project:
        project = self.projects.get(project_id)
        if project is None:
            raise ProjectNotFound()
        return project

    def no_longer_current(self, session_id: str) -> None:
        for project in self.projects.values():
            if project.current_session_id == session_id:
                changes = {"current_session_id": None, "version": project.version + 1}
                self.projects[project.id] = project.model_copy(update=changes)

    def view(self, context: Context) -> Session:
        return session_of(context, self.project(context.project_id).name)
