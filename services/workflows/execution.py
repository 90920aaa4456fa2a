"""One execution of a workflow, step by step. It keeps nothing that the session does not hold too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, assert_never

import orjson

from models.clock import Clock
from models.errors import ParleyError, ProviderError, UnknownModel
from models.ids import derived_id, iso
from models.payloads import AnyToolResult, WorkflowExecutionPayload
from services.runs.assistant import AGAIN_MAX
from services.runs.context import RunContext
from services.runs.toolbox import Wanted
from services.runs.tools import why_failed
from services.workflows.definition import Leaf, ParallelStep, PromptStep, Retry, Step, ToolStep, Workflow
from services.workflows.errors import TemplateFailed, WorkflowFailed
from services.workflows.past import Past
from services.workflows.progress import Progress, StepState, StepStatus
from services.workflows.prompting import BrokeOff, Prompter, Said, said_in
from services.workflows.templates import evaluated, filled, rendered

ARGUMENTS_MAX_BYTES = 1_000_000
PATIENCE = Retry(times=3, delay_s=2.0)
"""For a model that is unavailable in passing, where the step itself says nothing."""
WORTH_RETRYING = frozenset({"error", "timeout"})
"""Not what a person denied, and not what was interrupted with unknown outcome."""


class Execution:
    """`show` commits the progress."""

    def __init__(
        self,
        ctx: RunContext,
        workflow: Workflow,
        progress: Progress,
        given: Mapping[str, Any],
        past: Past,
        *,
        show: Callable[[WorkflowExecutionPayload], Awaitable[None]],
        prompter: Prompter,
        sleep: Callable[[float], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._ctx = ctx
        self._workflow = workflow
        self._progress = _with_outputs(progress, past)
        self._given = given
        self._results = dict(past.results)
        self._past = past
        self._show_payload = show
        self._shown = past.payload
        self._prompter = prompter
        self._sleep = sleep
        self._clock = clock

    async def run(self) -> None:
        """Raises WorkflowFailed."""
        for step in self._workflow.steps:
            if not self._state(step).over:
                await self._step(step)
            if self._state(step).status == "failed":
                await self._fail(step)
        done = [self._state(step) for step in self._workflow.steps if self._state(step).status == "done"]
        await self._show_payload(self._progress.payload("completed", result=done[-1].output if done else None))

    async def _fail(self, step: Step) -> None:
        left = [state for state in self._progress.steps.values() if not state.over]
        self._keep(*(replace(state, status="skipped") for state in left))
        reason = f"step “{step.id}” failed: {self._state(step).error}"
        await self._show_payload(self._progress.payload("failed", error=reason))
        raise WorkflowFailed(reason)

    async def _step(self, step: Step) -> None:
        if not self._begins(step):
            await self._show()
            return
        match step:
            case ToolStep():
                await self._call((step,))
            case PromptStep():
                await self._ask(step)
            case ParallelStep():
                await self._side_by_side(step)
            case _:
                assert_never(step)

    async def _side_by_side(self, group: ParallelStep) -> None:
        wanted = [step for step in group.steps if not self._state(step).over and self._begins(step)]
        await self._call([step for step in wanted if isinstance(step, ToolStep)])
        for step in wanted:
            if isinstance(step, PromptStep) and not self._failed(group):
                await self._ask(step)
        if failed := self._failed(group):
            told = "; ".join(f"{state.id}: {state.error}" for state in failed)
            self._end(group, "failed", error=told)
        else:
            self._end(group, "done", output=_joined(self._state(step) for step in group.steps))
        await self._show()

    def _failed(self, group: ParallelStep) -> list[StepState]:
        return [state for step in group.steps if (state := self._state(step)).status == "failed"]

    def _begins(self, step: Step) -> bool:
        """Whether the step is wanted; it is marked as running, skipped or failed. A prompt in a group waits for its
        turn."""
        try:
            wanted = step.when is None or bool(evaluated(step.when, self._values()))
        except TemplateFailed as error:
            self._end(step, "failed", error=f"when: {error.message}")
            return False
        if not wanted:
            self._skip(step)
        elif not (isinstance(step, PromptStep) and self._state(step).group):
            self._run(step)
        return wanted

    # Tools

    async def _call(self, steps: Sequence[ToolStep]) -> None:
        """All in one request; those that failed and may be tried again, in another."""
        left = steps
        while left:
            wanted = [(step, call) for step in left if (call := self._wanted(step)) is not None]
            if not wanted:
                return
            await self._show()
            await self._fetch([call for _, call in wanted])
            left = [step for step, call in wanted if self._settled(step, self._results.get(call.call_id))]
            await self._show()
            await self._wait([step.retry for step in left])

    def _wanted(self, step: ToolStep) -> Wanted | None:
        """None when the arguments could not be worked out: the step has failed then."""
        try:
            arguments = orjson.dumps(filled(step.arguments, self._values()), default=str)
        except (TemplateFailed, TypeError) as error:
            self._end(step, "failed", error=error.message if isinstance(error, ParleyError) else str(error))
            return None
        if len(arguments) > ARGUMENTS_MAX_BYTES:
            self._end(step, "failed", error=f"the arguments are larger than {ARGUMENTS_MAX_BYTES} bytes")
            return None
        return Wanted(self._state(step).call_id or "", step.tool, arguments.decode())

    async def _fetch(self, calls: Sequence[Wanted]) -> None:
        """The results that an earlier attempt has left are taken as they are."""
        missing = [call for call in calls if call.call_id not in self._results]
        if missing:
            await self._ctx.in_time()
            results = await self._ctx.tools.call(missing)
            self._results.update({result.call_id: result for result in results})

    def _settled(self, step: ToolStep, result: AnyToolResult | None) -> bool:
        """Whether the step is to be tried again."""
        if result is not None and result.status == "ok":
            self._end(step, "done", output=result.output)
            return False
        reason = why_failed(result) if result is not None else "there is no result"
        may = result is not None and result.status in WORTH_RETRYING
        return self._again(step, reason, step.retry if may else None)

    # Prompts

    async def _ask(self, step: PromptStep) -> None:
        self._run(step)
        broken = 0
        while True:
            retry = step.retry
            try:
                said = await self._said(step)
                reason = said.error
            except TemplateFailed as error:
                self._end(step, "failed", error=error.message)
                return
            except (ProviderError, UnknownModel) as error:
                said, reason = None, error.message
                broken += isinstance(error, BrokeOff)
                retry = retry or (PATIENCE if error.retryable and broken <= AGAIN_MAX else None)
            if said is not None and reason is None:
                self._keep(replace(self._state(step), message_id=said.message_id))
                self._end(step, "done", output=said.text)
                await self._show()
                return
            if not self._again(step, reason or "", retry):
                return
            await self._show()
            await self._wait([retry])

    async def _said(self, step: PromptStep) -> Said:
        """The reply of an earlier attempt of the run where it was complete, else a new one."""
        tried = self._state(step).attempts
        prompt, system = rendered(step.prompt, self._values()), rendered(step.system, self._values())
        ids = [self._id(f"{step.id}/{tried}/{attempt}") for attempt in range(1, self._ctx.run.attempt + 1)]
        for reply_id in ids:
            found = said_in(self._past.replies[reply_id]) if reply_id in self._past.replies else None
            if found is not None:
                return found
        await self._show()
        return await self._prompter.ask(self._ctx, ids[-1], prompt, system=system, model=step.model)

    # The states of steps

    def _again(self, step: Leaf, reason: str, retry: Retry | None) -> bool:
        """Marks a step that failed for another try, if it has one left."""
        state = self._state(step)
        if retry is None or state.attempts > retry.times:
            self._end(step, "failed", error=reason)
            return False
        self._keep(replace(state, attempts=state.attempts + 1, error=reason, call_id=self._call_id(state, 1)))
        return True

    def _run(self, step: Step) -> None:
        """Changes nothing where an earlier attempt began it."""
        state = self._state(step)
        if state.status == "running":
            return
        began = replace(state, status="running", attempts=1, started_at=iso(self._clock()))
        self._keep(replace(began, call_id=self._call_id(state, 1)))

    def _end(self, step: Step, status: StepStatus, *, output: str = "", error: str | None = None) -> None:
        at = iso(self._clock())
        self._keep(replace(self._state(step), status=status, output=output, error=error, finished_at=at))

    def _skip(self, step: Step) -> None:
        inner = step.steps if isinstance(step, ParallelStep) else ()
        self._keep(*(replace(self._state(each), status="skipped") for each in (step, *inner)))

    def _call_id(self, state: StepState, more: int) -> str | None:
        """The same after a restart: a call whose request is in the journal is not made again."""
        return self._id(f"{state.id}/{state.attempts + more}") if state.kind == "tool" else None

    def _id(self, name: str) -> str:
        return derived_id(self._progress.execution_id, name)

    def _state(self, step: Step) -> StepState:
        return self._progress.steps[step.id]

    def _keep(self, *states: StepState) -> None:
        self._progress = self._progress.with_steps(states)

    def _values(self) -> dict[str, Any]:
        return {"input": self._given, "steps": self._progress.values()}

    async def _show(self) -> None:
        payload = self._progress.payload()
        if payload != self._shown:
            await self._show_payload(payload)
            self._shown = payload

    async def _wait(self, retries: Sequence[Retry | None]) -> None:
        """A restart cuts it short."""
        if delay_s := max((retry.delay_s for retry in retries if retry is not None), default=0.0):
            await self._sleep(delay_s)


def _joined(states: Iterable[StepState]) -> str:
    return "\n\n".join(f"{state.id}:\n{state.output}" for state in states if state.status == "done")


def _with_outputs(progress: Progress, past: Past) -> Progress:
    """The message shows the beginnings of outputs alone: their full texts are in the calls' results and in replies."""
    states = list(progress.steps.values())
    whole = {state.id: replace(state, output=_output(state, past)) for state in states if state.status == "done"}
    for state in states:
        if state.kind == "parallel" and state.id in whole:
            inner = [whole[each.id] for each in states if each.group == state.id and each.id in whole]
            whole[state.id] = replace(state, output=_joined(inner))
    return progress.with_steps(whole.values())


def _output(state: StepState, past: Past) -> str:
    if state.call_id is not None and state.call_id in past.results:
        return past.results[state.call_id].output
    if state.message_id is not None and state.message_id in past.replies:
        return past.replies[state.message_id].content
    return state.output
