"""The agent and the tools of the boundary walk, inside the server: `--agent walking_agent:Walker`.

WALK_FOLDER is where they write down what really happened; WALK_OPENAI_URL is an endpoint for "openai:" models.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from walking_script import WALK, answer_to

from models.clock import SYSTEM_CLOCK
from models.runs import OnCrash
from services.llm.openai_format import to_openai
from services.llm.provider import ModelRequest
from services.llm.registry import Providers
from services.llm.scripted import CallTool, Say, Script, ScriptedProvider
from services.runs.assistant import Assistant
from services.runs.context import RunContext
from services.tools.tool import tool

MODEL = "words=4,delay_ms=1,seed=7"
"""Outside of the walker, in prompts of workflows, it says four words."""
DELTA_S = 0.003
AT_WORK_S = 0.04
"""Long enough to be killed in between."""


def _note(file: str, line: str) -> None:
    """Appended in one write: a process that is killed leaves whole lines."""
    with (Path(os.environ["WALK_FOLDER"]) / file).open("ab", buffering=0) as out:
        out.write(f"{line}\n".encode())


@tool(risk="read_only")
async def look(where: str) -> str:
    """Looks somewhere."""
    await asyncio.sleep(AT_WORK_S)
    return f"saw {where}"


@tool(risk="idempotent")
async def fetch(what: str) -> str:
    """Fetches something; asks before."""
    await asyncio.sleep(AT_WORK_S)
    return f"fetched {what}"


@tool(risk="read_only")
async def stumble(over: str) -> str:
    """Always fails."""
    raise ValueError(f"stumbled over {over}")


@tool(risk="read_only", timeout_s=2 * AT_WORK_S)
async def dream(about: str) -> str:
    """Never ends."""
    await asyncio.Event().wait()
    return about


@tool(risk="unsafe")
async def smash(what: str) -> str:
    """Smashes something, for good."""
    _note("smashed.log", what)
    await asyncio.sleep(AT_WORK_S)
    return f"smashed {what}"


def script(request: ModelRequest) -> Script:
    messages = to_openai(request)
    _note("requests.log", json.dumps({"messages": messages, "tools": [each.name for each in request.tools]}))
    answer = answer_to(messages)
    said = tuple(Say(word, DELTA_S) for word in answer.words)
    return (*said, *(CallTool(wish.name, wish.arguments, wish.call_id) for wish in answer.wishes))


class Walker:
    """Asks which way before a walk, then lets the assistant do the rest."""

    on_crash: OnCrash = "resume"

    def __init__(self) -> None:
        scripted = ScriptedProvider({MODEL: script})
        providers = Providers(SYSTEM_CLOCK, scripted=scripted, openai_base_url=os.environ.get("WALK_OPENAI_URL"))
        self._assistant = Assistant(providers)

    async def run(self, ctx: RunContext) -> None:
        history = await ctx.history()
        asked = next(message for message in history if message.id == ctx.run.message_id)
        if asked.content == WALK:
            way = await ctx.ask("Which way?", options=("left", "right"), key="way")
            assert way == "left", way
        await self._assistant.run(ctx)
