"""What an execution finds of itself in the session: its question, its message, and the full outputs of its steps. Only
reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import orjson

from models.errors import InvalidArgument
from models.messages import Message
from models.payloads import AnyToolResult, McpToolResultPayload, ToolResultPayload, WorkflowExecutionPayload
from services.runs.context import RunContext

ORIGINAL = "The run's message holds no input for a workflow: start it by POST /api/workflows/NAME/execute"


@dataclass(frozen=True, slots=True)
class Past:
    """`asked` is the user's message, `payload` the execution's progress as last written, `results` and `replies` what
    this run's calls and requests brought, by call and message id."""

    asked: Message | None = None
    payload: WorkflowExecutionPayload | None = None
    results: Mapping[str, AnyToolResult] = field(default_factory=dict)
    replies: Mapping[str, Message] = field(default_factory=dict)

    def given(self) -> dict[str, Any]:
        """The input as it was asked for. Raises InvalidArgument."""
        original = self.asked.metadata.original_input if self.asked is not None else None
        try:
            given = orjson.loads(original) if original is not None else {}
        except orjson.JSONDecodeError:
            raise InvalidArgument(ORIGINAL, field="input") from None
        if not isinstance(given, dict):
            raise InvalidArgument(ORIGINAL, field="input")
        return given


async def read_past(ctx: RunContext) -> Past:
    """Reads back to the message that started the run, and no further: all that the run wrote lies behind it."""
    history: list[Message] = []
    async with aclosing((await ctx.path()).newest_first()) as places:
        async for place in places:
            history.append(place.message)
            if place.message.id == ctx.run.message_id:
                break
    return _sorted(ctx, history[::-1])


def _sorted(ctx: RunContext, history: Sequence[Message]) -> Past:
    asked: Message | None = None
    payload: WorkflowExecutionPayload | None = None
    results: dict[str, AnyToolResult] = {}
    replies: dict[str, Message] = {}
    for message in history:
        if message.id == ctx.run.message_id:
            asked = message
        elif message.run_id == ctx.run.id:
            match message.payload:
                case WorkflowExecutionPayload() as payload:
                    pass
                case ToolResultPayload() | McpToolResultPayload() as result:
                    results[result.call_id] = result
                case _ if message.kind == "streaming_response":
                    replies[message.id] = message
    return Past(asked, payload, results, replies)
