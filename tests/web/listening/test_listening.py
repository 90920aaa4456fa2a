"""Sockets that are slow, silent or too many, against the real listener."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
import structlog
from aiohttp import web
from patience import HANG_S
from structlog.testing import capture_logs

from hub.socket.proxies import Proxies
from services.operating.seldom import Seldom
from web.caller import BODY_STEP_BYTES, PROXY_IDLE_S, Caller
from web.http_connection import Application
from web.listening import listener as listening
from web.listening.deadlines import Deadlines
from web.listening.listener import Listener
from web.listening.places import Capacity, Places
from web.listening.watch import Watch

DEADLINES = Deadlines(head_s=1_000, progress_s=3_000, idle_s=7_500)
"""So long that no machine is too slow: the tests move the time that the listener looks at."""
HEAD = b"Host: localhost\r\n"
GET = b"GET /small HTTP/1.1\r\n" + HEAD + b"\r\n"
POST = b"POST /body HTTP/1.1\r\n" + HEAD + b"Content-Length: 10000\r\n\r\n"
LARGE_BYTES = 30_000_000


@dataclass
class House:
    """A server behind a listener. `began` holds the requests whose handler runs, `let_go` ends `/wait`."""

    listener: Listener
    watch: Watch
    places: Places
    began: asyncio.Queue[str]
    let_go: asyncio.Event

    @property
    def port(self) -> int:
        address: Any = self.listener.addresses[0]
        return int(address[1])

    async def look(self, later_s: float) -> None:
        await self.watch.look(asyncio.get_running_loop().time() + later_s)

    @property
    def caller(self) -> Counting:
        [caller] = self.places.guests
        assert isinstance(caller, Counting)
        return caller

    async def hears(self, client: Client, data: bytes) -> None:
        """Says it, alone in the house, and waits until it has come."""
        expected = self.caller.heard_bytes + len(data)
        await client.say(data)
        await eventually(lambda: self.caller.heard_bytes >= expected)

    async def begins(self) -> str:
        return await asyncio.wait_for(self.began.get(), HANG_S)


class Counting(Caller):
    """Knows how much it has heard."""

    __slots__ = ("heard_bytes",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.heard_bytes = 0
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.heard_bytes += len(data)


class Client:
    """A raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def ask(self, data: bytes = GET) -> tuple[int, bytes]:
        await self.say(data)
        return await self.answer()

    async def answer(self) -> tuple[int, bytes]:
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), HANG_S)
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await self.reader.readexactly(int(length.split(b":")[1]))
        return int(head.split(b" ")[1]), body

    async def rest(self) -> bytes:
        """Until the server has closed."""
        return await asyncio.wait_for(self.reader.read(), HANG_S)


@asynccontextmanager
async def opened(house: House) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(HANG_S):
        while not holds():  # noqa: ASYNC110 -- what is waited for happens inside the library
            await asyncio.sleep(0)


@asynccontextmanager
async def housed(capacity: Capacity, on_disk: Path, *, well_known: bool = False) -> AsyncIterator[House]:
    seldom = Seldom(structlog.get_logger())
    places = Places(capacity, seldom)
    make = partial(
        Counting,
        places=places,
        deadlines=DEADLINES,
        seldom=seldom,
        proxies=Proxies(("127.0.0.1",) if well_known else ()),
    )
    app = Application(make)
    runner = web.AppRunner(app, shutdown_timeout=0)
    began: asyncio.Queue[str] = asyncio.Queue()
    let_go = asyncio.Event()

    async def small(request: web.Request) -> web.Response:
        return web.Response(text="here")

    async def body(request: web.Request) -> web.Response:
        began.put_nowait("body")
        return web.Response(text=str(len(await request.read())))

    async def wait(request: web.Request) -> web.Response:
        began.put_nowait("wait")
        await let_go.wait()
        return web.Response(text="waited")

    async def large(request: web.Request) -> web.Response:
        return web.Response(body=bytes(LARGE_BYTES))

    async def file(request: web.Request) -> web.FileResponse:
        return web.FileResponse(on_disk)

    app.add_routes([web.get("/small", small), web.post("/body", body)])
    app.add_routes([web.get("/wait", wait), web.get("/large", large), web.get("/file", file)])
    await runner.setup()
    listener = Listener(runner.server, places)
    await listener.start("127.0.0.1", 0)
    try:
        yield House(listener, Watch(places), places, began, let_go)
    finally:
        await listener.close()
        let_go.set()
        await runner.cleanup()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    on_disk = tmp_path / "large"
    with on_disk.open("wb") as file:
        file.truncate(LARGE_BYTES)
    async with housed(Capacity(20, 4), on_disk) as house:
        yield house


def code_of(answer: bytes) -> Any:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"\r\nConnection: close" in head
    for line in (b"Content-Type: application/json", b"Retry-After: 2", b"X-Content-Type-Options: nosniff"):
        assert b"\r\n" + line + b"\r\n" in head
    return orjson.loads(body)["code"]


async def test_a_connection_that_says_nothing_is_closed_without_a_word(house: House) -> None:
    async with opened(house) as silent:
        await eventually(lambda: len(house.places) == 1)
        await house.look(DEADLINES.head_s * 0.9)
        assert len(house.places) == 1
        await house.look(DEADLINES.head_s)
        assert await silent.rest() == b""
        await eventually(lambda: len(house.places) == 0)


async def test_a_head_has_its_time_in_all_however_it_drips(house: House) -> None:
    for begun in (b"", GET):
        async with opened(house) as slow:
            if begun:
                assert await slow.ask(begun) == (200, b"here")
            await eventually(lambda: len(house.places) == 1)
            for piece in (b"GET /sm", b"all HTTP/1.1\r\n", b"Host: loc"):
                await house.hears(slow, piece)
                await house.look(0)
                house.caller._head_began = (house.caller._head_began or 0) - DEADLINES.head_s * 0.3
            await house.look(DEADLINES.head_s * 0.1)
            assert code_of(await slow.rest()) == "request_timeout"
        await eventually(lambda: not len(house.places))


async def test_a_body_must_go_on_and_a_byte_now_and_then_is_not_going_on(house: House) -> None:
    async with opened(house) as slow:
        await slow.say(POST + b"{")
        await house.begins()
        await house.look(DEADLINES.head_s * 2)
        house.caller._phase_began -= DEADLINES.progress_s * 0.9
        await house.hears(slow, b" " * 10)
        await house.look(DEADLINES.progress_s * 0.1)
        assert code_of(await slow.rest()) == "request_timeout"


async def test_a_body_that_goes_on_has_all_the_time_it_needs(house: House) -> None:
    async with opened(house) as steady:
        await steady.say(POST + b"{")
        await house.begins()
        for _ in range(5):
            house.caller._phase_began -= DEADLINES.progress_s * 0.9
            await house.hears(steady, b" " * BODY_STEP_BYTES)
            await house.look(DEADLINES.progress_s * 0.9)
        assert await steady.ask(b" " * (9_999 - 5 * BODY_STEP_BYTES)) == (200, b"10000")


async def test_a_body_behind_an_upgrade_that_is_declined_must_go_on_too(house: House) -> None:
    """aiohttp reads it only once the upgrade is answered."""
    upgrade = b"GET /small HTTP/1.1\r\n" + HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with opened(house) as slow:
        assert await slow.ask(upgrade + POST) == (200, b"here")
        await house.begins()
        await house.look(DEADLINES.progress_s * 0.9)
        await house.hears(slow, b" " * BODY_STEP_BYTES)
        house.caller._phase_began -= DEADLINES.progress_s * 0.9
        await house.look(DEADLINES.progress_s * 0.1)
        assert code_of(await slow.rest()) == "request_timeout"


async def test_a_body_cut_off_in_the_middle_is_no_error_in_the_log(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(house) as gone:
        await gone.say(POST + b"{")
        await house.begins()
    await eventually(lambda: not len(house.places))
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_handler_may_take_longer_than_any_deadline_and_what_is_begun_meanwhile_too(house: House) -> None:
    async with opened(house) as patient:
        await patient.say(b"GET /wait HTTP/1.1\r\n" + HEAD + b"\r\n")
        await house.begins()
        await house.hears(patient, b"GET /small HTT")
        house.caller._head_began = 0
        await house.look(DEADLINES.idle_s * 10)
        await house.look(0)
        house.let_go.set()
        assert await patient.answer() == (200, b"waited")
        await house.look(0)
        assert await patient.ask(b"P/1.1\r\n" + HEAD + b"\r\n") == (200, b"here")


async def test_an_idle_connection_is_closed_after_its_time(house: House) -> None:
    async with opened(house) as idle:
        assert await idle.ask() == (200, b"here")
        await house.look(0)
        await house.look(DEADLINES.idle_s * 0.9)
        assert await idle.ask() == (200, b"here")
        await house.look(0)
        await house.look(DEADLINES.idle_s)
        assert await idle.rest() == b""


async def test_one_look_that_fails_ends_no_sweep(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.watch, "_every_s", 0)
    look = Counting.look_at
    faults = [LookupError("a bug")]

    def fails_once(self: Counting, now: float) -> None:
        if faults:
            raise faults.pop()
        look(self, now + DEADLINES.head_s)

    monkeypatch.setattr(Counting, "look_at", fails_once)
    sweeper = asyncio.create_task(house.watch._look_for_ever())
    with capture_logs() as lines:
        async with opened(house) as first, opened(house) as second:
            assert (await first.rest(), await second.rest()) == (b"", b"")
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["sweep_failed"]
    sweeper.cancel()
    await asyncio.gather(sweeper, return_exceptions=True)


async def test_a_proxy_keeps_its_idle_connections(tmp_path: Path) -> None:
    async with housed(Capacity(20, 4), tmp_path, well_known=True) as behind, opened(behind) as idle:
        assert await idle.ask() == (200, b"here")
        await behind.look(0)
        await behind.look(PROXY_IDLE_S * 0.9)
        assert await idle.ask() == (200, b"here")
        await behind.look(0)
        await behind.look(PROXY_IDLE_S + 1)
        assert await idle.rest() == b""


async def test_what_a_proxy_carries_counts_as_its_clients(tmp_path: Path) -> None:
    """A client's bodies crowd out each other, though all come from the proxy. Fails when a proxy's connections count
    as nobody's; and when they count as the client's after its answer."""

    def upload(client: str) -> bytes:
        return POST.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 6.6.6.6, %s\r\n\r\n" % client.encode())

    async with housed(Capacity(8, 2), tmp_path, well_known=True) as house, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(opened(house)) for _ in range(8)]
        for client in clients[1:7]:
            await client.say(upload("203.0.113.9") + bytes(10_000))
            assert (await client.answer())[0] == 200
        assert [await house.begins() for _ in range(6)] == ["body"] * 6
        await house.look(0)
        assert len(house.places) == 8
        await clients[0].say(upload("203.0.113.7"))
        assert await house.begins() == "body"
        for client in clients[1:6]:
            await client.say(upload("203.0.113.9"))
            assert await house.begins() == "body"
        assert await clients[1].rest() == b""
        assert len(house.places) == 7
        for client in (clients[0], *clients[2:6]):
            await client.say(bytes(10_000))
            assert await client.answer() == (200, b"10000")


@pytest.mark.parametrize("path", [b"/large", b"/file"])
async def test_an_answer_that_nobody_takes_is_given_up(
    house: House, path: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(house) as deaf:
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport reads, too
        await deaf.say(b"GET " + path + b" HTTP/1.1\r\n" + HEAD + b"\r\n")
        await eventually(lambda: house.places.at_work == 1)
        given_up = asyncio.create_task(eventually(lambda: not len(house.places)))
        later_s = 0.0
        while not given_up.done():
            later_s += DEADLINES.progress_s
            await house.look(later_s)
            await asyncio.sleep(0)
        given_up.result()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_silent_sockets_beyond_all_places_leave_room_for_who_speaks(house: House) -> None:
    with capture_logs() as lines:
        async with AsyncExitStack() as stack:
            for _ in range(50):
                await stack.enter_async_context(opened(house))
            assert await (await stack.enter_async_context(opened(house))).ask() == (200, b"here")
            assert len(house.places) <= 20
    assert [line["event"] for line in lines] == ["connections displaced"]


async def test_while_all_places_are_at_work_nobody_is_accepted_and_then_somebody_is(house: House) -> None:
    with capture_logs() as lines:
        async with AsyncExitStack() as stack:
            for _ in range(20):
                await (await stack.enter_async_context(opened(house))).say(b"GET /wait HTTP/1.1\r\n" + HEAD + b"\r\n")
                await house.begins()
            latecomer = await stack.enter_async_context(opened(house))
            await latecomer.say(GET)
            await eventually(lambda: bool(lines))
            assert len(house.places) == 20
            assert [line["event"] for line in lines] == ["connections wait: all places are taken"]
            house.let_go.set()
            await eventually(lambda: all(isinstance(each, Caller) and each._waiter for each in house.places.guests))
            await house.look(0)
            assert await latecomer.answer() == (200, b"here")


class Short:
    """A listening socket while the process has no descriptor left, as the kernel says it."""

    def __init__(self, real: socket.socket) -> None:
        self.real = real
        self.refusals = 0
        self.short = True

    def accept(self) -> tuple[socket.socket, object]:
        if self.short:
            self.refusals += 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self.real.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


async def test_without_descriptors_accepting_pauses_with_one_line_and_a_place_is_given_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "PAUSE_S", 0.001)
    short = Short(house.listener._listening[0])
    loop = asyncio.get_running_loop()
    async with opened(house) as silent:
        await eventually(lambda: len(house.places) == 1)
        loop.remove_reader(short.real)
        house.listener._listening[0] = short  # type: ignore[call-overload]  # a socket in all that is used of one
        loop.add_reader(short.real, house.listener._accept, cast(socket.socket, short))
        with capture_logs() as lines:
            async with opened(house) as newcomer:
                await newcomer.say(GET)
                await eventually(lambda: short.refusals >= 5)
                assert await silent.rest() == b""
                short.short = False
                assert await newcomer.answer() == (200, b"here")
    assert sorted(line["event"] for line in lines) == ["connections displaced", "connections wait: out of resources"]


@pytest.mark.parametrize(
    "name", ["_request_count", "_messages", "_waiter", "_current_request", "_payload_parser", "_upgraded", "transport"]
)
def test_aiohttp_keeps_what_is_read_of_its_connections(name: str) -> None:
    """With a release that renames one, deadlines would stand still: see `Caller._observe` and `Caller._note`."""
    slots = {slot for kind in Caller.__mro__ for slot in getattr(kind, "__slots__", ())}
    assert name in slots


async def test_localhost_is_listened_on_wherever_it_is(house: House) -> None:
    other = Listener(asyncio.Protocol, house.places)
    await other.start("localhost", 0)
    try:
        assert len(other.addresses) >= 1
    finally:
        await other.close()


async def test_an_address_that_is_taken_is_an_error_and_leaves_nothing_open(house: House) -> None:
    other = Listener(asyncio.Protocol, house.places)
    with pytest.raises(OSError, match="in use"):
        await other.start("127.0.0.1", house.port)
    assert other.addresses == []
    await other.close()
