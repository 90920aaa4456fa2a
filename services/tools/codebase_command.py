"""Running a command in the workspace. Always asks, or is off: it can do whatever the server's user can."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import Field

from services.tools.context import Cancellation, ToolContext
from services.tools.errors import BadArguments, ToolError
from services.tools.processes import Ended, Limits, folder_path, run_process
from services.tools.tool import tool
from services.tools.workspace import Workspace

TIMEOUT_MAX_S = 600
OUTPUT_MAX_BYTES = 1_000_000


@tool(risk="unsafe", category="codebase", dangerous=True, timeout_s=TIMEOUT_MAX_S + 10)
def run_command(
    command: Annotated[
        str | list[str],
        Field(description="A line for the shell, or the program and its arguments as a list (no shell)"),
    ],
    context: ToolContext,
    path: Annotated[str, Field(description="The folder to run it in")] = ".",
    timeout_s: Annotated[float, Field(gt=0, le=TIMEOUT_MAX_S)] = 60,
) -> str:
    """Run a command and show what it prints. It has no input, no terminal, and ends with everything it started."""
    limits = Limits(timeout_s, OUTPUT_MAX_BYTES)
    return run_in(context.files, command, path, limits, context.cancelled)


def run_in(workspace: Workspace, command: str | list[str], path: str, limits: Limits, cancelled: Cancellation) -> str:
    """Its output, and how it ended in the last line. Raises BadArguments, PathRefused, ToolError."""
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else command
    if not argv or not argv[-1 if isinstance(command, str) else 0].strip() or any("\0" in part for part in argv):
        raise BadArguments("command is empty or contains NUL", field="command")
    with workspace.folder(path) as fd:
        try:
            cwd = folder_path(fd, str(workspace.root / path))
            ended = run_process(argv, cwd=cwd, limits=limits, cancelled=cancelled, merge_errors=True)
        except OSError as error:
            raise ToolError(f"“{argv[0]}” can't be started: {os.strerror(error.errno or 0)}") from None
    return "\n".join(filter(None, (ended.output.decode(errors="replace").rstrip("\n"), _how(ended, limits))))


def _how(ended: Ended, limits: Limits) -> str:
    match ended.end:
        case "timeout":
            return f"[stopped: it took longer than {limits.timeout_s:g} s]"
        case "cancelled":
            return "[stopped: cancelled]"
        case "output":
            return f"[stopped: it printed more than {limits.max_bytes:,} bytes]"
        case "exited":
            return f"[ended by signal {-ended.code}]" if ended.code < 0 else f"[exit code {ended.code}]"
