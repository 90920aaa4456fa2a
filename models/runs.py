"""A run: one execution of an agent in a session."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from models.actors import Actor, absent, actor_named
from models.states import RunState
from models.wire import Wire

OnCrash = Literal["resume", "fail"]
OnBusy = Literal["enqueue", "reject", "interrupt", "steer"]


class Run(Wire):
    """`attempt` counts its starts and is the fencing token: only the latest attempt may write. `messageId` is the
    message that started it, `askedBy` the id of the user who asked for it; runs from before actors have none."""

    id: str
    session_id: str
    state: RunState
    reason: str | None = None
    started_at_utc: str | None = None
    finished_at_utc: str | None = None
    created_at_utc: str
    attempt: int = 0
    message_id: str
    agent: str = "assistant"
    on_crash: OnCrash = "resume"
    asked_by: str | None = Field(default=None, exclude_if=absent)

    @property
    def actor(self) -> Actor:
        """Who its writes are by."""
        return actor_named(self.agent, self.agent, "agent", self.asked_by)

    @property
    def fence(self) -> str:
        """What a write of this attempt must match in the database."""
        return f"{self.id}/{self.attempt}"
