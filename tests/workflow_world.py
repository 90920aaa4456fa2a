"""A boot of the server with workflows and tools, without transports: stopped, killed, booted again on one journal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from world import FakeTime, Gate, Room, eventually, hooked_store, no_sleep

from models.payloads import ToolResultPayload, WorkflowExecutionPayload
from services.access import LOCAL
from services.chat import Chat
from services.llm.registry import Providers
from services.llm.scripted import ScriptedProvider, ScriptSource
from services.runs.agents import Agents
from services.runs.keeper import LEASE_MS
from services.runs.manager import RunManager
from services.runs.toolbox import Toolbox
from services.store.store import Store
from services.tools.executor import ToolExecutor
from services.tools.registry import ToolRegistry
from services.tools.tool import Tool, tool
from services.tools.workspace import Workspace
from services.workflows.agent import WorkflowAgent
from services.workflows.definition import Workflow
from services.workflows.registry import PREFIX, Workflows
from services.workflows.yaml_form import load_text

MODEL = "scripted:test"


class Bench:
    """Tools that write down what they are asked for, and can be made to fail, wait or be held at a gate."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failures: dict[str, int] = {}
        self.gates: dict[str, Gate] = {}
        self.at_work = 0
        self.most_at_work = 0
        self.tools: tuple[Tool, ...] = (
            tool(risk="read_only", name="say")(self.say),
            tool(risk="unsafe", name="send")(self.send),
            tool(risk="read_only", name="add")(self.add),
            tool(risk="read_only", name="fill")(self.fill),
        )

    async def say(self, text: str) -> str:
        """Answers with the text."""
        return await self._done(f"say {text}", text)

    async def send(self, text: str) -> str:
        """Sends the text away."""
        return await self._done(f"send {text}", f"sent {text}")

    async def add(self, left: int, right: int) -> str:
        """Adds two numbers."""
        return await self._done(f"add {left} {right}", str(left + right))

    async def fill(self, size: int) -> str:
        """A long text."""
        return await self._done(f"fill {size}", "x" * (size - 3) + "end")

    async def _done(self, call: str, output: str) -> str:
        self.calls.append(call)
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            if gate := self.gates.get(call):
                await gate.passed()
            await asyncio.sleep(0)
            if self.failures.get(call, 0) > 0:
                self.failures[call] -= 1
                raise RuntimeError(f"{call} went wrong")
            return output
        finally:
            self.at_work -= 1


class WorkflowShop:
    """One boot."""

    def __init__(
        self,
        workflows: Sequence[Workflow],
        tools: Sequence[Tool],
        provider: ScriptedProvider,
        store: Store,
        *,
        workspace: Workspace | None = None,
        time: FakeTime,
    ) -> None:
        self.time = time
        self.store, self.provider = store, provider
        self.waits: list[float] = []
        self.room = Room(store, "", self.time.clock)
        self.workflows = Workflows({workflow.name: workflow for workflow in workflows})
        providers = Providers(self.time.clock, scripted=provider)
        registry = ToolRegistry(tools)
        agents = Agents({}, prefixes={PREFIX: self._agent})
        self._providers = providers
        toolbox = Toolbox(registry, ToolExecutor(registry), workspace)
        self.runs = RunManager(self.room.sessions, agents, toolbox=toolbox, window_s=0, sleep=self.time.sleep)
        self.chat = Chat(self.room.sessions, providers, agents, workflows=self.workflows)

    def _agent(self, name: str) -> WorkflowAgent:
        async def wait(seconds: float) -> None:
            self.waits.append(seconds)
            await asyncio.sleep(0)

        sessions = self.room.sessions
        return WorkflowAgent(self.workflows.get(name), sessions, self._providers, sleep=wait)

    async def session(self) -> str:
        self.room.project_id = (await self.store.projects.inbox()).id
        return await self.room.create(model=MODEL)

    async def begin(self, name: str = "w", /, session_id: str | None = None, **given: Any) -> str:
        """Starts a workflow; returns the session's id."""
        session_id = session_id or await self.session()
        await self.chat.execute_workflow(LOCAL, session_id, name, given)
        return session_id

    async def run(self, name: str = "w", /, *, state: str = "COMPLETED", **given: Any) -> WorkflowExecutionPayload:
        """A whole execution; how it ended."""
        session_id = await self.begin(name, **given)
        await self.until(session_id, state)
        return await self.execution(session_id)

    async def execution(self, session_id: str) -> WorkflowExecutionPayload:
        found = [m.payload for m in await self.room.messages(session_id)]
        (payload,) = [each for each in found if isinstance(each, WorkflowExecutionPayload)]
        return payload

    async def results(self, session_id: str) -> list[ToolResultPayload]:
        found = [m.payload for m in await self.room.messages(session_id)]
        return [each for each in found if isinstance(each, ToolResultPayload)]

    async def until(self, session_id: str, *states: str) -> None:
        def reached() -> bool:
            context = self.room.sessions.context(session_id)
            return context is not None and context.session_state in states

        await eventually(reached, f"session state {states}")

    async def stop(self) -> None:
        await self.runs.drain()
        await self.room.sessions.close()

    async def kill(self) -> None:
        """As SIGKILL would: nothing is released, nothing more is written by this boot."""
        self.room.sessions.submit = _never  # type: ignore[method-assign]
        self.runs.draining = True
        tasks = (*(attempt.task for attempt in self.runs._active.values()), *self.runs._helpers)
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)


def _never(*_arguments: object, **_more: object) -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


@asynccontextmanager
async def workflow_shop(
    *definitions: str | Workflow,
    bench: Bench | None = None,
    tools: Sequence[Tool] = (),
    script: ScriptSource = (),
    store: Store | None = None,
    after: WorkflowShop | None = None,
    workspace: Workspace | None = None,
) -> AsyncIterator[WorkflowShop]:
    """A started boot with the workflows (YAML without a name is called `w`), stopped at the end. One that comes `after`
    another finds that its leases have run out."""
    time = FakeTime(after.time.now + LEASE_MS) if after is not None else FakeTime()
    workflows = [each if isinstance(each, Workflow) else load_text(f"name: w\n{each}") for each in definitions]
    provider = ScriptedProvider({"test": script}, sleep=no_sleep)
    made = (*(bench.tools if bench is not None else ()), *tools)
    shop = WorkflowShop(workflows, made, provider, store or hooked_store()[0], workspace=workspace, time=time)
    await shop.runs.start()
    try:
        yield shop
    finally:
        await shop.stop()


def steps_of(payload: WorkflowExecutionPayload) -> Mapping[str, dict[str, Any]]:
    return {step["id"]: step for step in payload.steps}


def statuses(payload: WorkflowExecutionPayload) -> dict[str, str]:
    return {step["id"]: step["status"] for step in payload.steps}
