"""Who may talk to the socket: asked at every request, not only at the first; and no answer is ever a script."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession
from socket_peers import Hub, PollingPeer, connect_websocket

from models.errors import Forbidden

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}

pytestmark = pytest.mark.usefixtures("hurried")


async def test_polls_posts_and_upgrades_of_an_open_session_pass_the_gate_too(hub: Hub, session: ClientSession) -> None:
    """Fails when the gate is asked at handshakes only: whoever learns a sid may be any page."""
    peer = PollingPeer(session, hub)
    await peer.connect()
    hub.only.emit("secret", 1)
    hub.handler.refuse_http = Forbidden("Wrong origin")
    upgrading = peer.url.replace("polling", "websocket")
    for method, url, headers in (("GET", peer.url, {}), ("POST", peer.url, {}), ("GET", upgrading, UPGRADE)):
        async with session.request(method, url, headers=headers) as response:
            assert (response.status, (await response.json())["code"]) == (403, "forbidden")
    hub.handler.refuse_http = None
    assert await peer.poll() == ['42["secret",1]']
    assert hub.handler.log == []


@pytest.mark.parametrize("query", ["j=0", "j=", "j", "%6a=0", "%256a=0", "j=0&j=1"])
async def test_jsonp_is_refused_however_it_is_written(hub: Hub, session: ClientSession, query: str) -> None:
    """A script is embedded by any page, and read by it. Fails when `j` is left to the stock server."""
    peer = PollingPeer(session, hub)
    await peer.connect()
    hub.only.emit("secret", 1)
    for url in (peer.base, peer.url):
        async with session.get(f"{url}&{query}") as response:
            assert response.status == 400
            assert "javascript" not in response.headers["Content-Type"]
    async with session.post(f"{peer.url}&{query}", data={"d": '42["x"]'}) as response:
        assert response.status == 400
    assert await peer.poll() == ['42["secret",1]']
    assert (len(hub.engine.live), hub.handler.log) == (1, [])


async def test_every_answer_says_that_it_is_what_it_says_it_is(hub: Hub, session: ClientSession) -> None:
    """Handshake, poll, post, refusals. Fails without the headers of the engine."""
    peer = PollingPeer(session, hub)
    await peer.connect()
    hub.only.emit("n", 1)
    for method, url, data in (
        ("GET", peer.base, None),
        ("GET", peer.url, None),
        ("POST", peer.url, b"3"),
        ("OPTIONS", peer.url, None),
        ("GET", peer.base + "&j=0", None),
        ("GET", peer.base + "&sid=none", None),
    ):
        async with session.request(method, url, data=data) as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff", (method, url)
            assert response.headers["Cache-Control"] == "no-store"


async def test_other_methods_are_told_the_right_ones(hub: Hub, session: ClientSession) -> None:
    peer = PollingPeer(session, hub)
    await peer.connect()
    for method, status in (("OPTIONS", 200), ("PUT", 405), ("HEAD", 405), ("DELETE", 405)):
        async with session.request(method, peer.url) as response:
            assert (response.status, response.headers["Allow"]) == (status, "GET, POST, OPTIONS"), method


async def test_who_is_connected_may_go_on_when_the_door_is_closed(hub: Hub, session: ClientSession) -> None:
    """Fails when the question for room is asked at every request."""
    polling = PollingPeer(session, hub)
    await polling.connect()
    peer = await connect_websocket(session, hub)
    hub.transport.close_door()
    for headers, transport in (({}, "polling"), (UPGRADE, "websocket")):
        url = f"{hub.url}/socket.io/?EIO=4&transport={transport}"
        async with session.get(url, headers=headers) as response:
            assert (response.status, (await response.json())["code"]) == (503, "draining")
    assert await polling.post('421["x"]') == 200
    assert (await polling.packets(1))[0].startswith("431")
    assert (await peer.call("x"))["ok"]
