"""Contracts with the pinned python-socketio and python-engineio: a test per hook that we lean on."""

from __future__ import annotations

import inspect
from typing import Any

import engineio
import pytest
import socketio
from aiohttp import ClientSession, web
from aiohttp.test_utils import make_mocked_request
from engineio import exceptions, payload
from engineio.async_drivers import aiohttp as driver
from socket_peers import Hub, PollingPeer, ServerFactory, hurry, start_hub

from hub.socket.engine import HubEngine
from hub.socket.server import HubServer


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture
async def hub(aiohttp_server: ServerFactory) -> Hub:
    return await start_hub(aiohttp_server)


def environ(query: str, method: str = "GET") -> dict[str, Any]:
    made: dict[str, Any] = driver.translate_request(make_mocked_request(method, f"/socket.io/?{query}"))
    return made


class StockSession:
    """The duck type that the stock Engine.IO server asks for."""

    connected, upgraded, closed = True, False, False

    def __init__(self) -> None:
        self.closings: list[dict[str, Any]] = []
        self.answer: object = []
        self.error: Exception | None = None

    async def handle_get_request(self, environ: dict[str, Any]) -> object:
        return self.answer

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        if self.error is not None:
            raise self.error

    async def close(self, **options: Any) -> None:
        self.closings.append(options)


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


async def test_the_stock_request_handler_makes_sessions_through_handle_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[object, ...]] = []

    async def handle_connect(environ: dict[str, Any], transport: str, jsonp_index: object = None) -> web.Response:
        seen.append((type(environ["aiohttp.request"]), transport, jsonp_index))
        return web.Response(status=418)

    engine = engineio.AsyncServer(async_mode="aiohttp", monitor_clients=False)
    monkeypatch.setattr(engine, "_handle_connect", handle_connect)
    request = make_mocked_request("GET", "/socket.io/?EIO=4&transport=polling")
    answer = await engine.handle_request(request)
    assert answer.status == 418
    assert seen == [(type(request), "polling", None)]


async def test_the_stock_request_handler_polls_through_handle_get_request() -> None:
    engine = engineio.AsyncServer(async_mode="aiohttp", monitor_clients=False)
    engine.sockets["s"] = session = StockSession()
    request = make_mocked_request("GET", "/socket.io/?EIO=4&transport=polling&sid=s")
    session.answer = [engineio.packet.Packet(4, '2["x"]'), engineio.packet.Packet(2, "")]
    assert (await engine.handle_request(request)).body == b'42["x"]\x1e2'
    session.answer = engine._bad_request("closed")
    assert (await engine.handle_request(request)).status == 400


async def test_the_stock_request_handler_posts_through_handle_post_request_and_closes_after_an_error() -> None:
    engine = engineio.AsyncServer(async_mode="aiohttp", monitor_clients=False)
    engine.sockets["s"] = session = StockSession()
    request = make_mocked_request("POST", "/socket.io/?EIO=4&transport=polling&sid=s")
    assert (await engine.handle_request(request)).status == 200
    session.error = exceptions.EngineIOError("bad")
    assert (await engine.handle_request(request)).status == 400
    assert [options["reason"] for options in session.closings] == ["server disconnect"]
    assert issubclass(exceptions.ContentTooLongError, exceptions.EngineIOError)


async def test_the_stock_request_handler_refuses_polls_of_upgraded_and_of_closed_sessions() -> None:
    engine = engineio.AsyncServer(async_mode="aiohttp", monitor_clients=False)
    request = make_mocked_request("GET", "/socket.io/?EIO=4&transport=polling&sid=s")
    for name in ("upgraded", "closed"):
        engine.sockets["s"] = session = StockSession()
        setattr(session, name, True)
        assert (await engine.handle_request(request)).status == 400


def test_the_stock_ok_and_bad_request_make_dictionaries(hub: Hub) -> None:
    engine = hub.engine
    assert engine._ok([engineio.packet.Packet(6)])["response"] == b"6"
    assert engine._bad_request("x")["status"].startswith("400")


def test_the_stock_driver_passes_the_request_on_in_the_environ() -> None:
    assert isinstance(environ("EIO=4")["aiohttp.request"], web.Request)


def test_the_stock_payload_asks_packets_for_their_base64_form() -> None:
    assert payload.Payload(packets=[engineio.packet.Packet(4, "x")]).encode() == "4x"


async def test_the_stock_cors_headers_follow_the_origin_once_all_are_allowed(hub: Hub) -> None:
    async with ClientSession() as session:
        url, headers = f"{hub.url}/socket.io/?EIO=4&transport=polling", {"Origin": "https://example.test"}
        async with session.get(url, headers=headers) as response:
            assert response.headers["Access-Control-Allow-Origin"] == "https://example.test"


async def test_the_payload_writer_that_prepare_returns_drains(hub: Hub) -> None:
    """aiohttp's documented way to wait for the write buffer; the outbox waits with it."""
    assert inspect.iscoroutinefunction(web.WebSocketResponse.prepare)
    from aiohttp.abc import AbstractStreamWriter

    assert inspect.iscoroutinefunction(AbstractStreamWriter.drain)
