"""A workflow inside a run: one message that tells its progress, and the state between its steps."""

from __future__ import annotations

from models.commands import BeginWorkflow, UpdateWorkflow
from models.errors import IllegalTransition
from models.events import ContextStateChanged, EventBody, MessageCreated, MessageUpdated
from models.ids import EpochMs, iso
from models.messages import Message, Metadata, message_type_of
from models.payloads import WorkflowExecutionPayload, WorkflowStatus
from models.states import Active, ProcessingWorkflow
from services.engine.context import Context
from services.engine.fence import check_fence
from services.engine.transitions import check

Events = tuple[EventBody, ...]
OVER: frozenset[WorkflowStatus] = frozenset({"completed", "failed", "cancelled"})


def begin(context: Context, command: BeginWorkflow, now: EpochMs) -> Events:
    """Raises IllegalTransition while another workflow is open."""
    run = check_fence(context, command.fence)
    check(context.state, "advance")
    if context.workflow is not None or command.payload.status in OVER:
        raise IllegalTransition("One workflow at a time, and one that is to run")
    message = Message(
        id=command.message_id,
        ordinal=context.pool_count + 1,
        role="agent",
        content=command.payload.name,
        message_type=message_type_of("workflow_execution"),
        kind="workflow_execution",
        payload=command.payload,
        created_at_utc=iso(now),
        author=command.author,
        run_id=run.id,
        metadata=Metadata(source="user_workflow"),
    )
    state = ProcessingWorkflow(workflow_id=command.payload.execution_id)
    return (MessageCreated(message=message), ContextStateChanged(state=state))


def update(context: Context, command: UpdateWorkflow) -> Events:
    """Raises IllegalTransition when no workflow, or another one, is open."""
    check_fence(context, command.fence)
    check(context.state, "advance")
    message = context.workflow
    payload = message.payload if message is not None else None
    if message is None or not isinstance(payload, WorkflowExecutionPayload):
        raise IllegalTransition("No workflow is open")
    if payload.execution_id != command.payload.execution_id:
        raise IllegalTransition("Another workflow is open", workflowId=payload.execution_id)
    events: Events = (MessageUpdated(message=message.model_copy(update={"payload": command.payload})),)
    if command.payload.status in OVER:
        events = (*events, ContextStateChanged(state=Active()))
    return events


def closed(context: Context, status: WorkflowStatus, reason: str) -> Events:
    """What the end of its run makes of an open workflow."""
    message = context.workflow
    if message is None or not isinstance(message.payload, WorkflowExecutionPayload):
        return ()
    steps = tuple(
        {**step, "status": status} if step.get("status") in ("pending", "running") else step
        for step in message.payload.steps
    )
    payload = message.payload.model_copy(update={"status": status, "error": reason, "steps": steps})
    return (MessageUpdated(message=message.model_copy(update={"payload": payload})),)
