"""What tests of the services stand on: time that tests move, journals that can be paused and broken, wired managers.

Never sleeps for a fixed time and never opens a socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from patience import HANG_S

from models.actors import Actor
from models.clock import SYSTEM_CLOCK, Clock
from models.commands import Command, CommandFor, CreateSession, SendMessage
from models.errors import StorageUnavailable
from models.events import Event, EventBody
from models.heads import Head
from models.ids import EpochMs, new_id
from models.messages import Message
from models.payloads import TextPayload
from models.runs import OnBusy, OnCrash, Run
from services.access import LOCAL, Access, actor_of
from services.engine.apply import apply_all
from services.engine.context import Context
from services.engine.decide import decide
from services.llm.registry import Providers
from services.llm.scripted import ScriptedProvider
from services.runs.agents import Agent, Agents
from services.runs.assistant import BACKOFF, Assistant
from services.runs.keeper import RETRY
from services.runs.manager import RunManager
from services.runs.toolbox import Toolbox
from services.runs.turn_time import NO_LIMIT, TimeLimit
from services.sessions.listeners import Committed
from services.sessions.manager import ResultT, SessionManager
from services.sessions.other_nodes import OtherNodes
from services.store.journal import PAGE_BYTES, PAGE_EVENTS, Append, EventPage, Journal, OnAppended
from services.store.leases import Lease
from services.store.memory.journal import MemoryJournal
from services.store.memory.reads import MemoryReads
from services.store.memory.store import memory_store
from services.store.memory.tables import Memory
from services.store.reads import MessageQuery, SentMessage
from services.store.store import Store
from services.tracing import OFF, Tracing

USER = actor_of(LOCAL)
"""Who the events of a test's commands are by."""
T0 = EpochMs(1_795_000_000_000)


async def eventually(holds: Callable[[], object], what: str = "the condition") -> None:
    """Polls until `holds()` is true; fails after a deadline that only a hang reaches."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + HANG_S
    while not holds():
        assert loop.time() < deadline, f"{what} did not come true in {HANG_S} s"
        await asyncio.sleep(0.002)


async def settled() -> None:
    """Lets everything that is ready run; enough for chains of callbacks that wait for nothing outside."""
    for _ in range(50):
        await asyncio.sleep(0)


class FakeTime:
    """A clock and a sleep that move only by `advance`."""

    def __init__(self, now: int = T0) -> None:
        self.now = now
        self.clock = Clock(lambda: EpochMs(self.now))
        self.slept: list[float] = []
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + round(seconds * 1000), woken))
        await woken

    @property
    def sleeping(self) -> int:
        """How many wait for the time to come."""
        return sum(not woken.done() for _, woken in self._sleepers)

    def monotonic(self) -> float:
        """Seconds since `T0`."""
        return (self.now - T0) / 1000

    async def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1000)
        due = [woken for at, woken in self._sleepers if at <= self.now]
        self._sleepers = [(at, woken) for at, woken in self._sleepers if at > self.now]
        for woken in due:
            if not woken.done():
                woken.set_result(None)
        await settled()


def let_go(sessions: SessionManager) -> None:
    """As if all had been idle for long: nothing is in memory any more."""
    for session_id in sessions._cache:
        sessions._cache.drop(session_id)


async def no_sleep(_seconds: float) -> None:
    """A sleep that is over at once, but lets others run."""
    await asyncio.sleep(0)


@dataclass
class Gate:
    """Holds one call back: `reached` tells that it came, `open` lets it go on."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def passed(self) -> None:
        self.reached.set()
        await self.open.wait()


class HookedJournal(MemoryJournal):
    """A journal in memory whose calls can be held at a gate, and whose appends can fail, with or without effect."""

    def __init__(self, memory: Memory) -> None:
        super().__init__(memory)
        self.gates: dict[str, Gate] = {}
        self.broken: StorageUnavailable | None = None
        self.broken_reads: StorageUnavailable | None = None
        self.commits_while_broken = False
        self.appended: list[Append] = []
        self.loads = 0
        self.heads_asked = 0

    def hold(self, call: str) -> Gate:
        self.gates[call] = Gate()
        return self.gates[call]

    def append(self, append: Append, done: OnAppended) -> None:
        gate = self.gates.pop("append", None)
        if gate is None:
            self._now(append, done)
            return
        gate.reached.set()
        opened = asyncio.get_running_loop().create_task(gate.open.wait())
        opened.add_done_callback(lambda _: self._now(append, done))

    def _now(self, append: Append, done: OnAppended) -> None:
        self.appended.append(append)
        if self.broken is None:
            super().append(append, done)
            return
        error = self.broken
        if self.commits_while_broken:
            super().append(append, lambda _: done(error))
        else:
            asyncio.get_running_loop().call_soon(done, error)

    async def passed(self, call: str) -> None:
        if gate := self.gates.pop(call, None):
            await gate.passed()
        if self.broken_reads is not None:
            raise self.broken_reads

    async def load(self, session_id: str) -> Context:
        self.loads += 1
        await self.passed("load")
        return await super().load(session_id)

    async def since(
        self, session_id: str, after: int, *, limit: int = PAGE_EVENTS, limit_bytes: int = PAGE_BYTES, **more: Any
    ) -> EventPage:
        await self.passed("since")
        return await super().since(session_id, after, limit=limit, limit_bytes=limit_bytes, **more)

    async def heads(self, session_ids: Sequence[str]) -> dict[str, Head]:
        self.heads_asked += 1
        await self.passed("heads")
        return await super().heads(session_ids)


class HookedReads(MemoryReads):
    """Reads that are held and fail with their journal."""

    def __init__(self, memory: Memory, journal: HookedJournal) -> None:
        super().__init__(memory)
        self._journal = journal

    async def sent(self, session_id: str, author: str, client_message_id: str) -> SentMessage | None:
        await self._journal.passed("sent")
        return await super().sent(session_id, author, client_message_id)


def hooked_store(journal_of: Callable[[Memory], HookedJournal] = HookedJournal) -> tuple[Store, HookedJournal]:
    memory = Memory(SYSTEM_CLOCK)
    journal = journal_of(memory)
    return replace(memory_store(memory), journal=journal, reads=HookedReads(memory, journal)), journal


def create(project_id: str = "project", title: str = "", model: str = "scripted:words=1") -> CreateSession:
    return CreateSession(new_id(), project_id, "Inbox", title, model)


def say(
    text: str = "hello",
    *,
    client_id: str | None = None,
    author: str = "ann",
    on_busy: OnBusy = "enqueue",
    agent: str = "assistant",
    on_crash: OnCrash = "resume",
) -> SendMessage:
    return SendMessage(
        message_id=new_id(),
        run_id=new_id(),
        author=author,
        content=text,
        payload=TextPayload(text=text),
        client_message_id=client_id,
        on_busy=on_busy,
        agent=agent,
        on_crash=on_crash,
    )


async def commit(journal: Journal, append: Append) -> None:
    """Appends and waits; raises what the journal reports."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def done(error: BaseException | None) -> None:
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    journal.append(append, done)
    async with asyncio.timeout(HANG_S):
        await future


def appending(
    session_id: str,
    context: Context | None,
    bodies: Sequence[EventBody],
    *,
    now: int = T0,
    epoch: str = "e1",
    fence: str | None = None,
    lease: Lease | None = None,
    by: Actor = USER,
) -> Append:
    """The append of these bodies after `context`."""
    head = context.head if context is not None else 0
    epoch = context.epoch if context is not None else epoch
    events = tuple(Event(session_id, epoch, head + i, EpochMs(now), body, by) for i, body in enumerate(bodies, 1))
    return Append(context, apply_all(context, events), events, fence, lease)


def decided(session_id: str, context: Context | None, command: Command, *, now: int = T0) -> Append | None:
    """The append that a command leads to; None when it is already fulfilled."""
    decision = decide(session_id, context, command, EpochMs(now))
    if not decision.events:
        return None
    epoch = command.epoch if isinstance(command, CreateSession) else "e1"
    return appending(session_id, context, decision.events, now=now, epoch=epoch, fence=decision.fence)


class Room:
    """The door over a journal, and everything that it has shown, in order."""

    def __init__(
        self,
        store: Store,
        project_id: str,
        clock: Clock = SYSTEM_CLOCK,
        others: OtherNodes | None = None,
        tracing: Tracing = OFF,
    ) -> None:
        self.store = store
        self.project_id = project_id
        self.sessions = SessionManager(store, Access(), clock=clock, others=others, tracing=tracing)
        self.shown: list[Event] = []
        self.commits: list[Committed] = []
        self.sessions.subscribe(self._keep)

    def _keep(self, committed: Committed) -> None:
        self.commits.append(committed)
        self.shown.extend(committed.events)

    async def create(self, title: str = "", model: str = "scripted:words=1") -> str:
        session_id = new_id()
        await self.do(session_id, create(self.project_id, title, model))
        return session_id

    async def do(self, session_id: str, command: CommandFor[ResultT]) -> ResultT:
        async with asyncio.timeout(HANG_S):
            return await self.sessions.handle(session_id, command, LOCAL)

    def of(self, session_id: str) -> list[Event]:
        return [event for event in self.shown if event.session_id == session_id]

    def types(self, session_id: str) -> list[str]:
        return [event.type for event in self.of(session_id)]

    def state(self, session_id: str) -> Context:
        context = self.sessions.context(session_id)
        assert context is not None
        return context

    async def messages(self, session_id: str) -> tuple[Message, ...]:
        return (await self.store.reads.page(session_id, MessageQuery(take=200))).messages

    async def runs(self, session_id: str) -> list[Run]:
        return list(await self.store.reads.runs(session_id))

    async def assert_shown_is_journal(self, session_id: str, after: int = 0) -> None:
        """I1 and I3: what was shown is exactly what the journal holds, in order, without holes."""
        page = await self.store.journal.since(session_id, after, limit=100_000, limit_bytes=1 << 40)
        shown = [event for event in self.of(session_id) if event.seq > after]
        assert [event.to_wire() for event in shown] == [event.to_wire() for event in page.events]
        assert [event.seq for event in page.events] == list(range(after + 1, page.head + 1))


async def memory_room(clock: Clock = SYSTEM_CLOCK) -> tuple[Room, HookedJournal]:
    store, journal = hooked_store()
    return Room(store, (await store.projects.inbox()).id, clock), journal


class Workshop:
    """A room with a task manager: one boot of the server, without its transports."""

    def __init__(
        self,
        store: Store,
        project_id: str,
        agents: dict[str, Agent] | None = None,
        *,
        provider: ScriptedProvider | None = None,
        window_s: float = 0,
        runs_max: int = 1_000,
        time: FakeTime | None = None,
        time_limit: TimeLimit = NO_LIMIT,
        toolbox: Toolbox | None = None,
        others: OtherNodes | None = None,
        tracing: Tracing = OFF,
    ) -> None:
        self.time = time or FakeTime()
        self.provider = provider or ScriptedProvider(sleep=no_sleep)
        self.room = Room(store, project_id, self.time.clock, others, tracing)
        self.waits: list[float] = []
        self.agents = Agents({"assistant": self._assistant(), **(agents or {})}, time_limit=time_limit)
        self.runs = RunManager(
            self.room.sessions,
            self.agents,
            toolbox=toolbox,
            window_s=window_s,
            runs_max=runs_max,
            sleep=self.time.sleep,
            monotonic=self.time.monotonic,
            retry=replace(RETRY, chance=lambda: 1.0),
        )

    def _assistant(self) -> Assistant:
        async def wait(seconds: float) -> None:
            self.waits.append(seconds)
            await asyncio.sleep(0)

        return Assistant(
            Providers(SYSTEM_CLOCK, scripted=self.provider), sleep=wait, backoff=replace(BACKOFF, chance=lambda: 1.0)
        )

    async def stop(self) -> None:
        await self.runs.drain()
        await self.room.sessions.close()

    async def kill(self) -> None:
        """As SIGKILL would: nothing is released, nothing more is written by this boot."""
        room, runs = self.room, self.runs
        room.sessions.submit = _never  # type: ignore[method-assign]
        runs.draining = True
        tasks = (*(attempt.task for attempt in runs._active.values()), *runs._helpers)
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until(self, session_id: str, *states: str) -> None:
        def reached() -> bool:
            context = self.room.sessions.context(session_id)
            return context is not None and context.session_state in states

        await eventually(reached, f"session state {states}")


def _never(*_arguments: object, **_more: object) -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


@asynccontextmanager
async def workshop(
    agents: dict[str, Agent] | None = None,
    *,
    store: Store | None = None,
    project_id: str | None = None,
    provider: ScriptedProvider | None = None,
    window_s: float = 0,
    runs_max: int = 1_000,
    time: FakeTime | None = None,
) -> AsyncIterator[Workshop]:
    """A started boot, stopped at the end."""
    store = store or hooked_store()[0]
    project_id = project_id or (await store.projects.inbox()).id
    shop = Workshop(store, project_id, agents, provider=provider, window_s=window_s, runs_max=runs_max, time=time)
    await shop.runs.start()
    try:
        yield shop
    finally:
        await shop.stop()
