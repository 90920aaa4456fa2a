"""One boundary walk on a server of its own: three clients watch, the process dies at most once, all that must hold is
checked. Never chooses where to die, and never compares two walks.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from journal_rows import Entry, entries, seen_by, session_state
from server_process import ServerProcess, read_only
from walking_agent import MODEL
from walking_driver import MAIN, SIDE, WAIT_S, WORKFLOW, Driver
from walking_script import PLAN, unpaired

from hub.client import HubClient, SessionView
from hub.client.wire import FeedMode, Json
from models.messages import Message

BACKOFF_S = (0.05, 0.1, 0.2)
MODES: tuple[FeedMode, ...] = ("push", "push", "signal")
TOOLS = {"look": "read_only", "fetch": "idempotent", "stumble": "read_only", "dream": "read_only", "smash": "unsafe"}
UNSAFE_CALL = "call_smash"
RUNS = "SELECT r.state FROM runs r JOIN sessions s ON s.key = r.session WHERE s.id = ?"

When = Callable[[SessionView], Awaitable[None]]
"""Returns when it is time to die."""


@dataclass(frozen=True)
class Ending:
    """What is the same whatever happened on the way."""

    context: Json
    paths: dict[str, list[Json]]


@dataclass
class Walk:
    """`when` is None for a walk without a kill. `requests` are what the model was asked; an endpoint on loopback keeps
    its own."""

    folder: Path
    when: When | None = None
    model: str = f"scripted:{MODEL}"
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    killed_at: int | None = None
    events: list[Entry] = field(default_factory=list)
    ending: Ending | None = None

    def requests(self) -> list[Json]:
        return [json.loads(line) for line in self._noted("requests.log")]

    def smashed(self) -> int:
        return len(self._noted("smashed.log"))

    def _noted(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []

    async def go(self) -> None:
        """From the first start to the last check. Raises AssertionError, or TimeoutError when it hangs."""
        server = self._server()
        try:
            await asyncio.to_thread(server.start)
            async with asyncio.timeout(WAIT_S), AsyncExitStack() as stack:
                await self._watched(server, stack)
        except BaseException as error:
            error.add_note(f"killed at {self.killed_at}; {server.log()}")
            raise
        finally:
            if server.exit_code() is None:
                server.kill()  # everything was compared: a graceful end would only take longer

    def _server(self) -> ServerProcess:
        flows = self.folder / "workflows"
        flows.mkdir(parents=True)
        (flows / "stroll.yaml").write_text(WORKFLOW)
        fixed = ("--agent", "walking_agent:Walker", "--coalesce-window-ms", "0", "--log-level", "warning")
        tools = [part for name in TOOLS for part in ("--tools", f"walking_agent:{name}")]
        options = (*fixed, *tools, "--workflows", str(flows), "--model", self.model, *self.options)
        here = {"PYTHONPATH": str(Path(__file__).parent), "WALK_FOLDER": str(self.folder)}
        return ServerProcess(self.folder, options, {**here, **self.environment})

    async def _watched(self, server: ServerProcess, stack: AsyncExitStack) -> None:
        session_id = await asyncio.to_thread(server.session)
        clients = [
            await stack.enter_async_context(HubClient(server.url, backoff_s=BACKOFF_S, keep_events=True)) for _ in MODES
        ]
        views = [await client.open(session_id, mode) for client, mode in zip(clients, MODES, strict=True)]
        starts = [view.last for view in views]
        driver = Driver(clients, views[0])
        killer = asyncio.create_task(self._kill(server, views))
        await driver.walk()
        if self.when is not None and self.killed_at is None:
            killer.cancel()  # the walk was over before
        await asyncio.gather(killer, return_exceptions=self.killed_at is None)
        await self._check(server, session_id, list(zip(views, starts, strict=True)), driver)

    async def _kill(self, server: ServerProcess, views: Sequence[SessionView]) -> None:
        if self.when is None:
            return
        await self.when(views[0])
        self.killed_at = views[0].last
        server.kill()
        committed = {entry[0]: entry for entry in _entries(server.copy_of_database(self.folder), views[0].session_id)}
        for view in views:
            assert all(committed.get(entry[0]) == entry for entry in seen_by(view)), "shown, not committed (I1)"
        await asyncio.to_thread(server.start)

    async def _check(
        self, server: ServerProcess, session_id: str, watched: list[tuple[SessionView, int]], driver: Driver
    ) -> None:
        self.events = _entries(server.database, session_id)
        for view, start in watched:
            await view.until(lambda view: view.last >= self.events[-1][0], WAIT_S)
            expected = [each for each in self.events if each[0] > start]
            for seen, committed in zip(seen_by(view), expected, strict=True):
                assert seen == committed, f"{view.mode} (I3): {seen} is not {committed}"
        snapshot = await driver.get(f"/api/contexts/{session_id}")
        for view, _ in watched:
            await view.until(_is_whole, WAIT_S)
            assert view.snapshot == snapshot, f"{view.mode} (I2)"
        assert session_state(server.database, session_id) == "COMPLETED"
        assert _run_states(server.database, session_id) == ["completed"] * 4
        paths = {branch: await driver.messages(branch) for branch in (MAIN, SIDE)}
        _check_smashing(paths[MAIN], self.smashed())
        self.ending = Ending(_context(snapshot), {name: _transcript(path) for name, path in paths.items()})


def check_requests(requests: Sequence[Json]) -> None:
    """I9; and in plan mode the model is offered nothing but tools that read."""
    for request in requests:
        assert list(unpaired(request["messages"])) == []
        asked = [message["content"] for message in request["messages"] if message["role"] == "user"][-1]
        offered = {TOOLS[name] for name in request["tools"] if name in TOOLS}
        if request["tools"]:
            assert offered == ({"read_only"} if asked == PLAN else set(TOOLS.values())), asked


def _check_smashing(path: Sequence[Json], smashed: int) -> None:
    """At most once (I5); and who is told that it was done can rely on it."""
    (result,) = [each["payload"] for each in path if each["kind"] == "tool_result" and _call(each) == UNSAFE_CALL]
    if result["status"] == "ok":
        assert smashed == 1
    else:
        assert result["status"] == "interrupted"
        assert "outcome unknown" in result["error"]
        assert smashed <= 1


def _is_whole(view: SessionView) -> bool:
    """A message that is new to a client on its branch is pulled."""
    return view.snapshot is not None and not any(each.get("truncated") for each in view.snapshot["messages"])


def _call(message: Json) -> str:
    return str(message["payload"]["callId"])


def _context(snapshot: Json) -> Json:
    kept = ("state", "mode", "model", "activeBranch", "approvals", "grants", "queue", "run", "pins", "plan")
    branches = sorted((branch["name"], branch["parent"]) for branch in snapshot["branches"])
    return {name: snapshot[name] for name in kept} | {"branches": branches, "session": snapshot["session"]["state"]}


def _transcript(path: Sequence[Json]) -> list[Json]:
    """Without replies that were cut off, and without what differs between any two walks. Results that come one after
    another are of calls made at once: which of them ends first is the machine's affair."""
    whole = [message for message in path if message["status"] != "interrupted"]
    told: list[Json] = []
    for is_result, group in groupby(whole, lambda message: message["kind"] == "tool_result"):
        told += [_told(message) for message in (sorted(group, key=_call) if is_result else group)]
    return told


def _told(message: Json) -> Json:
    told = {name: message[name] for name in ("role", "kind", "status", "content", "author")}
    payload = message["payload"] or {}
    match message["kind"]:
        case "tool_request":
            # Those of a workflow bear ids of their own.
            calls = [
                (call["name"], call["arguments"], call["status"], call.get("decidedBy")) for call in payload["calls"]
            ]
            return {**told, "calls": calls}
        case "tool_result" if payload["callId"] == UNSAFE_CALL:
            return {"kind": message["kind"], "call": UNSAFE_CALL}
        case "tool_result":
            return {**told, "result": [payload[name] for name in ("name", "status", "output", "error")]}
        case "workflow_execution":
            steps = [(step["id"], step["status"], step["output"]) for step in payload["steps"]]
            return {**told, "workflow": payload["status"], "result": payload["result"], "steps": steps}
        case _:
            return told


def _entries(database: Path, session_id: str) -> list[Entry]:
    return [(seq, kind, _as_sent(data)) for seq, kind, data in entries(database, session_id)]


def _as_sent(data: dict[str, Any]) -> dict[str, Any]:
    """A body is stored once, with its message; some of a message's header is the server's own."""
    if "message" not in data:
        return data
    message = Message.model_validate(data["message"])
    return {**data, "message": message.with_body(message.content).to_wire()}


def _run_states(database: Path, session_id: str) -> list[str]:
    with closing(read_only(database)) as db:
        try:
            return [str(row[0]) for row in db.execute(RUNS, (session_id,))]
        except sqlite3.OperationalError as error:
            raise AssertionError(f"the runs can't be read: {error}") from error
