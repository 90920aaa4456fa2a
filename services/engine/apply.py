"""Folds events into a context. It accepts whatever the journal holds: deciding was done before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from operator import attrgetter

from models.approvals import Approval, Grant
from models.branches import Branch
from models.events import (
    ApprovalRequested,
    ApprovalResolved,
    ApprovalRevoked,
    BranchCreated,
    BranchMerged,
    BranchSwitched,
    BranchUpdated,
    ContextModeChanged,
    ContextModelChanged,
    ContextStateChanged,
    EditBody,
    Event,
    EventBody,
    MessageCompleted,
    MessageCreated,
    MessageDelta,
    MessageUpdated,
    PinAdded,
    PinRemoved,
    PlanChanged,
    RunFinished,
    RunQueued,
    RunStarted,
    SessionCreated,
    SessionDeleted,
    SessionRenamed,
    SessionRestored,
    SessionStateChanged,
    UsageAdded,
)
from models.ids import EpochMs, from_iso, iso
from models.messages import Message
from models.payloads import calls_in
from models.runs import Run
from models.states import AwaitingUser, Initial, StreamingResponse
from models.usage import Usage
from services.engine.context import MAIN_BRANCH, Context, Stream

_FIELDS = tuple(each.name for each in fields(Context))
_VALUES = attrgetter(*_FIELDS)
_HEAD, _STREAM, _STATE = map(_FIELDS.index, ("head", "stream", "state"))
"""`replace` asks for every field by name; this copies a context in half the time."""


def apply(context: Context | None, event: Event) -> Context:
    """The context after `event`. Raises ValueError on a hole in the journal or an event that nothing precedes."""
    body = event.body
    if context is None:
        if not isinstance(body, SessionCreated) or event.seq != 1:
            raise ValueError(f"a journal starts with session.created at 1, not {body.type} at {event.seq}")
        return _created(event, body)
    if event.seq != context.head + 1:
        raise ValueError(f"a hole in the journal: {event.seq} after {context.head}")
    if isinstance(body, MessageDelta):
        return _grown(context, event.seq, event.at, body)
    version = body.version if isinstance(body, EditBody) else None
    later = replace(context, head=event.seq, updated_at=event.at, version=version or context.version)
    return _changed(later, event.at, body)


def apply_all(context: Context | None, events: Iterable[Event]) -> Context:
    """Folds one or more events. Raises ValueError when there is nothing to fold."""
    for event in events:
        context = apply(context, event)
    if context is None:
        raise ValueError("an empty journal has no context")
    return context


def fold(context: Context, bodies: Iterable[EventBody], at: EpochMs) -> Context:
    """The context as it would be after `bodies`, for a decision that takes several steps."""
    for body in bodies:
        event = Event(context.session_id, context.epoch, context.head + 1, at, body)
        context = apply(context, event)
    return context


def _created(event: Event, body: SessionCreated) -> Context:
    session = body.session
    main = Branch(name=MAIN_BRANCH, created_at_utc=iso(event.at))
    return Context(
        session_id=session.id,
        epoch=event.epoch,
        project_id=session.project_id,
        title=session.title,
        session_state="IDLE",
        created_at=event.at,
        updated_at=event.at,
        completed_at=None,
        deleted_at=None,
        version=session.version,
        head=1,
        pool_count=0,
        state=Initial(),
        mode="act",
        model=body.model,
        active_branch=MAIN_BRANCH,
        branches={MAIN_BRANCH: main},
        stream=None,
        run=None,
        queue=(),
        steered=0,
        usage=Usage(),
    )


def _grown(context: Context, seq: int, at: EpochMs, delta: MessageDelta) -> Context:
    """The hot path: one chunk more. `updated_at` stays, so that a delta touches as little as possible."""
    stream = context.stream
    if stream is None:
        raise ValueError(f"message.delta at {seq} while nothing streams")
    grown = Stream(
        message=stream.message,
        text=stream.text + delta.delta,
        sequence=delta.sequence,
        first_at=stream.first_at or at,
        last_at=at,
    )
    values = [*_VALUES(context)]
    values[_HEAD], values[_STREAM] = seq, grown
    values[_STATE] = StreamingResponse.at(delta.message_id, delta.sequence)
    return Context(*values)


def _changed(context: Context, at: EpochMs, body: EventBody) -> Context:
    match body:
        case SessionRenamed():
            return replace(context, title=body.title)
        case SessionStateChanged():
            completed_at = from_iso(body.completed_at_utc) if body.completed_at_utc else None
            return replace(context, session_state=body.state, completed_at=completed_at)
        case SessionDeleted():
            return replace(context, deleted_at=at)
        case SessionRestored():
            return replace(context, deleted_at=None)
        case ContextStateChanged():
            return replace(context, state=body.state)
        case ContextModeChanged():
            return replace(context, mode=body.mode)
        case ContextModelChanged():
            return replace(context, model=body.model)
        case MessageCreated():
            return _with_message(context, body.message)
        case MessageCompleted():
            return replace(context, stream=None, usage=_added(context.usage, body.message))
        case MessageUpdated():
            return replace(
                context,
                requests=_open_requests(body.message, context.requests),
                workflow=_open_workflow(body.message, context.workflow),
            )
        case BranchCreated():
            return _with_branch(context, body.branch)
        case BranchSwitched():
            return replace(context, active_branch=body.name)
        case BranchMerged() | BranchUpdated():
            return _with_branch(context, body.branch)
        case PinAdded():
            changed = {"pins": (*context.branch.pins, body.pin), "pins_changed": True}
            return _with_branch(context, context.branch.model_copy(update=changed))
        case PinRemoved():
            left = tuple(pin for pin in context.branch.pins if pin.id != body.pin_id)
            changed = {"pins": left, "pins_changed": True}
            return _with_branch(context, context.branch.model_copy(update=changed))
        case PlanChanged():
            changed = {"plan": body.items, "plan_changed": True}
            return _with_branch(context, context.branch.model_copy(update=changed))
        case UsageAdded():
            return replace(context, usage=context.usage.plus(body.usage))
        case ApprovalRequested():
            waiting = context.run.model_copy(update={"state": "awaiting_input"}) if context.run else None
            return replace(context, run=waiting, approvals=(*context.approvals, body.approval))
        case ApprovalResolved():
            return _with_answer(context, body.approval)
        case ApprovalRevoked():
            return replace(context, grants=tuple(grant for grant in context.grants if grant.tool != body.tool))
        case RunQueued():
            return replace(context, queue=(*context.queue, body.run))
        case RunStarted():
            # A further attempt has to take into account what the one before it had not.
            steered = context.steered if context.run is not None and context.run.id == body.run.id else 0
            return replace(context, run=body.run, queue=_without(context.queue, body.run), steered=steered)
        case RunFinished():
            active = context.run
            still = active if active and active.id != body.run.id else None
            return replace(
                context,
                run=still,
                queue=_without(context.queue, body.run),
                steered=context.steered if still else 0,
            )
        case _:
            raise ValueError(f"{body.type} can't follow another event")


def _with_message(context: Context, message: Message) -> Context:
    branch = context.branch.model_copy(update={"length": context.branch.length + 1})
    steers = message.role == "user" and context.run is not None and message.run_id == context.run.id
    if isinstance(context.state, AwaitingUser) and context.state.reason != "tool":
        steers = False  # it is the answer that the run waits for
    streams = message.status == "streaming"
    return replace(
        context,
        pool_count=message.ordinal,
        branches={**context.branches, branch.name: branch},
        stream=Stream(message, "", 0, None, None) if streams else context.stream,
        steered=message.ordinal if steers else context.steered,
        requests=_open_requests(message, context.requests),
        workflow=_open_workflow(message, context.workflow),
    )


def _with_branch(context: Context, branch: Branch) -> Context:
    return replace(context, branches={**context.branches, branch.name: branch})


def _open_requests(message: Message, requests: tuple[Message, ...]) -> tuple[Message, ...]:
    """The tool requests that are open after `message` was written or updated."""
    calls = calls_in(message.payload)
    if not calls:
        return requests
    others = tuple(each for each in requests if each.id != message.id)
    if not any(call.is_open for call in calls):
        return others
    return tuple(sorted((*others, message), key=lambda each: each.ordinal))


def _open_workflow(message: Message, workflow: Message | None) -> Message | None:
    """The workflow that is open after `message` was written or updated."""
    payload = message.payload
    if payload is None or payload.kind != "workflow_execution":
        return workflow
    return None if payload.status in ("completed", "failed", "cancelled") else message


def _with_answer(context: Context, approval: Approval) -> Context:
    left = tuple(each for each in context.approvals if each.id != approval.id)
    run, grants = context.run, context.grants
    if run is not None and not left:
        run = run.model_copy(update={"state": "running"})
    granted = approval.state == "approved" and approval.scope == "session" and approval.tool is not None
    if granted and approval.tool not in {grant.tool for grant in grants}:
        grants = (*grants, _grant(approval))
    return replace(context, run=run, approvals=left, grants=grants)


def _grant(approval: Approval) -> Grant:
    return Grant(
        tool=approval.tool or "",
        granted_by=approval.decided_by or "",
        granted_at_utc=approval.decided_at_utc or "",
    )


def _without(queue: tuple[Run, ...], run: Run) -> tuple[Run, ...]:
    return tuple(waiting for waiting in queue if waiting.id != run.id)


def _added(total: Usage, message: Message) -> Usage:
    payload = message.payload
    usage = payload.usage if payload is not None and payload.kind == "streaming_response" else None
    return total if usage is None else total.plus(usage)
