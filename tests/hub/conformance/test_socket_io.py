"""What the public suite of the Socket.IO protocol, version 5, checks, in cases of our own against a whole server, by
polling and by WebSocket alike."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from deliberate import DIFFERENCES, differs, parley
from patience import HANG_S
from raw_clients import RawClient, TransportName, open_client
from raw_websocket import BINARY, FIN, frame, raw_websocket

pytestmark = pytest.mark.usefixtures("hurried")


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with parley() as served:
        yield served.port


@pytest.fixture(params=["polling", "websocket"])
def transport(request: pytest.FixtureRequest) -> TransportName:
    name: TransportName = request.param
    return name


@pytest.fixture
async def client(port: int, stack: AsyncExitStack, transport: TransportName) -> RawClient:
    return await open_client(stack, port, transport)


async def connect(client: RawClient) -> None:
    await client.send("40")
    for start in ("40{", '42["user_state",'):
        assert (await client.receive()).startswith(start)


async def goodbye(client: RawClient) -> str:
    """Its code; the session has ended after it."""
    packet = await client.receive()
    assert packet.startswith('42["goodbye",'), packet
    assert await client.receive() == "41"
    await client.ended()
    code: str = json.loads(packet[2:])[1]["code"]
    return code


def ack_of(packet: str, ack_id: str) -> dict[str, Any]:
    head = f"43{ack_id}["
    assert packet.startswith(head), packet
    ack: dict[str, Any] = json.loads(packet[len(head) - 1 :])[0]
    return ack


@pytest.mark.parametrize("payload", ["", '{"token":"123"}', "{}"])
async def test_connecting_to_the_main_namespace_is_answered_with_an_id(client: RawClient, payload: str) -> None:
    await client.send("40" + payload)
    packet = await client.receive()
    assert packet.startswith("40{")
    told = json.loads(packet[2:])
    assert told.keys() == {"sid"}
    assert isinstance(told["sid"], str)
    assert told["sid"] != client.opened["sid"]


@differs("Only the default namespace exists.")
@pytest.mark.parametrize("packet", ["40/custom,", '40/custom,{"token":"abc"}', "40/random"])
async def test_connecting_to_another_namespace_is_refused_and_the_session_goes_on(
    client: RawClient, packet: str
) -> None:
    await client.send(packet)
    name = packet[2:].partition(",")[0]
    refusal = await client.receive()
    assert refusal.startswith(f"44{name},{{")
    told = json.loads(refusal.partition(",")[2])
    assert told["message"] == told["data"]["message"]
    assert told["data"]["code"] == "unknown_namespace"
    await connect(client)


@differs("A goodbye comes before the close.")
async def test_a_first_packet_that_is_none_ends_the_session(client: RawClient) -> None:
    await client.send("4abc")
    assert await goodbye(client) == "malformed_packet"


async def test_whoever_does_not_connect_is_cut(stack: AsyncExitStack, transport: TransportName) -> None:
    served = await stack.enter_async_context(parley(ping_interval_s=0.4, ping_timeout_s=0.1))
    await (await open_client(stack, served.port, transport)).ended()


async def test_whoever_leaves_the_main_namespace_keeps_the_transport(
    stack: AsyncExitStack, transport: TransportName
) -> None:
    served = await stack.enter_async_context(parley(ping_interval_s=0.2, ping_timeout_s=HANG_S))
    client = await open_client(stack, served.port, transport)
    await client.send("40")
    while (await client.receive()) != "2":
        pass
    await client.send("3", "41")
    assert await client.receive() == "2"
    await client.send("3", "40")
    assert (await client.receive()).startswith("40{")


async def test_leaving_another_namespace_leaves_the_main_one_alone(client: RawClient) -> None:
    await connect(client)
    await client.send("40/custom")
    assert (await client.receive()).startswith("44/custom,")
    await client.send("41/custom", '421["unwatch_running",{}]')
    assert ack_of(await client.receive(), "1") == {"ok": True}


async def test_a_call_is_acknowledged_under_its_id_and_its_arguments_come_as_they_are(client: RawClient) -> None:
    await connect(client)
    await client.send('42456["join_session",{"sessionId":"2","after":3,"epoch":"ü"}]')
    assert ack_of(await client.receive(), "456")["error"]["code"] == "session_not_found"
    await client.send('42["unwatch_running",{}]', '427["message-with-ack",1,"2",{"3":[false]}]')
    assert ack_of(await client.receive(), "7")["error"]["code"] == "unknown_call"


@differs("Binary data is refused.")
async def test_an_event_with_attachments_is_refused_in_its_ack_and_the_session_goes_on(port: int) -> None:
    async with raw_websocket(port) as raw:
        await raw.text()
        await raw.send(frame("40"))
        for _ in range(2):
            await raw.text()
        holders = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'
        await raw.send(frame(f'452-789["message-with-ack",{holders}]'))
        for attachment in (b"\1\2\3", b"\4\5\6"):
            await raw.send(frame(attachment, FIN | BINARY))
        assert ack_of(await raw.text(), "789")["error"]["code"] == "binary_not_supported"
        await raw.send(frame('421["unwatch_running",{}]'))
        assert ack_of(await raw.text(), "1") == {"ok": True}
        await raw.send(frame(f'452-["message",{holders}]'))
        assert json.loads((await raw.text())[2:])[1]["code"] == "binary_not_supported"
        assert await raw.text() == "41"
        assert await raw.ended() == 1008


@differs("A goodbye comes before the close.")
@pytest.mark.parametrize("packet", ["4abc", "42{}", '42abc["message-with-ack",1,"2",{"3":[false]}]'])
async def test_a_packet_of_another_form_ends_the_session(client: RawClient, packet: str) -> None:
    await connect(client)
    await client.send(packet)
    assert await goodbye(client) == "malformed_packet"


def test_every_difference_on_the_page_is_shown_by_a_case() -> None:
    cases = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    assert set(re.findall(r'^@differs\("(.+)"\)$', cases, re.MULTILINE)) == DIFFERENCES
    assert len(DIFFERENCES) > 1
