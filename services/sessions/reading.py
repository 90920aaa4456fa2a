"""Reads what the journal has beyond what was shown of a session, as the commit that shows it. Keeps nothing."""

from __future__ import annotations

from models.errors import StaleHead
from models.events import Event, MessageBody
from services.engine.apply import apply_all
from services.engine.context import Context
from services.sessions.listeners import Committed
from services.store.journal import Journal


async def read_on(journal: Journal, session_id: str, before: Context) -> Committed | None:
    """What followed on the context, without reading all of it again; None when one page of events can't tell."""
    page = await journal.since(session_id, before.head, deleted=True)
    if page.epoch != before.epoch or page.has_more or not page.events or any(map(_is_cut_short, page.events)):
        return None
    return Committed(before, apply_all(before, page.events), page.events)


async def read_whole(journal: Journal, session_id: str, before: Context | None) -> Committed:
    """The whole context, and the events that lead there from what was shown, if any does. Raises SessionNotFound."""
    after = await journal.load(session_id)
    if before is None or not goes_on(before, after):
        return Committed(before, after, ())  # nothing was shown that these could follow
    return Committed(before, after, await _events_between(journal, before, after))


def goes_on(before: Context | None, after: Context) -> bool:
    """Whether `after` is a later state of the same journal."""
    return before is None or (after.epoch == before.epoch and after.head >= before.head)


async def _events_between(journal: Journal, before: Context, after: Context) -> tuple[Event, ...]:
    """All of them: a deletion among them is shown too, and a page's bounds don't leave a hole."""
    events: list[Event] = []
    while (at := before.head + len(events)) < after.head:
        page = await journal.since(after.session_id, at, limit=after.head - at, deleted=True)
        if not page.events:
            raise StaleHead("The journal was replaced while it was read")
        events.extend(page.events)
    return tuple(events)


def _is_cut_short(event: Event) -> bool:
    """Whether a body was too large to be read with the others: it can't be folded."""
    return isinstance(event.body, MessageBody) and event.body.message.truncated
