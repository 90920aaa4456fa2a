"""The model that needs no key: fixed words, paced, and tools by fixed rules. Never pretends to understand."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import AsyncGenerator
from hashlib import blake2b

from models.errors import ProviderBroken
from models.usage import Usage
from services.llm.demo_tools import DemoTurn, turn_with_tools
from services.llm.neutral import countable_text
from services.llm.provider import Finished, ModelEvent, ModelInfo, ModelRequest, Sleep, TextDelta, ToolCallReady
from services.llm.tokens import estimate_tokens

DEMO = ModelInfo(name="demo", provider="demo", window_tokens=32_768, max_output_tokens=8_192, vision=False, tools=True)

# About how fast hosted models write, and slow enough to pull a plug in mid-sentence.
WORDS_PER_S = 20.0

# Four minutes at the default pace: time to try any reconnect, and an end in sight.
LONGEST_WORDS = 5_000

_QUOTE_LIMIT = 200
_WORDS_BEFORE_FAILURE = 12

_WHO = "I am Parley's demo. I am not a language model: I answer with fixed sentences, streamed word by word."

_HELP = (
    "Things to try:\n"
    "- /long 200 streams 200 words. Reload the page meanwhile, close it, or cut the network: nothing is lost.\n"
    "- /fail breaks off in the middle, as a model's endpoint can.\n"
    "- Ask where something is in the code: I search the workspace and answer with file and line.\n"
    "- /ask wants to run a harmless command, which needs your approval. /plan tells how I proceed.\n"
    '- /call NAME {"argument": "value"} calls any of the tools that I am offered and shows what it answers.\n'
    "- Open this session in a second tab, or on a phone, and watch both."
)

_TOPICS = (
    (
        r"reconnect|reload|refresh|offline|network|tab|phone",
        "Every piece of this reply is written to a journal before anyone sees it. A client that comes back says how "
        "far it had read and gets the rest, in order, once.",
    ),
    (
        r"model|key|openai|gpt|llm",
        "To talk to a real model, give the server an API key or the base URL of any OpenAI-compatible endpoint, and "
        "start it with --model openai:NAME.",
    ),
    (
        r"api|rest|socket|sse|client|code|sdk",
        "You can follow a session over Socket.IO, over server-sent events, or by signals and REST; all of them show "
        "the same journal. The API reference is at /api/docs.",
    ),
    (
        r"stop|cancel",
        "A run belongs to the session and not to a browser: it goes on when everyone leaves, and anyone who may write "
        "in the session can stop it.",
    ),
)

_GENERAL = (
    "Parley keeps a chat with an agent running when every browser has gone, and shows each one that comes back exactly "
    "what it missed."
)

_FILLER = (
    "This is a long reply so that there is time to try things. Reload the page now, or close it and come back, or take "
    "the network away for a while. Each tenth word is its own number, so a hole or an echo would be plain to see."
).split()


class DemoProvider:
    """Deterministic: the same request gets the same words. `words_per_s=0` streams without waiting."""

    def __init__(self, *, words_per_s: float = WORDS_PER_S, sleep: Sleep = asyncio.sleep) -> None:
        self._gap_s = 1 / words_per_s if words_per_s > 0 else 0.0
        self._sleep = sleep

    def models(self) -> tuple[ModelInfo, ...]:
        return (DEMO,)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        asked = request.last_user_text.strip()
        fails = asked.split(maxsplit=1)[:1] == ["/fail"]
        turn = turn_with_tools(request) or DemoTurn(reply_to(asked))
        words = _words(turn.text)
        for word in words[:_WORDS_BEFORE_FAILURE] if fails else words:
            yield TextDelta(word)
            await self._sleep(self._gap_s)
        if fails:
            raise ProviderBroken("The demo broke off, as /fail asks it to")
        if turn.tool is not None:
            yield ToolCallReady(_call_id(request), turn.tool, json.dumps(dict(turn.arguments), ensure_ascii=False))
        yield Finished("stop" if turn.tool is None else "tool_calls", _usage(request, words))

    async def aclose(self) -> None:
        """Nothing is held."""


def reply_to(asked: str) -> str:
    """The whole reply to the user's text."""
    command, _, argument = asked.partition(" ")
    match command:
        case "/long":
            return _long(argument)
        case "/help" | "":
            return f"{_WHO}\n\n{_HELP}"
        case _:
            return f"{_WHO}\n\nYou wrote: “{_quoted(asked)}”\n\n{_topic(asked)}\n\n{_HELP}"


def _long(argument: str) -> str:
    count = int(argument) if argument.strip().isdecimal() else 200
    filler = itertools.cycle(_FILLER)
    numbers = range(1, min(max(count, 1), LONGEST_WORDS) + 1)
    return " ".join(str(n) if n % 10 == 0 else next(filler) for n in numbers)


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _QUOTE_LIMIT else f"{line[:_QUOTE_LIMIT]}…"


def _topic(asked: str) -> str:
    return next((answer for words, answer in _TOPICS if re.search(rf"\b(?:{words})", asked, re.I)), _GENERAL)


def _words(text: str) -> list[str]:
    """Words with the white space behind them: joined they are the text again."""
    return re.findall(r"\S+\s*", text)


def _call_id(request: ModelRequest) -> str:
    """One of a kind, because the request's id is; the same for the same request."""
    return f"demo_{blake2b(request.request_id.encode('utf-8', 'replace'), digest_size=12).hexdigest()}"


def _usage(request: ModelRequest, words: list[str]) -> Usage:
    read = sum(estimate_tokens(countable_text(message)) for message in request.messages)
    return Usage(input_tokens=read, output_tokens=estimate_tokens("".join(words)), estimated=True)
