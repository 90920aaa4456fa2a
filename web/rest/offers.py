"""REST of what the server offers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import structlog
from pydantic import Field

from models.calls import NoArguments
from models.wire import Wire
from services.access import OnServer
from web.keys import MCP, PROVIDERS, SETTINGS, TOOLS
from web.rest.answers import McpServerView, ModelList, ModelView, ToolList, ToolView
from web.rest.route import Call, NoQuery

log = structlog.get_logger(__name__)


async def list_models(call: Call[NoArguments, NoQuery]) -> ModelList:
    await call.check("read", OnServer())
    models = tuple(ModelView(**asdict(info)) for info in call.app[PROVIDERS].models())
    return ModelList(models=models, default=call.app[SETTINGS].model)


class SwitchTool(Wire):
    """As long as the server runs; what holds longer is a setting (`--tool-policy NAME=off`)."""

    enabled: Annotated[bool, Field(strict=True)]


async def switch_tool(call: Call[SwitchTool, NoQuery]) -> ToolView:
    await call.check("manage", OnServer())
    tools, name = call.app[TOOLS], call.path["name"]
    if call.body.enabled:
        tools.switch_on(name)
    else:
        tools.switch_off(name, f"{call.principal.name} switched it off")
    log.info("a tool was switched", tool=name, enabled=call.body.enabled, user=call.principal.user_id)
    return next(ToolView.of(each) for each in tools.describe() if each.name == name)


async def list_tools(call: Call[NoArguments, NoQuery]) -> ToolList:
    await call.check("read", OnServer())
    tools = tuple(ToolView.of(each) for each in call.app[TOOLS].describe())
    servers = tuple(McpServerView.of(each) for each in call.app[MCP].status())
    return ToolList(tools=tools, servers=servers)
