"""What an MCP server offers and how it is, as frozen values. Never asks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from services.tools.tool import Tool

McpState: TypeAlias = Literal["off", "starting", "ready", "down", "stopped"]


@dataclass(frozen=True, slots=True)
class McpResource:
    """`uri` is a template where `is_template`: braces are to be filled before it can be read."""

    server: str
    uri: str
    name: str
    description: str = ""
    mime_type: str = ""
    is_template: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """`notes` say what was left out, and why."""

    tools: tuple[Tool, ...] = ()
    resources: tuple[McpResource, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class McpStatus:
    """`reason` says why a server is down or off; a server that is down is started again after `retry_in_s`."""

    name: str
    state: McpState
    reason: str | None = None
    tools: tuple[str, ...] = ()
    resources: int = 0
    notes: tuple[str, ...] = ()
    starts: int = 0
    retry_in_s: float | None = None

    @property
    def retry_in_ms(self) -> int | None:
        return None if self.retry_in_s is None else round(self.retry_in_s * 1000)
