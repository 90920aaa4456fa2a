"""The whole context of a session as a client gets it, to fold later events into."""

from __future__ import annotations

from typing import Any

from models.approvals import Approval, Grant
from models.branches import BranchView, Pin
from models.messages import Message
from models.payloads import PlanItem
from models.runs import Run
from models.session import Session
from models.states import ContextState, Mode
from models.usage import Usage
from models.wire import Wire


class Snapshot(Wire):
    """Design §5. `messages` are the newest 50 of the active branch, oldest first; one that streams has its text so
    far. `approvals` are those that are pending; `pins` and `plan` are the active branch's."""

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
    pins: tuple[Pin, ...] = ()
    plan: tuple[PlanItem, ...] = ()
    usage: Usage
    messages: tuple[Message, ...]

    def to_wire(self) -> dict[str, Any]:
        wire = self.metadata()
        wire["messages"] = [message.to_wire() for message in self.messages]
        return wire

    def metadata(self) -> dict[str, Any]:
        """The snapshot without its messages."""
        return self.model_dump(mode="json", by_alias=True, exclude={"messages"})
