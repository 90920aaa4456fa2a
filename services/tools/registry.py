"""Which tools there are, which of them can be called now and why the others can't. Never calls a tool.

Tools are registered by hand, found in the entry point group `parley.tools`, or named by a dotted path.
"""

from __future__ import annotations

import inspect
import pkgutil
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import structlog

from models.errors import InvalidArgument
from models.states import Mode
from services.extras import is_installed
from services.tools.errors import ToolUnavailable, UnknownTool
from services.tools.tool import Hook, Policy, Risk, Tool

log = structlog.get_logger(__name__)

ENTRY_POINTS = "parley.tools"


@dataclass(frozen=True, slots=True)
class ToolDescription:
    """`parameters` is a JSON schema; `reason` says why the tool is not available now."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    category: str
    risk: Risk
    policy: Policy
    dangerous: bool
    modes: tuple[str, ...]
    roles: tuple[str, ...]
    requires: tuple[str, ...]
    timeout_ms: int
    available: bool
    reason: str | None


@cache
def offered() -> tuple[EntryPoint, ...]:
    """What installed packages offer, by name. Looked up once: it reads the metadata of every package there is."""
    return tuple(sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name))


class ToolRegistry:
    """`policies` are the operator's: they replace the policy of a tool by its name. Used from one event loop."""

    def __init__(self, tools: Iterable[Tool] = (), *, policies: Mapping[str, Policy] | None = None) -> None:
        self._tools: dict[str, Tool] = {}
        self._policies = dict(policies or {})
        self._disabled: dict[str, str] = {}
        self._switched_off: dict[str, str] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._started: list[str] = []
        for tool in tools:
            self.register(tool)

    def register(self, tool: Tool) -> None:
        """Raises InvalidArgument for a name that is taken: a tool is replaced by removing it first."""
        if tool.name in self._tools:
            raise InvalidArgument(f"There is a tool “{tool.name}” already", field="name")
        policy = self._policies.get(tool.name)
        self._tools[tool.name] = tool.with_policy(policy) if policy else tool
        self._told(tool.name)

    def remove(self, name: str) -> None:
        """Raises UnknownTool. Its shutdown hook is not run: disable and stop, if it matters."""
        self._known(name)
        del self._tools[name]
        self._disabled.pop(name, None)
        self._told(name)

    def load(self, path: str) -> tuple[Tool, ...]:
        """Registers what `package.module:attribute` holds: a tool, several, or a function without arguments that makes
        them. Raises InvalidArgument that says what is wrong with it."""
        try:
            found = pkgutil.resolve_name(path)
        except Exception as error:
            raise InvalidArgument(f"No tools at {path!r}, expected package.module:attribute ({error})") from error
        return self._register_all(path, found)

    def load_entry_points(self) -> tuple[Tool, ...]:
        """Registers what installed packages offer. One that fails is logged and left out."""
        loaded: list[Tool] = []
        for point in offered():
            loaded.extend(self._load_entry_point(point))
        return tuple(loaded)

    def get(self, name: str) -> Tool:
        """Raises UnknownTool, or ToolUnavailable with the reason."""
        tool = self._known(name)
        reason = self.why_not(name)
        if reason:
            raise ToolUnavailable(f"The tool “{name}” is not available: {reason}")
        return tool

    def disable(self, name: str, reason: str = "switched off") -> None:
        """Raises UnknownTool. Calls in progress go on."""
        self._known(name)
        self._disabled[name] = reason
        self._told(name)

    def enable(self, name: str) -> None:
        """Undoes `disable`, also that of a failed startup hook: what the tool requires must still be there."""
        self._known(name)
        self._disabled.pop(name, None)
        self._told(name)

    def switch_off(self, name: str, reason: str) -> None:
        """An operator's word, which nothing but `switch_on` undoes: it outlives the tool's own failures, and its going
        and coming back. Raises UnknownTool. Calls in progress go on; what waits for an answer is not made any more."""
        self._known(name)
        self._switched_off[name] = reason
        self._told(name)

    def switch_on(self, name: str) -> None:
        """Raises UnknownTool. The tool may still be unavailable for reasons of its own."""
        self._known(name)
        self._switched_off.pop(name, None)
        self._told(name)

    def subscribe(self, listener: Callable[[str], None]) -> None:
        """`listener` is called with the name of every tool that comes, goes, or is switched off or on. It must not
        block."""
        self._listeners.append(listener)

    def _told(self, name: str) -> None:
        for listener in self._listeners:
            listener(name)

    def why_not(self, name: str) -> str | None:
        """Why the tool can't be called now; None when it can."""
        tool = self._known(name)
        if tool.policy == "off":
            return "its policy is “off”"
        return self._switched_off.get(name) or self._disabled.get(name) or self._missing(tool, (name,))

    def available(self, mode: Mode, role: str | None = None) -> tuple[Tool, ...]:
        """What a model may be offered, by name. `role` None is for somebody who may do everything."""
        return tuple(
            tool
            for name, tool in sorted(self._tools.items())
            if mode in tool.modes and _admits(tool, role) and self.why_not(name) is None
        )

    def describe(self) -> tuple[ToolDescription, ...]:
        """Every tool, for people: also those that can't be called, with the reason."""
        return tuple(_described(tool, self.why_not(name)) for name, tool in sorted(self._tools.items()))

    async def start(self) -> None:
        """Runs the startup hooks, those of required tools first. A hook that fails disables its tool alone."""
        for name in self._order():
            if name not in self._started and self.why_not(name) is None:
                await self._start(name)

    async def stop(self) -> None:
        """Runs the shutdown hooks of what was started, in reverse. Failures are logged."""
        while self._started:
            name = self._started.pop()
            tool = self._tools.get(name)
            try:
                await _run(tool.shutdown if tool else None)
            except Exception as error:
                log.warning("tool_shutdown_failed", tool=name, error=repr(error))

    async def _start(self, name: str) -> None:
        try:
            await _run(self._tools[name].startup)
        except Exception as error:
            log.warning("tool_startup_failed", tool=name, error=repr(error))
            self._disabled[name] = f"its startup failed: {error or type(error).__name__}"
        else:
            self._started.append(name)

    def _known(self, name: str) -> Tool:
        try:
            return self._tools[name]
        except KeyError:
            known = ", ".join(sorted(self._tools)) or "none"
            raise UnknownTool(f"There is no tool “{name[:100]}”; known: {known}", field="name") from None

    def _missing(self, tool: Tool, path: tuple[str, ...]) -> str | None:
        return next(filter(None, (self._lack(requirement, path) for requirement in tool.requires)), None)

    def _lack(self, requirement: str, path: tuple[str, ...]) -> str | None:
        kind, colon, what = requirement.partition(":")
        if not colon:
            return self._lack_of_tool(requirement, path)
        if kind == "executable":
            return None if shutil.which(what) else f"the program “{what}” is not on the PATH"
        if kind == "package":
            return None if is_installed(what) else f"the Python package “{what}” is not installed"
        return f"it requires “{requirement}”, which is neither a tool nor executable:NAME nor package:NAME"

    def _lack_of_tool(self, name: str, path: tuple[str, ...]) -> str | None:
        if name in path:
            return f"its requirements form a circle: {' → '.join((*path, name))}"
        tool = self._tools.get(name)
        if tool is None:
            return f"it requires the tool “{name}”, which does not exist"
        off = tool.policy == "off" or name in self._disabled or name in self._switched_off
        if off or self._missing(tool, (*path, name)):
            return f"it requires the tool “{name}”, which is not available"
        return None

    def _order(self) -> list[str]:
        """By name, but each after what it requires."""
        order: dict[str, None] = {}

        def visit(name: str, path: tuple[str, ...]) -> None:
            if name in order or name in path or name not in self._tools:
                return
            for requirement in self._tools[name].requires:
                visit(requirement, (*path, name))
            order[name] = None

        for name in sorted(self._tools):
            visit(name, ())
        return list(order)

    def _register_all(self, path: str, found: object) -> tuple[Tool, ...]:
        if callable(found) and not isinstance(found, Tool):
            found = found()
        tools = (found,) if isinstance(found, Tool) else tuple(found) if isinstance(found, Iterable) else ()
        if not tools or not all(isinstance(tool, Tool) for tool in tools):
            raise InvalidArgument(f"{path!r} holds no tools: decorate a function with @tool(…)")
        for tool in tools:
            self.register(tool)
        return tools

    def _load_entry_point(self, point: EntryPoint) -> tuple[Tool, ...]:
        try:
            return self._register_all(point.value, point.load())
        except Exception as error:
            log.warning("tool_entry_point_failed", entry_point=point.name, value=point.value, error=repr(error))
            return ()


def _admits(tool: Tool, role: str | None) -> bool:
    return role is None or not tool.roles or role in tool.roles


async def _run(hook: Hook | None) -> None:
    if hook is not None:
        pending = hook()
        if inspect.isawaitable(pending):
            await pending


def _described(tool: Tool, reason: str | None) -> ToolDescription:
    return ToolDescription(
        name=tool.name,
        description=tool.description,
        parameters=tool.parameters,
        category=tool.category,
        risk=tool.risk,
        policy=tool.policy,
        dangerous=tool.dangerous,
        modes=tuple(sorted(tool.modes)),
        roles=tuple(sorted(tool.roles)),
        requires=tuple(tool.requires),
        timeout_ms=round(tool.timeout_s * 1000),
        available=reason is None,
        reason=reason,
    )
