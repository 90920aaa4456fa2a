"""One connection to an MCP server, from the handshake on: what it offers, calls, and signs that it no longer answers.
Never connects again.
"""

from __future__ import annotations

import time
from asyncio import CancelledError
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio
from mcp.client.client import Client
from mcp.client.session import IncomingMessage
from mcp.client.subscriptions import SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    REQUEST_TIMEOUT,
    Implementation,
    ReadResourceResult,
    ResourceListChangedNotification,
    ToolListChangedNotification,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from models.clock import Clock
from models.ids import iso
from models.payloads import McpResourcePayload
from services.mcp.catalogue import Catalogue
from services.mcp.config import McpServerConfig
from services.mcp.errors import McpBroken, McpCallLost, McpToolFailed
from services.mcp.guard import Guard, guarded
from services.mcp.http import http_transport
from services.mcp.offer import Offer
from services.mcp.remote_tool import CallRemote
from services.mcp.results import output_of, resource_of
from services.mcp.stdio import stdio_transport
from services.tools.tool import ToolOutput

SETTLE_S = 0.1
"""Changes of a list come in groups."""
UNANSWERED_MAX = 3
"""Calls in a row without an answer, after which the server is asked whether it lives, though others still run."""
_SPARE_S = 5.0
"""The executor ends a call at its timeout; ours is for callers without an executor."""
_RELISTEN_S = 1.0

AnswerT = TypeVar("AnswerT")


class McpConnection:
    """Calls may come from any task; the rest belongs to the one that connected."""

    def __init__(self, config: McpServerConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._guard = Guard()
        self._changed = anyio.Event()
        self._in_flight = 0
        self._unanswered = 0
        transport = http_transport(config) if config.url is not None else stdio_transport(config)
        self.client = Client(
            guarded(transport, self._guard),
            client_info=Implementation(name="parley", version="1"),
            message_handler=self._hear,
            cache=None,
        )

    async def offer(self, call: CallRemote, within_s: float) -> Offer | None:
        """All that it offers, as tools that use `call`; None when a call keeps it too busy to say. Raises McpBroken
        when it does not answer."""
        try:
            with anyio.fail_after(within_s):
                return await Catalogue(self.client, self._config, self._guard, call).read()
        except TimeoutError:
            if self._in_flight and self._unanswered < UNANSWERED_MAX:
                return None
            raise McpBroken(f"it does not answer: its lists took more than {within_s:g} s") from None

    async def until_changed(self, within_s: float) -> None:
        """Returns when its lists should be read again: they changed, or it is time to see whether it answers. While
        calls run, that is left to them."""
        while not self._changed.is_set():
            with anyio.move_on_after(within_s):
                await self._changed.wait()
            if not self._in_flight:
                break
        await anyio.sleep(SETTLE_S)
        self._changed = anyio.Event()

    async def listen(self) -> None:
        """Asks a server of the newer protocol to be told of changes; older ones tell by themselves."""
        if self.client.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            return
        while True:
            try:
                async with self.client.listen(tools_list_changed=True, resources_list_changed=True) as changes:
                    async for _ in changes:
                        self._changed.set()
            except MCPError:
                return  # it has nothing to tell, or is gone, which others notice
            except SubscriptionLost:
                pass
            await anyio.sleep(_RELISTEN_S)
            self._changed.set()

    async def call(self, tool: str, arguments: dict[str, Any]) -> ToolOutput:
        """Raises McpToolFailed with the server's words, McpCallLost when the connection broke. Cancelling is passed on
        to the server."""
        timeout_s = self._config.timeout_s + _SPARE_S
        result = await self._asked(lambda: self.client.call_tool(tool, arguments, timeout_s))
        output = output_of(result)
        if result.is_error:
            raise McpToolFailed(output.text or "The tool failed and did not say why")
        return output

    async def read(self, uri: str) -> McpResourcePayload:
        """Raises McpToolFailed, McpCallLost."""

        async def read() -> ReadResourceResult:
            with anyio.fail_after(self._config.timeout_s):
                return await self.client.read_resource(uri)

        return resource_of(self._config.name, uri, await self._asked(read), iso(self._clock()))

    async def _asked(self, ask: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        self._in_flight += 1
        started = time.monotonic()
        try:
            answer = await ask()
        except CancelledError:
            if time.monotonic() - started >= self._config.timeout_s - SETTLE_S:
                self._suspect()
            raise
        except Exception as error:
            raise self._translated(error) from None
        else:
            self._unanswered = 0
            return answer
        finally:
            self._in_flight -= 1

    def _translated(self, error: Exception) -> Exception:
        server = f"The MCP server “{self._config.name}”"
        if isinstance(error, TimeoutError) or (isinstance(error, MCPError) and error.code == REQUEST_TIMEOUT):
            self._suspect()
            return McpToolFailed(f"{server} did not answer in time; whether the call took effect is unknown")
        if isinstance(error, MCPError) and error.code != CONNECTION_CLOSED:
            self._unanswered = 0
            return McpToolFailed(f"{server} refused: {error.message}")
        if isinstance(error, ValidationError | RuntimeError):
            return McpToolFailed(f"{server} answered what is no result: {error}"[:1000])
        if isinstance(error, MCPError | anyio.ClosedResourceError | anyio.BrokenResourceError):
            return McpCallLost()
        return error

    def _suspect(self) -> None:
        """Have a look soon whether it still answers: at once when nothing else runs that would tell."""
        self._unanswered += 1
        if self._in_flight <= 1 or self._unanswered >= UNANSWERED_MAX:
            self._changed.set()

    async def _hear(self, message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification | ResourceListChangedNotification):
            self._changed.set()


@asynccontextmanager
async def connected(config: McpServerConfig, clock: Clock) -> AsyncGenerator[McpConnection]:
    """Raises what ends the connection, also while the block runs; `errors.reason_of` has it in words."""
    connection = McpConnection(config, clock)
    with anyio.fail_after(config.start_timeout_s) as start:
        async with connection.client:
            start.deadline = float("inf")
            yield connection
