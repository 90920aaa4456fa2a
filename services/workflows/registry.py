"""Which workflows there are, by name. Never runs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.workflows.definition import Workflow
from services.workflows.errors import WorkflowInvalid, WorkflowNotFound

PREFIX = "workflow:"
"""A run whose agent is `workflow:NAME` executes that workflow."""


class Workflows:
    """Used from one event loop."""

    def __init__(self, definitions: Mapping[str, Workflow] | None = None) -> None:
        """Raises WorkflowInvalid."""
        self._workflows: dict[str, Workflow] = {}
        for workflow in (definitions or {}).values():
            self.add(workflow)

    def add(self, workflow: Workflow) -> None:
        """Replaces one of the same name; an execution that is under way then fails when it is resumed, if the steps
        differ. Raises WorkflowInvalid, which names every mistake."""
        # Here, because most servers have no workflow and need no template engine.
        from services.workflows.checking import problems_of

        problems = problems_of(workflow)
        if problems:
            raise WorkflowInvalid(workflow.name[:100] or "workflow", problems)
        self._workflows[workflow.name] = workflow

    def get(self, name: str) -> Workflow:
        """Raises WorkflowNotFound."""
        try:
            return self._workflows[name]
        except KeyError:
            known = ", ".join(sorted(self._workflows)) or "none"
            raise WorkflowNotFound(f"There is no workflow “{name[:100]}”; known: {known}", field="name") from None

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._workflows))

    def describe(self) -> list[dict[str, Any]]:
        """Every workflow, as JSON, by name."""
        return [_described(self._workflows[name]) for name in self.names()]


def _described(workflow: Workflow) -> dict[str, Any]:
    return {
        "name": workflow.name,
        "description": workflow.description,
        "inputs": [
            {
                "name": name,
                "required": each.required,
                "default": each.default,
                "description": each.description,
            }
            for name, each in workflow.inputs.items()
        ],
        "steps": [{"id": step.id, "kind": step.kind, "group": group} for step, group in workflow.flat()],
        "tools": sorted(workflow.tools),
    }
