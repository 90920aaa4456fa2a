"""MCP servers for tests: real processes, what the registry sees of them, and whether they are gone. Never mocks one."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patience import HANG_S

from models.backoff import Backoff
from models.clock import SYSTEM_CLOCK
from services.mcp.config import read_servers
from services.mcp.offer import McpState, McpStatus
from services.mcp.server import Patience
from services.mcp.servers import McpServers
from services.tools.context import ToolContext
from services.tools.executor import Invocation, Outcome, ToolExecutor
from services.tools.registry import ToolRegistry

FOLDER = Path(__file__).parent / "mcp_servers"
QUICK = Patience(retry=Backoff(0.05, 0.2, lambda: 1.0), heartbeat_s=HANG_S, answer_s=HANG_S)
"""Each wait before another start is long enough for `until` to see it."""
Table = dict[str, Any]


def toolbox(*arguments: str | Path, **settings: Any) -> Table:
    """The configuration of the SDK's server."""
    return {"command": sys.executable, "args": [str(FOLDER / "toolbox.py"), *map(str, arguments)], **settings}


def by_hand(manner: str, **settings: Any) -> Table:
    return {"command": sys.executable, "args": [str(FOLDER / "by_hand.py"), manner], **settings}


@dataclass(frozen=True)
class Rack:
    servers: McpServers
    registry: ToolRegistry
    executor: ToolExecutor

    async def call(self, name: str, call_id: str = "call", **arguments: Any) -> Outcome:
        return await self.executor.execute(Invocation(call_id, name, arguments), ToolContext())

    def status(self, name: str) -> McpStatus:
        return next(each for each in self.servers.status() if each.name == name)

    async def until(self, name: str, state: McpState, *, starts: int = 0) -> McpStatus:
        """Starting Python and the SDK takes a second, on a busy machine many."""
        deadline = time.monotonic() + HANG_S
        while not _is(status := self.status(name), state, starts):
            assert time.monotonic() < deadline, f"{name} was not {state} in {HANG_S} s: {status}"
            await asyncio.sleep(0.005)
        return status

    def offered(self) -> set[str]:
        return {tool.name for tool in self.registry.available("act")}


def _is(status: McpStatus, state: McpState, starts: int) -> bool:
    """A server is down for good, until its next start, when that has its time."""
    ended = state != "down" or status.retry_in_s is not None
    return status.state == state and status.starts >= starts and ended


@asynccontextmanager
async def rack(table: dict[str, Table], *, patience: Patience = QUICK) -> AsyncGenerator[Rack]:
    registry = ToolRegistry()
    servers = McpServers(read_servers(table, os.environ), registry, SYSTEM_CLOCK, patience=patience)
    await servers.start()
    try:
        yield Rack(servers, registry, ToolExecutor(registry))
    finally:
        await servers.stop()


def children() -> set[int]:
    """The processes that this one started and that have not ended."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                if int(parent) == os.getpid() and state != "Z":
                    found.add(int(folder.name))
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
