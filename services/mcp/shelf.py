"""Keeps the tool registry in step with what one server offers now. Never talks to the server.

A tool of a server that is down stays known but disabled, so that a call of it is told why. What somebody else switched
off stays off.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from models.errors import InvalidArgument
from services.tools.errors import UnknownTool
from services.tools.registry import ToolRegistry
from services.tools.tool import Tool


class Shelf:
    def __init__(self, registry: ToolRegistry) -> None:
        self._registry = registry
        self._given: dict[str, Tool] = {}
        self._reason: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._given))

    def show(self, tools: Iterable[Tool]) -> list[str]:
        """Makes exactly these available; returns why some could not be."""
        wanted = {tool.name: tool for tool in tools}
        for name in [name for name in self._given if name not in wanted or not self._is_there(name)]:
            self._take_away(name)
        refusals = [self._put(tool) for tool in wanted.values()]
        self._reason = None
        return [refusal for refusal in refusals if refusal]

    def hide(self, reason: str) -> None:
        """Makes all unavailable, for a while."""
        for name in self._given:
            if self._is_there(name) and self._is_free(name):
                self._registry.disable(name, reason)
        self._reason = reason

    def clear(self) -> None:
        for name in list(self._given):
            self._take_away(name)

    def _put(self, tool: Tool) -> str | None:
        old = self._given.get(tool.name)
        others = None if old is None or self._is_free(tool.name) else self._registry.why_not(tool.name)
        if old is not None and not _same(old, tool):
            self._take_away(tool.name)
            old = None
        if old is None:
            try:
                self._registry.register(tool)
            except InvalidArgument as error:
                return error.message
            self._given[tool.name] = tool
        if others is None:
            self._registry.enable(tool.name)
        elif tool.policy != "off":
            self._registry.disable(tool.name, others)
        return None

    def _take_away(self, name: str) -> None:
        del self._given[name]
        with suppress(UnknownTool):
            self._registry.remove(name)

    def _is_there(self, name: str) -> bool:
        """Anybody may remove a tool."""
        try:
            self._registry.why_not(name)
        except UnknownTool:
            return False
        return True

    def _is_free(self, name: str) -> bool:
        """Whether nobody but us has switched it off."""
        return self._registry.why_not(name) in (None, self._reason)


def _same(old: Tool, new: Tool) -> bool:
    """The functions differ each time and do the same."""
    return _essence(old) == _essence(new)


def _essence(tool: Tool) -> tuple[object, ...]:
    return (tool.description, tool.parameters, tool.risk, tool.policy, tool.dangerous, tool.timeout_s)
