"""What a broken or hostile client sends: never a crash, never silence, never a stuck connection."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import ClientSession
from socket_peers import (
    Hub,
    PollingPeer,
    WebSocketPeer,
    connect_websocket,
    eventually,
    open_websocket,
)

from hub.socket import packets
from hub.socket.packets import MalformedPacket
from hub.socket.server import PAYLOAD_LIMIT_BYTES

pytestmark = pytest.mark.usefixtures("hurried")


@pytest.fixture
async def peer(hub: Hub, session: ClientSession) -> WebSocketPeer:
    return await connect_websocket(session, hub)


DEEP = "[" * 100_000 + "]" * 100_000

ANSWERED = {
    "bad json": ("427[", "7", "malformed_packet"),
    "no data": ("427", "7", "malformed_packet"),
    "empty array": ("427[]", "7", "malformed_packet"),
    "an object": ('427{"a":1}', "7", "malformed_packet"),
    "name is a number": ("427[1]", "7", "malformed_packet"),
    "name is null": ("427[null]", "7", "malformed_packet"),
    "lone surrogate": (r'427["x","\ud800"]', "7", "malformed_packet"),
    "not a number": ('427["x",NaN]', "7", "malformed_packet"),
    "depth bomb": (f'427["x",{DEEP}]', "7", "malformed_packet"),
    "trailing": ('427["x"]]', "7", "malformed_packet"),
    "twenty digits": ("4299999999999999999999[", "99999999999999999999", "malformed_packet"),
    "leading zeros": ("42007[", "007", "malformed_packet"),
    "binary event": ('451-7["x",{"_placeholder":true,"num":0}]', "7", "binary_not_supported"),
    "binary event without binary": ('450-7["x"]', "7", "binary_not_supported"),
    "wrong namespace": ('42/admin,7["x"]', "/admin,7", "unknown_namespace"),
    "wrong namespace with query": ('42/admin?a=1,7["x"]', "/admin,7", "unknown_namespace"),
}

DISMISSED = {
    "bad json": ("42[", "malformed_packet"),
    "no json": ("42", "malformed_packet"),
    "no type": ("4", "malformed_packet"),
    "letter type": ("4x", "malformed_packet"),
    "unknown type": ("49", "malformed_packet"),
    "digit that is no digit": ("4\u00b2", "malformed_packet"),
    "connect error from a client": ('44{"message":"x"}', "malformed_packet"),
    "connect twice": ("40", "malformed_packet"),
    "huge ack id": ("42" + "9" * 5000 + '["x"]', "malformed_packet"),
    "namespace without end": ("42/" + "a" * 5000, "malformed_packet"),
    "wrong namespace": ('42/admin,["x"]', "unknown_namespace"),
    "namespace beyond ASCII": ('42/\u00e4dmin,7["x"]', "malformed_packet"),
    "binary event": ('451-["x",{"_placeholder":true,"num":0}]', "binary_not_supported"),
    "binary ack": ("461-7[]", "binary_not_supported"),
    "too many attachments": ('4599999999999-["x"]', "malformed_packet"),
    "empty": ("", "malformed_packet"),
    "engine open": ("0{}", "malformed_packet"),
    "engine ping": ("2", "malformed_packet"),
    "engine unknown": ("9", "malformed_packet"),
    "engine text": ("hello", "malformed_packet"),
}


@pytest.mark.parametrize("case", ANSWERED)
async def test_a_bad_packet_with_an_ack_id_is_answered_and_the_connection_goes_on(
    peer: WebSocketPeer, case: str
) -> None:
    packet, ack_id, code = ANSWERED[case]
    await peer.ws.send_str(packet)
    namespace, _, number = ack_id.rpartition(",")
    ack = await peer.ack(number, namespace=namespace and f"{namespace},")
    assert (ack["ok"], ack["error"]["code"], ack["error"]["retryable"]) == (False, code, False)
    assert (await peer.call("x"))["ok"]


@pytest.mark.parametrize("case", DISMISSED)
async def test_a_bad_packet_without_an_ack_id_gets_goodbye_and_a_close(
    hub: Hub, peer: WebSocketPeer, case: str
) -> None:
    packet, code = DISMISSED[case]
    await peer.ws.send_str(packet)
    name, data = await peer.event()
    assert (name, data["code"], data["retryable"]) == ("goodbye", code, False)
    assert await peer.packet() == "41"
    assert await peer.closed() == 1008
    assert hub.handler.log == []


NOT_ENGINE_IO = {"empty", "engine open", "engine ping", "engine unknown", "engine text"}


@pytest.mark.parametrize("case", sorted(NOT_ENGINE_IO))
async def test_a_post_that_is_not_engine_io_is_refused_whole_and_ends_the_session(
    hub: Hub, session: ClientSession, case: str
) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    waiting = asyncio.ensure_future(peer.poll())
    await eventually(lambda: hub.engine.live[peer.sid].is_polled)
    assert await peer.post('421["x"]', DISMISSED[case][0]) == 400
    assert await waiting == ["1"]
    assert hub.handler.reasons == ["transport error"]
    assert hub.handler.log == []


@pytest.mark.parametrize("case", sorted(DISMISSED.keys() - {"connect twice"} - NOT_ENGINE_IO))
async def test_a_bad_packet_by_polling_gets_goodbye_too(hub: Hub, session: ClientSession, case: str) -> None:
    packet, code = DISMISSED[case]
    peer = PollingPeer(session, hub)
    await peer.connect()
    assert await peer.post(packet) == 200
    goodbye, disconnect = await peer.packets(2)
    assert json.loads(goodbye[2:])[1]["code"] == code
    assert disconnect == "41"
    with pytest.raises(ConnectionError):
        await peer.poll()


@pytest.mark.parametrize("case", ["bad json", "binary event", "wrong namespace"])
async def test_a_bad_packet_with_an_ack_id_is_answered_by_polling_too(
    hub: Hub, session: ClientSession, case: str
) -> None:
    packet, ack_id, code = ANSWERED[case]
    peer = PollingPeer(session, hub)
    await peer.connect()
    await peer.post(packet, '429["x"]')
    refused, answered = await peer.packets(2)
    assert refused.startswith(f"43{ack_id}[")
    assert code in refused
    assert answered.startswith("439[")


async def test_a_raw_binary_frame_is_refused(peer: WebSocketPeer) -> None:
    await peer.ws.send_bytes(b"x" * 1000)
    assert (await peer.event())[1]["code"] == "binary_not_supported"
    assert await peer.packet() == "41"
    assert await peer.closed() == 1008


async def test_a_base64_packet_by_polling_is_refused(hub: Hub, session: ClientSession) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    await peer.post("bAAAA")
    assert "binary_not_supported" in (await peer.packets(1))[0]


async def test_the_attachments_of_a_refused_event_are_dropped_and_no_more(peer: WebSocketPeer) -> None:
    await peer.ws.send_str('452-7["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]')
    await peer.ws.send_bytes(b"one")
    await peer.ws.send_bytes(b"two")
    assert (await peer.ack("7"))["error"]["code"] == "binary_not_supported"
    assert (await peer.call("x"))["ok"]
    await peer.ws.send_bytes(b"three")
    assert (await peer.event())[1]["code"] == "binary_not_supported"


async def test_a_text_packet_ends_the_wait_for_attachments(peer: WebSocketPeer) -> None:
    await peer.ws.send_str('451-7["x",{"_placeholder":true,"num":0}]')
    await peer.ack("7")
    assert (await peer.call("x"))["ok"]
    await peer.ws.send_bytes(b"late")
    assert (await peer.event())[1]["code"] == "binary_not_supported"


async def test_an_event_before_connect_is_answered_or_dismissed(hub: Hub, session: ClientSession) -> None:
    peer = await open_websocket(session, hub)
    await peer.ws.send_str('427["x"]')
    assert (await peer.ack("7"))["error"]["code"] == "not_connected"
    await peer.ws.send_str('42["x"]')
    assert (await peer.event())[1]["code"] == "not_connected"
    assert await peer.packet() == "41"
    assert await peer.closed() == 1008


async def test_connecting_to_another_namespace_is_refused_and_the_default_one_still_works(
    hub: Hub, session: ClientSession
) -> None:
    peer = await open_websocket(session, hub)
    await peer.ws.send_str("40/admin,")
    refusal = await peer.packet()
    assert refusal.startswith("44/admin,{")
    assert json.loads(refusal[9:])["data"]["code"] == "unknown_namespace"
    assert (await peer.connect()).startswith("40{")


async def test_auth_that_is_not_json_is_dismissed(hub: Hub, session: ClientSession) -> None:
    peer = await open_websocket(session, hub)
    await peer.ws.send_str("40{bad")
    assert (await peer.event())[1]["code"] == "malformed_packet"


async def test_acks_and_noops_from_a_client_mean_nothing(peer: WebSocketPeer) -> None:
    for packet in ('431["x"]', "6", "5", "3", "3probe"):
        await peer.ws.send_str(packet)
    assert (await peer.call("x"))["ok"]


async def test_text_that_is_not_utf8_closes_with_1007(hub: Hub, peer: WebSocketPeer) -> None:
    await peer.ws.send_frame(b'427["x","\xff"]', 1)  # type: ignore[arg-type]
    assert await peer.closed() == 1007
    await eventually(lambda: hub.handler.reasons == ["text that is not UTF-8"])
    assert hub.handler.log == []


async def test_a_payload_over_the_limit_is_answered_in_the_ack(peer: WebSocketPeer) -> None:
    head = '27["x","'
    fits = head + "x" * (PAYLOAD_LIMIT_BYTES - len(head) - 2) + '"]'
    await peer.ws.send_str("4" + fits)
    assert (await peer.ack("7"))["ok"]
    await peer.ws.send_str("4" + fits[:-2] + 'x"]')
    error = (await peer.ack("7"))["error"]
    assert error["code"] == "payload_too_large"
    assert error["details"] == {"limit": PAYLOAD_LIMIT_BYTES, "size": PAYLOAD_LIMIT_BYTES + 1}
    assert (await peer.call("x"))["ok"]


async def test_a_payload_over_the_limit_by_polling_is_answered_in_the_ack(hub: Hub, session: ClientSession) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    assert await peer.post('427["x","' + "x" * 1_500_000 + '"]') == 200
    assert "payload_too_large" in (await peer.packets(1))[0]


async def test_a_frame_over_the_transport_limit_closes_with_1009(hub: Hub, peer: WebSocketPeer) -> None:
    await peer.ws.send_str('427["x","' + "x" * 2_000_000 + '"]')
    assert await peer.closed() == 1009


async def test_a_post_over_the_transport_limit_ends_the_session(hub: Hub, session: ClientSession) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    assert await peer.post('427["x","' + "x" * 2_000_000 + '"]') == 413
    with pytest.raises(ConnectionError):
        await peer.poll()


async def test_a_flood_of_bad_packets_is_answered_within_bounds(hub: Hub, session: ClientSession) -> None:
    peer = await connect_websocket(session, hub)
    flood = 20_000

    async def send() -> None:
        for n in range(flood):
            await peer.ws.send_str(f"42{n}[")

    sending = asyncio.ensure_future(send())
    for n in range(flood):
        assert (await peer.ack(str(n)))["ok"] is False
    await sending


@pytest.mark.parametrize("junk", [b"", b"x", b"-", b"5-", b"2/", b"\xff", b"2" + b"1" * 21])
def test_a_head_that_cannot_be_read_is_malformed(junk: bytes) -> None:
    if junk == b"2/":
        assert packets.read_head(junk).namespace == b"/"
        return
    with pytest.raises(MalformedPacket):
        packets.read_head(junk)
