"""What a caller can do with sessions and projects, whatever the transport: checks access, completes arguments, and puts
commands through the door. REST and Socket.IO are thin over this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import structlog

from models.calls import METADATA_MAX_BYTES, PIN_MAX_CHARS, ApprovalAnswer, CreateSessionBody, Outgoing
from models.clock import Clock
from models.commands import (
    AddPin,
    ArchiveContext,
    CancelRun,
    ChangePlan,
    CreateSession,
    DeleteSession,
    RemovePin,
    RenameSession,
    ResolveApproval,
    RestoreSession,
    RetryRun,
    RevokeGrant,
    SendMessage,
    SetBranchPrompt,
    SetMode,
    SetModel,
    UnarchiveContext,
)
from models.errors import (
    AlreadyAnswered,
    ApprovalNotFound,
    Conflict,
    MessageNotFound,
    ParleyError,
    PayloadTooLarge,
    ProjectNotFound,
    SessionNotFound,
    UnknownModel,
)
from models.ids import EpochMs
from models.messages import Metadata
from models.payloads import Payload, PlanItem, TextPayload
from models.results import Cancelled, Pinned, Sent
from models.session import Project, Session
from models.states import Mode
from services.access import Access, Principal
from services.llm.registry import Providers
from services.pipeline import Draft, Pipeline, standard
from services.runs.agents import Agents
from services.search.query import SearchPage, SearchQuery
from services.sessions.branches import Branches
from services.sessions.manager import SessionManager
from services.store.lists import SessionPage, SessionQuery
from services.store.projects import Projects
from services.store.reads import MessageQuery
from services.store.store import Store
from services.users import Users
from services.workflows.registry import PREFIX, Workflows

log = structlog.get_logger(__name__)

RESTORABLE_MS = 30 * 24 * 3600 * 1000
"""How long a deleted session can be restored; then it is purged."""
RETRY_LOOKS_BACK = 200
INPUT_MAX_BYTES = METADATA_MAX_BYTES


@dataclass(frozen=True)
class Chat:
    """Raises the errors of the door, and Forbidden, ProjectNotFound, SessionNotFound, UnknownModel."""

    sessions: SessionManager
    projects: Projects
    providers: Providers
    agents: Agents
    access: Access
    users: Users
    model: str
    agent: str = "assistant"
    pipeline: Pipeline = field(default_factory=standard)
    workflows: Workflows = field(default_factory=Workflows)

    @property
    def clock(self) -> Clock:
        return self.sessions.clock

    @property
    def store(self) -> Store:
        return self.sessions.store

    async def create_session(self, principal: Principal, wanted: CreateSessionBody) -> Session:
        self.access.check(principal, "write")
        project = await self._project(wanted.project_id)
        model = wanted.model or await self._preferred_model(principal) or self.model
        self.providers.resolve(model)
        session_id = self.clock.new_id()
        command = CreateSession(self.clock.new_id(), project.id, project.name, (wanted.title or "").strip(), model)
        await self.sessions.handle(session_id, command, principal)
        return await self.store.reads.session(session_id)

    async def _preferred_model(self, principal: Principal) -> str | None:
        """The user's default, unless it is not known any more."""
        model = (await self.users.state(principal.user_id)).preferences.default_model
        if model is None:
            return None
        try:
            self.providers.resolve(model)
        except UnknownModel:
            log.warning("a user's default model is unknown", user=principal.user_id, model=model, instead=self.model)
            return None
        return model

    async def send_message(self, principal: Principal, session_id: str, message: Outgoing) -> Sent:
        """The same again for the same clientMessageId (I10)."""
        self.access.check(principal, "write")
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
            draft = _with_original(await self.pipeline(draft), content)
        except ParleyError:
            if repeated := await self.sessions.repeated(session_id, asked):
                return repeated  # processors may decide otherwise the second time
            raise
        processed = replace(asked, content=draft.content, payload=draft.payload, metadata=draft.metadata)
        return await self.sessions.handle(session_id, replace(processed, digest=asked.written()), principal)

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
    ) -> Sent:
        """Sends a message whose run executes the workflow. Raises WorkflowNotFound, InvalidArgument that names the
        input, PayloadTooLarge."""
        self.access.check(principal, "write")
        workflow = self.workflows.get(name)
        workflow.complete(given)
        original = orjson.dumps(dict(given)).decode()
        if len(original.encode()) > INPUT_MAX_BYTES:
            raise PayloadTooLarge("input is too large", field="input", limit=INPUT_MAX_BYTES, size=len(original))
        content = _in_words(name, given)
        command = SendMessage(
            message_id=self.clock.new_id(),
            run_id=self.clock.new_id(),
            author=principal.user_id,
            content=content,
            payload=TextPayload(text=content),
            client_message_id=client_message_id,
            metadata=Metadata(source="user_workflow", original_input=original),
            agent=f"{PREFIX}{name}",
            on_crash="resume",
        )
        return await self.sessions.handle(session_id, command, principal)

    async def cancel(self, principal: Principal, session_id: str, run_id: str | None = None) -> Cancelled:
        return await self.sessions.handle(session_id, CancelRun(run_id), principal)

    async def rename(self, principal: Principal, session_id: str, title: str, version: int | None) -> Session:
        await self.sessions.handle(session_id, RenameSession(title, version), principal)
        return await self.store.reads.session(session_id)

    async def set_model(self, principal: Principal, session_id: str, model: str) -> Session:
        self.providers.resolve(model)
        await self.sessions.handle(session_id, SetModel(model), principal)
        return await self.store.reads.session(session_id)

    async def set_mode(self, principal: Principal, session_id: str, mode: Mode) -> Session:
        await self.sessions.handle(session_id, SetMode(mode), principal)
        return await self.store.reads.session(session_id)

    async def resolve_approval(self, principal: Principal, session_id: str, answer: ApprovalAnswer) -> None:
        """The first answer wins. Raises AlreadyAnswered, which says who was faster and what they decided, and
        ApprovalNotFound."""
        command = ResolveApproval(
            answer.approval_id,
            answer.decision,
            by=principal.user_id,
            arguments=answer.arguments,
            answer=answer.reason,
            scope=answer.scope,
        )
        try:
            await self.sessions.handle(session_id, command, principal)
        except ApprovalNotFound:
            approvals = await self.store.reads.approvals(session_id)
            decided = next((each for each in approvals if each.id == answer.approval_id), None)
            if decided is None:
                raise
            raise AlreadyAnswered(
                approval_id=decided.id, state=decided.state, decision=decided.decision, decided_by=decided.decided_by
            ) from None

    async def revoke_grant(self, principal: Principal, session_id: str, tool: str) -> None:
        await self.sessions.handle(session_id, RevokeGrant(tool), principal)

    async def retry(self, principal: Principal, session_id: str) -> Sent:
        """Runs again for the newest message of a user. Raises MessageNotFound when nobody has said anything,
        RunAlreadyActive."""
        page = await self.store.reads.page(session_id, MessageQuery(take=RETRY_LOOKS_BACK, order="desc"))
        asked = next((message for message in page.messages if message.role == "user"), None)
        if asked is None:
            raise MessageNotFound("There is no message to try again for")
        agent = await self._agent_of(session_id, asked.run_id)
        command = RetryRun(self.clock.new_id(), asked.id, agent, self.agents.on_crash(agent))
        return await self.sessions.handle(session_id, command, principal)

    async def _agent_of(self, session_id: str, run_id: str | None) -> str:
        """A workflow is tried again as that workflow, from its first step; anything else by the agent of today."""
        runs = await self.store.reads.runs(session_id)
        agent = next((run.agent for run in runs if run.id == run_id), self.agent)
        return agent if agent.startswith(PREFIX) else self.agent

    async def archive(self, principal: Principal, session_id: str) -> Session:
        """Puts a session away: readable, nothing can be said. Raises RunAlreadyActive."""
        await self.sessions.handle(session_id, ArchiveContext(), principal)
        return await self.store.reads.session(session_id)

    async def unarchive(self, principal: Principal, session_id: str) -> Session:
        await self.sessions.handle(session_id, UnarchiveContext(), principal)
        return await self.store.reads.session(session_id)

    @property
    def branches(self) -> Branches:
        return Branches(self.sessions)

    async def set_branch_prompt(self, principal: Principal, session_id: str, branch: str, prompt: str | None) -> None:
        await self.sessions.handle(session_id, SetBranchPrompt(branch, prompt), principal)

    async def pin(self, principal: Principal, session_id: str, message_id: str | None, text: str | None) -> Pinned:
        """Raises MessageNotFound, Conflict beyond 50 pins or 64 KiB of them. A long message is pinned by its
        beginning."""
        if message_id is not None:
            found = await self.store.reads.messages(session_id, [message_id])
            if not found:
                raise MessageNotFound(field="messageId")
            text = found[0].content[:PIN_MAX_CHARS]
        command = AddPin(self.clock.new_id(), text or "", principal.user_id, message_id)
        return await self.sessions.handle(session_id, command, principal)

    async def unpin(self, principal: Principal, session_id: str, pin_id: str) -> None:
        await self.sessions.handle(session_id, RemovePin(pin_id), principal)

    async def set_plan(self, principal: Principal, session_id: str, items: tuple[PlanItem, ...]) -> None:
        await self.sessions.handle(session_id, ChangePlan(items), principal)

    async def delete(
        self, principal: Principal, session_id: str, *, purge: bool = False, version: int | None = None
    ) -> None:
        """Cancels the run; `purge` leaves nothing to restore. Raises VersionMismatch."""
        try:
            await self.sessions.handle(session_id, DeleteSession(version), principal, action="manage")
        except SessionNotFound:
            # Deleted before: what is left of it can still be purged.
            if not purge or version is not None:
                raise
        if purge:
            await self._purge(session_id)

    async def _purge(self, session_id: str) -> None:
        await self.sessions.purge(session_id)
        await self.users.forget_session(session_id)

    async def restore(self, principal: Principal, session_id: str) -> Session:
        await self.sessions.handle(session_id, RestoreSession(), principal, action="manage")
        return await self.store.reads.session(session_id)

    async def set_current(
        self, principal: Principal, project_id: str, session_id: str, version: int | None = None
    ) -> Project:
        self.access.check(principal, "write")
        session = await self.store.reads.session(session_id)
        if session.project_id != project_id:
            raise Conflict("The session belongs to another project", projectId=session.project_id)
        return await self.projects.set_current(project_id, session_id, version)

    async def list_sessions(self, principal: Principal, query: SessionQuery) -> SessionPage:
        """Raises ProjectNotFound, InvalidArgument for a cursor of another list."""
        self.access.check(principal, "read")
        await self._check_project(query.project_id)
        return await self.store.reads.sessions(query)

    async def search(self, principal: Principal, query: SearchQuery) -> SearchPage:
        """Raises ProjectNotFound, InvalidArgument for a question without a word and for a cursor of another one."""
        self.access.check(principal, "read")
        await self._check_project(query.project_id)
        return await self.store.search.find(query)

    async def _check_project(self, project_id: str | None) -> None:
        if project_id is not None:
            await self.projects.get(project_id)

    async def purge_expired(self) -> int:
        """Removes what was deleted more than 30 days ago; returns how many."""
        before = EpochMs(self.clock() - RESTORABLE_MS)
        purged = 0
        for session_id in await self.store.reads.expired(before):
            try:
                await self._purge(session_id)
                purged += 1
            except (Conflict, SessionNotFound):
                continue  # restored, or purged by hand, since it was listed
        return purged

    async def _project(self, project_id: str | None) -> Project:
        if project_id is None:
            return await self.projects.inbox()
        try:
            return await self.projects.get(project_id)
        except ProjectNotFound as error:
            raise ProjectNotFound(field="projectId") from error


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


def _in_words(name: str, given: Mapping[str, Any]) -> str:
    """The whole input, so that another one under the same clientMessageId is noticed."""
    lines = [f"- {key}: {orjson.dumps(value).decode()}" for key, value in given.items()]
    return "\n".join((f"Run the workflow **{name}**", *lines))
