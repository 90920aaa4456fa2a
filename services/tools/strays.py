"""Finds and ends what a program has left running: processes of its session, and those that left it but still carry the
mark in their environment. Where the system has no /proc, it finds none."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress

MARK = "PARLEY_COMMAND"
_PASSES = 10
"""What starts others while it is looked for is found in the next."""


def marked(environment: Mapping[str, str]) -> dict[str, str]:
    """With a mark of its own, which children inherit."""
    return {**environment, MARK: secrets.token_hex(16)}


def end_strays(leader: int, mark: str) -> tuple[int, int]:
    """Kills them; `leader` itself is left to its parent. Returns how many were found running, and how many of these
    still are, because they may not be killed."""
    found: set[int] = set()
    for _ in range(_PASSES):
        alive = set(_strays(leader, mark))
        if not alive or (alive <= found and not _killed(alive)):
            return len(found), len(alive)
        found |= alive
        _killed(alive)
    return len(found), len(set(_strays(leader, mark)))


def _killed(pids: set[int]) -> bool:
    """Whether any could be."""
    any_was = False
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
            any_was = True
    return any_was


def _strays(leader: int, mark: str) -> Iterator[int]:
    with suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdecimal() and int(name) != leader and _belongs(int(name), leader, mark):
                yield int(name)


def _belongs(pid: int, leader: int, mark: str) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # Behind the name, which may hold anything: state, parent, group, session.
            state, _, _, session = file.read().rpartition(b")")[2].split()[:4]
        if state in (b"Z", b"X"):
            return False
        if int(session) == leader:
            return True
        with open(f"/proc/{pid}/environ", "rb") as file:
            return f"{MARK}={mark}".encode() in file.read()
    except (OSError, ValueError):
        return False
