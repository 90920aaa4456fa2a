"""`serve` inside the test's process: what it prints and returns. As a process of its own it is tested in test_cli."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import orjson
import pytest
import structlog
from patience import HANG_S

from models.errors import InvalidArgument
from services.tools import registry
from web.settings import Settings
from web.terminal import serve
from web.terminal.cli import main


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """What a server sets for its whole process is put back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(serve, "tune_collector", lambda: None)
    monkeypatch.setattr(serve, "seal", lambda drop: True)
    for name in os.environ:
        if name.startswith("PARLEY_"):
            monkeypatch.delenv(name)
    root, path = logging.getLogger(), sys.path[:]
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    yield
    root.handlers = handlers
    root.setLevel(level)
    sys.path[:] = path
    structlog.reset_defaults()


def signal_when_it_listens(port: int) -> threading.Thread:
    """A second thread that waits for the port and then interrupts this process, as Ctrl-C does."""

    def watch() -> None:
        deadline = time.monotonic() + HANG_S
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
                continue
            os.kill(os.getpid(), signal.SIGINT)
            return

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_says_where_it_listens_and_ends_with_0(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    thread = signal_when_it_listens(port)
    assert main(["serve", "--host", host, "--port", str(port), "--database", "memory:"]) == 0
    thread.join(HANG_S)
    particulars = f"pid {os.getpid()}, data in memory, workspace {Path.cwd()}"
    assert capsys.readouterr().out == f"Parley listens on http://{host}:{port} ({particulars})\n"


def test_mistakes_are_told_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", "x", "--allow-origin", "a", "--allow-origin", "b"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("parley: these settings can't work:\n")
    assert told.count("--allow-origin") == 2


def test_tools_and_processors_that_cannot_be_found_are_told_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    """Taken out: they are looked for while the options are checked, not only when the application is built."""
    wrong = ["--tools", "no_such_module:tool", "--processor", "os:no_such_name", "--tools", "os:sep"]
    assert main(["serve", "--database", "memory:", *wrong]) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "parley: these settings can't work:"
    assert [line.split(": ")[0].strip() for line in told[1:]] == [
        "--tools (PARLEY_TOOLS)",
        "--tools (PARLEY_TOOLS)",
        "--processor (PARLEY_PROCESSOR)",
    ]


def test_what_shows_only_when_the_application_is_built_is_told_with_code_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(settings: object, **_: object) -> object:
        raise InvalidArgument("two tools are called x")

    monkeypatch.setattr(serve, "create_app", build)
    assert main(["serve", "--database", "memory:"]) == 2
    assert capsys.readouterr().err == "parley: these settings can't work:\n  two tools are called x\n"


def test_what_is_logged_while_options_are_checked_is_logged_like_all_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other people's code is imported then, and says what it likes."""
    points = (EntryPoint("broken", "open-sesame:tools", registry.ENTRY_POINTS),)
    monkeypatch.setattr(registry, "offered", lambda: points)
    monkeypatch.setenv("PARLEY_TOKEN", "open-sesame")
    assert main(["serve", "--database", "memory:", "--log-format", "json", "--tools", "no_such_module:tool"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    first = orjson.loads(told.err.splitlines()[0])
    assert (first["event"], first["value"]) == ("tool_entry_point_failed", "***:tools")
    assert "open-sesame" not in told.err


def test_a_secret_on_the_command_line_is_refused_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--openai-api-key", "k"])
    assert ended.value.code == 2
    assert "PARLEY_OPENAI_API_KEY" in capsys.readouterr().err


def test_a_taken_port_is_told_with_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["serve", "--port", port, "--database", "memory:"]) == 1
    assert f"can't serve 127.0.0.1:{port}" in capsys.readouterr().err


def test_a_database_that_is_none_is_told_with_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "parley.db").write_text("no database" * 100)
    assert main(["serve", "--port", "0", "--data", str(tmp_path)]) == 1
    assert "is not a SQLite database" in capsys.readouterr().err


def test_the_help_tells_the_values_and_every_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """Taken out: the metavar of options that take one of a few words, and the list of all secrets."""
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    for expected in (
        "--approval-policy auto|manual|allow-list|limited",
        "--log-level debug|info|warning|error",
        "--log-format auto|json|console",
        "openai:NAME or anthropic:NAME",
        "PARLEY_TOKEN, PARLEY_OPENAI_API_KEY, PARLEY_ANTHROPIC_API_KEY",
    ):
        assert expected in told


def test_addresses_are_written_as_people_can_open_them() -> None:
    assert serve.url_of("127.0.0.1", [("127.0.0.1", 80)]) == "http://127.0.0.1:80"
    assert serve.url_of("::1", [("::1", 80, 0, 0)]) == "http://[::1]:80"


def test_folders_are_told_in_one_line_of_text_whatever_their_names(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9\n50%")
    folder.mkdir()
    told = serve._particulars(Settings(data=folder, workspace=folder))
    assert told.encode().isascii()
    assert "\n" not in told
    assert r"caf\351\n50%" in told
