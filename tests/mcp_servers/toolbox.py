"""An MCP server written with the SDK, on standard input and output or, with --http PORT, on loopback.

    python toolbox.py [--http PORT] [--start-after S] [--crash-first FILE] [--child FILE] [--spy FILE]

--crash-first exits at once unless the file exists, and makes it; --child starts a process that ignores SIGTERM and
writes its id to the file; --spy is told what happens inside.
"""

from __future__ import annotations

import argparse
import base64
import os
import subprocess
import sys
import time
from pathlib import Path

import anyio
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)

options = argparse.ArgumentParser()
options.add_argument("--http", type=int)
options.add_argument("--start-after", type=float, default=0.0)
options.add_argument("--crash-first", type=Path)
options.add_argument("--child", type=Path)
options.add_argument("--spy", type=Path)
given = options.parse_args()

server = MCPServer("toolbox", log_level="ERROR")


def spy(text: str) -> None:
    if given.spy:
        with given.spy.open("a") as file:
            file.write(f"{text}\n")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool(annotations=ToolAnnotations(idempotent_hint=True))
async def slow(seconds: float) -> str:
    """Wait."""
    spy("slow began")
    try:
        await anyio.sleep(seconds)
    except anyio.get_cancelled_exc_class():
        spy("slow was cancelled")
        raise
    return f"waited {seconds}"


@server.tool(annotations=ToolAnnotations(read_only_hint=False, destructive_hint=True))
def crash() -> str:
    """End the process."""
    sys.stderr.write("about to crash\n")
    sys.stderr.flush()
    os._exit(3)


@server.tool()
async def block(seconds: float) -> str:
    """Hold the whole server up."""
    spy("block began")
    time.sleep(seconds)  # noqa: ASYNC251 - that is the point
    return "held"


@server.tool()
def fail(words: str) -> str:
    """Fail."""
    raise ToolError(words)


@server.tool(name="a.dotted/näme")
def dotted() -> str:
    """A name that models don't take."""
    return "dotted"


@server.tool()
def picture() -> list[str | Image]:
    """A picture and a word."""
    return ["look", Image(data=b"\x89PNG0000", format="png")]


@server.tool()
def long(length: int) -> str:
    """Many characters."""
    return "x" * length


@server.tool()
def person() -> dict[str, str]:
    """A structured answer."""
    return {"name": "Ada"}


@server.tool()
async def grow(context: Context) -> str:
    """Add a tool and say so."""
    server.add_tool(dotted, name="grown", description="A tool that was not there before.")
    server.add_tool(person, name="add_more", description="Another.")
    server.remove_tool("fail")
    await context.notify_tools_changed()
    return "grown"


@server.resource("notes://today", mime_type="text/markdown")
def today() -> str:
    """What is to be done."""
    return "# Today\n- rest"


@server.resource("bytes://raw", mime_type="application/octet-stream")
def raw() -> bytes:
    """Bytes."""
    return base64.b64decode("AAEC")


@server.resource("notes://{day}")
def note(day: str) -> str:
    """The note of a day."""
    return f"note of {day}"


if given.start_after:
    time.sleep(given.start_after)
if given.crash_first and not given.crash_first.exists():
    given.crash_first.touch()
    sys.exit("the first start fails")
if given.child:
    child = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    given.child.write_text(str(child.pid))
if given.http:
    server.run("streamable-http", host="127.0.0.1", port=given.http)
else:
    server.run()
