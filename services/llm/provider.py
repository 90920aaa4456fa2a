"""What a model provider is: the request, the events of its reply, and the protocol. Never names one provider.

A reply is any number of `TextDelta` and `ToolCallReady`, then exactly one `Finished`; or it ends in one of three errors
of `models.errors`. What was called before such an error counts for nothing: a call stands once `Finished` has come.

- `ProviderUnavailable`: nothing was produced and trying again may help; `details["retry_after_ms"]` when asked for.
- `ProviderBroken`: it began, and broke off before its end.
- `ProviderRefused`: the endpoint said no for good.

Providers never retry: the run does.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from models.tools import ToolSpec
from models.usage import Usage

ModelRole: TypeAlias = Literal["system", "user", "assistant", "tool"]

Sleep: TypeAlias = Callable[[float], Awaitable[None]]
"""How a paced provider waits (seconds). Injected, so that tests decide how time passes."""


@dataclass(frozen=True, slots=True)
class TextPart:
    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """`data` is base64, or a URL that the endpoint itself fetches when `is_url`."""

    media_type: str
    data: str
    is_url: bool = False


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    call_id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResultPart:
    call_id: str
    name: str
    output: str
    is_error: bool = False


Part: TypeAlias = TextPart | ImagePart | ToolCallPart | ToolResultPart


@dataclass(frozen=True, slots=True)
class ModelMessage:
    """One turn, in no API's own form. Calls stand in assistant turns, results in the tool turn right behind."""

    role: ModelRole
    parts: tuple[Part, ...]

    @classmethod
    def text(cls, role: ModelRole, text: str) -> ModelMessage:
        """A turn of plain text."""
        return cls(role, (TextPart(text),))

    @property
    def content(self) -> str:
        """Its text, without images, calls and results."""
        return "\n\n".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def calls(self) -> tuple[ToolCallPart, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolCallPart))

    @property
    def results(self) -> tuple[ToolResultPart, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolResultPart))


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call of a model. `request_id` travels to the endpoint where it can, to find the call in its logs.

    `system` is the prompt that stands before all messages; with no `tools` the model can call none.
    """

    model: str
    messages: tuple[ModelMessage, ...]
    request_id: str
    system: str = ""
    tools: tuple[ToolSpec, ...] = ()

    @property
    def last_user_text(self) -> str:
        """What the user said last; empty when no user has spoken."""
        return next((m.content for m in reversed(self.messages) if m.role == "user"), "")

    @property
    def call_ids(self) -> frozenset[str]:
        """The ids of all calls in the messages; new calls need others."""
        return frozenset(call.call_id for message in self.messages for call in message.calls)


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the reply, never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallReady:
    """A whole call. `call_id` is like no other in the reply and the request. `arguments_json` is what the model wrote,
    which may be no JSON at all: read it with `services.llm.arguments.parse_arguments`."""

    call_id: str
    name: str
    arguments_json: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The reply is complete. `usage` is None when the endpoint reported none: the caller estimates.

    `reason` in OpenAI's words, whoever answers: stop, length, tool_calls, content_filter; and refusal.
    """

    reason: str
    usage: Usage | None


ModelEvent: TypeAlias = TextDelta | ToolCallReady | Finished


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model can do. `name` is qualified ("openai:gpt-5"): the registry resolves it, the provider takes it."""

    name: str
    provider: str
    window_tokens: int
    max_output_tokens: int
    vision: bool
    tools: bool


class Provider(Protocol):
    """One source of replies. Used from one event loop; any number of streams at once."""

    def models(self) -> tuple[ModelInfo, ...]:
        """The models that it advertises; it may answer to more."""
        ...

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """The reply, piece by piece. Closing or cancelling the iterator stops the request at once."""
        ...

    async def aclose(self) -> None:
        """Let go of connections. No stream is begun afterwards."""
        ...


@asynccontextmanager
async def open_stream(provider: Provider, request: ModelRequest) -> AsyncIterator[AsyncIterator[ModelEvent]]:
    """`provider.stream(request)`, closed on leaving the block: a loop left early must not keep the request going."""
    events = provider.stream(request)
    try:
        yield events
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()
