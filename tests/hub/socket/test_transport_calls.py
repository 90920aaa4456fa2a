"""Calls and acks over real sockets: order, one at a time, and never silence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import ClientSession
from patience import HANG_S
from socket_peers import (
    Hub,
    PollingPeer,
    ServerFactory,
    WebSocketPeer,
    connect_websocket,
    eventually,
    open_websocket,
    start_hub,
    stays,
)

from hub.socket import frames
from hub.socket.connection import Connection
from hub.socket.transport import Ack
from models.errors import Forbidden, InvalidArgument, Unauthenticated

pytestmark = pytest.mark.usefixtures("hurried")


@pytest.fixture
async def peer(hub: Hub, session: ClientSession) -> WebSocketPeer:
    return await connect_websocket(session, hub)


async def test_any_call_with_any_arguments_reaches_the_handler_and_is_acknowledged(peer: WebSocketPeer) -> None:
    assert await peer.call("no_such_call") == {"ok": True, "name": "no_such_call", "args": []}
    assert (await peer.call("x", 1, None, {"a": [2]}))["args"] == [1, None, {"a": [2]}]


async def test_calls_of_one_connection_run_one_at_a_time_and_are_answered_in_order(
    hub: Hub, peer: WebSocketPeer
) -> None:
    running = 0

    async def slow_then_fast(connection: Connection, args: list[object]) -> Ack:
        nonlocal running
        running += 1
        assert running == 1
        for _ in range(10 - int(str(args[0])) % 10):
            await asyncio.sleep(0)
        running -= 1
        return Ack({"n": args[0]})

    hub.handler.calls["n"] = slow_then_fast
    for n in range(50):
        await peer.ws.send_str(f'42{n}["n",{n}]')
    assert [(await peer.ack(str(n)))["n"] for n in range(50)] == list(range(50))


async def test_a_slow_call_of_one_connection_delays_no_other(hub: Hub, session: ClientSession) -> None:
    gate = asyncio.Event()

    async def wait(connection: Connection, args: list[object]) -> Ack:
        await gate.wait()
        return Ack({})

    hub.handler.calls["wait"] = wait
    slow, quick = await connect_websocket(session, hub), await connect_websocket(session, hub)
    await slow.ws.send_str('421["wait"]')
    await eventually(lambda: "wait" in hub.handler.log)
    assert (await quick.call("x"))["ok"]
    gate.set()
    assert await slow.ack("1") == {"ok": True}


async def test_what_follows_the_ack_follows_it_with_nothing_in_between(hub: Hub, peer: WebSocketPeer) -> None:
    async def join(connection: Connection, args: list[object]) -> Ack:
        connection.emit("before", 1)
        return Ack({"joined": True}, then=lambda: connection.emit("live", 2))

    hub.handler.calls["join"] = join
    await peer.ws.send_str('427["join"]')
    assert await peer.event() == ["before", 1]
    assert (await peer.ack("7"))["joined"] is True
    assert await peer.event() == ["live", 2]


async def test_acks_events_and_pings_leave_in_the_order_they_were_put(hub: Hub, peer: WebSocketPeer) -> None:
    connection = hub.only

    async def mixed(connection: Connection, args: list[object]) -> Ack:
        connection.emit("a", 1)
        connection.outbox.put(frames.PING)
        return Ack({}, then=lambda: connection.emit("b", 2))

    hub.handler.calls["mixed"] = mixed
    await peer.ws.send_str('421["mixed"]')
    got = [(await peer.ws.receive_str(timeout=HANG_S)) for _ in range(4)]
    assert got == ['42["a",1]', "2", '431[{"ok":true}]', '42["b",2]']
    assert connection.outbox.backlog_bytes == 0


async def test_a_call_without_an_ack_id_is_handled_and_not_answered(hub: Hub, peer: WebSocketPeer) -> None:
    await peer.ws.send_str('42["quiet"]')
    assert (await peer.call("x"))["name"] == "x"
    assert hub.handler.log == ["quiet", "x"]


async def test_a_handlers_error_is_the_acks_error(hub: Hub, peer: WebSocketPeer) -> None:
    async def refuse(connection: Connection, args: list[object]) -> Ack:
        raise InvalidArgument("No", field="sessionId")

    hub.handler.calls["refuse"] = refuse
    error = {"code": "invalid_argument", "message": "No", "retryable": False, "details": {"field": "sessionId"}}
    assert await peer.call("refuse") == {"ok": False, "error": error}


async def test_a_raising_handler_is_answered_without_details(hub: Hub, peer: WebSocketPeer) -> None:
    async def crash(connection: Connection, args: list[object]) -> Ack:
        raise RuntimeError("secret")

    hub.handler.calls["crash"] = crash
    error = {"code": "internal_error", "message": "Internal error", "retryable": False, "details": {}}
    assert await peer.call("crash") == {"ok": False, "error": error}
    assert (await peer.call("x"))["ok"]


async def test_an_ack_that_is_not_json_is_an_internal_error(hub: Hub, peer: WebSocketPeer) -> None:
    async def odd(connection: Connection, args: list[object]) -> Ack:
        return Ack({"text": "\ud800"})

    hub.handler.calls["odd"] = odd
    assert (await peer.call("odd"))["error"]["code"] == "internal_error"


async def test_when_what_follows_the_ack_fails_the_client_is_told_to_start_over(hub: Hub, peer: WebSocketPeer) -> None:
    def fail() -> None:
        raise RuntimeError("not live")

    async def join(connection: Connection, args: list[object]) -> Ack:
        return Ack({}, then=fail)

    hub.handler.calls["join"] = join
    assert (await peer.call("join"))["ok"]
    assert (await peer.event())[1] == {"code": "internal_error", "retryable": True, "reason": "Internal error"}
    assert await peer.closed() == 1013


async def test_what_is_sent_while_connecting_follows_the_connect_packet(hub: Hub, session: ClientSession) -> None:
    peer = await open_websocket(session, hub)
    stock = hub.handler.on_connect

    async def greet(connection: Connection, auth: object) -> None:
        connection.emit("user_state", {"version": 1})
        await stock(connection, auth)

    hub.handler.on_connect = greet  # type: ignore[method-assign]
    assert (await peer.connect({"token": "t"})).startswith("40{")
    assert await peer.event() == ["user_state", {"version": 1}]
    assert hub.handler.auths == [{"token": "t"}]
    assert hub.only.principal == {"token": "t"}


async def test_the_connection_knows_the_real_peer_and_hides_the_transports_key(
    hub: Hub, session: ClientSession
) -> None:
    peer = await open_websocket(session, hub)
    sid = json.loads((await peer.connect())[2:])["sid"]
    assert hub.only.request.remote == "127.0.0.1"
    assert hub.only.sid == sid != peer.opened["sid"]


async def test_a_refusal_for_good_is_a_connect_error_with_its_data(hub: Hub, session: ClientSession) -> None:
    hub.handler.refuse = Unauthenticated(hint="token")
    peer = await open_websocket(session, hub)
    packet = await peer.connect()
    data = {
        "code": "unauthenticated",
        "message": "A valid token is required",
        "retryable": False,
        "details": {"hint": "token"},
    }
    assert packet.startswith("44{")
    assert json.loads(packet[2:]) == {"message": data["message"], "data": data}
    assert hub.handler.reasons == []


async def connector(session: ClientSession, hub: Hub, transport: str) -> Callable[[object], Awaitable[str]]:
    """Connects again and again over one transport; the answer."""
    if transport == "websocket":
        return (await open_websocket(session, hub)).connect
    peer = PollingPeer(session, hub)
    await peer.open()

    async def connect(auth: object) -> str:
        assert await peer.post("40" + json.dumps(auth)) == 200
        return (await peer.packets(1))[0]

    return connect


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_after_a_refusal_the_transport_stays_for_another_try_and_is_cut_like_one_that_never_tried(
    aiohttp_server: ServerFactory, session: ClientSession, transport: str
) -> None:
    """Clients of version 3, and others, take the close of the transport for a reason to come back, for ever."""
    hub = await start_hub(aiohttp_server)
    now = hub.engine.clock()
    hub.engine.clock = lambda: now
    hub.handler.refuse = Unauthenticated()
    connect = await connector(session, hub, transport)
    for _ in range(2):
        assert (await connect({"token": "wrong"})).startswith("44{")
    now += hub.engine.connect_timeout - 1
    await hub.engine.sweep()
    hub.handler.refuse = None
    assert (await connect({"token": "right"})).startswith("40{")
    now += 2
    await hub.engine.sweep()
    assert [connection.principal for connection in hub.handler.connections] == [{"token": "right"}]
    assert len(hub.engine.live) == 1

    hub.handler.refuse = Unauthenticated()
    other = await open_websocket(session, hub)
    assert (await other.connect()).startswith("44{")
    now += hub.engine.connect_timeout + 1
    await hub.engine.sweep()
    assert await other.closed() is not None


async def test_leaving_a_namespace_that_nobody_is_in_ends_nothing(hub: Hub, session: ClientSession) -> None:
    peer = await connect_websocket(session, hub)
    for packet in ("41/other,", "41/other", "41/other?a=1,", '41/other,["x"]'):
        await peer.ws.send_str(packet)
    assert (await peer.call("x"))["ok"]
    assert hub.handler.reasons == []


async def test_who_leaves_may_connect_again_over_the_same_transport_and_is_somebody_new(
    hub: Hub, session: ClientSession
) -> None:
    peer = await open_websocket(session, hub)
    await peer.ws.send_str("41")  # of somebody who is not there
    for _ in range(2):
        assert (await peer.connect()).startswith("40{")
        assert (await peer.call("x"))["ok"]
        old = hub.only
        await peer.ws.send_str("41")
        await eventually(lambda: not hub.transport.connections)
        old.emit("too", "late")
        await peer.ws.send_str('427["x"]')
        assert (await peer.ack("7"))["error"]["code"] == "not_connected"
    assert len({connection.sid for connection in hub.handler.connections}) == 2
    await peer.ws.close()
    await eventually(lambda: not hub.engine.live)
    assert hub.handler.reasons == ["client disconnect"] * 2


async def test_a_failing_connect_handler_refuses(hub: Hub, session: ClientSession) -> None:
    hub.handler.refuse = RuntimeError("secret")
    peer = await open_websocket(session, hub)
    assert json.loads((await peer.connect())[2:])["data"]["code"] == "internal_error"


async def test_an_unadmitted_handshake_gets_the_errors_status(hub: Hub, session: ClientSession) -> None:
    hub.handler.refuse_http = Forbidden("Wrong origin")
    for transport in ("polling", "websocket"):
        headers = {"Upgrade": "websocket", "Connection": "Upgrade"} if transport == "websocket" else {}
        url = f"{hub.url}/socket.io/?EIO=4&transport={transport}"
        async with session.get(url, headers=headers) as response:
            assert response.status == 403
            assert (await response.json())["code"] == "forbidden"


async def test_beyond_the_connection_limit_handshakes_are_told_to_come_back(
    aiohttp_server: ServerFactory, session: ClientSession
) -> None:
    hub = await start_hub(aiohttp_server, max_connections=1)
    peer = await connect_websocket(session, hub)
    async with session.get(f"{hub.url}/socket.io/?EIO=4&transport=polling") as response:
        assert response.status == 503
        assert (await response.json())["code"] == "too_many_connections"
        assert "Retry-After" in response.headers
    await peer.ws.close()
    await eventually(lambda: not hub.transport.connections)
    await PollingPeer(session, hub).open()


async def test_leaving_is_reported_once_with_its_reason(hub: Hub, session: ClientSession) -> None:
    peer = await connect_websocket(session, hub)
    await peer.ws.send_str("41")
    await peer.ws.close()
    await eventually(lambda: bool(hub.handler.reasons))
    cut = await connect_websocket(session, hub)
    assert cut.ws._response.connection is not None
    assert cut.ws._response.connection.transport is not None
    cut.ws._response.connection.transport.abort()
    await eventually(lambda: len(hub.handler.reasons) == 2)
    assert hub.handler.reasons == ["client disconnect", "transport close"]
    assert not hub.transport.connections


async def test_a_connection_that_went_during_a_call_is_reported_after_the_call(
    hub: Hub, session: ClientSession
) -> None:
    gate = asyncio.Event()

    async def wait(connection: Connection, args: list[object]) -> Ack:
        try:
            await gate.wait()
        finally:  # the test server cancels the handlers of a lost connection, a plain one does not
            hub.handler.log.append("done")
        return Ack({}, then=lambda: connection.emit("late", 1))

    hub.handler.calls["wait"] = wait
    peer = await connect_websocket(session, hub)
    await peer.ws.send_str('421["wait"]')
    await eventually(lambda: "wait" in hub.handler.log)
    hub.only.abort()
    assert hub.handler.reasons == []
    gate.set()
    await eventually(lambda: bool(hub.handler.reasons))
    assert hub.handler.log == ["wait", "done"]


async def test_sending_to_a_closed_connection_does_nothing(hub: Hub, peer: WebSocketPeer) -> None:
    connection = hub.only
    connection.abort()
    assert connection.closed
    connection.emit("late", {})
    await connection.goodbye("late", "late", retryable=True)
    assert connection.outbox.backlog_bytes == 0


async def test_a_client_that_never_connects_is_dropped(aiohttp_server: ServerFactory, session: ClientSession) -> None:
    hub = await start_hub(aiohttp_server, ping_interval_s=0.2, ping_timeout_s=0.2)
    peer = await open_websocket(session, hub)
    with pytest.raises(ConnectionError):
        await peer.packet()


async def test_a_client_that_answers_no_ping_is_cut_and_one_that_does_is_kept(
    aiohttp_server: ServerFactory, session: ClientSession
) -> None:
    hub = await start_hub(aiohttp_server, ping_interval_s=0.2, ping_timeout_s=0.2)
    alive = await connect_websocket(session, hub)
    dead = await connect_websocket(session, hub, answers_pings=False)
    pump = asyncio.ensure_future(alive.packet())
    with pytest.raises(ConnectionError):
        await dead.packet()
    await eventually(lambda: hub.handler.reasons == ["ping timeout"])
    assert len(hub.transport.connections) == 1
    assert not pump.done()
    pump.cancel()


async def test_a_long_call_is_no_reason_for_a_ping_timeout(
    aiohttp_server: ServerFactory, session: ClientSession
) -> None:
    hub = await start_hub(aiohttp_server, ping_interval_s=0.1, ping_timeout_s=0.1)

    async def long(connection: Connection, args: list[object]) -> Ack:
        await stays(lambda: not connection.closed, for_s=0.6)
        return Ack({})

    hub.handler.calls["long"] = long
    peer = await connect_websocket(session, hub)
    assert await peer.call("long") == {"ok": True}


async def test_a_failing_disconnect_handler_leaves_no_trace_of_the_connection(
    hub: Hub, session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: Connection, reason: str) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(hub.handler, "on_disconnect", fail)
    peer = await connect_websocket(session, hub)
    await peer.ws.close()
    await eventually(lambda: not hub.transport.connections and not hub.engine.live)
