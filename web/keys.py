"""Where an aiohttp application of Parley keeps its services."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from hub.hub import Hub
from hub.socket.origins import Origins
from services.access import Access
from services.chat import Chat
from services.context_editor import ContextEditor
from services.launcher import Launcher
from services.library import Library
from services.llm.registry import Providers
from services.mcp.servers import McpServers
from services.operating.metrics import Metrics
from services.organizer import Organizer
from services.runs.manager import RunManager
from services.runs.views import ViewBuilder
from services.sessions.branches import Branches
from services.sessions.following import Following
from services.sessions.manager import SessionManager
from services.store.store import Store
from services.tools.registry import ToolRegistry
from services.users import Users
from web.listening.places import Places
from web.settings import Settings
from web.stream import AnswerStreams


@dataclass(slots=True)
class Lifecycle:
    """`draining` is set once, when the server begins to stop. `housekeeping` runs as long as the server."""

    draining: bool = False
    housekeeping: asyncio.Task[None] | None = None

    async def end_housekeeping(self) -> None:
        task, self.housekeeping = self.housekeeping, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


SETTINGS = web.AppKey("settings", Settings)
SESSIONS = web.AppKey("sessions", SessionManager)
PROVIDERS = web.AppKey("providers", Providers)
RUNS = web.AppKey("runs", RunManager)
VIEWS = web.AppKey("views", ViewBuilder)
TOOLS = web.AppKey("tools", ToolRegistry)
MCP = web.AppKey("mcp", McpServers)
FOLLOWING = web.AppKey("following", Following)
STORE = web.AppKey("store", Store)
ACCESS = web.AppKey("access", Access)
LAUNCHER = web.AppKey("launcher", Launcher)
LIBRARY = web.AppKey("library", Library)
CHAT = web.AppKey("chat", Chat)
ORGANIZER = web.AppKey("organizer", Organizer)
EDITOR = web.AppKey("editor", ContextEditor)
BRANCHES = web.AppKey("branches", Branches)
USERS = web.AppKey("users", Users)
HUB = web.AppKey("hub", Hub)
METRICS = web.AppKey("metrics", Metrics)
ORIGINS = web.AppKey("origins", Origins)
PLACES = web.AppKey("places", Places)
STREAMS = web.AppKey("streams", AnswerStreams)
LIFECYCLE = web.AppKey("lifecycle", Lifecycle)
