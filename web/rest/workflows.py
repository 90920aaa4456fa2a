"""REST of work that is started by name: workflows, and (deprecated) single calls of tools."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from models.calls import Edit, Id, NoArguments, Text, check_tree
from services.access import OnServer
from services.launcher import Launched, Place
from services.runs.tools import why_failed
from web.rest.answers import LaunchedAnswer, ToolCallAnswer, WorkflowList, WorkflowView
from web.rest.route import Call, NoQuery


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    check_tree(given)
    return given


Given = Annotated[dict[str, Any], AfterValidator(_checked)]


class Launch(Edit):
    """Without `sessionId` a session is made, in the project that is named or in the Inbox. The same `clientMessageId`
    starts the work once."""

    session_id: Id | None = None
    project_id: Id | None = None
    client_message_id: Annotated[Text | None, Field(min_length=1, max_length=200)] = None


class ExecuteWorkflowBody(Launch):
    """`input` has a value for each input that the workflow needs."""

    input: Given = Field(default_factory=dict)


class ExecuteToolBody(Launch):
    """`args` are the tool's own arguments. `tool_name` is taken too."""

    tool_name: Annotated[Text, Field(min_length=1, max_length=200)]
    args: Given = Field(default_factory=dict)


async def list_workflows(call: Call[NoArguments, NoQuery]) -> WorkflowList:
    await call.check("read", OnServer())
    described = call.chat.workflows.describe()
    return WorkflowList(workflows=tuple(WorkflowView.model_validate(each) for each in described))


async def execute_workflow(call: Call[ExecuteWorkflowBody, NoQuery]) -> LaunchedAnswer:
    body = call.body
    place = Place(body.session_id, body.project_id, body.client_message_id, call.version)
    return _launched(await call.launcher.execute_workflow(call.principal, call.path["name"], body.input, place))


def _launched(launched: Launched) -> LaunchedAnswer:
    sent = launched.sent
    return LaunchedAnswer(session_id=launched.session_id, message_id=sent.message_id, seq=sent.seq, run_id=sent.run_id)


async def execute_tool(call: Call[ExecuteToolBody, NoQuery]) -> ToolCallAnswer:
    body = call.body
    place = Place(body.session_id, body.project_id, body.client_message_id, call.version)
    called = await call.launcher.call_tool(call.principal, body.tool_name, body.args, place)
    result = called.result
    failure = called.run.reason if result is None else why_failed(result) if result.status != "ok" else None
    return ToolCallAnswer(
        **dict(_launched(called.launched)),
        success=result is not None and result.status == "ok",
        tool_name=body.tool_name,
        state=called.run.state,
        status=result.status if result is not None else None,
        output=result.output if result is not None else None,
        error=failure,
    )
