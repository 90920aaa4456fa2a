"""A whole server inside the test's loop: real sockets, a journal of choice, scripted models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from hub.hub import Hub
from models.calls import CreateSessionBody
from services.access import LOCAL, Access
from services.agents import Agent, Agents
from services.assistant import Assistant
from services.chat import Chat
from services.database import Database
from services.journal import Journal
from services.journal_memory import MemoryJournal
from services.journal_sqlite import SqliteJournal
from services.llm.registry import Providers
from services.llm.scripted import ScriptedProvider
from services.llm.tokens import TokenCounter
from services.projects import Projects
from services.projects_memory import MemoryProjects
from services.projects_sqlite import SqliteProjects
from services.runs import RunManager
from services.sessions import SessionManager


@dataclass
class Harness:
    chat: Chat
    hub: Hub
    runs: RunManager
    scripted: ScriptedProvider
    url: str

    @property
    def journal(self) -> Journal:
        return self.chat.journal

    async def session(self, model: str | None = None) -> str:
        """A new session's id."""
        return (await self.chat.create_session(LOCAL, CreateSessionBody(model=model))).id


@asynccontextmanager
async def serving(
    folder: Path | None = None,
    *,
    port: int = 0,
    model: str = "scripted:words=5,delay_ms=0,seed=1",
    agents: dict[str, Agent] | None = None,
    agent: str = "assistant",
    token: str | None = None,
    window_s: float = 0.0,
    head_every_s: float = 25.0,
    stall_timeout_s: float = 10.0,
    ping_interval_s: float = 25.0,
) -> AsyncIterator[Harness]:
    """On SQLite in `folder`, in memory without one."""
    journal: Journal
    projects: Projects
    if folder is None:
        memory = MemoryProjects()
        journal, projects = MemoryJournal(memory), memory
    else:
        database = Database(folder)
        journal, projects = SqliteJournal(database), SqliteProjects(database)
    await journal.open()
    access = Access(token)
    sessions = SessionManager(journal, access)
    scripted = ScriptedProvider()
    providers = Providers(scripted=scripted, demo_words_per_s=0)
    known = Agents({"assistant": Assistant(providers, TokenCounter()), **(agents or {})})
    runs = RunManager(sessions, known, window_s=window_s)
    chat = Chat(sessions, projects, providers, known, access, model, agent)
    hub = Hub(chat, head_every_s=head_every_s, stall_timeout_s=stall_timeout_s, ping_interval_s=ping_interval_s)
    app = web.Application()
    hub.attach(app)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    await runs.start()
    bound = runner.addresses[0][1]
    try:
        yield Harness(chat, hub, runs, scripted, f"http://127.0.0.1:{bound}")
    finally:
        await runs.drain()
        await runner.cleanup()
        await sessions.close()
        await providers.aclose()
        await journal.close()
