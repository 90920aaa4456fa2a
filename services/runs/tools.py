"""A run's tool calls, from the model's wish to the committed result. After a crash it goes on where that was."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager

import structlog

from models.approvals import Approval
from models.commands import Command, FinishTool, RequestTools, RunFence, StartTools
from models.errors import NotSupported
from models.ids import EpochMs
from models.messages import Message
from models.payloads import AnyToolResult, StoredPayload, ToolCall
from models.runs import Run
from models.states import Mode
from models.text import cleaned
from models.tools import ToolSpec
from services.access import SYSTEM
from services.engine.context import Context
from services.runs.toolbox import Toolbox, Wanted, open_calls
from services.runs.turn_time import TurnTime
from services.sessions.manager import SessionManager
from services.store.reads import MessageQuery
from services.tools.results import BUDGET_TOKENS, fits

log = structlog.get_logger(__name__)

RESULTS_PAGE = 200
LAST_CHARS = 300
"""Of a result's last line: some are one line of megabytes."""


class RunTools:
    """Raises Fenced once the run was cancelled, taken over or ended."""

    def __init__(
        self, sessions: SessionManager, run: Run, toolbox: Toolbox | None, time: TurnTime | None = None
    ) -> None:
        self._sessions = sessions
        self._run = run
        self._actor = run.actor
        self._fence = RunFence(run.id, run.attempt)
        self._toolbox = toolbox
        self._time = time or TurnTime()
        self._author: str | None = None

    def offered(self, mode: Mode) -> tuple[ToolSpec, ...]:
        return self._toolbox.offered(mode) if self._toolbox is not None else ()

    def expires_at(self) -> EpochMs | None:
        """Until when the user may answer what is asked now."""
        return self._toolbox.expires_at(self._sessions.clock()) if self._toolbox is not None else None

    async def call(self, wanted: Sequence[Wanted], *, depth: int = 0) -> tuple[AnyToolResult, ...]:
        """Asks where policy wants it, runs the calls side by side, commits each result; returns them in the order of
        the calls."""
        await self._submit(await self.request(wanted, depth=depth))
        return await self.finish()

    async def request(self, wanted: Sequence[Wanted], *, depth: int = 0, refusal: str | None = None) -> RequestTools:
        """The command that asks for these calls, as policy judges them now; `refusal` refuses them all and says why."""
        context = await self._sessions.until(self._run.session_id, lambda _: True)
        wish = await self._box().wish_of(await self._user())
        calls = tuple(self._box().judge(each, context, depth, wish, refusal) for each in wanted)
        approvals = {call.call_id: self._sessions.clock.new_id() for call in calls if call.status == "pending"}
        return RequestTools(
            self._fence,
            self._sessions.clock.new_id(),
            self._run.agent,
            calls,
            approvals,
            self._each_time(calls),
            self._servers(calls),
            self.expires_at(),
        )

    async def _submit(self, command: Command) -> None:
        await self._sessions.submit(self._run.session_id, command, self._actor)

    async def _user(self) -> str:
        """Whose message started the run."""
        if self._author is None:
            found = await self._sessions.store.reads.messages(self._run.session_id, [self._run.message_id])
            self._author = found[0].author if found else SYSTEM.user_id
        return self._author

    def _servers(self, calls: Sequence[ToolCall]) -> dict[str, str]:
        """The MCP servers that calls go to, by call id."""
        found = ((call.call_id, self._box().server_of(call.name)) for call in calls)
        return {call_id: server for call_id, server in found if server is not None}

    async def finish(self) -> tuple[AnyToolResult, ...]:
        """Brings the open request, if there is one, to its end: waits for the user, runs what is approved, and gives
        every other call its result."""
        asked = await self._decided()
        calls = asked
        while calls:
            for call in calls:
                if call.status == "denied":
                    await self._deny(call)
            begun = await self._start([call for call in calls if call.status == "approved"])
            await _side_by_side(self._execute(call) for call in begun)
            # Nothing begins that has to be asked for again.
            calls = await self._decided()
        return await self._results([call.call_id for call in asked]) if asked else ()

    async def _decided(self) -> tuple[ToolCall, ...]:
        """The open calls, once the user has said something to all of them."""
        with self._time.waiting():
            context = await self._sessions.until(self._run.session_id, lambda context: not context.approvals)
        return _open(context)

    async def _start(self, calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
        """Those that have begun: all, or none when some are asked for again."""
        if not calls:
            return ()
        not_in_plan = frozenset(call.call_id for call in calls if not self._box().fits_plan(call.name))
        ids = tuple(call.call_id for call in calls)
        await self._submit(StartTools(self._fence, ids, not_in_plan, self._each_time(calls), self.expires_at()))
        context = await self._sessions.until(self._run.session_id, lambda _: True)
        return tuple(call for call in _open(context) if call.status == "executing")

    def _each_time(self, calls: Iterable[ToolCall]) -> frozenset[str]:
        return frozenset(call.call_id for call in calls if self._box().is_dangerous(call.name))

    async def _execute(self, call: ToolCall) -> None:
        with self._sessions.tracing.tool_call(call) as ended, self._logged(call) as told:
            outcome = await self._box().run(self._run, call, self._content_of, self._sessions.clock)
            told(outcome.status, outcome.note)
            ended(outcome.status)
        message_id = self._sessions.clock.new_id()
        command = FinishTool(
            self._fence,
            message_id,
            call.call_id,
            outcome.status,
            output=outcome.output,
            error=outcome.error,
            duration_ms=outcome.duration_ms,
            handle=None if fits(outcome.output, BUDGET_TOKENS) else message_id,
            artifact=outcome.artifact,
        )
        await self._submit(command)

    async def _deny(self, call: ToolCall) -> None:
        """What policy refused is an error that the model can mend; what the user denied is a denial; what the user
        answered in the tool's place is its result."""
        message_id = self._sessions.clock.new_id()
        approval = None if call.decided_by == "policy" else await self._approval(call)
        said = cleaned(approval.answer or "") if approval is not None else ""
        if call.decided_by == "policy":
            reason = call.refusal or "This call is not possible"
            command = FinishTool(self._fence, message_id, call.call_id, "error", error=reason)
        elif approval is not None and approval.state == "responded":
            command = FinishTool(self._fence, message_id, call.call_id, "ok", output=said)
        else:
            reason = f"The user did not allow this: {said}" if said else "The user did not allow this"
            command = FinishTool(self._fence, message_id, call.call_id, "denied", error=reason)
        with self._logged(call) as told:
            await self._submit(command)
            told(command.status)

    @contextmanager
    def _logged(self, call: ToolCall) -> Iterator[Callable[..., None]]:
        """One line for each call, however it ends, with nobody's words: what is given in the block is the outcome."""
        started, outcome = time.monotonic(), ("cancelled", "")

        def told(status: str, note: str = "") -> None:
            nonlocal outcome
            outcome = (status, note)

        try:
            yield told
        finally:
            status, note = outcome
            more = {"note": note} if note else {}
            log.info(
                "tool call",
                session=self._run.session_id,
                run=self._run.id,
                call=call.call_id,
                tool=call.name,
                outcome=status,
                duration_ms=round((time.monotonic() - started) * 1000),
                **more,
            )

    async def _approval(self, call: ToolCall) -> Approval | None:
        approvals = await self._sessions.store.reads.approvals(self._run.session_id)
        return next((each for each in reversed(approvals) if each.call_id == call.call_id), None)

    async def _results(self, call_ids: Sequence[str]) -> tuple[AnyToolResult, ...]:
        """Read from the newest back, until each call has its own: there may be more calls than a page holds."""
        found: dict[str, AnyToolResult] = {}
        before = 2**62
        while before > 1 and not found.keys() >= set(call_ids):
            query = MessageQuery(take=RESULTS_PAGE, before=before)
            page = await self._sessions.store.reads.page(self._run.session_id, query)
            payloads = [await self._payload(message) for message in page.messages if message.run_id == self._run.id]
            found = {each.call_id: each for each in payloads if isinstance(each, AnyToolResult)} | found
            before = page.first_position
        return tuple(found[call_id] for call_id in call_ids if call_id in found)

    async def _payload(self, message: Message) -> StoredPayload | None:
        """A large result is not in a page of many of them."""
        if not message.truncated or message.kind not in ("tool_result", "mcp_tool_result"):
            return message.payload
        found = await self._sessions.store.reads.messages(self._run.session_id, [message.id])
        return found[0].payload if found else None

    async def _content_of(self, message_id: str) -> str | None:
        found = await self._sessions.store.reads.messages(self._run.session_id, [message_id])
        return found[0].content if found else None

    def _box(self) -> Toolbox:
        if self._toolbox is None:
            raise NotSupported("This server has no tools")
        return self._toolbox


def why_failed(result: AnyToolResult) -> str:
    """In one line. What came to an end of its own says in its last one how."""
    lines = result.output.rstrip()[-LAST_CHARS:].splitlines()
    return result.error or ": ".join((f"{result.name} ended as {result.status}", *lines[-1:]))


def _open(context: Context) -> tuple[ToolCall, ...]:
    return tuple(call for request in context.requests for call in open_calls(request))


async def _side_by_side(work: Iterable[Coroutine[None, None, None]]) -> None:
    """All at once; the first error stops the others and is raised as it is."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
