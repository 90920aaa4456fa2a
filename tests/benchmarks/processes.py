"""Servers and swarms as processes of their own, and what the kernel says they cost. Never part of a server."""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
NODE_CACHE = Path.home() / ".cache" / "parley-bench"
START_WITHIN_S = 20
ANSWER_WITHIN_S = 60
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    name: str
    port: int
    process: subprocess.Popen[bytes]

    def cpu_s(self) -> float:
        """User and system time of the process so far (proc(5), fields 14 and 15)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def rss_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def get(self, path: str) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=120) as response:
            response.read()


@contextmanager
def server(name: str) -> Iterator[Server]:
    """`hub`, `stock`, `bare` or `node`, listening."""
    port = _free_port()
    command, folder = _command(name)
    process = subprocess.Popen([*command, str(port)], cwd=folder)
    try:
        _until_listening(port, process)
        yield Server(name, port, process)
    finally:
        process.kill()
        process.wait()


class Swarm:
    """The clients' process; see swarm.py for what it takes."""

    def __init__(self, port: int, count: int) -> None:
        command = [sys.executable, str(HERE / "swarm.py")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ask(f"connect {port} {count}")

    def ask(self, line: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], ANSWER_WITHIN_S)[0]:
            raise TimeoutError(f"the swarm takes too long at: {line}")
        if self._process.stdout.readline().strip() != "done":
            raise RuntimeError(f"the swarm failed at: {line}")

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def node_is_there() -> bool:
    """Installs the npm package socket.io 4.8 into a cache folder at first use. False without Node or npm."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return False
    if not (NODE_CACHE / "node_modules" / "socket.io").exists():
        NODE_CACHE.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--prefix", str(NODE_CACHE), "--no-audit", "--no-fund", "socket.io@4.8"]
        if subprocess.run(command, capture_output=True, check=False, timeout=300).returncode:
            return False
    return True


def _command(name: str) -> tuple[list[str], Path]:
    if name == "node":
        script = NODE_CACHE / "node_server.js"
        shutil.copy(HERE / "peers" / "node_server.js", script)
        return ["node", str(script)], NODE_CACHE
    return [sys.executable, str(HERE / "peers" / f"{name}_server.py")], HERE


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the server did not start")
