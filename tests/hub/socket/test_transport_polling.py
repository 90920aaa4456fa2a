"""Polling and the upgrade to WebSocket: nothing lost, doubled or out of order."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator

import pytest
import socketio
from aiohttp import ClientSession
from patience import HANG_S
from socket_peers import (
    Hub,
    PollingPeer,
    ServerFactory,
    WebSocketPeer,
    eventually,
    start_hub,
    stays,
)

from hub.socket import frames
from hub.socket.backlog import HIGH_WATER_BYTES
from hub.socket.connection import Connection
from hub.socket.transport import Ack

pytestmark = pytest.mark.usefixtures("hurried")


async def probe(session: ClientSession, hub: Hub, sid: str) -> WebSocketPeer:
    ws = await session.ws_connect(f"{hub.url}/socket.io/?EIO=4&transport=websocket&sid={sid}")
    await ws.send_str("2probe")
    assert await ws.receive_str(timeout=HANG_S) == "3probe"
    return WebSocketPeer(ws)


async def test_a_polling_client_gets_acks_and_events_in_order(hub: Hub, session: ClientSession) -> None:
    async def mixed(connection: Connection, args: list[object]) -> Ack:
        connection.emit("a", args[0])
        return Ack({}, then=lambda: connection.emit("b", args[0]))

    hub.handler.calls["mixed"] = mixed
    peer = PollingPeer(session, hub)
    await peer.connect()
    # More packets in one post than the stock limit of 16.
    await peer.post(*(f'42{n}["mixed",{n}]' for n in range(40)))
    expected = [f for n in range(40) for f in (f'42["a",{n}]', f'43{n}[{{"ok":true}}]', f'42["b",{n}]')]
    assert await peer.packets(120) == expected


async def test_a_batch_is_several_packets_to_a_polling_client_and_after_an_upgrade(
    hub: Hub, session: ClientSession
) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    batch = frames.batch_frame([frames.event_frame("n", n) for n in range(3)])
    hub.only.send(batch)
    assert await peer.poll() == ['42["n",0]', '42["n",1]', '42["n",2]']
    upgraded = await probe(session, hub, peer.sid)
    hub.only.send(batch)
    await upgraded.ws.send_str("5")
    hub.only.send(batch)
    assert [await upgraded.event() for _ in range(6)] == [["n", n % 3] for n in range(6)]


async def test_a_post_that_comes_in_pieces_is_read_whole(hub: Hub, session: ClientSession) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    body = ('421["x","' + "y" * 700_000 + '"]').encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 50_000):
            yield body[start : start + 50_000]
            await asyncio.sleep(0)

    async with session.post(peer.url, data=pieces()) as response:
        assert response.status == 200
    assert len((await peer.packets(1))[0]) > 700_000


async def test_two_polls_at_once_end_the_session(hub: Hub, session: ClientSession) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    first = asyncio.ensure_future(peer.poll())
    await eventually(lambda: hub.engine.live[peer.sid].is_polled)
    with pytest.raises(ConnectionError):
        await peer.poll()
    assert await first == ["1"]
    await eventually(lambda: hub.handler.reasons == ["overlapping polls"])


async def test_two_posts_at_once_end_the_session(hub: Hub, session: ClientSession) -> None:
    gate = asyncio.Event()

    async def wait(connection: Connection, args: list[object]) -> Ack:
        await gate.wait()
        return Ack({})

    hub.handler.calls["wait"] = wait
    peer = PollingPeer(session, hub)
    await peer.connect()
    first = asyncio.ensure_future(peer.post('421["wait"]'))
    await eventually(lambda: "wait" in hub.handler.log)
    assert await peer.post('422["x"]') == 400
    gate.set()
    assert await first == 200
    await eventually(lambda: len(hub.handler.reasons) == 1)
    assert hub.handler.log == ["wait"]


async def test_a_polling_client_that_stops_polling_is_found_dead_by_the_first_ping(
    aiohttp_server: ServerFactory, session: ClientSession
) -> None:
    """That its last poll was answered with the ping is no answer of the client's."""
    hub = await start_hub(aiohttp_server, ping_interval_s=3600, ping_timeout_s=20)
    now = hub.engine.clock()
    hub.engine.clock = lambda: now
    peer = PollingPeer(session, hub)
    await peer.connect()
    last = asyncio.ensure_future(peer.poll())
    await eventually(lambda: hub.engine.live[peer.sid].is_polled)
    now += 3600
    await hub.engine.sweep()
    assert await last == ["2"]
    await eventually(lambda: not hub.engine.live[peer.sid].outbox.untaken_bytes)  # its kernel has acknowledged it
    now += 20
    await hub.engine.sweep()
    assert hub.handler.reasons == []
    now += 1
    with pytest.raises(ConnectionError):
        await peer.poll()
    assert hub.handler.reasons == ["ping timeout"]


async def test_a_polling_client_that_answers_pings_stays(aiohttp_server: ServerFactory, session: ClientSession) -> None:
    hub = await start_hub(aiohttp_server, ping_interval_s=0.1, ping_timeout_s=0.2)
    peer = PollingPeer(session, hub)
    await peer.connect()
    for _ in range(8):
        assert "2" in await peer.poll()
        assert await peer.post("3") == 200
    assert len(hub.transport.connections) == 1


async def test_a_polling_client_that_says_goodbye_is_gone(hub: Hub, session: ClientSession) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    assert await peer.post("41", "1") == 200
    assert hub.handler.reasons == ["client disconnect"]
    assert not hub.engine.live


async def test_unknown_sessions_versions_and_transports_are_refused(hub: Hub, session: ClientSession) -> None:
    websocket = {"Upgrade": "websocket", "Connection": "Upgrade"}
    for query, headers in (
        ("EIO=4&transport=polling&sid=none", {}),
        ("EIO=4&transport=websocket&sid=none", websocket),
        ("EIO=3&transport=polling", {}),
        ("EIO=3&transport=websocket", websocket),
        ("EIO=4&transport=carrier", {}),
        ("EIO=4&transport=websocket", {}),
        ("EIO=4&transport=websocket", websocket),
    ):
        async with session.get(f"{hub.url}/socket.io/?{query}", headers=headers) as response:
            assert response.status == 400, query
    async with session.post(f"{hub.url}/socket.io/?EIO=4&transport=polling", data=io.BytesIO(b"40")) as response:
        assert response.status == 400
    assert not hub.transport.connections


async def test_an_upgrade_flushes_what_was_queued_and_loses_nothing(hub: Hub, session: ClientSession) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    connection = hub.only
    connection.emit("n", 0)
    upgraded = await probe(session, hub, peer.sid)
    connection.emit("n", 1)
    assert await peer.poll() == ['42["n",0]', '42["n",1]']
    connection.emit("n", 2)
    await upgraded.ws.send_str("5")
    assert await upgraded.event() == ["n", 2]
    connection.emit("n", 3)
    assert await upgraded.event() == ["n", 3]
    with pytest.raises(ConnectionError):
        await peer.poll()
    assert (await upgraded.call("x"))["ok"]


async def test_a_waiting_poll_is_released_by_the_probe(hub: Hub, session: ClientSession) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    waiting = asyncio.ensure_future(peer.poll())
    await eventually(lambda: hub.engine.live[peer.sid].is_polled)
    upgraded = await probe(session, hub, peer.sid)
    assert await waiting == ["6"]
    assert await peer.poll() == ["6"]
    await upgraded.ws.send_str("5")
    assert (await upgraded.call("x"))["ok"]


async def test_a_websocket_that_has_not_got_through_leaves_polls_waiting(hub: Hub, session: ClientSession) -> None:
    """A proxy may answer the handshake and swallow every frame."""
    peer = PollingPeer(session, hub)
    await peer.connect()
    ws = await session.ws_connect(f"{hub.url}/socket.io/?EIO=4&transport=websocket&sid={peer.sid}")
    waiting = asyncio.ensure_future(peer.poll())
    await eventually(lambda: hub.engine.live[peer.sid].is_polled)
    await stays(lambda: not waiting.done(), for_s=0.2)
    hub.only.emit("still", "here")
    assert await waiting == ['42["still","here"]']
    await ws.close()


async def test_polls_during_an_upgrade_whose_answers_are_swallowed_are_released_ten_times_a_second_at_most(
    hub: Hub, session: ClientSession
) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    half = await probe(session, hub, peer.sid)
    began = time.monotonic()
    for _ in range(4):
        assert await peer.poll() == ["6"]
    assert time.monotonic() - began >= 4 * 0.1
    waiting = asyncio.ensure_future(peer.poll())
    hub.only.emit("still", "here")
    assert await waiting == ['42["still","here"]']
    await half.ws.close()


async def test_a_poll_that_still_waits_when_the_upgrade_is_done_ends_with_nothing(
    hub: Hub, session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.socket.engine_socket.RELEASE_EVERY_S", HANG_S)
    peer = PollingPeer(session, hub)
    await peer.connect()
    upgraded = await probe(session, hub, peer.sid)
    waiting = asyncio.ensure_future(peer.poll())
    await eventually(lambda: hub.engine.live[peer.sid].is_polled)
    await upgraded.ws.send_str("5")
    assert await waiting == ["6"]
    assert (await upgraded.call("x"))["ok"]


async def test_a_second_websocket_takes_the_place_of_one_that_never_got_through(
    hub: Hub, session: ClientSession
) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    lost = await session.ws_connect(f"{hub.url}/socket.io/?EIO=4&transport=websocket&sid={peer.sid}")
    upgraded = await probe(session, hub, peer.sid)
    assert await WebSocketPeer(lost).closed() is not None
    await upgraded.ws.send_str("5")
    assert (await upgraded.call("x"))["ok"]


async def test_a_poll_whose_client_is_gone_ends_the_session(
    aiohttp_server: ServerFactory, session: ClientSession
) -> None:
    """What it would be answered with would be lost; the client comes back with its position."""
    hub = await start_hub(aiohttp_server, ping_interval_s=0.4)
    peer = PollingPeer(session, hub)
    await peer.connect()
    waiting = asyncio.ensure_future(peer.poll())
    await eventually(lambda: hub.engine.live[peer.sid].is_polled)
    waiting.cancel()
    await eventually(lambda: hub.handler.reasons == ["transport close"])


@pytest.mark.parametrize("second", ["6", "42[]", ""])
async def test_a_failed_upgrade_leaves_polling_as_it_was(hub: Hub, session: ClientSession, second: str) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    failed = await probe(session, hub, peer.sid)
    await failed.ws.send_str(second)
    await failed.closed()
    hub.only.emit("still", "here")
    assert await peer.packets(1) == ['42["still","here"]']
    later = await probe(session, hub, peer.sid)
    await later.ws.send_str("5")
    assert (await later.call("x"))["ok"]


async def test_a_websocket_that_does_not_probe_is_closed(hub: Hub, session: ClientSession) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    ws = await session.ws_connect(f"{hub.url}/socket.io/?EIO=4&transport=websocket&sid={peer.sid}")
    await ws.send_str('42["x"]')
    await WebSocketPeer(ws).closed()
    assert hub.handler.log == []
    hub.only.emit("still", "here")
    assert await peer.packets(1) == ['42["still","here"]']


async def test_a_session_upgrades_once(hub: Hub, session: ClientSession) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    upgraded = await probe(session, hub, peer.sid)
    await upgraded.ws.send_str("5")
    await upgraded.call("x")
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    url = f"{hub.url}/socket.io/?EIO=4&transport=websocket&sid={peer.sid}"
    async with session.get(url, headers=headers) as response:
        assert response.status == 400
    assert (await upgraded.call("x"))["ok"]


async def test_events_that_flow_during_a_stock_clients_upgrade_arrive_once_and_in_order(
    hub: Hub, session: ClientSession
) -> None:
    """Polling first, as stock clients do; the upgrade happens somewhere in the stream."""
    got: list[int] = []
    client = socketio.AsyncClient(reconnection=False, http_session=session)
    client.on("n", got.append)
    stock = hub.handler.on_connect
    count = 3_000

    async def flow(connection: Connection) -> None:
        for n in range(count):
            connection.emit("n", n)
            if n % 5 == 0:
                await asyncio.sleep(0)

    flows: list[asyncio.Task[None]] = []

    async def connect(connection: Connection, auth: object) -> None:
        await stock(connection, auth)
        flows.append(asyncio.ensure_future(flow(connection)))

    hub.handler.on_connect = connect  # type: ignore[method-assign]
    await client.connect(hub.url)
    ack = await client.call("x")
    assert ack["ok"]
    await eventually(lambda: len(got) >= count)
    assert got == list(range(count))
    assert client.transport() == "websocket"
    await asyncio.gather(*flows)
    await client.disconnect()


async def test_calls_of_a_polling_client_wait_while_its_outbox_is_over_the_high_water(
    hub: Hub, session: ClientSession
) -> None:
    async def big(connection: Connection, args: list[object]) -> Ack:
        return Ack({"fill": "x" * HIGH_WATER_BYTES})

    hub.handler.calls["big"] = big
    peer = PollingPeer(session, hub)
    await peer.connect()
    posting = asyncio.ensure_future(peer.post('421["big"]', '422["big"]', '423["big"]'))
    await eventually(lambda: hub.handler.log == ["big"])
    await stays(lambda: hub.handler.log == ["big"])
    acks = await peer.packets(3)
    assert [json.loads(ack[3:])[0]["ok"] for ack in acks] == [True] * 3
    assert await posting == 200


async def test_a_body_that_does_not_come_ends_the_session(
    aiohttp_server: ServerFactory, session: ClientSession
) -> None:
    hub = await start_hub(aiohttp_server, ping_timeout_s=0.2)
    peer = PollingPeer(session, hub)
    await peer.connect()
    gate = asyncio.Event()

    async def never() -> AsyncIterator[bytes]:
        yield b"42"
        await gate.wait()

    async with session.post(peer.url, data=never()) as response:
        assert response.status == 400
    gate.set()
    await eventually(lambda: len(hub.handler.reasons) == 1)


async def test_a_probe_that_goes_on_for_ever_does_not_keep_the_server_from_stopping(
    hub: Hub, session: ClientSession
) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    half = await probe(session, hub, peer.sid)
    async with asyncio.timeout(HANG_S):
        await hub.server.close()
    assert await half.closed() is not None
    assert hub.handler.reasons == ["draining"]


async def test_a_goodbye_during_an_upgrade_arrives_by_the_websocket(hub: Hub, session: ClientSession) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    upgraded = await probe(session, hub, peer.sid)
    hub.only.emit("n", 1)
    hub.only.dismiss("draining", "Bye", retryable=True)
    await upgraded.ws.send_str("5")
    assert await upgraded.event() == ["n", 1]
    assert (await upgraded.event())[0] == "goodbye"
    assert await upgraded.closed() is not None
    await eventually(lambda: hub.handler.reasons == ["draining"])


async def test_a_probe_that_says_nothing_is_given_up(
    hub: Hub, session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.socket.engine_socket.PROBE_WITHIN_S", 0.3)
    peer = PollingPeer(session, hub)
    await peer.connect()
    ws = await session.ws_connect(f"{hub.url}/socket.io/?EIO=4&transport=websocket&sid={peer.sid}")
    await WebSocketPeer(ws).closed()
    half = await probe(session, hub, peer.sid)
    await half.closed()
    hub.only.emit("still", "here")
    assert await peer.packets(1) == ['42["still","here"]']
