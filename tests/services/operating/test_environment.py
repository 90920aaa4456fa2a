"""What the server was started with is for the server alone, though any process of its user may look at it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from patience import HANG_S

from services.mcp.config import variables_of
from services.operating.environment import harmless

ROOT = Path(__file__).parents[3]
SEALED = r"""
import os, subprocess
from services.operating.environment import seal
print(seal(lambda name: name.startswith("PARLEY_")))
child = r"tr '\0' '\n' < /proc/$PPID/environ; echo; echo inherited; env"
print(subprocess.run(["/bin/sh", "-c", child], capture_output=True, text=True, check=True).stdout)
print("own", os.environ["THEIR_CREDENTIALS"], os.getenv("PARLEY_TOKEN"), repr(os.environ["EMPTY"]))
"""


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no such file to look at")
def test_a_child_finds_nothing_in_the_environment_of_its_parent() -> None:
    """Taken out for the check: the blanking, without which `os.environ` alone forgets."""
    secrets = {"PARLEY_TOKEN": "open-sesame", "THEIR_CREDENTIALS": "hush", "EMPTY": ""}
    ended = subprocess.run(
        [sys.executable, "-c", SEALED],
        env={"PATH": os.environ["PATH"], **secrets},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=True,
    )
    sealed, _, rest = ended.stdout.partition("\n")
    seen, _, inherited = rest.partition("inherited\n")
    assert sealed == "True"
    assert seen.strip() == ""
    assert "THEIR_CREDENTIALS=hush" in inherited, "who starts a program gives it what it wants"
    assert "sesame" not in ended.stdout
    assert "own hush None ''" in inherited


def test_what_looks_like_a_secret_is_no_commands_business() -> None:
    kept = {"PATH": "/bin", "HOME": "/root", "PWD": "/", "LANG": "C", "SSH_AUTH_SOCK": "/run/x", "KEYBOARD": "us"}
    kept |= {"HTTPS_PROXY": "http://proxy:3128", "MAIL": "user@example.org"}
    secret = {"my_key": "y", "OPENAI_API_KEY": "y", "PARLEY_PORT": "1", "AWS_SECRET_ACCESS": "y", "DB_PASSWORD": "y"}
    secret |= {"OTEL_EXPORTER_OTLP_HEADERS": "y", "GITHUB_PAT": "y", "MYSQL_PWD": "y", "SENTRY_DSN": "y"}
    secret |= {"REDIS_URL": "redis://:hush@cache:6379", "HTTP_PROXY": "http://user:hush@proxy:3128"}
    assert harmless(kept | secret) == kept


def test_the_variables_that_a_server_of_tools_asks_for_are_known() -> None:
    files = {"command": "x", "env": {"A": "${ONE}-${TWO}", "B": "plain"}, "args": ["${NOT_FILLED}"]}
    search = {"url": "https://example.org", "headers": {"Authorization": "Bearer ${THREE}"}}
    assert variables_of({"files": files, "search": search, "odd": "no table"}) == {"ONE", "TWO", "THREE"}
    assert variables_of(None) == set()
