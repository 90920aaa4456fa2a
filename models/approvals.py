"""A question to the user on which a run waits: may this tool run, or what do you say. Answered once, kept for ever."""

from __future__ import annotations

from typing import Any, Literal

import orjson
from pydantic import Field

from models.actors import absent
from models.wire import Wire

ARGUMENTS_SHOWN_BYTES = 16 * 1024

ApprovalKind = Literal["tool", "question", "limit"]
ApprovalState = Literal["pending", "approved", "denied", "responded", "cancelled", "expired"]
ApprovalDecision = Literal["approve", "edit", "deny", "respond"]
Scope = Literal["once", "session"]


class Approval(Wire):
    """`tool`: `callId`, `tool`, `arguments` and `risk` say what would run, `messageId` where it was asked for.
    With `grantable` false it is asked for each time, and can't be allowed for the session. `originalArguments` are the
    model's where the user put others in their place. A `question` beside a tool says why it is asked for again.
    `question` and `limit`: `question` is put to the user, who responds with text. `answer` is the reason of a denial
    or the text of a response. With `truncated` its arguments are too long to travel here."""

    id: str
    session_id: str
    run_id: str
    kind: ApprovalKind
    state: ApprovalState = "pending"
    message_id: str | None = None
    call_id: str | None = None
    tool: str | None = None
    arguments: dict[str, Any] | None = None
    original_arguments: dict[str, Any] | None = Field(default=None, exclude_if=absent)
    risk: str | None = None
    grantable: bool = True
    question: str | None = None
    options: tuple[str, ...] = ()
    key: str | None = None
    requested_at_utc: str
    expires_at_utc: str | None = None
    decision: ApprovalDecision | None = None
    scope: Scope | None = None
    answer: str | None = None
    decided_by: str | None = None
    decided_at_utc: str | None = None
    truncated: bool = Field(default=False, exclude_if=lambda truncated: truncated is False)

    def fit_for_travel(self) -> Approval:
        """As a snapshot or an event may carry it: arguments over 16 KiB are only in the message that asks."""
        held = [self.arguments, self.original_arguments]
        if held == [None, None] or len(orjson.dumps(held)) <= ARGUMENTS_SHOWN_BYTES:
            return self
        return self.model_copy(update={"arguments": None, "original_arguments": None, "truncated": True})


class Grant(Wire):
    """A tool that the user allowed for the rest of the session."""

    tool: str
    granted_by: str
    granted_at_utc: str
