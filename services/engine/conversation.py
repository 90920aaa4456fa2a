"""What a user's message brings about: the message itself, and a run for it, one way or another."""

from __future__ import annotations

from models.approvals import ApprovalDecision
from models.commands import CancelRun, ResolveApproval, SendMessage
from models.errors import QueueFull, RunAlreadyActive
from models.events import (
    ContextStateChanged,
    EventBody,
    MessageCreated,
    RunQueued,
    SessionRenamed,
    SessionStateChanged,
)
from models.ids import EpochMs, iso
from models.messages import Message, Source, message_type_of
from models.results import Sent
from models.runs import Run
from models.session import TITLE_MAX_CHARS
from models.states import Active, AwaitingUser
from services.engine import records, running, tools
from services.engine.apply import fold
from services.engine.context import Context
from services.engine.transitions import check

TITLE_FROM_MESSAGE_CHARS = 60
TITLE_LOOKS_AT_CHARS = 1_000
QUEUE_MAX = 100
"""Runs that wait in one session. All of them are in its context, and in every snapshot."""
SOURCES: dict[str, Source] = {
    "text": "user_input",
    "image": "user_image_upload",
    "file_reference": "user_file_reference",
}


def send(context: Context, command: SendMessage, now: EpochMs) -> tuple[tuple[EventBody, ...], Sent]:
    """Raises RunAlreadyActive when `on_busy` is reject,
    QueueFull when it would wait behind a hundred others."""
    check(context.state, "speak")
    if context.busy and command.on_busy == "reject":
        raise RunAlreadyActive()
    first = context.head + 1
    events: list[EventBody] = []
    if context.busy and command.on_busy == "interrupt":
        stopped, _ = running.cancel(context, CancelRun(reason="interrupted by a new message"), now)
        # The session goes on at once: only the run's end is shown, not a state in between.
        events.extend(body for body in stopped if not isinstance(body, SessionStateChanged))
        context = fold(context, events, now)
    answered = _answered(context, command, now)
    steered = context.run if command.on_busy == "steer" or answered else None
    if steered is None and len(context.queue) >= QUEUE_MAX:
        raise QueueFull(limit=QUEUE_MAX)
    run_id = steered.id if steered else command.run_id
    sent = Sent(command.message_id, first + len(events), run_id)
    answers = _question(context) if answered else None
    events.append(MessageCreated(message=_message(context, command, run_id, answers, now)))
    events.extend(records.processed(context, command, now))
    events.extend(answered)
    if not context.title:
        events.append(SessionRenamed(title=title_from(command.content), version=context.version))
    if not steered:
        events.extend(_queued(context, command, now))
    return tuple(events), sent


def _answered(context: Context, command: SendMessage, now: EpochMs) -> tuple[EventBody, ...]:
    """A message answers the question on which the run waits; steering past a tool's approval denies it."""
    state = context.state
    if not isinstance(state, AwaitingUser) or (state.reason == "tool" and command.on_busy != "steer"):
        return ()
    decision: ApprovalDecision = "deny" if state.reason == "tool" else "respond"
    answer = "the user went on with another message" if state.reason == "tool" else command.content
    events: tuple[EventBody, ...] = ()
    for approval in context.approvals:
        resolve = ResolveApproval(approval.id, decision, command.author, answer=answer or "(no text)")
        folded = tools.settle(context, resolve, now)
        events = (*events, *folded)
        context = fold(context, folded, now)
    # Each answer but the last leaves the state waiting: only the end is shown.
    return (
        *(body for body in events if not isinstance(body, ContextStateChanged)),
        ContextStateChanged(state=context.resting),
    )


def _question(context: Context) -> str | None:
    """What the user is asked, in words; None where a tool wants to run."""
    return next((approval.question for approval in context.approvals if approval.kind != "tool"), None)


def title_from(content: str) -> str:
    """The first line, cut at a word near 60 characters. The rest is not looked at: it may be megabytes of words."""
    lines = content.lstrip()[:TITLE_LOOKS_AT_CHARS].splitlines()
    first = " ".join(lines[0].split()) if lines else ""
    if not first:
        return "Untitled"
    if len(first) <= TITLE_FROM_MESSAGE_CHARS:
        return first
    cut = first[:TITLE_FROM_MESSAGE_CHARS].rsplit(" ", 1)[0]
    return (cut + "…")[:TITLE_MAX_CHARS]


def _message(context: Context, command: SendMessage, run_id: str, answers: str | None, now: EpochMs) -> Message:
    source = command.metadata.source or SOURCES.get(command.payload.kind)
    metadata = command.metadata.model_copy(update={"source": source, "answers": answers})
    return Message(
        id=command.message_id,
        ordinal=context.pool_count + 1,
        role="user",
        content=command.content,
        message_type=message_type_of(command.payload.kind),
        kind=command.payload.kind,
        payload=command.payload,
        created_at_utc=iso(now),
        author=command.author,
        client_message_id=command.client_message_id,
        run_id=run_id,
        metadata=metadata,
        digest=command.written(),
    )


def _queued(context: Context, command: SendMessage, now: EpochMs) -> list[EventBody]:
    run = Run(
        id=command.run_id,
        session_id=context.session_id,
        state="queued",
        created_at_utc=iso(now),
        message_id=command.message_id,
        agent=command.agent,
        on_crash=command.on_crash,
        asked_by=command.author,
    )
    events: list[EventBody] = [RunQueued(run=run)]
    if context.session_state != "RUNNING":
        events.append(SessionStateChanged(state="RUNNING"))
    if context.state.name in ("initial", "error"):
        events.append(ContextStateChanged(state=Active()))
    return events
