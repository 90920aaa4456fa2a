"""An agent that asks: it wants to know where and for how long, and plans a trip with the answers.

    parley serve --agent tests.examples.asking_agent:TripPlanner

A question shows on every client, is answered once, and waits as long as it takes: also while the server is stopped.
"""

from __future__ import annotations

from models.errors import Declined
from models.runs import OnCrash
from services.runs.context import RunContext


class TripPlanner:
    # After a restart `run` is simply called again, from its first line. That is all there is to it: a question that was
    # answered before returns its answer at once, one that still waits goes on waiting, and none is put twice.
    on_crash: OnCrash = "resume"

    async def run(self, ctx: RunContext) -> None:
        try:
            # `key` names the question within the run: it tells apart two questions with the same text.
            where = await ctx.ask("Where shall we go?", options=("the sea", "the mountains"), key="where")
            days = await ctx.ask(f"How many days at {where}?", key="days")
        except Declined:
            await ctx.emit("No trip, then.")
            return
        async with ctx.stream() as reply:
            await reply.write(f"A trip to {where}")
            await reply.write(f", for {days} days.")
