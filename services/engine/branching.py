"""Branches: fork, switch, merge; and the pins and the plan that belong to one. The pool is shared, never rewritten."""

from __future__ import annotations

from collections.abc import Iterable

from models.branches import Branch, Pin
from models.commands import AddPin, ChangePlan, Fork, Merge, RemovePin, SetBranchPrompt, SwitchBranch
from models.errors import (
    BranchExists,
    BranchMoved,
    BranchNotFound,
    Conflict,
    InvalidArgument,
    MergeConflict,
    PinNotFound,
    RunAlreadyActive,
)
from models.events import (
    BranchCreated,
    BranchMerged,
    BranchSwitched,
    BranchUpdated,
    EventBody,
    MessageCreated,
    PinAdded,
    PinRemoved,
    PlanChanged,
)
from models.ids import EpochMs, iso
from models.messages import Message, Metadata, message_type_of
from models.payloads import PlanItem, SystemControlPayload
from models.results import Pinned
from services.engine import records
from services.engine.context import Context
from services.engine.transitions import check

Events = tuple[EventBody, ...]
Pins = tuple[Pin, ...]
Plan = tuple[PlanItem, ...]
BRANCHES_MAX = 200
PINS_MAX = 50
ANNOTATIONS_MAX_BYTES = 64 * 1024
"""Of all pins of a branch, and of its plan: both are in every snapshot, and in what each request sends to the model."""


def fork(context: Context, command: Fork, now: EpochMs) -> Events:
    """Raises BranchNotFound, BranchExists, InvalidArgument for a position beyond the base, RunAlreadyActive when it
    would switch away from a run."""
    base = branch_of(context, command.base)
    if command.name in context.branches:
        raise BranchExists(field="name", name=command.name)
    if not 0 <= command.position <= base.length:
        raise InvalidArgument(f"{base.name} has positions 1 to {base.length}", field="position")
    if len(context.branches) >= BRANCHES_MAX:
        raise Conflict(f"A session has at most {BRANCHES_MAX} branches")
    created = Branch(
        name=command.name,
        parent=base.name,
        forked_at=command.position,
        length=command.position,
        system_prompt=base.system_prompt if command.system_prompt is None else command.system_prompt,
        pins=base.pins,
        plan=base.plan,
        created_at_utc=iso(now),
    )
    events: Events = (BranchCreated(branch=created),)
    if command.switch:
        _check_quiet(context)
        check(context.state, "branch")
        events = (*events, _switched(created, command.message_ids))
    return events


def switch(context: Context, command: SwitchBranch, now: EpochMs) -> Events:
    """Raises BranchNotFound, BranchMoved, RunAlreadyActive."""
    branch = branch_of(context, command.name)
    if branch.name == context.active_branch:
        return ()
    _check_quiet(context)
    if branch.length != command.length:
        raise BranchMoved()
    # The record stands where somebody went away: the path that they go to stays as it was.
    record = records.switched(context, "branch", context.active_branch, branch.name, command.by, now)
    return (*record, _switched(branch, command.message_ids))


def merge(context: Context, command: Merge, now: EpochMs) -> Events:
    """Raises BranchNotFound, BranchMoved, MergeConflict, InvalidArgument, RunAlreadyActive. Copies no message."""
    source, target = branch_of(context, command.source), context.branch
    _check_quiet(context)
    if source.name == target.name:
        raise InvalidArgument("A branch can't be merged into itself", field="source")
    if (source.length, target.length) != (command.source_length, command.length):
        raise BranchMoved()
    pins, plan = _reconciled(source, target, command)
    if command.strategy == "rebase":
        return _rebased(context, source, target, command, pins, plan, now)
    if command.strategy == "summary":
        return _summarised(context, source, target, command, pins, plan, now)
    merged = _grown(target, len(command.entries), pins, plan)
    return (BranchMerged(source=source.name, strategy=command.strategy, branch=merged, messages=command.entries),)


def set_prompt(context: Context, command: SetBranchPrompt) -> Events:
    """A prompt of the branch's own; None takes the usual one again."""
    branch = branch_of(context, command.branch)
    if branch.system_prompt == command.system_prompt:
        return ()
    changed = branch.model_copy(update={"system_prompt": command.system_prompt})
    return (BranchUpdated(branch=changed),)


def add_pin(context: Context, command: AddPin, now: EpochMs) -> tuple[Events, Pinned]:
    """Pinning a message twice changes nothing: the result is the pin that it has. Raises Conflict
    beyond 50 pins and beyond 64 KiB of them."""
    pins = context.branch.pins
    there = next((pin for pin in pins if command.message_id is not None and pin.message_id == command.message_id), None)
    if there is not None:
        return (), Pinned(there.id)
    if len(pins) >= PINS_MAX:
        raise Conflict(f"A branch has at most {PINS_MAX} pins")
    if _size_bytes((*(pin.text for pin in pins), command.text)) > ANNOTATIONS_MAX_BYTES:
        raise Conflict(f"The pins of a branch have at most {ANNOTATIONS_MAX_BYTES} bytes together: remove some first")
    pin = Pin(
        id=command.pin_id,
        message_id=command.message_id,
        text=command.text,
        created_at_utc=iso(now),
        created_by=command.by,
    )
    return (PinAdded(pin=pin),), Pinned(pin.id)


def remove_pin(context: Context, command: RemovePin) -> Events:
    if all(pin.id != command.pin_id for pin in context.branch.pins):
        raise PinNotFound(pin_id=command.pin_id)
    return (PinRemoved(pin_id=command.pin_id),)


def change_plan(context: Context, command: ChangePlan) -> Events:
    """Raises InvalidArgument beyond 64 KiB."""
    return planned(context, command.items)


def planned(context: Context, items: Plan) -> Events:
    """Raises InvalidArgument beyond 64 KiB."""
    if _size_bytes(item.id + item.text for item in items) > ANNOTATIONS_MAX_BYTES:
        raise InvalidArgument(f"A plan has at most {ANNOTATIONS_MAX_BYTES} bytes", field="items")
    return () if items == context.branch.plan else (PlanChanged(items=items),)


def _size_bytes(texts: Iterable[str]) -> int:
    return sum(len(text.encode()) for text in texts)


def branch_of(context: Context, name: str) -> Branch:
    branch = context.branches.get(name)
    if branch is None:
        raise BranchNotFound(name=name)
    return branch


def conflicts(source: Branch, target: Branch) -> tuple[str, ...]:
    """What both sides changed since they parted, to different ends."""
    found = []
    if source.pins_changed and target.pins_changed and source.pins != target.pins:
        found.append("pins")
    if source.plan_changed and target.plan_changed and source.plan != target.plan:
        found.append("plan")
    return tuple(found)


def _switched(branch: Branch, message_ids: tuple[str, ...]) -> BranchSwitched:
    return BranchSwitched(name=branch.name, message_ids=message_ids, pins=branch.pins, plan=branch.plan)


def _reconciled(source: Branch, target: Branch, command: Merge) -> tuple[Pins, Plan]:
    found = conflicts(source, target)
    if found and command.resolution is None:
        raise MergeConflict(conflicts=list(found), field="resolution")
    theirs = command.resolution == "source"
    pins = source.pins if (theirs if "pins" in found else source.pins_changed) else target.pins
    plan = source.plan if (theirs if "plan" in found else source.plan_changed) else target.plan
    return pins, plan


def _grown(branch: Branch, messages: int, pins: Pins, plan: Plan) -> Branch:
    """What a merge brought counts as changed here: the next merge must not replace it unasked."""
    return branch.model_copy(
        update={
            "length": branch.length + messages,
            "pins": pins,
            "plan": plan,
            "pins_changed": branch.pins_changed or pins != branch.pins,
            "plan_changed": branch.plan_changed or plan != branch.plan,
        }
    )


def _rebased(
    context: Context, source: Branch, target: Branch, command: Merge, pins: Pins, plan: Plan, now: EpochMs
) -> Events:
    """A new branch: what was said stays where it was said."""
    if not command.name or command.name in context.branches:
        raise BranchExists("Give the rebased branch a name of its own", field="name")
    created = Branch(
        name=command.name,
        parent=source.name,
        forked_at=source.length,
        length=source.length,
        system_prompt=target.system_prompt,
        pins=source.pins,
        plan=source.plan,
        created_at_utc=iso(now),
    )
    merged = _grown(created, len(command.entries), pins, plan)
    return (
        BranchCreated(branch=created),
        BranchMerged(source=target.name, strategy="rebase", branch=merged, messages=command.entries),
        _switched(merged, command.message_ids),
    )


def _summarised(
    context: Context, source: Branch, target: Branch, command: Merge, pins: Pins, plan: Plan, now: EpochMs
) -> Events:
    """One message that says what the other branch came to."""
    if command.summary_id is None or not command.summary:
        raise InvalidArgument("A merge by summary needs its text", field="summary")
    payload = SystemControlPayload(control="summary", parameters={"source": source.name})
    message = Message(
        id=command.summary_id,
        ordinal=context.pool_count + 1,
        role="system",
        content=command.summary,
        message_type=message_type_of("system_control"),
        kind="system_control",
        payload=payload,
        created_at_utc=iso(now),
        author=command.by,
        metadata=Metadata(source="system_control"),
    )
    merged = _grown(target, 1, pins, plan)
    return (
        MessageCreated(message=message),
        BranchMerged(source=source.name, strategy="summary", branch=merged),
    )


def _check_quiet(context: Context) -> None:
    """A run writes to the branch that was active when it began: switching under it is refused."""
    if context.busy:
        raise RunAlreadyActive("A run is active; cancel it, or wait, before changing branches")
