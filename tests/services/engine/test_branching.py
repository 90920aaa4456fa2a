"""Branches in the pure engine: forks, switches, merges and their conflicts, pins and plan; what is refused, and why."""

from __future__ import annotations

from typing import Any

import pytest
from histories import Maker
from world import T0, appending, create, decided, say

from models.branches import Branch, Entry, MergeStrategy
from models.commands import (
    AddPin,
    ArchiveContext,
    CancelRun,
    ChangePlan,
    Command,
    Fork,
    Merge,
    RemovePin,
    SetBranchPrompt,
    StartRun,
    SwitchBranch,
)
from models.errors import (
    BranchExists,
    BranchMoved,
    BranchNotFound,
    Conflict,
    IllegalTransition,
    InvalidArgument,
    MergeConflict,
    ParleyError,
    PinNotFound,
    RunAlreadyActive,
)
from models.events import BranchCreated, BranchMerged, BranchSwitched, MessageCreated
from models.payloads import PlanItem, SystemControlPayload
from models.results import Pinned
from services.engine.branching import BRANCHES_MAX, PINS_MAX
from services.engine.context import Context
from services.engine.decide import decide

ONE = (PlanItem(id="1", text="one"),)
TWO = (PlanItem(id="2", text="two"),)


def after(context: Context, *commands: Command) -> Context:
    for command in commands:
        append = decided("s", context, command)
        context = context if append is None else append.after
    return context


def fresh() -> Context:
    append = decided("s", None, create(title="t"))
    assert append is not None
    return append.after


def spoken(messages: int = 4) -> Context:
    """So many messages of users on main, and nothing that runs."""
    context = fresh()
    for number in range(messages):
        context = after(context, say(f"message {number + 1}"), CancelRun())
    return context


def forked(position: int = 2) -> Context:
    return after(spoken(), Fork("b", "main", position))


def on(context: Context, name: str) -> Context:
    return after(context, SwitchBranch(name, context.branches[name].length, ()))


def merging(context: Context, source: str = "b", strategy: MergeStrategy = "append", **changes: Any) -> Merge:
    fields: dict[str, Any] = {
        "source": source,
        "strategy": strategy,
        "entries": (Entry(id="m", ordinal=1),),
        "source_length": context.branches[source].length if source in context.branches else 0,
        "length": context.branch.length,
        "by": "ann",
        **changes,
    }
    return Merge(**fields)


def refusal(context: Context, command: Command) -> ParleyError:
    with pytest.raises(ParleyError) as refused:
        decide("s", context, command, T0)
    return refused.value


# Fork
@pytest.mark.parametrize("position", [0, 1, 4])
def test_a_fork_has_the_path_up_to_its_position_and_is_active(position: int) -> None:
    context = after(spoken(), Fork("b", "main", position))
    assert (context.active_branch, context.branch.length, context.branch.forked_at) == ("b", position, position)
    assert (context.branches["main"].length, context.pool_count) == (4, 4)


def test_a_fork_may_be_made_without_going_there() -> None:
    append = decided("s", spoken(), Fork("b", "main", 1, switch=False))
    assert append is not None
    assert append.after.active_branch == "main"
    assert [type(event.body) for event in append.events] == [BranchCreated]


def test_what_is_said_on_a_fork_is_not_on_its_parent() -> None:
    context = after(forked(), say("only here"))
    assert (context.branch.length, context.branches["main"].length, context.pool_count) == (3, 4, 5)


def test_a_fork_inherits_prompt_pins_and_plan_as_unchanged() -> None:
    context = after(spoken(), SetBranchPrompt("main", "Be brief."), AddPin("p", "keep", "ann"), ChangePlan(ONE))
    branch = after(context, Fork("b", "main", 1)).branch
    assert branch.system_prompt == "Be brief."
    assert (branch.pins, branch.plan) == (context.branch.pins, ONE)
    assert (branch.pins_changed, branch.plan_changed) == (False, False)


def test_a_fork_may_bring_its_own_prompt() -> None:
    context = after(spoken(), SetBranchPrompt("main", "Be brief."))
    assert after(context, Fork("b", "main", 1, system_prompt="Be long.")).branch.system_prompt == "Be long."
    assert context.branches["main"].system_prompt == "Be brief."


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (Fork("b", "nowhere", 0), BranchNotFound),
        (Fork("main", "main", 0), BranchExists),
        (Fork("b", "main", 5), InvalidArgument),
        (Fork("b", "main", -1), InvalidArgument),
    ],
)
def test_a_fork_that_can_not_be_is_refused(command: Fork, error: type[ParleyError]) -> None:
    assert isinstance(refusal(spoken(), command), error)


def test_a_session_has_so_many_branches_and_no_more() -> None:
    context = spoken(1)
    for number in range(BRANCHES_MAX - 1):
        context = after(context, Fork(f"b{number}", "main", 1, switch=False))
    assert isinstance(refusal(context, Fork("one more", "main", 1)), Conflict)


# While something runs
def test_no_branch_changes_under_a_run_that_waits_or_works() -> None:
    waiting = after(forked(), say())
    assert waiting.queue
    working = after(waiting, StartRun(waiting.queue[0].id))
    for context in (waiting, working):
        for command in (
            Fork("c", "b", 1),
            SwitchBranch("main", 4, ()),
            merging(context, "main"),
        ):
            assert isinstance(refusal(context, command), RunAlreadyActive)
        assert after(context, Fork("c", "b", 1, switch=False)).active_branch == "b"


def test_an_archived_session_changes_no_branch() -> None:
    context = after(forked(), ArchiveContext())
    assert isinstance(refusal(context, SwitchBranch("main", 4, ())), IllegalTransition)


# Switch
def test_switching_there_and_back_leaves_everything_as_it_was() -> None:
    context = forked()
    back = on(on(context, "main"), "b")
    assert back.branches == context.branches
    assert back.active_branch == "b"


def test_a_switch_says_the_newest_messages_of_the_path() -> None:
    append = decided("s", forked(), SwitchBranch("main", 4, ("x", "y")))
    assert append is not None
    assert [event.body for event in append.events] == [BranchSwitched(name="main", message_ids=("x", "y"), version=3)]


def test_switching_to_the_active_branch_does_nothing() -> None:
    assert decided("s", forked(), SwitchBranch("b", 99, ())) is None


def test_a_switch_that_read_too_early_or_to_nowhere_is_refused() -> None:
    assert isinstance(refusal(forked(), SwitchBranch("nowhere", 0, ())), BranchNotFound)
    moved = refusal(forked(), SwitchBranch("main", 3, ()))
    assert isinstance(moved, BranchMoved)
    assert moved.retryable


# Merge
@pytest.mark.parametrize("strategy", ["append", "cherry-pick"])
def test_a_merge_puts_entries_at_the_end_of_the_path_and_makes_no_message(strategy: MergeStrategy) -> None:
    context = on(forked(), "main")
    entries = (Entry(id="m1", ordinal=1), Entry(id="m3", ordinal=3))
    append = decided("s", context, merging(context, strategy=strategy, entries=entries))
    assert append is not None
    [body] = [event.body for event in append.events]
    assert isinstance(body, BranchMerged)
    assert (body.source, body.strategy, body.messages) == ("b", strategy, entries)
    assert (append.after.branch.length, append.after.pool_count) == (6, 4)


def test_a_rebase_makes_a_new_branch_on_the_source_and_leaves_both_sides_alone() -> None:
    context = forked()
    rebased = after(context, merging(context, "main", "rebase", name="b on main", message_ids=("m",)))
    assert rebased.active_branch == "b on main"
    assert (rebased.branch.parent, rebased.branch.forked_at, rebased.branch.length) == ("main", 4, 5)
    assert rebased.branches["b"] == context.branches["b"]
    assert rebased.branches["main"] == context.branches["main"]
    assert rebased.pool_count == context.pool_count


@pytest.mark.parametrize("name", [None, "", "main", "b"])
def test_a_rebase_needs_a_name_of_its_own(name: str | None) -> None:
    context = forked()
    assert isinstance(refusal(context, merging(context, "main", "rebase", name=name)), BranchExists)


def test_a_rebase_keeps_the_prompt_of_the_branch_that_moves() -> None:
    context = after(forked(), SetBranchPrompt("b", "Be brief."))
    assert after(context, merging(context, "main", "rebase", name="c")).branch.system_prompt == "Be brief."


def test_a_summary_is_one_message_that_names_its_source() -> None:
    context = on(forked(), "main")
    command = merging(context, strategy="summary", entries=(), summary_id="sum", summary="They agreed.")
    append = decided("s", context, command)
    assert append is not None
    created = append.events[0].body
    assert isinstance(created, MessageCreated)
    assert (created.message.content, created.message.role) == ("They agreed.", "system")
    assert created.message.payload == SystemControlPayload(control="summary", parameters={"source": "b"})
    assert (append.after.branch.length, append.after.pool_count) == (5, 5)


@pytest.mark.parametrize("missing", [{"summary_id": None, "summary": "x"}, {"summary_id": "i", "summary": ""}])
def test_a_summary_without_its_text_is_refused(missing: dict[str, Any]) -> None:
    context = on(forked(), "main")
    refused = refusal(context, merging(context, strategy="summary", entries=(), **missing))
    assert isinstance(refused, InvalidArgument)
    assert refused.details["field"] == "summary"


def test_a_merge_with_itself_with_nothing_or_by_old_knowledge_is_refused() -> None:
    context = on(forked(), "main")
    assert isinstance(refusal(context, merging(context, "main")), InvalidArgument)
    assert isinstance(refusal(context, merging(context, "nowhere")), BranchNotFound)
    assert isinstance(refusal(context, merging(context, length=3)), BranchMoved)
    assert isinstance(refusal(context, merging(context, source_length=1)), BranchMoved)


# Pins and plan in a merge
def parted(ours: Command | None, theirs: Command | None) -> Context:
    """Back on main after each side did something of its own."""
    context = forked()
    context = after(context, theirs) if theirs else context
    context = on(context, "main")
    return after(context, ours) if ours else context


@pytest.mark.parametrize(
    ("ours", "theirs", "conflicts"),
    [
        (AddPin("p", "ours", "ann"), AddPin("q", "theirs", "bob"), ["pins"]),
        (ChangePlan(ONE), ChangePlan(TWO), ["plan"]),
        (ChangePlan(ONE), ChangePlan(ONE), []),
        (ChangePlan(ONE), None, []),
        (None, ChangePlan(TWO), []),
        (AddPin("p", "ours", "ann"), ChangePlan(TWO), []),
    ],
)
def test_a_merge_asks_only_where_both_sides_changed_the_same(
    ours: Command | None, theirs: Command | None, conflicts: list[str]
) -> None:
    context = parted(ours, theirs)
    if not conflicts:
        assert after(context, merging(context)).branch.length == 5
        return
    refused = refusal(context, merging(context))
    assert isinstance(refused, MergeConflict)
    assert refused.details == {"conflicts": conflicts, "field": "resolution"}


def test_the_resolution_says_whose_pins_and_plan_stay() -> None:
    context = parted(AddPin("p", "ours", "ann"), AddPin("q", "theirs", "bob"))
    for resolution, kept in (("source", ["theirs"]), ("target", ["ours"])):
        merged = after(context, merging(context, resolution=resolution)).branch
        assert [pin.text for pin in merged.pins] == kept


def test_a_side_that_alone_changed_something_wins() -> None:
    context = parted(AddPin("p", "ours", "ann"), ChangePlan(TWO))
    merged = after(context, merging(context)).branch
    assert ([pin.text for pin in merged.pins], merged.plan) == (["ours"], TWO)
    for resolution in ("source", "target"):
        assert after(context, merging(context, resolution=resolution)).branch == merged


@pytest.mark.parametrize("strategy", ["append", "cherry-pick", "rebase", "summary"])
def test_every_strategy_asks_about_conflicts(strategy: MergeStrategy) -> None:
    context = parted(ChangePlan(ONE), ChangePlan(TWO))
    command = merging(context, strategy=strategy, name="c", summary_id="i", summary="s")
    assert isinstance(refusal(context, command), MergeConflict)
    solved = merging(context, strategy=strategy, name="c", summary_id="i", summary="s", resolution="source")
    assert after(context, solved).branch.plan == TWO


# Prompt, pins, plan
def test_a_prompt_is_set_on_any_branch_and_taken_back() -> None:
    context = after(forked(), SetBranchPrompt("main", "Be brief."))
    assert context.branches["main"].system_prompt == "Be brief."
    assert context.branch.system_prompt is None
    assert decided("s", context, SetBranchPrompt("main", "Be brief.")) is None
    assert after(context, SetBranchPrompt("main", None)).branches["main"].system_prompt is None
    assert isinstance(refusal(context, SetBranchPrompt("nowhere", None)), BranchNotFound)


def test_a_message_is_pinned_once_and_the_answer_names_its_pin() -> None:
    context = after(spoken(), AddPin("p", "text", "ann", "m"))
    again = decide("s", context, AddPin("q", "text", "bob", "m"), T0)
    assert (again.events, again.result) == ((), Pinned("p", version=context.version))


def test_a_text_may_be_pinned_twice() -> None:
    context = after(spoken(), AddPin("p", "text", "ann"), AddPin("q", "text", "ann"))
    assert [pin.id for pin in context.branch.pins] == ["p", "q"]


def test_pins_are_bounded_and_removed_by_id() -> None:
    context = spoken(1)
    for number in range(PINS_MAX):
        context = after(context, AddPin(f"p{number}", "x", "ann"))
    assert isinstance(refusal(context, AddPin("one more", "x", "ann")), Conflict)
    assert len(after(context, RemovePin("p0")).branch.pins) == PINS_MAX - 1
    assert isinstance(refusal(context, RemovePin("unknown")), PinNotFound)


def test_pins_and_plan_are_bounded_in_bytes() -> None:
    """Fails without the sum in `add_pin`, and without the bound of `change_plan`."""
    context = spoken(1)
    for number in range(4):
        context = after(context, AddPin(f"p{number}", "ö" * 8_000, "ann"))
    assert isinstance(refusal(context, AddPin("one more", "ö" * 8_000, "ann")), Conflict)
    assert len(after(context, RemovePin("p0"), AddPin("instead", "ö" * 8_000, "ann")).branch.pins) == 4
    long = ChangePlan((PlanItem(id="1", text="ö" * 32_768),))
    assert isinstance(refusal(context, long), InvalidArgument)


def test_the_same_plan_again_is_no_event() -> None:
    context = after(fresh(), ChangePlan(ONE))
    assert decided("s", context, ChangePlan(ONE)) is None
    assert after(context, ChangePlan(())).branch.plan == ()


def test_pins_and_plan_belong_to_the_branch_that_is_active() -> None:
    context = after(forked(), AddPin("p", "here", "ann"), ChangePlan(ONE))
    main = context.branches["main"]
    assert (main.pins, main.plan, main.pins_changed) == ((), (), False)


def test_no_branch_event_rewrites_a_message() -> None:
    """History is never rewritten: among random commands on branches, messages are only ever added."""
    context, made = spoken(), Maker(lambda items: items[-1])
    for kind in ("fork", "pin", "plan", "switch", "branch_prompt", "unpin"):
        command = made.command(kind, context)
        append = decided("s", context, command)
        if append is None:
            continue
        assert not any(event.type.startswith("message.") for event in append.events)
        assert append.after.pool_count == context.pool_count
        context = append.after


def test_events_of_branches_fold_from_the_wire() -> None:
    created = Branch(name="b", parent="main", forked_at=1, length=1, created_at_utc="2026-11-20T09:00:00.000Z")
    body = BranchCreated.model_validate(BranchCreated(branch=created).to_wire())
    assert appending("s", spoken(1), [body]).after.branches["b"] == created


def test_what_one_merge_brought_is_not_lost_silently_to_the_next() -> None:
    """Two branches pin something each: merging both is a question, not a replacement."""
    context = after(spoken(), Fork("b", "main", 2), AddPin("q", "of b", "bob"))
    context = after(context, Fork("c", "main", 2), AddPin("r", "of c", "cem"))
    context = on(context, "main")
    context = after(context, merging(context, "b"))
    assert [pin.text for pin in context.branch.pins] == ["of b"]
    assert isinstance(refusal(context, merging(context, "c")), MergeConflict)


def test_a_rebased_branch_counts_what_it_brought_as_changed() -> None:
    context = after(forked(), AddPin("q", "of b", "bob"), ChangePlan(TWO))
    rebased = after(context, merging(context, "main", "rebase", name="c")).branch
    assert ([pin.text for pin in rebased.pins], rebased.plan) == (["of b"], TWO)
    assert (rebased.pins_changed, rebased.plan_changed) == (True, True)
