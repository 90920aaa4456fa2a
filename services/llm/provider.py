"""What a model provider is: the request, the events of its reply, and the protocol. Never names one provider.

A reply is any number of `TextDelta`, then exactly one `Finished`; or it ends in one of three errors of `models.errors`:

- `ProviderUnavailable`: nothing was produced and trying again may help; `details["retry_after_ms"]` when asked for.
- `ProviderBroken`: it began, and broke off before its end.
- `ProviderRefused`: the endpoint said no for good.

Providers never retry: the run does.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from models.usage import Usage

Role: TypeAlias = Literal["system", "user", "assistant"]

Sleep: TypeAlias = Callable[[float], Awaitable[None]]
"""How a paced provider waits (seconds). Injected, so that tests decide how time passes."""


@dataclass(frozen=True, slots=True)
class ModelMessage:
    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call of a model. `request_id` travels to the endpoint where it can, to find the call in its logs."""

    model: str
    messages: tuple[ModelMessage, ...]
    request_id: str

    @property
    def last_user_text(self) -> str:
        """What the user said last; empty when no user has spoken."""
        return next((m.content for m in reversed(self.messages) if m.role == "user"), "")


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the reply, never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The reply is complete. `usage` is None when the endpoint reported none: the caller estimates."""

    reason: str
    usage: Usage | None


ModelEvent: TypeAlias = TextDelta | Finished


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
