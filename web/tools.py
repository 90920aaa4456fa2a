"""The tools of one server, from its settings: the built-in ones, those named by path, those of installed packages."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import BinaryIO

from models.clock import Clock
from models.errors import ParleyError
from services.content.fetching import fetch_public
from services.mcp.config import read_servers
from services.mcp.servers import McpServers
from services.pipeline import Pipeline, enriching, load_processor, standard
from services.runs.toolbox import Toolbox
from services.tools.builtin import BUILTIN
from services.tools.codebase_overview import describe_project
from services.tools.executor import ToolExecutor
from services.tools.registry import ToolRegistry
from services.tools.workspace import Workspace
from services.workflows.loading import load_folder
from services.workflows.registry import Workflows
from web.settings import Settings

OVERVIEW_KEPT_S = 60.0
"""How long a workspace's overview serves for prompts: walking a large tree takes a second."""


def toolbox_of(settings: Settings) -> Toolbox:
    """Raises InvalidArgument for a workspace, a policy or a path that can't work."""
    registry = ToolRegistry(BUILTIN, policies=settings.tool_policies)
    registry.load_entry_points()
    for path in settings.tools:
        registry.load(path)
    return Toolbox(
        registry,
        ToolExecutor(registry),
        Workspace(settings.workspace),
        settings.approval_policy,
        frozenset(settings.allow_tool),
        settings.approvals_expire_after_s,
    )


def mcp_of(settings: Settings, toolbox: Toolbox, clock: Clock, environment: Mapping[str, str]) -> McpServers:
    """The servers of tools; they start with the application. Their resources are tools too."""
    servers = McpServers(read_servers(settings.mcp, environment), toolbox.registry, clock)
    if settings.mcp:
        for tool in servers.tools():
            toolbox.registry.register(tool)
    return servers


def workflows_of(settings: Settings, toolbox: Toolbox) -> Workflows:
    """Those of the folder; a tool that is not there is a warning, for it may come with a server of tools."""
    if settings.workflows is None:
        return Workflows()
    names = {tool.name for tool in toolbox.registry.describe()}
    return Workflows(load_folder(settings.workflows, names))


def overview_of(toolbox: Toolbox, elapsed_s: Callable[[], float] = time.monotonic) -> Callable[[], Awaitable[str]]:
    """The workspace's overview for system prompts, made in a thread and kept for a minute. Empty when it fails."""
    kept: list[tuple[float, str]] = []

    async def overview() -> str:
        workspace = toolbox.workspace
        if workspace is None:
            return ""
        if not kept or elapsed_s() - kept[0][0] > OVERVIEW_KEPT_S:
            try:
                text = await asyncio.to_thread(describe_project, workspace)
            except (ParleyError, OSError):
                text = ""
            kept[:] = [(elapsed_s(), text)]
        return kept[0][1]

    return overview


def pipeline_of(settings: Settings, toolbox: Toolbox, clock: Clock) -> Pipeline:
    """Raises InvalidArgument for a processor that can't be found."""
    workspace = toolbox.workspace
    own = tuple(load_processor(path) for path in settings.processor)
    if workspace is None:
        return standard(own=own)

    def open_file(path: str) -> BinaryIO:
        with workspace.file(path) as descriptor:
            return os.fdopen(os.dup(descriptor), "rb")

    fetch = fetch_public if settings.fetch_images else None
    return standard(enriching(open_file, clock, settings.image_mode, fetch), own)
