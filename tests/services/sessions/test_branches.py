"""Branches as callers ask for them, over both journals: forks, switches, merges with preview, and what moves meanwhile.

Taken out for the check: the second reading in `_again_while_moving`, the messages that are there already in `_plan`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from journal_store import KINDS, opened
from world import Room, Workshop, eventually, say, workshop

from models.branches import MergeStrategy
from models.commands import AddPin, CancelRun, ChangePlan, Merge, SetBranchPrompt
from models.errors import (
    BranchExists,
    BranchMoved,
    BranchNotFound,
    Forbidden,
    InvalidArgument,
    MergeConflict,
    MessageNotFound,
    ParleyError,
    RunAlreadyActive,
    SessionNotFound,
)
from models.events import BranchSwitched
from models.ids import new_id
from models.messages import Message
from models.payloads import PlanItem
from services.access import LOCAL, Principal
from services.engine.apply import apply_all
from services.engine.prompt import prompt_parts
from services.engine.snapshot import SNAPSHOT_MESSAGES, snapshot_of
from services.llm.scripted import Finish, Say, ScriptedProvider
from services.sessions import branches as branches_module
from services.sessions.branches import PAGE, TRIES, Branches, common_length
from services.store.reads import MessagePage, MessageQuery

GUEST = Principal("eve", "Eve", "guest")  # type: ignore[arg-type]  # a kind that may do nothing
ONE, TWO = (PlanItem(id="1", text="one"),), (PlanItem(id="2", text="two"),)


class Talk:
    """A session, what is said on its branches, and what both journals make of it."""

    def __init__(self, room: Room, session_id: str) -> None:
        self.room = room
        self.id = session_id
        self.branches = Branches(room.sessions)

    async def say(self, *texts: str) -> None:
        for text in texts:
            await self.room.do(self.id, say(text))
            await self.room.do(self.id, CancelRun())

    async def path(self, branch: str | None = None) -> list[str]:
        """The texts on a branch's path, read in pages of three, without the records of switches."""
        found: list[Message] = []
        while True:
            query = MessageQuery(skip=len(found), take=3, branch=branch)
            page = await self.room.store.reads.page(self.id, query)
            found.extend(page.messages)
            if len(found) >= page.total:
                assert len(found) == page.total
                return [message.content for message in found if not message.is_record]

    async def id_of(self, text: str) -> str:
        pool = await self.room.store.reads.page(self.id, MessageQuery(take=1_000, pool=True))
        return next(message.id for message in pool.messages if message.content == text)

    async def ids_of(self, *texts: str) -> tuple[str, ...]:
        return tuple([await self.id_of(text) for text in texts])

    async def pool(self) -> int:
        """How many messages there are, but for the records of switches."""
        page = await self.room.store.reads.page(self.id, MessageQuery(take=1_000, pool=True))
        return sum(not message.is_record for message in page.messages)

    async def fork(self, name: str | None = None, **more: object) -> str:
        forked = await self.branches.fork(LOCAL, self.id, name=name, **more)  # type: ignore[arg-type]  # fork's own
        return forked.name

    async def switch(self, name: str) -> None:
        await self.branches.switch(LOCAL, self.id, name)

    async def merge(self, source: str, strategy: MergeStrategy = "append", **more: object) -> str:
        merged = await self.branches.merge(LOCAL, self.id, source, strategy, **more)  # type: ignore[arg-type]  # its own
        return merged.plan.target

    async def preview(self, source: str, strategy: MergeStrategy, *ids: str) -> list[str]:
        plan = await self.branches.preview(LOCAL, self.id, source, strategy, ids)
        return [message.content for message in plan.messages]

    @property
    def active(self) -> str:
        return self.room.state(self.id).active_branch

    async def holds_together(self) -> None:
        """I1 and I2: the journal folded is the context, and the snapshot is that of the folded context."""
        await self.room.assert_shown_is_journal(self.id)
        events = (await self.room.store.journal.since(self.id, 0, limit=10_000, limit_bytes=1 << 40)).events
        context = apply_all(None, events)
        assert await self.room.store.journal.load(self.id) == context == self.room.state(self.id)
        newest = MessageQuery(take=SNAPSHOT_MESSAGES, before=context.branch.length + 1)
        messages = (await self.room.store.reads.page(self.id, newest)).messages
        assert await self.room.store.reads.snapshot(self.id) == snapshot_of(context, "Inbox", messages)
        switched = [event.body for event in events if isinstance(event.body, BranchSwitched)]
        if switched and isinstance(events[-1].body, BranchSwitched):
            assert switched[-1].message_ids == tuple(message.id for message in messages)


@pytest.fixture(params=KINDS)
async def talk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Talk]:
    """m1 to m6 on main."""
    async with opened(request.param, tmp_path) as store:
        room = Room(store.whole, store.project_id)
        found = Talk(room, await room.create(title="t"))
        await found.say(*(f"m{number}" for number in range(1, 7)))
        yield found
        await room.sessions.close()


# Fork
@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("number", [1, 3, 6])
async def test_a_fork_ends_with_its_message_or_before_it(talk: Talk, number: int, before: bool) -> None:
    by_message = await talk.fork("by message", message_id=await talk.id_of(f"m{number}"), before=before)
    expected = [f"m{n}" for n in range(1, number + (0 if before else 1))]
    assert (by_message, talk.active) == ("by message", "by message")
    assert await talk.path() == expected
    await talk.holds_together()
    await talk.switch("main")
    await talk.fork("by position", position=number, before=before)
    assert await talk.path() == expected
    await talk.holds_together()


async def test_without_a_place_it_forks_at_the_end_and_finds_a_name(talk: Talk) -> None:
    assert [await talk.fork(), await talk.fork()] == ["main 2", "main 2 2"]
    await talk.switch("main")
    assert await talk.fork() == "main 3"
    assert await talk.path() == await talk.path("main")


async def test_a_fork_that_is_not_gone_to_shows_nothing_new(talk: Talk) -> None:
    await talk.fork("b", position=2, switch=False)
    assert (talk.active, await talk.path("b")) == ("main", ["m1", "m2"])
    await talk.holds_together()


async def test_edit_and_resend_is_a_fork_before_the_message_and_the_message_anew(talk: Talk) -> None:
    await talk.fork("edited", message_id=await talk.id_of("m5"), before=True)
    await talk.say("m5, but better")
    assert await talk.path() == ["m1", "m2", "m3", "m4", "m5, but better"]
    assert await talk.path("main") == [f"m{n}" for n in range(1, 7)], "history is not rewritten"
    await talk.holds_together()


async def test_forking_copies_no_message(talk: Talk) -> None:
    for number in range(1, 7):
        await talk.fork(position=number)
        await talk.switch("main")
    assert await talk.pool() == 6


async def test_a_fork_of_a_fork_finds_its_way_through_all_of_them(talk: Talk) -> None:
    await talk.fork("a", position=4)
    await talk.say("a5", "a6")
    await talk.fork("b", position=5)
    await talk.say("b6")
    await talk.fork("c", message_id=await talk.id_of("m2"))
    await talk.say("c3")
    assert await talk.path("b") == ["m1", "m2", "m3", "m4", "a5", "b6"]
    assert await talk.path("c") == ["m1", "m2", "c3"]
    await talk.holds_together()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"name": "main"}, BranchExists),
        ({"message_id": "unknown"}, MessageNotFound),
        ({"position": 7}, InvalidArgument),
    ],
)
async def test_a_fork_that_can_not_be_changes_nothing(
    talk: Talk, arguments: dict[str, object], error: type[ParleyError]
) -> None:
    head = talk.room.state(talk.id).head
    with pytest.raises(error):
        await talk.branches.fork(LOCAL, talk.id, **arguments)  # type: ignore[arg-type]  # fork's own
    assert talk.room.state(talk.id).head == head


async def test_a_message_of_any_branch_is_a_place_to_fork(talk: Talk) -> None:
    """A fork of the branch that has it; of the active one if that has it too."""
    await talk.fork("b", position=2)
    await talk.say("b3", "b4")
    await talk.fork("c", message_id=await talk.id_of("m3"))
    assert await talk.path() == ["m1", "m2", "m3"]
    await talk.fork("d", message_id=await talk.id_of("b4"), before=True)
    assert await talk.path() == ["m1", "m2", "b3"]
    await talk.fork("e", message_id=await talk.id_of("m1"))
    context = talk.room.state(talk.id)
    assert [context.branches[name].parent for name in "bcde"] == ["main", "main", "b", "d"]
    await talk.holds_together()


async def test_the_branch_to_fork_may_be_named(talk: Talk) -> None:
    await talk.fork("b", position=2)
    await talk.say("b3")
    await talk.fork("c", branch="main", position=3)
    assert await talk.path() == ["m1", "m2", "m3"]
    await talk.fork("d", branch="b")
    assert await talk.path() == ["m1", "m2", "b3"]
    with pytest.raises(MessageNotFound):
        await talk.fork("e", branch="b", message_id=await talk.id_of("m3"))
    with pytest.raises(BranchNotFound):
        await talk.fork("e", branch="nowhere")


async def test_a_message_far_back_is_found(talk: Talk) -> None:
    await talk.say(*(f"n{number}" for number in range(PAGE + 5)))
    await talk.fork("b", message_id=await talk.id_of("m2"))
    assert await talk.path() == ["m1", "m2"]


# Switch
async def test_switching_shows_the_other_path_and_loses_nothing(talk: Talk) -> None:
    await talk.fork("b", position=2)
    await talk.say("b3")
    await talk.switch("main")
    assert await talk.path() == [f"m{n}" for n in range(1, 7)]
    await talk.holds_together()
    await talk.switch("b")
    assert await talk.path() == ["m1", "m2", "b3"]
    await talk.holds_together()


async def test_a_long_branch_is_shown_by_its_newest_messages(talk: Talk) -> None:
    await talk.fork("b", position=3)
    await talk.say(*(f"b{number}" for number in range(SNAPSHOT_MESSAGES - 2)))
    await talk.switch("main")
    await talk.switch("b")
    await talk.holds_together()
    snapshot = await talk.room.store.reads.snapshot(talk.id)
    assert [m.content for m in snapshot.messages][:3] == ["m3", "b0", "b1"]


async def test_unknown_names_and_sessions_are_not_found(talk: Talk) -> None:
    with pytest.raises(BranchNotFound):
        await talk.switch("nowhere")
    with pytest.raises(BranchNotFound):
        await talk.merge("nowhere")
    with pytest.raises(BranchNotFound):
        await talk.preview("nowhere", "append")
    for asked in (
        talk.branches.fork(LOCAL, "unknown"),
        talk.branches.switch(LOCAL, "unknown", "main"),
        talk.branches.merge(LOCAL, "unknown", "b", "append"),
    ):
        with pytest.raises(SessionNotFound):
            await asked


async def test_who_may_not_write_may_not_branch(talk: Talk) -> None:
    with pytest.raises(Forbidden):
        await talk.branches.fork(GUEST, talk.id)
    with pytest.raises(Forbidden):
        await talk.branches.preview(GUEST, talk.id, "main", "append", ())


async def test_nothing_is_switched_or_merged_under_a_run(talk: Talk) -> None:
    await talk.fork("b", position=2)
    await talk.room.do(talk.id, say("busy"))
    for refused in (talk.switch("main"), talk.fork("c", position=1), talk.merge("main")):
        with pytest.raises(RunAlreadyActive):
            await refused
    await talk.fork("aside", position=1, switch=False)
    assert talk.active == "b"


# Merge
async def parted(talk: Talk) -> None:
    """b left main at m4 and has b5 and b6; main is active and has m5 and m6 of its own."""
    await talk.fork("b", position=4)
    await talk.say("b5", "b6")
    await talk.switch("main")


MAIN = ["m1", "m2", "m3", "m4", "m5", "m6"]


async def test_append_puts_the_sources_own_messages_behind_ours(talk: Talk) -> None:
    await parted(talk)
    assert await talk.preview("b", "append") == ["b5", "b6"]
    assert await talk.merge("b") == "main"
    assert await talk.path() == [*MAIN, "b5", "b6"]
    assert (await talk.path("b"), await talk.pool()) == ([*MAIN[:4], "b5", "b6"], 8)
    await talk.holds_together()


async def test_cherry_pick_takes_the_messages_in_the_order_of_the_caller(talk: Talk) -> None:
    await parted(talk)
    ids = await talk.ids_of("b6", "b5")
    assert await talk.preview("b", "cherry-pick", *ids) == ["b6", "b5"]
    await talk.merge("b", "cherry-pick", message_ids=ids)
    assert await talk.path() == [*MAIN, "b6", "b5"]
    await talk.holds_together()


async def test_a_message_that_is_picked_twice_is_there_once(talk: Talk) -> None:
    await parted(talk)
    twice = await talk.id_of("b5")
    await talk.merge("b", "cherry-pick", message_ids=(twice, twice))
    await talk.merge("b", "cherry-pick", message_ids=(twice,))
    assert await talk.path() == [*MAIN, "b5"]


async def test_cherry_pick_needs_messages_of_its_source(talk: Talk) -> None:
    await parted(talk)
    with pytest.raises(InvalidArgument) as none:
        await talk.merge("b", "cherry-pick")
    assert none.value.details["field"] == "messageIds"
    for ids in (("unknown",), await talk.ids_of("b5", "m6")):
        with pytest.raises(MessageNotFound):
            await talk.merge("b", "cherry-pick", message_ids=ids)


async def test_rebase_makes_a_branch_of_the_source_and_our_own_messages(talk: Talk) -> None:
    await parted(talk)
    assert await talk.preview("b", "rebase") == ["m5", "m6"]
    assert await talk.merge("b", "rebase") == "main on b 2"
    assert talk.active == "main on b 2"
    assert await talk.path() == [*MAIN[:4], "b5", "b6", "m5", "m6"]
    assert await talk.path("main") == MAIN
    assert await talk.pool() == 8
    await talk.holds_together()


async def test_a_rebased_branch_has_the_name_that_was_asked_for(talk: Talk) -> None:
    await parted(talk)
    with pytest.raises(BranchExists):
        await talk.merge("b", "rebase", name="main")
    assert await talk.merge("b", "rebase", name="new") == "new"


async def test_a_long_rebase_shows_the_newest_of_both_parts(talk: Talk) -> None:
    await parted(talk)
    await talk.say(*(f"m{number}" for number in range(7, 7 + SNAPSHOT_MESSAGES - 4)))
    await talk.merge("b", "rebase", name="new")
    snapshot = await talk.room.store.reads.snapshot(talk.id)
    assert [m.content for m in snapshot.messages if not m.is_record][:3] == ["b6", "m5", "m6"]
    await talk.holds_together()


async def test_a_summary_is_one_message_more(talk: Talk) -> None:
    await parted(talk)
    assert await talk.preview("b", "summary") == ["b5", "b6"]
    with pytest.raises(InvalidArgument):
        await talk.merge("b", "summary")
    await talk.merge("b", "summary", summary="They agreed.")
    assert await talk.path() == [*MAIN, "They agreed."]
    assert await talk.pool() == 9
    await talk.holds_together()


@pytest.mark.parametrize("strategy", ["append", "cherry-pick", "rebase", "summary"])
async def test_a_preview_changes_nothing(talk: Talk, strategy: MergeStrategy) -> None:
    await parted(talk)
    head = talk.room.state(talk.id).head
    await talk.preview("b", strategy, await talk.id_of("b5"))
    assert talk.room.state(talk.id).head == head


async def test_merging_again_brings_only_what_is_new(talk: Talk) -> None:
    await parted(talk)
    await talk.merge("b")
    await talk.merge("b")
    assert await talk.path() == [*MAIN, "b5", "b6"]
    await talk.switch("b")
    await talk.say("b7")
    await talk.switch("main")
    assert await talk.preview("b", "append") == ["b7"]
    await talk.merge("b")
    assert await talk.path() == [*MAIN, "b5", "b6", "b7"]
    await talk.holds_together()


async def test_merging_back_and_forth_doubles_nothing(talk: Talk) -> None:
    await parted(talk)
    await talk.merge("b")
    await talk.switch("b")
    await talk.merge("main")
    assert await talk.path() == [*MAIN[:4], "b5", "b6", "m5", "m6"]
    await talk.holds_together()


async def test_branches_of_branches_merge_from_where_they_parted(talk: Talk) -> None:
    await parted(talk)
    await talk.switch("b")
    await talk.fork("c", position=5)
    await talk.say("c6")
    await talk.switch("main")
    assert await talk.preview("c", "append") == ["b5", "c6"]
    await talk.switch("c")
    assert await talk.preview("main", "append") == ["m5", "m6"]
    assert await talk.preview("b", "append") == ["b6"]
    context = talk.room.state(talk.id)
    lengths = [common_length(context, context.branches["c"], context.branches[name]) for name in ("main", "b", "c")]
    assert lengths == [4, 5, 7], "with the record of the switch away from c"


async def test_a_branch_that_is_ahead_alone_brings_all_of_it_and_one_that_is_behind_nothing(talk: Talk) -> None:
    await talk.fork("b")
    await talk.say("b7")
    assert await talk.preview("main", "append") == []
    await talk.switch("main")
    assert await talk.preview("b", "append") == ["b7"]


async def test_more_than_a_page_is_merged_and_too_much_is_refused(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    await talk.fork("b", position=4)
    texts = [f"b{number}" for number in range(PAGE + 1)]
    await talk.say(*texts)
    await talk.switch("main")
    assert await talk.preview("b", "append") == texts
    monkeypatch.setattr(branches_module, "MERGED_MAX", PAGE)
    with pytest.raises(InvalidArgument, match="At most"):
        await talk.merge("b")


# Conflicts
async def test_a_conflict_is_named_in_the_preview_and_stops_the_merge_until_it_is_resolved(talk: Talk) -> None:
    await talk.fork("b", position=4)
    await talk.room.do(talk.id, AddPin(new_id(), "theirs", "bob"))
    await talk.room.do(talk.id, ChangePlan(TWO))
    await talk.switch("main")
    await talk.room.do(talk.id, AddPin(new_id(), "ours", "ann"))
    await talk.room.do(talk.id, ChangePlan(ONE))
    plan = await talk.branches.preview(LOCAL, talk.id, "b", "append", ())
    assert plan.conflicts == ("pins", "plan")
    head = talk.room.state(talk.id).head
    with pytest.raises(MergeConflict) as refused:
        await talk.merge("b")
    assert refused.value.details["conflicts"] == ["pins", "plan"]
    assert talk.room.state(talk.id).head == head
    await talk.merge("b", resolution="source")
    branch = talk.room.state(talk.id).branch
    assert ([pin.text for pin in branch.pins], branch.plan) == (["theirs"], TWO)
    await talk.holds_together()


# What moves meanwhile
class Moving:
    """Does something each time a page was read, a few times: what another client may do in between."""

    def __init__(self, talk: Talk, times: int, act: Callable[[], Awaitable[None]]) -> None:
        reads = talk.room.store.reads
        self._page = reads.page
        self._act = act
        self.left = times
        reads.page = self._read  # type: ignore[method-assign]  # in between is nowhere else

    async def _read(self, session_id: str, query: MessageQuery) -> MessagePage:
        page = await self._page(session_id, query)
        if self.left:
            self.left -= 1
            await self._act()
        return page


async def test_a_branch_that_grows_during_the_merge_is_read_again(talk: Talk) -> None:
    await parted(talk)
    moving = Moving(talk, 1, lambda: talk.say("m7"))
    await talk.merge("b")
    assert moving.left == 0
    assert await talk.path() == [*MAIN, "m7", "b5", "b6"]
    await talk.holds_together()


async def test_a_branch_that_grows_before_the_switch_is_shown_with_what_it_gained(talk: Talk) -> None:
    await parted(talk)
    other = Branches(talk.room.sessions)

    async def somebody_talks_there() -> None:
        await other.switch(LOCAL, talk.id, "b")
        await talk.say("b7")
        await other.switch(LOCAL, talk.id, "main")

    Moving(talk, 1, somebody_talks_there)
    await talk.switch("b")
    assert await talk.path() == [*MAIN[:4], "b5", "b6", "b7"]
    await talk.holds_together()


async def test_a_branch_that_never_stands_still_is_given_up_with_an_error_that_may_be_retried(talk: Talk) -> None:
    await parted(talk)
    tried: list[Merge] = []
    handle = talk.room.sessions.handle

    async def moved(session_id: str, command: Merge, principal: Principal, **_more: object) -> dict[str, object]:
        tried.append(command)
        raise BranchMoved()

    talk.room.sessions.handle = moved  # type: ignore[method-assign,assignment]  # refuses whatever is read
    with pytest.raises(BranchMoved) as refused:
        await talk.merge("b")
    talk.room.sessions.handle = handle  # type: ignore[method-assign]
    assert len(tried) == TRIES
    assert refused.value.retryable


# What the model is sent
def prompt_of(talk: Talk) -> str:
    return "\n".join(part.text for part in prompt_parts(talk.room.state(talk.id), "", ()))


async def test_prompt_pins_and_plan_follow_the_branch(talk: Talk) -> None:
    await talk.fork("b", position=2)
    await talk.room.do(talk.id, SetBranchPrompt("b", "Speak like a pirate."))
    await talk.room.do(talk.id, AddPin(new_id(), "the map", "ann"))
    await talk.room.do(talk.id, ChangePlan(ONE))
    there = prompt_of(talk)
    assert all(words in there for words in ("Speak like a pirate.", "- the map", "- [pending] one"))
    await talk.switch("main")
    here = prompt_of(talk)
    assert not any(words in here for words in ("Speak like a pirate.", "- the map", "- [pending] one"))


def answering() -> ScriptedProvider:
    return ScriptedProvider({"test": (Say("ok"), Finish())})


async def asked(shop: Workshop, session_id: str, text: str) -> tuple[str, list[str]]:
    """The system prompt and the messages that the model was sent for a text."""
    await shop.room.do(session_id, say(text))
    await eventually(lambda: not shop.room.state(session_id).busy, "the run's end")
    request = shop.provider.requests[-1]
    return request.system, [message.content for message in request.messages]


async def test_the_model_is_sent_the_branchs_path_and_its_pins_each_time_anew() -> None:
    async with workshop(provider=answering()) as shop:
        session_id = await shop.room.create(title="t", model="scripted:test")
        branches = Branches(shop.room.sessions)
        await asked(shop, session_id, "first")
        await asked(shop, session_id, "second")
        await branches.fork(LOCAL, session_id, name="b", position=2)
        await shop.room.do(session_id, AddPin("p", "the map", "ann"))
        for text, path in (("third", ["first", "ok", "third"]), ("fourth", ["first", "ok", "third", "ok", "fourth"])):
            system, sent = await asked(shop, session_id, text)
            assert "- the map" in system
            assert sent == path
        await branches.switch(LOCAL, session_id, "main")
        system, sent = await asked(shop, session_id, "fifth")
        assert "the map" not in system
        assert sent == ["first", "ok", "second", "ok", "fifth"]
