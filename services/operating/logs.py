"""Structured logs: one line per fact, as JSON or for a terminal, secrets blotted out. Never decides what is logged.

Our own log calls and those of the libraries go through the same steps and the same handler.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor

Format = Literal["json", "console"]
BLOT = "***"
SECRET_KEYS = ("token", "api_key", "apikey", "authorization", "password", "secret", "cookie")
QUIET = (
    "aiosqlite",
    "alembic",
    "anthropic",
    "asyncio",
    "client",
    "httpcore",
    "httpx",
    "httpx2",
    "mcp",
    "openai",
    "parley.socketio",
    "sqlalchemy",
)
"""Libraries that are heard from warnings on, whatever the level: their debug lines may quote messages and headers."""


FOREIGN = frozenset({"anthropic", "client", "httpcore", "httpx", "httpx2", "mcp", "openai"})
"""Libraries that talk to somebody else's servers: what they call an error is mostly a fault of those."""


class _NoFaultOfOurs(logging.Filter):
    """Makes warnings of what `FOREIGN` libraries call errors. Lets everything through."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno > logging.WARNING and record.name.partition(".")[0] in FOREIGN:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


class Redactor:
    """Replaces the values of telling keys, and `secrets` wherever they appear, in tracebacks too."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        return {key: BLOT if _is_secret(key, value) else self._clean(value) for key, value in event.items()}

    def _clean(self, value: Any) -> Any:
        match value:
            case str():
                return self._blotted(value)
            case Mapping():
                return self(None, "", {str(key): child for key, child in value.items()})
            case list() | tuple():
                return [self._clean(child) for child in value]
            case None | bool() | int() | float():
                return value
            case _:
                return self._blotted(str(value))

    def _blotted(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, BLOT)
        return text


def configure(
    level: str = "info", style: Format = "console", *, secrets: Sequence[str] = (), stream: TextIO | None = None
) -> None:
    """Sends everything that is logged from `level` on to `stream` (stderr). May be called again."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    steps: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        Redactor(secrets),
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.addFilter(_NoFaultOfOurs())
    handler.setFormatter(_formatter(style, steps, handler.stream))
    logging.basicConfig(handlers=[handler], level=threshold, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def _formatter(style: Format, steps: list[Processor], stream: TextIO) -> logging.Formatter:
    renderer: Processor
    if style == "json":
        renderer = structlog.processors.JSONRenderer(serializer=_as_json)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty())
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder()],
        processors=[*steps, renderer],
    )


def _as_json(event: Any, **_: Any) -> str:
    try:
        return orjson.dumps(event).decode()
    except TypeError:  # a lone surrogate, an integer beyond 64 bits
        return orjson.dumps({key: ascii(value) for key, value in event.items()}).decode()


def _is_secret(key: str, value: object) -> bool:
    """Counts are no secrets: `tokens=12`, `input_tokens`."""
    name = key.lower().replace("-", "_")
    return isinstance(value, str) and any(name == secret or name.endswith("_" + secret) for secret in SECRET_KEYS)
