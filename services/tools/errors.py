"""What can go wrong with a tool, as conditions. Raised by tools and registry; the executor turns them into results.

ToolError 422: raise it in a tool to tell the model, in your words, why it failed
├── BadArguments 422
├── ToolRetry 422: it may work the next time; read-only and idempotent tools are then tried again
├── PathRefused 403
├── UnknownTool 404
└── ToolUnavailable 409
"""

from __future__ import annotations

from models.errors import ParleyError


class ToolError(ParleyError):
    code = "tool_failed"
    status = 422
    default_message = "The tool failed"


class BadArguments(ToolError):
    """`details["field"]` names the first bad argument."""

    code = "bad_tool_arguments"
    default_message = "The arguments don't fit the tool"


class ToolRetry(ToolError):
    code = "tool_retry"
    retryable = True
    default_message = "The tool failed in passing"


class PathRefused(ToolError):
    """A path that leaves the workspace, or is no ordinary file or folder, or is private."""

    code = "path_refused"
    status = 403
    default_message = "This path is not allowed"


class UnknownTool(ToolError):
    code = "unknown_tool"
    status = 404
    default_message = "Unknown tool"


class ToolUnavailable(ToolError):
    """Known, but switched off or short of something that it needs."""

    code = "tool_unavailable"
    status = 409
    default_message = "This tool is not available"
