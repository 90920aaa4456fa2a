"""A whole server inside the test's loop: real sockets, a store of choice, scripted models, the few REST reads that
the Python client needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from world import USER

from hub.hub import Hub
from models.calls import CreateSessionBody
from models.clock import SYSTEM_CLOCK
from models.commands import RenameSession
from models.errors import ParleyError
from models.events import Event, SessionRenamed
from models.ids import now_ms
from services.access import LOCAL, Access, Principal
from services.chat import Chat
from services.engine.apply import apply_all
from services.library import Library
from services.llm.registry import Providers
from services.llm.scripted import ScriptedProvider
from services.organizer import Organizer
from services.runs.agents import Agent, Agents
from services.runs.assistant import Assistant
from services.runs.manager import RunManager
from services.sessions.branches import Branches
from services.sessions.following import Following
from services.sessions.manager import SessionManager
from services.sessions.other_nodes import OtherNodes
from services.store.backends import BACKENDS
from services.store.journal import Append
from services.store.store import Store
from services.users import Users as KeptByUsers

Json = dict[str, Any]


class Users(Access):
    """Everybody is who their token says: for tests with several users."""

    def resolve(self, token: str | None) -> Principal:
        return Principal(token, token.title(), "token") if token else LOCAL


@dataclass
class Harness:
    chat: Chat
    library: Library
    organizer: Organizer
    users: KeptByUsers
    hub: Hub
    runs: RunManager
    scripted: ScriptedProvider
    url: str

    @property
    def store(self) -> Store:
        return self.chat.sessions.store

    @property
    def branches(self) -> Branches:
        return Branches(self.chat.sessions)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    async def session(self, model: str | None = None) -> str:
        """A new session's id."""
        return (await self.organizer.create_session(LOCAL, CreateSessionBody(model=model))).id

    async def commit(self, session_id: str, events: int, *, size: int = 8) -> None:
        """So many events of one kind, each with a different text of about `size` characters, one after the other."""
        context = self.chat.sessions.context(session_id) or await self.store.journal.load(session_id)
        titles = [f"{context.head + number} ".ljust(size, "x") for number in range(1, events + 1)]
        submitted = [self.chat.sessions.submit(session_id, RenameSession(title), USER) for title in titles]
        await asyncio.gather(*submitted)

    async def fill(self, session_id: str, events: int, *, size: int = 8) -> None:
        """The same in one transaction past the door, which forgets the session: quick, for what nobody watches."""
        context = await self.store.journal.load(session_id)
        bodies = (SessionRenamed(title=f"{n} ".ljust(size, "x"), version=n) for n in range(1, events + 1))
        filled = tuple(
            Event(session_id, context.epoch, context.head + number, now_ms(), body)
            for number, body in enumerate(bodies, start=1)
        )
        done: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()
        self.store.journal.append(Append(context, apply_all(context, filled), filled), done.set_result)
        assert await done is None
        self.chat.sessions._cache.drop(session_id)

    async def wires(self, session_id: str, after: int = 0) -> list[Json]:
        """The journal after a position, as it travels."""
        page = await self.store.journal.since(session_id, after, limit=1_000_000, limit_bytes=1 << 40)
        return [event.to_wire() for event in page.events]

    async def snapshot(self, session_id: str) -> Json:
        return (await self.store.reads.snapshot(session_id)).to_wire()


@asynccontextmanager
async def serving(
    folder: Path | None = None,
    *,
    port: int = 0,
    model: str = "scripted:words=5,delay_ms=0,seed=1",
    agents: dict[str, Agent] | None = None,
    agent: str = "assistant",
    token: str | None = None,
    access: Access | None = None,
    store: Store | None = None,
    others: OtherNodes | None = None,
    window_s: float = 0.0,
    head_every_s: float = 25.0,
    stall_timeout_s: float = 10.0,
    ping_interval_s: float = 25.0,
) -> AsyncIterator[Harness]:
    """On SQLite in `folder`, in memory without one, or on a `store` that is not open yet."""
    store = store or _store(folder)
    await store.open()
    await store.projects.inbox()
    access = access or Access(token)
    sessions = SessionManager(store, access, clock=SYSTEM_CLOCK, others=others)
    scripted = ScriptedProvider()
    providers = Providers(SYSTEM_CLOCK, scripted=scripted, demo_words_per_s=0)
    known = Agents({"assistant": Assistant(providers), **(agents or {})})
    runs = RunManager(sessions, known, window_s=window_s)
    users = KeptByUsers(store.user_states)
    chat = Chat(sessions, providers, known, agent)
    library = Library(sessions)
    hub = Hub(
        chat,
        library,
        users,
        Following(sessions),
        head_every_s=head_every_s,
        stall_timeout_s=stall_timeout_s,
        ping_interval_s=ping_interval_s,
    )
    app = web.Application()
    hub.attach(app)
    _add_reads(app, store)
    # A client that connects in the very moment of the shutdown would hold it up for a minute.
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    await runs.start()
    bound = runner.addresses[0][1]
    try:
        organizer = Organizer(sessions, providers, users, model)
        yield Harness(chat, library, organizer, users, hub, runs, scripted, f"http://127.0.0.1:{bound}")
    finally:
        await runs.drain()
        await _accept_no_more(runner)
        await runner.cleanup()
        await sessions.close()
        await users.close()
        await providers.aclose()
        await store.close()


def _store(folder: Path | None) -> Store:
    return BACKENDS["memory" if folder is None else "sqlite"](folder or Path(), SYSTEM_CLOCK)


async def _accept_no_more(runner: web.AppRunner) -> None:
    """A client may connect in this very moment. What asyncio has accepted becomes a connection a few turns of the loop
    later; where its server was closed before, nobody would close the connection (CPython before 3.12)."""
    for site in runner.sites:
        server = getattr(site, "_server", None)
        assert isinstance(server, asyncio.Server)
        for listening in server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
    for _ in range(5):
        await asyncio.sleep(0)


def _add_reads(app: web.Application, store: Store) -> None:
    """`/api/sessions/{id}/events` and `/api/contexts/{id}/messages`, as design §5 has them, without access checks."""

    async def events(request: web.Request) -> Json:
        page = await store.journal.since(request.match_info["id"], int(request.query.get("after", "0")))
        wires = [event.to_wire() for event in page.events]
        return {"epoch": page.epoch, "head": page.head, "events": wires, "hasMore": page.has_more}

    async def messages(request: web.Request) -> Json:
        ids = request.query["ids"].split(",")
        found = await store.reads.messages(request.match_info["id"], ids)
        wires = [message.to_wire() for message in found]
        return {"messages": wires, "requestedCount": len(ids), "foundCount": len(wires)}

    app.router.add_get("/api/sessions/{id}/events", _answering(events))
    app.router.add_get("/api/contexts/{id}/messages", _answering(messages))


def _answering(read: Callable[[web.Request], Awaitable[Json]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            return web.json_response(await read(request))
        except ParleyError as error:
            wire = error.to_wire()
            return web.json_response({"error": wire.pop("message"), **wire}, status=error.status)

    return answer
