"""The agent that executes one workflow: begins it, or goes on where an earlier attempt was cut off.

Each step is committed before the next, so what is done is never done again. A message that steers is kept, and ignored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from models.commands import BeginWorkflow, RunFence, UpdateWorkflow
from models.ids import derived_id
from models.payloads import WorkflowExecutionPayload
from models.runs import OnCrash
from services.llm.registry import Providers
from services.runs.context import RunContext
from services.runs.views import ViewBuilder
from services.sessions.manager import SessionManager
from services.workflows.definition import Workflow
from services.workflows.errors import WorkflowFailed
from services.workflows.past import Past, read_past
from services.workflows.progress import Progress
from services.workflows.prompting import Prompter


class WorkflowAgent:
    """One object serves all sessions at once. Its runs have the agent `workflow:NAME`."""

    on_crash: OnCrash = "resume"

    def __init__(
        self,
        workflow: Workflow,
        sessions: SessionManager,
        providers: Providers,
        views: ViewBuilder | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._workflow = workflow
        self._sessions = sessions
        self._prompter = Prompter(providers, views or ViewBuilder())
        self._sleep = sleep

    async def run(self, ctx: RunContext) -> None:
        """Raises WorkflowFailed with the step and its reason; InvalidArgument for an input that does not fit."""
        # Here, because most servers have no workflow and need no template engine.
        from services.workflows.execution import Execution

        await ctx.tools.finish()
        past = await read_past(ctx)
        if _ended(past):
            return
        given = self._workflow.complete(past.given())
        progress = await self._progress(ctx, past)
        execution = Execution(
            ctx,
            self._workflow,
            progress,
            given,
            past,
            show=lambda payload: self._update(ctx, payload),
            prompter=self._prompter,
            sleep=self._sleep,
            clock=ctx.clock,
        )
        await execution.run()

    async def _progress(self, ctx: RunContext, past: Past) -> Progress:
        if past.payload is None:
            return await self._begin(ctx)
        progress = Progress.read(past.payload)
        if not progress.fits(self._workflow):
            reason = "the workflow was changed while it ran"
            await self._update(ctx, progress.payload("failed", error=reason))
            raise WorkflowFailed(reason)
        return progress

    async def _begin(self, ctx: RunContext) -> Progress:
        progress = Progress.at_start(self._workflow, ctx.run.id)
        message_id = derived_id(ctx.run.id, "workflow")
        command = BeginWorkflow(_fence(ctx), message_id, ctx.run.agent, progress.payload())
        await self._sessions.submit(ctx.session_id, command, ctx.actor)
        return progress

    async def _update(self, ctx: RunContext, payload: WorkflowExecutionPayload) -> None:
        await self._sessions.submit(ctx.session_id, UpdateWorkflow(_fence(ctx), payload), ctx.actor)


def _ended(past: Past) -> bool:
    """Whether only the run's end is left to do. Raises WorkflowFailed when it failed."""
    payload = past.payload
    if payload is None or payload.status not in ("completed", "failed", "cancelled"):
        return False
    if payload.status != "completed":
        raise WorkflowFailed(payload.error)
    return True


def _fence(ctx: RunContext) -> RunFence:
    return RunFence(ctx.run.id, ctx.run.attempt)
