"""The journal's contract: branches. Paging over forks and merges at any depth is the same in every journal, a branch
operation writes no message, and a context of many branches is read as it was written."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import journal_store
import pytest
from journal_store import Store, merge, noted, opened, switch
from rounds import seeded
from world import say

from models.branches import MergeStrategy
from models.commands import (
    AddPin,
    CancelRun,
    ChangePlan,
    Fork,
    RemovePin,
    SetBranchPrompt,
)
from models.errors import BranchNotFound, StaleHead
from models.payloads import PlanItem
from services.engine.apply import apply_all
from services.engine.context import Context
from services.engine.snapshot import SNAPSHOT_MESSAGES, snapshot_of
from services.store.reads import MessageQuery

SEEDS = range(2)


store = journal_store.store


class Paths:
    """What the paths should be, kept by hand: the ordinals on each branch."""

    def __init__(self) -> None:
        self.of: dict[str, list[int]] = {"main": []}

    async def grow(self, store: Store, context: Context, count: int) -> Context:
        grown = await noted(store, context, count)
        self.of[context.active_branch] += range(context.pool_count + 1, grown.pool_count + 1)
        return grown

    async def fork(self, store: Store, context: Context, name: str, position: int) -> Context:
        self.of[name] = self.of[context.active_branch][:position]
        return await store.do(context, Fork(name, context.active_branch, position))

    async def merge(self, store: Store, context: Context, source: str, strategy: MergeStrategy) -> Context:
        target = context.active_branch
        command = merge(context, source, self.of[source][-4:], strategy)
        match strategy:
            case "rebase":
                self.of[command.name or ""] = [*self.of[source], *self.of[source][-4:]]
            case "summary":
                self.of[target] = [*self.of[target], context.pool_count + 1]
            case _:
                self.of[target] = [*self.of[target], *self.of[source][-4:]]
        return await store.do(context, command)


async def grown_at_random(store: Store, seed: int) -> tuple[Context, Paths]:
    """A session of some thirty branches, forked from one another and merged."""
    choose, paths = random.Random(seed), Paths()
    context = await paths.grow(store, await store.session(), 7)
    for step in range(40):
        context = await store.do(context, switch(context, choose.choice(sorted(context.branches))))
        if step % 5 == 4 and len(context.branches) > 1:
            others = sorted(set(context.branches) - {context.active_branch})
            strategy: MergeStrategy = choose.choice(("append", "cherry-pick", "rebase", "summary"))
            context = await paths.merge(store, context, choose.choice(others), strategy)
        else:
            position = choose.randint(0, context.branch.length)
            context = await paths.fork(store, context, f"b{step}", position)
        context = await paths.grow(store, context, choose.randint(0, 3))
    return context, paths


def queries(branch: str, total: int) -> Iterator[MessageQuery]:
    """Pages of every kind across all of a path."""
    for take in (1, 3, 200):
        for skip in range(0, total + take, take):
            yield MessageQuery(skip=skip, take=take, branch=branch)
            yield MessageQuery(skip=skip, take=take, branch=branch, order="desc")
    for position in range(total + 2):
        yield MessageQuery(take=4, before=max(1, position), branch=branch)
        yield MessageQuery(take=4, after=position, branch=branch)
        yield MessageQuery(take=4, after=position, branch=branch, order="desc")


def expected(path: list[int], query: MessageQuery) -> list[int]:
    """A page of a path, said in slices of a list."""
    if query.before is not None:
        page = path[: query.before - 1][-query.take :]
    elif query.after is not None:
        page = path[query.after :][: query.take]
    else:
        ordered = path[::-1] if query.order == "desc" else path
        return ordered[query.skip :][: query.take]
    return page[::-1] if query.order == "desc" else page


@pytest.mark.parametrize("seed", seeded(0, 4))
async def test_every_page_of_every_branch_is_that_of_its_path(store: Store, seed: int) -> None:
    context, paths = await grown_at_random(store, seed)
    assert {name: branch.length for name, branch in context.branches.items()} == {
        name: len(path) for name, path in paths.of.items()
    }
    choose = random.Random(seed)
    for name, path in paths.of.items():
        for query in choose.sample(list(queries(name, len(path))), 12):
            page = await store.reads.page("s", query)
            assert [message.ordinal for message in page.messages] == expected(path, query), (name, query)
            assert page.total == len(path)


@pytest.mark.parametrize("seed", SEEDS)
async def test_memory_and_sqlite_give_the_same_page_whole(seed: int, tmp_path: Path) -> None:
    async with opened("memory", tmp_path) as memory, opened("sqlite", tmp_path) as sqlite:
        context, _ = await grown_at_random(memory, seed)
        same, _ = await grown_at_random(sqlite, seed)
        for name, branch in context.branches.items():
            assert same.branches[name] == branch
            for query in (MessageQuery(take=200, branch=name), MessageQuery(take=5, branch=name, order="desc")):
                one, other = await memory.reads.page("s", query), await sqlite.reads.page("s", query)
                assert replace(one, epoch="") == replace(other, epoch="")


@pytest.mark.parametrize("seed", SEEDS)
async def test_i2_a_context_of_many_branches_is_read_as_its_events_fold(store: Store, seed: int) -> None:
    context, paths = await grown_at_random(store, seed)
    loaded = await store.journal.load("s")
    assert loaded == context
    assert apply_all(None, store.events["s"]) == context
    page = await store.journal.since("s", 0, limit=10_000, limit_bytes=1 << 40)
    assert apply_all(None, page.events) == context
    newest = MessageQuery(take=SNAPSHOT_MESSAGES, before=context.branch.length + 1)
    messages = (await store.reads.page("s", newest)).messages
    assert await store.reads.snapshot("s") == snapshot_of(context, "Inbox", messages)
    assert [message.ordinal for message in messages] == paths.of[context.active_branch][-SNAPSHOT_MESSAGES:]


async def test_twenty_forks_deep_the_first_message_is_still_there(store: Store) -> None:
    paths = Paths()
    context = await paths.grow(store, await store.session(), 3)
    for depth in range(20):
        context = await paths.fork(store, context, f"b{depth}", context.branch.length - 1)
        context = await paths.grow(store, context, 2)
    page = await store.reads.page("s", MessageQuery(take=200))
    assert [message.ordinal for message in page.messages] == paths.of[context.active_branch]
    assert page.messages[0].content == "note 1"


async def test_what_is_emitted_after_a_merge_takes_the_position_behind_it(store: Store) -> None:
    paths = Paths()
    context = await paths.grow(store, await store.session(), 4)
    context = await paths.fork(store, context, "b", 2)
    context = await paths.grow(store, context, 2)
    context = await store.do(context, switch(context, "main"))
    context = await paths.merge(store, context, "b", "append")
    context = await paths.grow(store, context, 2)
    page = await store.reads.page("s", MessageQuery())
    assert [message.ordinal for message in page.messages] == [1, 2, 3, 4, 1, 2, 5, 6, 7, 8]


async def test_pins_plans_and_prompts_of_all_branches_are_kept(store: Store) -> None:
    items = (PlanItem(id="1", text="one", status="done"),)
    context = await noted(store, await store.session(), 3)
    context = await store.do(context, AddPin("p", "on main", "ann", "n1"), SetBranchPrompt("main", "Be brief."))
    context = await store.do(context, Fork("b", "main", 1), AddPin("q", "on b", "bob"), ChangePlan(items))
    context = await store.do(context, RemovePin("p"), SetBranchPrompt("main", None))
    loaded = await store.journal.load("s")
    assert loaded == context
    assert [pin.text for pin in loaded.branches["main"].pins] == ["on main"]
    assert ([pin.text for pin in loaded.branch.pins], loaded.branch.plan) == (["on b"], items)


async def test_a_page_of_an_unknown_branch_is_refused(store: Store) -> None:
    await store.session()
    with pytest.raises(BranchNotFound):
        await store.reads.page("s", MessageQuery(branch="nowhere"))


async def test_a_forks_length_is_the_sessions_count(store: Store) -> None:
    context = await noted(store, await store.session(), 5)
    await store.do(context, Fork("b", "main", 2))
    assert (await store.reads.session("s")).message_count == 2
    [listed] = (await store.reads.sessions()).sessions
    assert listed.message_count == 2


async def test_of_two_forks_at_once_one_is_decided_again(store: Store) -> None:
    context = await noted(store, await store.session(), 2)
    await store.do(context, Fork("b", "main", 1))
    with pytest.raises(StaleHead):
        await store.do(context, Fork("b", "main", 2))


async def test_two_sessions_may_have_branches_of_the_same_name(store: Store) -> None:
    for session_id in ("s", "t"):
        context = await store.session(session_id)
        said = say("hello")
        context = await store.do(context, said, CancelRun(), Fork("b", "main", 1))
    assert (await store.journal.load("s")).branch.length == 1
    page = await store.reads.page("t", MessageQuery(branch="b"))
    assert page.total == 1
