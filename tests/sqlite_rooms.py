"""A database in a folder, and sessions in it, for tests that harm its files or look inside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from world import commit, create, decided, say

from models.clock import SYSTEM_CLOCK
from services.engine.context import Context
from services.store.sqlite.database import Database
from services.store.sqlite.store import sqlite_store
from services.store.store import Store


@asynccontextmanager
async def opened(
    folder: Path, *, busy_timeout_s: float = 0.05, max_pages: int | None = None
) -> AsyncIterator[tuple[Database, Store]]:
    database = Database(folder, SYSTEM_CLOCK, busy_timeout_s=busy_timeout_s, look_every_s=0.02, max_pages=max_pages)
    store = sqlite_store(database)
    await store.open()
    try:
        yield database, store
    finally:
        await store.close()


async def new_session(store: Store, session_id: str = "s") -> Context:
    append = decided(session_id, None, create((await store.projects.inbox()).id, "t"))
    assert append is not None
    await commit(store.journal, append)
    return append.after


async def tell(store: Store, context: Context, words: str) -> Context:
    append = decided(context.session_id, context, say(words))
    assert append is not None
    await commit(store.journal, append)
    return append.after
