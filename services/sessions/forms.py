"""How followers are told: an event's JSON is made once, and the frame of each form around it once. Never sends.

A form belongs to one kind of sink (the Socket.IO connection is one); all sinks of it are sent the same frame.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import orjson

from models.events import Event

FeedMode = Literal["push", "signal"]
"""Whole events, or only that there are some."""
F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Form(Generic[F]):
    """`wrap(name, data, event)` puts one thing that is told into a frame: `event`, `signal` or `resync`, its JSON, and
    the event that it is about (none for `resync`). `batch` makes one frame of those that go out together. Forms are
    known by their `name`: no two may share one."""

    name: str
    wrap: Callable[[str, bytes, Event | None], F]
    batch: Callable[[Sequence[F]], F]

    def key(self, mode: FeedMode) -> str:
        """Under which the frames of a commit are kept."""
        return sys.intern(f"{self.name} {mode}")

    def event(self, mode: FeedMode, event: Event) -> F:
        return self.wrap(_NAMES[mode], _JSON[mode](event), event)

    def resync(self, session_id: str, reason: str) -> F:
        return self.wrap("resync", orjson.dumps({"sessionId": session_id, "reason": reason}), None)


class Telling:
    """The events of one commit on their way to all followers of a session, encoded when the first of a form and mode
    wants them."""

    __slots__ = ("_json", "events", "first", "last", "made")

    def __init__(self, events: tuple[Event, ...]) -> None:
        self.events = events
        self.first, self.last = events[0].seq, events[-1].seq
        # By `Form.key`. The frames of different forms have nothing in common, so their type is known to the form alone.
        self.made: dict[str, Any] = {}
        self._json: dict[FeedMode, list[bytes]] = {}

    def make(self, form: Form[F], mode: FeedMode) -> F:
        """What was committed together is one frame."""
        frame = form.batch(
            [form.wrap(_NAMES[mode], data, event) for data, event in zip(self._data(mode), self.events, strict=True)]
        )
        self.made[form.key(mode)] = frame
        return frame

    def _data(self, mode: FeedMode) -> list[bytes]:
        data = self._json.get(mode)
        if data is None:
            data = self._json[mode] = [_JSON[mode](event) for event in self.events]
        return data


def event_json(event: Event) -> bytes:
    return orjson.dumps(event.to_wire())


def signal_json(event: Event) -> bytes:
    return orjson.dumps(event.to_signal())


_JSON: dict[FeedMode, Callable[[Event], bytes]] = {"push": event_json, "signal": signal_json}
_NAMES: dict[FeedMode, str] = {"push": "event", "signal": "signal"}
