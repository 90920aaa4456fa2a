"""The whole context of a session as a client gets it, to fold later events into."""

from __future__ import annotations

from typing import Any

from models.approvals import Approval, Grant
from models.messages import Message
from models.runs import Run
from models.session import Session
from models.states import ContextState, Mode
from models.usage import Usage
from models.wire import Wire


class BranchView(Wire):
    name: str
    parent: str | None
    forked_at: int
    length: int
    system_prompt: str | None


class Snapshot(Wire):
    """Design §5. `messages` are the newest 50 of the active branch, oldest first; one that streams has its text so
    far. `approvals` are those that are pending; `pins` and `plan` are empty in this version."""

    session_id: str
    epoch: str
    head: int
    session: Session
    state: ContextState
    mode: Mode
    model: str
    active_branch: str
    branches: tuple[BranchView, ...]
    approvals: tuple[Approval, ...] = ()
    grants: tuple[Grant, ...] = ()
    run: Run | None
    queue: tuple[Run, ...]
    pins: tuple[dict[str, Any], ...] = ()
    plan: tuple[dict[str, Any], ...] = ()
    usage: Usage
    messages: tuple[Message, ...]

    def to_wire(self) -> dict[str, Any]:
        wire = self.metadata()
        wire["messages"] = [message.to_wire() for message in self.messages]
        return wire

    def metadata(self) -> dict[str, Any]:
        """The snapshot without its messages."""
        return self.model_dump(mode="json", by_alias=True, exclude={"messages"})
