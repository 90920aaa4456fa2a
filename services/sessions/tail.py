"""The newest events of an open session, so that most readers that come back need no query."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

from models.events import Event, MessageBody, MessageDelta

KEPT_EVENTS = 512
KEPT_CHARS = 256 * 1024


class Tail:
    """Bounded by events and by characters of text. Without holes: events are added in order of seq."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._chars = 0

    def extend(self, events: Iterable[Event]) -> None:
        for event in events:
            if self._events and event.seq != self._events[-1].seq + 1:
                self._events.clear()
                self._chars = 0
            self._events.append(event)
            self._chars += _chars(event)
        while self._events and (len(self._events) > KEPT_EVENTS or self._chars > KEPT_CHARS):
            self._chars -= _chars(self._events.popleft())

    def since(self, after: int) -> tuple[Event, ...] | None:
        """The events with seq > `after`, or None when some of them are no longer here."""
        if not self._events or after < self._events[0].seq - 1:
            return None
        missing = self._events[-1].seq - after
        if missing <= 0:
            return ()
        return tuple(islice(self._events, len(self._events) - missing, None))


def _chars(event: Event) -> int:
    body = event.body
    if isinstance(body, MessageDelta):
        return len(body.delta)
    if not isinstance(body, MessageBody):
        return 200
    small = body.message.kind in ("text", "streaming_response") and not body.message.metadata.extra
    return len(body.message.content) + 500 if small else len(body.model_dump_json())
