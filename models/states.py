"""The states of a context and of a session, as data. Which transition is legal is the engine's business."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

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
    """A model was asked and has not answered yet."""

    name: Literal["awaiting_llm"] = "awaiting_llm"
    request_id: str


class StreamingResponse(Wire):
    """A reply grows; `sequence` is the number of its last committed chunk."""

    name: Literal["streaming_response"] = "streaming_response"
    message_id: str
    sequence: int = 0


class Failed(Wire):
    """The last run ended in an error; a new message goes on."""

    name: Literal["error"] = "error"
    message: str


ContextState = Annotated[Initial | Active | AwaitingLLM | StreamingResponse | Failed, Field(discriminator="name")]
