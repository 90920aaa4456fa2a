"""`parley` as people run it: a process that starts, listens, complains clearly and stops gracefully."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from patience import HANG_S

from web.terminal.cli import main

ROOT = Path(__file__).parents[3]


def environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")} | more


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "web.terminal.cli", *arguments]


def ended(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """What a run that ends by itself says."""
    env = environment(PYTHONPATH=str(ROOT), **more)
    return subprocess.run(
        command(*arguments), cwd=folder, env=env, capture_output=True, text=True, timeout=HANG_S, check=False
    )


@contextmanager
def served(folder: Path, *options: str, **more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server on a free port of its own, and its address as it printed it."""
    env = environment(PYTHONPATH=str(ROOT), **more)
    errors = (folder / "stderr").open("w")
    process = subprocess.Popen(
        command("serve", "--port", "0", *options),
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.startswith("Parley listens on http://"), (folder / "stderr").read_text()
        assert f"(pid {process.pid}, data {folder}" in line
        yield process, line.split()[3]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=HANG_S)
        errors.close()


def get(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=HANG_S) as response:  # noqa: S310  # a loopback address
        data: dict[str, object] = orjson.loads(response.read())
    return data


def post(url: str, body: object) -> dict[str, object]:
    request = urllib.request.Request(url, orjson.dumps(body), {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=HANG_S) as response:  # noqa: S310
        data: dict[str, object] = orjson.loads(response.read())
    return data


def test_what_is_no_http_leaves_one_line_in_the_log_and_requests_none(tmp_path: Path) -> None:
    with served(tmp_path, "--log-format", "json") as (_, url):
        get(f"{url}/healthz")
        port = int(url.rpartition(":")[2])
        head = b"POST /api/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        for request in (head + b"Content-Length: x\r\n\r\n", b"nonsense\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port), timeout=HANG_S) as connection:
                connection.sendall(request)
                assert b" 400 " in connection.recv(4096)
    lines = [orjson.loads(line) for line in (tmp_path / "stderr").read_text().splitlines()]
    told = [line["event"] for line in lines if not line["event"].startswith("fewer connections")]
    assert told == ["malformed request"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_starts_and_a_signal_stops_it_gracefully(tmp_path: Path, number: signal.Signals) -> None:
    with served(tmp_path) as (process, url):
        assert get(f"{url}/readyz")["status"] == "ready"
        process.send_signal(number)
        assert process.wait(15) == 0
    assert (tmp_path / ".parley" / "parley.db").exists()


def test_a_running_agent_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with served(tmp_path, "--model", "scripted:words=5000,delay_ms=20,seed=1", "--log-format", "json") as (
        process,
        url,
    ):
        session = post(f"{url}/api/sessions", {})
        post(f"{url}/api/contexts/{session['id']}/actions/send_message", {"content": "go"})
        wait_for(lambda: get(f"{url}/api/sessions/{session['id']}/messages")["total"] == 2)
        process.terminate()
        assert process.wait(15) == 0
    lines = [orjson.loads(line) for line in (tmp_path / "stderr").read_text().splitlines()]
    assert {"session", "run", "logger", "timestamp"} <= set(next(x for x in lines if x["event"] == "run started"))
    with served(tmp_path) as (_, url):
        running = get(f"{url}/api/sessions/running")["sessions"]
        assert isinstance(running, list)
        assert [each["id"] for each in running] == [session["id"]]


def test_while_it_drains_it_says_so_and_a_second_signal_stops_it_at_once(tmp_path: Path) -> None:
    agent = tmp_path / "stubborn.py"
    agent.write_text(
        "import asyncio\n"
        "class Agent:\n"
        "    async def run(self, ctx):\n"
        "        open('at-work', 'w').close()\n"
        "        while True:\n"
        "            try:\n"
        "                await asyncio.sleep(60)\n"
        "            except asyncio.CancelledError:\n"
        "                open('cancelled', 'w').close()\n"
    )
    with served(tmp_path, "--agent", "stubborn:Agent") as (process, url):
        session = post(f"{url}/api/sessions", {})
        post(f"{url}/api/contexts/{session['id']}/actions/send_message", {"content": "go"})
        wait_for((tmp_path / "at-work").exists)
        process.terminate()
        wait_for((tmp_path / "cancelled").exists)
        for path in ("/readyz", "/socket.io/?EIO=4&transport=polling"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                get(f"{url}{path}")
            with refused.value as answer:
                assert answer.status == 503
                assert orjson.loads(answer.read())["code"] == "draining"
        process.terminate()
        assert process.wait(5) == 1


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_every_mistake_in_the_options_is_told_and_the_code_is_2(tmp_path: Path) -> None:
    run = ended(tmp_path, "serve", "--port", "x", "--host", "0.0.0.0", PARLEY_LOG_LEVEL="loud")  # noqa: S104
    assert (run.returncode, run.stdout) == (2, "")
    for named in ("--port", "--log-level (PARLEY_LOG_LEVEL)", "PARLEY_TOKEN"):
        assert named in run.stderr
    assert "Traceback" not in run.stderr


def test_a_secret_on_the_command_line_is_refused(tmp_path: Path) -> None:
    run = ended(tmp_path, "serve", "--token", "open-sesame")
    assert run.returncode == 2
    assert "set PARLEY_TOKEN instead" in run.stderr
    assert "open-sesame" not in run.stderr


@pytest.mark.slow
def test_trouble_with_storage_or_port_is_one_line_and_the_code_is_1(tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "parley.db").write_text("this is no database" * 100)
    broken = ended(tmp_path, "serve", "--port", "0", "--data", str(folder))
    assert (broken.returncode, broken.stdout) == (1, "")
    assert [line for line in broken.stderr.splitlines() if line.startswith("parley: ")]
    assert "Traceback" not in broken.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        busy = ended(tmp_path, "serve", "--port", port, "--data", str(tmp_path / "data"))
    assert busy.returncode == 1
    assert port in busy.stderr
    assert "Traceback" not in busy.stderr


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no such file to look at")
def test_nobody_finds_the_token_in_the_servers_environment_and_it_is_wanted_all_the_same(tmp_path: Path) -> None:
    with served(tmp_path, PARLEY_TOKEN="open-sesame", THEIR_KEY="hush") as (process, url):
        assert Path(f"/proc/{process.pid}/environ").read_bytes().strip(b"\0") == b""
        assert b"sesame" not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{url}/api/me", timeout=HANG_S)  # noqa: S310  # a loopback address
        asked = urllib.request.Request(f"{url}/api/me", headers={"Authorization": "Bearer open-sesame"})  # noqa: S310
        assert urllib.request.urlopen(asked, timeout=HANG_S).status == 200  # noqa: S310


@pytest.mark.slow
def test_a_folder_in_use_is_told(tmp_path: Path) -> None:
    with served(tmp_path) as (first, _):
        second = ended(tmp_path, "serve", "--port", "0")
    assert second.returncode == 1
    assert f"Another server (pid {first.pid}) uses the data folder" in second.stderr


def test_the_version_and_the_options_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, expected in (
        (["--version"], "parley "),
        (["serve", "--help"], "--allow-origin"),
        (["--help"], "serve"),
    ):
        with pytest.raises(SystemExit) as ended_with:
            main(arguments)
        assert ended_with.value.code == 0
        assert expected in capsys.readouterr().out
    with pytest.raises(SystemExit) as wrong:
        main(["nonsense"])
    assert wrong.value.code == 2
