"""What the README says to paste works as it stands, beside a server that runs in the same folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from patience import HANG_S
from server_process import LISTENS, ROOT, ServerProcess, eventually, free_port

pytestmark = pytest.mark.slow
README = (ROOT / "README.md").read_text(encoding="utf-8")
PARLEY = f"{sys.executable} -m web.terminal.cli"
BESIDE = f".venv/bin/parley serve --port {free_port()}"
"""The server that runs already: with the data folder of everybody who says nothing of it."""
COMMANDS = re.findall(r"^    (\.venv/bin/parley serve .*?)(?: {2,}#.*)?$", README, re.MULTILINE)


@contextmanager
def pasted(command: str, folder: Path) -> Iterator[ServerProcess]:
    """The server that `command` starts in `folder`, once it listens."""
    log = folder / f"log-{free_port()}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command.replace(".venv/bin/parley", PARLEY).split(),
            cwd=folder,
            env={**environment, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        eventually(
            lambda: LISTENS.search(log.read_text()) is not None or process.poll() is not None, HANG_S, log.read_text
        )
        listens = LISTENS.search(log.read_text())
        assert listens is not None, f"{command}: {log.read_text()}"
        yield ServerProcess(folder, port=int(listens[1]))
    finally:
        process.terminate()
        process.wait(HANG_S)


def elsewhere(command: str, folder: Path) -> str:
    """The same with a port and a data folder that are free here, where it names some; as it is where it doesn't."""
    moved = re.sub(r"--port \d+", f"--port {free_port()}", command)
    return re.sub(r"--data /tmp/(\w+)", rf"--data {folder}/\1", moved)


def block(language: str, part: str) -> str:
    (found,) = (each for each in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if part in each)
    return str(found)


def test_every_server_of_the_readme_starts_beside_the_one_that_runs(tmp_path: Path) -> None:
    """Fails for a command that wants the port or the data folder of the running server."""
    module = "\n".join((block("python", "class Echo"), block("python", "def weather")))
    (tmp_path / "my_module.py").write_text(module, encoding="utf-8")
    (tmp_path / "my_workflows").mkdir()
    own = [command for command in COMMANDS if "my_" in command]
    assert len(own) == 3
    with pasted(BESIDE, tmp_path):
        for command in own:
            assert "--port" in command, command
            with pasted(elsewhere(command, tmp_path), tmp_path) as server:
                if "my_module:weather" in command:
                    says_what_the_tool_answers(server)


def says_what_the_tool_answers(server: ServerProcess) -> None:
    (message,) = re.findall(r"`(/call weather .*?)`", README)
    session = server.session()
    server.request("POST", f"/api/contexts/{session}/actions/send_message", {"content": message})

    def messages() -> str:
        return str(server.request("GET", f"/api/sessions/{session}/messages")[1])

    eventually(lambda: "It rains in Bergen." in messages(), HANG_S, messages)


def test_the_calls_over_rest_succeed_and_leave_the_preferences_alone(tmp_path: Path) -> None:
    """All of them, while the reply to the first message streams."""
    calls = block("sh", "curl")
    with pasted(f"{BESIDE} --model scripted:words=40,delay_ms=50,seed=1", tmp_path) as server:
        before = server.request("GET", "/api/me/state")[1]["preferences"]
        script = 'set -e\ncurl() { command curl --fail-with-body "$@"; }\n' + calls.replace(
            "localhost:8765", server.url
        )
        ran = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert server.request("GET", "/api/me/state")[1]["preferences"] == before
