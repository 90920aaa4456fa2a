"""What a tool is given beside its arguments: where it works, for whom, and whether it should stop. Never runs tools."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from models.clock import Clock
from services.tools.errors import ToolUnavailable
from services.tools.workspace import Workspace


class Cancellation:
    """A flag that is set once, from any thread, and tells whoever asked to be told. A child follows its parent."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callable[[], object]] = {}
        self._next = 0

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Sleeps in a thread until the flag is set (True) or the time is over."""
        return self._event.wait(timeout_s)

    def set(self) -> None:
        with self._lock:
            self._event.set()
            callbacks, self._callbacks = self._callbacks, {}
        for callback in callbacks.values():
            callback()

    @contextmanager
    def calling(self, callback: Callable[[], object]) -> Iterator[None]:
        """Within the block, `callback` is called when the flag is set, at once when it is already. It must not block:
        it runs in the thread that cancels, which may be the event loop's."""
        key = self._add(callback)
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.pop(key, None)

    @contextmanager
    def child(self) -> Iterator[Cancellation]:
        """A flag that is set with this one, and can be set alone."""
        child = Cancellation()
        with self.calling(child.set):
            yield child

    def _add(self, callback: Callable[[], object]) -> int:
        with self._lock:
            self._next += 1
            key = self._next
            if not self._event.is_set():
                self._callbacks[key] = callback
                return key
        callback()
        return key


async def _no_messages(message_id: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class ToolContext:
    """`read_message_content` gives the full content of a message of this session, None when there is none: it must
    never answer for another session. A tool in a thread looks at `cancelled` now and then; async tools need not."""

    session_id: str = ""
    run_id: str = ""
    call_id: str = ""
    workspace: Workspace | None = None
    cancelled: Cancellation = field(default_factory=Cancellation)
    read_message_content: Callable[[str], Awaitable[str | None]] = _no_messages
    clock: Clock | None = None

    @property
    def files(self) -> Workspace:
        """The workspace. Raises ToolUnavailable where the server has none."""
        if self.workspace is None:
            raise ToolUnavailable("This server has no workspace; start it with --workspace DIR")
        return self.workspace
