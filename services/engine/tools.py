"""Tools inside a session: asked for, approved, at work, returned; and questions to the user, answered the same way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, assert_never

from models.approvals import Approval, ApprovalState
from models.commands import (
    SYSTEM_USER,
    AskUser,
    FinishTool,
    RequestTools,
    ResolveApproval,
    RevokeGrant,
    RunFence,
    StartTools,
)
from models.errors import ApprovalNotFound, IllegalTransition, InvalidArgument
from models.events import (
    ApprovalRequested,
    ApprovalResolved,
    ApprovalRevoked,
    ContextStateChanged,
    EventBody,
    MessageCreated,
    MessageUpdated,
    UsageAdded,
)
from models.ids import EpochMs, derived_id, from_iso, iso
from models.messages import Message, Metadata, message_type_of
from models.payloads import (
    Artifact,
    CallStatus,
    McpResourcePayload,
    McpToolRequestPayload,
    McpToolResultPayload,
    PlanPayload,
    ProjectStructurePayload,
    TextPayload,
    ToolCall,
    ToolRequestPayload,
    ToolResultPayload,
    ToolStatus,
    calls_in,
)
from models.runs import Run
from models.states import AwaitingUser, ContextState, ProcessingTool
from services.engine import branching
from services.engine.apply import fold
from services.engine.context import Context
from services.engine.fence import check_fence
from services.engine.transitions import check

Events = tuple[EventBody, ...]
DECIDED: dict[str, ApprovalState] = {
    "approve": "approved",
    "edit": "approved",
    "deny": "denied",
    "respond": "responded",
}
IN_PLAN_NOW = "The session was switched to plan mode meanwhile. Shall this run all the same?"
UNKNOWN_OUTCOME = "interrupted, outcome unknown"


def request(context: Context, command: RequestTools, now: EpochMs) -> Events:
    """Raises IllegalTransition when an earlier request is still open or two calls share an id."""
    run = check_fence(context, command.fence)
    check(context.state, "call")
    if context.request is not None or len({call.call_id for call in command.calls}) < len(command.calls):
        raise IllegalTransition("One request at a time, with call ids of its own")
    spent = command.spent
    messages = [_request(context, run, command, index, part, now) for index, part in enumerate(_parts(command))]
    asked = tuple(
        _approval(run, message, call, command, now)
        for message in messages
        for call in calls_of(message)
        if call.status == "pending"
    )
    events: list[EventBody] = [MessageCreated(message=message) for message in messages]
    if spent is not None:
        events.append(UsageAdded(model=spent.model, usage=spent.usage, message_id=command.message_id))
    events.extend(ApprovalRequested(approval=approval) for approval in asked)
    target: ContextState = _awaiting(asked) if asked else context.resting
    if target != context.state:
        events.append(ContextStateChanged(state=target))
    return tuple(events)


_Part = tuple[str | None, tuple[ToolCall, ...]]


def _parts(command: RequestTools) -> list[_Part]:
    """The calls by the MCP server that they go to (None: our own), in the order of the first of each."""
    parts: dict[str | None, list[ToolCall]] = {}
    for call in command.calls:
        parts.setdefault(command.servers.get(call.call_id), []).append(call)
    return [(server, tuple(calls)) for server, calls in parts.items()]


def _request(context: Context, run: Run, command: RequestTools, index: int, part: _Part, now: EpochMs) -> Message:
    """One part of what a reply asks for; the first says what the reply cost."""
    server, calls = part
    spent = command.spent if index == 0 else None
    cost: dict[str, Any] = {"model": spent.model, "usage": spent.usage} if spent is not None else {}
    payload: ToolRequestPayload | McpToolRequestPayload = ToolRequestPayload(calls=calls, **cost)
    if server is not None:
        payload = McpToolRequestPayload(server=server, calls=calls, **cost)
    return Message(
        id=command.message_id if index == 0 else derived_id(command.message_id, f"request {index}"),
        ordinal=context.pool_count + 1 + index,
        role="agent",
        content=", ".join(call.name for call in calls),
        message_type=message_type_of("tool_request"),
        kind=payload.kind,
        payload=payload,
        created_at_utc=iso(now),
        author=command.author,
        run_id=run.id,
        metadata=Metadata(source="ai_generated"),
    )


def start(context: Context, command: StartTools, now: EpochMs) -> Events:
    """Nothing begins when one of them has to be asked for again. Raises IllegalTransition unless every call is approved
    and nothing is pending."""
    run = check_fence(context, command.fence)
    check(context.state, "execute")
    _, calls = open_request(context)
    wanted = [call for call in calls if call.call_id in command.call_ids]
    if len(wanted) != len(command.call_ids) or any(call.status != "approved" for call in wanted):
        raise IllegalTransition("Only approved calls can start", callIds=list(command.call_ids))
    again = [call for call in wanted if _outdated(context, call, command)]
    if again:
        return _asked_again(context, run, again, command, now)
    begun = [call.model_copy(update={"status": "executing"}) for call in wanted]
    return (*_updates(context, begun), ContextStateChanged(state=ProcessingTool(tool_ids=command.call_ids)))


def finish(context: Context, command: FinishTool, now: EpochMs) -> Events:
    """Raises IllegalTransition unless the call is at work or was denied."""
    check_fence(context, command.fence)
    check(context.state, "return")
    _, calls = open_request(context)
    call = next((call for call in calls if call.call_id == command.call_id), None)
    if call is None or not call.is_open or call.status not in ("executing", "denied"):
        raise IllegalTransition("This call is not at work", callId=command.call_id)
    events: list[EventBody] = [
        MessageCreated(message=_result(context, call, command, 1, now)),
        *_made(context, call, command, now),
        *_updates(context, [_returned(call, command)]),
    ]
    left = tuple(each.call_id for each in calls if each.status == "executing" and each is not call)
    target: ContextState = ProcessingTool(tool_ids=left) if left else context.resting
    if target != context.state:
        events.append(ContextStateChanged(state=target))
    return tuple(events)


def ask(context: Context, command: AskUser, now: EpochMs) -> Events:
    run = check_fence(context, command.fence)
    check(context.state, "ask")
    approval = Approval(
        id=command.approval_id,
        session_id=context.session_id,
        run_id=run.id,
        kind=command.kind,
        question=command.question,
        options=command.options,
        key=command.key,
        expires_at_utc=iso(command.expires_at) if command.expires_at is not None else None,
        requested_at_utc=iso(now),
    )
    return (ApprovalRequested(approval=approval), ContextStateChanged(state=_awaiting((approval,))))


def resolve(context: Context, command: ResolveApproval, now: EpochMs) -> Events:
    """The first answer wins: afterwards the approval is no longer pending. What is said to a question stands in the
    transcript, for people and the model alike. Raises ApprovalNotFound, InvalidArgument."""
    settled = settle(context, command, now)
    approval = next(each for each in context.approvals if each.id == command.approval_id)
    if approval.kind == "tool" or not command.answer:
        return settled
    return (MessageCreated(message=_answer(context, approval, command, now)), *settled)


def settle(context: Context, command: ResolveApproval, now: EpochMs, *, state: ApprovalState | None = None) -> Events:
    """The same without a message: where there is one already, and where nobody said anything."""
    approval = next((each for each in context.approvals if each.id == command.approval_id), None)
    if approval is None:
        raise ApprovalNotFound(approvalId=command.approval_id)
    _check_answer(approval, command)
    check(context.state, "answer")
    edited = command.decision == "edit" and command.arguments is not None
    arguments = dict(command.arguments or {}) if edited else approval.arguments
    original = approval.original_arguments or approval.arguments if edited else approval.original_arguments
    resolved = approval.model_copy(
        update={
            "state": state or DECIDED[command.decision],
            "decision": command.decision,
            "arguments": arguments,
            "original_arguments": original,
            "scope": command.scope,
            "answer": command.answer,
            "decided_by": command.by,
            "decided_at_utc": iso(now),
        }
    )
    events: list[EventBody] = [ApprovalResolved(approval=resolved)]
    if approval.kind == "tool":
        events.extend(_decided(context, resolved))
    left = tuple(each for each in context.approvals if each.id != approval.id)
    target: ContextState = _awaiting(left) if left else context.resting
    events.append(ContextStateChanged(state=target))
    return tuple(events)


def expire(context: Context, now: EpochMs) -> Events:
    """Declines what has waited too long, in the name of the system."""
    events: Events = ()
    for approval in context.approvals:
        if approval.expires_at_utc is None or from_iso(approval.expires_at_utc) > now:
            continue
        decline = ResolveApproval(approval.id, "deny", SYSTEM_USER, answer="nobody answered in time")
        declined = settle(context, decline, now, state="expired")
        context = fold(context, declined, now)
        events = (*events, *declined)
    return events


def revoke(context: Context, command: RevokeGrant) -> Events:
    """Nothing happens when the tool was not granted."""
    granted = any(grant.tool == command.tool for grant in context.grants)
    return (ApprovalRevoked(tool=command.tool),) if granted else ()


def closed(context: Context, now: EpochMs, status: ToolStatus, reason: str) -> Events:
    """What a run's end does to its tools: every approval that is pending is cancelled, every call gets its result."""
    events: list[EventBody] = [
        ApprovalResolved(
            approval=approval.model_copy(update={"state": "cancelled", "answer": reason, "decided_at_utc": iso(now)})
        )
        for approval in context.approvals
    ]
    if context.requests:
        left = [call for call in open_request(context)[1] if call.is_open]
        events.extend(_ended(context, left, status, reason, now))
    return tuple(events)


def lost(context: Context, now: EpochMs) -> Events:
    """After a crash: what may be repeated is approved again, an unsafe call that had begun is never repeated (I5)."""
    if not context.requests:
        return ()
    begun = [call for call in open_request(context)[1] if call.status == "executing"]
    again = [call.model_copy(update={"status": "approved"}) for call in begun if call.risk != "unsafe"]
    unsafe = [call for call in begun if call.risk == "unsafe"]
    return _ended(context, unsafe, "interrupted", UNKNOWN_OUTCOME, now, beside=again)


def open_request(context: Context) -> tuple[Message, tuple[ToolCall, ...]]:
    """The first request that is open, and the calls of all that are. Raises IllegalTransition without one."""
    if not context.requests:
        raise IllegalTransition("No tools were asked for")
    return context.requests[0], tuple(call for request in context.requests for call in calls_of(request))


def calls_of(message: Message) -> tuple[ToolCall, ...]:
    return calls_in(message.payload)


def _check_answer(approval: Approval, command: ResolveApproval) -> None:
    if approval.kind != "tool" and command.decision not in ("respond", "deny"):
        raise InvalidArgument("A question is answered with respond, or declined with deny", field="decision")
    if command.decision == "edit" and command.arguments is None:
        raise InvalidArgument("edit needs the arguments to use instead", field="arguments")
    if command.decision != "edit" and command.arguments is not None:
        raise InvalidArgument("Other arguments go with edit; nothing else would use them", field="arguments")
    if command.scope == "session" and not approval.grantable:
        raise InvalidArgument("This tool is asked for each time: it can't be allowed for the session", field="scope")
    if command.decision == "respond" and not command.answer:
        raise InvalidArgument("respond needs a text", field="reason")


def _answer(context: Context, approval: Approval, command: ResolveApproval, now: EpochMs) -> Message:
    text = command.answer or ""
    payload = TextPayload(text=text)
    return Message(
        id=derived_id(approval.id, "answer"),
        ordinal=context.pool_count + 1,
        role="user",
        content=text,
        message_type=message_type_of(payload.kind),
        kind=payload.kind,
        payload=payload,
        created_at_utc=iso(now),
        author=command.by,
        run_id=approval.run_id,
        metadata=Metadata(source="user_input", answers=approval.question),
    )


def _approval(run: Run, message: Message, call: ToolCall, command: RequestTools, now: EpochMs) -> Approval:
    return Approval(
        id=command.approvals[call.call_id],
        session_id=run.session_id,
        run_id=run.id,
        kind="tool",
        message_id=message.id,
        call_id=call.call_id,
        tool=call.name,
        arguments=call.arguments,
        risk=call.risk,
        grantable=call.call_id not in command.each_time,
        expires_at_utc=iso(command.expires_at) if command.expires_at is not None else None,
        requested_at_utc=iso(now),
    )


def _awaiting(approvals: tuple[Approval, ...]) -> AwaitingUser:
    return AwaitingUser(reason=approvals[0].kind, approval_ids=tuple(each.id for each in approvals))


def _decided(context: Context, approval: Approval) -> Events:
    """The user's decision in its call."""
    status: CallStatus = "approved" if approval.state == "approved" else "denied"
    changed = {
        "status": status,
        "arguments": approval.arguments or {},
        "original_arguments": approval.original_arguments,
        "decided_by": approval.decided_by,
        "decided_at": approval.decided_at_utc,
    }
    calls = [call for call in open_request(context)[1] if call.call_id == approval.call_id]
    return _updates(context, [call.model_copy(update=changed) for call in calls])


def _outdated(context: Context, call: ToolCall, command: StartTools) -> bool:
    """Whether it was approved for another mode than the one that the session is in now."""
    return context.mode == "plan" and call.mode != "plan" and call.call_id in command.not_in_plan


def _asked_again(context: Context, run: Run, again: Iterable[ToolCall], command: StartTools, now: EpochMs) -> Events:
    """What is said to this holds for plan mode too."""
    waiting = [call.model_copy(update={"status": "pending", "mode": "plan"}) for call in again]
    first, _ = open_request(context)
    ids = {call.call_id: derived_id(first.id, f"{call.call_id} in plan mode") for call in waiting}
    each_time, expires_at = command.each_time, command.expires_at
    request = RequestTools(command.fence, first.id, first.author, tuple(waiting), ids, each_time, expires_at=expires_at)
    asked = tuple(
        _approval(run, _request_of(context, call), call, request, now).model_copy(update={"question": IN_PLAN_NOW})
        for call in waiting
    )
    requested = tuple(ApprovalRequested(approval=approval) for approval in asked)
    return (*_updates(context, waiting), *requested, ContextStateChanged(state=_awaiting(asked)))


def _returned(call: ToolCall, result: FinishTool) -> ToolCall:
    """With its result a call is done; one that was denied stays denied, unless the user answered in its place."""
    status = "denied" if call.status == "denied" and result.status != "ok" else "done"
    return call.model_copy(update={"status": status, "result_id": result.message_id})


def _request_of(context: Context, call: ToolCall) -> Message:
    return next(each for each in context.requests if call.call_id in {of.call_id for of in calls_of(each)})


def _updates(context: Context, changed: Iterable[ToolCall]) -> Events:
    """The open requests with these calls as they are now."""
    now = {call.call_id: call for call in changed}
    return tuple(
        MessageUpdated(message=_with_calls(message, tuple(now.get(call.call_id, call) for call in calls_of(message))))
        for message in context.requests
        if any(call.call_id in now for call in calls_of(message))
    )


def _with_calls(message: Message, calls: tuple[ToolCall, ...]) -> Message:
    payload = message.payload
    changed = payload.model_copy(update={"calls": calls}) if payload is not None else None
    return message.model_copy(update={"payload": changed})


def _ended(
    context: Context,
    calls: Iterable[ToolCall],
    status: ToolStatus,
    reason: str,
    now: EpochMs,
    *,
    beside: Iterable[ToolCall] = (),
) -> Events:
    """Results for calls that nobody will finish, so that none stays without one; those `beside` them change too."""
    run = context.run
    if run is None:
        return ()
    events: list[EventBody] = []
    changed = list(beside)
    for index, call in enumerate(calls, start=1):
        message_id = derived_id(_request_of(context, call).id, call.call_id)
        told = f"{reason}; {_how_far(call)}" if reason != UNKNOWN_OUTCOME else reason
        finish = FinishTool(RunFence(run.id, run.attempt), message_id, call.call_id, status, error=told)
        events.append(MessageCreated(message=_result(context, call, finish, index, now)))
        changed.append(_returned(call, finish))
    return (*events, *_updates(context, changed))


def _made(context: Context, call: ToolCall, command: FinishTool, now: EpochMs) -> Events:
    """What the call made beside its result: a message behind it, and the branch's plan."""
    artifact = command.artifact
    if artifact is None:
        return ()
    message = Message(
        id=derived_id(command.message_id, artifact.kind),
        ordinal=context.pool_count + 2,
        role="agent",
        content=_named(artifact),
        message_type=message_type_of(artifact.kind),
        kind=artifact.kind,
        payload=artifact,
        created_at_utc=iso(now),
        author=call.name,
        run_id=command.fence.run_id,
        metadata=Metadata(source="tool_execution"),
    )
    changed = branching.planned(context, artifact.items) if isinstance(artifact, PlanPayload) else ()
    return (MessageCreated(message=message), *changed)


def _named(artifact: Artifact) -> str:
    """A line that stands for it: the whole is in the payload, and there alone."""
    match artifact:
        case PlanPayload():
            return "\n".join(f"- [{item.status}] {item.text}" for item in artifact.items)
        case ProjectStructurePayload():
            return f"Project {artifact.root}"
        case McpResourcePayload():
            return artifact.uri
        case _:
            assert_never(artifact)


def _how_far(call: ToolCall) -> str:
    """A call that had begun may have done all, half or none of its work."""
    match call.status:
        case "executing":
            return "it was at work, its outcome is unknown"
        case "denied":
            return "it was denied before"
        case _:
            return "it had not begun"


def _result(context: Context, call: ToolCall, command: FinishTool, offset: int, now: EpochMs) -> Message:
    """The `offset`-th new message of its append. Its content is the output: one copy of the text is stored."""
    fields: dict[str, Any] = {
        "call_id": call.call_id,
        "name": call.name,
        "status": command.status,
        "output": command.output,
        "error": command.error,
        "duration_ms": command.duration_ms,
        "handle": command.handle,
    }
    payload: ToolResultPayload | McpToolResultPayload = ToolResultPayload(**fields)
    request = _request_of(context, call).payload
    if isinstance(request, McpToolRequestPayload):
        payload = McpToolResultPayload(server=request.server, **fields)
    return Message(
        id=command.message_id,
        ordinal=context.pool_count + offset,
        role="system",
        content=command.output,
        message_type=message_type_of(payload.kind),
        kind=payload.kind,
        payload=payload,
        created_at_utc=iso(now),
        author=call.name,
        run_id=command.fence.run_id,
        metadata=Metadata(source="tool_execution", duration_ms=command.duration_ms),
    )
