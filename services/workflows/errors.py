"""What can go wrong with a workflow, as conditions.

WorkflowNotFound 404
WorkflowInvalid 400: `details["fields"]` names every mistake of a definition
TemplateFailed 422: an expression could not be worked out; the step fails
WorkflowFailed 409: an execution ended with a failed step; raised by the agent, so that its run fails too
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import Conflict, InvalidArgument, NotFound, ParleyError


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it is (`steps.1.with.path`), and what is wrong."""

    field: str
    message: str


class WorkflowNotFound(NotFound):
    code = "workflow_not_found"
    default_message = "Workflow not found"


class WorkflowInvalid(InvalidArgument):
    code = "workflow_invalid"
    default_message = "The workflow is not valid"

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        told = "; ".join(f"{each.field}: {each.message}" if each.field else each.message for each in problems)
        fields = [{"field": each.field, "message": each.message} for each in problems]
        super().__init__(f"{source}: {told}", field=problems[0].field if problems else "", fields=fields)
        self.problems = tuple(problems)


class TemplateFailed(ParleyError):
    code = "template_failed"
    status = 422
    default_message = "A template could not be worked out"


class WorkflowFailed(Conflict):
    code = "workflow_failed"
    default_message = "The workflow failed"
