"""What goes to a model beside what was said, as a caller edits it: the session's mode and model, a branch's
prompt, pins and plan."""

from __future__ import annotations

from dataclasses import dataclass

from models.calls import PIN_MAX_CHARS
from models.commands import AddPin, ChangePlan, RemovePin, SetBranchPrompt, SetMode, SetModel
from models.errors import MessageNotFound
from models.payloads import PlanItem
from models.results import Edited, Pinned
from models.session import Session
from models.states import Mode
from services.access import OnSession, Principal
from services.llm.registry import Providers
from services.sessions.edits import edit
from services.sessions.manager import SessionManager


@dataclass(frozen=True)
class ContextEditor:
    """`version` is the session's as the caller knows it. Raises the errors of the door, and Forbidden, SessionNotFound,
    UnknownModel."""

    sessions: SessionManager
    providers: Providers

    async def set_model(self, principal: Principal, session_id: str, model: str, version: int | None = None) -> Session:
        self.providers.resolve(model)
        return await edit(self.sessions, principal, session_id, SetModel(model, principal.user_id), version)

    async def set_mode(self, principal: Principal, session_id: str, mode: Mode, version: int | None = None) -> Session:
        return await edit(self.sessions, principal, session_id, SetMode(mode, principal.user_id), version)

    async def set_branch_prompt(
        self, principal: Principal, session_id: str, branch: str, prompt: str | None, version: int | None = None
    ) -> Edited:
        command = SetBranchPrompt(branch, prompt)
        return await self.sessions.handle(session_id, command, principal, expected_version=version)

    async def pin(
        self,
        principal: Principal,
        session_id: str,
        message_id: str | None,
        text: str | None,
        version: int | None = None,
    ) -> Pinned:
        """Raises MessageNotFound, Conflict beyond 50 pins or 64 KiB of them. A long message is pinned by its
        beginning."""
        await self.sessions.access.check(principal, "write", OnSession(session_id))
        if message_id is not None:
            found = await self.sessions.store.reads.messages(session_id, [message_id])
            if not found:
                raise MessageNotFound(field="messageId")
            text = found[0].content[:PIN_MAX_CHARS]
        command = AddPin(self.sessions.clock.new_id(), text or "", principal.user_id, message_id)
        return await self.sessions.handle(session_id, command, principal, expected_version=version)

    async def unpin(self, principal: Principal, session_id: str, pin_id: str, version: int | None = None) -> Edited:
        return await self.sessions.handle(session_id, RemovePin(pin_id), principal, expected_version=version)

    async def set_plan(
        self, principal: Principal, session_id: str, items: tuple[PlanItem, ...], version: int | None = None
    ) -> Edited:
        return await self.sessions.handle(session_id, ChangePlan(items), principal, expected_version=version)
