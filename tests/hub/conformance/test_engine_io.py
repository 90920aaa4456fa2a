"""What the public suite of the Engine.IO protocol, version 4, checks, in cases of our own against a whole server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from deliberate import Served, differs, parley
from patience import HANG_S
from raw_clients import PATH, POLLING, WEBSOCKET, Polling, TransportName, WebSocket, ask, open_client
from raw_websocket import BINARY, FIN, SOCKET_PATH, frame, raw_websocket
from world import eventually

HANDSHAKE = {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}
CALL, ACK = '42%d["unwatch_running",{}]', '43%d[{"ok":true}]'
UPGRADE = (
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Connection: Upgrade\r\n"
)
both = pytest.mark.parametrize("transport", ["polling", "websocket"])

pytestmark = pytest.mark.usefixtures("hurried")


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with parley() as served:
        yield served


@pytest.fixture
def port(served: Served) -> int:
    return served.port


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def polling(port: int) -> Polling:
    client = Polling(port)
    await client.open()
    return client


async def connected(port: int) -> Polling:
    client = Polling(port)
    await client.open()
    await client.send("40")
    for start in ("40{", '42["user_state"'):
        assert (await client.receive()).startswith(start)
    return client


@both
async def test_a_handshake_tells_the_session_and_its_times(
    port: int, stack: AsyncExitStack, transport: TransportName
) -> None:
    client = await open_client(stack, port, transport)
    assert client.opened.keys() == HANDSHAKE
    assert isinstance(client.opened["sid"], str)
    assert client.opened["upgrades"] == (["websocket"] if transport == "polling" else [])
    assert (client.opened["pingInterval"], client.opened["pingTimeout"]) == (25_000, 20_000)


@differs("A payload may have more than a packet.")
async def test_the_handshake_allows_twice_what_a_packet_may_have(polling: Polling) -> None:
    assert polling.opened["maxPayload"] == 2_000_000
    await polling.send("40")
    await polling.send('427["unwatch_running",{"x":"' + "x" * 1_000_000 + '"}]')
    packets = [await polling.receive() for _ in range(3)]
    assert "payload_too_large" in packets[-1]


async def test_a_handshake_is_text(port: int) -> None:
    told = await ask(port, "GET", POLLING)
    assert (told.status, told.headers["content-type"].lower()) == (200, "text/plain; charset=utf-8")
    assert told.text.startswith("0{")


UNKNOWN = (
    *("transport=polling", "EIO=abc&transport=polling", "EIO=3&transport=polling"),
    *("transport=websocket", "EIO=abc&transport=websocket"),
    *("EIO=4", "EIO=4&transport=abc", "", "EIO=4&transport="),
)


async def test_an_unknown_version_or_transport_is_a_bad_request(port: int) -> None:
    for query in UNKNOWN:
        for upgrade in ("", UPGRADE):
            told = await ask(port, "GET", query, headers=upgrade)
            assert told.status == 400, (query, upgrade)
            assert json.loads(told.text)["code"] == "invalid_argument"


async def test_a_websocket_without_an_upgrade_is_a_bad_request(port: int) -> None:
    assert (await ask(port, "GET", WEBSOCKET)).status == 400


async def test_a_session_begins_with_a_get(port: int) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert (await ask(port, method, POLLING)).status == 400, method


async def test_a_payload_of_one_packet_is_answered_ok_and_carried_out(port: int) -> None:
    client = await connected(port)
    told = await client.post(CALL % 1)
    assert (told.status, told.text) == (200, "ok")
    told = await client.poll()
    assert (told.status, told.text) == (200, ACK % 1)


async def test_a_payload_of_several_packets_is_carried_out_in_order(port: int) -> None:
    client = await connected(port)
    await client.send(*(CALL % number for number in range(1, 40)))
    assert (await client.poll()).packets == [ACK % number for number in range(1, 40)]


@differs("Binary data is refused.")
async def test_a_payload_of_text_and_binary_packets_is_carried_out_up_to_the_binary_one(port: int) -> None:
    client = await connected(port)
    await client.send(CALL % 1, "bAQIDBA==", CALL % 2)
    first, goodbye, disconnect = (await client.poll()).packets
    assert (first, disconnect) == (ACK % 1, "41")
    assert json.loads(goodbye[2:])[1]["code"] == "binary_not_supported"
    await client.ended()


@differs("Binary data is refused.")
async def test_a_binary_frame_ends_the_session_with_a_goodbye(port: int) -> None:
    async with raw_websocket(port) as raw:
        await raw.text()
        await raw.send(frame(b"\1\2\3\4", FIN | BINARY))
        assert json.loads((await raw.text())[2:])[1]["code"] == "binary_not_supported"
        assert await raw.text() == "41"
        assert await raw.ended() == 1008


@differs("A message is a packet of Socket.IO.")
@both
async def test_a_message_that_is_no_packet_of_socket_io_ends_the_session_with_a_goodbye(
    port: int, stack: AsyncExitStack, transport: TransportName
) -> None:
    client = await open_client(stack, port, transport)
    await client.send("4hello")
    assert json.loads((await client.receive())[2:])[1]["code"] == "malformed_packet"
    assert await client.receive() == "41"
    await client.ended()


async def test_a_payload_that_is_none_is_a_bad_request_and_ends_the_session(port: int) -> None:
    for body in ("abc", "", "4\x1e", "0{}", "2", '420["x"]\x1exyz', "\x1e"):
        polling = Polling(port)
        await polling.open()
        told = await polling.post(body)
        assert told.status == 400, body
        assert json.loads(told.text)["code"] == "malformed_packet"
        assert (await polling.poll()).status == 400


async def test_a_packet_that_is_none_closes_a_websocket(port: int) -> None:
    async with raw_websocket(port) as raw:
        await raw.text()
        await raw.send(frame("abc"))
        assert await raw.ended() == 1008


async def test_two_polls_at_once_end_the_session(polling: Polling) -> None:
    answers = await asyncio.gather(polling.poll(), polling.poll())
    first, second = sorted(answers, key=lambda told: told.status)
    assert (first.status, first.text) == (200, "1")
    assert second.status == 400
    assert (await polling.poll()).status == 400


async def test_a_poll_that_its_client_gives_up_ends_the_session(served: Served, polling: Polling) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(f"GET {PATH}?{polling.query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await served.polls(polling.opened["sid"])
    writer.transport.abort()
    async with asyncio.timeout(HANG_S):
        assert (await polling.poll()).status == 400


@both
async def test_pings_come_and_pongs_keep_the_session(stack: AsyncExitStack, transport: TransportName) -> None:
    served = await stack.enter_async_context(parley(ping_interval_s=0.2, ping_timeout_s=HANG_S))
    client = await open_client(stack, served.port, transport)
    for _ in range(3):
        assert await client.receive() == "2"
        await client.send("3")


@both
async def test_whoever_does_not_answer_is_found(stack: AsyncExitStack, transport: TransportName) -> None:
    served = await stack.enter_async_context(parley(ping_interval_s=0.2, ping_timeout_s=0.2))
    served.engine.connect_timeout = HANG_S
    client = await open_client(stack, served.port, transport)
    await eventually(lambda: not served.engine.live, "its end")
    await client.ended()


async def test_a_client_that_closes_ends_its_waiting_poll_with_a_noop(served: Served, polling: Polling) -> None:
    waiting = asyncio.ensure_future(polling.poll())
    await served.polls(polling.opened["sid"])
    assert (await polling.post("1")).text == "ok"
    told = await waiting
    assert (told.status, told.text) == (200, "6")
    assert (await polling.poll()).status == 400


async def test_a_client_that_closes_ends_its_websocket(port: int) -> None:
    async with raw_websocket(port) as raw:
        await raw.text()
        await raw.send(frame("1"))
        await raw.ended()


def of(client: Polling) -> str:
    return f"{SOCKET_PATH}&sid={client.opened['sid']}"


async def test_a_session_moves_from_polling_to_a_websocket(port: int) -> None:
    client = await connected(port)
    async with raw_websocket(port, path=of(client)) as raw:
        await raw.send(frame("2probe"))
        assert await raw.text() == "3probe"
        told = await client.poll()
        assert (told.status, told.text) == (200, "6")
        await raw.send(frame("5") + frame(CALL % 1))
        assert await raw.text() == ACK % 1


async def test_what_has_moved_is_not_polled_any_more_and_moves_no_second_time(port: int) -> None:
    client = await connected(port)
    async with raw_websocket(port, path=of(client)) as raw:
        websocket = WebSocket(raw)
        await websocket.send("2probe")
        assert await raw.text() == "3probe"
        await websocket.send("5", CALL % 1)
        assert await raw.text() == ACK % 1
        assert (await client.poll()).status == 400
        assert (await client.post(CALL % 2)).status == 400
        async with raw_websocket(port, path=of(client)) as second:
            assert await second.ended() == 1008
        await websocket.send(CALL % 3)
        assert await raw.text() == ACK % 3
