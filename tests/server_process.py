"""The real server as a process of its own: started, watched, killed, and started again on the same folder and port.

Never imports the server's code: what is tested with it is what people run.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patience import HANG_S

Json = dict[str, Any]
ROOT = Path(__file__).parents[1]
COMMAND = (sys.executable, "-m", "web.terminal.cli", "serve")
LISTENS = re.compile(r"Parley listens on http://127\.0\.0\.1:(\d+)")
DATABASE = "parley.db"
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass
class ServerProcess:
    """`parley serve` on one data folder and one port through all its lives. `core` pins it to one CPU; it may open no
    more than `descriptors`."""

    folder: Path
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    core: int | None = None
    descriptors: int | None = None
    port: int = field(default_factory=lambda: free_port())
    process: subprocess.Popen[bytes] | None = None
    listening_since_ms: int = 0
    """When it was seen to listen, by the wall clock."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self.folder / "data" / DATABASE

    @property
    def log_file(self) -> Path:
        return self.folder / "server.log"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Returns when it listens. Raises AssertionError with the log when it ends before."""
        since = self.launch()
        eventually(
            lambda: self._listens(since) or self.exit_code() is not None, HANG_S, lambda: self.log(since) or "no log"
        )
        assert self._listens(since), f"the server ended with {self.exit_code()}: {self.log(since)}"
        self.listening_since_ms = time.time_ns() // 1_000_000

    def launch(self) -> int:
        """Starts without waiting; returns where its log begins."""
        assert self.process is None or self.process.poll() is not None, "it still runs"
        since = self.log_file.stat().st_size if self.log_file.exists() else 0
        fixed = ("--port", str(self.port), "--data", str(self.folder / "data"))
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._limits(), *COMMAND, *fixed, *self.options],
                cwd=ROOT,
                env={**_clean_environment(), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if self.core is not None:
            os.sched_setaffinity(self.process.pid, {self.core})
        return since

    def _limits(self) -> tuple[str, ...]:
        most = self.descriptors
        return () if most is None else ("prlimit", f"--nofile={most}:{most}")

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nobody is told."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout_s: float = 20.0) -> int:
        """The exit code. Raises subprocess.TimeoutExpired."""
        assert self.process is not None
        return self.process.wait(timeout_s)

    def exit_code(self) -> int | None:
        """None while it runs, or before its first start."""
        return self.process.poll() if self.process is not None else None

    def stop(self) -> None:
        """However it is, it is gone afterwards."""
        if self.process is None or self.process.poll() is not None:
            return
        self.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()

    def log(self, since: int = 0) -> str:
        return self.log_file.read_bytes()[since:].decode(errors="replace")[-6000:]

    def cpu_s(self) -> float:
        """User and system time of the process so far (proc(5), fields 14 and 15)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def rss_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def open_sockets(self) -> int:
        """How many its process holds, listening ones included."""
        found = 0
        for each in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed while we look
                found += os.readlink(each).startswith("socket:")
        return found

    def request(self, method: str, path: str, body: Json | None = None) -> tuple[int, Json]:
        """Status and JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANG_S)
        with closing(connection):
            connection.request(method, path, json.dumps(body) if body is not None else None, _headers(body))
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    def session(self, **arguments: str) -> str:
        """A new session's id."""
        status, created = self.request("POST", "/api/sessions", arguments)
        assert status == 201, created
        return str(created["id"])

    def is_ready(self) -> bool:
        try:
            return self.request("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def copy_of_database(self, into: Path) -> Path:
        """The file and its log as a crash left them: opening the original would recover it before the server does."""
        folder = Path(tempfile.mkdtemp(dir=into))
        for suffix in ("", "-wal"):
            source = self.database.with_name(DATABASE + suffix)
            if source.exists():
                shutil.copy(source, folder / source.name)
        return folder / DATABASE

    def _listens(self, since: int) -> bool:
        return LISTENS.search(self.log(since)) is not None


@contextmanager
def serving(
    folder: Path, *options: str, environment: dict[str, str] | None = None, core: int | None = None
) -> Iterator[ServerProcess]:
    """A server that listens, and is gone after the block."""
    server = ServerProcess(folder, options, environment or {}, core)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def eventually(condition: Callable[[], bool], within_s: float, what: Callable[[], str] = lambda: "") -> None:
    """Polls until the condition holds; fails with what `what` says."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"did not come true within {within_s} s: {what()}"
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def read_only(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)


def _clean_environment() -> dict[str, str]:
    """The tests' own, without options that somebody set for a server of theirs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}


def _headers(body: Json | None) -> dict[str, str]:
    return {"Content-Type": "application/json"} if body is not None else {}
