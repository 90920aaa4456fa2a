"""Talking in a session, whatever the transport: messages, workflows, answers to what was asked, the end of a run.
Checks access, completes arguments, and puts commands through the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import structlog

from models.calls import METADATA_MAX_BYTES, ApprovalAnswer, Outgoing
from models.clock import Clock
from models.commands import (
    CancelRun,
    ResolveApproval,
    RetryRun,
    RevokeGrant,
    SendMessage,
)
from models.errors import (
    AlreadyAnswered,
    ApprovalNotFound,
    InvalidArgument,
    MessageNotFound,
    ParleyError,
    PayloadTooLarge,
    UnknownModel,
)
from models.messages import Metadata
from models.payloads import Payload, TextPayload
from models.results import Cancelled, Edited, Sent
from models.runs import OnCrash
from services.access import Access, OnSession, Principal
from services.llm.registry import Providers
from services.pipeline import Draft, Pipeline, standard
from services.runs.agents import Agents
from services.runs.tool_caller import PREFIX as TOOL
from services.sessions.manager import SessionManager
from services.store.reads import MessageQuery
from services.tools.errors import BadArguments, ToolUnavailable, UnknownTool
from services.tools.registry import ToolRegistry
from services.workflows.registry import PREFIX, Workflows

log = structlog.get_logger(__name__)

RETRY_LOOKS_BACK = 200
INPUT_MAX_BYTES = METADATA_MAX_BYTES


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Work by name: its agent, in which words it is asked for, and what it is given."""

    agent: str
    content: str
    given: Mapping[str, Any]
    on_crash: OnCrash


@dataclass(frozen=True)
class Chat:
    """`version` is the session's as the caller knows it. Raises the errors of the door, and Forbidden,
    SessionNotFound."""

    sessions: SessionManager
    providers: Providers
    agents: Agents
    agent: str = "assistant"
    pipeline: Pipeline = field(default_factory=standard)
    workflows: Workflows = field(default_factory=Workflows)
    tools: ToolRegistry = field(default_factory=ToolRegistry)

    @property
    def clock(self) -> Clock:
        return self.sessions.clock

    @property
    def access(self) -> Access:
        return self.sessions.access

    async def send_message(
        self, principal: Principal, session_id: str, message: Outgoing, version: int | None = None
    ) -> Sent:
        """The same again for the same clientMessageId (I10)."""
        await self.access.check(principal, "write", OnSession(session_id))
        payload, content = _body(message)
        metadata = message.metadata.to_metadata()
        size = len(orjson.dumps(metadata.to_wire()))
        if size > METADATA_MAX_BYTES:
            raise PayloadTooLarge("metadata is too large", field="metadata", limit=METADATA_MAX_BYTES, size=size)
        asked = SendMessage(
            message_id=self.clock.new_id(),
            run_id=self.clock.new_id(),
            author=principal.user_id,
            content=content,
            payload=payload,
            client_message_id=message.client_message_id,
            metadata=metadata,
            on_busy=message.on_busy,
            agent=self.agent,
            on_crash=self.agents.on_crash(self.agent),
        )
        reads = not isinstance(payload, TextPayload)
        if reads and (repeated := await self.sessions.repeated(session_id, asked)):
            return repeated  # the file may be another one by now, or gone
        sees = reads and await self._sees(session_id)
        draft = Draft(session_id, principal.user_id, content, payload, metadata, sees)
        try:
            draft = _with_original(await self.pipeline(draft, self.clock), content)
        except ParleyError:
            if repeated := await self.sessions.repeated(session_id, asked):
                return repeated  # processors may decide otherwise the second time
            raise
        processed = replace(
            asked, content=draft.content, payload=draft.payload, metadata=draft.metadata, steps=draft.steps
        )
        known = replace(processed, digest=asked.written())
        return await self.sessions.handle(session_id, known, principal, expected_version=version)

    async def _sees(self, session_id: str) -> bool:
        """Whether the session's model can see. Raises SessionNotFound: for nobody a file is opened."""
        context = await self.sessions.until(session_id, lambda _: True)
        try:
            return self.providers.resolve(context.model)[1].vision
        except UnknownModel:
            return False

    async def execute_workflow(
        self,
        principal: Principal,
        session_id: str,
        name: str,
        given: Mapping[str, Any],
        client_message_id: str | None = None,
        version: int | None = None,
    ) -> Sent:
        """Sends a message whose run executes the workflow. Raises WorkflowNotFound, InvalidArgument that names the
        input, PayloadTooLarge."""
        await self.access.check(principal, "write", OnSession(session_id))
        self.check_workflow(name, given)
        wanted = _Wanted(f"{PREFIX}{name}", _in_words(f"Run the workflow **{name}**", given), given, "resume")
        return await self._start(principal, session_id, wanted, client_message_id, version)

    def check_workflow(self, name: str, given: Mapping[str, Any]) -> None:
        """Raises WorkflowNotFound, InvalidArgument that names the input, PayloadTooLarge."""
        self.workflows.get(name).complete(given)
        self.check_input(given, "input")

    def check_input(self, given: Mapping[str, Any], field: str) -> None:
        """Raises PayloadTooLarge."""
        size = len(_as_json(given).encode())
        if size > INPUT_MAX_BYTES:
            raise PayloadTooLarge(f"{field} is too large", field=field, limit=INPUT_MAX_BYTES, size=size)

    async def call_tool(
        self,
        principal: Principal,
        session_id: str,
        name: str,
        given: Mapping[str, Any],
        client_message_id: str | None = None,
        version: int | None = None,
    ) -> Sent:
        """Sends a message whose run calls one tool, as a model would. Raises PayloadTooLarge."""
        await self.access.check(principal, "write", OnSession(session_id))
        self.check_input(given, "args")
        wanted = _Wanted(f"{TOOL}{name}", _in_words(f"Call the tool **{name}**", given), given, "fail")
        return await self._start(principal, session_id, wanted, client_message_id, version)

    async def _start(
        self,
        principal: Principal,
        session_id: str,
        wanted: _Wanted,
        client_message_id: str | None,
        version: int | None,
    ) -> Sent:
        command = SendMessage(
            message_id=self.clock.new_id(),
            run_id=self.clock.new_id(),
            author=principal.user_id,
            content=wanted.content,
            payload=TextPayload(text=wanted.content),
            client_message_id=client_message_id,
            metadata=Metadata(source="user_workflow", original_input=_as_json(wanted.given)),
            agent=wanted.agent,
            on_crash=wanted.on_crash,
        )
        return await self.sessions.handle(session_id, command, principal, expected_version=version)

    async def cancel(
        self, principal: Principal, session_id: str, run_id: str | None = None, version: int | None = None
    ) -> Cancelled:
        return await self.sessions.handle(session_id, CancelRun(run_id), principal, expected_version=version)

    async def resolve_approval(
        self, principal: Principal, session_id: str, answer: ApprovalAnswer, version: int | None = None
    ) -> None:
        """The first answer wins. Raises AlreadyAnswered, which says who was faster and what they decided, and
        ApprovalNotFound; InvalidArgument for arguments that the tool can't take. Then the approval stays open."""
        if answer.decision == "edit" and answer.arguments is not None:
            await self.access.check(principal, "approve", OnSession(session_id))
            await self._check_edit(session_id, answer.approval_id, answer.arguments)
        command = ResolveApproval(
            answer.approval_id,
            answer.decision,
            by=principal.user_id,
            arguments=answer.arguments,
            answer=answer.reason,
            scope=answer.scope,
        )
        try:
            await self.sessions.handle(session_id, command, principal, expected_version=version)
        except ApprovalNotFound:
            approvals = await self.sessions.store.reads.approvals(session_id)
            decided = next((each for each in approvals if each.id == answer.approval_id), None)
            if decided is None:
                raise
            raise AlreadyAnswered(
                approval_id=decided.id, state=decided.state, decision=decided.decision, decided_by=decided.decided_by
            ) from None

    async def _check_edit(self, session_id: str, approval_id: str, arguments: Mapping[str, Any]) -> None:
        """A tool that is gone or switched off takes anything: the call says so when it begins."""
        context = await self.sessions.current(session_id)
        asked = next((each for each in context.approvals if each.id == approval_id), None)
        if asked is None or asked.tool is None:
            return
        try:
            self.tools.get(asked.tool).signature.check(arguments)
        except (UnknownTool, ToolUnavailable):
            return
        except BadArguments as error:
            raise InvalidArgument(error.message, field="arguments", argument=error.details.get("field")) from None

    async def revoke_grant(
        self, principal: Principal, session_id: str, tool: str, version: int | None = None
    ) -> Edited:
        return await self.sessions.handle(session_id, RevokeGrant(tool), principal, expected_version=version)

    async def retry(self, principal: Principal, session_id: str, version: int | None = None) -> Sent:
        """Runs again for the newest message of a user. Raises MessageNotFound when nobody has said anything,
        RunAlreadyActive."""
        await self.access.check(principal, "write", OnSession(session_id))
        page = await self.sessions.store.reads.page(session_id, MessageQuery(take=RETRY_LOOKS_BACK, order="desc"))
        asked = next((message for message in page.messages if message.role == "user"), None)
        if asked is None:
            raise MessageNotFound("There is no message to try again for")
        agent = await self._agent_of(session_id, asked.run_id)
        command = RetryRun(self.clock.new_id(), asked.id, principal.user_id, agent, self.agents.on_crash(agent))
        return await self.sessions.handle(session_id, command, principal, expected_version=version)

    async def _agent_of(self, session_id: str, run_id: str | None) -> str:
        """A workflow is tried again as that workflow, from its first step, a tool as that tool; anything else by the
        agent of today."""
        runs = await self.sessions.store.reads.runs(session_id)
        agent = next((run.agent for run in runs if run.id == run_id), self.agent)
        return agent if agent.startswith((PREFIX, TOOL)) else self.agent


def _body(message: Outgoing) -> tuple[Payload, str]:
    """The payload and the plain text that stands for it."""
    payload = message.payload
    if payload is None:
        content = message.content or ""
        return TextPayload(text=content), content
    if isinstance(payload, TextPayload):
        content = payload.text or message.content or ""
        return payload.model_copy(update={"text": content}), content
    return payload, message.content or ""


def _with_original(draft: Draft, content: str) -> Draft:
    """What processors changed keeps what was written, unless the client says itself what that was."""
    if draft.content == content or draft.metadata.original_input is not None:
        return draft
    return replace(draft, metadata=draft.metadata.model_copy(update={"original_input": content}))


def _as_json(given: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(given)).decode()


def _in_words(what: str, given: Mapping[str, Any]) -> str:
    """The whole input, so that another one under the same clientMessageId is noticed."""
    lines = [f"- {key}: {orjson.dumps(value).decode()}" for key, value in given.items()]
    return "\n".join((what, *lines))
