"""The server's options, each checked alone. Never reads them from anywhere, opens neither a database nor a socket."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from hub.socket.origins import ANY, is_loopback, normal_origin
from hub.socket.proxies import network_of
from hub.socket.transport import MAX_CONNECTIONS
from models.clock import Clock
from models.payloads import ImageMode
from services.llm.demo import WORDS_PER_S
from services.llm.endpoint_errors import is_secret
from services.llm.registry import Providers
from services.operating.logs import Format
from services.runs.turn_time import TimeLimit
from services.store.sqlite.database import FILE_NAME
from services.tools.tool import Policy
from web.listening.deadlines import Deadlines

CONFIG_FILE = Path("parley.toml")
IN_MEMORY = "memory:"
SQLITE = "sqlite:///"
BUILT_IN_AGENT = "assistant"
PREFIX = "PARLEY_"
SECRET_OPTIONS = ("token", "openai_api_key", "anthropic_api_key")
"""Not taken from the command line, which every user of the machine can read."""


FILE_OPTIONS = ("mcp",)
"""Tables, which only the file can hold."""


class SettingsError(Exception):
    """`mistakes` has one line for each, with the option's name."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(mistakes))


def _listed(value: Any) -> Any:
    """The environment has only text: `a,b`."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _origin(value: str) -> str:
    return value if value == ANY else normal_origin(value)


def _network(value: str) -> str:
    return str(network_of(value))


def _database(value: str | None) -> str | None:
    if value is None or value == IN_MEMORY:
        return value
    path = value.removeprefix(SQLITE)
    if path == value:
        raise ValueError(f"only {SQLITE}FOLDER/{FILE_NAME} and {IN_MEMORY} are supported by this version")
    if "?" in path:
        raise ValueError("options behind ? are not supported; a folder with ? in its name is given with --data")
    if Path(path).name != FILE_NAME:
        raise ValueError(f"the file must be called {FILE_NAME}: the folder around it belongs to the server")
    return value


def _folder(value: Path) -> Path:
    if value.exists() and not value.is_dir():
        raise ValueError("is not a folder")
    return value


def _existing(value: Path) -> Path:
    if not value.is_dir():
        raise ValueError("is not an existing folder")
    return value


def _policy(value: str) -> str:
    name, _, policy = value.partition("=")
    if not name or policy not in ("auto", "ask", "off"):
        raise ValueError("write NAME=auto, NAME=ask or NAME=off")
    return value


def _turn_limit(value: str) -> str:
    name, _, limit = value.rpartition("=")
    seconds, _, policy = limit.partition(":")
    if not name or not seconds.replace(".", "", 1).isdecimal() or policy not in ("", "ask", "stop"):
        raise ValueError("write NAME=SECONDS, NAME=SECONDS:ask or NAME=SECONDS:stop")
    return value


def _existing_or_none(value: Path | None) -> Path | None:
    return None if value is None else _existing(value)


def _secret(value: SecretStr | None) -> SecretStr | None:
    text = value.get_secret_value() if value is not None else None
    if text is not None and (not text or not text.isascii() or not text.isprintable() or " " in text):
        raise ValueError("must be printable ASCII without spaces, and not empty")
    return value


def _token_where_needed(token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    host = info.data.get("host")
    if token is None and host is not None and not is_loopback(host):
        raise ValueError(
            f"{host} is reachable by others, so a token is needed: set PARLEY_TOKEN to a long random text, "
            "or listen on 127.0.0.1"
        )
    if token is None and ANY in (info.data.get("allow_origin") or ()):
        raise ValueError(f"--allow-origin {ANY} admits every web page, so a token is needed: set PARLEY_TOKEN")
    return token


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
Allowed = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_listed)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode, BeforeValidator(_listed)]
Policies = Annotated[tuple[Annotated[str, AfterValidator(_policy)], ...], NoDecode, BeforeValidator(_listed)]
TurnLimits = Annotated[tuple[Annotated[str, AfterValidator(_turn_limit)], ...], NoDecode, BeforeValidator(_listed)]
Secret = Annotated[SecretStr | None, AfterValidator(_secret)]


class Settings(BaseSettings):
    """What was asked for, checked. Built directly it takes its arguments only; `load` looks everywhere."""

    model_config = SettingsConfigDict(env_prefix="PARLEY_", extra="forbid", frozen=True, validate_default=True)

    host: Annotated[str, Field(min_length=1, description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on; 0 takes any free one.")] = 8765
    data: Annotated[Path, AfterValidator(_folder), Field(description="Folder of the database and its lock.")] = Path(
        ".parley"
    )
    database: Annotated[
        str | None,
        AfterValidator(_database),
        Field(description=f"{SQLITE}FOLDER/{FILE_NAME} instead of the data folder's, or {IN_MEMORY} to keep nothing."),
    ] = None
    workspace: Annotated[Path, AfterValidator(_existing), Field(description="Folder that agents may look at.")] = Path()
    model: Annotated[
        str,
        Field(
            min_length=1,
            description="Model of new sessions: demo; openai:NAME or anthropic:NAME with a key or a base URL.",
        ),
    ] = "demo"
    agent: Annotated[
        str, Field(min_length=1, description="Agent that answers: a name or package.module:attribute.")
    ] = BUILT_IN_AGENT
    approval_policy: Annotated[
        Literal["auto", "manual", "allow-list", "limited"],
        Field(description="Which tools run without asking: those that only read, none, those of --allow-tool, or few."),
    ] = "auto"
    approvals_expire_after_s: Annotated[
        float | None, Field(gt=0, description="After how long an approval that nobody answers counts as denied.")
    ] = None
    allow_tool: Annotated[Names, Field(description="A tool that the allow-list lets run; may be repeated.")] = ()
    tool_policy: Annotated[Policies, Field(description="NAME=auto|ask|off for one tool; may be repeated.")] = ()
    tools: Annotated[Names, Field(description="More tools, as package.module:attribute; may be repeated.")] = ()
    turn_limit_s: Annotated[
        float, Field(ge=0, description="How long a user's turn may take, waiting left out; 0 for as long as it likes.")
    ] = 3_600
    turn_limit_policy: Annotated[
        Literal["ask", "stop"], Field(description="Then: ask the user whether to go on, or stop.")
    ] = "ask"
    agent_turn_limit: Annotated[
        TurnLimits, Field(description="NAME=SECONDS, NAME=SECONDS:ask or :stop for one agent; may be repeated.")
    ] = ()
    workflows: Annotated[
        Path | None, AfterValidator(_existing_or_none), Field(description="Folder of workflows, one in each *.yaml.")
    ] = None
    mcp: Annotated[dict[str, Any], Field(description="Tables [mcp.NAME] of parley.toml: servers of tools.")] = {}
    processor: Annotated[
        Names, Field(description="A step of one's own for messages, as package.module:attribute; may be repeated.")
    ] = ()
    image_mode: Annotated[
        ImageMode, Field(description="How models get images that don't say it themselves: auto: seen if they can see.")
    ] = "auto"
    fetch_images: Annotated[
        bool, Field(description="Fetch images by URL to read their text, from public addresses alone.")
    ] = False
    allow_origin: Annotated[Allowed, Field(description="Origin of pages that may connect; may be repeated.")] = ()
    trusted_proxy: Annotated[
        Networks, Field(description="Address or network of a proxy whose X-Forwarded-* count; may be repeated.")
    ] = ()
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="From which level on to log.")
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "console"], Field(description="auto: console on a terminal, else json.")
    ] = "auto"
    coalesce_window_ms: Annotated[
        float, Field(ge=0, le=10_000, description="How long to gather a model's words into one event; 0 for none.")
    ] = 40
    max_connections: Annotated[int, Field(ge=1, description="Socket connections at once.")] = MAX_CONNECTIONS
    connect_timeout_s: Annotated[
        float, Field(gt=0, description="Within which a socket must show its token, where one is demanded.")
    ] = 5.0
    head_timeout_s: Annotated[
        float, Field(gt=0, description="Within which the head of a request must have come, in all.")
    ] = Deadlines.head_s
    body_timeout_s: Annotated[
        float,
        Field(gt=0, description="How long a request's body may bring nothing, or nothing of an answer be taken."),
    ] = Deadlines.progress_s
    keep_alive_s: Annotated[float, Field(gt=0, description="How long a connection may be idle between requests.")] = (
        Deadlines.idle_s
    )
    demo_words_per_s: Annotated[
        float, Field(ge=0, le=100_000, description="How fast the demo model talks; 0 for at once.")
    ] = WORDS_PER_S
    openai_base_url: Annotated[str | None, Field(description="An OpenAI-compatible endpoint.")] = None
    openai_models: Annotated[Names, Field(description="Models of that endpoint to offer; may be repeated.")] = ()
    openai_api_key: Annotated[Secret, Field(description="Its key.")] = None
    anthropic_base_url: Annotated[str | None, Field(description="Another endpoint with Anthropic's API.")] = None
    anthropic_models: Annotated[Names, Field(description="Models of Anthropic to offer; may be repeated.")] = ()
    anthropic_api_key: Annotated[Secret, Field(description="The key for Anthropic.")] = None
    token: Annotated[
        Secret, AfterValidator(_token_where_needed), Field(description="The shared secret that clients must show.")
    ] = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)

    @property
    def log_style(self) -> Format:
        if self.log_format != "auto":
            return self.log_format
        return "console" if sys.stderr.isatty() else "json"

    @property
    def deadlines(self) -> Deadlines:
        return Deadlines(self.head_timeout_s, self.body_timeout_s, self.keep_alive_s)

    @property
    def folder(self) -> Path | None:
        """Where the database lives; None when it is kept in memory."""
        if self.database is None:
            return self.data
        return None if self.database == IN_MEMORY else Path(self.database.removeprefix(SQLITE)).parent

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must appear in no log; what stands for no key is no secret."""
        keys = [key for each in (self.openai_api_key, self.anthropic_api_key) if (key := _revealed(each)) is not None]
        token = _revealed(self.token)
        return (*([token] if token is not None else []), *(key for key in keys if is_secret(key)))

    @property
    def tool_policies(self) -> dict[str, Policy]:
        return {name: cast(Policy, policy) for name, _, policy in (each.partition("=") for each in self.tool_policy)}

    @property
    def turn_limit(self) -> TimeLimit:
        return TimeLimit(self.turn_limit_s, self.turn_limit_policy)

    @property
    def turn_limits(self) -> dict[str, TimeLimit]:
        """Those of single agents, by name."""
        return {name: self._limit_of(limit) for name, _, limit in (v.rpartition("=") for v in self.agent_turn_limit)}

    def _limit_of(self, limit: str) -> TimeLimit:
        seconds, _, policy = limit.partition(":")
        return TimeLimit(float(seconds), cast(Literal["ask", "stop"], policy or self.turn_limit_policy))

    def providers(self, clock: Clock) -> Providers:
        """Raises InvalidArgument on a key or URL that can never work."""
        return Providers(
            clock,
            openai_api_key=_revealed(self.openai_api_key),
            anthropic_api_key=_revealed(self.anthropic_api_key),
            anthropic_base_url=self.anthropic_base_url,
            anthropic_models=self.anthropic_models,
            openai_base_url=self.openai_base_url,
            openai_models=self.openai_models,
            demo_words_per_s=self.demo_words_per_s,
        )


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None


def option(name: str) -> str:
    """How people write it: `--log-level`."""
    return "--" + name.replace("_", "-")


def named(name: str) -> str:
    """An option under both of its names."""
    return f"{option(name)} ({PREFIX}{name.upper()})"
