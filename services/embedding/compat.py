"""The older names of the streaming calls, kept for those who wrote against them. Nothing here does anything itself."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from models.events import Event
from models.usage import Usage

NOT_BEFORE = "1.0"
BROKEN = "error: "

ResultT = TypeVar("ResultT")
Updates: TypeAlias = tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Deprecation:
    since: str
    replacement: str


DEPRECATED = {
    "begin_streaming_response": Deprecation("0.1", "begin_streaming_llm_response(model)"),
    "apply_streaming_delta": Deprecation("0.1", "append_streaming_chunk(message_id, delta)"),
    "finish_streaming_response": Deprecation("0.1", "finalize_streaming_response(message_id, finish_reason, usage)"),
    "abort_streaming_response": Deprecation("0.1", 'finalize_streaming_response(message_id, "error: …")'),
}


class Streaming(Protocol):
    """What the older calls are made of."""

    def begin_streaming_llm_response(self, model: str | None = ...) -> Awaitable[str]: ...
    def append_streaming_chunk(self, message_id: str, delta: str) -> Awaitable[int | None]: ...
    def finalize_streaming_response(
        self, message_id: str, finish_reason: str | None = ..., usage: Usage | None = ...
    ) -> Awaitable[bool]: ...
    def with_updates(self, call: Awaitable[ResultT]) -> Awaitable[tuple[ResultT, Updates]]: ...


class OlderCalls:
    """Each warns where it is called, not where it is awaited. They answer with the updates that they made of the
    context: the journal's events."""

    def begin_streaming_response(self: Streaming, model: str = "") -> Awaitable[tuple[str, Updates]]:
        """The reply's message id, and the updates."""
        _warn("begin_streaming_response")
        return self.with_updates(self.begin_streaming_llm_response(model))

    def apply_streaming_delta(
        self: Streaming, message_id: str, delta: str
    ) -> Awaitable[tuple[Event | None, int] | None]:
        """The update and its sequence number; None when that message is not being streamed. There is no update for half
        a character, which waits for the other half."""
        _warn("apply_streaming_delta")
        return _newest(self.with_updates(self.append_streaming_chunk(message_id, delta)))

    def finish_streaming_response(self: Streaming, message_id: str) -> Awaitable[Updates]:
        """The updates: no event when that message is not being streamed."""
        _warn("finish_streaming_response")
        return _updates(self.with_updates(self.finalize_streaming_response(message_id, "stop")))

    def abort_streaming_response(self: Streaming, message_id: str, reason: str) -> Awaitable[Updates]:
        """The updates: no event when that message is not being streamed."""
        _warn("abort_streaming_response")
        reason = BROKEN + reason.removeprefix(BROKEN)
        return _updates(self.with_updates(self.finalize_streaming_response(message_id, reason)))


async def _newest(call: Awaitable[tuple[int | None, Updates]]) -> tuple[Event | None, int] | None:
    sequence, updates = await call
    return None if sequence is None else (updates[-1] if updates else None, sequence)


async def _updates(call: Awaitable[tuple[bool, Updates]]) -> Updates:
    return (await call)[1]


def _warn(name: str) -> None:
    old = DEPRECATED[name]
    warnings.warn(
        f"{name} is deprecated since {old.since}: use {old.replacement}. It will be removed, not before {NOT_BEFORE}.",
        DeprecationWarning,
        stacklevel=3,
    )
