"""Joins the streamed fragments of tool calls into whole ones. Never trusts indexes, ids or names to be there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b

from models.errors import ProviderBroken
from models.text import cleaned
from services.llm.provider import ToolCallReady

UNNAMED = "unnamed_tool"
"""Stands for the name that an endpoint left out: the loop answers that there is no such tool."""

# A reply that goes beyond these is no reply: an endpoint gone wild must not fill the memory.
CALLS_MAX = 128
ARGUMENTS_MAX_CHARS = 1_000_000


@dataclass(slots=True)
class _Call:
    call_id: str
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    chars: int = 0


class CallJoiner:
    """The calls of one reply. `taken` are the ids that the request already uses, `seed` makes the ids of those that
    come without one."""

    def __init__(self, seed: str, taken: Iterable[str] = ()) -> None:
        self._seed = seed
        self._taken = set(taken)
        self._calls: list[_Call] = []
        self._open: dict[int, _Call] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, index: int | None, call_id: str, name: str, arguments: str) -> None:
        """One fragment; each text may be empty. Raises ProviderBroken beyond the limits."""
        call = self._find(index, call_id, name)
        # Some endpoints repeat the head with every fragment; a name in pieces comes without the id.
        if name != call.name or not (call_id or any(call.arguments)):
            call.name += name
        call.call_id = call.call_id or call_id
        call.arguments.append(arguments)
        call.chars += len(name) + len(arguments)
        if call.chars > ARGUMENTS_MAX_CHARS:
            raise ProviderBroken("The model wrote a tool call without end")

    def ready(self) -> tuple[ToolCallReady, ...]:
        """All of them, in the order in which they began."""
        return tuple(self._ready(number, call) for number, call in enumerate(self._calls))

    def _find(self, index: int | None, call_id: str, name: str) -> _Call:
        last = self._calls[-1] if self._calls else None
        call = last if index is None else self._open.get(index)
        if call is None or _begins_another(call, call_id, name, numbered=index is not None):
            call = self._begin(call_id)
            if index is not None:
                self._open[index] = call
        return call

    def _begin(self, call_id: str) -> _Call:
        if len(self._calls) >= CALLS_MAX:
            raise ProviderBroken("The model called tools without end")
        call = _Call(call_id)
        self._calls.append(call)
        return call

    def _ready(self, number: int, call: _Call) -> ToolCallReady:
        call_id = self._unique(cleaned(call.call_id) or f"call_{self._digest(number)}", number)
        return ToolCallReady(call_id, cleaned(call.name) or UNNAMED, "".join(call.arguments))

    def _unique(self, call_id: str, number: int) -> str:
        if call_id in self._taken:
            call_id = f"call_{self._digest(number, call_id)}"
        self._taken.add(call_id)
        return call_id

    def _digest(self, number: int, call_id: str = "") -> str:
        return blake2b(f"{self._seed}/{number}/{call_id}".encode("utf-8", "replace"), digest_size=12).hexdigest()


def _begins_another(call: _Call, call_id: str, name: str, *, numbered: bool) -> bool:
    """Some endpoints number every call 0, or not at all: another id with a name begins another call. Without ids a
    name does that comes behind arguments, be it the same behind whole ones."""
    if not name:
        return False
    if call_id and call.call_id:
        return call_id != call.call_id
    if call_id or not any(call.arguments):
        return bool(call_id and any(call.arguments))
    return name != call.name or (not numbered and _is_whole(call.arguments))


def _is_whole(pieces: list[str]) -> bool:
    """Looked at only where it may end, so that many pieces are not read over and over."""
    if not next(piece for piece in reversed(pieces) if piece).rstrip().endswith("}"):
        return False
    try:
        return isinstance(json.loads("".join(pieces)), dict)
    except (ValueError, RecursionError):
        return False
