"""Fills a data folder through the services, before a server is started on it: sessions with runs, and long histories.

Never measures.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from models.actors import SERVER
from models.clock import SYSTEM_CLOCK
from models.commands import (
    AppendDelta,
    BeginStream,
    Command,
    CreateSession,
    FinalizeStream,
    FinishRun,
    RunFence,
    SendMessage,
    StartRun,
)
from models.events import Event, MessageCreated
from models.ids import EpochMs, iso, new_id, now_ms
from models.messages import Message
from models.payloads import TextPayload
from services.access import LOCAL, Access
from services.engine.apply import apply_all
from services.engine.context import Context
from services.operating import logs
from services.sessions.manager import SessionManager
from services.store.journal import Append
from services.store.leases import Lease
from services.store.sqlite.database import Database
from services.store.sqlite.store import sqlite_store

# A benchmark prints its table and nothing else; a server logs transitions as lines of JSON, which costs it little.
logs.configure("warning", "json")

Made = TypeVar("Made")
MODEL = "demo"
MESSAGES_PER_APPEND = 500
APPENDS_AHEAD = 8
"""Submitted and not yet durable: enough that deciding and writing overlap, few enough to bound memory."""


@dataclass(frozen=True)
class Streaming:
    """A session whose run is at work and has a reply open."""

    session_id: str
    fence: RunFence
    message_id: str

    def delta(self, text: str) -> AppendDelta:
        return AppendDelta(self.fence, self.message_id, text)


class Store:
    """The door on a SQLite folder, without a server."""

    def __init__(self, folder: Path) -> None:
        self.store = sqlite_store(Database(folder, SYSTEM_CLOCK))
        self.sessions = SessionManager(self.store, Access(), clock=SYSTEM_CLOCK)

    async def handle(self, session_id: str, *commands: Command) -> None:
        for command in commands:
            await self.sessions.handle(session_id, command, LOCAL)

    async def session(self) -> str:
        session_id, inbox = new_id(), await self.store.projects.inbox()
        await self.handle(session_id, CreateSession(new_id(), inbox.id, inbox.name, "Benchmark", MODEL))
        return session_id

    async def streaming(self) -> Streaming:
        session_id, fence = await self.session(), RunFence(new_id(), 1)
        message_id = new_id()
        question = SendMessage(new_id(), fence.run_id, "local", "Say something", TextPayload(text="Say something"))
        await self.handle(session_id, question)
        lease = Lease("benchmark", EpochMs(now_ms() + 3_600_000))
        await self.sessions.submit(session_id, StartRun(fence.run_id), SERVER, lease)
        await self.handle(session_id, BeginStream(fence, message_id, "assistant", MODEL))
        return Streaming(session_id, fence, message_id)

    async def told(self, deltas: int, text: str = "word and word ") -> str:
        """A session whose run streamed so many deltas and is over."""
        streaming = await self.streaming()
        await self.handle(streaming.session_id, *[streaming.delta(text)] * deltas)
        await self.handle(streaming.session_id, FinalizeStream(streaming.fence, streaming.message_id, "stop"))
        await self.handle(streaming.session_id, FinishRun(streaming.fence))
        return streaming.session_id

    async def history(self, messages: int, text_of: Callable[[int], str] | None = None) -> str:
        """One session with so many messages, put straight into the journal in large appends."""
        session_id = await self.session()
        context = await self.store.journal.load(session_id)
        ahead: set[asyncio.Future[None]] = set()
        while context.pool_count < messages:
            count = min(MESSAGES_PER_APPEND, messages - context.pool_count)
            append = _messages(context, count, text_of or _text)
            ahead.add(self._submit(append))
            context = append.after
            if len(ahead) >= APPENDS_AHEAD:
                done, ahead = await asyncio.wait(ahead, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.gather(*done)
        await asyncio.gather(*ahead)
        return session_id

    def _submit(self, append: Append) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: BaseException | None) -> None:
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(None)

        self.store.journal.append(append, done)
        return future


@asynccontextmanager
async def store(folder: Path) -> AsyncIterator[Store]:
    opened = Store(folder)
    await opened.store.open()
    try:
        yield opened
    finally:
        await opened.sessions.close()
        await opened.store.close()


async def many(make: Callable[[], Awaitable[Made]], count: int, at_once: int = 100) -> list[Made]:
    """The results of `count` calls of an async function, so many at once that commits are shared."""
    made: list[Made] = []
    while len(made) < count:
        group = min(at_once, count - len(made))
        made += await asyncio.gather(*(make() for _ in range(group)))
    return made


def _messages(context: Context, count: int, text_of: Callable[[int], str]) -> Append:
    now = now_ms()
    events = tuple(
        Event(
            context.session_id,
            context.epoch,
            context.head + index,
            now,
            MessageCreated(message=_message(context.pool_count + index, iso(now), text_of)),
        )
        for index in range(1, count + 1)
    )
    return Append(context, apply_all(context, events), events)


def _text(ordinal: int) -> str:
    return f"Message {ordinal}: " + "something that somebody might say in a chat. " * 2


def _message(ordinal: int, at: str, text_of: Callable[[int], str]) -> Message:
    text = text_of(ordinal)
    return Message(
        id=new_id(),
        ordinal=ordinal,
        role="user" if ordinal % 2 else "agent",
        content=text,
        message_type="text",
        kind="text",
        payload=TextPayload(text=text),
        created_at_utc=at,
        author="local",
    )
