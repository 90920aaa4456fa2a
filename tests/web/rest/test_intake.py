"""Large bodies take turns, all connections together; small ones pass, and nobody keeps his room for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from patience import HANG_S
from rest_client import JSON_TYPE, Reply, Rest
from socket_peers import eventually, stays

from hub.socket.bodies import LARGE_BYTES
from services.chat import Chat
from web.keys import LIFECYCLE
from web.rest import reading
from web.rest.intake import HANDLED_BYTES, INTAKE, READ_BYTES, Room
from web.rest.pace import GRACE_S, SLOWEST_BYTES_PER_S, Pace


def large(rest: Rest, body: bytes = b"{}") -> asyncio.Task[Reply]:
    return asyncio.create_task(rest.ask("POST", "/api/sessions", raw=body.ljust(LARGE_BYTES * 3)))


async def test_room_is_given_in_order_and_not_to_what_is_small_first() -> None:
    room = Room(10)
    first = await room.take(8)
    second, third = asyncio.create_task(room.take(5)), asyncio.create_task(room.take(1))
    await eventually(lambda: len(room) == 2)
    first.release()
    first.release()  # counts once
    (await second).release()
    (await third).release()
    (await room.take(99)).release()  # all that there is
    assert len(room) == 0


async def test_who_is_cancelled_while_waiting_holds_nothing_up() -> None:
    room = Room(10)
    first = await room.take(10)
    waiting, behind = asyncio.create_task(room.take(10)), asyncio.create_task(room.take(10))
    await eventually(lambda: len(room) == 2)
    waiting.cancel()
    await eventually(lambda: len(room) == 1)
    first.release()
    (await behind).release()


async def test_who_is_cancelled_just_when_it_is_given_room_gives_it_back() -> None:
    room = Room(10)
    first = await room.take(10)
    waiting = asyncio.create_task(room.take(10))
    await eventually(lambda: len(room) == 1)
    first.release()
    waiting.cancel()
    (await room.take(10)).release()
    assert waiting.cancelled()


async def test_large_bodies_wait_for_those_that_are_handled_and_small_ones_pass(rest: Rest) -> None:
    """Fails without `handling`: they are parsed and stored side by side, and hold up the loop together."""
    intake = rest.app[INTAKE]
    share = await intake.handling.take(HANDLED_BYTES)
    waiting = large(rest)
    await eventually(lambda: len(intake.handling) == 1)
    assert "parley_bodies_waiting 1.0" in (await rest.ask("GET", "/metrics")).raw.decode()
    await rest.session()
    assert not waiting.done()
    share.release()
    assert (await waiting).status == 201


async def test_large_bodies_beyond_the_room_are_left_with_their_senders(rest: Rest) -> None:
    """Fails without `reading`: as many are held as there are connections."""
    intake = rest.app[INTAKE]
    share = await intake.reading.take(READ_BYTES)
    waiting = large(rest)
    await eventually(lambda: len(intake.reading) == 1)
    await stays(lambda: len(intake.handling) == 0 and not waiting.done())
    share.release()
    assert (await waiting).status == 201


async def test_a_body_that_waited_while_the_server_began_to_stop_is_no_new_work(rest: Rest) -> None:
    """Fails when only its head is asked: a run begins that nobody waits for."""
    intake = rest.app[INTAKE]
    share = await intake.handling.take(HANDLED_BYTES)
    waiting = large(rest)
    await eventually(lambda: len(intake.handling) == 1)
    rest.app[LIFECYCLE].draining = True
    share.release()
    refused = await waiting
    assert (refused.status, refused.code) == (503, "draining")
    assert (await rest.ask("GET", "/api/sessions")).data["sessions"] == []


async def test_room_is_back_after_whatever_end(rest: Rest) -> None:
    intake = rest.app[INTAKE]
    for body, status in ((b"{}", 201), (b"{", 400), (b'{"projectId":"nobody"}', 404)):
        assert (await large(rest, body)).status == status
        async with asyncio.timeout(HANG_S):
            (await intake.reading.take(READ_BYTES)).release()
            (await intake.handling.take(HANDLED_BYTES)).release()


async def test_what_takes_long_to_handle_gives_its_room_to_others(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when room is kept until the answer: a call may wait for a tool."""
    monkeypatch.setattr(reading, "HELD_S", 0.0)
    rest.app[INTAKE].handling = Room(LARGE_BYTES)
    session_id, waiting, going_on = await rest.session(), asyncio.Event(), asyncio.Event()
    send = Chat.send_message

    async def wait(*arguments: Any) -> Any:
        waiting.set()
        await going_on.wait()
        return await send(*arguments)

    monkeypatch.setattr(Chat, "send_message", wait)
    slow = asyncio.create_task(rest.say(session_id, "x" * LARGE_BYTES))
    await waiting.wait()
    assert (await asyncio.wait_for(large(rest), HANG_S)).status == 201
    going_on.set()
    assert (await slow)["seq"]


async def test_a_large_body_that_drips_is_given_up_and_its_room_is_the_next_ones(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when the deadline is that of all that may come: a few that drip keep all the room."""
    intake, graces, ending = rest.app[INTAKE], [0.05, HANG_S], asyncio.Event()
    intake.reading = Room(LARGE_BYTES * 4)
    monkeypatch.setattr(reading, "Pace", lambda now_s: Pace(now_s, graces.pop(0)))

    async def drip() -> AsyncIterator[bytes]:
        yield b"{}".ljust(LARGE_BYTES + 1)
        while not ending.is_set():
            yield b" "
            with suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), 0.005)

    async def slow() -> int:
        async with rest.client.post("/api/sessions", data=drip(), headers=JSON_TYPE) as response:
            assert (await response.json())["code"] == "request_timeout"
            return response.status

    async with asyncio.timeout(HANG_S):
        dripping = asyncio.create_task(slow())
        await eventually(lambda: len(graces) == 1)
        waiting = large(rest)
        assert (await dripping, (await waiting).status) == (408, 201)
    ending.set()


async def test_each_piece_of_a_large_body_moves_its_deadline(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when only the first piece does."""
    moved: asyncio.Queue[float] = asyncio.Queue()
    deadlines: list[float] = []

    class Noted(Pace):
        def came(self, size_bytes: int, now_s: float) -> float:
            until_s = super().came(size_bytes, now_s)
            moved.put_nowait(until_s)
            return until_s

    async def steady() -> AsyncIterator[bytes]:
        yield b"{}".ljust(LARGE_BYTES)
        for _ in range(3):
            yield b" "
            deadlines.append(await asyncio.wait_for(moved.get(), HANG_S))

    monkeypatch.setattr(reading, "Pace", Noted)
    async with rest.client.post("/api/sessions", data=steady(), headers=JSON_TYPE) as response:
        assert response.status == 201
    assert deadlines == sorted(set(deadlines))


def test_a_large_body_may_come_for_long_when_it_is_steady_and_not_when_it_stops_or_drips() -> None:
    """Fails when what has come, or may yet come, is credit for a pause."""
    rate = SLOWEST_BYTES_PER_S
    for pieces, given_up_s in (
        ([(float(at), rate) for at in range(400)], 399 + GRACE_S),
        ([(float(at), rate * 20) for at in range(0, 400, 20)], 380 + GRACE_S),
        ([(0.0, 12 << 20)], GRACE_S),
        ([(at * (GRACE_S - 1), 1024) for at in range(20)], GRACE_S + 1024 / rate),
        ([(float(at), rate // 2) for at in range(400)], GRACE_S * 2),
    ):
        pace, until_s = Pace(0.0), GRACE_S
        for at_s, size_bytes in pieces:
            if at_s > until_s:
                break
            until_s = pace.came(size_bytes, at_s)
        assert until_s == pytest.approx(given_up_s, abs=1.0)
