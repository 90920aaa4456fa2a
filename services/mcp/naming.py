"""The names of MCP tools as models know them: `server__tool`. Pure: the same tool always has the same name."""

from __future__ import annotations

import re
from hashlib import blake2b

SEPARATOR = "__"
NAME_MAX_CHARS = 64
_FITTING = re.compile(r"[A-Za-z0-9_-]+")


def tool_name(server: str, tool: str) -> str:
    """`tool` itself behind the server's name where every API takes it, else with other characters replaced, cut, and a
    digest that keeps it apart from others: permissions are remembered by this name."""
    room = NAME_MAX_CHARS - len(server) - len(SEPARATOR)
    if len(tool) <= room and _FITTING.fullmatch(tool):
        return f"{server}{SEPARATOR}{tool}"
    digest = blake2b(tool.encode("utf-8", "replace"), digest_size=4).hexdigest()
    readable = re.sub(r"[^A-Za-z0-9_-]", "_", tool)[: room - len(digest) - 1]
    return f"{server}{SEPARATOR}{readable}_{digest}"


def server_part(name: str) -> str:
    """What stands before the separator; empty when there is none."""
    server, separator, _ = name.partition(SEPARATOR)
    return server if separator else ""
