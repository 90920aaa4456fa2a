"""The composition: what starts and stops when, what a restart keeps, and what is cleaned up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import socketio
from aiohttp.test_utils import TestClient, TestServer
from patience import HANG_S
from rest_client import Rest
from structlog.testing import capture_logs
from world import FakeTime

from models.calls import CreateSessionBody
from models.clock import SYSTEM_CLOCK
from models.errors import DataFolderInUse, StorageUnavailable
from services.access import LOCAL
from services.organizer import RESTORABLE_MS, Organizer
from services.runs.context import RunContext
from services.store.memory.store import memory_store
from services.store.memory.tables import Memory
from web.app import create_app, purge_daily
from web.keys import HUB, LIFECYCLE, ORGANIZER, PROVIDERS, RUNS, SESSIONS
from web.settings import Settings

Serve = Callable[..., Awaitable[Rest]]


class Recorded(Memory):
    """Notes when it is opened and closed."""

    def __init__(self, log: list[str]) -> None:
        super().__init__(SYSTEM_CLOCK)
        self.log = log

    async def open(self) -> None:
        self.log.append("storage opens")

    async def close(self) -> None:
        self.log.append("storage closes")


def noting(log: list[str], what: str, then: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def noted(*arguments: Any) -> Any:
        log.append(what)
        return await then(*arguments)

    return noted


async def test_parts_start_and_stop_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    store = replace(memory_store(Memory(SYSTEM_CLOCK)), storage=Recorded(log))
    app = create_app(Settings(database="memory:"), store=store)
    monkeypatch.setattr(store.projects, "inbox", noting(log, "inbox", store.projects.inbox))
    for key, method in ((RUNS, "start"), (RUNS, "drain"), (HUB, "drain"), (SESSIONS, "close"), (PROVIDERS, "aclose")):
        part: Any = app[key]
        name = f"{type(part).__name__}.{method}"
        monkeypatch.setattr(part, method, noting(log, name, getattr(part, method)))
    async with TestClient(TestServer(app)):
        assert log == ["storage opens", "inbox", "RunManager.start"]
        log.clear()
    assert log == [
        "RunManager.drain",
        "Hub.drain",
        "MeteredSessionManager.close",
        "storage closes",
        "Providers.aclose",
    ]
    assert app[LIFECYCLE].draining


@pytest.mark.parametrize("several", [True, False])
async def test_only_where_a_store_has_several_writers_its_heads_are_asked_for_before_an_answer(several: bool) -> None:
    store = memory_store(Memory(SYSTEM_CLOCK))
    store = replace(store, capabilities=replace(store.capabilities, several_writers=several))
    app = create_app(Settings(database="memory:"), store=store)
    asked: list[str] = []
    store.journal.heads = noting(asked, "heads", store.journal.heads)  # type: ignore[method-assign, assignment]
    async with TestClient(TestServer(app)):
        session = await app[ORGANIZER].create_session(LOCAL, CreateSessionBody())
        await app[ORGANIZER].rename(LOCAL, session.id, session.title, None)
    assert bool(asked) is several


async def test_a_start_that_fails_leaves_the_folder_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data=tmp_path)
    app = create_app(settings)

    async def fails() -> None:
        raise StorageUnavailable("not now")

    monkeypatch.setattr(app[RUNS], "start", fails)
    server = TestServer(app)
    with pytest.raises(StorageUnavailable):
        await server.start_server()
    await server.close()
    async with TestClient(TestServer(create_app(settings))) as client:
        assert (await Rest(client).get("/readyz"))["status"] == "ready"


async def test_a_folder_in_use_is_refused(serve: Serve, tmp_path: Path) -> None:
    await serve(database=None, data=tmp_path)
    second = TestServer(create_app(Settings(data=tmp_path)))
    with pytest.raises(DataFolderInUse):
        await second.start_server()
    await second.close()


async def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, model="scripted:words=5,delay_ms=0,seed=1", coalesce_window_ms=0)
    async with TestClient(TestServer(create_app(settings))) as client:
        rest = Rest(client)
        session_id = await rest.talked()
        before = await rest.get(f"/api/contexts/{session_id}")
    async with TestClient(TestServer(create_app(settings))) as client:
        assert await Rest(client).get(f"/api/contexts/{session_id}") == before


async def test_a_named_database_file_is_used(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    async with TestClient(TestServer(create_app(Settings(database=f"sqlite:///{folder}/parley.db")))):
        assert (folder / "parley.db").exists()


async def test_an_agent_of_ones_own_answers(serve: Serve) -> None:
    class Echo:
        async def run(self, ctx: RunContext) -> None:
            asked = (await ctx.history())[-1].content
            async with ctx.stream() as reply:
                await reply.write(f"echo: {asked}")

    rest = await serve({"agents": {"echo": Echo()}}, agent="echo")
    session_id = await rest.talked()
    [_, answer] = (await rest.get(f"/api/sessions/{session_id}/messages"))["messages"]
    assert answer["content"] == "echo: turn 0"


async def test_participants_are_those_who_joined_by_the_socket(rest: Rest) -> None:
    session_id = await rest.session()
    client = socketio.AsyncClient()
    await client.connect(f"http://127.0.0.1:{rest.client.port}", transports=["websocket"])
    try:
        ack = await client.call("join_session", {"sessionId": session_id}, timeout=HANG_S)
        assert ack["ok"]
        listed = await rest.get(f"/api/sessions/{session_id}/participants")
        assert listed == {"participants": [{"userId": "local", "name": "local", "connections": 1}]}
        text = (await rest.ask("GET", "/metrics")).raw.decode()
        assert "parley_connections 1.0" in text
        assert "parley_subscriptions 1.0" in text
    finally:
        await client.disconnect()


async def test_the_socket_checks_origins_as_rest_does(rest: Rest) -> None:
    for origin, status in (("https://evil.example", 403), (f"http://127.0.0.1:{rest.client.port}", 200)):
        path = "/socket.io/?EIO=4&transport=polling"
        async with rest.client.get(path, headers={"Origin": origin}) as response:
            assert response.status == status


async def test_a_foreign_page_can_neither_open_nor_take_over_a_polling_session(rest: Rest) -> None:
    """Fails when only handshakes are checked, or when what a page embeds counts as no page's."""
    path = "/socket.io/?EIO=4&transport=polling"
    async with rest.client.get(path, headers={"Sec-Fetch-Site": "cross-site"}) as embedded:
        assert embedded.status == 403
    async with rest.client.get(path) as opened:
        mine = f"{path}&sid={orjson.loads((await opened.read())[1:])['sid']}"
    foreign = {"Origin": "https://evil.example"}
    for method, data in (("GET", None), ("POST", b"40"), ("OPTIONS", None)):
        async with rest.client.request(method, mine, data=data, headers=foreign) as answer:
            assert (answer.status, (await answer.json())["code"]) == (403, "origin_not_allowed")
            assert "Access-Control-Allow-Origin" not in answer.headers
    async with rest.client.post(mine, data=b"40") as answer:
        assert answer.status == 200, "the session is as it was"


async def test_a_listed_origin_may_read_what_the_socket_answers(serve: Serve) -> None:
    rest = await serve(allow_origin=("tauri://localhost",))
    headers = {"Origin": "tauri://localhost", "Sec-Fetch-Site": "cross-site"}
    async with rest.client.get("/socket.io/?EIO=4&transport=polling", headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "tauri://localhost"


async def test_expired_sessions_are_purged_now_and_then_daily(serve: Serve) -> None:
    time = FakeTime()
    rest = await serve({"clock": time.clock})
    session_id = await rest.session()
    await rest.ask("DELETE", f"/api/sessions/{session_id}")
    time.now += RESTORABLE_MS + 1000
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await purge_daily(rest.app[ORGANIZER], sleep)
    assert slept == [86_400, 86_400]
    assert (await rest.ask("POST", f"/api/sessions/{session_id}/restore")).status == 404


async def test_a_purge_that_fails_is_tried_again_the_next_day(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(organizer: Organizer) -> int:
        raise StorageUnavailable("not now")

    async def sleep(seconds: float) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(Organizer, "purge_expired", fails)
    with capture_logs() as logs, pytest.raises(asyncio.CancelledError):
        await purge_daily(rest.app[ORGANIZER], sleep)
    assert [entry["event"] for entry in logs] == ["purge postponed"]


async def test_the_principal_is_who_rest_says(rest: Rest) -> None:
    assert await rest.get("/api/me") == {"userId": LOCAL.user_id, "name": LOCAL.name}
    models = await rest.get("/api/models")
    assert "demo" in [model["name"] for model in models["models"]]


async def test_a_stop_waits_for_the_read_of_the_housekeeping_that_it_broke_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the storage closes under it, and its connection is never given back. Fails without the group of tasks."""
    began, given_back = asyncio.Event(), []

    async def purge(self: Organizer) -> int:
        try:
            began.set()
            await asyncio.Event().wait()
            return 0
        finally:
            for _ in range(20):  # what a driver does with a connection whose read was broken off
                await asyncio.sleep(0)
            given_back.append(True)

    monkeypatch.setattr(Organizer, "purge_expired", purge)
    app = create_app(Settings(database="memory:"))
    async with TestClient(TestServer(app)):
        await asyncio.wait_for(began.wait(), HANG_S)
        await app[LIFECYCLE].end_housekeeping()
        assert given_back == [True]
