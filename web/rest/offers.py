"""REST of what the server offers."""

from __future__ import annotations

from dataclasses import asdict

from models.calls import NoArguments
from services.access import OnServer
from web.keys import MCP, PROVIDERS, SETTINGS, TOOLS
from web.rest.answers import McpServerView, ModelList, ModelView, ToolList, ToolView
from web.rest.route import Call, NoQuery


async def list_models(call: Call[NoArguments, NoQuery]) -> ModelList:
    await call.check("read", OnServer())
    models = tuple(ModelView(**asdict(info)) for info in call.app[PROVIDERS].models())
    return ModelList(models=models, default=call.app[SETTINGS].model)


async def list_tools(call: Call[NoArguments, NoQuery]) -> ToolList:
    await call.check("read", OnServer())
    tools = tuple(ToolView.of(each) for each in call.app[TOOLS].describe())
    servers = tuple(McpServerView.of(each) for each in call.app[MCP].status())
    return ToolList(tools=tools, servers=servers)
