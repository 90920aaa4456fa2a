"""Finds every mistake in a workflow's definition. Never changes it and never runs it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from services.workflows.definition import Input, ParallelStep, PromptStep, Retry, Step, ToolStep, Workflow
from services.workflows.errors import Problem
from services.workflows.templates import EXPRESSION, Reference, expression_problems, references, template_problems

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
STEPS_MAX = 100
RETRIES_MAX = 20
DELAY_MAX_S = 3_600.0
ATTRIBUTES = ("output", "status", "error")


def problems_of(workflow: Workflow) -> tuple[Problem, ...]:
    """Empty when there are none."""
    return tuple(dict.fromkeys((*_header(workflow), *_Steps(workflow).problems())))


def _header(workflow: Workflow) -> Iterator[Problem]:
    if not NAME.fullmatch(workflow.name):
        yield Problem("name", "must be 1 to 64 letters, digits, _ and -")
    for name, declared in workflow.inputs.items():
        yield from _input(f"inputs.{name}", name, declared)
    count = sum(1 for _ in workflow.flat())
    if not workflow.steps:
        yield Problem("steps", "there must be at least one")
    elif count > STEPS_MAX:
        yield Problem("steps", f"at most {STEPS_MAX}, those in parallel ones counted; here are {count}")


def _input(where: str, name: str, declared: Input) -> Iterator[Problem]:
    if not IDENTIFIER.fullmatch(name):
        yield Problem(where, "an input's name has letters, digits and _, no digit first")
    if declared.required and declared.default is not None:
        yield Problem(where, "is required and has a default: leave out one of the two")
    try:
        orjson.dumps(declared.default)
    except TypeError:
        yield Problem(f"{where}.default", "can't be written as JSON (quote dates)")


class _Steps:
    """Walks the steps in order and knows what each may refer to."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self._ids = Counter(step.id for step, _ in workflow.flat())
        self._earlier: set[str] = set()

    def problems(self) -> Iterator[Problem]:
        for index, step in enumerate(self._workflow.steps):
            where = f"steps.{index}"
            yield from self._step(where, step)
            if isinstance(step, ParallelStep):
                yield from self._parallel(where, step)
            self._earlier.add(step.id)

    def _parallel(self, where: str, step: ParallelStep) -> Iterator[Problem]:
        if not step.steps:
            yield Problem(f"{where}.parallel", "there must be at least one step")
        for index, inner in enumerate(step.steps):
            yield from self._step(f"{where}.parallel.{index}", inner)
        self._earlier.update(inner.id for inner in step.steps)

    def _step(self, where: str, step: Step) -> Iterator[Problem]:
        if not IDENTIFIER.fullmatch(step.id):
            yield Problem(f"{where}.id", "must be letters, digits and _, no digit first")
        if self._ids[step.id] > 1:
            yield Problem(f"{where}.id", f"“{step.id}” is used {self._ids[step.id]} times")
        if step.when is not None:
            yield from self._expression(f"{where}.when", step.when)
        match step:
            case ToolStep():
                yield from self._tool(where, step)
            case PromptStep():
                yield from self._prompt(where, step)

    def _tool(self, where: str, step: ToolStep) -> Iterator[Problem]:
        if not step.tool:
            yield Problem(f"{where}.tool", "must name a tool")
        yield from self._tree(f"{where}.with", step.arguments)
        yield from _retry(f"{where}.retry", step.retry)

    def _prompt(self, where: str, step: PromptStep) -> Iterator[Problem]:
        if not step.prompt.strip():
            yield Problem(f"{where}.prompt", "must not be empty")
        yield from self._template(f"{where}.prompt", step.prompt)
        yield from self._template(f"{where}.system", step.system)
        yield from _retry(f"{where}.retry", step.retry)

    def _tree(self, where: str, value: Any) -> Iterator[Problem]:
        match value:
            case str():
                yield from self._template(where, value)
            case Mapping():
                for key, child in value.items():
                    yield from self._tree(f"{where}.{key}", child)
            case list() | tuple():
                for index, child in enumerate(value):
                    yield from self._tree(f"{where}.{index}", child)
            case None | bool() | int() | float():
                pass
            case _:
                yield Problem(where, f"a {type(value).__name__} is no JSON; quote it")

    def _template(self, where: str, source: str) -> Iterator[Problem]:
        if match := EXPRESSION.fullmatch(source):
            yield from self._expression(where, match["expression"])
            return
        found = [Problem(where, message) for message in template_problems(source)]
        yield from found
        if not found:
            yield from self._referring(where, references(source))

    def _expression(self, where: str, source: str) -> Iterator[Problem]:
        found = [Problem(where, message) for message in expression_problems(source)]
        yield from found
        if not found:
            yield from self._referring(where, references(source, expression=True))

    def _referring(self, where: str, found: Iterator[Reference]) -> Iterator[Problem]:
        for reference in found:
            if reference.key is None:
                continue  # worked out at run time, and said then
            if reference.root == "input":
                if reference.key not in self._workflow.inputs:
                    yield Problem(where, f"there is no input “{reference.key}”")
            elif reference.key not in self._earlier:
                yield Problem(where, self._why_not(reference.key))
            elif reference.attribute is not None and reference.attribute not in ATTRIBUTES:
                yield Problem(where, f"a step has {', '.join(ATTRIBUTES)}, no “{reference.attribute}”")

    def _why_not(self, step_id: str) -> str:
        if step_id in self._ids:
            return f"“{step_id}” is not done by then: only earlier steps can be referred to"
        return f"there is no step “{step_id}”"


def _retry(where: str, retry: Retry | None) -> Iterator[Problem]:
    if retry is None:
        return
    if not 1 <= retry.times <= RETRIES_MAX:
        yield Problem(f"{where}.times", f"must be 1 to {RETRIES_MAX}")
    if not 0 <= retry.delay_s <= DELAY_MAX_S:
        yield Problem(f"{where}.delay_s", f"must be 0 to {DELAY_MAX_S:.0f} seconds")
