"""How a context looks from outside: the session, and the snapshot that a client folds later events into."""

from __future__ import annotations

from collections.abc import Iterable

from models.events import fit_for_travel
from models.ids import iso
from models.messages import Message
from models.session import Session
from models.snapshot import Snapshot
from services.engine.context import Context, Stream

SNAPSHOT_MESSAGES = 50


def session_of(context: Context, project_name: str) -> Session:
    return Session(
        id=context.session_id,
        project_id=context.project_id,
        project_name=project_name,
        title=context.title,
        state=context.session_state,
        created_at_utc=iso(context.created_at),
        updated_at_utc=iso(context.updated_at),
        completed_at_utc=iso(context.completed_at) if context.completed_at is not None else None,
        message_count=context.branch.length,
        head=context.head,
        version=context.version,
        archived=context.archived,
        waiting=context.waiting,
    )


def so_far(stream: Stream) -> Message:
    """The streaming message as it stands: its text until now and the number of its last chunk."""
    return stream.message.model_copy(update={"content": stream.text, "sequence": stream.sequence})


def snapshot_of(context: Context, project_name: str, messages: Iterable[Message]) -> Snapshot:
    """`messages` are the newest of the active branch, oldest first; the one that streams may lack its text."""
    streaming = context.stream
    shown = [
        so_far(streaming) if streaming is not None and message.id == streaming.message.id else message
        for message in messages
    ]
    return Snapshot(
        session_id=context.session_id,
        epoch=context.epoch,
        head=context.head,
        session=session_of(context, project_name),
        state=context.state,
        mode=context.mode,
        model=context.model,
        active_branch=context.active_branch,
        branches=tuple(branch.view() for branch in context.branches.values()),
        pins=context.branch.pins,
        plan=context.branch.plan,
        run=context.run,
        queue=context.queue,
        approvals=tuple(approval.fit_for_travel() for approval in context.approvals),
        grants=context.grants,
        usage=context.usage,
        messages=tuple(fit_for_travel(message) for message in shown),
    )
