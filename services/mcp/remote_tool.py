"""Makes a Tool of what an MCP server lists: its name, schema, risk and policy. Never calls it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import orjson
from mcp_types import Tool as Listed
from mcp_types import ToolAnnotations
from pydantic import BaseModel

from models.states import Mode
from models.text import cleaned
from services.mcp.config import McpServerConfig
from services.mcp.naming import tool_name
from services.mcp.schemas import check_arguments, usable_schema
from services.tools.errors import BadArguments
from services.tools.schema import Signature
from services.tools.tool import Policy, Risk, Tool, ToolOutput

DESCRIPTION_MAX_CHARS = 4_000
"""Every request carries all descriptions: one server must not fill the window."""

CallRemote = Callable[[str, dict[str, Any]], Awaitable[ToolOutput]]


@dataclass(frozen=True, slots=True)
class RemoteSignature(Signature):
    """The schema is the server's, and so is the check of what is in the arguments."""

    schema: Mapping[str, Any]

    def json_schema(self) -> dict[str, Any]:
        return dict(self.schema)

    def check(self, arguments: Mapping[str, Any]) -> None:
        check_arguments(self.schema, arguments)

    def parse(self, arguments: object) -> dict[str, Any]:
        """Raises BadArguments for what is no JSON object."""
        if isinstance(arguments, str | bytes):
            try:
                arguments = orjson.loads(arguments or b"{}")
            except orjson.JSONDecodeError as error:
                raise BadArguments(f"The arguments are not valid JSON: {error}") from None
        if arguments is not None and not isinstance(arguments, Mapping):
            raise BadArguments(f"The arguments must be a JSON object, not {type(arguments).__name__}")
        return {"arguments": dict(arguments or {})}


def remote_tool(config: McpServerConfig, listed: Listed, call: CallRemote) -> Tool:
    """Raises InvalidArgument that says what is wrong with its schema, or with the policy that the owner gave it."""
    schema = usable_schema(listed.input_schema)
    risk, dangerous = _risk(config, listed)
    given: Policy | None = config.policies.get(listed.name, config.policy)

    async def function(arguments: dict[str, Any]) -> ToolOutput:
        return await call(listed.name, arguments)

    made = Tool(
        name=tool_name(config.name, listed.name),
        description=_description(listed, config.name),
        parameters=schema,
        risk=risk,
        category=f"mcp:{config.name}",
        timeout_s=config.timeout_s,
        modes=frozenset(get_args(Mode)) if risk == "read_only" and not dangerous else frozenset({"act"}),
        roles=frozenset(),
        policy="auto" if risk == "read_only" and not dangerous else "ask",
        dangerous=dangerous,
        requires=(),
        function=function,
        signature=RemoteSignature(BaseModel, {}, None, schema),
        remote=True,
    )
    return made if given is None else made.with_policy(given)


def _risk(config: McpServerConfig, listed: Listed) -> tuple[Risk, bool]:
    """The owner's word, else the server's hints, else the worst."""
    if (given := config.risks.get(listed.name)) is not None:
        return given, False
    hints: ToolAnnotations | None = listed.annotations if config.trust_annotations else None
    if hints is None:
        return "unsafe", False
    dangerous = hints.destructive_hint is True
    if hints.read_only_hint:
        return "read_only", dangerous
    return ("idempotent" if hints.idempotent_hint else "unsafe"), dangerous


def _description(listed: Listed, server: str) -> str:
    hint_title = listed.annotations.title if listed.annotations is not None else None
    text = (listed.description or listed.title or hint_title or "").strip()
    text = cleaned(text) or f"The tool {cleaned(listed.name)} of the MCP server {server}"
    return text if len(text) <= DESCRIPTION_MAX_CHARS else f"{text[:DESCRIPTION_MAX_CHARS]}…"
