"""One reply of a model on its way into the session: words as they come, calls with its end. Never asks again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from models.commands import Spent
from models.errors import ProviderBroken, ProviderError, ProviderRefused
from services.llm.endings import CUT_SHORT
from services.llm.provider import Finished, ModelRequest, Provider, TextDelta, ToolCallReady
from services.runs.context import RunContext
from services.runs.reply import Reply
from services.runs.toolbox import Wanted


class Relay:
    """The message appears with the first words: a request that fails before leaves none behind. The calls are committed
    together with the end of the reply, so that a crash loses both or neither."""

    def __init__(self, ctx: RunContext, *, depth: int, after_tools: bool) -> None:
        self.model = ""
        """Who was asked; empty as long as nobody was."""
        self.shown = False
        """Words of the reply stand in the session."""
        self._ctx = ctx
        self._depth = depth
        self._after_tools = after_tools
        self._blank = ""
        self._reply: Reply | None = None

    async def run(self, provider: Provider, request: ModelRequest) -> Sequence[Wanted] | None:
        """The calls that the model wants; None when it has said all. Raises ProviderError."""
        self.model = request.model
        wanted: list[Wanted] = []
        async with AsyncExitStack() as stack:
            events = await stack.enter_async_context(self._ctx.open_stream(provider, request))
            async for event in events:
                match event:
                    case TextDelta(text=text):
                        await self._write(stack, text)
                    case ToolCallReady():
                        wanted.append(Wanted(event.call_id, event.name, event.arguments_json))
                    case Finished():
                        await self._finish(event, wanted)
        return wanted or None

    async def _write(self, stack: AsyncExitStack, text: str) -> None:
        """Blank lines alone are no words: they wait for the first."""
        if self._reply is None:
            self._blank += text
            if not self._blank.strip():
                return
            self._reply = await stack.enter_async_context(self._ctx.stream(model=self.model))
            self.shown = True
            text = self._blank
        await self._reply.write(text)

    async def _finish(self, end: Finished, wanted: Sequence[Wanted]) -> None:
        tools = None
        if wanted:
            cut = CUT_SHORT.get(end.reason)
            tools = await self._ctx.tools.request(wanted, depth=self._depth, refusal=_not_done(cut) if cut else None)
        if self._reply is not None:
            await self._reply.finish(end.reason, end.usage, tools=tools)
            return
        spent = Spent(self.model, end.usage) if end.usage is not None else None
        if tools is not None:
            await self._ctx.request_tools(replace(tools, spent=spent))
            return
        if spent is not None:
            await self._ctx.count_usage(spent)
        if end.reason in CUT_SHORT or not self._after_tools:
            raise wordless(end.reason)


def wordless(reason: str) -> ProviderError:
    """A reply with neither words nor calls. Behind tools it may say that nothing is left to say; as an answer to
    somebody it is none."""
    if (cut := CUT_SHORT.get(reason)) is not None:
        return ProviderRefused(f"The model answered with no words: {cut}")
    if reason == "refusal":
        return ProviderRefused("The model refused, and did not say why")
    return ProviderBroken(f"The model answered with no words (it ended with “{reason}”)")


def _not_done(cut: str) -> str:
    """Closed JSON proves nothing: what would have followed is not known."""
    return (
        f"This call was not carried out: your reply was cut off, because {cut}. "
        "Call again with less at once, in several smaller calls if need be."
    )
