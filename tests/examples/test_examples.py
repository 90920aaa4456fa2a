"""The examples run as they are, each the way its docstring says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from journal_rows import session_state
from patience import HANG_S
from server_process import ROOT, ServerProcess, eventually, serving

TWO_CLIENTS = "tests/examples/two_clients.py"
AGENT = "tests.examples.custom_agent:WordCounter"

pytestmark = pytest.mark.slow


def test_two_clients_runs_by_itself() -> None:
    assert "ada and bob agree on 2 messages" in _run(TWO_CLIENTS)


def test_two_clients_runs_against_a_running_server(tmp_path: Path) -> None:
    with serving(tmp_path, "--model", "scripted:words=5,seed=1") as server:
        output = _run(TWO_CLIENTS, server.url)
    assert "bob sees a message by local" in output
    assert "bob reads: " in output
    assert "bob sees the run end: completed" in output


def test_the_program_in_the_readme_prints_the_reply(tmp_path: Path) -> None:
    """Word for word, but that the server of the test is another than the one at home."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (program,) = (block for block in re.findall(r"```python\n(.*?)```", readme, re.DOTALL) if "HubClient" in block)
    with serving(tmp_path, "--model", "scripted:words=5,seed=1") as server:
        script = tmp_path / "trip.py"
        script.write_text(program.replace("http://127.0.0.1:8765", server.url), encoding="utf-8")
        printed = _run(str(script))
        session_id = server.request("GET", "/api/sessions")[1]["sessions"][0]["id"]
        (reply,) = _said(server, session_id)
    assert printed.strip() == reply[1].strip() != ""


def test_the_custom_agent_answers(tmp_path: Path) -> None:
    with serving(tmp_path, "--agent", AGENT) as server:
        session_id = _ask(server, "one two three")
        eventually(lambda: session_state(server.database, session_id) == "COMPLETED", 15)
        assert _said(server, session_id) == [
            ("complete", "1. one\n2. two\n3. three\n"),
            ("complete", "3 words in all."),
        ]


def test_the_custom_agent_is_resumed_after_a_kill_as_it_declares(tmp_path: Path) -> None:
    text = " ".join(["word"] * 40)
    with serving(tmp_path, "--agent", AGENT) as server:
        session_id = _ask(server, text)
        eventually(lambda: len(_said(server, session_id)) == 1, 15)
        server.kill()
        server.start()
        eventually(lambda: session_state(server.database, session_id) == "COMPLETED", 30)
        said = _said(server, session_id)
    assert [status for status, _ in said] == ["interrupted", "complete", "complete"]
    assert said[-1][1] == "40 words in all."


def _run(script: str, *arguments: str) -> str:
    finished = subprocess.run(
        [sys.executable, script, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=HANG_S, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def _ask(server: ServerProcess, text: str) -> str:
    session_id = server.session()
    status, answer = server.request("POST", f"/api/contexts/{session_id}/actions/send_message", {"content": text})
    assert status == 202, answer
    return session_id


def _said(server: ServerProcess, session_id: str) -> list[tuple[str, str]]:
    messages = server.request("GET", f"/api/sessions/{session_id}/messages")[1]["messages"]
    return [(message["status"], message["content"]) for message in messages if message["role"] == "agent"]
