"""Agents for the kill tests, started with `parley serve --agent`. Each does one thing that a crash must survive."""

from __future__ import annotations

import asyncio
import os
import signal

from models.runs import OnCrash
from services.runs.context import RunContext


class Forgetful:
    """Counts aloud and does not say that it can be resumed."""

    async def run(self, ctx: RunContext) -> None:
        async with ctx.stream() as reply:
            for number in range(1, 500):
                await reply.write(f"{number} ")
                await asyncio.sleep(0.02)


class Deadly:
    """Takes its process down each time it is asked, and each time it is resumed."""

    on_crash: OnCrash = "resume"

    async def run(self, ctx: RunContext) -> None:
        async with ctx.stream() as reply:
            await reply.write("Oh no")
            await reply.flush()
            os.kill(os.getpid(), signal.SIGKILL)
