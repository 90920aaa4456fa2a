"""Runs one program to its end and collects what it prints. Whatever happens, nothing that it started is left.

Blocking: call it in a thread. Beyond reach is what left its session and took the mark out of its environment.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Literal, TypeAlias

from services.operating.environment import harmless
from services.tools.context import Cancellation
from services.tools.strays import MARK, end_strays, marked

KILL_AFTER_S = 2.0
"""From SIGTERM to SIGKILL."""
_POLL_S = 0.05
_EXIT_POLL_S = 0.002
"""A program that has closed its pipes is about to end."""
_PIPES_MAX_BYTES = 2 << 20

End: TypeAlias = Literal["exited", "timeout", "cancelled", "output"]


@dataclass(frozen=True, slots=True)
class Ended:
    """`end` says why: it exited, or was stopped for its time, by the caller, or for printing too much. `code` is
    negative for a signal. `size_bytes` is how much it printed, as far as that was read. `strays` ran on when it had
    ended, and were ended then, but for those that are `left`."""

    code: int
    output: bytes
    errors: bytes
    end: End
    size_bytes: int = 0
    strays: int = 0
    left: int = 0

    @property
    def is_cut(self) -> bool:
        return len(self.output) + len(self.errors) < self.size_bytes


@dataclass(frozen=True, slots=True)
class Limits:
    timeout_s: float
    max_bytes: int


def folder_path(fd: int, fallback: str) -> str:
    """A path that leads to the open folder itself, whatever its name leads to by now; where the system has none, the
    name."""
    path = f"/proc/self/fd/{fd}"
    return path if os.path.exists(path) else fallback


def run_process(
    argv: Sequence[str],
    *,
    cwd: str,
    limits: Limits,
    cancelled: Cancellation,
    merge_errors: bool = False,
    may_stray: bool = False,
) -> Ended:
    """`argv` comes from a tool of ours, or from a command that a person approved. Raises OSError when the
    program can't be started. Its input is empty; its errors go with its output, or are kept up to 64 KB. `may_stray`:
    it may start programs that leave its group, which are then looked for among all."""
    environment = marked(harmless(os.environ))
    process = subprocess.Popen(  # noqa: S603
        list(argv),
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merge_errors else subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        strays = left = 0
        try:
            collected = _Collected(process, limits)
            end = collected.until_end(cancelled)
        finally:
            if may_stray:
                strays, left = end_strays(process.pid, environment[MARK])
            _kill_group(process, signal.SIGKILL)
        collected.rest()
        code = process.wait()
        strays = strays if end == "exited" else 0
        return Ended(code, collected.output, collected.errors, end, collected.size_bytes, strays, left)


class _Collected:
    """Reads both pipes until the program has ended or must."""

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits) -> None:
        self._process = process
        self._limits = limits
        self._deadline = time.monotonic() + limits.timeout_s
        self._selector = selectors.DefaultSelector()
        self._parts: dict[int, list[bytes]] = {}
        self.size_bytes = 0
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self._selector.register(pipe, selectors.EVENT_READ)
                self._parts[pipe.fileno()] = []

    @property
    def output(self) -> bytes:
        return self._joined(self._process.stdout)[: self._limits.max_bytes]

    @property
    def errors(self) -> bytes:
        return self._joined(self._process.stderr)[: 1 << 16]

    def until_end(self, cancelled: Cancellation) -> End:
        """Leaves it to the caller to end what is left, and to ask for the `rest` then."""
        with cancelled.calling(lambda: _kill_group(self._process, signal.SIGTERM)):
            while not _has_exited(self._process):
                end = self._must_end(cancelled)
                if end is not None:
                    self._stop()
                    return end
                self._read(_POLL_S)
        return "cancelled" if cancelled.is_set() else "exited"

    def rest(self) -> None:
        """What is still in the pipes: they hold 1 MB at most, but who can't be ended may go on filling them."""
        most = self.size_bytes + _PIPES_MAX_BYTES
        with self._selector:
            while self.size_bytes < most and self._read(0):
                pass

    def _must_end(self, cancelled: Cancellation) -> End | None:
        if cancelled.is_set():
            return "cancelled"
        return "timeout" if time.monotonic() > self._deadline else self._over()

    def _over(self) -> End | None:
        return "output" if self.size_bytes > self._limits.max_bytes else None

    def _stop(self) -> None:
        """Asks, and goes on reading so that nobody hangs in a write; the caller kills what is left."""
        _kill_group(self._process, signal.SIGTERM)
        deadline = time.monotonic() + KILL_AFTER_S
        while not _has_exited(self._process) and time.monotonic() < deadline:
            self._read(_POLL_S)

    def _read(self, timeout_s: float) -> bool:
        """Whether anything came."""
        if not self._selector.get_map():
            time.sleep(min(timeout_s, _EXIT_POLL_S))
            return False
        came = False
        for key, _ in self._selector.select(timeout_s):
            came = self._read_pipe(key.fd) or came
        return came

    def _read_pipe(self, fd: int) -> bool:
        part = b""
        with suppress(BlockingIOError):
            part = os.read(fd, 1 << 16)
        if not part:
            self._selector.unregister(fd)
        elif self.size_bytes <= self._limits.max_bytes:
            self._parts[fd].append(part)
        self.size_bytes += len(part)
        return bool(part)

    def _joined(self, pipe: IO[bytes] | None) -> bytes:
        return b"" if pipe is None else b"".join(self._parts[pipe.fileno()])


def _has_exited(process: subprocess.Popen[bytes]) -> bool:
    """Without reaping it: as long as it is a zombie, nobody else gets the number of its group."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill_group(process: subprocess.Popen[bytes], signal_number: signal.Signals) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal_number)
