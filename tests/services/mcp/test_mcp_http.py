"""MCP servers behind a URL on loopback: what works, what is refused, and what happens when they go and come back."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from mcp_rack import FOLDER, QUICK, rack
from patience import HANG_S
from server_process import free_port
from world import eventually

from models.backoff import Backoff
from services.mcp import http
from services.mcp.server import Patience


@contextmanager
def serving(port: int, *arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """The SDK's server, gone after the block."""
    command = [sys.executable, str(FOLDER / "toolbox.py"), "--http", str(port), *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait(HANG_S)


def at(port: int, **settings: object) -> dict[str, object]:
    return {"url": f"http://127.0.0.1:{port}/mcp", **settings}


async def test_tools_and_resources_come_over_http(tmp_path: Path) -> None:
    log = tmp_path / "log"
    port = free_port()
    with serving(port, "--spy", log):
        async with rack({"box": at(port)}) as on:
            await on.until("box", "ready")
            assert (await on.call("box__add", a=2, b=3)).output == "5"
            assert len((await on.call("box__long", length=5_000_000)).output) == 5_000_000
            assert (await on.servers.read_resource("box", "notes://today")).content == "# Today\n- rest"

            started = time.monotonic()
            outcomes = await asyncio.gather(*(on.call("box__slow", f"c{n}", seconds=0.5) for n in range(120)))
            assert {outcome.output for outcome in outcomes} == {"waited 0.5"}
            assert time.monotonic() - started < 20

            call = asyncio.ensure_future(on.call("box__slow", "long", seconds=60))
            await eventually(lambda: log.read_text().count("slow began") == 121, "the call began")
            on.executor.cancel("long")
            assert (await call).status == "cancelled"
            await eventually(lambda: "slow was cancelled" in log.read_text(), "the server knows")

            await on.call("box__grow")
            await eventually(lambda: "box__grown" in on.offered(), "the new tool")
            assert on.status("box").starts >= 1
            assert on.status("box").state == "ready"


async def test_a_server_that_goes_is_noticed_and_one_that_comes_back_is_used() -> None:
    port = free_port()
    patience = Patience(retry=Backoff(0.05, 0.2), heartbeat_s=0.2, answer_s=5.0)
    async with rack({"box": at(port)}, patience=patience) as on:
        assert "can't be reached" in str((await on.until("box", "down")).reason)
        with serving(port):
            await on.until("box", "ready")
        await on.until("box", "down")
        assert not on.offered()
        with serving(port):
            await on.until("box", "ready")
            assert (await on.call("box__add", a=1, b=1)).output == "2"


async def test_a_call_in_flight_ends_when_the_server_is_killed() -> None:
    port = free_port()
    with serving(port) as process:
        async with rack({"box": at(port)}, patience=QUICK) as on:
            await on.until("box", "ready")
            assert (await on.call("box__crash")).status == "error"
            process.wait(HANG_S)
            await on.until("box", "down")


@asynccontextmanager
async def answering(handler: object) -> AsyncGenerator[int]:
    """An endpoint that is no MCP server."""
    app = web.Application()
    app.router.add_route("*", "/mcp", handler)  # type: ignore[arg-type]
    async with TestServer(app, host="127.0.0.1") as server:
        assert server.port is not None
        yield server.port


async def refusing(request: web.Request) -> web.Response:
    return web.Response(status=401)


async def chatting(request: web.Request) -> web.Response:
    return web.Response(text="<html>hello</html>", content_type="text/html")


async def nonsense(request: web.Request) -> web.Response:
    return web.Response(text="{]", content_type="application/json")


async def unhappy(request: web.Request) -> web.Response:
    return web.Response(status=500)


async def bloated(request: web.Request) -> web.Response:
    return web.Response(body=b" " * 3_000, content_type="application/json")


async def squeezed(request: web.Request) -> web.Response:
    body = gzip.compress(b" " * 3_000)
    return web.Response(body=body, content_type="application/json", headers={"content-encoding": "gzip"})


async def leading_away(request: web.Request) -> web.Response:
    raise web.HTTPTemporaryRedirect("http://127.0.0.1:9/elsewhere")


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (refusing, "it answers 401 Unauthorized; check `headers`"),
        (chatting, "text/html"),
        (nonsense, "JSON"),
        (unhappy, "error response"),
        (bloated, "an answer of more than"),
        (squeezed, "compresses"),
        (leading_away, "not followed"),
    ],
)
async def test_an_endpoint_that_is_no_mcp_server_is_told_of(
    handler: object, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "BODY_MAX_BYTES", 2_000)
    async with answering(handler) as port, rack({"bad": at(port)}) as on:
        assert reason in str((await on.until("bad", "down")).reason)


async def test_headers_are_sent_with_every_request() -> None:
    seen: list[str | None] = []

    async def listening(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.Response(status=500)

    async with answering(listening) as port:
        async with rack({"box": at(port, headers={"Authorization": "Bearer x"})}) as on:
            await on.until("box", "down")
    assert set(seen) == {"Bearer x"}


async def test_an_endpoint_that_never_answers_is_given_up() -> None:
    stop = asyncio.Event()

    async def silent(request: web.Request) -> web.Response:
        await stop.wait()
        return web.Response()

    async with answering(silent) as port:
        async with rack({"box": at(port, start_timeout_s=0.5)}) as on:
            assert (await on.until("box", "down")).reason == "it was not ready within 0.5 s"
        stop.set()
