"""The system prompt of a session as it would be sent now. Reads the workspace, keeps nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.engine.context import Context
from services.engine.prompt import PromptPart, prompt_parts
from services.runs.toolbox import Toolbox


@dataclass(frozen=True)
class Prompts:
    """`overview` describes the workspace in a few lines."""

    toolbox: Toolbox | None = None
    overview: Callable[[], Awaitable[str]] | None = None

    async def parts(self, context: Context) -> tuple[PromptPart, ...]:
        tools = self.toolbox.offered(context.mode) if self.toolbox is not None else ()
        overview = await self.overview() if self.overview is not None else ""
        return prompt_parts(context, overview, tools)
