"""REST of workflows: which there are, and starting one."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from models.calls import Edit, Id, NoArguments, Text, check_tree
from services.access import OnServer
from web.rest.answers import SentAnswer, WorkflowList, WorkflowView
from web.rest.route import Call, NoQuery


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    check_tree(given)
    return given


class ExecuteWorkflowBody(Edit):
    """`input` has a value for each input that the workflow needs. The same `clientMessageId` starts it once."""

    session_id: Id
    input: Annotated[dict[str, Any], AfterValidator(_checked)] = Field(default_factory=dict)
    client_message_id: Annotated[Text | None, Field(min_length=1, max_length=200)] = None


async def list_workflows(call: Call[NoArguments, NoQuery]) -> WorkflowList:
    await call.check("read", OnServer())
    described = call.chat.workflows.describe()
    return WorkflowList(workflows=tuple(WorkflowView.model_validate(each) for each in described))


async def execute_workflow(call: Call[ExecuteWorkflowBody, NoQuery]) -> SentAnswer:
    body = call.body
    sent = await call.chat.execute_workflow(
        call.principal, body.session_id, call.path["name"], body.input, body.client_message_id, call.version
    )
    return SentAnswer.of(sent)
