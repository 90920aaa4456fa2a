"""The provider for tests: plays scripts, with delays and failures on demand. Never touches the network."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, assert_never

from models.errors import ProviderBroken, ProviderRefused, ProviderUnavailable, UnknownModel
from models.usage import Usage
from services.llm.provider import Finished, ModelEvent, ModelInfo, ModelRequest, Sleep, TextDelta, ToolCallReady
from services.llm.scripted_words import WordScript


@dataclass(frozen=True, slots=True)
class Say:
    """One delta, after `delay_s`."""

    text: str
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class CallTool:
    """A whole call of a tool. `arguments` as text is what the model wrote, which need not be JSON; without `call_id` it
    is "call-1" or the next number that the request and the reply leave free."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait until the event is set, or for so many seconds."""

    until: asyncio.Event | float


@dataclass(frozen=True, slots=True)
class Mark:
    """Set an event: tells the test how far the script has come."""

    event: asyncio.Event


@dataclass(frozen=True, slots=True)
class Break:
    """The stream breaks off here: ProviderBroken."""

    message: str = "The script breaks off here"


@dataclass(frozen=True, slots=True)
class Refuse:
    message: str = "The script refuses"


@dataclass(frozen=True, slots=True)
class Unavailable:
    retry_after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    reason: str = "stop"
    usage: Usage | None = None


_Paced: TypeAlias = Say | Pause | Mark | Break | Refuse | Unavailable | Finish
ScriptStep: TypeAlias = _Paced | CallTool

Script: TypeAlias = tuple[ScriptStep, ...]
"""The steps of one reply. One that runs out of them finishes with "stop", or "tool_calls" after calls, and no usage."""


class Turns:
    """Scripts taken in turn, one per request. A request beyond the last is refused: the test planned too few."""

    def __init__(self, *scripts: Script) -> None:
        self._left = deque(scripts)

    def __call__(self, request: ModelRequest) -> Script:
        return self._left.popleft() if self._left else (Refuse("The script has no turn left"),)


ScriptSource: TypeAlias = Script | Callable[[ModelRequest], Script]
"""A script for every request, or what chooses one: `Turns`, or a function of the request."""


class ScriptedProvider:
    """Plays what is registered under "scripted:NAME", and "scripted:words=200,delay_ms=5,seed=1" with no registration.

    `requests` holds all of them in order, for a test to look at; with `keep_requests=False` none, since each holds its
    whole session. `open_streams` counts the replies begun and neither ended nor closed.
    """

    def __init__(
        self,
        scripts: Mapping[str, ScriptSource] | None = None,
        *,
        sleep: Sleep = asyncio.sleep,
        keep_requests: bool = True,
    ) -> None:
        self._scripts: dict[str, ScriptSource] = dict(scripts or {})
        self._sleep = sleep
        self._keep_requests = keep_requests
        self.requests: list[ModelRequest] = []
        self.open_streams = 0

    def register(self, name: str, source: ScriptSource) -> None:
        """Play `source` for the model "scripted:NAME"; replaces an earlier one of that name."""
        self._scripts[name] = source

    def models(self) -> tuple[ModelInfo, ...]:
        return tuple(_info(name) for name in self._scripts)

    def info(self, name: str) -> ModelInfo:
        """The model of that name, with or without "scripted:". Raises UnknownModel."""
        name = name.removeprefix("scripted:")
        if name not in self._scripts:
            WordScript.parse(name)
        return _info(name)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        if self._keep_requests:
            self.requests.append(request)
        self.open_streams += 1
        try:
            taken = set(request.call_ids)
            for step in self._script(request):
                event = _called(step, taken) if isinstance(step, CallTool) else await self._play(step)
                if event is not None:
                    yield event
                if isinstance(event, Finished):
                    return
            yield Finished("stop" if taken == request.call_ids else "tool_calls", None)
        finally:
            self.open_streams -= 1

    async def aclose(self) -> None:
        """Nothing is held."""

    def _script(self, request: ModelRequest) -> Script:
        name = request.model.removeprefix("scripted:")
        source = self._scripts.get(name)
        if source is None:
            return _played(name, request)
        return source(request) if callable(source) else source

    async def _play(self, step: _Paced) -> ModelEvent | None:
        match step:
            case Say(text, delay_s):
                await self._sleep(delay_s)
                return TextDelta(text)
            case Pause(until):
                await (until.wait() if isinstance(until, asyncio.Event) else self._sleep(until))
            case Mark(event):
                event.set()
            case Break(message):
                raise ProviderBroken(message)
            case Refuse(message):
                raise ProviderRefused(message)
            case Unavailable(retry_after_ms):
                raise _unavailable(retry_after_ms)
            case Finish(reason, usage):
                return Finished(reason, usage)
            case _:
                assert_never(step)
        return None


def _called(step: CallTool, taken: set[str]) -> ToolCallReady:
    """Adds its id to `taken`; one that is taken gets a number behind it, since no provider lets it pass twice."""
    call_id, number = step.call_id or "call-1", 1
    while call_id in taken:
        number += 1
        call_id = f"{step.call_id or 'call'}-{number}"
    taken.add(call_id)
    arguments = step.arguments if isinstance(step.arguments, str) else json.dumps(dict(step.arguments))
    return ToolCallReady(call_id, step.name, arguments)


def _played(name: str, request: ModelRequest) -> Script:
    try:
        words = WordScript.parse(name)
    except UnknownModel as error:
        # The model was unregistered or misspelt after it was chosen: for a run that is a refusal like any other.
        raise ProviderRefused(error.message) from None
    said: list[ScriptStep] = [Say(delta, words.delay_s) for delta in words.deltas(request.last_user_text)]
    if words.break_after is not None:
        return (*said[: words.break_after], Break())
    return (*said, Finish("stop", Usage(output_tokens=words.words)))


def _unavailable(retry_after_ms: int | None) -> ProviderUnavailable:
    return ProviderUnavailable() if retry_after_ms is None else ProviderUnavailable(retry_after_ms=retry_after_ms)


def _info(name: str) -> ModelInfo:
    return ModelInfo(
        name=f"scripted:{name}",
        provider="scripted",
        window_tokens=128_000,
        max_output_tokens=16_384,
        vision=False,
        tools=True,
    )
