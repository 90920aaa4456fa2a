"""Goodbyes, draining and reconnecting: who may come back does, who may not does not."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
import socketio
from aiohttp import ClientSession
from patience import HANG_S
from socket_peers import Hub, PollingPeer, connect_websocket, eventually, hurry, stays

from hub.socket.connection import Connection
from hub.socket.transport import Ack
from models.errors import StorageUnavailable


async def stock_client(hub: Hub, session: ClientSession, goodbyes: list[Any], *transports: str) -> socketio.AsyncClient:
    """Given a session, because by polling it leaves its own unclosed when it reconnects."""
    client = socketio.AsyncClient(reconnection_delay=0.05, reconnection_delay_max=0.1, http_session=session)
    client.on("goodbye", goodbyes.append)
    await client.connect(hub.url, transports=list(transports))
    return client


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_after_a_retryable_goodbye_a_stock_client_comes_back(
    hub: Hub, session: ClientSession, transport: str
) -> None:
    goodbyes: list[Any] = []
    client = await stock_client(hub, session, goodbyes, transport)
    await hub.only.goodbye("draining", "Back soon", retryable=True)
    await eventually(lambda: len(hub.handler.connections) == 2)
    assert goodbyes == [{"code": "draining", "retryable": True, "reason": "Back soon"}]
    await eventually(lambda: hub.handler.reasons == ["draining"] and "/" in client.namespaces)
    assert (await client.call("x"))["ok"]
    await client.disconnect()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_after_a_goodbye_for_good_a_stock_client_stays_away(
    hub: Hub, session: ClientSession, transport: str
) -> None:
    goodbyes: list[Any] = []
    client = await stock_client(hub, session, goodbyes, transport)
    await hub.only.goodbye("unauthenticated", "The token was revoked", retryable=False)
    await eventually(lambda: not client.connected and not hub.transport.connections)
    assert [goodbye["code"] for goodbye in goodbyes] == ["unauthenticated"]
    await stays(lambda: len(hub.handler.connections) == 1, for_s=0.3)
    await client.disconnect()


async def test_a_retryable_refusal_closes_the_transport_so_that_clients_try_again(
    hub: Hub, session: ClientSession
) -> None:
    hub.handler.refuse = StorageUnavailable()
    client = socketio.AsyncClient(reconnection_delay=0.05, reconnection_delay_max=0.1, http_session=session)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(hub.url, transports=["websocket"], wait_timeout=1)
    attempts = len(hub.handler.auths)
    await eventually(lambda: len(hub.handler.auths) > attempts)
    hub.handler.refuse = None
    await eventually(lambda: "/" in client.namespaces)
    await client.disconnect()


async def test_a_goodbye_follows_everything_that_was_sent_before(hub: Hub, session: ClientSession) -> None:
    peer = await connect_websocket(session, hub)
    connection = hub.only
    for n in range(1000):
        connection.emit("n", n)
    leaving = asyncio.ensure_future(connection.goodbye("draining", "Bye", retryable=True))
    await asyncio.sleep(0)
    connection.emit("late", 1)
    assert [(await peer.event())[1] for _ in range(1000)] == list(range(1000))
    assert (await peer.event())[0] == "goodbye"
    assert await peer.closed() == 1013
    await leaving


async def test_a_goodbye_to_a_frozen_reader_is_bounded(
    hub: Hub, session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    _peer = await connect_websocket(session, hub)
    connection = hub.only
    for _ in range(30):
        connection.emit("fill", "x" * 100_000)
    started = time.monotonic()
    await connection.goodbye("draining", "Bye", retryable=True)
    assert time.monotonic() - started < 10  # then it would have been let go as a stuck reader anyway
    await eventually(lambda: hub.handler.reasons == ["draining"])


async def test_a_handler_may_say_goodbye_during_its_own_call(
    hub: Hub, session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)

    async def leave(connection: Connection, args: list[object]) -> Ack:
        await connection.goodbye("forbidden", "No", retryable=False)
        return Ack({})

    hub.handler.calls["leave"] = leave
    peer = await connect_websocket(session, hub)
    await peer.ws.send_str('421["leave"]')
    assert (await peer.event())[0] == "goodbye"
    assert await peer.packet() == "41"
    await eventually(lambda: hub.handler.reasons == ["forbidden"])


async def test_calls_after_a_goodbye_are_not_handled(hub: Hub, session: ClientSession) -> None:
    peer = await connect_websocket(session, hub)
    hub.only.dismiss("forbidden", "No", retryable=False)
    await peer.ws.send_str('421["x"]')
    assert (await peer.event())[0] == "goodbye"
    assert await peer.packet() == "41"
    assert await peer.closed() == 1008
    assert hub.handler.log == []


async def test_draining_says_goodbye_to_all_and_answers_new_handshakes_with_503(
    hub: Hub, session: ClientSession
) -> None:
    peers = [await connect_websocket(session, hub) for _ in range(5)]
    polling = PollingPeer(session, hub)
    await polling.connect()
    draining = asyncio.ensure_future(hub.transport.drain())
    for peer in peers:
        assert (await peer.event())[1]["code"] == "draining"
        assert await peer.closed() == 1013
    assert "draining" in (await polling.packets(1))[0]
    for transport in ("polling", "websocket"):
        headers = {"Upgrade": "websocket", "Connection": "Upgrade"} if transport == "websocket" else {}
        url = f"{hub.url}/socket.io/?EIO=4&transport={transport}"
        async with session.get(url, headers=headers) as response:
            assert response.status == 503
            assert (await response.json())["code"] == "draining"
    await draining
    assert not hub.transport.connections
    assert hub.handler.reasons == ["draining"] * 6


async def test_shutting_the_application_down_drains_and_ends_in_time(hub: Hub, session: ClientSession) -> None:
    peer = await connect_websocket(session, hub)
    await PollingPeer(session, hub).connect()
    async with asyncio.timeout(HANG_S):
        closing = asyncio.ensure_future(hub.server.close())
        assert (await peer.event())[1]["code"] == "draining"
        await peer.closed()
        await closing
    assert len(hub.handler.reasons) == 2
