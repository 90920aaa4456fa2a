"""Large bodies take turns, all connections together; small ones pass, and nobody keeps his room for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from patience import HANG_S
from rest_client import Reply, Rest
from socket_peers import eventually, stays

from hub.socket.bodies import LARGE_BYTES
from services.chat import Chat
from web.rest import reading
from web.rest.intake import HANDLED_BYTES, INTAKE, READ_BYTES, Room


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


async def test_a_large_body_that_comes_too_slowly_is_given_up(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails without a deadline for all of it: a few that drip would keep all the room."""
    monkeypatch.setattr(reading, "GRACE_S", 0.0)
    monkeypatch.setattr(reading, "SLOWEST_BYTES_PER_S", 1 << 40)
    ending = asyncio.Event()

    async def drip() -> Any:
        yield b"{}".ljust(LARGE_BYTES + 1)
        await ending.wait()

    async with rest.client.post("/api/sessions", data=drip(), headers={"Content-Type": "application/json"}) as response:
        assert (response.status, (await response.json())["code"]) == (408, "request_timeout")
    ending.set()
