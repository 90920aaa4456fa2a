"""Events of a journal, from their rows: envelopes are built on reading, bodies stand in the messages' rows."""

from __future__ import annotations

from functools import cache

import orjson
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from models.actors import UNKNOWN, Actor
from models.errors import DatabaseCorrupt
from models.events import BY_CODE, TRUNCATE_OVER_BYTES, Event, EventBody, MessageBody, MessageDelta, truncated
from services.store.journal import EventPage, check_reach
from services.store.sql.contexts import Found
from services.store.sql.dialect import Dialect
from services.store.sql.stored import instant, stored, words

READ_AHEAD_EVENTS = 200
"""Events fetched at a time: a page's byte bound is met without reading a thousand bodies first."""


@cache
def _statement(dialect: Dialect) -> TextClause:
    """What is too large to travel is not even read."""
    return text(
        "SELECT e.seq, code, at, e.message, e.sequence, m.id AS message_id, e.by, "  # noqa: S608 -- constants
        "a.id AS by_id, a.name AS by_name, a.kind AS by_kind, a.on_behalf_of, "
        f"CASE WHEN code != :delta AND e.sequence IS NOT NULL AND length(data) > {TRUNCATE_OVER_BYTES} "
        f"THEN {dialect.without('data', 'message.payload')} ELSE data END AS data, "
        "CASE WHEN code != :delta AND e.sequence IS NULL THEN m.content END AS content "
        "FROM events e LEFT JOIN messages m ON m.session = e.session AND m.ordinal = e.message "
        "LEFT JOIN actors a ON a.key = e.by "
        "WHERE e.session = :session AND e.seq > :after ORDER BY e.seq LIMIT :limit"
    )


async def events_after(
    db: AsyncConnection, dialect: Dialect, row: Found, after: int, limit: int, limit_bytes: int
) -> EventPage:
    """`row` is the head's, of the same transaction."""
    events: list[Event] = []
    size = 0
    while len(events) < limit:
        ahead = min(READ_AHEAD_EVENTS, limit - len(events))
        at = events[-1].seq if events else after
        found = await _events(db, dialect, row, at, ahead)
        check_reach(at, found)
        for event in found:
            size += len(orjson.dumps(event.to_wire()))
            if events and size > limit_bytes:
                return EventPage(row.epoch, row.head, tuple(events), True)
            events.append(event)
        if len(found) < ahead:
            break
    return EventPage(row.epoch, row.head, tuple(events), bool(events) and events[-1].seq < row.head)


async def _events(db: AsyncConnection, dialect: Dialect, row: Found, after: int, limit: int) -> list[Event]:
    where = {"session": row.key, "after": after, "limit": limit, "delta": MessageDelta.code}
    found = (await db.execute(_statement(dialect), where)).all()
    actors: dict[int | None, Actor] = {}
    with stored:
        for each in found:
            if each.by not in actors:
                actors[each.by] = _actor(each)
        return [Event(row.id, row.epoch, each.seq, instant(each.at), _body(each), actors[each.by]) for each in found]


def _actor(row: Found) -> Actor:
    """Rows that are older than actors are by nobody who is known."""
    if row.by is None:
        return UNKNOWN
    return Actor.model_construct(
        id=row.by_id, name=row.by_name, kind=row.by_kind, on_behalf_of=row.on_behalf_of or None
    )


def _body(row: Found) -> EventBody:
    if row.code == MessageDelta.code:
        return MessageDelta(message_id=row.message_id, sequence=row.sequence, delta=row.data)
    kind = BY_CODE.get(row.code)
    if kind is None:
        raise DatabaseCorrupt(f"The journal has an event of no kind ({row.code}); stop the server and restore a backup")
    body = kind.model_validate_json(row.data)
    if not isinstance(body, MessageBody) or body.message.status == "streaming":
        return body
    message = body.message
    full = truncated(message, row.sequence) if row.content is None else message.with_body(words(row.content))
    return body.model_copy(update={"message": full})
