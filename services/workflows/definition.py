"""What a workflow is: inputs and steps, as frozen values. Never reads files and never runs anything.

Texts are templates over `input.NAME` and `steps.ID.output|status|error` of earlier steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from models.errors import InvalidArgument

StepKind = Literal["tool", "prompt", "parallel"]


@dataclass(frozen=True, slots=True)
class Input:
    """`default` stands in where an input that is not required was not given."""

    required: bool = True
    default: Any = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """So many further tries, each after a delay."""

    times: int
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ToolStep:
    """A text of `arguments` that is one `{{ expression }}` keeps the expression's type."""

    id: str
    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    when: str | None = None
    retry: Retry | None = None

    @property
    def kind(self) -> StepKind:
        return "tool"


@dataclass(frozen=True, slots=True)
class PromptStep:
    """A request of its own to `model`, without the session's history and without tools; None: the session's model."""

    id: str
    prompt: str
    system: str = ""
    model: str | None = None
    when: str | None = None
    retry: Retry | None = None

    @property
    def kind(self) -> StepKind:
        return "prompt"


Leaf: TypeAlias = ToolStep | PromptStep


@dataclass(frozen=True, slots=True)
class ParallelStep:
    """Its tools are called in one request, side by side; then its prompts, one reply after the other: a session streams
    one at a time. None of its steps can refer to another."""

    id: str
    steps: tuple[Leaf, ...]
    when: str | None = None

    @property
    def kind(self) -> StepKind:
        return "parallel"


Step: TypeAlias = ToolStep | PromptStep | ParallelStep


@dataclass(frozen=True, slots=True)
class Workflow:
    """Check it with `Workflows.add`, which names every mistake."""

    name: str
    steps: tuple[Step, ...]
    description: str = ""
    inputs: Mapping[str, Input] = field(default_factory=dict)

    def flat(self) -> Iterator[tuple[Step, str | None]]:
        """Every step in order, with the id of the parallel step that it is in."""
        for step in self.steps:
            yield step, None
            if isinstance(step, ParallelStep):
                yield from ((inner, step.id) for inner in step.steps)

    @property
    def tools(self) -> frozenset[str]:
        return frozenset(step.tool for step, _ in self.flat() if isinstance(step, ToolStep))

    def complete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """`given` with the defaults. Raises InvalidArgument that names an input which is unknown or missing."""
        for name in given:
            if name not in self.inputs:
                known = ", ".join(self.inputs) or "none"
                message = f"The workflow {self.name} has no input “{name[:100]}”; its inputs: {known}"
                raise InvalidArgument(message, field=f"input.{name[:100]}")
        for name, declared in self.inputs.items():
            if declared.required and given.get(name) is None:
                raise InvalidArgument(f"The workflow {self.name} needs the input “{name}”", field=f"input.{name}")
        return {
            name: declared.default if given.get(name) is None else given[name] for name, declared in self.inputs.items()
        }
