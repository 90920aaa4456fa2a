"""One MCP server under supervision: connected, listed, started again when it breaks. Its failures end here.

Never imports the SDK before it is started.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from models.backoff import Backoff
from models.clock import Clock
from models.payloads import McpResourcePayload
from services.extras import why_not
from services.mcp.config import McpServerConfig
from services.mcp.errors import McpServerDown, reason_of
from services.mcp.offer import McpResource, McpState, McpStatus, Offer
from services.mcp.shelf import Shelf
from services.tools.registry import ToolRegistry
from services.tools.tool import ToolOutput

if TYPE_CHECKING:
    from anyio import CancelScope

    from services.mcp.connection import McpConnection

log = structlog.get_logger(__name__)

STOP_S = 10.0
"""A process gets six seconds to end; what lasts longer is left behind."""


RETRY = Backoff(0.5, 60.0)


@dataclass(frozen=True, slots=True)
class Patience:
    """`retry` starts anew after a connection that lasted `lasting_s`. Every `heartbeat_s` the server must read its
    lists to us, within `answer_s`."""

    retry: Backoff = RETRY
    lasting_s: float = 30.0
    heartbeat_s: float = 30.0
    answer_s: float = 20.0


class McpServer:
    """`start` returns at once; `stop` when its process is gone. Used from one event loop."""

    def __init__(self, config: McpServerConfig, registry: ToolRegistry, clock: Clock, patience: Patience) -> None:
        self.config = config
        self._clock = clock
        self._shelf = Shelf(registry)
        self._patience = patience
        self._task: asyncio.Task[None] | None = None
        self._scope: CancelScope | None = None
        self._connection: McpConnection | None = None
        self._state: McpState = "stopped" if config.enabled else "off"
        self._reason: str | None = None if config.enabled else "it is off by configuration"
        self._notes: tuple[str, ...] = ()
        self._resources: tuple[McpResource, ...] = ()
        self._starts = 0
        self._retry_at: float | None = None

    @property
    def resources(self) -> tuple[McpResource, ...]:
        return self._resources

    def status(self) -> McpStatus:
        return McpStatus(
            name=self.config.name,
            state=self._state,
            reason=self._reason,
            tools=self._shelf.names,
            resources=len(self._resources),
            notes=self._notes,
            starts=self._starts,
            retry_in_s=None if self._retry_at is None else max(0.0, self._retry_at - time.monotonic()),
        )

    def start(self) -> None:
        if self.config.enabled and self._task is None:
            self._task = asyncio.create_task(self._supervise(), name=f"mcp {self.config.name}")

    async def stop(self) -> None:
        """Its tools leave the registry. May be started again."""
        task, self._task = self._task, None
        scope, self._scope = self._scope, None
        if task is not None:
            # The scope cancels again and again, and stops where a process must be ended first.
            if scope is not None:
                scope.cancel()
            else:
                task.cancel()
            await asyncio.wait({task}, timeout=STOP_S)
            if not task.done():
                log.warning("mcp_server_left_behind", server=self.config.name)
            self._set("stopped", None)
        self._shelf.clear()

    async def call(self, tool: str, arguments: dict[str, Any]) -> ToolOutput:
        """Raises McpServerDown, McpToolFailed, McpCallLost."""
        return await self._connected().call(tool, arguments)

    async def read(self, uri: str) -> McpResourcePayload:
        """Raises McpServerDown, McpToolFailed, McpCallLost."""
        return await self._connected().read(uri)

    def _connected(self) -> McpConnection:
        if self._connection is None:
            raise McpServerDown(self._down())
        return self._connection

    def _down(self) -> str:
        return f"the MCP server “{self.config.name}” is {self._state}{f': {self._reason}' if self._reason else ''}"

    async def _supervise(self) -> None:
        self._set("starting", None)
        if (missing := await _load()) is not None:
            self._set("down", missing)
            log.warning("mcp_server_down", server=self.config.name, reason=missing)
            return
        from anyio import CancelScope

        with CancelScope() as scope:
            self._scope = scope
            await self._keep_alive()

    async def _keep_alive(self) -> None:
        failures = 0
        while True:
            started = time.monotonic()
            reason = await self._live()
            failures = 1 if time.monotonic() - started >= self._patience.lasting_s else failures + 1
            wait_s = self._patience.retry.wait_s(failures)
            self._break_down(reason)
            self._retry_at = time.monotonic() + wait_s
            log.warning("mcp_server_down", server=self.config.name, reason=reason, retry_in_s=round(wait_s, 1))
            await asyncio.sleep(wait_s)
            self._set("starting", reason)

    async def _live(self) -> str:
        """One connection from its start to its end; returns why it ended."""
        from services.mcp.connection import connected

        self._starts += 1
        try:
            async with connected(self.config, self._clock) as connection:
                try:
                    await self._serve(connection)
                except BaseException as error:
                    # Ending a process takes seconds; nobody should call it meanwhile.
                    self._break_down(reason_of(error) if isinstance(error, Exception) else "its connection ended")
                    raise
        except TimeoutError:
            return f"it was not ready within {self.config.start_timeout_s:g} s"
        except Exception as error:
            return reason_of(error)
        return "it ended without a reason"

    async def _serve(self, connection: McpConnection) -> None:
        """Until the connection breaks, which is raised; here only for a server that does not answer."""
        from anyio import create_task_group

        async with create_task_group() as tasks:
            tasks.start_soon(connection.listen)
            while True:
                offer = await connection.offer(self.call, self._patience.answer_s)
                if offer is not None:
                    self._show(connection, offer)
                await connection.until_changed(self._patience.heartbeat_s)

    def _show(self, connection: McpConnection, offer: Offer) -> None:
        refused = self._shelf.show(offer.tools)
        self._resources = offer.resources
        self._notes = (*offer.notes, *refused)
        if self._connection is None:
            self._connection = connection
            self._set("ready", None)
            log.info("mcp_server_ready", server=self.config.name, tools=len(self._shelf.names))

    def _break_down(self, reason: str) -> None:
        self._connection = None
        self._set("down", reason)
        self._resources = ()
        self._shelf.hide(self._down())

    def _set(self, state: McpState, reason: str | None) -> None:
        self._state = state
        self._reason = reason
        self._retry_at = None


async def _load() -> str | None:
    """Imports the SDK, in a thread because it takes a second. Returns why it can't be."""
    try:
        await asyncio.to_thread(importlib.import_module, "services.mcp.connection")
    except Exception as error:
        return why_not(error, "mcp", "parley-hub[mcp]")
    return None
