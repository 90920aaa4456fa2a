"""REST of contexts: what clients in signal mode pull, and the actions on a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from models.calls import (
    ApprovalAnswer,
    BranchPromptBody,
    CancelRunArguments,
    Edit,
    ForkBody,
    Id,
    MergeBody,
    NoArguments,
    Outgoing,
    PinBody,
    PlanBody,
    RevokeGrantBody,
    SetModeBody,
    SetModelBody,
    SwitchBranchBody,
    UnpinBody,
)
from models.errors import InvalidArgument
from models.events import fit_for_travel
from models.ids import iso
from models.session import Session
from models.snapshot import Snapshot
from services.store.reads import intervals
from web.rest.answers import (
    BranchName,
    CancelledAnswer,
    ContextMetadata,
    Done,
    EditDone,
    MergeAnswer,
    MessageBatch,
    PinnedAnswer,
    SentAnswer,
)
from web.rest.queries import ChunksQuery, IdsQuery
from web.rest.route import Call, NoQuery


class SendMessageBody(Outgoing):
    """The call's arguments; the session is in the path."""

    session_id: Id | None = None


async def get_context(call: Call[NoArguments, NoQuery]) -> Snapshot:
    return await call.library.snapshot(call.principal, call.session_id)


async def get_context_metadata(call: Call[NoArguments, NoQuery]) -> ContextMetadata:
    snapshot = await call.library.metadata(call.principal, call.session_id)
    return ContextMetadata.model_construct(**{name: getattr(snapshot, name) for name in ContextMetadata.model_fields})


async def get_context_messages(call: Call[NoArguments, IdsQuery]) -> MessageBatch:
    wanted = call.query.wanted
    messages = await call.library.messages(call.principal, call.session_id, wanted)
    return MessageBatch(messages=messages, requested_count=len(wanted), found_count=len(messages))


async def list_streaming_chunks(call: Call[NoArguments, ChunksQuery]) -> Mapping[str, Any]:
    message_id, after = call.path["messageId"], call.query.after
    # For intervals the chunk before is read too.
    first = max(0, after - 1) if call.query.intervals else after
    page = await call.library.chunks(call.principal, call.session_id, message_id, first)
    timed = zip(page.chunks, intervals(page.chunks), strict=True)
    return {
        "contextId": call.session_id,
        "messageId": message_id,
        "chunks": [
            {"sequence": each.sequence, "delta": each.delta, "at": iso(each.at)}
            | ({"intervalMs": interval} if call.query.intervals else {})
            for each, interval in timed
            if each.sequence > after
        ],
        "currentSequence": page.current_sequence,
        "hasMore": page.has_more,
    }


class PostMessageBody(SendMessageBody):
    """What clients of the first protocol send."""

    role: Literal["user"] = "user"


async def post_message(call: Call[PostMessageBody, NoQuery]) -> SentAnswer:
    return await send_message(call)


async def send_message(call: Call[SendMessageBody, NoQuery] | Call[PostMessageBody, NoQuery]) -> SentAnswer:
    if call.body.session_id not in (None, call.session_id):
        raise InvalidArgument("sessionId is not the session of the path", field="sessionId")
    return SentAnswer.of(await call.chat.send_message(call.principal, call.session_id, call.body, call.version))


async def cancel_run(call: Call[CancelRunArguments, NoQuery]) -> CancelledAnswer:
    return CancelledAnswer.of(await call.chat.cancel(call.principal, call.session_id, call.body.run_id, call.version))


async def set_model(call: Call[SetModelBody, NoQuery]) -> Session:
    return await call.editor.set_model(call.principal, call.session_id, call.body.model, call.version)


async def set_mode(call: Call[SetModeBody, NoQuery]) -> Session:
    return await call.editor.set_mode(call.principal, call.session_id, call.body.mode, call.version)


async def retry(call: Call[Edit, NoQuery]) -> SentAnswer:
    return SentAnswer.of(await call.chat.retry(call.principal, call.session_id, call.version))


async def archive(call: Call[Edit, NoQuery]) -> Session:
    return await call.organizer.archive(call.principal, call.session_id, call.version)


async def unarchive(call: Call[Edit, NoQuery]) -> Session:
    return await call.organizer.unarchive(call.principal, call.session_id, call.version)


async def resolve_approval(call: Call[ApprovalAnswer, NoQuery]) -> Done:
    await call.chat.resolve_approval(call.principal, call.session_id, call.body, call.version)
    return Done()


async def revoke_grant(call: Call[RevokeGrantBody, NoQuery]) -> EditDone:
    return EditDone.of(await call.chat.revoke_grant(call.principal, call.session_id, call.body.tool, call.version))


async def fork(call: Call[ForkBody, NoQuery]) -> BranchName:
    body = call.body
    forked = await call.branches.fork(
        call.principal,
        call.session_id,
        name=body.name,
        branch=body.branch,
        message_id=body.message_id,
        position=body.position,
        before=body.before,
        system_prompt=body.system_prompt,
        switch=body.switch,
        version=call.version,
    )
    return BranchName.of(forked)


async def switch_branch(call: Call[SwitchBranchBody, NoQuery]) -> BranchName:
    edited = await call.branches.switch(call.principal, call.session_id, call.body.name, call.version)
    return BranchName(name=call.body.name, version=edited.version)


async def merge(call: Call[MergeBody, NoQuery]) -> MergeAnswer:
    body, branches = call.body, call.branches
    if body.preview:
        plan = await branches.preview(call.principal, call.session_id, body.source, body.strategy, body.message_ids)
        version = None
    else:
        merged = await branches.merge(
            call.principal,
            call.session_id,
            body.source,
            body.strategy,
            message_ids=body.message_ids,
            resolution=body.resolution,
            name=body.name,
            summary=body.summary,
            version=call.version,
        )
        plan, version = merged.plan, merged.version
    return MergeAnswer(
        merged=not body.preview,
        version=version,
        active_branch=plan.target,
        messages=tuple(fit_for_travel(message) for message in plan.messages),
        conflicts=plan.conflicts,
    )


async def set_branch_prompt(call: Call[BranchPromptBody, NoQuery]) -> EditDone:
    body, editor = call.body, call.editor
    return EditDone.of(
        await editor.set_branch_prompt(call.principal, call.session_id, body.branch, body.system_prompt, call.version)
    )


async def pin(call: Call[PinBody, NoQuery]) -> PinnedAnswer:
    body = call.body
    pinned = await call.editor.pin(call.principal, call.session_id, body.message_id, body.text, call.version)
    return PinnedAnswer.of(pinned)


async def unpin(call: Call[UnpinBody, NoQuery]) -> EditDone:
    return EditDone.of(await call.editor.unpin(call.principal, call.session_id, call.body.pin_id, call.version))


async def set_plan(call: Call[PlanBody, NoQuery]) -> EditDone:
    return EditDone.of(await call.editor.set_plan(call.principal, call.session_id, call.body.items, call.version))
