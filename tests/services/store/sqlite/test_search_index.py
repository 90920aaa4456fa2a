"""The index on SQLite: made for older databases by the migration, kept with the messages, emptied after a purge."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from journal_store import Store, fence_of, note, opened
from search_index import assert_index_is_that_of_the_messages
from sqlalchemy import Connection
from world import T0

from models.commands import ArchiveContext, BeginStream, DeleteSession, RenameSession
from models.ids import EpochMs
from models.search import KEY_BITS, LAST_MS, first_key
from services.search.query import SearchQuery
from services.store.lists import SessionQuery
from services.store.sqlite import index as search_index
from services.store.sqlite.database import FILE_NAME

BACK_TO_0003 = """
    DROP TABLE actors;
    ALTER TABLE events DROP COLUMN "by";
    DROP TABLE search_text;
    DROP TABLE search_docs;
    DROP INDEX ix_sessions_updated;
    DROP INDEX ix_sessions_created;
    ALTER TABLE sessions DROP COLUMN archived;
    ALTER TABLE sessions DROP COLUMN title_key;
    UPDATE alembic_version SET version_num = '0003';
"""
QUESTIONS = [
    SearchQuery(text, sort=sort)
    for text in ("note", "数据", "kept", '"note 2"', "cafe -note")
    for sort in ("relevance", "newest", "oldest")
]


async def some_sessions(store: Store) -> None:
    kept = await store.session("kept", "Kept Café")
    await store.emit(
        await store.talk(kept, 5), note(6, "数据库 note", id="cjk", kind="tool_result", message_type="tool")
    )
    away = await store.session("away", "", now=T0 + 5)
    away = await store.emit(away, note(1, "x" * 70_000 + " cafe", id="long"), note(2, "", id="empty"))
    await store.do(away, ArchiveContext())
    run = await store.running("streams", now=T0 + 9)
    await store.do(run, BeginStream(fence_of(run), "reply", "assistant", "m"), now=T0 + 9)


async def answers(store: Store) -> list[object]:
    found = [await store.search.find(query) for query in QUESTIONS]
    lists = [await store.reads.sessions(SessionQuery(sort="title", archived=each)) for each in (None, True, False)]
    return [*found, *lists]


async def test_an_older_database_is_indexed_by_its_migration_as_if_it_always_had_been(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        await some_sessions(store)
        before = await answers(store)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.executescript(BACK_TO_0003)
    async with opened("sqlite", tmp_path) as store:
        assert await answers(store) == before
        renamed = await store.do(await store.journal.load("kept"), RenameSession("Other"))
        await store.emit(renamed, note(7, "later", id="later"))
        assert await store.found("later") == ["later"]
    assert_index_is_that_of_the_messages(tmp_path / FILE_NAME)


async def test_a_message_of_a_kind_that_is_not_known_is_found_as_text(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        await store.talk(await store.session("s"), 1)
        with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db, db:
            db.execute("UPDATE messages SET header = json_set(header, '$.kind', 'hologram')")
        (found,) = (await store.search.find(SearchQuery("note"))).results
        assert (found.kind, found.message_id) == ("text", "n1")


async def test_appends_of_one_batch_and_of_one_millisecond_get_keys_of_their_own(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        contexts = [await store.session(f"s{number}", "same time") for number in range(30)]
        await asyncio.gather(*(store.emit(context, *(note(n) for n in range(1, 5))) for context in contexts))
        assert len(await store.found("note", take=1_000)) == 120
        assert len(await store.found("same time", take=1_000)) == 30
    assert_index_is_that_of_the_messages(tmp_path / FILE_NAME)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        low, high = db.execute("SELECT min(key), max(key) FROM search_docs").fetchone()
    assert (low, high - low) == (T0 << KEY_BITS, 149)


def test_keys_hold_whatever_time_a_message_claims() -> None:
    assert first_key(-5) == 0
    assert first_key(2**60) == first_key(LAST_MS) < 2**63
    assert first_key(EpochMs(T0 + 1)) - first_key(T0) == 1 << KEY_BITS


async def test_a_purge_that_dies_half_way_is_finished_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "SWEPT_AT_ONCE", 7)
    async with opened("sqlite", tmp_path) as store:
        gone = await store.talk(await store.session("gone", "Gone"), 20)
        await store.talk(await store.session("kept", "Kept"), 3)
        await store.do(gone, DeleteSession())
        with monkeypatch.context() as patched:
            patched.setattr("services.store.sqlite.index.sweep_some", lambda connection: 0)
            await store.journal.purge("gone")
        assert set(await store.found("note")) == {"n1", "n2", "n3"}
        assert left(tmp_path) == 25
    async with opened("sqlite", tmp_path) as store:
        assert left(tmp_path) == 4
        assert set(await store.found("note")) == {"n1", "n2", "n3"}
    assert_index_is_that_of_the_messages(tmp_path / FILE_NAME)


async def test_a_purge_is_done_though_the_index_can_not_be_swept_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(connection: Connection) -> int:
        raise sqlite3.OperationalError("database is locked")

    async with opened("sqlite", tmp_path) as store:
        await store.do(await store.session("gone", "Gone"), DeleteSession())
        with monkeypatch.context() as patched:
            patched.setattr("services.store.sqlite.index.sweep_some", fails)
            await store.journal.purge("gone")
        assert left(tmp_path) == 1
    async with opened("sqlite", tmp_path):
        assert left(tmp_path) == 0


async def test_a_session_that_takes_the_key_of_one_that_was_purged_can_be_purged_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.store.sqlite.index.sweep_some", lambda connection: 0)
    async with opened("sqlite", tmp_path) as store:
        for _ in range(3):
            await store.do(await store.talk(await store.session("s", "Again"), 2), DeleteSession())
            await store.journal.purge("s")
            assert left(tmp_path) == 3
    monkeypatch.undo()
    async with opened("sqlite", tmp_path):
        assert left(tmp_path) == 0


def left(folder: Path) -> int:
    with closing(sqlite3.connect(folder / FILE_NAME)) as db:
        counted: int = db.execute("SELECT count(*) FROM search_text").fetchone()[0]
    return counted
