"""Agents for the page's tests, started with `parley serve --agent`: they ask the user."""

from __future__ import annotations

from models.errors import Declined
from models.runs import OnCrash
from services.runs.context import RunContext
from services.runs.toolbox import Wanted


class Asks:
    """Asks for a tree until it is told one, and says what it was told."""

    on_crash: OnCrash = "resume"

    async def run(self, ctx: RunContext) -> None:
        try:
            tree = await ctx.ask("Which tree shall I describe?", options=("birch", "cedar"), key="tree")
        except Declined:
            await ctx.emit("No tree then.")
            return
        await ctx.emit(f"A fine {tree}.")


class CallsTwice:
    """Wants to run two commands side by side, each of which needs an approval."""

    on_crash: OnCrash = "resume"

    async def run(self, ctx: RunContext) -> None:
        words = ("tea", "milk")
        wanted = [Wanted(f"call-{word}", "run_command", f'{{"command": "echo {word}"}}') for word in words]
        results = await ctx.tools.call(wanted)
        await ctx.emit(", ".join(result.output.strip() for result in results))
