"""Answers that are streamed, on a real server: a route of the tests follows a session over plain HTTP (design §11)."""

from __future__ import annotations

import asyncio
import socket as net
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiohttp import ClientPayloadError, ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from line_sink import LINES, read_lines
from patience import HANG_S
from rest_client import Rest
from rest_fixtures import QUICK
from structlog.testing import capture_logs
from world import USER, eventually, settled

from hub.socket.backlog import HIGH_WATER_BYTES, LOW_WATER_BYTES
from models.calls import NoArguments
from models.commands import DeleteSession, RenameSession
from models.errors import SessionNotFound
from models.events import TRUNCATE_OVER_BYTES
from models.wire import Wire
from services.access import LOCAL
from services.sessions.join import Joiner, Position
from web.app import create_app
from web.app import drain as drain_app
from web.keys import FOLLOWING, METRICS, SESSIONS, STREAMS
from web.outflow import Outflow
from web.rest.dispatch import handler_of
from web.rest.route import Call, route
from web.settings import Settings
from web.stream import AnswerStream, AnswerStreams

Json = dict[str, Any]
BEAT, FAREWELL = b": still here\n\n", b"event: goodbye\ndata: {}\n\n"
ORIGIN = {"Origin": "tauri://localhost"}


class After(Wire):
    after: int = 0
    epoch: str | None = None


async def follow(call: Call[NoArguments, After]) -> AnswerStream:
    """What a door does: follow, join, answer, go live, and wait for the end."""

    async def write(out: Outflow) -> None:
        following, joiner = call.app[FOLLOWING], Joiner(call.app[SESSIONS])
        follower = following.follow(call.session_id, out, LINES)
        try:
            joined = await joiner.join(call.principal, follower, Position(call.query.after, call.query.epoch))
            out.send(b"".join(LINES.event("push", event) for event in joined.events))
            joiner.go(follower, joined)
            await follower.ended()
        finally:
            following.leave(follower)

    return AnswerStream("text/event-stream", write, BEAT, farewell=FAREWELL)


@dataclass
class World:
    rest: Rest

    @property
    def app(self) -> web.Application:
        return self.rest.app

    @property
    def streams(self) -> int:
        return len(self.app[STREAMS])

    def backlogs(self) -> list[int]:
        return [entry.outflow.backlog_bytes for entry in self.app[STREAMS]._open]

    @asynccontextmanager
    async def reading(self, of: str, headers: Json | None = None, **query: Any) -> AsyncIterator[ClientResponse]:
        async with self.rest.client.get(f"/api/contexts/{of}/lines", params=query, headers=headers) as response:
            yield response

    @asynccontextmanager
    async def frozen(self, session_id: str) -> AsyncIterator[net.socket]:
        """A client that asks and reads nothing, with next to no room in its kernel."""
        with net.socket() as frozen:
            frozen.setsockopt(net.SOL_SOCKET, net.SO_RCVBUF, 4096)
            frozen.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(frozen, ("127.0.0.1", self.rest.client.port))
            request = f"GET /api/contexts/{session_id}/lines HTTP/1.1\r\nHost: localhost\r\n\r\n"
            await loop.sock_sendall(frozen, request.encode())
            await eventually(lambda: self.streams == 1, "the stream")
            yield frozen

    async def rename(self, session_id: str, times: int, size: int = 8) -> None:
        head = (await self.app[SESSIONS].store.journal.load(session_id)).head
        titles = [f"{head + number} ".ljust(size, "x") for number in range(1, times + 1)]
        await asyncio.gather(*(self.app[SESSIONS].submit(session_id, RenameSession(title), USER) for title in titles))

    async def wires(self, session_id: str) -> list[Json]:
        page = await self.app[SESSIONS].store.journal.since(
            session_id, 0, limit=1_000_000, limit_bytes=1 << 40, deleted=True
        )
        return [event.to_wire() for event in page.events]


async def until(response: ClientResponse, seq: int) -> list[Json]:
    """The events up to `seq`, read from the response."""
    events: list[Json] = []
    async with asyncio.timeout(HANG_S):
        while not events or events[-1]["seq"] < seq:
            record = await response.content.readuntil(b"\n\n")
            events += [data for name, data in read_lines(without_beats(record)) if name == "event"]
    return events


async def rest_of(response: ClientResponse) -> list[tuple[str, Json]]:
    """All that follows, to a clean end."""
    async with asyncio.timeout(HANG_S):
        return read_lines(without_beats(await response.content.read()))


def without_beats(text: bytes) -> bytes:
    return text.replace(BEAT, b"")


END = b"\r\n0\r\n\r\n"
"""The last chunk of an answer that is whole."""


async def everything(peer: net.socket, until: bytes = b"never") -> bytes:
    """What comes until the end of it, or of the connection."""
    taken = b""
    with suppress(ConnectionError):
        async with asyncio.timeout(HANG_S):
            while not taken.endswith(until) and (chunk := await asyncio.get_running_loop().sock_recv(peer, 65_536)):
                taken += chunk
    return taken


class Server(TestServer):
    """As `parley serve` runs it: aiohttp's own test server cancels handlers whose client is gone."""

    async def _make_runner(self, **options: Any) -> web.AppRunner:
        return web.AppRunner(self.app, **{**options, "handler_cancellation": False})


Start = Callable[..., Awaitable[World]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    clients = []

    async def started(stream: Callable[[Call[Any, Any]], Awaitable[AnswerStream]] = follow, **changes: float) -> World:
        app = create_app(Settings(**{**QUICK, "allow_origin": ("tauri://localhost",)}))
        entry = route(
            "GET", "/api/contexts/{sessionId}/lines", stream, NoArguments, After, "text/event-stream", "Lines."
        )
        app.router.add_get(entry.path, handler_of(entry))
        for name, value in {"_sweep_every_s": 0.01, **changes}.items():
            setattr(app[STREAMS], name, value)
        clients.append(client := TestClient(Server(app)))
        await client.start_server()
        return World(Rest(client))

    yield started
    for client in clients:
        await client.close()


async def test_session_is_followed_over_http_from_a_position_on(start: Start) -> None:
    """I3. What comes live follows what was missed, and who comes back with a position gets the rest."""
    world = await start()
    session_id = await world.rest.session()
    await world.rename(session_id, 3)
    async with world.reading(session_id) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        await until(response, 4)
        await world.rename(session_id, 2)
        events = await until(response, 6)
    async with world.reading(session_id, after=3, epoch=events[0]["epoch"]) as response:
        again = await until(response, 6)
    assert again == (await world.wires(session_id))[3:]


async def test_streamed_answers_and_errors_have_the_headers_of_all_others(start: Start) -> None:
    """Fails when headers are put on after the handler: a stream has sent them by then."""
    world = await start()
    session_id = await world.rest.session()
    plain = await world.rest.ask("GET", "/api/projects", headers=ORIGIN)
    names = [
        *("Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Vary", "Content-Security-Policy"),
        *("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cache-Control"),
    ]
    for asked, status in ((session_id, 200), ("nobody", 404)):
        async with world.reading(asked, ORIGIN) as response:
            assert response.status == status
            assert [response.headers[name] for name in names] == [plain.headers[name] for name in names]
    async with world.reading(session_id, {"Origin": "https://evil.example"}) as response:
        assert (response.status, (await response.json())["code"]) == (403, "origin_not_allowed")
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_error_before_the_first_byte_is_an_error_like_any_other(start: Start) -> None:
    async def buggy(call: Call[Any, Any]) -> AnswerStream:
        async def write(out: Outflow) -> None:
            raise RuntimeError("secret detail") if call.query.after else SessionNotFound(field="sessionId")

        return AnswerStream("text/plain", write)

    world = await start(buggy)
    async with world.reading("any") as response:
        assert (response.status, response.content_type) == (404, "application/json")
        assert (await response.json())["details"] == {"field": "sessionId"}
    with capture_logs() as logs:
        async with world.reading("any", after=1) as response:
            assert (response.status, (await response.json())["code"]) == (500, "internal_error")
            assert "secret" not in await response.text()
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["request failed"]


async def test_error_after_the_first_byte_cuts_the_connection(start: Start) -> None:
    """A client must not take it for the end. Fails when the answer is ended as if all had been said."""

    async def buggy(call: Call[Any, Any]) -> AnswerStream:
        async def write(out: Outflow) -> None:
            out.send(b"first")
            await settled()
            raise RuntimeError("a bug")

        return AnswerStream("text/plain", write)

    world = await start(buggy)
    with capture_logs() as logs:
        async with world.reading("any") as response:
            assert response.status == 200
            with pytest.raises(ClientPayloadError):
                await response.read()
        await eventually(lambda: world.streams == 0)
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["a stream failed"]


async def test_stream_that_says_nothing_is_an_empty_answer(start: Start) -> None:
    async def silent(call: Call[Any, Any]) -> AnswerStream:
        async def write(out: Outflow) -> None:
            await settled()

        return AnswerStream("text/plain", write)

    world = await start(silent)
    async with world.reading("any") as response:
        assert (response.status, await response.read()) == (200, b"")


async def test_head_is_answered_at_once_and_starts_nothing(start: Start) -> None:
    """Fails when a body is streamed after it, which the client would take for the next answer."""
    world = await start()
    session_id = await world.rest.session()
    reply = await world.rest.ask("HEAD", f"/api/contexts/{session_id}/lines")
    assert (reply.status, reply.headers["Content-Type"], reply.raw) == (200, "text/event-stream", b"")
    assert world.streams == 0
    assert (await world.rest.ask("GET", "/healthz")).status == 200


async def test_deletion_is_the_last_word_and_ends_the_stream(start: Start) -> None:
    world = await start()
    session_id = await world.rest.session()
    async with world.reading(session_id) as response:
        await until(response, 1)
        await world.app[SESSIONS].handle(session_id, DeleteSession(), LOCAL)
        assert [data["type"] for _, data in await rest_of(response)] == ["session.deleted"]
    assert world.streams == 0
    assert session_id not in world.app[FOLLOWING]


async def test_client_that_goes_in_the_middle_leaves_nothing_behind(start: Start) -> None:
    """In silence, when no write would notice it, and while much is on its way. Fails without the sweep."""

    async def quiet(call: Call[Any, Any]) -> AnswerStream:
        return replace(await follow(call), heartbeat=b"")

    world = await start(quiet)
    for size, times in ((0, 0), (60_000, 60)):
        session_id = await world.rest.session()
        async with world.reading(session_id) as response:
            await until(response, 1)
            await world.rename(session_id, times, size=size)
            assert world.streams == 1
            response.close()
        await eventually(lambda: world.streams == 0, "the stream is forgotten")
        assert session_id not in world.app[FOLLOWING]


async def test_slow_reader_costs_bounded_memory_and_misses_nothing(start: Start) -> None:
    """I7: 12 MB are committed, at most half a megabyte waits."""
    world = await start()
    session_id = await world.rest.session()
    async with world.reading(session_id) as response:
        await until(response, 1)
        most = 0
        for _ in range(20):
            await world.rename(session_id, 10, size=60_000)
            await settled()
            most = max(most, *world.backlogs())
        events = await until(response, 201)
    assert events == (await world.wires(session_id))[1:]
    assert HIGH_WATER_BYTES / 4 < most < HIGH_WATER_BYTES + 2 * TRUNCATE_OVER_BYTES, "there was back-pressure"


async def test_who_waits_for_a_slow_reader_goes_on_once_it_has_read(start: Start) -> None:
    """Also when every single write was small enough for aiohttp not to wait. Fails without the drain in `pump`."""
    full, drained = asyncio.Event(), asyncio.Event()

    async def filling(call: Call[Any, Any]) -> AnswerStream:
        async def write(out: Outflow) -> None:
            while out.backlog_bytes <= LOW_WATER_BYTES + 40_000:
                out.send(b"x" * 20_000)
                await asyncio.sleep(0.001)
            full.set()
            await out.drained()
            drained.set()

        return AnswerStream("text/plain", write)

    world = await start(filling)
    async with world.frozen("any") as frozen:
        await full.wait()
        assert not drained.is_set()
        assert (await everything(frozen, until=END)).endswith(END)
        assert drained.is_set()


async def test_client_that_takes_nothing_is_cut_and_counted(start: Start) -> None:
    world = await start(_stall_s=0.05)
    session_id = await world.rest.session()
    with capture_logs() as logs:
        async with world.frozen(session_id):
            await world.rename(session_id, 40, size=60_000)
            await eventually(lambda: world.streams == 0, "it is cut")
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["slow_consumer"]
    assert 'parley_let_go_total{code="slow_consumer"} 1.0' in world.app[METRICS].exposition().decode()


async def test_reader_of_4_kb_a_second_is_kept_and_one_that_stops_is_cut(start: Start) -> None:
    now = 0.0
    world = await start(_clock=lambda: now, _sweep_every_s=3600.0)
    session_id = await world.rest.session()
    streams, loop = world.app[STREAMS], asyncio.get_running_loop()

    async with world.frozen(session_id) as frozen:
        await world.rename(session_id, 40, size=60_000)
        (entry,) = streams._open
        await eventually(lambda: entry.outflow.over_high_water, "back-pressure")
        for _ in range(40):
            left = 4096
            while left:
                left -= len(await loop.sock_recv(frozen, left))
            now += 1
            streams._look_at(entry)
        assert not entry.outflow.closed
        for _ in range(12):
            now += 1
            streams._look_at(entry)
        await eventually(lambda: world.streams == 0, "it is cut")


async def test_silence_is_filled_with_heartbeats(start: Start) -> None:
    async def beating(call: Call[Any, Any]) -> AnswerStream:
        return replace(await follow(call), heartbeat_s=0.02)

    world = await start(beating)
    session_id = await world.rest.session()
    async with world.reading(session_id) as response:
        text = b""
        async with asyncio.timeout(HANG_S):
            while text.count(BEAT) < 3:
                text += await response.content.readuntil(b"\n\n")


async def test_one_look_that_fails_ends_no_sweep(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    async def beating(call: Call[Any, Any]) -> AnswerStream:
        return replace(await follow(call), heartbeat_s=0.02)

    world = await start(beating)
    look = AnswerStreams._look_at
    faults = [LookupError("a bug")]

    def fails_once(self: AnswerStreams, entry: Any) -> None:
        if faults:
            raise faults.pop()
        look(self, entry)

    monkeypatch.setattr(AnswerStreams, "_look_at", fails_once)
    session_id = await world.rest.session()
    with capture_logs() as logs:
        async with world.reading(session_id) as response, asyncio.timeout(HANG_S):
            while BEAT not in await response.content.readuntil(b"\n\n"):
                pass
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["sweep_failed"]


async def test_server_that_drains_says_farewell_and_begins_no_stream(start: Start) -> None:
    world = await start()
    session_id = await world.rest.session()
    async with world.reading(session_id) as response:
        await until(response, 1)
        await drain_app(world.app)
        assert world.streams == 0
        assert await rest_of(response) == [("goodbye", {})]
    async with world.reading(session_id) as refused:
        assert (refused.status, (await refused.json())["code"]) == (503, "draining")
    assert session_id not in world.app[FOLLOWING]


async def test_server_does_not_wait_for_a_client_that_takes_nothing(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.stream.FAREWELL_WITHIN_S", 0.05)
    world = await start(_stall_s=3600.0)
    session_id = await world.rest.session()
    async with world.frozen(session_id) as frozen:
        await world.rename(session_id, 40, size=60_000)
        await eventually(lambda: max(world.backlogs()) > HIGH_WATER_BYTES, "back-pressure")
        await world.app[STREAMS].drain()
        await eventually(lambda: world.streams == 0)
        assert not (await everything(frozen)).endswith(END), "it was cut"


async def test_stream_that_has_not_begun_when_the_server_drains_is_refused(start: Start) -> None:
    joining = asyncio.Event()

    async def waiting(call: Call[Any, Any]) -> AnswerStream:
        async def write(out: Outflow) -> None:
            joining.set()
            await asyncio.get_running_loop().create_future()

        return AnswerStream("text/plain", write, farewell=FAREWELL)

    world = await start(waiting)

    async def asked() -> str:
        async with world.reading("any") as response:
            return str((await response.json())["code"])

    asking = asyncio.create_task(asked())
    await joining.wait()
    await world.app[STREAMS].drain()
    assert await asking == "draining"


async def test_streams_are_counted_when_they_begin_with_the_time_that_took(start: Start) -> None:
    """A stream of an hour must not look like a request that was answered slowly."""
    world = await start()
    session_id = await world.rest.session()
    async with world.reading(session_id) as response:
        await until(response, 1)
        text = world.app[METRICS].exposition().decode()
    labels = 'method="GET",route="/api/contexts/{sessionId}/lines",status="200"'
    assert f"parley_http_requests_total{{{labels}}} 1.0" in text
    assert "parley_streams 1.0" in text
