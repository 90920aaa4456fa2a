"""Puts messages of any kind straight into a data folder, before a server is started on it. Never runs anything."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.clock import SYSTEM_CLOCK
from models.commands import CreateSession
from models.events import Event, MessageCreated
from models.ids import EpochMs, iso, new_id, now_ms
from models.messages import Message, MessageStatus, Metadata, Role, message_type_of
from models.payloads import Payload, TextPayload
from services.access import LOCAL, Access
from services.engine.apply import apply_all
from services.engine.context import Context
from services.sessions.manager import SessionManager
from services.store.journal import Append
from services.store.sqlite.database import Database
from services.store.sqlite.store import sqlite_store
from services.store.store import Store

PER_APPEND = 500
APART_MS = 7_000


@dataclass(frozen=True)
class Told:
    """One message: who says what, in which form."""

    content: str
    payload: Payload | None = None
    role: Role = "agent"
    status: MessageStatus = "complete"
    metadata: Metadata = field(default_factory=Metadata)
    author: str | None = None


def tell(folder: Path, messages: Sequence[Told], title: str = "Told") -> str:
    """The id of a new session that has these messages."""
    # In a thread: the browser's driver has the event loop of this one.
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, _tell(folder, messages, title)).result()


async def _tell(folder: Path, messages: Sequence[Told], title: str) -> str:
    store = sqlite_store(Database(folder, SYSTEM_CLOCK))
    sessions = SessionManager(store, Access(), clock=SYSTEM_CLOCK)
    await store.open()
    try:
        session_id, inbox = new_id(), await store.projects.inbox()
        await sessions.handle(session_id, CreateSession(new_id(), inbox.id, inbox.name, title, "demo"), LOCAL)
        context = await store.journal.load(session_id)
        began = now_ms() - APART_MS * len(messages)
        for at in range(0, len(messages), PER_APPEND):
            context = await _append(store, context, messages[at : at + PER_APPEND], began)
        return session_id
    finally:
        await sessions.close()
        await store.close()


async def _append(store: Store, context: Context, messages: Sequence[Told], began: int) -> Context:
    events = tuple(
        Event(context.session_id, context.epoch, context.head + index, now_ms(), MessageCreated(message=message))
        for index, told in enumerate(messages, start=1)
        for message in [_message(told, context.pool_count + index, began)]
    )
    append = Append(context, apply_all(context, events), events)
    written: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def done(error: BaseException | None) -> None:
        if error is not None:
            written.set_exception(error)
        else:
            written.set_result(None)

    store.journal.append(append, done)
    await written
    return append.after


def _message(told: Told, ordinal: int, began: int) -> Message:
    payload = told.payload if told.payload is not None else TextPayload(text=told.content)
    header: dict[str, Any] = {"role": told.role, "status": told.status, "metadata": told.metadata}
    return Message(
        id=new_id(),
        ordinal=ordinal,
        content=told.content,
        message_type=message_type_of(payload.kind),
        kind=payload.kind,
        payload=payload,
        created_at_utc=iso(EpochMs(began + APART_MS * ordinal)),
        author=told.author or ("local" if told.role == "user" else "assistant"),
        **header,
    )
