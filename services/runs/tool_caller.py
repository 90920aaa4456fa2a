"""The agent of a run that makes one call of one tool. Never speaks to a model."""

from __future__ import annotations

import orjson

from models.messages import Message
from models.runs import OnCrash
from services.runs.context import RunContext

PREFIX = "tool:"
"""A run whose agent is `tool:NAME` calls that tool, with the arguments that its message brought."""


class ToolCaller:
    """One object serves all sessions at once. After a crash the call may have been made: it is not made again. Neither
    is it for a message that steers: that is kept, and ignored."""

    on_crash: OnCrash = "fail"

    def __init__(self, name: str) -> None:
        self._name = name

    async def run(self, ctx: RunContext) -> None:
        """Raises ToolCallFailed."""
        if ctx.again:
            return
        asked = next(message for message in await ctx.history() if message.id == ctx.run.message_id)
        await ctx.call_tool(self._name, **_arguments(asked))


def _arguments(asked: Message) -> dict[str, object]:
    arguments: dict[str, object] = orjson.loads(asked.metadata.original_input or "{}")
    return arguments
