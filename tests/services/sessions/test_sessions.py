"""The door: one command at a time per session; decided, committed, and only then shown."""

from __future__ import annotations

import asyncio
import logging

import pytest
import structlog.testing
from patience import HANG_S
from world import FakeTime, HookedJournal, Room, appending, commit, create, eventually, memory_room, say, settled

from models.commands import (
    CancelRun,
    DeleteSession,
    FinishRun,
    RenameSession,
    RestoreSession,
    RunFence,
    SetModel,
    StartRun,
)
from models.errors import (
    Conflict,
    Fenced,
    Forbidden,
    ParleyError,
    SessionNotFound,
    StaleHead,
    StorageUnavailable,
    VersionMismatch,
)
from models.events import SessionRenamed
from models.results import Cancelled
from services.access import LOCAL, Principal
from services.sessions import cache as cache_module
from services.sessions import manager as sessions_module
from services.sessions.listeners import Committed
from services.sessions.manager import STALE_TRIES


async def test_a_command_is_answered_when_its_events_are_durable_and_shown() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    command = say("hello")
    answer = await room.do(session_id, command)
    assert answer.message_id == command.message_id
    assert room.state(session_id) == await journal.load(session_id)
    assert room.of(session_id)[answer.seq - 1].type == "message.created"
    await room.assert_shown_is_journal(session_id)


async def test_i1_nothing_is_shown_before_it_is_committed() -> None:
    """Taken out for the check: `_show` called in `_begin` instead of in `_appended`."""
    room, journal = await memory_room()
    session_id = await room.create()
    before = room.state(session_id)
    gate = journal.hold("append")
    asked = asyncio.create_task(room.do(session_id, say()))
    await gate.reached.wait()
    await settled()
    assert room.types(session_id) == ["session.created"]
    assert room.state(session_id) is before
    assert room.sessions.tail(session_id, 1) == ()
    assert not asked.done()
    gate.open.set()
    await asked
    assert "message.created" in room.types(session_id)


async def test_i1_an_append_that_fails_shows_nothing_and_the_next_goes_on() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    journal.broken = StorageUnavailable("the disk is gone")
    with pytest.raises(StorageUnavailable, match="the disk is gone"):
        await room.do(session_id, say("lost"))
    journal.broken = None
    assert room.types(session_id) == ["session.created"]
    await room.do(session_id, say("kept"))
    await room.assert_shown_is_journal(session_id)
    assert [message.content for message in await room.messages(session_id)] == ["kept"]


async def test_i1_an_append_of_unknown_outcome_is_shown_if_it_was_committed() -> None:
    """Taken out for the check: the publishing of missed events in `_read`."""
    room, journal = await memory_room()
    session_id = await room.create()
    journal.broken, journal.commits_while_broken = StorageUnavailable("unknown"), True
    with pytest.raises(StorageUnavailable):
        await room.do(session_id, say("was it kept?", client_id="c"))
    journal.broken = None
    await eventually(lambda: len(room.of(session_id)) > 1, "the missed events")
    await room.assert_shown_is_journal(session_id)
    again = await room.do(session_id, say("was it kept?", client_id="c"))
    assert again.seq == 2
    assert len(await room.messages(session_id)) == 1


async def test_a_deletion_of_unknown_outcome_is_shown_and_can_be_undone() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    journal.broken, journal.commits_while_broken = StorageUnavailable("unknown"), True
    with pytest.raises(StorageUnavailable):
        await room.do(session_id, DeleteSession())
    journal.broken = None
    await eventually(lambda: "session.deleted" in room.types(session_id), "the deletion")
    await room.do(session_id, RestoreSession())
    await room.assert_shown_is_journal(session_id)


async def test_while_the_storage_is_away_commands_are_refused_and_afterwards_all_goes_on() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    journal.broken = journal.broken_reads = StorageUnavailable("away")
    for _ in range(3):
        with pytest.raises(StorageUnavailable, match="away"):
            await room.do(session_id, say())
    assert room.sessions.context(session_id) is None, "what is known may be old"
    journal.broken = journal.broken_reads = None
    await eventually(lambda: room.sessions.context(session_id) is not None, "the reload")
    await room.do(session_id, say("back"))
    await room.assert_shown_is_journal(session_id)


async def test_a_journal_that_refuses_at_once_leaves_the_door_open() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    working = journal.append

    def closed(*_arguments: object) -> None:
        raise StorageUnavailable("The database is closed")

    journal.append = closed  # type: ignore[assignment, method-assign]
    with pytest.raises(StorageUnavailable, match="closed"):
        await room.do(session_id, say())
    journal.append = working  # type: ignore[method-assign]
    await room.do(session_id, say())
    await room.assert_shown_is_journal(session_id)


async def test_commands_of_one_session_pass_one_at_a_time_in_the_order_they_came() -> None:
    """Taken out for the check: `session.busy = True`."""
    room, journal = await memory_room()
    session_id = await room.create()
    gate = journal.hold("append")
    titles = [f"t{number}" for number in range(20)]
    asked = [asyncio.create_task(room.do(session_id, RenameSession(title))) for title in titles]
    await gate.reached.wait()
    await settled()
    assert len(journal.appended) == 1
    gate.open.set()
    await asyncio.gather(*asked)
    assert [event.body.title for event in room.shown if isinstance(event.body, SessionRenamed)] == titles
    assert all(
        append.before == before.after for before, append in zip(journal.appended, journal.appended[1:], strict=False)
    )


async def test_one_session_that_waits_holds_up_no_other() -> None:
    room, journal = await memory_room()
    slow, fast = await room.create(), await room.create()
    gate = journal.hold("append")
    waiting = asyncio.create_task(room.do(slow, say()))
    await gate.reached.wait()
    await room.do(fast, say())
    assert not waiting.done()
    gate.open.set()
    await waiting


async def test_a_command_that_changes_nothing_is_answered_without_an_append() -> None:
    room, journal = await memory_room()
    session_id = await room.create(title="same", model="demo")
    appends = len(journal.appended)
    for command in (CancelRun(), RenameSession("same"), SetModel("demo"), RestoreSession()):
        await room.do(session_id, command)
    assert len(journal.appended) == appends
    assert await room.do(session_id, CancelRun()) == Cancelled(False)


async def test_i8_a_refused_command_changes_nothing_and_says_why() -> None:
    """Taken out for the check: the handling of ParleyError in `_begin`."""
    room, journal = await memory_room()
    session_id = await room.create(title="t")
    await room.do(session_id, say())
    before, appends = room.state(session_id), len(journal.appended)
    refusals: list[tuple[object, type[ParleyError]]] = [
        (create(), Conflict),
        (StartRun("nobody"), ParleyError),
    ]
    for command, error in refusals:
        with pytest.raises(error) as refused:
            await room.do(session_id, command)  # type: ignore[arg-type]
        assert refused.value.message
    with pytest.raises(VersionMismatch):
        await room.sessions.handle(session_id, say(), LOCAL, expected_version=9)
    assert room.state(session_id) is before
    assert len(journal.appended) == appends


async def test_an_unknown_session_is_not_found_and_one_that_is_created_later_is() -> None:
    room, _ = await memory_room()
    for _ in range(2):
        with pytest.raises(SessionNotFound):
            await room.do("later", say())
    await room.do("later", create(room.project_id))
    await room.do("later", say())
    await room.assert_shown_is_journal("later")


async def test_who_may_not_write_does_not_get_through_the_door() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    stranger = Principal("eve", "Eve", "guest")  # type: ignore[arg-type]
    with pytest.raises(Forbidden):
        await room.sessions.handle(session_id, say(), stranger)
    assert len(journal.appended) == 1


async def test_a_failing_listener_does_not_harm_the_others(caplog: pytest.LogCaptureFixture) -> None:
    room, _ = await memory_room()
    seen: list[Committed] = []

    def fails(_committed: Committed) -> None:
        raise LookupError("a bug in a listener")

    room.sessions.subscribe(fails)
    room.sessions.subscribe(seen.append)
    caplog.set_level(logging.ERROR)
    with structlog.testing.capture_logs() as logs:
        session_id = await room.create()
    assert [committed.after.session_id for committed in seen] == [session_id]
    assert [each["event"] for each in logs if each["log_level"] == "error"] == ["a listener failed"]


async def test_a_bug_while_deciding_is_told_and_the_door_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    room, _ = await memory_room()
    session_id = await room.create()

    def buggy(*_arguments: object, **_more: object) -> None:
        raise LookupError("a bug")

    with monkeypatch.context() as patch, structlog.testing.capture_logs() as logs:
        patch.setattr(sessions_module, "decide", buggy)
        with pytest.raises(LookupError):
            await room.do(session_id, say())
    assert logs[0]["event"] == "deciding failed"
    await room.do(session_id, say())


# Somebody else on the same journal


async def test_a_stale_head_is_decided_anew_and_what_was_missed_is_shown() -> None:
    """Taken out for the check: the case StaleHead in `_appended`."""
    room, _ = await memory_room()
    other = Room(room.store, room.project_id)
    session_id = await room.create(title="t")
    await other.do(session_id, say("from the other"))
    await room.do(session_id, RenameSession("mine"))
    await other.do(session_id, RenameSession("theirs"))
    await room.do(session_id, say("again"))
    await room.assert_shown_is_journal(session_id)
    await other.do(session_id, CancelRun())
    other_seen = [event.seq for event in other.of(session_id)]
    assert other_seen == list(range(other_seen[0], other.state(session_id).head + 1)), "no hole, no repetition"
    assert room.state(session_id).title == "theirs"


async def test_however_much_was_missed_all_of_it_is_shown() -> None:
    room, _ = await memory_room()
    session_id = await room.create(title="t")
    other = Room(room.store, room.project_id)
    for _ in range(20):
        await other.do(session_id, say("x" * 20_000))
    await room.do(session_id, say("and now mine"))
    await room.assert_shown_is_journal(session_id)


async def test_a_refusal_is_decided_on_the_newest_head() -> None:
    room, _ = await memory_room()
    other = Room(room.store, room.project_id)
    session_id = await room.create(title="t")
    command = say()
    await room.do(session_id, command)
    await other.do(session_id, StartRun(command.run_id))
    run = other.state(session_id).run
    assert run is not None
    await other.do(session_id, CancelRun())
    with pytest.raises(ParleyError):
        await room.do(session_id, StartRun(command.run_id))
    assert room.state(session_id) == other.state(session_id)
    fence = RunFence(run.id, run.attempt)
    with pytest.raises(Fenced):
        await room.do(session_id, FinishRun(fence))


async def test_a_race_that_is_lost_again_and_again_is_given_up_with_a_retryable_error() -> None:
    room, journal = await memory_room()
    session_id = await room.create(title="t")
    tries = 0

    def always_late(append: object, done: object) -> None:
        nonlocal tries
        tries += 1
        asyncio.get_running_loop().call_soon(done, StaleHead())  # type: ignore[arg-type]

    working, journal.append = journal.append, always_late  # type: ignore[method-assign]
    with pytest.raises(StaleHead) as refused:
        await room.do(session_id, say())
    assert refused.value.retryable
    assert tries == STALE_TRIES + 1
    journal.append = working  # type: ignore[method-assign]
    await room.do(session_id, say())
    await room.assert_shown_is_journal(session_id)


async def test_two_doors_racing_on_one_session_leave_one_dense_journal() -> None:
    room, _ = await memory_room()
    other = Room(room.store, room.project_id)
    session_id = await room.create(title="t")
    await asyncio.gather(*(each.do(session_id, say(f"{n}")) for n in range(10) for each in (room, other)))
    assert len(await room.messages(session_id)) == 20
    await room.do(session_id, RenameSession("end"))
    await other.do(session_id, RenameSession("end"))
    await other.do(session_id, RenameSession("really"))
    await room.do(session_id, RenameSession("done"))
    await room.assert_shown_is_journal(session_id)


# Memory


async def test_the_session_that_was_idle_longest_is_let_go_and_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "OPEN_SESSIONS", 3)
    room, journal = await memory_room()
    ids = [await room.create() for _ in range(3)]
    await room.do(ids[0], RenameSession("used again"))
    fourth = await room.create()
    assert [room.sessions.context(each) is not None for each in (*ids, fourth)] == [True, False, True, True]
    loads = journal.loads
    await room.do(ids[1], RenameSession("back"))
    assert journal.loads == loads + 1
    for each in (*ids, fourth):
        await room.assert_shown_is_journal(each)


async def test_sessions_at_work_stay_in_memory_and_a_new_one_is_never_let_go_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two doors on one session would show its events twice."""
    monkeypatch.setattr(cache_module, "OPEN_SESSIONS", 2)
    room, _ = await memory_room()
    busy = [await room.create() for _ in range(2)]
    for each in busy:
        await room.do(each, say())
    new = await room.create()
    await asyncio.gather(*(room.do(new, RenameSession(f"t{n}")) for n in range(5)))
    for each in (*busy, new):
        assert room.sessions.context(each) is not None
        await room.assert_shown_is_journal(each)


async def test_the_tail_has_the_newest_events_of_an_open_session() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    await room.do(session_id, say())
    tail = room.sessions.tail(session_id, 1)
    assert tail is not None
    assert list(tail) == room.of(session_id)[1:]
    assert room.sessions.tail("unknown", 0) is None


async def test_a_purged_session_is_forgotten_here_too() -> None:
    room, _ = await memory_room()
    session_id = await room.create()
    with pytest.raises(Conflict):
        await room.sessions.purge(session_id)
    await room.do(session_id, DeleteSession())
    await room.sessions.purge(session_id)
    assert room.sessions.context(session_id) is None
    with pytest.raises(SessionNotFound):
        await room.do(session_id, RestoreSession())
    with pytest.raises(SessionNotFound):
        await room.sessions.purge(session_id)


async def test_closing_waits_for_what_is_being_read() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    fresh = Room(room.store, room.project_id)
    gate = journal.hold("load")
    asked = asyncio.create_task(fresh.do(session_id, RenameSession("x")))
    await gate.reached.wait()
    closing = asyncio.create_task(fresh.sessions.close())
    await settled()
    assert not closing.done()
    gate.open.set()
    await closing
    await asked
    assert fresh.state(session_id).title == "x"


async def test_a_clock_that_is_given_is_the_one_that_is_used() -> None:
    time = FakeTime()
    room, _ = await memory_room(time.clock)
    session_id = await room.create()
    time.now += 5_000
    await room.do(session_id, say())
    assert room.of(session_id)[-1].at - room.of(session_id)[0].at == 5_000


async def test_a_journal_that_grew_unseen_is_read_before_the_first_command() -> None:
    room, journal = await memory_room()
    session_id = await room.create()
    context = await journal.load(session_id)
    await commit(journal, appending(session_id, context, [SessionRenamed(title="elsewhere", version=2)]))
    fresh = Room(room.store, room.project_id)
    async with asyncio.timeout(HANG_S):
        await fresh.sessions.handle(session_id, RenameSession("here"), LOCAL, expected_version=2)
    assert fresh.state(session_id).version == 3
    assert isinstance(fresh.store.journal, HookedJournal)
