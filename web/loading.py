"""Where the options come from: command line before environment (PARLEY_…) before parley.toml before defaults. All
mistakes are found at once and named by option."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, TomlConfigSettingsSource
from pydantic_settings import SettingsError as SettingsSourceError

from services.nearest import or_which
from services.operating.environment import USER_IN_URL
from web.settings import CONFIG_FILE, PREFIX, SECRET_OPTIONS, Settings, SettingsError, named, option
from web.workable import unknown_variables, unworkable

TOKEN_FOLLOWS_FROM = frozenset(("host", "allow_origin"))
"""Without a token that is needed the rest can be judged only where these don't need one."""


def load(
    command_line: Mapping[str, Any],
    config: Path = CONFIG_FILE,
    unknown: Sequence[str] = (),
    on_read: Callable[[Settings], None] = lambda settings: None,
) -> Settings:
    """`unknown` are options of the command line that there are none of. `on_read` is told the settings before other
    people's code is looked for, and may log. Raises SettingsError with every mistake."""
    options = Settings.model_fields
    mistakes = [f"{name}: there is no such option{or_which(name, map(option, options))}" for name in unknown]
    mistakes += unknown_variables(os.environ, options)
    mistakes += [
        f"{option(name)}: every user of this machine can read a command line, so no password may be in it: "
        f"set {PREFIX}{name.upper()} instead"
        for name, value in command_line.items()
        if name.endswith("_url") and USER_IN_URL.search(str(value))
    ]
    try:
        settings = _read(command_line, config, mistakes)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([*mistakes, f"{config}: {error}"]) from None
    except (OSError, UnicodeDecodeError, SettingsSourceError) as error:
        raise SettingsError([*mistakes, f"{config} or the environment can't be read: {error}"]) from None
    on_read(settings)
    mistakes += unworkable(settings, os.environ)
    if mistakes:
        raise SettingsError(mistakes)
    return settings


def _read(command_line: Mapping[str, Any], config: Path, mistakes: list[str]) -> Settings:
    """What each option says. Mistakes are added, and those options left out: what the others say can be judged all the
    same."""
    wrong: set[str] = set()
    while True:
        try:
            return _sources(config, wrong)(**command_line)
        except ValidationError as error:
            found = [each for each in _errors(error) if _name_of(each) not in wrong]
            mistakes += map(_mistake, found)
            if not found and wrong >= TOKEN_FOLLOWS_FROM:
                raise SettingsError(mistakes) from None
            wrong |= {_name_of(each) for each in found} or TOKEN_FOLLOWS_FROM


def port_to_ask(config: Path = CONFIG_FILE) -> int:
    """Where a server with the same environment and file listens. What is wrong with them is the server's to tell."""
    try:
        configured = tomllib.loads(config.read_text()).get("port")
    except (OSError, ValueError):
        configured = None
    candidates = (os.environ.get("PARLEY_PORT"), configured, Settings.model_fields["port"].default)
    for port in map(str, candidates):
        if port.isdecimal() and int(port) > 0:
            return int(port)
    raise AssertionError("the default is a port")


def _sources(config: Path, without: Collection[str] = ()) -> type[Settings]:
    """`without` names options that are not looked at."""

    class FromEverywhere(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            found = (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config))
            return tuple(_Without(settings_cls, source, without) for source in found) if without else found

    return FromEverywhere


class _Without(PydanticBaseSettingsSource):
    """A source without some of its options."""

    def __init__(
        self, settings_cls: type[BaseSettings], source: PydanticBaseSettingsSource, names: Collection[str]
    ) -> None:
        super().__init__(settings_cls)
        self._source = source
        self._names = names

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._source.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in self._source().items() if name not in self._names}


def _errors(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False)


def _name_of(each: ErrorDetails) -> str:
    return str(each["loc"][0]) if each["loc"] else "options"


def _mistake(each: ErrorDetails) -> str:
    name = _name_of(each)
    reason = each["msg"].removeprefix("Value error, ")
    if each["type"] == "extra_forbidden":
        return f"{name}: there is no such option{or_which(name, Settings.model_fields)}"
    if name in SECRET_OPTIONS:
        return f"PARLEY_{name.upper()}: {reason}"
    return f"{named(name)}: {reason}; given: {str(each['input'])[:80]!r}"
