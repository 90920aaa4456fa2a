"""The life of a run inside a session: start, ask a model, stream, emit, finish, cancel, take over."""

from __future__ import annotations

from models.commands import (
    AbandonRun,
    AppendDelta,
    BeginStream,
    CancelRun,
    CountUsage,
    EmitMessage,
    FinalizeStream,
    FinishRun,
    RequestModel,
    RetryRun,
    StartRun,
    TakeOverRun,
)
from models.errors import IllegalTransition, RunAlreadyActive, RunNotFound
from models.events import (
    ContextStateChanged,
    EventBody,
    MessageCompleted,
    MessageCreated,
    MessageDelta,
    RunFinished,
    RunQueued,
    RunStarted,
    SessionStateChanged,
    UsageAdded,
)
from models.ids import EpochMs, from_iso, iso
from models.messages import Message, MessageStatus, Metadata, message_type_of
from models.payloads import PlanPayload, StreamingResponsePayload, ToolStatus
from models.results import Cancelled, Emitted, Sent
from models.runs import Run
from models.states import Active, AwaitingLLM, Failed, RunState, SessionState, StreamingResponse
from models.usage import Usage
from services.engine import branching, tools, workflow
from services.engine.apply import fold
from services.engine.context import Context, Stream
from services.engine.fence import check_fence
from services.engine.transitions import check

Events = tuple[EventBody, ...]
SESSION_STATES: dict[RunState, SessionState] = {
    "completed": "COMPLETED",
    "failed": "FAILED",
    "cancelled": "CANCELLED",
}


def start(context: Context, command: StartRun, now: EpochMs) -> Events:
    """Raises RunAlreadyActive (one active run per session, I4) and RunNotFound when it no longer waits."""
    if context.run is not None:
        raise RunAlreadyActive()
    waiting = next((run for run in context.queue if run.id == command.run_id), None)
    if waiting is None:
        raise RunNotFound()
    check(context.state, "start")
    events: list[EventBody] = [RunStarted(run=_started(waiting, now))]
    if context.state.name != "active":
        events.append(ContextStateChanged(state=Active()))
    return tuple(events)


def take_over(context: Context, command: TakeOverRun, now: EpochMs) -> Events:
    """Closes what the lost attempt left open and starts the next one. Raises Fenced when somebody was faster,
    IllegalTransition while the user is asked: the run goes on with the answer."""
    run = check_fence(context, command)
    if context.approvals:
        raise IllegalTransition("The run waits for the user")
    events = [*_stream_closed(context, now, "interrupted", command.reason), *tools.lost(context, now)]
    if context.state != context.resting:
        events.append(ContextStateChanged(state=context.resting))
    return (*events, RunStarted(run=_started(run, now)))


def abandon(context: Context, command: AbandonRun, now: EpochMs) -> Events:
    """Raises Fenced when somebody was faster."""
    run = check_fence(context, command)
    return _ended(context, run, "failed", command.reason, now, closing="interrupted")


def request(context: Context, command: RequestModel) -> Events:
    check_fence(context, command.fence)
    check(context.state, "request")
    if context.request is not None:
        raise IllegalTransition("Calls wait for their results; a model can't be asked before")
    retry_at_utc = None if command.retry_at is None else iso(command.retry_at)
    state = AwaitingLLM(request_id=command.request_id, retry_at_utc=retry_at_utc, reason=command.reason)
    return (ContextStateChanged(state=state),)


def begin(context: Context, command: BeginStream, now: EpochMs) -> Events:
    run = check_fence(context, command.fence)
    check(context.state, "begin")
    message = Message(
        id=command.message_id,
        ordinal=context.pool_count + 1,
        role="agent",
        content="",
        message_type="text",
        kind="streaming_response",
        payload=StreamingResponsePayload(model=command.model, started_at=iso(now)),
        status="streaming",
        created_at_utc=iso(now),
        author=command.author,
        run_id=run.id,
        metadata=Metadata(source="ai_generated"),
    )
    state = StreamingResponse(message_id=message.id)
    return (MessageCreated(message=message), ContextStateChanged(state=state))


def append(context: Context, command: AppendDelta) -> Events:
    check_fence(context, command.fence)
    check(context.state, "append")
    stream = _stream(context, command.message_id)
    return (MessageDelta(message_id=command.message_id, sequence=stream.sequence + 1, delta=command.delta),)


def finalize(context: Context, command: FinalizeStream, now: EpochMs) -> Events:
    check_fence(context, command.fence)
    check(context.state, "finalize")
    stream = _stream(context, command.message_id)
    message = _finished(
        stream,
        now,
        command.status,
        command.finish_reason,
        usage=command.usage,
        provider_deltas=command.provider_deltas,
    )
    events: Events = (MessageCompleted(message=message), ContextStateChanged(state=context.resting))
    if command.tools is not None:
        events = (*events, *tools.request(fold(context, events, now), command.tools, now))
    return events


def count(context: Context, command: CountUsage) -> Events:
    """Whatever the state: the money is gone."""
    check_fence(context, command.fence)
    return (UsageAdded(model=command.spent.model, usage=command.spent.usage),)


def emit(context: Context, command: EmitMessage, now: EpochMs) -> tuple[Events, Emitted]:
    run = check_fence(context, command.fence)
    check(context.state, "emit")
    message = Message(
        id=command.message_id,
        ordinal=context.pool_count + 1,
        role=command.role,
        content=command.content,
        message_type=message_type_of(command.payload.kind),
        kind=command.payload.kind,
        payload=command.payload,
        created_at_utc=iso(now),
        author=command.author,
        run_id=run.id,
        metadata=command.metadata,
    )
    events: list[EventBody] = [MessageCreated(message=message)]
    if isinstance(command.payload, PlanPayload):
        events.extend(branching.planned(context, command.payload.items))
    if context.state != context.resting:
        events.append(ContextStateChanged(state=context.resting))
    return tuple(events), Emitted(message.id, context.head + 1)


def retry(context: Context, command: RetryRun, now: EpochMs) -> tuple[Events, Sent]:
    """A new run for a message that was answered by an error, a cancelled reply, or not at all; one that waits to ask
    its model again asks at once. Raises RunAlreadyActive."""
    state = context.state
    if context.run is not None and isinstance(state, AwaitingLLM) and state.retry_at_utc is not None:
        at_once = ContextStateChanged(state=AwaitingLLM(request_id=state.request_id))
        return (at_once,), Sent(command.message_id, context.head + 1, context.run.id)
    if context.busy:
        raise RunAlreadyActive()
    check(context.state, "start")
    queued = Run(
        id=command.run_id,
        session_id=context.session_id,
        state="queued",
        created_at_utc=iso(now),
        message_id=command.message_id,
        agent=command.agent,
        on_crash=command.on_crash,
        asked_by=command.asked_by,
    )
    events: list[EventBody] = [RunQueued(run=queued), SessionStateChanged(state="RUNNING")]
    if context.state.name != "active":
        events.append(ContextStateChanged(state=Active()))
    return tuple(events), Sent(command.message_id, context.head + 1, command.run_id)


def finish(context: Context, command: FinishRun, now: EpochMs) -> Events:
    """Ends the active run. Raises IllegalTransition with code detail `unseen` while a steering message waits."""
    run = check_fence(context, command.fence)
    if command.error is None and context.steered > command.seen:
        raise IllegalTransition("A steering message was not taken into account yet", unseen=context.steered)
    if command.error is None:
        return _ended(context, run, "completed", None, now)
    return _ended(context, run, "failed", command.error, now)


def cancel(context: Context, command: CancelRun, now: EpochMs) -> tuple[Events, Cancelled]:
    """Works before, during and after a run (I6): what is active ends, what waits is dropped, at once."""
    doomed = [run for run in context.queue if command.run_id in (None, run.id)]
    events: list[EventBody] = [RunFinished(run=_over(run, "cancelled", command.reason, now)) for run in doomed]
    run = context.run
    if run is not None and command.run_id in (None, run.id):
        dropped = len(doomed)
        events.extend(_ended(context, run, "cancelled", command.reason, now, closing="cancelled", dropped=dropped))
    elif doomed and run is None and len(doomed) == len(context.queue):
        events.append(SessionStateChanged(state="CANCELLED", completed_at_utc=iso(now)))
    return tuple(events), Cancelled(bool(events))


def _ended(
    context: Context,
    run: Run,
    state: RunState,
    reason: str | None,
    now: EpochMs,
    *,
    closing: MessageStatus = "error",
    dropped: int = 0,
) -> Events:
    """The end of the active run; `closing` is what becomes of a half-streamed reply, `dropped` how many of the queue
    end with it."""
    check(context.state, "interrupt" if state == "cancelled" else "finish")
    events = list(_closed(context, now, closing, reason or "the run ended without closing it"))
    if state == "failed":
        events = [body for body in events if not isinstance(body, ContextStateChanged)]
        events.append(ContextStateChanged(state=Failed(message=reason or "")))
    events.append(RunFinished(run=_over(run, state, reason, now)))
    if len(context.queue) == dropped:
        events.append(SessionStateChanged(state=SESSION_STATES[state], completed_at_utc=iso(now)))
    return tuple(events)


def _closed(context: Context, now: EpochMs, status: MessageStatus, reason: str) -> Events:
    """Closes a half-streamed reply, open calls and pending approvals, and brings the context back to active."""
    ended: ToolStatus = "cancelled" if status == "cancelled" else "interrupted"
    events = [*_stream_closed(context, now, status, reason), *tools.closed(context, now, ended, reason)]
    events.extend(workflow.closed(context, "cancelled" if status == "cancelled" else "failed", reason))
    if context.state.name != "active":
        events.append(ContextStateChanged(state=Active()))
    return tuple(events)


def _stream_closed(context: Context, now: EpochMs, status: MessageStatus, reason: str) -> Events:
    if context.stream is None:
        return ()
    finish_reason = status if status == "cancelled" else f"error: {reason}"
    return (MessageCompleted(message=_finished(context.stream, now, status, finish_reason)),)


def _finished(
    stream: Stream,
    now: EpochMs,
    status: MessageStatus,
    finish_reason: str,
    usage: Usage | None = None,
    provider_deltas: int | None = None,
) -> Message:
    """The complete message of a stream, with the metadata of mission C6."""
    payload = stream.message.payload
    assert isinstance(payload, StreamingResponsePayload)  # noqa: S101 -- begin() makes no other
    interval = None
    if stream.first_at is not None and stream.last_at is not None and stream.sequence > 1:
        interval = round((stream.last_at - stream.first_at) / (stream.sequence - 1), 3)
    payload = payload.model_copy(
        update={
            "finish_reason": finish_reason,
            "usage": usage,
            "chunks_count": stream.sequence,
            "provider_deltas": provider_deltas,
            "completed_at": iso(now),
            "total_duration_ms": now - _started_at(stream, now),
            "average_chunk_interval_ms": interval,
        }
    )
    metadata = stream.message.metadata.model_copy(
        update={
            "tokens": usage.output_tokens if usage is not None else None,
            "duration_ms": payload.total_duration_ms,
            "streaming": payload.timing(),
        }
    )
    changed = {"payload": payload, "metadata": metadata, "status": status, "sequence": stream.sequence}
    return stream.message.model_copy(update={"content": stream.text, **changed})


def _started_at(stream: Stream, now: EpochMs) -> int:
    return min(now, from_iso(stream.message.created_at_utc))


def _started(run: Run, now: EpochMs) -> Run:
    return run.model_copy(
        update={
            "state": "running",
            "attempt": run.attempt + 1,
            "started_at_utc": run.started_at_utc or iso(now),
        }
    )


def _over(run: Run, state: RunState, reason: str | None, now: EpochMs) -> Run:
    return run.model_copy(update={"state": state, "reason": reason, "finished_at_utc": iso(now)})


def _stream(context: Context, message_id: str) -> Stream:
    stream = context.stream
    if stream is None or stream.message.id != message_id:
        raise IllegalTransition("This message is not being streamed", messageId=message_id)
    return stream
