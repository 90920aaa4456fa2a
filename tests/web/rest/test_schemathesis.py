"""A foreign program reads the served OpenAPI document and holds a real server to it, with values at the document's
bounds and beyond, and with ones made up from a seed: statuses, types, schemas, and that what doesn't fit is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from patience import HANG_S
from server_process import ServerProcess, eventually, serving

from web.rest.routes import ROUTES

TESTS = Path(__file__).parents[2]
SEED, EXAMPLES = 1, 2
WHOLE_RUN_S = 15 * HANG_S


@pytest.mark.slow
def test_no_generated_request_gets_an_answer_that_the_document_denies(tmp_path: Path) -> None:
    (workspace := tmp_path / "workspace").mkdir()
    with serving(tmp_path, "--model", "scripted:words=3,seed=1", "--workspace", str(workspace)) as server:
        run = subprocess.run(
            [*_command(), *_bounds(), f"{server.url}/api/openapi.json"],
            cwd=tmp_path,
            env={**os.environ, **_known(server), "PYTHONPATH": str(TESTS)},
            capture_output=True,
            text=True,
            timeout=WHOLE_RUN_S,
            check=False,
        )
        assert server.is_ready()
        assert '"level":"error"' not in server.log()
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["operations"]["tested"] == len(ROUTES) - 1, "all but the one that the document was read from"
    assert {report["phases"][phase]["status"] for phase in ("coverage", "fuzzing")} == {"success"}


def _command() -> list[str]:
    program = Path(sys.executable).with_name("schemathesis")
    return [str(program), "--config-file", str(TESTS / "schemathesis.toml"), "run"]


def _bounds() -> list[str]:
    bounds = ["--phases", "coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", str(SEED)]
    return [*bounds, "--report", "json", "--report-json-path", "report.json"]


def _known(server: ServerProcess) -> dict[str, str]:
    """What is there to ask about: a session in which somebody has talked, and a project."""
    session = server.session(title="a")
    server.request("POST", f"/api/contexts/{session}/actions/send_message", {"content": "hello"})
    path = f"/api/sessions/{session}"
    eventually(lambda: server.request("GET", path)[1]["state"] == "COMPLETED", HANG_S)
    message = server.request("GET", f"{path}/messages")[1]["messages"][0]["id"]
    project = server.request("POST", "/api/projects", {"name": "a"})[1]["id"]
    return {"KNOWN_sessionId": session, "KNOWN_projectId": project, "KNOWN_messageId": message}
