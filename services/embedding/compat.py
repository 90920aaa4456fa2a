"""The older names of the streaming calls, kept for those who wrote against them. Nothing here does anything itself."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from models.usage import Usage

NOT_BEFORE = "1.0"
BROKEN = "error: "


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

    def begin_streaming_llm_response(self, model: str) -> Awaitable[str]: ...
    def append_streaming_chunk(self, message_id: str, delta: str) -> Awaitable[int | None]: ...
    def finalize_streaming_response(
        self, message_id: str, finish_reason: str = ..., usage: Usage | None = ...
    ) -> Awaitable[bool]: ...


class OlderCalls:
    """Each warns where it is called, not where it is awaited."""

    def begin_streaming_response(self: Streaming, model: str = "") -> Awaitable[str]:
        _warn("begin_streaming_response")
        return self.begin_streaming_llm_response(model)

    def apply_streaming_delta(self: Streaming, message_id: str, delta: str) -> Awaitable[int | None]:
        _warn("apply_streaming_delta")
        return self.append_streaming_chunk(message_id, delta)

    def finish_streaming_response(self: Streaming, message_id: str) -> Awaitable[bool]:
        _warn("finish_streaming_response")
        return self.finalize_streaming_response(message_id, "stop")

    def abort_streaming_response(self: Streaming, message_id: str, reason: str) -> Awaitable[bool]:
        _warn("abort_streaming_response")
        return self.finalize_streaming_response(message_id, BROKEN + reason.removeprefix(BROKEN))


def _warn(name: str) -> None:
    old = DEPRECATED[name]
    warnings.warn(
        f"{name} is deprecated since {old.since}: use {old.replacement}. It will be removed, not before {NOT_BEFORE}.",
        DeprecationWarning,
        stacklevel=3,
    )
