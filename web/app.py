"""The composition root: builds every part once, connects them, starts and stops them in order. Owns no logic."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial

import structlog
from aiohttp import web

from hub.hub import Hub
from hub.socket.origins import Origins
from hub.socket.proxies import Proxies
from models.clock import SYSTEM_CLOCK, Clock
from models.errors import ParleyError
from services.access import Access
from services.chat import Chat
from services.context_editor import ContextEditor
from services.launcher import Launcher
from services.library import Library
from services.llm.registry import Providers
from services.llm.tokens import TokenCounter
from services.operating.collector import Collector, keep_lean
from services.operating.metrics import MeteredSessionManager, Metrics
from services.operating.seldom import Seldom
from services.organizer import Organizer
from services.runs.agents import Agent, Agents
from services.runs.assistant import Assistant
from services.runs.manager import RunManager
from services.runs.tool_caller import PREFIX as TOOL
from services.runs.tool_caller import ToolCaller
from services.runs.views import ViewBuilder
from services.sessions.branches import Branches
from services.sessions.following import Following
from services.sessions.other_nodes import OtherNodes
from services.store.backends import BACKENDS
from services.store.store import Store
from services.tracing import configured_tracing
from services.users import Users
from services.workflows.agent import WorkflowAgent
from services.workflows.registry import PREFIX as WORKFLOW
from web import door
from web.caller import Caller
from web.http_connection import Application
from web.keys import (
    ACCESS,
    BRANCHES,
    CHAT,
    EDITOR,
    FOLLOWING,
    HUB,
    LAUNCHER,
    LIBRARY,
    LIFECYCLE,
    MCP,
    METRICS,
    ORGANIZER,
    ORIGINS,
    PLACES,
    PROVIDERS,
    RUNS,
    SESSIONS,
    SETTINGS,
    STORE,
    STREAMS,
    TOOLS,
    USERS,
    VIEWS,
    Lifecycle,
)
from web.listening.places import Places, capacity, descriptors_for
from web.listening.watch import LOOK_EVERY_S, Watch
from web.pages import Pages
from web.rest.intake import INTAKE, Intake
from web.rest.operations import parley_version
from web.rest.routes import register
from web.settings import BUILT_IN_AGENT, Settings
from web.stream import AnswerStreams
from web.tools import mcp_of, overview_of, pipeline_of, toolbox_of, workflows_of

log = structlog.get_logger(__name__)

PURGE_EVERY_S = 24 * 3600.0


def store_of(settings: Settings, clock: Clock) -> Store:
    folder = settings.folder
    return BACKENDS["memory" if folder is None else "sqlite"](folder or settings.data, clock)


def create_app(
    settings: Settings,
    *,
    clock: Clock = SYSTEM_CLOCK,
    store: Store | None = None,
    providers: Providers | None = None,
    agents: Mapping[str, Agent] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> web.Application:
    """An application that is not started yet: its startup opens the storage and may raise StorageUnavailable.

    `clock` is the one of the whole server. `agents` are added under their names to the built-in one; `providers` and
    `store` stand in for what the settings ask for. `environment` has the variables that `[mcp.…]` tables name.
    """
    most, seldom = settings.max_connections, Seldom(log)
    places = Places(capacity(most, descriptors_for(most)), seldom)
    proxies = Proxies(settings.trusted_proxy)
    app = Application(partial(Caller, places=places, deadlines=settings.deadlines, seldom=seldom, proxies=proxies))
    app[PLACES] = places
    door.attach(app)
    metrics = Metrics(parley_version(), clock)
    app[SETTINGS] = settings
    app[LIFECYCLE] = Lifecycle()
    app[METRICS] = metrics
    app[ORIGINS] = Origins(settings.host, settings.allow_origin, proxies, token=settings.token is not None)
    app[PROVIDERS] = providers or settings.providers(clock)
    _build_core(app, clock, store or store_of(settings, clock), dict(agents or {}), environment)
    app[HUB] = Hub(
        app[CHAT],
        app[LIBRARY],
        app[USERS],
        app[FOLLOWING],
        tools=app[TOOLS],
        admit=app[ORIGINS].admit_to_socket,
        client_of=proxies.client_of,
        on_let_go=metrics.on_let_go,
        connect_timeout_s=settings.connect_timeout_s if settings.token is not None else None,
        max_connections=min(most, places.capacity.sockets),
    )
    app[INTAKE] = Intake()
    app[STREAMS] = AnswerStreams(metrics.on_let_go, client_of=proxies.client_of)
    _watch(app)
    Watch(places, min(LOOK_EVERY_S, settings.deadlines.shortest_s / 4)).attach(app)
    register(app)
    Pages().attach(app)
    _order(app)
    return app


def _build_core(
    app: web.Application, clock: Clock, store: Store, agents: dict[str, Agent], environment: Mapping[str, str]
) -> None:
    settings, providers = app[SETTINGS], app[PROVIDERS]
    app[STORE] = store
    token = settings.token
    access = Access(token.get_secret_value() if token is not None else None)
    sessions = MeteredSessionManager(
        store,
        access,
        clock=clock,
        metrics=app[METRICS],
        others=OtherNodes() if store.capabilities.several_writers else None,
        tracing=configured_tracing(),
    )
    toolbox = toolbox_of(settings)
    app[TOOLS] = toolbox.registry
    app[MCP] = mcp_of(settings, toolbox, clock, environment)
    users = Users(store.user_states, check_model=providers.resolve)
    toolbox = replace(toolbox, server_of=app[MCP].server_of, wish_of=users.approval_policy)
    app[VIEWS] = views = ViewBuilder(TokenCounter(), toolbox, overview_of(toolbox))
    workflows = workflows_of(settings, toolbox)
    known = Agents(
        {BUILT_IN_AGENT: Assistant(providers, views), **agents},
        prefixes={
            WORKFLOW: lambda name: WorkflowAgent(workflows.get(name), sessions, providers, views),
            TOOL: ToolCaller,
        },
        time_limit=settings.turn_limit,
        time_limits=settings.turn_limits,
    )
    app[SESSIONS] = sessions
    app[FOLLOWING] = Following(sessions)
    app[RUNS] = RunManager(sessions, known, toolbox=toolbox, window_s=settings.coalesce_window_ms / 1000)
    app[ACCESS] = access
    app[USERS] = users
    app[LIBRARY] = Library(sessions)
    pipeline = pipeline_of(settings, toolbox, clock)
    app[CHAT] = Chat(sessions, providers, known, settings.agent, pipeline, workflows, toolbox.registry)
    app[ORGANIZER] = Organizer(sessions, providers, users, settings.model)
    app[LAUNCHER] = Launcher(app[CHAT], app[ORGANIZER], toolbox.registry)
    app[EDITOR] = ContextEditor(sessions, providers)
    app[BRANCHES] = Branches(sessions)


def _watch(app: web.Application) -> None:
    metrics, hub, runs, store = app[METRICS], app[HUB], app[RUNS], app[STORE]
    streams = app[STREAMS]
    app[SESSIONS].subscribe(metrics.on_committed)
    places = app[PLACES]
    metrics.gauge("parley_http_connections", "TCP connections.", lambda: len(places))
    metrics.gauge("parley_connections", "Socket connections.", lambda: hub.connections)
    metrics.gauge("parley_subscriptions", "Sessions joined, over all connections.", lambda: hub.subscriptions)
    metrics.gauge("parley_streams", "Answers being streamed over HTTP.", lambda: len(streams))
    intake = app[INTAKE]
    metrics.gauge(
        "parley_bodies_waiting",
        "Large bodies that wait to be read or handled.",
        lambda: len(intake.reading) + len(intake.handling),
    )
    metrics.gauge("parley_runs_active", "Runs at work.", lambda: runs.active)
    metrics.gauge("parley_storage_ok", "1 when the storage works, else 0.", lambda: store.trouble is None)
    metrics.gauge("parley_draining", "1 while the server stops.", lambda: app[LIFECYCLE].draining)


def _order(app: web.Application) -> None:
    """The storage opens before and closes after everything that uses it; runs stop before clients are sent away."""
    app.on_startup.append(_start)
    app.on_shutdown.append(drain)
    app[HUB].attach(app)
    app[STREAMS].attach(app)
    app.on_cleanup.append(_stop)


async def _start(app: web.Application) -> None:
    store = app[STORE]
    await store.open()
    try:
        await store.projects.inbox()
        await app[TOOLS].start()
        await app[MCP].start()
        await app[RUNS].start()
    except BaseException:
        await _stop(app)
        raise
    app[LIFECYCLE].housekeeping = asyncio.get_running_loop().create_task(_keep_house(app))


async def drain(app: web.Application) -> None:
    """Refuses new work, lets the runs reach a commit (10 s at most), and sends the clients away. While it goes on the
    server can still be asked. Safe to call twice: the application's shutdown does so too."""
    if app[LIFECYCLE].draining:
        return
    app[LIFECYCLE].draining = True
    app[HUB].close_door()
    app[STREAMS].close_door()
    await app[RUNS].drain()
    await asyncio.gather(app[HUB].drain(), app[STREAMS].drain())


async def _stop(app: web.Application) -> None:
    await app[LIFECYCLE].end_housekeeping()
    await app[SESSIONS].close()
    await app[USERS].close()
    await app[MCP].stop()
    await app[TOOLS].stop()
    await app[STORE].close()
    await app[PROVIDERS].aclose()


async def _keep_house(app: web.Application) -> None:
    """Cancelled, it is over when both are: a read that is broken off has still to give its connection back."""
    async with asyncio.TaskGroup() as house:
        house.create_task(purge_daily(app[ORGANIZER]))
        house.create_task(keep_lean(app[SESSIONS].let_go_idle, Collector()))


async def purge_daily(organizer: Organizer, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Removes what was deleted more than 30 days ago, now and then every day, as long as it is not cancelled."""
    while True:
        try:
            if purged := await organizer.purge_expired():
                log.info("deleted sessions purged", count=purged)
        except ParleyError as error:
            log.warning("purge postponed", reason=error.message)
        await sleep(PURGE_EVERY_S)
