"""What each option alone allows and the parts of the server do not, and names that nobody knows. Starts nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from models.clock import SYSTEM_CLOCK  # noqa: TID251 -- for providers that are only tried out
from models.errors import InvalidArgument, ParleyError, UnknownModel
from services.mcp.config import read_servers
from services.mcp.naming import SEPARATOR
from services.mcp.servers import McpServers
from services.nearest import or_which, unknown
from services.pipeline import load_processor
from services.runs.agents import Agents
from services.tools.builtin import BUILTIN
from services.tools.registry import ToolRegistry
from services.tools.tool import Tool
from services.workflows.errors import WorkflowInvalid
from services.workflows.loading import load_folder
from services.workflows.registry import PREFIX as WORKFLOW
from web.settings import BUILT_IN_AGENT, PREFIX, Settings, named

LINKS = re.compile(r"PARLEY_(?:SERVICE_(?:HOST|PORT(?:_.*)?)|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_.*)?)")
"""What Kubernetes puts into the environment beside a service that is called parley."""


def unknown_variables(environment: Iterable[str], options: Iterable[str]) -> list[str]:
    """Variables that were meant for Parley and set nothing."""
    known = {PREFIX + name.upper() for name in options}
    ours = sorted(name for name in environment if name.upper().startswith(PREFIX) and not LINKS.fullmatch(name.upper()))
    return [
        f"{name}: there is no such option{or_which(name, known)}"
        for name in ours
        if name.upper() not in known and name.upper() != PREFIX
    ]


def unworkable(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    return [
        *_of_models(settings),
        *_of_servers(settings, environment),
        *_of_agents(settings),
        *_of_tools(settings, environment),
        *_not_found("processor", settings.processor, load_processor),
    ]


def _of_models(settings: Settings) -> Iterator[str]:
    try:
        settings.providers(SYSTEM_CLOCK).resolve(settings.model)
    except UnknownModel as error:
        yield f"{named('model')}: {error.message}"
    except InvalidArgument as error:
        yield f"--openai-base-url, --anthropic-base-url or a key of theirs: {error.message}"


def _of_servers(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    try:
        read_servers(settings.mcp, environment)
    except InvalidArgument as error:
        yield from (f"parley.toml: {line}" for line in error.message.splitlines())


def _of_agents(settings: Settings) -> Iterator[str]:
    workflows: set[str] = set()
    if settings.workflows is not None:
        try:
            workflows = {f"{WORKFLOW}{name}" for name in load_folder(settings.workflows)}
        except WorkflowInvalid as error:
            yield from (f"--workflows: {line}" for line in error.message.splitlines())
            return
    agents = Agents({})
    if settings.agent not in (BUILT_IN_AGENT, *workflows):
        yield from _not_found("agent", (settings.agent,), agents.resolve)
    for name in settings.turn_limits:
        if name in (BUILT_IN_AGENT, *workflows):
            continue
        if name.startswith(WORKFLOW) or not _is_agent(agents, name):
            yield f"{named('agent_turn_limit')}: {unknown('agent', name, (BUILT_IN_AGENT, *workflows))}"


def _is_agent(agents: Agents, name: str) -> bool:
    try:
        agents.resolve(name)
    except InvalidArgument:
        return False
    return True


def _of_tools(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    """A tool of a server of tools is known once the server is there: of those only the server's name is looked at."""
    registry = ToolRegistry(BUILTIN)
    found = [*BUILTIN, *registry.load_entry_points(), *_tools_of_servers(settings, environment)]
    yield from _not_found("tools", settings.tools, lambda path: found.extend(registry.load(path)))
    tools = {tool.name: tool for tool in found}
    for name in settings.allow_tool:
        if not _may_come(name, tools, settings):
            yield f"{named('allow_tool')}: {unknown('tool', name, tools)}"
    for name, policy in settings.tool_policies.items():
        if name in tools:
            try:
                tools[name].with_policy(policy)
            except InvalidArgument as error:
                yield f"{named('tool_policy')}: {error.message}"
        elif not _may_come(name, tools, settings):
            yield f"{named('tool_policy')}: {unknown('tool', name, tools)}"


def _may_come(name: str, tools: Mapping[str, Tool], settings: Settings) -> bool:
    server, separator, tool = name.partition(SEPARATOR)
    return name in tools or (separator != "" and tool != "" and server in settings.mcp)


def _tools_of_servers(settings: Settings, environment: Mapping[str, str]) -> tuple[Tool, ...]:
    if not settings.mcp:
        return ()
    try:
        return McpServers(read_servers(settings.mcp, environment), ToolRegistry(), SYSTEM_CLOCK).tools()
    except InvalidArgument:
        return ()  # said already


def _not_found(name: str, paths: tuple[str, ...], find: Callable[[str], object]) -> Iterator[str]:
    for path in paths:
        try:
            find(path)
        except ParleyError as error:
            yield f"{named(name)}: {error.message}"
