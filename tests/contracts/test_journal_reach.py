"""The contract of a journal that no longer reaches back: it says so, and who follows it begins anew with a snapshot."""

from __future__ import annotations

import journal_store
import pytest
from journal_store import Store
from sqlalchemy import text
from world import Room

from models.errors import EventsGone
from services.sessions.join import Joiner, Position
from services.store.memory.tables import Memory
from services.store.sqlite.store import SqliteStorage

store = journal_store.store

DROP = text("DELETE FROM events WHERE seq <= :seq")


async def cut(store: Store, seq: int) -> None:
    """Takes the first events away, as whoever has to save room would."""
    match store.whole.storage:
        case Memory() as memory:
            del memory.sessions["s"].events[:seq]
        case SqliteStorage() as sqlite:
            await sqlite._database.write(lambda connection: connection.execute(DROP, {"seq": seq}).close())
        case other:
            raise AssertionError(other)


async def test_a_position_before_the_oldest_event_is_refused_with_its_number(store: Store) -> None:
    """Taken out for the check: `check_reach`. Then a page begins with a hole."""
    context = await store.talk(await store.session(), 5)
    await cut(store, 3)
    for after in (0, 2):
        with pytest.raises(EventsGone) as refused:
            await store.journal.since("s", after)
        assert refused.value.details == {"oldest": 4}
    page = await store.journal.since("s", 3)
    assert [event.seq for event in page.events] == list(range(4, context.head + 1))
    assert (await store.journal.since("s", context.head)).events == ()
    assert await store.journal.load("s") == context


async def test_who_joins_from_before_it_gets_a_snapshot(store: Store) -> None:
    context = await store.talk(await store.session(), 5)
    await cut(store, 3)
    room = Room(store.whole, store.project_id)
    assert await Joiner(room.sessions)._missed("s", Position(1, context.epoch)) is None
    missed = await Joiner(room.sessions)._missed("s", Position(3, context.epoch))
    assert missed is not None
    assert [event.seq for event in missed.events] == list(range(4, context.head + 1))
