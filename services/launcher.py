"""Work that brings its own session: a workflow, or a single call of a tool, by name. Makes the session where none is
named. Never decides whether a tool may run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.calls import CreateSessionBody
from models.errors import Conflict
from models.ids import derived_id
from models.payloads import AnyToolResult
from models.results import Sent
from models.runs import Run
from services.access import OnServer, OnSession, Principal
from services.chat import Chat
from services.engine.context import Context
from services.organizer import Organizer
from services.store.reads import MessageQuery
from services.tools.registry import ToolRegistry

RESULT_WAIT_S = 30.0
"""How long who asks for a single call waits for its result; the call itself goes on."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the work is to be: in a session, or in a new one of a project (by default the Inbox). `version` is the
    session's as the caller knows it. The same `client_message_id` of a user starts one work, in one session."""

    session_id: str | None = None
    project_id: str | None = None
    client_message_id: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Launched:
    session_id: str
    sent: Sent


@dataclass(frozen=True, slots=True)
class Called:
    """`run` is as it was when the wait ended; `result` None when there was none by then."""

    launched: Launched
    run: Run
    result: AnyToolResult | None


@dataclass(frozen=True)
class Launcher:
    """Raises the errors of the door, Forbidden, SessionNotFound, ProjectNotFound."""

    chat: Chat
    organizer: Organizer
    tools: ToolRegistry
    result_wait_s: float = RESULT_WAIT_S

    async def execute_workflow(
        self, principal: Principal, name: str, given: Mapping[str, Any], place: Place
    ) -> Launched:
        """Raises WorkflowNotFound, InvalidArgument that names the input, PayloadTooLarge; then no session was made."""
        await self._may(principal, place)
        self.chat.check_workflow(name, given)
        session_id = await self._session(principal, place)
        sent = await self.chat.execute_workflow(
            principal, session_id, name, given, place.client_message_id, place.version
        )
        return Launched(session_id, sent)

    async def call_tool(self, principal: Principal, name: str, arguments: Mapping[str, Any], place: Place) -> Called:
        """Starts a run that makes one call, approval included, and waits for its end, for a while. Raises UnknownTool,
        ToolUnavailable, PayloadTooLarge; then no session was made."""
        await self._may(principal, place)
        self.tools.get(name)
        self.chat.check_input(arguments, "args")
        session_id = await self._session(principal, place)
        sent = await self.chat.call_tool(principal, session_id, name, arguments, place.client_message_id, place.version)
        run = await self._at_rest(session_id, sent.run_id or "")
        return Called(Launched(session_id, sent), run, await self._result_of(session_id, run.id))

    async def _may(self, principal: Principal, place: Place) -> None:
        """Before anything is looked up for the caller; the door asks again."""
        resource = OnServer() if place.session_id is None else OnSession(place.session_id)
        await self.chat.access.check(principal, "write", resource)

    async def _session(self, principal: Principal, place: Place) -> str:
        if place.session_id is not None:
            return place.session_id
        wanted = CreateSessionBody(project_id=place.project_id)
        if place.client_message_id is None:
            return (await self.organizer.create_session(principal, wanted)).id
        session_id = derived_id(principal.user_id, f"launched/{place.client_message_id}")
        try:
            await self.organizer.create_session(principal, wanted, session_id=session_id)
        except Conflict:
            pass  # made the first time
        return session_id

    async def _at_rest(self, session_id: str, run_id: str) -> Run:
        """The run once it has ended, or waits for the user; or as it is when that takes too long."""

        def rests(context: Context) -> bool:
            waiting = context.run is not None and context.run.id == run_id and context.run.state == "awaiting_input"
            ended = all(each is None or each.id != run_id for each in (context.run, *context.queue))
            return waiting or ended

        try:
            async with asyncio.timeout(self.result_wait_s):
                await self.chat.sessions.until(session_id, rests)
        except TimeoutError:
            pass
        runs = await self.chat.sessions.store.reads.runs(session_id)
        return next(run for run in runs if run.id == run_id)

    async def _result_of(self, session_id: str, run_id: str) -> AnyToolResult | None:
        reads = self.chat.sessions.store.reads
        page = await reads.page(session_id, MessageQuery(order="desc", pool=True))
        found = next((each.id for each in page.messages if each.run_id == run_id and _is_result(each.kind)), None)
        if found is None:
            return None
        (whole,) = await reads.messages(session_id, [found])
        return whole.payload if isinstance(whole.payload, AnyToolResult) else None


def _is_result(kind: str) -> bool:
    return kind in ("tool_result", "mcp_tool_result")
