"""Clients that have not shown a token: they come, and go, without taking the place of one that has."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession
from socket_peers import PollingPeer, ServerFactory, connect_websocket, open_websocket, start_hub
from structlog.testing import capture_logs

from hub.socket.antechamber import Antechamber
from hub.socket.transport import FEWEST_STRANGERS

SHARE = FEWEST_STRANGERS // 2

pytestmark = pytest.mark.usefixtures("hurried")


def test_the_newest_stay_and_an_address_crowds_out_itself_first() -> None:
    room: Antechamber[str] = Antechamber(4, share=2)
    assert [room.enter(*each) for each in (("a1", "a"), ("b1", "b"), ("b2", "b"))] == [None, None, None]
    assert room.enter("b3", "b") == "b1"
    assert room.enter("c1", "c") is None
    assert room.enter("d1", "d") == "a1"
    room.leave("c1")
    room.leave("c1")
    assert len(room) == 3
    assert room.enter("e1", "e") is None


async def test_a_flood_of_handshakes_without_a_token_shuts_nobody_out(
    aiohttp_server: ServerFactory, session: ClientSession
) -> None:
    hub = await start_hub(aiohttp_server, connect_timeout_s=60, max_connections=2)
    first = await connect_websocket(session, hub)
    with capture_logs() as lines:
        for _ in range(3 * FEWEST_STRANGERS):
            await PollingPeer(session, hub).open()
    assert len(hub.engine.live) == SHARE + 1
    assert [line["event"] for line in lines if line["log_level"] != "debug"] == ["handshakes crowded out"]
    await PollingPeer(session, hub).connect()
    assert len(hub.handler.connections) == 2
    assert (await first.call("echo", 1))["args"] == [1]


async def test_a_crowded_out_websocket_is_closed(aiohttp_server: ServerFactory, session: ClientSession) -> None:
    hub = await start_hub(aiohttp_server, connect_timeout_s=60)
    strangers = [await open_websocket(session, hub) for _ in range(SHARE)]
    hub.transport._server.antechamber._share = SHARE - 1
    await open_websocket(session, hub)
    await strangers[0].closed()


async def test_a_stranger_is_cut_in_time_where_a_token_is_demanded_and_no_client_is(
    aiohttp_server: ServerFactory, session: ClientSession
) -> None:
    hub = await start_hub(aiohttp_server, connect_timeout_s=5)
    now = hub.engine.clock()
    hub.engine.clock = lambda: now
    await PollingPeer(session, hub).open()
    stranger, client = await open_websocket(session, hub), await connect_websocket(session, hub)
    now += 6
    await hub.engine.sweep()
    await stranger.closed()
    assert [each.connection for each in hub.engine.live.values()] == hub.handler.connections
    assert (await client.call("echo", 1))["args"] == [1]


async def test_clients_that_are_let_in_together_are_no_more_than_there_are_places(
    aiohttp_server: ServerFactory, session: ClientSession
) -> None:
    hub = await start_hub(aiohttp_server, connect_timeout_s=60, max_connections=1)
    waiting = [await open_websocket(session, hub) for _ in range(2)]
    assert (await waiting[0].connect()).startswith("40{")
    with pytest.raises(ConnectionError, match="1013"):
        await waiting[1].connect()
    assert len(hub.handler.connections) == 1
