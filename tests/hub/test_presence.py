"""Presence: who is here, told as differences; a reload is not a departure; above 100 only counts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from harness import Json, Users, serving
from hub_peer import Peer, eventually

from hub.presence import BATCH_S, LEAVE_GRACE_S, LISTED_MAX, Presence


class Timers:
    """Stands in for the loop's clock: timers fire when the test moves it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
        self._offset = 0.0
        self._loop = loop
        self._now = loop.time()
        self._timers: list[asyncio.TimerHandle] = []
        monkeypatch.setattr(loop, "call_later", self._call_later)
        self.failures: list[Json] = []
        loop.set_exception_handler(lambda loop, context: self.failures.append(context))

    def _call_later(self, delay: float, callback: object, *args: object) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(self._now + delay, callback, args, self._loop)  # type: ignore[arg-type]
        self._timers.append(timer)
        return timer

    def move(self, seconds: float) -> None:
        end = self._now + seconds
        while due := sorted((timer for timer in self._timers if timer.when() <= end), key=lambda timer: timer.when()):
            self._timers.remove(due[0])
            self._now = due[0].when()
            if not due[0].cancelled():
                due[0]._run()
        self._now = end
        assert self.failures == []


@pytest.fixture
async def timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    return Timers(asyncio.get_running_loop(), monkeypatch)


@pytest.fixture
def told() -> list[Json]:
    return []


@pytest.fixture
def presence(timers: Timers, told: list[Json]) -> Iterator[Presence]:
    room = Presence("s1", told.append)
    yield room
    room.close()


def users(entries: list[Json]) -> list[str]:
    return [entry["userId"] for entry in entries]


async def test_first_connection_of_a_user_is_a_join_and_a_second_is_not(
    presence: Presence, timers: Timers, told: list[Json]
) -> None:
    """Fails when each connection is announced."""
    presence.enter("ann", "Ann", "c1")
    timers.move(BATCH_S)
    presence.enter("ann", "Ann", "c2")
    timers.move(10)
    joined = [{"userId": "ann", "name": "Ann", "connections": 1}]
    assert told == [{"sessionId": "s1", "version": 1, "joined": joined, "left": []}]
    assert presence.participants() == [{"userId": "ann", "name": "Ann", "connections": 2}]


async def test_only_the_last_connection_is_a_departure_and_three_seconds_later(
    presence: Presence, timers: Timers, told: list[Json]
) -> None:
    presence.enter("ann", "Ann", "c1")
    presence.enter("ann", "Ann", "c2")
    timers.move(1)
    presence.leave("ann", "c1")
    timers.move(10)
    assert len(told) == 1
    presence.leave("ann", "c2")
    assert presence.participants() == []
    timers.move(LEAVE_GRACE_S - 0.01)
    assert len(told) == 1
    timers.move(0.01 + BATCH_S)
    assert (told[1]["version"], users(told[1]["joined"]), users(told[1]["left"])) == (2, [], ["ann"])
    assert told[1]["left"] == [{"userId": "ann", "name": "Ann", "connections": 0}]


async def test_reload_is_no_departure(presence: Presence, timers: Timers, told: list[Json]) -> None:
    """Fails when `enter` does not cancel the grace."""
    presence.enter("ann", "Ann", "c1")
    timers.move(1)
    for number in range(2, 6):
        presence.leave("ann", f"c{number - 1}")
        timers.move(LEAVE_GRACE_S - 0.1)
        presence.enter("ann", "Ann", f"c{number}")
        timers.move(1)
    timers.move(10)
    assert len(told) == 1
    assert presence.version == 1


async def test_grace_counts_from_the_latest_departure(presence: Presence, timers: Timers, told: list[Json]) -> None:
    """Fails when the grace of an earlier one still runs."""
    presence.enter("ann", "Ann", "c1")
    timers.move(1)
    presence.leave("ann", "c1")
    timers.move(LEAVE_GRACE_S - 1)
    presence.enter("ann", "Ann", "c2")
    presence.leave("ann", "c2")
    timers.move(LEAVE_GRACE_S - 0.1)
    assert len(told) == 1
    timers.move(0.1 + BATCH_S)
    assert users(told[1]["left"]) == ["ann"]


async def test_changes_within_a_quarter_of_a_second_are_one_message(
    presence: Presence, timers: Timers, told: list[Json]
) -> None:
    for name in ("cid", "ann", "bob"):
        presence.enter(name, name.title(), f"of {name}")
        timers.move(0.08)
    assert told == []
    timers.move(BATCH_S)
    assert [users(message["joined"]) for message in told] == [["ann", "bob", "cid"]]


async def test_somebody_who_comes_and_goes_within_the_batch_is_told_as_both(
    presence: Presence, timers: Timers, told: list[Json]
) -> None:
    presence.enter("ann", "Ann", "c1")
    presence.leave("ann", "c1")
    timers.move(10)
    assert [(users(message["joined"]), users(message["left"])) for message in told] == [(["ann"], []), ([], ["ann"])]
    assert [message["version"] for message in told] == [1, 2]


async def test_entering_again_with_the_same_connection_changes_nothing(
    presence: Presence, timers: Timers, told: list[Json]
) -> None:
    for _ in range(3):
        presence.enter("ann", "Ann", "c1")
        timers.move(1)
    assert presence.participants()[0]["connections"] == 1
    presence.leave("ann", "c1")
    timers.move(10)
    assert len(told) == 2


async def test_leaving_what_was_never_entered_changes_nothing(
    presence: Presence, timers: Timers, told: list[Json]
) -> None:
    """A join that was refused leaves the room too."""
    presence.leave("ann", "c1")
    assert not presence
    presence.enter("ann", "Ann", "c1")
    timers.move(1)
    presence.leave("ann", "another")
    timers.move(10)
    assert users(presence.participants()) == ["ann"]
    assert len(told) == 1


async def test_above_a_hundred_only_counts_are_told(presence: Presence, timers: Timers, told: list[Json]) -> None:
    for number in range(LISTED_MAX):
        presence.enter(f"u{number:03}", f"User {number:03}", f"c{number}")
    timers.move(1)
    assert len(told[0]["joined"]) == LISTED_MAX
    assert "count" not in told[0]
    presence.enter("u100", "User 100", "c100")
    timers.move(1)
    assert told[1] == {"sessionId": "s1", "version": 2, "joined": [], "left": [], "count": LISTED_MAX + 1}
    assert len(presence.participants()) == LISTED_MAX
    presence.leave("u005", "c5")
    timers.move(LEAVE_GRACE_S + BATCH_S)
    assert users(told[2]["left"]) == ["u005"]


async def test_presence_is_empty_once_everybody_has_gone_for_good(
    presence: Presence, timers: Timers, told: list[Json]
) -> None:
    presence.enter("ann", "Ann", "c1")
    timers.move(1)
    presence.leave("ann", "c1")
    assert presence, "a reload may be under way"
    timers.move(LEAVE_GRACE_S)
    assert presence, "the departure was not told yet"
    timers.move(BATCH_S)
    assert not presence


async def test_closing_stops_every_timer(presence: Presence, timers: Timers, told: list[Json]) -> None:
    presence.enter("ann", "Ann", "c1")
    presence.enter("bob", "Bob", "c2")
    presence.leave("bob", "c2")
    presence.close()
    timers.move(10)
    assert told == []


async def test_a_newcomer_knows_of_somebody_who_reloads_just_then(
    presence: Presence, timers: Timers, told: list[Json]
) -> None:
    """Fails when only those with a connection are listed: the return of the other is no difference to be told."""
    presence.enter("ann", "Ann", "c1")
    timers.move(BATCH_S)
    presence.leave("ann", "c1")
    presence.enter("bob", "Bob", "c2")
    listed, version = presence.announced(), presence.version
    assert [(entry["userId"], entry["connections"]) for entry in listed] == [("ann", 0), ("bob", 1)]
    assert users(presence.participants()) == ["bob"]
    presence.enter("ann", "Ann", "c3")
    timers.move(LEAVE_GRACE_S + BATCH_S)
    later = [message for message in told if message["version"] > version]
    assert [(users(message["joined"]), users(message["left"])) for message in later] == [(["bob"], [])]


async def test_users_see_each_other_come_and_go_over_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.presence.BATCH_S", 0.01)
    monkeypatch.setattr("hub.presence.LEAVE_GRACE_S", 0.05)
    async with serving(access=Users()) as server:
        session_id = await server.session()
        ann, bob = await Peer.connect(server.url, "ann"), await Peer.connect(server.url, "bob")
        await ann.join(session_id)
        await ann.until("presence")
        participants = (await bob.join(session_id))["participants"]
        assert users(participants) == ["ann", "bob"]
        assert server.hub.participants(session_id) == participants
        assert users((await ann.until("presence", 2))[1]["joined"]) == ["bob"]
        bob.drop()
        assert users((await ann.until("presence", 3))[2]["left"]) == ["bob"]
        assert [message["version"] for message in ann.named("presence")] == [1, 2, 3]
        await ann.call("leave_session", {"sessionId": session_id})
        await eventually(lambda: server.hub.participants(session_id) == [])
        for peer in (ann, bob):
            await peer.close()
