"""`parley serve`: from options to a listening server, and gracefully back. Never builds the application's parts."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args, get_origin

import structlog
from aiohttp import web
from pydantic.fields import FieldInfo

from models.errors import InvalidArgument, ParleyError
from services.mcp.config import variables_of
from services.operating import logs
from services.operating.collector import share_arenas, tune_collector
from services.operating.environment import seal
from services.tools.names import spoken
from web.app import create_app, drain
from web.keys import PLACES
from web.listening.listener import Listener
from web.listening.places import Capacity
from web.loading import load
from web.settings import FILE_OPTIONS, PREFIX, SECRET_OPTIONS, Settings, SettingsError, option

log = structlog.get_logger(__name__)

MISTAKEN, FAILED = 2, 1
REQUESTS_END_S = 5.0
"""How long REST requests may take to finish once the runs have stopped and the sockets are closed."""


def declare(parser: argparse.ArgumentParser) -> None:
    secrets = ", ".join(f"PARLEY_{name.upper()}" for name in SECRET_OPTIONS)
    parser.epilog = (
        "Every option can also be set as PARLEY_… in the environment (--log-level: PARLEY_LOG_LEVEL) or in "
        f"./parley.toml (log_level = …). Secrets are taken from there only: {secrets}."
    )
    for name, field in Settings.model_fields.items():
        if name in FILE_OPTIONS:
            continue
        if name in SECRET_OPTIONS:
            parser.add_argument(option(name), dest=name, action=_Refused, help=argparse.SUPPRESS)
            continue
        repeatable = isinstance(field.default, tuple)
        action = "append" if repeatable else "store"
        shown = "" if repeatable or field.default is None else f" Default: {field.default}"
        summary = f"{field.description}{shown}".replace("%", "%%")
        parser.add_argument(option(name), dest=name, action=action, metavar=_values(field), help=summary)


def _values(field: FieldInfo) -> str:
    """What may stand behind an option. Shown only: the settings check it, together with everything else."""
    if field.annotation is bool:
        return "true|false"
    return "|".join(get_args(field.annotation)) if get_origin(field.annotation) is Literal else "…"


def run(parsed: argparse.Namespace) -> int:
    given = {name: value for name, value in vars(parsed).items() if name in Settings.model_fields and value is not None}
    # Agents are named by module, and people's own lie where the command is run; last, so that none hides a library.
    sys.path.append(os.getcwd())
    try:
        settings = load(given, unknown=_options_in(parsed.unknown), on_read=_configure_logs)
    except SettingsError as error:
        return _mistaken(error.mistakes)
    environment = dict(os.environ)
    servers_own = variables_of(settings.mcp)
    # What a command finds that somebody approves: it may look at the process that started it.
    seal(lambda name: name.upper().startswith(PREFIX) or name in servers_own)
    share_arenas()
    return asyncio.run(_serve(settings, environment))


def _configure_logs(settings: Settings) -> None:
    logs.configure(settings.log_level, settings.log_style, secrets=settings.secrets)


async def _serve(settings: Settings, environment: Mapping[str, str]) -> int:
    stop = asyncio.Event()
    _on_signals(stop)
    try:
        app = create_app(settings, environment=environment)
    except InvalidArgument as error:
        return _mistaken([error.message])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=REQUESTS_END_S)
    listener: Listener | None = None
    try:
        await runner.setup()
        listener = Listener(runner.server, app[PLACES])
        await listener.start(settings.host, settings.port)
    except ParleyError as error:
        _complain(f"parley: {error.message} ({error.code})")
        await _clean_up(runner, listener)
        return FAILED
    except OSError as error:
        _complain(f"parley: can't serve {settings.host}:{settings.port} from {_shown(settings.folder)}: {error}")
        await _clean_up(runner, listener)
        return FAILED
    tune_collector()
    print(f"Parley listens on {url_of(settings.host, listener.addresses)} ({_particulars(settings)})", flush=True)
    _tell_of_few_places(app[PLACES].capacity, settings)
    if settings.trusted_proxy and settings.token is None:
        log.warning("a proxy is trusted and no token is set: whoever reaches the proxy may do everything here")
    await stop.wait()
    log.info("stopping")
    # First this, then the sockets: until the end probes and clients learn that the server drains.
    await drain(runner.app)
    await _clean_up(runner, listener)
    return 0


async def _clean_up(runner: web.AppRunner, listener: Listener | None) -> None:
    if listener is not None:
        await listener.close()
    await runner.cleanup()


def _tell_of_few_places(capacity: Capacity, settings: Settings) -> None:
    if capacity.sockets < settings.max_connections:
        log.info(
            "fewer connections than --max-connections allows: raise the limit of open files (ulimit -n, LimitNOFILE)",
            connections=capacity.sockets,
            wanted=settings.max_connections,
        )


def _options_in(unknown: Sequence[str]) -> list[str]:
    """The names; what stands behind them belongs to them. Without any, what stands there at all."""
    return [each.partition("=")[0] for each in unknown if each.startswith("-")] or list(unknown)


def _on_signals(stop: asyncio.Event) -> None:
    """The first signal stops gracefully, the second at once."""

    def ask() -> None:
        if stop.is_set():
            os._exit(FAILED)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask)


def url_of(host: str, addresses: Sequence[object]) -> str:
    address = addresses[0]
    port = address[1] if isinstance(address, tuple) else "?"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _particulars(settings: Settings) -> str:
    """What tells this server from another on the same machine."""
    return f"pid {os.getpid()}, data {_shown(settings.folder)}, workspace {_shown(settings.workspace)}"


def _shown(folder: Path | None) -> str:
    """In one line, also where its name is no text."""
    return spoken(str(folder.resolve())) if folder is not None else "in memory"


def _mistaken(mistakes: Sequence[str]) -> int:
    _complain("parley: these settings can't work:", *(f"  {mistake}" for mistake in mistakes))
    return MISTAKEN


def _complain(*lines: str) -> None:
    print("\n".join(lines), file=sys.stderr, flush=True)


class _Refused(argparse.Action):
    """A secret on the command line."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        parser.error(f"every user of this machine can read a command line: set PARLEY_{self.dest.upper()} instead")
