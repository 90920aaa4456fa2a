"""More connections than the process has descriptors for, as a process of its own."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from patience import HANG_S
from server_process import ServerProcess

DESCRIPTORS = 256
SOCKETS = 400
TOKEN = "open-sesame"
HEAD = "Host: localhost\r\n"
SAYINGS = {
    "nothing": "",
    "half a head": "GET /healthz HT",
    "half a body": f"POST /api/sessions HTTP/1.1\r\n{HEAD}Authorization: Bearer {TOKEN}\r\nContent-Length: 9\r\n\r\n{{",
    "a request, and then nothing": f"GET /healthz HTTP/1.1\r\n{HEAD}\r\n",
    "a handshake of polling": f"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n{HEAD}\r\n",
    "a handshake": (
        f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n{HEAD}Connection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ),
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path, environment={"PARLEY_TOKEN": TOKEN}, descriptors=DESCRIPTORS)
    process.start()
    yield process
    process.stop()


def status(server: ServerProcess, path: str) -> int:
    request = urllib.request.Request(server.url + path, headers={"Authorization": f"Bearer {TOKEN}"})  # noqa: S310 -- our own
    with urllib.request.urlopen(request, timeout=HANG_S) as response:  # noqa: S310 -- our own
        return int(response.status)


@pytest.mark.slow
def test_whatever_so_many_sockets_say_others_are_answered_and_the_log_stays_small(server: ServerProcess) -> None:
    for saying, data in SAYINGS.items():
        with ExitStack() as stack:
            for _ in range(SOCKETS):
                each = stack.enter_context(closing(socket.create_connection(("127.0.0.1", server.port), HANG_S)))
                try:
                    each.sendall(data.encode())
                except ConnectionError:
                    pass  # it had to make room before it said anything
            for path in ("/healthz", "/readyz", "/api/projects"):
                assert status(server, path) == 200, saying
    log = server.log_file.read_text()
    assert "Traceback" not in log
    assert len(log.splitlines()) < 4 * len(SAYINGS), log
