"""Agents that tests hold, release and break; some are named by dotted path."""

from __future__ import annotations

import asyncio

from models.runs import OnCrash
from services.runs.context import RunContext


class Paced:
    """Streams "one ", waits for `go`, streams "two". Resumable."""

    on_crash: OnCrash = "resume"

    def __init__(self) -> None:
        self.at_work = asyncio.Event()
        self.go = asyncio.Event()
        self.attempts: list[int] = []
        self.errors: list[BaseException] = []

    async def run(self, ctx: RunContext) -> None:
        self.attempts.append(ctx.run.attempt)
        try:
            async with ctx.stream(model="m") as reply:
                await reply.write("one ")
                await reply.flush()
                self.at_work.set()
                await self.go.wait()
                await reply.write("two")
        except BaseException as error:
            self.errors.append(error)
            raise


class Says:
    """Emits one message; not resumable."""

    def __init__(self, words: str = "done") -> None:
        self.words = words

    async def run(self, ctx: RunContext) -> None:
        await ctx.emit(self.words)


class Raises:
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def run(self, ctx: RunContext) -> None:
        await ctx.emit("before")
        raise self.error


class Asks:
    """Asks one question, held by `go`; then says what it was told."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.go.set()

    async def run(self, ctx: RunContext) -> None:
        await self.go.wait()
        answer = await ctx.ask("Which colour?")
        await ctx.emit(f"{answer} it is")


class Hangs:
    def __init__(self) -> None:
        self.at_work = asyncio.Event()

    async def run(self, ctx: RunContext) -> None:
        self.at_work.set()
        await asyncio.Event().wait()


class LeavesOpen:
    """Returns in the middle of its reply."""

    async def run(self, ctx: RunContext) -> None:
        reply = ctx.stream(model="m")
        await reply.__aenter__()
        await reply.write("half")
        await reply.flush()


class Listens:
    """Answers with all that was said, once it was released; tells how often it was called."""

    on_crash: OnCrash = "resume"

    def __init__(self) -> None:
        self.at_work = asyncio.Event()
        self.go = asyncio.Event()
        self.heard: list[list[str]] = []

    async def run(self, ctx: RunContext) -> None:
        said = [message.content for message in await ctx.history() if message.role == "user"]
        self.heard.append(said)
        self.at_work.set()
        await self.go.wait()
        await ctx.emit(" + ".join(said))


SPOKEN = Says("by dotted path")
NO_AGENT = object()


def make_agent() -> Says:
    return Says("made by a function")


def broken_factory() -> Says:
    raise RuntimeError("can't be made")
