"""The command line: `parley COMMAND`. Each command is an entry of COMMANDS; its module does the work."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from web.rest.operations import parley_version
from web.terminal import chat_command as chat
from web.terminal import serve


@dataclass(frozen=True, slots=True)
class Subcommand:
    """`declare` adds the options, `run` gets what was parsed and returns the exit code."""

    name: str
    summary: str
    declare: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


COMMANDS: tuple[Subcommand, ...] = (
    Subcommand("serve", "Run the hub.", serve.declare, serve.run),
    Subcommand("chat", "Talk in a session from the terminal.", chat.declare, chat.run),
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    parsed, unknown = parser.parse_known_args(arguments)
    run: Callable[[argparse.Namespace], int] = parsed.run
    if unknown and run is not serve.run:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    parsed.unknown = unknown  # told together with the other mistakes
    return run(parsed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="parley", description="A real-time hub for AI-agent chat.")
    parser.add_argument("--version", action="version", version=f"parley {parley_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        added = commands.add_parser(command.name, help=command.summary, description=command.summary, allow_abbrev=False)
        command.declare(added)
        added.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
