"""The states of a context and of a session, as data. Which transition is legal is the engine's business."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field

from models.actors import absent
from models.wire import Wire

SessionState = Literal["IDLE", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"]
RunState = Literal["queued", "running", "awaiting_input", "completed", "failed", "cancelled"]
Mode = Literal["plan", "act"]


class Initial(Wire):
    """Nothing was said yet."""

    name: Literal["initial"] = "initial"


class Active(Wire):
    """Nothing is in progress inside the context; a run may be between two steps."""

    name: Literal["active"] = "active"


class AwaitingLLM(Wire):
    """A model was asked and has not answered yet. With `retry_at_utc` it failed, as `reason` says, and is asked again
    then: at once when another model is chosen or the run is tried again. Both are left out otherwise."""

    name: Literal["awaiting_llm"] = "awaiting_llm"
    request_id: str
    retry_at_utc: str | None = Field(default=None, exclude_if=absent)
    reason: str | None = Field(default=None, exclude_if=absent)


class StreamingResponse(Wire):
    """A reply grows; `sequence` is the number of its last committed chunk."""

    name: Literal["streaming_response"] = "streaming_response"
    message_id: str
    sequence: int = 0

    @classmethod
    def at(cls, message_id: str, sequence: int) -> Self:
        """Of values that a delta has, which were checked with it: for every word of a reply."""
        made = cls.__new__(cls)
        values = {"name": "streaming_response", "message_id": message_id, "sequence": sequence}
        object.__setattr__(made, "__dict__", values)
        object.__setattr__(made, "__pydantic_fields_set__", set(values))
        object.__setattr__(made, "__pydantic_extra__", None)
        object.__setattr__(made, "__pydantic_private__", None)
        return made


class ProcessingTool(Wire):
    """Tools are at work; `tool_ids` are the calls that have not returned."""

    name: Literal["processing_tool"] = "processing_tool"
    tool_ids: tuple[str, ...]


class ProcessingWorkflow(Wire):
    """A workflow is between two of its steps."""

    name: Literal["processing_workflow"] = "processing_workflow"
    workflow_id: str


class AwaitingUser(Wire):
    """The run can't go on without the user: approvals are pending, a question was asked, or a limit was reached."""

    name: Literal["awaiting_user"] = "awaiting_user"
    reason: Literal["tool", "question", "limit"]
    approval_ids: tuple[str, ...]


class Archived(Wire):
    """Put away: readable, nothing can be said until it is restored."""

    name: Literal["archived"] = "archived"


class Failed(Wire):
    """The last run ended in an error; a new message goes on."""

    name: Literal["error"] = "error"
    message: str


ContextState = Annotated[
    Initial
    | Active
    | AwaitingUser
    | AwaitingLLM
    | ProcessingTool
    | ProcessingWorkflow
    | StreamingResponse
    | Failed
    | Archived,
    Field(discriminator="name"),
]
