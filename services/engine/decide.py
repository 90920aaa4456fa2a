"""Turns a command into events, or refuses it and says why. Pure: `now` and all ids are arguments.

The result for the caller is part of the decision, since only here the new sequence numbers are known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never, get_args

from models.commands import (
    AbandonRun,
    AddPin,
    AppendDelta,
    ArchiveContext,
    AskUser,
    BeginStream,
    BeginWorkflow,
    CancelRun,
    ChangePlan,
    Command,
    CountUsage,
    CreateSession,
    DeleteSession,
    EditCommand,
    EmitMessage,
    ExistingCommand,
    ExpireApprovals,
    FinalizeStream,
    FinishRun,
    FinishTool,
    Fork,
    Merge,
    RemovePin,
    RenameSession,
    RequestModel,
    RequestTools,
    ResolveApproval,
    RestoreSession,
    RetryRun,
    RevokeGrant,
    SendMessage,
    SetBranchPrompt,
    SetMode,
    SetModel,
    StartRun,
    StartTools,
    SwitchBranch,
    TakeOverRun,
    UnarchiveContext,
    UpdateWorkflow,
)
from models.errors import Conflict, RunAlreadyActive, SessionNotFound, VersionMismatch
from models.events import (
    ContextModeChanged,
    ContextModelChanged,
    ContextStateChanged,
    EditBody,
    EventBody,
    SessionCreated,
    SessionDeleted,
    SessionRenamed,
    SessionRestored,
)
from models.ids import EpochMs, iso
from models.results import Edited, Forked, Result
from models.session import Session
from models.states import Active, Archived, Initial
from services.engine import branching, conversation, records, running, tools, workflow
from services.engine.context import Context
from services.engine.transitions import check

EDITS: frozenset[type] = frozenset(get_args(EditCommand))


@dataclass(frozen=True, slots=True)
class Decision:
    """`events` to append (none: the command is already fulfilled) and the caller's `result`. With `fence` the append
    is valid only while that attempt of a run holds the session."""

    events: tuple[EventBody, ...] = ()
    result: Result = None
    fence: str | None = None


def decide(
    session_id: str, context: Context | None, command: Command, now: EpochMs, *, expected_version: int | None = None
) -> Decision:
    """`expected_version` is the session's as the caller knows it. Raises SessionNotFound, IllegalTransition,
    RunAlreadyActive, Fenced, VersionMismatch, RunNotFound, Conflict; a refusal changes nothing (I8)."""
    if isinstance(command, CreateSession):
        if context is not None:
            raise Conflict("The session exists")
        return _create(session_id, command, now)
    if context is None or (context.deleted_at is not None and not isinstance(command, RestoreSession)):
        raise SessionNotFound()
    if expected_version not in (None, context.version):
        raise VersionMismatch(currentVersion=context.version)
    if type(command) in EDITS:
        check(context.state, "edit")
    decision = _answer(context, command, now)
    return decision if isinstance(command, AppendDelta) else _numbered(decision, context.version)


def _numbered(decision: Decision, version: int) -> Decision:
    """Whatever edits the session, which has `version`, says what it makes of it: one more for all that a command does.
    So is its caller told."""
    edited = {"version": version + 1}
    events = tuple(body.model_copy(update=edited) if _is_edit(body) else body for body in decision.events)
    result = decision.result
    if isinstance(result, Edited):
        told = (body.version for body in events if isinstance(body, EditBody))
        result = replace(result, version=next((each for each in told if each is not None), version))
    return replace(decision, events=events, result=result)


def _is_edit(body: EventBody) -> bool:
    return isinstance(body, EditBody) and body.version is None and not isinstance(body, ContextStateChanged)


def _answer(context: Context, command: ExistingCommand, now: EpochMs) -> Decision:
    match command:
        case AppendDelta():
            return Decision(running.append(context, command), fence=context.fence)
        case SendMessage():
            return Decision(*conversation.send(context, command, now))
        case CancelRun():
            return Decision(*running.cancel(context, command, now))
        case StartRun():
            return Decision(running.start(context, command, now))
        case TakeOverRun():
            return Decision(running.take_over(context, command, now))
        case AbandonRun():
            return Decision(running.abandon(context, command, now))
        case RequestModel():
            return Decision(running.request(context, command), fence=context.fence)
        case BeginStream():
            return Decision(running.begin(context, command, now), fence=context.fence)
        case FinalizeStream():
            return Decision(running.finalize(context, command, now), fence=context.fence)
        case CountUsage():
            return Decision(running.count(context, command), fence=context.fence)
        case EmitMessage():
            return Decision(*running.emit(context, command, now), fence=context.fence)
        case FinishRun():
            return Decision(running.finish(context, command, now), fence=context.fence)
        case RequestTools():
            return Decision(tools.request(context, command, now), fence=context.fence)
        case StartTools():
            return Decision(tools.start(context, command, now), fence=context.fence)
        case FinishTool():
            return Decision(tools.finish(context, command, now), fence=context.fence)
        case BeginWorkflow():
            return Decision(workflow.begin(context, command, now), fence=context.fence)
        case UpdateWorkflow():
            return Decision(workflow.update(context, command), fence=context.fence)
        case AskUser():
            return Decision(tools.ask(context, command, now), fence=context.fence)
        case ResolveApproval():
            return Decision(tools.resolve(context, command, now))
        case ExpireApprovals():
            return Decision(tools.expire(context, now))
        case RevokeGrant():
            return Decision(tools.revoke(context, command), Edited())
        case RetryRun():
            return Decision(*running.retry(context, command, now))
        case SetMode():
            return Decision(_set_mode(context, command, now), Edited())
        case Fork():
            return Decision(branching.fork(context, command, now), Forked(command.name))
        case SwitchBranch():
            return Decision(branching.switch(context, command, now), Edited())
        case Merge():
            return Decision(branching.merge(context, command, now), Edited())
        case SetBranchPrompt():
            return Decision(branching.set_prompt(context, command), Edited())
        case AddPin():
            return Decision(*branching.add_pin(context, command, now))
        case RemovePin():
            return Decision(branching.remove_pin(context, command), Edited())
        case ChangePlan():
            return Decision(branching.change_plan(context, command), Edited())
        case ArchiveContext():
            return Decision(_archive(context), Edited())
        case UnarchiveContext():
            return Decision(_unarchive(context), Edited())
        case RenameSession():
            return Decision(_rename(context, command), Edited())
        case SetModel():
            return Decision(_set_model(context, command, now), Edited())
        case RestoreSession():
            return Decision((SessionRestored(),) if context.deleted_at is not None else (), Edited())
        case DeleteSession():
            stopped, _ = running.cancel(context, CancelRun(reason="session deleted"), now)
            return Decision((*stopped, SessionDeleted()))
        case _:
            assert_never(command)


def _create(session_id: str, command: CreateSession, now: EpochMs) -> Decision:
    session = Session(
        id=session_id,
        project_id=command.project_id,
        project_name=command.project_name,
        title=command.title,
        state="IDLE",
        created_at_utc=iso(now),
        updated_at_utc=iso(now),
        head=1,
    )
    return Decision((SessionCreated(session=session, model=command.model),), Edited(version=session.version))


def _set_mode(context: Context, command: SetMode, now: EpochMs) -> tuple[EventBody, ...]:
    if command.mode == context.mode:
        return ()
    changed = ContextModeChanged(mode=command.mode)
    return (changed, *records.switched(context, "mode", context.mode, command.mode, command.by, now))


def _set_model(context: Context, command: SetModel, now: EpochMs) -> tuple[EventBody, ...]:
    if command.model == context.model:
        return ()
    changed = ContextModelChanged(model=command.model)
    return (changed, *records.switched(context, "model", context.model, command.model, command.by, now))


def _archive(context: Context) -> tuple[EventBody, ...]:
    """Raises RunAlreadyActive: what runs has to end first."""
    if context.busy:
        raise RunAlreadyActive("A run is active; cancel it before archiving")
    if context.state.name == "archived":
        return ()
    check(context.state, "archive")
    return (ContextStateChanged(state=Archived(), version=context.version + 1),)


def _unarchive(context: Context) -> tuple[EventBody, ...]:
    if context.state.name != "archived":
        return ()
    state = Active() if context.pool_count else Initial()
    return (ContextStateChanged(state=state, version=context.version + 1),)


def _rename(context: Context, command: RenameSession) -> tuple[EventBody, ...]:
    if command.title == context.title:
        return ()
    return (SessionRenamed(title=command.title, version=context.version + 1),)
