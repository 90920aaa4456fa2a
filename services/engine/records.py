"""Messages about the session itself: that its mode, model or branch was switched, and what was done to one before it
was stored. They are for people, and no model is sent them (`Message.is_record`)."""

from __future__ import annotations

from typing import Literal

from models.commands import SYSTEM_USER, SendMessage
from models.events import EventBody, MessageCreated
from models.ids import EpochMs, derived_id, iso
from models.messages import Message, Metadata, message_type_of
from models.payloads import ProcessingPayload, SystemControlPayload
from services.engine.context import Context

Switched = Literal["mode", "model", "branch"]


def switched(
    context: Context, what: Switched, was: str, to: str, by: str | None, now: EpochMs
) -> tuple[EventBody, ...]:
    """The record of a switch, on the branch that is active in `context`, before it. Nothing where nothing was said on
    that: what is chosen there is what it begins with."""
    if by is None or context.branch.length == context.branch.forked_at:
        return ()
    message_id = derived_id(f"{context.session_id}/{context.epoch}", f"{what} {context.head}")
    payload = SystemControlPayload(control=_CONTROLS[what], parameters={what: to, "from": was})
    record = _record(message_id, context.pool_count + 1, f"Switched to {what} {to}", payload, by, now)
    return (MessageCreated(message=record),)


def processed(context: Context, command: SendMessage, now: EpochMs) -> tuple[EventBody, ...]:
    """What was done to a message, right behind it."""
    return tuple(
        MessageCreated(message=_step(command, number, context.pool_count + 1 + number, step, now))
        for number, step in enumerate(command.steps, 1)
    )


def _step(command: SendMessage, number: int, ordinal: int, step: ProcessingPayload, now: EpochMs) -> Message:
    message_id = derived_id(command.message_id, f"processing {number}")
    error = step.details.get("error")
    content = f"{step.stage}: {error}" if error else step.stage
    return _record(message_id, ordinal, content, step, SYSTEM_USER, now)


def _record(
    message_id: str,
    ordinal: int,
    content: str,
    payload: SystemControlPayload | ProcessingPayload,
    author: str,
    now: EpochMs,
) -> Message:
    return Message(
        id=message_id,
        ordinal=ordinal,
        role="system",
        content=content,
        message_type=message_type_of(payload.kind),
        kind=payload.kind,
        payload=payload,
        created_at_utc=iso(now),
        author=author,
        metadata=Metadata(source="system_control"),
    )


_CONTROLS: dict[Switched, Literal["mode_switch", "model_switch", "branch_switch"]] = {
    "mode": "mode_switch",
    "model": "model_switch",
    "branch": "branch_switch",
}
