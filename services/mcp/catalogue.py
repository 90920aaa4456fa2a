"""What an MCP server offers at this moment, page by page, within limits, as tools and resources of ours. Never calls a
tool.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from mcp.client.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CONNECTION_CLOSED, Resource, ResourceTemplate
from mcp_types import Tool as Listed

from models.errors import InvalidArgument
from models.text import cleaned
from services.mcp.config import McpServerConfig
from services.mcp.guard import Guard
from services.mcp.offer import McpResource, Offer
from services.mcp.remote_tool import CallRemote, remote_tool
from services.tools.tool import Tool

PAGES_MAX = 50
ENTRIES_MAX = 500
TEXT_MAX_CHARS = 1_000

EntryT = TypeVar("EntryT")
What = Literal["tools", "resources", "resource templates"]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Reads the lists of one connection. `call` is what its tools call."""

    client: Client
    config: McpServerConfig
    guard: Guard
    call: CallRemote

    async def read(self) -> Offer:
        """Raises MCPError when the connection is gone, ValidationError for an answer that is no list."""
        self.guard.notes.clear()
        can, client = self.client.server_capabilities, self.client
        listed: list[Listed] = []
        resources: list[McpResource] = []
        if can.tools is not None:
            listed = await self._all("tools", client.list_tools, lambda page: page.tools)
        if can.resources is not None:
            found = await self._all("resources", client.list_resources, lambda page: page.resources)
            templates = await self._all(
                "resource templates", client.list_resource_templates, lambda page: page.resource_templates
            )
            resources = [self._resource(each) for each in [*found, *templates]]
        # In a thread: checking the schemas of hundreds of tools takes a second.
        tools = await asyncio.to_thread(self._tools, listed)
        return Offer(tools, tuple(resources), tuple(self.guard.notes))

    async def _all(
        self, what: What, fetch: Callable[..., Awaitable[Any]], entries: Callable[[Any], list[EntryT]]
    ) -> list[EntryT]:
        """An error that the server answers is a note: it lives."""
        found: list[EntryT] = []
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            try:
                page = await fetch(cursor=cursor)
            except MCPError as error:
                if error.code == CONNECTION_CLOSED:
                    raise
                self.guard.note(f"The list of {what} failed: {error.message}")
                return found
            found += entries(page)
            cursor = page.next_cursor
            if cursor is None or len(found) > ENTRIES_MAX:
                break
        if len(found) > ENTRIES_MAX or cursor is not None:
            self.guard.note(f"Of its {what} only the first {min(len(found), ENTRIES_MAX)} are taken")
        return found[:ENTRIES_MAX]

    def _tools(self, listed: Iterable[Listed]) -> tuple[Tool, ...]:
        made: list[Tool] = []
        for each in listed:
            try:
                made.append(remote_tool(self.config, each, self.call))
            except InvalidArgument as error:
                self.guard.note(f"The tool “{each.name[:100]}” is left out: {error.message}")
        return tuple(made)

    def _resource(self, listed: Resource | ResourceTemplate) -> McpResource:
        is_template = isinstance(listed, ResourceTemplate)
        return McpResource(
            server=self.config.name,
            uri=_short(listed.uri_template if isinstance(listed, ResourceTemplate) else listed.uri),
            name=_short(listed.title or listed.name),
            description=_short(listed.description or ""),
            mime_type=_short(listed.mime_type or ""),
            is_template=is_template,
        )


def _short(text: str) -> str:
    return cleaned(text[:TEXT_MAX_CHARS])
