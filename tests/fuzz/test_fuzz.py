"""Seeded chaos: clients in both modes join, leave, lose their connection, send, cancel and rename while runs stream,
some lag, and much is committed between the read and the merge of joins. At the end every client equals the journal.

`FUZZ_SEED=7 FUZZ_ROUNDS=1 pytest tests/fuzz` plays one seed again; more rounds go on from it. Even seeds are played on
SQLite, odd ones in memory.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, get_args

import pytest
from agreement import agrees, at_rest, count_gaps
from harness import Harness, serving
from hub_peer import Throttle, eventually
from patience import HANG_S
from rounds import seeded

from hub.client import CallError, CallFailed, HubClient
from models.events import TRUNCATE_OVER_BYTES
from models.runs import OnBusy

FIRST_SEED = int(os.environ.get("FUZZ_SEED", "1"))
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "10"))
STEPS = 150
CLIENTS = 4
MODELS = ("scripted:words=60,delay_ms=2", "scripted:words=200,delay_ms=0", "scripted:words=9,delay_ms=1,break_after=5")


class Chaos:
    """One seed's server, clients, and what is done to them."""

    def __init__(self, server: Harness, throttle: Throttle, chance: random.Random) -> None:
        self.server = server
        self.throttle = throttle
        self.chance = chance
        self.clients: list[HubClient] = []
        self.session_ids: list[str] = []
        self.injected = 0
        self.work: list[asyncio.Task[None]] = []
        self.opening = asyncio.Lock()

    async def begin(self, stack: AsyncExitStack) -> None:
        self.server.hub.joiner.after_read = self.inject
        for _ in range(2):
            self.session_ids.append(await self.server.session(self.chance.choice(MODELS)))
        for _ in range(CLIENTS):
            client = HubClient(self.server.url, backoff_s=(0.01, 0.02), call_timeout_s=8.0, keep_events=True)
            self.clients.append(await stack.enter_async_context(client))
        for number, client in enumerate(self.clients):
            await client.open(self.session_ids[0], "signal" if number % 2 else "push")

    async def inject(self, session_id: str) -> None:
        """Between the read of the journal and the merge of a join."""
        if self.injected < 600 and self.chance.random() < 0.25:
            events = self.chance.choice((1, 5, 110))
            self.injected += events
            await self.server.commit(session_id, events)

    async def step(self) -> None:
        actions: list[Callable[[], Coroutine[Any, Any, None]]] = [
            *(3 * [self.send]),
            *(2 * [self.drop]),
            *(2 * [self.reopen]),
            *(2 * [self.lag]),
            self.cancel,
            self.rename,
            self.send_large,
            self.leave,
        ]
        action = self.chance.choice(actions)
        self.work.append(asyncio.create_task(self.quietly(action())))
        # Between steps the streams go on for a while: what overlaps is the seed's choice, what meets is the loop's.
        await asyncio.sleep(self.chance.choice((0.0, 0.0, 0.001, 0.01)))

    async def quietly(self, action: Coroutine[Any, Any, None]) -> None:
        """A call may lose its connection, or be refused by what others did meanwhile."""
        try:
            await action
        except CallFailed as refused:
            if refused.code not in ("run_active", "session_not_found"):
                raise
        except CallError:
            return

    def client(self) -> HubClient:
        return self.chance.choice(self.clients)

    async def send(self) -> None:
        on_busy: OnBusy = self.chance.choice(get_args(OnBusy))
        content = f"message {self.chance.random()}"
        await self.client().send_message(self.chance.choice(self.session_ids), content, onBusy=on_busy)

    async def send_large(self) -> None:
        content = "large " * (TRUNCATE_OVER_BYTES // 5)
        await self.client().send_message(self.chance.choice(self.session_ids), content)

    async def cancel(self) -> None:
        await self.client().cancel_run(self.chance.choice(self.session_ids))

    async def rename(self) -> None:
        await self.server.commit(self.chance.choice(self.session_ids), self.chance.choice((1, 20)))

    async def drop(self) -> None:
        connections = list(self.server.hub.transport.connections.values())
        if connections:
            self.chance.choice(connections).abort()

    async def reopen(self) -> None:
        client, session_id = self.client(), self.chance.choice(self.session_ids)
        async with self.opening:  # to open and to leave at once is the user's own contradiction
            await client.open(session_id, self.chance.choice(("push", "signal")))

    async def leave(self) -> None:
        client, session_id = self.client(), self.chance.choice(self.session_ids)
        async with self.opening:
            await client.leave(session_id)

    async def lag(self) -> None:
        connections = list(self.server.hub.transport.connections.values())
        if connections:
            connection = self.chance.choice(connections)
            self.throttle.hold(connection)
            await asyncio.sleep(self.chance.choice((0.002, 0.03)))
            self.throttle.release(connection)

    async def end(self) -> None:
        """Everything comes to rest: no run, nobody held back, everybody connected."""
        await asyncio.gather(*self.work)
        self.throttle.release_all()
        self.server.hub.joiner.after_read = None
        for session_id in self.session_ids:
            await self.clients[0].cancel_run(session_id)
            await self.server.commit(session_id, 1)

    async def check(self) -> None:
        for session_id in self.session_ids:
            journal = await self.server.wires(session_id)
            fresh = await self.server.snapshot(session_id)
            assert fresh["head"] == journal[-1]["seq"] == len(journal)
            for view in [client.views[session_id] for client in self.clients if session_id in client.views]:
                await eventually(lambda view=view, fresh=fresh: at_rest(view, fresh["head"]), "the last event")  # type: ignore[misc]
                assert view.events == journal[len(journal) - len(view.events) :]
                agrees(view.snapshot or {}, fresh)


async def play(seed: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gaps = count_gaps(monkeypatch)
    throttle = Throttle(monkeypatch)
    on = folder if seed % 2 == 0 else None
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(on))
        chaos = Chaos(server, throttle, random.Random(seed))
        await chaos.begin(stack)
        for _ in range(STEPS):
            await chaos.step()
        await chaos.end()
        await chaos.check()
        assert chaos.injected, "nothing was injected: the seed tests too little"
    assert gaps == [], "the server skipped an event on a live subscription"
    assert server.hub.subscriptions == server.hub.connections == 0


@pytest.mark.parametrize("seed", seeded(FIRST_SEED, ROUNDS))
async def test_every_client_equals_the_journal_after_chaos(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I2 and I3. Fails when a room is entered after the read, when `go_live` does not look at the room's head, when
    `_catch_up` goes live without reading, or when the client applies what it has already."""
    print(f"FUZZ_SEED={seed}")
    async with asyncio.timeout(HANG_S):
        await play(seed, tmp_path, monkeypatch)
