"""How far an execution is: the steps' states as they stand in its message. Frozen values; knows no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from models.payloads import WorkflowExecutionPayload, WorkflowStatus, WorkflowStepState
from services.workflows.definition import Step, StepKind, ToolStep, Workflow

StepStatus: TypeAlias = Literal["pending", "running", "done", "skipped", "failed", "cancelled"]
OVER: frozenset[StepStatus] = frozenset({"done", "skipped", "failed", "cancelled"})

SHOWN_BYTES = 2_000
ALL_SHOWN_BYTES = 32_000
"""What all outputs may take in the message, so that it travels whole in an event; the full texts are messages of their
own."""
ERROR_BYTES = 500
RESULT_BYTES = 8_000


@dataclass(frozen=True, slots=True)
class StepState:
    """`output` and `error` are whole; `payload` cuts them. `message_id` is the reply that a prompt got, `call_id` the
    call of a tool."""

    id: str
    kind: StepKind
    group: str | None = None
    tool: str | None = None
    status: StepStatus = "pending"
    output: str = ""
    error: str | None = None
    attempts: int = 0
    started_at: str | None = None
    finished_at: str | None = None
    call_id: str | None = None
    message_id: str | None = None

    @property
    def over(self) -> bool:
        return self.status in OVER

    def shown(self, limit_bytes: int) -> WorkflowStepState:
        """As it stands in the message."""
        return WorkflowStepState(
            id=self.id,
            kind=self.kind,
            group=self.group,
            tool=self.tool,
            status=self.status,
            output=cut(self.output, limit_bytes),
            output_chars=len(self.output),
            error=cut(self.error, ERROR_BYTES) if self.error is not None else None,
            attempts=self.attempts,
            started_at=self.started_at,
            finished_at=self.finished_at,
            call_id=self.call_id,
            message_id=self.message_id,
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """All steps in the order of the definition, those of parallel steps behind theirs."""

    name: str
    execution_id: str
    steps: Mapping[str, StepState]

    @classmethod
    def at_start(cls, workflow: Workflow, execution_id: str) -> Progress:
        states = (_fresh(step, group) for step, group in workflow.flat())
        return cls(workflow.name, execution_id, {state.id: state for state in states})

    @classmethod
    def read(cls, payload: WorkflowExecutionPayload) -> Progress:
        """As it was written; outputs are what was shown of them."""
        states = (_read(wire) for wire in payload.steps)
        return cls(payload.name, payload.execution_id, {state.id: state for state in states})

    def with_steps(self, states: Iterable[StepState]) -> Progress:
        return replace(self, steps={**self.steps, **{state.id: state for state in states}})

    def fits(self, workflow: Workflow) -> bool:
        """Whether the workflow still has the steps that it had when this began."""
        shape = [(state.id, state.kind, state.group, state.tool) for state in self.steps.values()]
        fresh = Progress.at_start(workflow, self.execution_id).steps.values()
        return shape == [(state.id, state.kind, state.group, state.tool) for state in fresh]

    def payload(
        self, status: WorkflowStatus = "running", *, result: str | None = None, error: str | None = None
    ) -> WorkflowExecutionPayload:
        states = list(self.steps.values())
        shown = min(SHOWN_BYTES, ALL_SHOWN_BYTES // max(1, len(states)))
        at_work = [state.status == "running" and state.kind != "parallel" for state in states]
        return WorkflowExecutionPayload(
            name=self.name,
            execution_id=self.execution_id,
            status=status,
            steps=tuple(state.shown(shown).to_wire() for state in states),
            current_step=at_work.index(True) if status == "running" and any(at_work) else None,
            result=cut(result, RESULT_BYTES) if result is not None else None,
            error=cut(error, ERROR_BYTES) if error is not None else None,
        )

    def values(self) -> dict[str, dict[str, str]]:
        """What templates see as `steps`."""
        return {
            state.id: {"output": state.output, "status": state.status, "error": state.error or ""}
            for state in self.steps.values()
        }


def cut(text: str, limit_bytes: int) -> str:
    """The beginning of a text, as UTF-8."""
    encoded = text.encode()
    if len(encoded) <= limit_bytes:
        return text
    return encoded[: limit_bytes - 3].decode(errors="ignore") + "…"


def _fresh(step: Step, group: str | None) -> StepState:
    return StepState(step.id, step.kind, group, step.tool if isinstance(step, ToolStep) else None)


def _read(wire: Mapping[str, Any]) -> StepState:
    known = WorkflowStepState.model_validate(wire).model_dump(exclude={"output_chars"})
    return StepState(**known)
