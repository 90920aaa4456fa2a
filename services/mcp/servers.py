"""All MCP servers of the configuration, one supervised task each. Never knows what happens inside one.

servers = McpServers(read_servers(table, os.environ), registry, clock)
await servers.start()          # returns at once: tools appear in the registry as their servers get ready
…
await servers.stop()
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from models.clock import Clock
from models.payloads import McpResourcePayload
from services.mcp.config import McpServerConfig
from services.mcp.errors import UnknownMcpServer
from services.mcp.naming import server_part
from services.mcp.offer import McpResource, McpStatus
from services.mcp.server import McpServer, Patience
from services.tools.registry import ToolRegistry
from services.tools.tool import Tool, ToolOutput, tool


class McpServers:
    """Used from one event loop."""

    def __init__(
        self,
        configs: Iterable[McpServerConfig],
        registry: ToolRegistry,
        clock: Clock,
        *,
        patience: Patience | None = None,
    ) -> None:
        patience = patience or Patience()
        self._servers = {config.name: McpServer(config, registry, clock, patience) for config in configs}

    async def start(self) -> None:
        for server in self._servers.values():
            server.start()

    async def stop(self) -> None:
        """Returns when their processes are gone, after ten seconds at most."""
        await asyncio.gather(*(server.stop() for server in self._servers.values()))

    async def restart(self, name: str) -> None:
        """Starts it anew at once, without waiting for its turn. Raises UnknownMcpServer."""
        server = self._known(name)
        await server.stop()
        server.start()

    def status(self) -> tuple[McpStatus, ...]:
        """Of every server, in the order of the configuration."""
        return tuple(server.status() for server in self._servers.values())

    def server_of(self, tool_name: str) -> str | None:
        """The server that a tool of this name belongs to, also while it is down; None for other tools."""
        server = server_part(tool_name)
        return server if server in self._servers else None

    def resources(self, server: str | None = None) -> tuple[McpResource, ...]:
        """What can be read now, of one server or of all. Raises UnknownMcpServer."""
        chosen = self._servers.values() if server is None else [self._known(server)]
        return tuple(resource for each in chosen for resource in each.resources)

    async def read_resource(self, server: str, uri: str) -> McpResourcePayload:
        """Raises UnknownMcpServer, McpServerDown, McpToolFailed, McpCallLost."""
        return await self._known(server).read(uri)

    def tools(self) -> tuple[Tool, ...]:
        """The tools `mcp_list_resources` and `mcp_read_resource`, to be registered where a server is configured."""
        return self._list_tool(), self._read_tool()

    def _known(self, name: str) -> McpServer:
        try:
            return self._servers[name]
        except KeyError:
            known = ", ".join(self._servers) or "none"
            raise UnknownMcpServer(f"There is no MCP server “{name[:100]}”; known: {known}", server=name) from None

    def _list_tool(self) -> Tool:
        @tool(risk="read_only", category="mcp")
        async def mcp_list_resources(
            server: Annotated[str | None, Field(description="One server only")] = None,
        ) -> str:
            """List the resources that MCP servers offer, one on a line: server, URI, type, name."""
            lines = [_line(each) for each in self.resources(server)]
            return "\n".join(lines) or "No resources are offered now."

        return mcp_list_resources

    def _read_tool(self) -> Tool:
        longest_s = max((server.config.timeout_s for server in self._servers.values()), default=60.0)

        @tool(risk="read_only", category="mcp", timeout_s=longest_s)
        async def mcp_read_resource(
            server: Annotated[str, Field(description="The name of the MCP server")],
            uri: Annotated[str, Field(description="As listed by mcp_list_resources", min_length=1, max_length=8000)],
        ) -> ToolOutput:
            """Read a resource of an MCP server."""
            resource = await self.read_resource(server, uri)
            return ToolOutput(resource.content, artifact=resource)

        return mcp_read_resource


def _line(resource: McpResource) -> str:
    kind = "template" if resource.is_template else resource.mime_type or "unknown type"
    said = " ".join(f"{resource.name}: {resource.description}".rstrip(": ").split())
    return f"{resource.server} {resource.uri} ({kind}) {said}"
