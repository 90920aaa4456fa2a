"""I7: one client, however slow, costs bounded memory and delays nobody."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession
from patience import HANG_S
from socket_peers import Hub, PollingPeer, ServerFactory, connect_websocket, eventually, start_hub, stays

from hub.socket import frames, kernel
from hub.socket.backlog import HIGH_WATER_BYTES, LOW_WATER_BYTES, OVERFLOW_BYTES
from hub.socket.connection import Connection
from hub.socket.engine_socket import HubSocket
from hub.socket.transport import Ack

BLOCK = frames.event_frame("block", "x" * 10_000)

pytestmark = pytest.mark.usefixtures("hurried")


async def fill(connection: Connection) -> int:
    """Feed until the high-water mark, as the hub does, and again until the kernel takes no more; how many blocks."""
    sent = 0

    def full() -> bool:
        return connection.outbox.over_high_water

    async with asyncio.timeout(HANG_S):
        while not full():
            while not full():
                connection.send(BLOCK)
                sent += 1
            await asyncio.sleep(0.05)
    return sent


async def test_a_reader_that_takes_nothing_is_let_go_and_the_others_notice_nothing_I7(
    aiohttp_server: ServerFactory, session: ClientSession
) -> None:
    let_go: list[str] = []
    hub = await start_hub(aiohttp_server, stall_timeout_s=0.5, on_let_go=let_go.append)
    _peer = await connect_websocket(session, hub)
    frozen = hub.only
    quick = await connect_websocket(session, hub)
    await fill(frozen)
    answered = 0
    async with asyncio.timeout(HANG_S):
        while not hub.handler.reasons:
            assert (await quick.call("x"))["ok"]
            answered += 1
            await asyncio.sleep(0.01)
    assert hub.handler.reasons == let_go == ["slow_consumer"]
    assert frozen.closed
    assert answered > 5  # had it waited for the frozen one, it would have been answered once
    assert len(hub.transport.connections) == 1


class Watch:
    """A clock that a test moves, for the engine of a hub."""

    def __init__(self, hub: Hub) -> None:
        self.now = hub.engine.clock()
        self.engine = hub.engine
        hub.engine.clock = lambda: self.now

    async def second(self) -> None:
        self.now += 1
        await self.engine.sweep()


@asynccontextmanager
async def narrow(hub: Hub, sent: str) -> AsyncIterator[socket.socket]:
    """A connection with next to no room at its end, so that what is acknowledged was read."""
    loop = asyncio.get_running_loop()
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.setblocking(False)
        await loop.sock_connect(peer, ("127.0.0.1", hub.server.port))
        await loop.sock_sendall(peer, sent.encode())
        yield peer


async def read(peer: socket.socket, count: int) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(HANG_S):
        while count:
            count -= len(await loop.sock_recv(peer, count))


UPGRADE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
MASKED_CONNECT = "\x81\x82\0\0\0\x0040"


async def test_a_reader_of_4_kb_a_second_is_kept_and_one_that_stops_is_cut_after_ten_seconds(
    aiohttp_server: ServerFactory,
) -> None:
    """PROTOCOL §5: "takes nothing for 10 s". The kernel makes room in steps of 80 KB and more: 20 seconds of this."""
    hub = await start_hub(aiohttp_server, ping_interval_s=25, ping_timeout_s=20)
    loop = asyncio.get_running_loop()
    async with narrow(hub, UPGRADE) as peer:
        await read(peer, 200)
        await loop.sock_sendall(peer, MASKED_CONNECT.encode("latin-1"))
        await eventually(lambda: len(hub.transport.connections) == 1)
        connection = hub.only
        await fill(connection)
        watch = Watch(hub)
        for _ in range(40):
            await read(peer, 4096)
            await watch.second()
        assert not connection.closed
        for _ in range(9):
            await watch.second()
        assert not hub.handler.reasons
        for _ in range(3):
            await watch.second()
        await eventually(lambda: hub.handler.reasons == ["slow_consumer"])


async def test_a_poll_whose_answer_is_taken_slowly_is_taken(
    aiohttp_server: ServerFactory, session: ClientSession
) -> None:
    """What waits for the next poll, and a ping behind it, can't be fetched before this one is through."""
    hub = await start_hub(aiohttp_server, ping_interval_s=25, ping_timeout_s=20)
    polling = PollingPeer(session, hub)
    await polling.connect()
    connection = hub.only
    await fill(connection)
    poll = f"GET /socket.io/?EIO=4&transport=polling&sid={polling.sid} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with narrow(hub, poll) as peer:
        await eventually(lambda: not connection.outbox.backlog_bytes)
        await fill(connection)
        watch = Watch(hub)
        for _ in range(40):
            await read(peer, 4096)
            await watch.second()
        assert not connection.closed
        for _ in range(12):
            await watch.second()
        await eventually(lambda: hub.handler.reasons == ["slow_consumer"])


async def test_without_a_kernel_that_tells_only_what_it_takes_counts(
    aiohttp_server: ServerFactory, session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = await start_hub(aiohttp_server)
    _peer = await connect_websocket(session, hub)
    transport = hub.only.outbox._transport
    await fill(hub.only)
    assert kernel.unacknowledged_bytes(transport) > 0
    monkeypatch.setattr("hub.socket.kernel.fcntl", None)
    assert kernel.unacknowledged_bytes(transport) == kernel.unacknowledged_bytes(None) == 0
    assert hub.only.outbox.untaken_bytes == hub.only.outbox.backlog_bytes > 0


async def test_what_a_unix_socket_holds_is_known_and_of_a_closed_one_nothing() -> None:
    near, far = socket.socketpair(socket.AF_UNIX)
    far.setblocking(False)
    near.setblocking(False)
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=near)
    transport.write(b"x" * 5000)
    assert kernel.unacknowledged_bytes(transport) > 0
    far.recv(5000)
    assert kernel.unacknowledged_bytes(transport) == 0
    transport.abort()
    await asyncio.sleep(0)
    assert kernel.unacknowledged_bytes(transport) == 0
    far.close()


async def test_a_polling_client_that_fetches_nothing_is_let_go_too_I7(
    aiohttp_server: ServerFactory, session: ClientSession
) -> None:
    let_go: list[str] = []
    hub = await start_hub(aiohttp_server, stall_timeout_s=0.3, on_let_go=let_go.append)
    peer = PollingPeer(session, hub)
    await peer.connect()
    await fill(hub.only)
    await eventually(lambda: hub.handler.reasons == ["slow_consumer"])
    assert let_go == ["slow_consumer"]
    with pytest.raises(ConnectionError):
        await peer.poll()


async def test_a_slow_reader_that_keeps_reading_is_kept(aiohttp_server: ServerFactory, session: ClientSession) -> None:
    hub = await start_hub(aiohttp_server, stall_timeout_s=0.5)
    peer = PollingPeer(session, hub)
    await peer.connect()
    connection = hub.only
    for _ in range(4):
        await fill(connection)
        await stays(lambda: not connection.closed, for_s=0.3)
        await peer.poll()
    assert not connection.closed


async def test_drained_returns_when_a_slow_reader_has_caught_up(
    aiohttp_server: ServerFactory, session: ClientSession
) -> None:
    hub = await start_hub(aiohttp_server)
    peer = await connect_websocket(session, hub)
    connection = hub.only
    sent = await fill(connection)
    waiting = asyncio.ensure_future(connection.outbox.drained())
    await stays(lambda: not waiting.done())
    for _ in range(sent):
        await peer.event()
    await asyncio.wait_for(waiting, HANG_S)
    assert connection.outbox.backlog_bytes <= LOW_WATER_BYTES


async def test_calls_are_not_read_while_the_outbox_is_over_the_high_water(
    aiohttp_server: ServerFactory, session: ClientSession
) -> None:
    hub = await start_hub(aiohttp_server)

    async def big(connection: Connection, args: list[object]) -> Ack:
        return Ack({"fill": "x" * 600_000})

    hub.handler.calls["big"] = big
    peer = await connect_websocket(session, hub)
    for n in range(100):
        await peer.ws.send_str(f'42{n}["big"]')
    connection = hub.only
    await eventually(lambda: connection.outbox.over_high_water)
    await stays(lambda: len(hub.handler.log) < 50, for_s=0.1)
    assert connection.outbox.backlog_bytes <= HIGH_WATER_BYTES + 700_000
    for n in range(100):
        assert (await peer.ack(str(n)))["ok"]


async def test_feeding_regardless_of_the_high_water_has_an_end(
    aiohttp_server: ServerFactory, session: ClientSession
) -> None:
    hub = await start_hub(aiohttp_server)
    _peer = await connect_websocket(session, hub)
    connection = hub.only
    highest = 0
    for _ in range(1000):
        connection.send(BLOCK)
        highest = max(highest, connection.outbox.backlog_bytes)
    assert connection.closed
    assert highest <= OVERFLOW_BYTES + len(BLOCK.ws)
    await eventually(lambda: hub.handler.reasons == ["slow_consumer"])


async def test_the_kernel_keeps_little_for_a_reader_that_never_reads(
    aiohttp_server: ServerFactory, session: ClientSession
) -> None:
    hub = await start_hub(aiohttp_server)
    _peer = await connect_websocket(session, hub)
    raw = hub.only.outbox._transport
    assert raw is not None
    assert raw.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * 128 * 1024


async def test_messages_are_not_compressed(aiohttp_server: ServerFactory, session: ClientSession) -> None:
    hub = await start_hub(aiohttp_server)
    url = f"{hub.url}/socket.io/?EIO=4&transport=websocket"
    async with session.ws_connect(url, compress=15) as ws:
        assert json.loads((await ws.receive_str(timeout=HANG_S))[1:])["maxPayload"] == 2_000_000
        assert ws.compress == 0


async def test_a_fault_in_one_session_does_not_stop_the_sweep(
    aiohttp_server: ServerFactory, session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = await start_hub(aiohttp_server, ping_interval_s=0.2, ping_timeout_s=0.2)
    _peer = await connect_websocket(session, hub, answers_pings=False)
    stock, broken = HubSocket.check, await connect_websocket(session, hub)

    def check(self: HubSocket, now: float) -> None:
        if self.sid == broken.opened["sid"]:
            raise RuntimeError("broken")
        stock(self, now)

    monkeypatch.setattr(HubSocket, "check", check)
    await eventually(lambda: hub.handler.reasons == ["ping timeout"])
