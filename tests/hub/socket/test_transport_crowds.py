"""Very many small packets, and packets of very many values: one client's cost is bounded, and the others get their
turns."""

from __future__ import annotations

import asyncio
import itertools
import json

import pytest
from aiohttp import ClientSession
from patience import HANG_S
from socket_peers import Hub, PollingPeer, connect_websocket

from hub.socket.connection import Connection
from hub.socket.engine_socket import BATCH_MAX_PACKETS, TURN_PACKETS
from hub.socket.server import PAYLOAD_LIMIT_BYTES
from hub.socket.transport import Ack
from models.json_scan import JSON_PLACES_MAX

CROWD = 2_000

pytestmark = pytest.mark.usefixtures("hurried")


async def test_others_get_turns_while_a_crowd_of_packets_is_handled(hub: Hub, session: ClientSession) -> None:
    """Fails when all that was received at once is handled at once."""
    turns: list[int] = []
    over = asyncio.Event()

    async def count(connection: Connection, args: list[object]) -> Ack:
        if len(hub.handler.log) == CROWD:
            over.set()
        return Ack({})

    async def other() -> None:
        while not over.is_set():
            turns.append(len(hub.handler.log))
            await asyncio.sleep(0)

    hub.handler.calls["count"] = count
    peer = PollingPeer(session, hub)
    await peer.connect()
    async with asyncio.timeout(HANG_S):
        _, status = await asyncio.gather(other(), peer.post(*['42["count"]'] * CROWD))
    assert status == 200
    assert max(later - earlier for earlier, later in itertools.pairwise(turns)) <= TURN_PACKETS


async def test_a_batch_of_too_many_packets_is_refused_whole(hub: Hub, session: ClientSession) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    assert await peer.post(*['42["count"]'] * (BATCH_MAX_PACKETS + 1)) == 413
    assert hub.handler.log == []


async def test_a_packet_of_too_many_values_is_refused_in_its_ack(hub: Hub, session: ClientSession) -> None:
    peer = await connect_websocket(session, hub)
    packet = '427["crowd",[' + "[]," * JSON_PLACES_MAX + "0]]"
    assert len(packet) < PAYLOAD_LIMIT_BYTES
    await peer.ws.send_str(packet)
    ack = await peer.ack("7")
    assert (ack["ok"], ack["error"]["code"]) == (False, "invalid_argument"), json.dumps(ack)
    assert hub.handler.log == []
