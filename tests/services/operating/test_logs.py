"""Logs: one JSON object or readable line each, from our calls and the libraries' alike, without secrets."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import orjson
import pytest
import structlog

from services.operating.logs import Format, configure

SECRET = "open-sesame"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """What pytest and other tests rely on is put back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def logged(level: str = "info", style: Format = "json") -> io.StringIO:
    stream = io.StringIO()
    configure(level, style, secrets=(SECRET, ""), stream=stream)
    return stream


def test_a_line_is_json_with_its_fields() -> None:
    stream = logged()
    structlog.get_logger("a.module").info("run started", session="s1", run="r1", attempt=2)
    line = orjson.loads(stream.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "run started",
        "session": "s1",
        "run": "r1",
        "attempt": 2,
        "level": "info",
        "logger": "a.module",
    }


def test_lines_below_the_level_are_left_out() -> None:
    stream = logged("warning")
    structlog.get_logger().info("not this")
    logging.getLogger("library").info("nor this")
    logging.getLogger("library").warning("but %s", "this")
    assert [orjson.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["but this"]


def test_libraries_that_quote_messages_stay_quiet_in_debug() -> None:
    stream = logged("debug")
    logging.getLogger("openai").debug("request body")
    logging.getLogger("aiohttp.server").debug("shown")
    assert "request body" not in stream.getvalue()
    assert "shown" in stream.getvalue()


@pytest.mark.parametrize("style", ["json", "console"])
def test_secrets_are_blotted_out_wherever_they_appear(style: Format) -> None:
    stream = logged(style=style)
    log = structlog.get_logger()
    log.info(f"connecting with {SECRET}", url=f"http://a/?t={SECRET}", nested={"list": [f"<{SECRET}>", 1, None]})
    log.info("by name", token="t0p", api_key="k3y", Authorization="Bearer b34r", openai_api_key="k4y")
    logging.getLogger("library").warning("header %s", SECRET)
    log.info("an object", error=ValueError(SECRET))
    try:
        raise ValueError(SECRET)
    except ValueError:
        log.exception("failed")
    text = stream.getvalue()
    assert "Traceback" in text
    for secret in (SECRET, "t0p", "k3y", "b34r", "k4y"):
        assert secret not in text
    assert "***" in text


def test_counts_of_tokens_are_no_secrets() -> None:
    stream = logged()
    structlog.get_logger().info("counted", tokens=12, input_tokens=3, token=None)
    line = orjson.loads(stream.getvalue())
    assert (line["tokens"], line["input_tokens"], line["token"]) == (12, 3, None)


def test_what_json_can_not_hold_is_logged_all_the_same() -> None:
    stream = logged()
    structlog.get_logger().info("odd", text="\ud800", number=1 << 70)
    assert "ud800" in orjson.loads(stream.getvalue())["text"]


def test_bound_context_is_part_of_each_line() -> None:
    stream = logged()
    with structlog.contextvars.bound_contextvars(session="s1"):
        structlog.get_logger().info("inside")
    assert orjson.loads(stream.getvalue())["session"] == "s1"


def test_what_a_library_says_of_somebody_elses_server_is_no_error_of_ours() -> None:
    stream = logged()
    for name in ("mcp.client", "httpx", "asyncio"):
        logging.getLogger(name).error("it broke")
    lines = [orjson.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["logger"], line["level"]) for line in lines] == [
        ("mcp.client", "warning"),
        ("httpx", "warning"),
        ("asyncio", "error"),
    ]
