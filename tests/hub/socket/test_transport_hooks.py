"""Contracts with the pinned python-socketio and python-engineio: a test per hook that we lean on."""

from __future__ import annotations

import inspect
import re

import engineio
import pytest
import socketio
from aiohttp import ClientSession, web
from socket_peers import Hub, PollingPeer, open_websocket

from hub.socket.engine import HubEngine
from hub.socket.server import HubServer
from hub.socket.websocket import FrameGuard
from models.errors import Forbidden

pytestmark = pytest.mark.usefixtures("hurried")


def test_the_socketio_server_takes_its_engine_from_engineio_server_class(hub: Hub) -> None:
    assert type(hub.engine) is HubEngine
    assert socketio.AsyncServer._engineio_server_class is not HubServer._engineio_server_class


def test_the_socketio_server_registers_its_three_engine_handlers_by_name(hub: Hub) -> None:
    server = hub.transport._server
    assert server.eio.handlers == {
        "connect": server._handle_eio_connect,
        "message": server._handle_eio_message,
        "disconnect": server._handle_eio_disconnect,
    }


@pytest.mark.parametrize("name", ["_handle_eio_connect", "_handle_eio_message", "_handle_eio_disconnect"])
def test_the_engine_handlers_take_what_the_stock_ones_take(name: str) -> None:
    stock = inspect.signature(getattr(socketio.AsyncServer, name))
    ours = inspect.signature(getattr(HubServer, name))
    assert list(ours.parameters) == list(stock.parameters)


async def test_the_stock_manager_stays_empty(hub: Hub) -> None:
    async with ClientSession() as session:
        await PollingPeer(session, hub).connect()
        assert len(hub.transport.connections) == 1
        assert hub.transport._server.manager.rooms == {}
        assert hub.transport._server.environ == {}


def test_the_stock_server_hands_its_path_to_the_engine_which_answers_every_method(hub: Hub) -> None:
    """What else the stock engine does on the way in is replaced as a whole."""
    routes = [route for route in hub.server.app.router.routes() if route.handler == hub.engine.handle_request]
    assert [(route.method, route.resource and route.resource.canonical) for route in routes] == [("*", "/socket.io/")]
    assert list(inspect.signature(engineio.AsyncServer.attach).parameters) == ["self", "app", "engineio_path"]


def test_the_stock_engine_makes_ids_that_are_new_each_time(hub: Hub) -> None:
    made = {hub.engine.generate_id() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_=-]{20}", each) for each in made)


async def test_what_begins_with_the_handshake_passes_the_guard_that_stands_before_aiohttps_reader(hub: Hub) -> None:
    """`_post_start`, `_message_tail` and `_payload_parser` are aiohttp's own."""
    taken = list(inspect.signature(web.WebSocketResponse._post_start).parameters)
    assert taken == ["self", "request", "protocol", "writer"]
    async with ClientSession() as session:
        await open_websocket(session, hub)
        (live,) = hub.engine.live.values()
        assert isinstance(live.request.protocol._payload_parser, FrameGuard)
        assert live.request.protocol._message_tail == b""


async def test_answers_are_for_the_origin_that_asked(hub: Hub) -> None:
    url, origin = f"{hub.url}/socket.io/", "https://example.test"
    async with ClientSession() as session:
        for query in ("?EIO=4&transport=polling", "?EIO=3"):
            async with session.get(url + query) as response:
                assert response.headers["Vary"] == "Origin"
                assert "Access-Control-Allow-Origin" not in response.headers
            async with session.get(url + query, headers={"Origin": origin}) as response:
                assert response.headers["Access-Control-Allow-Origin"] == origin
                assert response.headers["Access-Control-Allow-Credentials"] == "true"
        asking = {"Origin": origin, "Access-Control-Request-Headers": "x-mine"}
        async with session.options(url, headers=asking) as response:
            assert response.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
            assert response.headers["Access-Control-Allow-Headers"] == "x-mine"
        hub.handler.refuse_http = Forbidden()
        async with session.get(url + "?EIO=4&transport=polling", headers={"Origin": origin}) as response:
            assert (response.status, response.headers["Vary"]) == (403, "Origin")
            assert "Access-Control-Allow-Origin" not in response.headers


async def test_the_payload_writer_that_prepare_returns_drains(hub: Hub) -> None:
    """aiohttp's documented way to wait for the write buffer; the outbox waits with it."""
    assert inspect.iscoroutinefunction(web.WebSocketResponse.prepare)
    from aiohttp.abc import AbstractStreamWriter

    assert inspect.iscoroutinefunction(AbstractStreamWriter.drain)
