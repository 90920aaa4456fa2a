"""The YAML form of a workflow: read as far as it can be, checked, with every mistake named. Never touches files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import yaml

from services.workflows.checking import problems_of
from services.workflows.definition import Input, Leaf, ParallelStep, PromptStep, Retry, Step, ToolStep, Workflow
from services.workflows.errors import Problem, WorkflowInvalid

UNREAD = "unread"
"""Stands in for what could not be read, so that the rest can be checked."""
KINDS = ("tool", "prompt", "parallel")
_TOP = {"name", "description", "inputs", "steps"}
_EVERY_STEP = {"id", "when", *KINDS}
_ALLOWED = {"tool": {"with", "retry"}, "prompt": {"system", "model", "retry"}, "parallel": set[str]()}


def load_text(text: str, source: str = "workflow") -> Workflow:
    """Raises WorkflowInvalid."""
    try:
        data = yaml.load(text, _Loader)  # noqa: S506 -- a SafeLoader, see below
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise WorkflowInvalid(source, [Problem("", f"is not YAML: {' '.join(str(error).split())}")]) from None
    if not isinstance(data, dict):
        raise WorkflowInvalid(source, [Problem("", "must be a mapping with name and steps")])
    reader = _Reader()
    workflow = reader.workflow(data)
    # What could not be read is reported once, as that.
    unread = tuple(f"{each.field}." for each in reader.problems)
    checked = (each for each in problems_of(workflow) if not f"{each.field}.".startswith(unread))
    problems = [*reader.problems, *checked]
    if problems:
        raise WorkflowInvalid(source, problems)
    return workflow


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice, of which YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"“{key.value}” is given twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Reader:
    """Reads what it can and notes what it can't, so that one look finds all mistakes."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def workflow(self, data: Mapping[Any, Any]) -> Workflow:
        self._only("", data, _TOP)
        return Workflow(
            name=self._text("", data, "name", required=True),
            description=self._text("", data, "description"),
            inputs=self._inputs(data.get("inputs")),
            steps=self._steps("steps", data.get("steps", [])),
        )

    def _inputs(self, data: Any) -> dict[str, Input]:
        match data:
            case None:
                return {}
            case list():
                return {str(name): Input() for name in data}
            case dict():
                return {str(name): self._input(f"inputs.{name}", each) for name, each in data.items()}
            case _:
                self._note("inputs", "must be a list of names, or a mapping from names to what they are")
                return {}

    def _input(self, where: str, data: Any) -> Input:
        if data is None:
            return Input()
        if not isinstance(data, dict):
            self._note(where, "must be a mapping with required, default, description")
            return Input()
        self._only(where, data, {"required", "default", "description"})
        required = data.get("required", "default" not in data)
        if not isinstance(required, bool):
            self._note(f"{where}.required", "must be true or false")
            required = False
        return Input(required, data.get("default"), self._text(where, data, "description"))

    def _steps(self, where: str, data: Any) -> tuple[Step, ...]:
        if not isinstance(data, list):
            self._note(where, "must be a list of steps")
            return ()
        read = (self._step(f"{where}.{index}", each) for index, each in enumerate(data))
        return tuple(step for step in read if step is not None)

    def _step(self, where: str, data: Any) -> Step | None:
        if not isinstance(data, dict):
            self._note(where, "must be a mapping with id, and tool, prompt or parallel")
            return None
        kinds = [kind for kind in KINDS if kind in data]
        if len(kinds) != 1:
            self._note(where, f"must have one of tool, prompt, parallel; it has {' and '.join(kinds) or 'none'}")
            return PromptStep(self._text(where, data, "id"), UNREAD)
        self._only(where, data, _EVERY_STEP | _ALLOWED[kinds[0]])
        step_id = self._text(where, data, "id", required=True)
        when = self._text(where, data, "when") if "when" in data else None
        match kinds[0]:
            case "tool":
                tool, arguments = self._text(where, data, "tool"), self._mapping(where, data, "with")
                return ToolStep(step_id, tool, arguments, when, self._retry(where, data))
            case "prompt":
                prompt, system = self._text(where, data, "prompt"), self._text(where, data, "system")
                model = self._text(where, data, "model") or None
                return PromptStep(step_id, prompt, system, model, when, self._retry(where, data))
            case _:
                return ParallelStep(step_id, self._leaves(f"{where}.parallel", data["parallel"]), when)

    def _leaves(self, where: str, data: Any) -> tuple[Leaf, ...]:
        leaves: list[Leaf] = []
        for index, step in enumerate(self._steps(where, data)):
            if isinstance(step, ParallelStep):
                self._note(f"{where}.{index}", "parallel steps can't be nested: all of one run side by side anyway")
            else:
                leaves.append(step)
        return tuple(leaves)

    def _retry(self, where: str, data: Mapping[Any, Any]) -> Retry | None:
        found = self._mapping(where, data, "retry")
        if not found:
            return None
        self._only(f"{where}.retry", found, {"times", "delay_s"})
        times, delay_s = found.get("times", 1), found.get("delay_s", 0.0)
        if not isinstance(times, int) or isinstance(times, bool):
            self._note(f"{where}.retry.times", "must be a whole number")
            times = 1
        if not isinstance(delay_s, int | float) or isinstance(delay_s, bool):
            self._note(f"{where}.retry.delay_s", "must be a number of seconds")
            delay_s = 0.0
        return Retry(times, float(delay_s))

    def _text(self, where: str, data: Mapping[Any, Any], key: str, *, required: bool = False) -> str:
        value = data.get(key, "")
        if isinstance(value, str) and (value or not required):
            return value
        told = "is missing" if key not in data else f"must be a text, not {value!r}: quote it"
        self._note(_path(where, key), told)
        return UNREAD

    def _mapping(self, where: str, data: Mapping[Any, Any], key: str) -> dict[str, Any]:
        value = data.get(key, {})
        if not isinstance(value, dict):
            self._note(_path(where, key), "must be a mapping")
            return {}
        return {str(name): child for name, child in value.items()}

    def _only(self, where: str, data: Mapping[Any, Any], known: Collection[str]) -> None:
        for key in data:
            if key not in known:
                self._note(_path(where, str(key)), f"is unknown here; known: {', '.join(sorted(known))}")

    def _note(self, field: str, message: str) -> None:
        self.problems.append(Problem(field, message))


def _path(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
