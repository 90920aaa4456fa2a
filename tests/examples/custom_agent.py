"""An agent of your own: it counts the words that people say, one by one, and remembers nothing but the session.

    parley serve --agent tests.examples.custom_agent:WordCounter

Any object with `async def run(self, ctx)` is an agent. One object serves all sessions at once, so what belongs to a
session is read from `ctx` and never kept on `self`.
"""

from __future__ import annotations

import asyncio

from models.runs import OnCrash
from services.runs.context import RunContext


class WordCounter:
    # What happens to a run whose server died: "resume" promises that `run` may simply be called again. Without it the
    # run ends as failed, which is right for agents with side effects that must not happen twice.
    on_crash: OnCrash = "resume"

    def __init__(self, pause_s: float = 0.05) -> None:
        """`parley serve` calls it without arguments."""
        self._pause_s = pause_s

    async def run(self, ctx: RunContext) -> None:
        # The newest messages of the session, oldest first; the last one by a user is what we were asked.
        history = await ctx.history()
        asked = [message for message in history if message.role == "user"][-1]
        words = asked.content.split()

        # A reply that grows in front of everybody who has the session open. What was written is stored before it is
        # shown. Leaving the block completes the message.
        async with ctx.stream() as reply:
            for number, word in enumerate(words, start=1):
                await reply.write(f"{number}. {word}\n")
                # A long step needs no special care: if somebody cancels, the task is cancelled at the next await.
                await asyncio.sleep(self._pause_s)

        # A whole message at once. An agent may write as many as it likes.
        await ctx.emit(f"{len(words)} words in all.")
