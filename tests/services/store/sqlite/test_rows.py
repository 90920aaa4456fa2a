"""What stands in the rows on SQLite, and how far they are read."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from journal_store import fence_of, merge, noted, opened, streaming, switch
from world import commit, create, decided, say

from models.branches import MergeStrategy
from models.clock import SYSTEM_CLOCK
from models.commands import Command, FinalizeStream, Fork
from services.store.sql import appends
from services.store.sql.projects import DELETE
from services.store.sql.rows import LARGE_CHARS, Row, as_json
from services.store.sqlite.database import FILE_NAME, Database
from services.store.sqlite.store import sqlite_store

BEYOND = """
    INSERT INTO events (session, seq, code, at, message, sequence, data)
    SELECT session, seq + 1000, code, at, message, 99, data
    FROM events WHERE code = 21 AND sequence = 3
"""


async def test_a_large_text_is_no_part_of_a_batchs_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite parses that anew for each column: a message of 9 MB cost 200. Fails without `take_large_texts`."""
    longest = 0

    def measured(rows: Sequence[Row]) -> str:
        nonlocal longest
        longest = max(longest, len(as_json(rows)))
        return as_json(rows)

    monkeypatch.setattr(appends, "as_json", measured)
    async with opened("sqlite", tmp_path) as store:
        command = say("word " * 200_000)
        await store.do(await store.session(), command)
        [message] = await store.reads.messages("s", [command.message_id])
        assert message.content == command.content
        assert LARGE_CHARS < longest < 3 * LARGE_CHARS, "the search index has the head of it"


async def test_chunks_of_a_finished_reply_are_not_searched_beyond_its_last(tmp_path: Path) -> None:
    """A row that can't be there shows how far is read. Fails when the limit of the search, or the number of the last
    chunk, is no longer taken from the finished message."""
    async with opened("sqlite", tmp_path) as store:
        context = await streaming(store, 3)
        context = await store.do(context, FinalizeStream(fence_of(context), "m", "stop"))
        with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db, db:
            db.execute(BEYOND)
        page = await store.reads.chunks("s", "m", 0)
        assert ([chunk.sequence for chunk in page.chunks], page.current_sequence, page.has_more) == (
            [1, 2, 3],
            3,
            False,
        )
        assert (await store.reads.chunks("s", "m", 3)).chunks == ()


def rows(folder: Path, table: str) -> list[tuple[object, ...]]:
    [database] = folder.rglob("*.db")
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return db.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608  # a name of this module


@pytest.mark.parametrize("strategy", ["append", "cherry-pick", "rebase"])
async def test_no_branch_operation_copies_or_rewrites_a_message(tmp_path: Path, strategy: MergeStrategy) -> None:
    async with opened("sqlite", tmp_path) as store:
        context = await noted(store, await store.session(), 6)
        bodies, places = rows(tmp_path, "messages"), rows(tmp_path, "branch_messages")
        assert (len(bodies), len(places)) == (6, 6)
        context = await store.do(context, Fork("b", "main", 3))
        assert rows(tmp_path, "branch_messages") == places, "a fork writes no position"
        context = await store.do(context, switch(context, "main"), switch(context, "b"))
        steps: list[Command] = [merge(context, "main", [5, 6], strategy)]
        await store.do(context, *steps)
        assert rows(tmp_path, "messages") == bodies
        assert len(rows(tmp_path, "branch_messages")) == 8, "a merge writes a position for each message it brings"


async def test_a_summary_writes_one_message(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        context = await noted(store, await store.session(), 6)
        context = await store.do(context, Fork("b", "main", 3))
        before = rows(tmp_path, "messages")
        await store.do(context, merge(context, "main", [], "summary"))
        after = rows(tmp_path, "messages")
        assert after[:6] == before
        assert len(after) == 7


async def test_a_session_whose_project_is_gone_can_still_be_read(tmp_path: Path) -> None:
    """As an older version may have left it. Taken out for the check: the empty name in `SqlReads.snapshot`."""
    database = Database(tmp_path, SYSTEM_CLOCK)
    store = sqlite_store(database)
    await store.open()
    project = await store.projects.create("A")
    created = decided("s", None, create(project.id))
    assert created is not None
    await commit(store.journal, created)
    await database.write(lambda connection: connection.execute(DELETE, {"id": project.id}).close())
    assert (await store.reads.snapshot("s")).session.project_name == ""
    await store.close()
