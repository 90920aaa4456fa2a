"""Makes the view: reads back through a session's history as far as the model's window reaches, counts, and has the
engine choose. Keeps nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import orjson

from models.messages import Message
from models.payloads import AnyToolResult
from models.states import Mode
from models.tools import ToolSpec
from services.engine.context import Context
from services.engine.prompt import PromptPart, prompt_parts
from services.engine.view import (
    MESSAGE_OVERHEAD_TOKENS,
    SEPARATOR,
    Candidate,
    LeftOut,
    OfferedTool,
    Reason,
    SystemPart,
    Tokens,
    View,
    ViewMessage,
    choose,
    cut,
    input_budget,
    reserve,
)
from services.llm.neutral import IMAGE_TOKENS, countable_message, to_neutral
from services.llm.provider import ModelInfo, ModelRequest
from services.llm.tokens import TokenCounter
from services.runs.history import History, PastMessage
from services.runs.toolbox import Toolbox
from services.tools.results import clamp, prefix, suffix

SEPARATOR_TOKENS = 2
"""At most, for two line ends."""


def request_of(view: View, info: ModelInfo, request_id: str) -> ModelRequest:
    """The request that the view amounts to. Every call in it has its result (I9)."""
    messages = to_neutral([entry.message for entry in view.messages], info)
    tools = tuple(tool.spec for tool in view.tools)
    return ModelRequest(info.name, messages, request_id=request_id, system=view.prompt, tools=tools)


@dataclass(frozen=True)
class ViewBuilder:
    """`toolbox` has the tools that a session's next request would offer, `overview` describes the workspace in a few
    lines."""

    counter: TokenCounter = field(default_factory=TokenCounter)
    toolbox: Toolbox | None = None
    overview: Callable[[], Awaitable[str]] | None = None

    def offered(self, mode: Mode, info: ModelInfo | None) -> tuple[ToolSpec, ...]:
        """With `info` None, for a model that is gone, what another one would be offered."""
        if self.toolbox is None or (info is not None and not info.tools):
            return ()
        return self.toolbox.offered(mode)

    async def parts(self, context: Context, tools: Sequence[ToolSpec]) -> tuple[PromptPart, ...]:
        """The parts of the system prompt, whole."""
        overview = await self.overview() if self.overview is not None else ""
        return prompt_parts(context, overview, tools)

    async def of_history(self, history: History, info: ModelInfo, tools: Sequence[ToolSpec]) -> View:
        """What the next request for a session is. It fits the model's window (I9) unless its tools alone do not."""
        offered = tuple([OfferedTool(tool, await self._count(_described(tool), info)) for tool in tools])
        left = input_budget(info.window_tokens, info.max_output_tokens) - sum(tool.tokens for tool in offered)
        system = await self._system(await self.parts(history.context, tools), info, left // 2)
        left = max(1, left - sum(part.tokens for part in system))
        found = await _Reading(self.counter, info, left).read(history)
        choice = choose(found.candidates, left)
        entries = tuple([await self._measured(entry, info) for entry in choice.messages])
        return await self._view(info, system, entries, offered, found.left_out(choice.left_out))

    async def of_prompt(self, system: str, prompt: str, info: ModelInfo) -> View:
        """One question without a history. What is too long loses its middle: of `system` beyond half of the window."""
        budget = input_budget(info.window_tokens, info.max_output_tokens)
        parts = await self._system((PromptPart("instructions", system),) if system else (), info, budget // 2)
        left = budget - sum(part.tokens for part in parts) - MESSAGE_OVERHEAD_TOKENS
        text, tokens = await self._fitted(prompt, left, info)
        question = ViewMessage(_question(text), tokens + MESSAGE_OVERHEAD_TOKENS, cut=text != prompt)
        return await self._view(info, parts, (question,), (), ())

    async def _view(
        self,
        info: ModelInfo,
        system: tuple[SystemPart, ...],
        messages: tuple[ViewMessage, ...],
        tools: tuple[OfferedTool, ...],
        left_out: tuple[LeftOut, ...],
    ) -> View:
        tokens = Tokens(
            window=info.window_tokens,
            reserve=reserve(info.max_output_tokens),
            system=sum(part.tokens for part in system),
            tools=sum(tool.tokens for tool in tools),
            history=sum(entry.tokens for entry in messages),
            exact=await self.counter.is_exact(info.name),
        )
        return View(info.name, system, messages, tools, tokens, left_out)

    async def _system(self, parts: Iterable[PromptPart], info: ModelInfo, budget_tokens: int) -> tuple[SystemPart, ...]:
        """Counted; where they are more than the budget together, the long ones lose their middles."""
        counted = [SystemPart(part.name, part.text, await self._count(part.text + SEPARATOR, info)) for part in parts]
        left, fitted = budget_tokens, dict[str, SystemPart]()
        # The short ones first: what they leave of their share is for the long ones.
        for rank, part in enumerate(sorted(counted, key=lambda part: part.tokens)):
            share = max(0, left) // (len(counted) - rank)
            if part.tokens > share:
                text, tokens = await self._fitted(part.text, share - SEPARATOR_TOKENS, info)
                part = SystemPart(part.name, text, tokens + SEPARATOR_TOKENS, cut=True)
            fitted[part.name] = part
            left -= part.tokens
        return tuple(fitted[part.name] for part in counted)

    async def _fitted(self, text: str, budget_tokens: int, info: ModelInfo) -> tuple[str, int]:
        """The text, or its beginning and its end, and what that costs."""
        shown, share = text, budget_tokens
        while (tokens := await self._count(shown, info)) > budget_tokens and shown:
            share = share * 4 // 5
            shown = _without_middle(text, share) if share > 0 else ""
        return shown, tokens

    async def _measured(self, entry: ViewMessage, info: ModelInfo) -> ViewMessage:
        """Tokens are not spread evenly: what was cut is counted, and cut again where it is still too long."""
        if not entry.cut:
            return entry
        message, tokens = entry.message, 0
        while (candidate := await _candidate(message, info, self.counter)) is not None:
            message, tokens = candidate.message, candidate.tokens
            if tokens <= entry.tokens or (shorter := cut(candidate, entry.tokens)) == message:
                break
            message = shorter
        return replace(entry, message=message, tokens=tokens)

    async def _count(self, text: str, info: ModelInfo) -> int:
        return await self.counter.count(text, model=info.name)


@dataclass(slots=True)
class _Found:
    """What was read of a history: what may be sent, oldest first, and what may not. `unread` is how many positions lie
    before it."""

    candidates: list[Candidate]
    barred: list[LeftOut]
    order: list[str]
    unread: int

    def left_out(self, by_choice: Iterable[LeftOut]) -> tuple[LeftOut, ...]:
        """Oldest first."""
        by_id = {each.message_id: each for each in (*self.barred, *by_choice)}
        earlier = (LeftOut("over_budget", first=1, last=self.unread),) if self.unread else ()
        return (*earlier, *(by_id[message_id] for message_id in self.order if message_id in by_id))


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads from the newest back, until the budget is spent and what asked for the newest results is found: what lies
    before can't be sent, however long the history is. The question is looked up where it was not met."""

    counter: TokenCounter
    info: ModelInfo
    budget_tokens: int

    async def read(self, history: History) -> _Found:
        candidates: list[Candidate] = []
        barred: list[LeftOut] = []
        order: list[str] = []
        spent, unread = 0, history.context.branch.length
        async with aclosing(history.newest_first()) as places:
            async for place in places:
                order.append(place.message.id)
                unread = unread if place.position is None else place.position - 1
                reason = _barred(place)
                candidate = await self._candidate(place.message) if reason is None else None
                if candidate is not None:
                    candidates.append(candidate)
                else:
                    barred.append(LeftOut(reason or "empty", place.message.id))
                # What is not sent counts too: it was read.
                spent += candidate.tokens if candidate is not None else MESSAGE_OVERHEAD_TOKENS
                if spent > self.budget_tokens and not _lacks_request(candidates):
                    break
            else:
                unread = 0
        if (question := await self._question(history, candidates)) is not None:
            candidates.append(question)
            order.append(question.message.id)
            unread = unread if unread > 1 else 0
        return _Found(candidates[::-1], barred, order[::-1], unread)

    async def _question(self, history: History, read: Sequence[Candidate]) -> Candidate | None:
        """None where something was read that a user asked."""
        if any(each.message.asks for each in read):
            return None
        question = await history.question()
        return await self._candidate(question) if question is not None else None

    async def _candidate(self, message: Message) -> Candidate | None:
        return await _candidate(message, self.info, self.counter)


def _barred(place: PastMessage) -> Reason | None:
    """Why it can't be sent, whatever its length."""
    match place.message.status:
        case "interrupted" | "error":
            return place.message.status
        case _:
            return "waiting" if place.waiting else None


def _lacks_request(candidates: Sequence[Candidate]) -> bool:
    """Whether the oldest is a result: what asked for it is still to be read."""
    return bool(candidates) and isinstance(candidates[-1].message.payload, AnyToolResult)


async def _candidate(message: Message, info: ModelInfo, counter: TokenCounter) -> Candidate | None:
    """None for what says nothing to a model."""
    shown = _shortened(message)
    countable = countable_message(shown, info)
    if countable is None:
        return None
    text, images = countable
    tokens = await counter.count(text, model=info.name) + images * IMAGE_TOKENS + MESSAGE_OVERHEAD_TOKENS
    return Candidate(shown, text, tokens)


def _shortened(message: Message) -> Message:
    """A long tool result as its head and tail, with the handle that pages through the rest."""
    payload = message.payload
    if not isinstance(payload, AnyToolResult) or payload.handle is None:
        return message
    return message.with_body(clamp(message.content, payload.handle))


def _described(tool: ToolSpec) -> str:
    return f"{tool.name}\n{tool.description}\n{orjson.dumps(dict(tool.parameters)).decode()}"


def _question(text: str) -> Message:
    """No message of the session: it has no id and no place."""
    return Message(
        id="",
        ordinal=0,
        role="user",
        content=text,
        message_type="text",
        kind="text",
        created_at_utc="",
        author="",
    )


def _without_middle(text: str, budget_tokens: int) -> str:
    """Its beginning and its end, and how much lies between."""
    left = max(0, budget_tokens - 50)
    head, tail = prefix(text, left * 2 // 3), suffix(text, left // 3)
    return f"{head}\n[{len(text) - len(head) - len(tail):,} characters are left out here]\n{tail}"
