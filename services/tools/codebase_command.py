"""Running a command in the workspace, and telling how it ended. Always asks, or is off: it can do whatever the server's
user can."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from services.tools.context import Cancellation, ToolContext
from services.tools.errors import BadArguments, ToolError
from services.tools.names import meant
from services.tools.processes import End, Ended, Limits, folder_path, run_process
from services.tools.tool import ToolEnd, ToolOutput, tool
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
) -> ToolOutput:
    """Run a command and show what it prints. It has no input, no terminal, and ends with everything it started."""
    limits = Limits(timeout_s, OUTPUT_MAX_BYTES)
    return run_in(context.files, command, path, limits, context.cancelled)


def run_in(
    workspace: Workspace, command: str | list[str], path: str, limits: Limits, cancelled: Cancellation
) -> ToolOutput:
    """Raises BadArguments, PathRefused, ToolError."""
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else command
    if not argv or not argv[-1 if isinstance(command, str) else 0].strip() or any("\0" in part for part in argv):
        raise BadArguments("command is empty or contains NUL", field="command")
    with workspace.folder(path) as fd:
        try:
            cwd = folder_path(fd, str(workspace.root / meant(path)))
            ended = run_process(argv, cwd=cwd, limits=limits, cancelled=cancelled, merge_errors=True, may_stray=True)
        except OSError as error:
            raise ToolError(f"“{argv[0]}” can't be started: {os.strerror(error.errno or 0)}") from None
    return told(ended, limits)


def told(ended: Ended, limits: Limits) -> ToolOutput:
    """What it printed, and how it ended in the last line. A command that says itself that it failed has failed, as
    everywhere where commands are run: nobody should have to read its output to know."""
    facts = "; ".join([_how(ended, limits), *_further(ended)])
    text = "\n".join(filter(None, (_printed(ended).rstrip("\n"), f"[{facts}]")))
    status = "error" if ended.end == "exited" and ended.code else _STATUS[ended.end]
    return ToolOutput(text, note="" if status == "ok" else facts, status=status)


_STATUS: dict[End, ToolEnd] = {"exited": "ok", "timeout": "timeout", "cancelled": "cancelled", "output": "error"}


def _printed(ended: Ended) -> str:
    """Where it was cut, without the half of a character that it may end with."""
    return codecs.getincrementaldecoder("utf-8")("replace").decode(ended.output, final=not ended.is_cut)


def _how(ended: Ended, limits: Limits) -> str:
    match ended.end:
        case "timeout":
            return f"stopped: it took longer than {limits.timeout_s:g} s"
        case "cancelled":
            return "stopped: cancelled"
        case "output":
            return f"stopped: it printed more than {limits.max_bytes:,} bytes"
        case "exited":
            return f"ended by signal {-ended.code}" if ended.code < 0 else f"exit code {ended.code}"


def _further(ended: Ended) -> Iterator[str]:
    if ended.is_cut and ended.end != "output":
        yield f"it printed {ended.size_bytes:,} bytes, of which the first {len(ended.output):,} are shown"
    if over := max(0, ended.strays - ended.left):
        yield f"ended what it left running: {over:,} {'process' if over == 1 else 'processes'}"
    if ended.left:
        yield f"{ended.left:,} of the processes that it started can't be ended, and still run"
