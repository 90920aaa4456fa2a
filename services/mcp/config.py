"""The configuration of MCP servers: one table for each, every mistake named at once. Never starts anything.

[mcp.files]                                  # the name stands before the names of its tools: files__read
command = "mcp-server-files"
args = ["--root", "."]
env = { API_KEY = "${FILES_KEY}" }           # from the environment of Parley, so that no secret is in the file

[mcp.search]
url = "https://example.org/mcp"
headers = { Authorization = "Bearer ${SEARCH_TOKEN}" }
policies = { purge = "off" }
risks = { find = "read_only" }
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from models.errors import InvalidArgument
from models.text import is_clean
from services.nearest import or_which
from services.tools.tool import Policy, Risk

SERVER_NAME = re.compile(r"[a-z](?:[a-z0-9-]|_(?!_)){0,30}[a-z0-9]|[a-z]")
"""Without `__`, which ends it in the names of tools; a letter first, as in every tool's name."""
FILLED = ("env", "headers")
"""Where `${NAME}` stands for a variable."""
TIMEOUT_S = 60.0
START_TIMEOUT_S = 60.0
"""The first start of a server may have to download it."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


def _clean(text: str) -> str:
    if not is_clean(text):
        raise ValueError("contains NUL or a lone surrogate")
    return text


_Text = Annotated[str, AfterValidator(_clean)]
_Word = Annotated[str, Field(min_length=1), AfterValidator(_clean)]
_Seconds = Annotated[float, Field(gt=0, le=3600)]


class McpServerConfig(BaseModel):
    """`command` starts a process that talks over its standard input and output; `url` is a streamable HTTP endpoint.

    `policy` is that of all its tools, `policies` and `risks` those of tools by the names that the server gives them:
    the owner knows better than the server's own hints. Without `trust_annotations` these are not looked at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    command: _Word | None = None
    args: tuple[_Text, ...] = ()
    env: dict[str, _Text] = Field(default_factory=dict, repr=False)
    cwd: _Word | None = None
    url: _Text | None = None
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    enabled: bool = True
    timeout_s: _Seconds = TIMEOUT_S
    start_timeout_s: _Seconds = START_TIMEOUT_S
    policy: Policy | None = None
    policies: dict[str, Policy] = Field(default_factory=dict)
    risks: dict[str, Risk] = Field(default_factory=dict)
    trust_annotations: bool = True

    @model_validator(mode="after")
    def _check(self) -> Self:
        mistakes = [*_of_name(self.name), *_of_kind(self), *_of_url(self.url), *_of_env(self.env)]
        mistakes += _of_headers(self.headers)
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self


def read_servers(table: object, environment: Mapping[str, str]) -> tuple[McpServerConfig, ...]:
    """Reads `{name: {…}}` as it stands in a TOML file. Raises InvalidArgument: its message has a line for each mistake,
    `details["fields"]` the same as a list."""
    if not isinstance(table, Mapping):
        raise InvalidArgument("mcp: must be a table of servers, such as [mcp.files]", field="mcp")
    servers: list[McpServerConfig] = []
    mistakes: list[dict[str, str]] = []
    for name, entry in table.items():
        try:
            servers.append(_read(str(name), entry, environment))
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False, include_context=False)
            mistakes += [_mistake(str(name), detail) for detail in details]
        except ValueError as error:
            mistakes.append({"field": f"mcp.{name}", "message": str(error)})
    if mistakes:
        lines = "\n".join(f"{each['field']}: {each['message']}" for each in mistakes)
        raise InvalidArgument(lines, field=mistakes[0]["field"], fields=mistakes)
    return tuple(servers)


def variables_of(table: object) -> set[str]:
    """The names of the variables that the tables ask for: what they hold is a server's alone."""
    entries = [entry for entry in table.values() if isinstance(entry, Mapping)] if isinstance(table, Mapping) else []
    filled = [entry[key] for entry in entries for key in FILLED if isinstance(entry.get(key), Mapping)]
    texts = [text for each in filled for text in each.values() if isinstance(text, str)]
    return {name for text in texts for name in _VARIABLE.findall(text)}


def _read(name: str, entry: object, environment: Mapping[str, str]) -> McpServerConfig:
    if not isinstance(entry, Mapping):
        raise ValueError("must be a table with command or url")
    if "name" in entry:
        raise ValueError("name: the table's own name is the server's; leave it out")
    filled = {key: _filled(value, environment) if key in FILLED else value for key, value in entry.items()}
    return McpServerConfig.model_validate({**filled, "name": name})


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    """With the environment's values for `${NAME}`. Raises ValueError that names what is not set."""
    if not isinstance(value, Mapping):
        return value
    texts = [each for each in value.values() if isinstance(each, str)]
    missing = sorted({name for text in texts for name in _VARIABLE.findall(text) if name not in environment})
    if missing:
        raise ValueError(f"the environment has no {', '.join(missing)}; set it, or write the value itself")
    return {
        key: _VARIABLE.sub(lambda found: environment[found[1]], each) if isinstance(each, str) else each
        for key, each in value.items()
    }


def _mistake(name: str, detail: ErrorDetails) -> dict[str, str]:
    path = ".".join(["mcp", name, *(str(part) for part in detail["loc"])])
    if detail["type"] == "extra_forbidden":
        known = set(McpServerConfig.model_fields) - {"name"}
        return {"field": path, "message": f"there is no such key{or_which(str(detail['loc'][-1]), known)}"}
    return {"field": path, "message": detail["msg"].removeprefix("Value error, ")}


def _of_name(name: str) -> list[str]:
    if SERVER_NAME.fullmatch(name):
        return []
    return ["the name takes a to z, 0 to 9, - and single _, begins with a letter and has at most 32 characters"]


def _of_kind(config: McpServerConfig) -> list[str]:
    if (config.command is None) == (config.url is None):
        return ["give either command or url"]
    wrong = ("headers",) if config.command is not None else ("args", "env", "cwd")
    kind = "command" if config.command is not None else "url"
    return [f"{key} does not go with {kind}" for key in wrong if getattr(config, key)]


def _of_url(url: str | None) -> list[str]:
    if url is None:
        return []
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        return [f"url is not valid: {error}"]
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ["url must begin with http:// or https:// and name a host"]
    if parts.username is not None or parts.password is not None:
        return ["url must not hold a user or password; put them in headers"]
    return []


def _of_env(env: Mapping[str, str]) -> list[str]:
    return [f"env: {name!r} is no name of a variable" for name in env if not name or "=" in name or "\0" in name]


def _of_headers(headers: Mapping[str, str]) -> list[str]:
    names = [f"headers: {name!r} is no name of a header" for name in headers if not _HEADER.fullmatch(name)]
    values = [name for name, value in headers.items() if not _HEADER_VALUE.fullmatch(value)]
    return names + [f"headers: the value of {name} must be printable ASCII on one line" for name in values]
