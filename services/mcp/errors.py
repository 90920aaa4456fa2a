"""What can go wrong with an MCP server, as conditions. Never formats a server's status.

NotFound 404
└── UnknownMcpServer
ToolUnavailable 409
└── McpServerDown: it is off, starts, or waits to be started again; the message has the reason
ToolError 422
├── McpToolFailed: the tool ran and said that it failed, or the server refused the call
└── McpCallLost: the connection broke during the call, and whether it took effect is unknown
ParleyError 502
└── McpBroken: why a connection had to end; never reaches a caller
"""

from __future__ import annotations

from models.errors import NotFound, ParleyError
from services.tools.errors import ToolError, ToolUnavailable


class UnknownMcpServer(NotFound):
    code = "unknown_mcp_server"
    default_message = "There is no such MCP server"


class McpServerDown(ToolUnavailable):
    code = "mcp_server_down"
    default_message = "The MCP server is down"


class McpToolFailed(ToolError):
    code = "mcp_tool_failed"
    default_message = "The MCP tool failed"


class McpCallLost(ToolError):
    """Retryable where doing it twice does no harm: the executor tries only such tools again."""

    code = "mcp_call_lost"
    retryable = True
    default_message = "The connection to the MCP server broke during the call; whether it took effect is unknown"


class McpBroken(ParleyError):
    code = "mcp_broken"
    status = 502
    default_message = "The MCP server broke off"


def reason_of(error: BaseException) -> str:
    """The one reason in words: task groups wrap errors, and what a broken connection brings with it says little."""
    causes = sorted(_leaves(error), key=_rank)
    return _worded(causes[0]) if causes else "it ended without a reason"


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in _leaves(each)]
    return [error]


def _rank(error: BaseException) -> int:
    if isinstance(error, McpBroken):
        return 0
    return 2 if type(error).__name__ == "MCPError" else 1


def _worded(error: BaseException) -> str:
    """The libraries' errors are known by name only: they are not imported before a server is started."""
    said = " ".join(str(error).split())[:500]
    kind = type(error).__name__
    match kind:
        case "McpBroken":
            return said
        case "ConnectError" | "ConnectTimeout":
            return f"it can't be reached ({said or kind})"
        case "ValidationError":
            return f"it answers what is no MCP ({said})"
        case "MCPError" if said == "Connection closed":
            return "its connection ended"
        case "MCPError":
            return f"it answers with the error “{said}”"
        case _:
            return f"{kind}: {said}" if said else kind
