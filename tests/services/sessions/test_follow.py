"""Following (design §8, §11) with a sink that is no socket: who is slow is left alone, catches up, and misses nothing
(I3, I7)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from journal_store import opened
from line_sink import HIGH_WATER_BYTES, LINES, LineSink, Reader, read_lines
from structlog.testing import capture_logs
from world import USER, Room, eventually, settled

from hub.subscription import SOCKET_IO
from models.backoff import Backoff
from models.commands import DeleteSession, RenameSession, RestoreSession
from models.errors import SessionNotFound, StorageUnavailable
from services.access import LOCAL
from services.sessions import forms
from services.sessions.following import Following
from services.sessions.forms import FeedMode, Telling
from services.sessions.join import Joiner, Position
from services.sessions.tail import KEPT_EVENTS
from services.store.journal import PAGE_EVENTS, EventPage
from services.store.store import Store

Json = dict[str, object]


@dataclass
class World:
    """One boot of a server without doors."""

    room: Room
    following: Following
    joiner: Joiner

    @classmethod
    def over(cls, store: Store, project_id: str) -> World:
        room = Room(store, project_id)
        return cls(room, Following(room.sessions), Joiner(room.sessions))

    def reader(self, session_id: str, mode: FeedMode = "push") -> Reader:
        return Reader(self.following, self.joiner, session_id, mode)

    async def rename(self, session_id: str, times: int, size: int = 8) -> None:
        head = (await self.room.store.journal.load(session_id)).head
        titles = [f"{head + number} ".ljust(size, "x") for number in range(1, times + 1)]
        await asyncio.gather(*(self.room.sessions.submit(session_id, RenameSession(title), USER) for title in titles))

    async def wires(self, session_id: str, after: int = 0) -> list[Json]:
        page = await self.room.store.journal.since(
            session_id, after, limit=1_000_000, limit_bytes=1 << 40, deleted=True
        )
        return [event.to_wire() for event in page.events]


@asynccontextmanager
async def world_on(kind: str, folder: Path) -> AsyncIterator[World]:
    async with opened(kind, folder) as store:
        world = World.over(store.whole, store.project_id)
        yield world
        await world.room.sessions.close()


@pytest.fixture(params=["memory", "sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with world_on(request.param, tmp_path) as made:
        yield made


@pytest.fixture
async def in_memory(tmp_path: Path) -> AsyncIterator[World]:
    async with world_on("memory", tmp_path) as made:
        yield made


async def reaches(reader: Reader, seq: int) -> list[Json]:
    await eventually(lambda: reader.last >= seq, f"event {seq}")
    return reader.events


# Exactly what the journal has -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("missed", [1, 500, 700])
async def test_slow_sink_is_left_alone_and_then_gets_the_exact_sequence(in_memory: World, missed: int) -> None:
    """I3, I7. Fails when `_catch_up` goes live without reading, and when `offer` or `_feed_page` ignores the high
    water. 500 events come from memory, 700 don't."""
    session_id = await in_memory.room.create()
    slow, quick = in_memory.reader(session_id), in_memory.reader(session_id)
    await slow.join(0)
    await quick.join(0)
    slow.sink.stop()
    await in_memory.rename(session_id, 30, size=200)
    assert slow.follower is not None
    assert slow.follower.state == "lagging"
    await in_memory.rename(session_id, missed)
    assert len(quick.read()) == 31 + missed
    assert slow.last == 1
    while slow.last < 31 + missed:
        slow.sink.take(3)
        await settled()
    slow.sink.go_on()
    await eventually(lambda: slow.follower is not None and slow.follower.state == "live")
    await in_memory.rename(session_id, 3)
    journal = await in_memory.wires(session_id)
    assert await reaches(slow, len(journal)) == journal
    assert quick.read() == journal
    assert slow.sink.most_bytes < HIGH_WATER_BYTES + 1_000


async def test_lines_are_dropped_and_taken_up_again_while_commits_race(world: World) -> None:
    """I3. Each reader loses what was on its way, comes back from its last event, and lags now and then."""
    session_id = await world.room.create()
    readers = [world.reader(session_id) for _ in range(4)]
    stop = asyncio.Event()

    async def churn() -> None:
        while not stop.is_set():
            await world.rename(session_id, 7)
            await asyncio.sleep(0)

    churning = asyncio.create_task(churn())
    for turn in range(40):
        reader = readers[turn % 4]
        await reader.join(reader.last)
        reader.sink.stop()
        await settled()
        reader.sink.take(turn % 3)
        if turn % 5:
            reader.lose()
        else:
            reader.sink.go_on()
            await settled()
            reader.lose()
    stop.set()
    await churning
    journal = await world.wires(session_id)
    for reader in readers:
        await reader.join(reader.last)
        assert await reaches(reader, len(journal)) == journal


@pytest.mark.parametrize("after", [None, 0, 7])
@pytest.mark.parametrize("injected", [1, 511, 700])
async def test_seam_has_no_gap_and_no_duplicate(in_memory: World, injected: int, after: int | None) -> None:
    """I3: commits between the read and the merge. Fails when `_merged` leaves out the tail and `go_live` its check of
    `last_seq`."""
    session_id = await in_memory.room.create()
    await in_memory.rename(session_id, 19)
    in_memory.joiner.after_read = once(lambda session_id: in_memory.rename(session_id, injected))
    reader = in_memory.reader(session_id)
    reader.epoch = (await in_memory.room.store.journal.load(session_id)).epoch
    joined = await reader.join(after)
    # Without a further event: that would make the gap show, and be filled.
    await reaches(reader, 20 + injected)
    start = joined.snapshot.head if joined.snapshot is not None else after
    assert start is not None
    assert joined.recovered is (after is not None)
    assert joined.head == 20 + injected
    assert joined.cursor == (20 + injected if injected < KEPT_EVENTS else 20), "what memory holds is in the answer"
    assert reader.events == await in_memory.wires(session_id, start)


async def test_answer_that_takes_its_time_to_be_written_opens_no_gap(world: World) -> None:
    """I3. A door may await between the answer and going live. Fails when `go_live` trusts the cursor of the answer."""
    session_id = await world.room.create()
    sink = LineSink()
    follower = world.following.follow(session_id, sink, LINES)
    joined = await world.joiner.join(LOCAL, follower, Position(0))
    await world.rename(session_id, 5)
    assert sink.taken == b""
    world.joiner.go(follower, joined)
    await world.rename(session_id, 5)
    await eventually(lambda: follower.cursor == 11)
    assert [data for _, data in read_lines(sink.taken)] == (await world.wires(session_id))[1:]


async def test_part_is_fed_nothing_until_it_joins_again(in_memory: World) -> None:
    session_id = await in_memory.room.create()
    await in_memory.rename(session_id, PAGE_EVENTS + 10)
    reader = in_memory.reader(session_id)
    joined = await reader.join(0)
    assert (joined.has_more, len(joined.events)) == (True, PAGE_EVENTS)
    await in_memory.rename(session_id, 3)
    await settled()
    assert reader.last == PAGE_EVENTS
    assert not (await reader.join(reader.last)).has_more
    await in_memory.rename(session_id, 2)
    assert await reaches(reader, PAGE_EVENTS + 16) == await in_memory.wires(session_id)


async def test_gap_in_what_is_offered_is_filled_from_the_journal(in_memory: World) -> None:
    """I3: another node may have committed what we show only from the middle on. Fails without the check in `offer`."""
    session_id = await in_memory.room.create()
    reader = in_memory.reader(session_id)
    await reader.join(0)
    assert reader.follower is not None
    live, reader.follower.state = reader.follower, "paged"  # deaf for a moment
    await in_memory.rename(session_id, 4)
    live.state = "live"
    await in_memory.rename(session_id, 1)
    assert await reaches(reader, 6) == await in_memory.wires(session_id)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_reader_goes_on_after_a_restart_from_where_it_was(kind: str, tmp_path: Path) -> None:
    """I3: no state but the journal's. In memory the journal outlives the services, on SQLite everything is new."""
    async with opened(kind, tmp_path) as store:
        first = World.over(store.whole, store.project_id)
        session_id = await first.room.create()
        reader = first.reader(session_id)
        await reader.join(0)
        await first.rename(session_id, 20)
        reader.sink.stop()
        await first.rename(session_id, 50, size=200)
        reader.lose()
        await first.room.sessions.close()
        if kind == "memory":
            assert await taken_up(reader, World.over(store.whole, store.project_id))
    if kind == "sqlite":
        async with opened(kind, tmp_path) as store:
            assert await taken_up(reader, World.over(store.whole, store.project_id))


async def taken_up(reader: Reader, second: World) -> bool:
    reader.following, reader.joiner = second.following, second.joiner
    joined = await reader.join(reader.last)
    assert joined.recovered
    await second.rename(reader.session_id, 5)
    journal = await second.wires(reader.session_id)
    events = await reaches(reader, len(journal))
    await second.room.sessions.close()
    return events == journal


# The end --------------------------------------------------------------------------------------------------------------


async def test_deletion_is_told_last_and_ends_everything(world: World) -> None:
    session_id = await world.room.create()
    told: list[str] = []
    world.following.when_deleted(told.append)
    reader = world.reader(session_id)
    await reader.join(0)
    assert reader.follower is not None
    ended = asyncio.create_task(reader.follower.ended())
    await settled()
    assert not ended.done()
    await world.room.do(session_id, DeleteSession())
    await ended
    assert reader.read()[-1]["type"] == "session.deleted"
    assert reader.events == await world.wires(session_id)
    assert told == [session_id]
    assert session_id not in world.following
    await world.room.do(session_id, RestoreSession())
    await world.rename(session_id, 2)
    assert reader.events[-1]["type"] == "session.deleted"
    reader.leave()
    await reader.join(reader.last)
    assert await reaches(reader, 5) == await world.wires(session_id)


@pytest.mark.parametrize("mode", ["push", "signal"])
async def test_who_lags_when_the_session_is_deleted_is_told_to_start_over(world: World, mode: FeedMode) -> None:
    """It can't read session.deleted any more. Fails when `evict` just drops who lags."""
    session_id = await world.room.create()
    reader = world.reader(session_id, mode)
    await reader.join(None)
    reader.sink.stop()
    await world.rename(session_id, 30, size=400)
    assert reader.follower is not None
    assert reader.follower.state == "lagging"
    await world.room.do(session_id, DeleteSession())
    await reader.follower.ended()
    reader.sink.go_on()
    assert reader.named("resync") == [{"sessionId": session_id, "reason": "the session was deleted"}]
    await settled()
    assert all(event["type"] != "session.deleted" for event in reader.read())


async def test_deleted_and_purged_sessions_are_not_joined_and_leave_nothing(world: World) -> None:
    session_id = await world.room.create()
    reader = world.reader(session_id)
    await reader.join(0)
    await world.room.do(session_id, DeleteSession())
    reader.leave()
    for purged in (False, True):
        if purged:
            await world.room.sessions.purge(session_id)
        for after in (None, 0, 1):
            with pytest.raises(SessionNotFound):
                await reader.join(after)
    assert session_id not in world.following


async def test_session_deleted_while_it_is_joined_is_refused(in_memory: World) -> None:
    session_id = await in_memory.room.create()

    async def delete(session_id: str) -> None:
        await in_memory.room.do(session_id, DeleteSession())

    in_memory.joiner.after_read = once(delete)
    with pytest.raises(SessionNotFound):
        await in_memory.reader(session_id).join(0)
    assert session_id not in in_memory.following


async def test_leaving_ends_and_leaves_no_task_behind(in_memory: World) -> None:
    session_id = await in_memory.room.create()
    reader = in_memory.reader(session_id)
    await reader.join(0)
    reader.sink.stop()
    await in_memory.rename(session_id, 30, size=400)
    follower = reader.follower
    assert follower is not None
    task = follower._task
    assert task is not None
    reader.leave()
    in_memory.following.leave(follower)
    await follower.ended()
    await settled()
    assert task.cancelled()
    assert session_id not in in_memory.following


# Trouble on the way ---------------------------------------------------------------------------------------------------


async def lag_behind_memory(world: World, session_id: str) -> Reader:
    """A reader that has to read the journal to catch up."""
    reader = world.reader(session_id)
    await reader.join(0)
    reader.sink.stop()
    await world.rename(session_id, 700)
    return reader


async def test_storage_that_fails_is_waited_out(in_memory: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.sessions.follow.STORAGE_RETRY", Backoff(0.0, 0.0))
    failures = [StorageUnavailable(), StorageUnavailable()]
    since = in_memory.room.store.journal.since

    async def broken(session_id: str, after: int) -> EventPage:
        if failures:
            raise failures.pop()
        return await since(session_id, after)

    session_id = await in_memory.room.create()
    reader = await lag_behind_memory(in_memory, session_id)
    with monkeypatch.context() as patched:
        patched.setattr(in_memory.room.store.journal, "since", broken)
        reader.sink.go_on()
        await reaches(reader, 701)
    assert failures == []
    assert reader.events == await in_memory.wires(session_id)


async def test_bug_while_catching_up_is_logged_and_told(in_memory: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when the fault just ends the task: the follower would lag in silence for ever."""
    session_id = await in_memory.room.create()
    reader = await lag_behind_memory(in_memory, session_id)
    follower = reader.follower
    assert follower is not None

    async def broken(session_id: str, after: int) -> EventPage:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patched, capture_logs() as logs:
        patched.setattr(in_memory.room.store.journal, "since", broken)
        reader.sink.go_on()
        await follower.ended()
    assert reader.named("resync") == [{"sessionId": session_id, "reason": "internal error"}]
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["catch_up_failed"]
    ahead = len(await in_memory.wires(session_id))
    await reader.join(None)
    await in_memory.rename(session_id, 1)
    await reaches(reader, ahead + 1)


async def test_journal_of_another_epoch_is_not_mixed_in(in_memory: World) -> None:
    session_id = await in_memory.room.create()
    reader = await lag_behind_memory(in_memory, session_id)
    assert reader.follower is not None
    before = reader.last
    reader.follower.epoch = "before the restore"
    reader.sink.take()
    await reader.follower.ended()
    reader.sink.go_on()
    assert reader.named("resync") == [{"sessionId": session_id, "reason": "the journal was replaced"}]
    assert reader.last - before < 100, "only what waited already"


# Signals, forms -------------------------------------------------------------------------------------------------------


async def test_missed_signals_are_merged_into_one_high_water_mark(world: World) -> None:
    session_id = await world.room.create()
    reader = world.reader(session_id, "signal")
    await reader.join(None)
    reader.sink.stop()
    await world.rename(session_id, 100)
    sent = reader.sink.backlog_bytes
    assert sent < HIGH_WATER_BYTES + 1_000
    reader.sink.go_on()
    await eventually(lambda: reader.named("signal")[-1]["seq"] == 101)
    numbers = [signal["seq"] for signal in reader.named("signal")]
    assert numbers == sorted(set(numbers))
    assert len(numbers) < 60
    await world.rename(session_id, 2)
    assert [signal["seq"] for signal in reader.named("signal")][-2:] == [102, 103]
    assert all("data" not in signal for signal in reader.named("signal"))


class NullSocket:
    """A sink of the socket's frames that takes everything."""

    over_high_water = closed = False

    def __init__(self) -> None:
        self.frames: list[str] = []

    def send(self, frame: object) -> None:
        self.frames.append(getattr(frame, "text", ""))

    async def drained(self) -> None:
        return


async def test_json_of_an_event_is_made_once_and_each_form_wraps_it_once(
    in_memory: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design §8: whatever the number of followers. Fails when `offer` encodes for each, or a form for itself."""
    made: Counter[str] = Counter()
    lines = replace(LINES, wrap=counted(made, "lines", LINES.wrap))
    socket = replace(SOCKET_IO, wrap=counted(made, "socket", SOCKET_IO.wrap))
    for mode, encode in list(forms._JSON.items()):
        monkeypatch.setitem(forms._JSON, mode, counted(made, mode, encode))
    session_id = await in_memory.room.create()
    sinks = [LineSink() for _ in range(4)]
    sockets = [NullSocket() for _ in range(4)]
    modes: tuple[FeedMode, ...] = ("push", "push", "signal", "signal")
    for number, mode in enumerate(modes):
        for follower in (
            in_memory.following.follow(session_id, sinks[number], lines),
            in_memory.following.follow(session_id, sockets[number], socket),
        ):
            follower.restart(mode)
            follower.go_live("e1", 1)
    await in_memory.rename(session_id, 3)
    assert made == {"push": 3, "signal": 3, "lines": 6, "socket": 6}
    events = (await in_memory.wires(session_id))[1:]
    assert [data for _, data in read_lines(sinks[0].taken)] == events
    assert sinks[0].taken == sinks[1].taken
    assert len(sockets[3].frames) == 3
    assert all(frame.startswith('42["signal",') for frame in sockets[3].frames)


P = ParamSpec("P")
R = TypeVar("R")


def counted(made: Counter[str], name: str, call: Callable[P, R]) -> Callable[P, R]:
    def count(*args: P.args, **more: P.kwargs) -> R:
        made[name] += 1
        return call(*args, **more)

    return count


async def test_form_that_nobody_wants_is_not_made(in_memory: World) -> None:
    session_id = await in_memory.room.create()
    await in_memory.rename(session_id, 2)
    events = tuple(in_memory.room.of(session_id)[1:])
    telling = Telling(events)
    assert telling.made == {}
    assert read_lines(telling.make(LINES, "push")) == [("event", event.to_wire()) for event in events]
    assert list(telling.made) == [LINES.key("push")]


async def test_two_forms_of_one_name_are_refused(in_memory: World) -> None:
    """They would be sent each other's frames."""
    session_id = await in_memory.room.create()
    in_memory.following.follow(session_id, LineSink(), LINES)
    with pytest.raises(ValueError, match="lines"):
        in_memory.following.follow(session_id, LineSink(), replace(LINES, batch=lambda frames: b""))


def once(commit: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[None]]:
    left = [commit]

    async def hook(session_id: str) -> None:
        if left:
            await left.pop()(session_id)

    return hook
