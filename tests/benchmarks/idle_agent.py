"""An agent that is at work for ever: messages steer its run, so that a command costs a command and nothing more."""

from __future__ import annotations

import asyncio

from services.runs.context import RunContext


class IdleAgent:
    async def run(self, ctx: RunContext) -> None:
        await asyncio.Event().wait()
