"""Edits: each makes one version, one that is meant for another version changes nothing, and none reaches what is
archived."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from histories import KINDS, Maker
from world import T0, create, decided, say

from models.approvals import Grant
from models.commands import (
    AddPin,
    ArchiveContext,
    CancelRun,
    ChangePlan,
    Command,
    DeleteSession,
    EditCommand,
    Fork,
    Merge,
    RemovePin,
    RenameSession,
    RestoreSession,
    RetryRun,
    RevokeGrant,
    SetBranchPrompt,
    SetMode,
    SetModel,
    SwitchBranch,
    UnarchiveContext,
)
from models.errors import IllegalTransition, ParleyError, VersionMismatch
from models.events import EditBody
from models.payloads import PlanItem
from services.engine.context import Context
from services.engine.decide import decide


def talked() -> Context:
    """A session at rest with two branches, a pin and a grant."""
    append = decided("s", None, create(title="t"))
    for command in (say("one"), CancelRun(), AddPin("p", "keep", "ann"), Fork("b", "main", 1)):
        assert append is not None
        append = decided("s", append.after, command)
    assert append is not None
    return replace(append.after, grants=(Grant(tool="look", granted_by="ann", granted_at_utc="t"),))


EXAMPLES: tuple[Command, ...] = (
    RenameSession("other"),
    SetMode("plan"),
    SetModel("demo"),
    SwitchBranch("main", 1, ()),
    Merge("main", "append", (), 1, 1, "ann"),
    SetBranchPrompt("main", "Be brief."),
    AddPin("q", "this too", "ann"),
    RemovePin("p"),
    ChangePlan((PlanItem(id="1", text="do"),)),
    RevokeGrant("look"),
)
BESIDE: tuple[Command, ...] = (Fork("c", "main", 1), Fork("d", "b", 1, switch=False), ArchiveContext())
"""What makes a version, and has a rule of its own for what is archived."""


def archived() -> Context:
    append = decided("s", talked(), ArchiveContext())
    assert append is not None
    return append.after


def test_every_edit_has_an_example_here() -> None:
    assert {type(command) for command in EXAMPLES} == set(get_args(EditCommand))


def test_an_edit_makes_one_version_and_every_event_of_it_says_so() -> None:
    context = talked()
    for command in (*EXAMPLES, *BESIDE):
        append = decided("s", context, command)
        assert append is not None, command
        assert append.after.version == context.version + 1, command
        told = [event.body.version for event in append.events if isinstance(event.body, EditBody)]
        assert told == [context.version + 1] * len(told), command
        again = (
            decided("s", append.after, command) if not isinstance(command, Fork | RemovePin | Merge | AddPin) else None
        )
        assert again is None, f"{command} changes nothing the second time, and makes no version"


def test_what_is_said_makes_no_version() -> None:
    context = talked()
    for command in (say("two"), RetryRun("r", "message", "ann"), CancelRun()):
        append = decided("s", context, command)
        assert append is None or append.after.version == context.version


@pytest.mark.parametrize("kind", KINDS)
def test_i8_a_command_for_another_version_changes_nothing(kind: str) -> None:
    """Whatever it is: also what edits nothing may be meant for one version."""
    context = talked()
    command = Maker(lambda items: items[0]).command(kind, context)
    with pytest.raises(VersionMismatch) as refused:
        decide("s", context, command, T0, expected_version=context.version + 1)
    assert refused.value.details == {"currentVersion": context.version}


def test_what_is_archived_can_be_restored_forked_and_deleted_and_nothing_else() -> None:
    """One rule. Taken out for the check: `check(context.state, "edit")`."""
    context = archived()
    for command in (*EXAMPLES, say("hello"), RetryRun("r", "message", "ann")):
        with pytest.raises(IllegalTransition) as refused:
            decide("s", context, command, T0)
        assert refused.value.details["state"] == "archived", command
    for command in (Fork("c", "main", 1), Fork("d", "b", 1, switch=False)):
        forked = decided("s", context, command)
        assert forked is not None
        assert forked.after.archived, "a fork does not take the session up again"
    assert decided("s", context, ArchiveContext()) is None
    restored = decided("s", context, UnarchiveContext())
    assert restored is not None
    assert (restored.after.state.name, restored.after.version) == ("active", context.version + 1)
    deleted = decided("s", context, DeleteSession())
    assert deleted is not None
    back = decided("s", deleted.after, RestoreSession())
    assert back is not None
    assert back.after.archived


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_edits_an_archived_session_whatever_the_command(kind: str) -> None:
    """The same over every command that there is, so that one that is new is refused too or stands here."""
    context = archived()
    command = Maker(lambda items: items[0]).command(kind, context)
    try:
        events = decide("s", context, command, T0).events
    except ParleyError:
        return
    assert events == () or kind in ("fork", "delete", "unarchive")
