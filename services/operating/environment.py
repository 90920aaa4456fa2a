"""The environment that the server was started with: what is secret in it is for the server alone.

Linux shows every process of the same user the block of memory that a program was started with
(`/proc/PID/environ`), whatever the program made of its variables since; so the block itself is blanked.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

_SECRET = re.compile(
    r"PARLEY_.*|.*(?:_KEYS?|_TOKENS?|SECRET.*|PASSWORDS?|PASSWD|PASSPHRASE|_PASS|_PWD|_PAT|_AUTH|_CREDENTIALS?|_COOKIE"
    r"|_HEADERS|_DSN|DATABASE_URL|CONNECTION_STRING)",
    re.IGNORECASE,
)
USER_IN_URL = re.compile(r"://[^/\s]+@")
PROC = Path("/proc/self")
ENV_START, ENV_END = 47, 48
"""Behind the program's name in `stat` (proc(5): fields 50 and 51, the name is the second)."""


def is_secret(name: str, value: str) -> bool:
    """Whether a variable looks as if nobody else should have it."""
    return _SECRET.fullmatch(name) is not None or USER_IN_URL.search(value) is not None


def harmless(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what looks like a secret."""
    return {name: value for name, value in environment.items() if not is_secret(name, value)}


def seal(drop: Callable[[str], bool]) -> bool:
    """Takes the variables that `drop` names out of this process, keeps the others for it and for those that it starts,
    and blanks the block that others can read. Call it before there are threads. False where there is no such block, or
    it can't be found."""
    for name, value in list(os.environ.items()):
        if drop(name):
            del os.environ[name]
        else:
            with suppress(OSError, ValueError):
                os.environ[name] = value  # the same again, in memory of our own
    return _blank()


def _blank() -> bool:
    try:
        shown = (PROC / "environ").read_bytes()
        fields = (PROC / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    start, end = int(fields[ENV_START]), int(fields[ENV_END])
    if not shown or end - start < len(shown) or ctypes.string_at(start, len(shown)) != shown:
        return False
    ctypes.memset(start, 0, end - start)
    return True
