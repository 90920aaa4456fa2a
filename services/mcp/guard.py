"""What stands between a server's messages and the SDK: a limit on their number, and a look at listed tools, so that one
bad entry does not spoil the list, and at the parts of results, so that an unknown kind does not spoil the others.
Never holds a message back.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from mcp.client._transport import ReadStream, TransportStreams
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCMessage, JSONRPCResponse, Tool
from pydantic import ValidationError

from services.mcp.errors import McpBroken
from services.mcp.foreign_results import readable

UNASKED_PER_S = 500.0
"""Notifications and requests of the server's own."""
BURST = 2_000.0
ANSWER_COST = 0.05
"""Answers come as often as we ask; only somebody who answers what nobody asked sends 10,000 in a second."""
FLOODS = "it floods us with messages that nobody asked for"
NOTES_MAX = 20
NOTE_CHARS = 300


class Guard:
    """Of one connection. `notes` say what was left out."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.notes: list[str] = []
        self._clock = clock
        self._left = BURST
        self._at = clock()

    def note(self, text: str) -> None:
        if len(self.notes) < NOTES_MAX:
            self.notes.append(text[:NOTE_CHARS])

    def check(self, item: SessionMessage | Exception) -> None:
        """Raises McpBroken for a flood. Changes the message where a listed tool or a part of a result is malformed."""
        message = item if isinstance(item, Exception) else item.message
        self._count(ANSWER_COST if _is_answer(message) else 1.0)
        if isinstance(message, JSONRPCResponse) and isinstance(message.result.get("tools"), list):
            message.result["tools"] = [tool for tool in message.result["tools"] if self._is_tool(tool)]
        if isinstance(message, JSONRPCResponse):
            readable(message.result)

    def _count(self, cost: float) -> None:
        now = self._clock()
        self._left = min(BURST, self._left + (now - self._at) * UNASKED_PER_S) - cost
        self._at = now
        if self._left < 0:
            raise McpBroken(FLOODS)

    def _is_tool(self, entry: Any) -> bool:
        """Also takes the schema of results off: the SDK would check every result by it, on our event loop, and with
        whatever patterns the server put there."""
        name = str(entry.get("name"))[:100] if isinstance(entry, dict) else "?"
        try:
            if isinstance(entry, dict):
                entry.pop("outputSchema", None)
                if isinstance(entry.get("inputSchema"), dict):
                    entry["inputSchema"].setdefault("type", "object")
            tool = Tool.model_validate(entry, by_name=False)
            if tool.input_schema["type"] != "object":
                raise ValueError("its input schema is not of the type object")
        except ValueError as error:
            self.note(f"The tool “{name}” is left out: {_first_line(error)}")
            return False
        return True


class Backlog:
    """A limit on unasked messages that does not depend on our speed: only time in which the server left us nothing to
    read allows it more. By the clock alone, one that sends faster than a busy machine reads would never be found out.
    """

    def __init__(self) -> None:
        self._left = BURST

    def rested(self, seconds: float) -> None:
        self._left = min(BURST, self._left + seconds * UNASKED_PER_S)

    def took(self, item: SessionMessage) -> None:
        """Raises McpBroken for a flood."""
        if _is_answer(item.message):
            return
        self._left -= 1.0
        if self._left < 0:
            raise McpBroken(FLOODS)


@asynccontextmanager
async def guarded(
    transport: AbstractAsyncContextManager[TransportStreams], guard: Guard
) -> AsyncGenerator[TransportStreams]:
    async with transport as (read, write):
        yield _Guarded(read, guard), write


class _Guarded:
    """The stream of incoming messages, each looked at as it is taken out."""

    def __init__(self, inner: ReadStream[SessionMessage | Exception], guard: Guard) -> None:
        self._inner = inner
        self._guard = guard

    async def receive(self) -> SessionMessage | Exception:
        item = await self._inner.receive()
        self._guard.check(item)
        return item

    async def aclose(self) -> None:
        await self._inner.aclose()

    def __aiter__(self) -> _Guarded:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        item = await self._inner.__anext__()
        self._guard.check(item)
        return item

    async def __aenter__(self) -> _Guarded:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> bool | None:
        return await self._inner.__aexit__(*error)


def _is_answer(message: JSONRPCMessage | Exception) -> bool:
    return isinstance(message, JSONRPCResponse | JSONRPCError)


def _first_line(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return str(error)
