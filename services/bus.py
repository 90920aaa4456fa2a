"""Hints between nodes: a topic (a session's id) has come to a head. Never carries anything that can't be read.

A hint may be lost, doubled, late, or overtake another. Who hears of a head that it knows already drops it, of any other
it reads the journal; and heads are polled anyway. Nobody waits for a hint on the way of a commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from models.heads import Head

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hint:
    """`node` says that `topic` has come to `head`."""

    node: str
    topic: str
    head: Head


Hear = Callable[[Hint], None]


class Bus(Protocol):
    """One node's end of it."""

    def publish(self, topic: str, head: Head) -> None:
        """Returns at once and raises nothing; call it after the commit."""
        ...

    def subscribe(self, listener: Hear) -> Callable[[], None]:
        """`listener` is called in the loop with the hints of other nodes, never with one's own. Call what is returned
        to hear no more."""
        ...


class MemoryBus:
    """For nodes of one process: each has its own, made `beside` another one. Hints of one turn of the loop that concern
    the same topic are one."""

    def __init__(self, node: str, beside: MemoryBus | None = None) -> None:
        self.node = node
        self._nodes: list[MemoryBus] = beside._nodes if beside is not None else []
        self._nodes.append(self)
        self._listeners: list[Hear] = []
        self._due: dict[str, Head] = {}

    def publish(self, topic: str, head: Head) -> None:
        if not self._due:
            asyncio.get_running_loop().call_soon(self._send)
        self._due[topic] = head

    def subscribe(self, listener: Hear) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _send(self) -> None:
        due, self._due = self._due, {}
        for topic, head in due.items():
            for node in self._nodes:
                if node is not self:
                    node._hear(Hint(self.node, topic, head))

    def _hear(self, hint: Hint) -> None:
        for listener in list(self._listeners):
            try:
                listener(hint)
            except Exception:
                log.exception("a listener of the bus failed", topic=hint.topic)
