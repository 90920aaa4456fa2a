"""What an agent gets: the session's history, and the ways to write to it while its run holds the session."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, aclosing, asynccontextmanager
from typing import Literal

import orjson

from models.approvals import Approval
from models.commands import (
    AskUser,
    Command,
    CountUsage,
    EmitMessage,
    FinishRun,
    RequestModel,
    RequestTools,
    RunFence,
    Spent,
)
from models.errors import Declined, InvalidArgument, ParleyError, ToolCallFailed
from models.ids import EpochMs
from models.messages import Message, Metadata
from models.payloads import Payload, TextPayload
from models.runs import Run
from models.states import AwaitingLLM
from models.text import cleaned
from services.engine.context import Context
from services.engine.transitions import TRANSITIONS
from services.engine.turn import Turn
from services.llm.provider import ModelEvent, ModelRequest, Provider, open_stream
from services.runs.helpers import first_of
from services.runs.history import History
from services.runs.reply import Reply
from services.runs.toolbox import Toolbox, Wanted
from services.runs.tools import RunTools, why_failed
from services.runs.turn_time import TurnTime
from services.runs.turns import TurnReader
from services.sessions.manager import SessionManager
from services.store.reads import BATCH_BYTES
from services.tracing import Note

HISTORY_DEFAULT = 200
"""Messages that an agent gets which does not say how many it wants."""


class RunContext:
    """Every write raises Fenced once the run was cancelled, taken over or ended: let it pass."""

    def __init__(
        self,
        sessions: SessionManager,
        run: Run,
        *,
        window_s: float,
        toolbox: Toolbox | None = None,
        time: TurnTime | None = None,
    ) -> None:
        self.run = run
        self.actor = run.actor
        self.clock = sessions.clock
        self.time = time or TurnTime()
        self.tools = RunTools(sessions, run, toolbox, self.time)
        self._sessions = sessions
        self._fence = RunFence(run.id, run.attempt)
        self._window_s = window_s
        self._turns = TurnReader(sessions, run)
        self._seen = 0
        self._passes = 0

    def trace(self) -> AbstractContextManager[Note]:
        """A span for this attempt; what it gives is told the code of what failed the run."""
        return self._sessions.tracing.run(self.run)

    @property
    def session_id(self) -> str:
        return self.run.session_id

    @property
    def resuming(self) -> bool:
        """Whether an earlier attempt may have done what the agent is about to do: true in the first pass of a further
        attempt, false when the agent is called again because somebody steered."""
        return self.run.attempt > 1 and not self.again

    @property
    def again(self) -> bool:
        """Whether this attempt called the agent before: it is called again because somebody steered."""
        return self._passes > 1

    async def model(self) -> str:
        """The session's model at this moment: it may be switched between two requests."""
        return (await self._sessions.current(self.session_id)).model

    async def path(self) -> History:
        """The session's history, to be read back as far as wanted. What was said until now counts as taken into
        account."""
        context = await self._sessions.current(self.session_id)
        self._seen = max(self._seen, context.steered)
        return History(self._sessions.store.reads, context, self.run)

    async def history(self, limit: int = HISTORY_DEFAULT) -> tuple[Message, ...]:
        """The newest messages of the active branch, oldest first, without those that wait for runs of their own; what
        this run was asked and did stands together at the end. Begins later when the messages come to more than 32 MiB:
        that is more than a model takes."""
        read: list[Message] = []
        size_bytes = 0
        async with aclosing((await self.path()).newest_first()) as places:
            async for place in places:
                size_bytes += place.size_bytes
                if len(read) == limit or (size_bytes > BATCH_BYTES and read):
                    break
                if not place.waiting:
                    read.append(place.message)
        return tuple(read[::-1])

    def stream(self, *, model: str = "", author: str | None = None) -> Reply:
        """A reply that grows in front of everybody; use it in an `async with`."""
        return Reply(
            self._sessions,
            self.session_id,
            self._fence,
            by=self.actor,
            message_id=self.clock.new_id(),
            author=author or self.run.agent,
            model=model,
            window_s=self._window_s,
        )

    @asynccontextmanager
    async def open_stream(self, provider: Provider, request: ModelRequest) -> AsyncIterator[AsyncIterator[ModelEvent]]:
        """The model's reply as it comes, closed on leaving the block."""
        with self._sessions.tracing.model_request(request) as look:
            async with open_stream(provider, request) as events:
                yield look(events)

    async def request_model(self, request_id: str) -> None:
        """Shows that a model was asked. The next step is `stream` or `emit`."""
        await self._submit(RequestModel(self._fence, request_id))

    async def wait_to_ask(self, model: str, why: str, wait_s: float, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Shows until when, and why, `model` is not asked. Over sooner once another model is chosen, or somebody wants
        to try again at once."""
        until = EpochMs(self.clock() + math.ceil(wait_s * 1000))
        request_id = self.clock.new_id()
        await self._submit(RequestModel(self._fence, request_id, until, cleaned(why)))

        def unwanted(context: Context) -> bool:
            return context.model != model or not (
                isinstance(context.state, AwaitingLLM) and context.state.retry_at_utc is not None
            )

        with self.time.waiting():
            await first_of(sleep(wait_s), self._sessions.until(self.session_id, unwanted))

    async def emit(
        self,
        content: str,
        *,
        payload: Payload | None = None,
        role: Literal["agent", "system"] = "agent",
        author: str | None = None,
        metadata: Metadata | None = None,
    ) -> str:
        """Writes a whole message; returns its id. Without `payload` it is text. Raises InvalidArgument for another
        role: what a user says steers the run, and a run that steers itself never ends."""
        if role not in ("agent", "system"):
            raise InvalidArgument("An agent speaks as agent or system", field="role")
        text = cleaned(content)
        command = EmitMessage(
            self._fence,
            message_id=self.clock.new_id(),
            author=author or self.run.agent,
            role=role,
            content=text,
            payload=payload or TextPayload(text=text),
            metadata=metadata or Metadata(source="ai_generated"),
        )
        await self._submit(command)
        return command.message_id

    async def turn(self) -> Turn:
        """What the run has done since the user's last word, in earlier attempts too."""
        turn = await self._turns.now()
        self.time.follow(turn, self.clock())
        return turn

    async def in_time(self) -> None:
        """For before a step that takes long: where the turn has taken longer than it may, the user says whether it goes
        on. Raises Declined."""
        if not self.time.limited:
            return
        turn = await self.turn()
        if (question := self.time.question()) is not None:
            await self.ask_about_limit(question, key=f"time {turn.since}")
            await self.turn()

    async def context(self) -> Context:
        """The session's context at this moment."""
        return await self._sessions.until(self.session_id, lambda _: True)

    async def count_usage(self, spent: Spent) -> None:
        """For a reply that left no message which could say what it cost."""
        await self._submit(CountUsage(self._fence, spent))

    async def request_tools(self, command: RequestTools) -> None:
        """Commits a request of `ctx.tools.request`, when there is no reply to go with it."""
        await self._submit(command)

    async def call_tool(self, name: str, **arguments: object) -> str:
        """Calls one tool as a model would, approval included; returns its output. Raises ToolCallFailed."""
        await self.in_time()
        wanted = Wanted(self.clock.new_id(), name, orjson.dumps(arguments).decode())
        (result,) = await self.tools.call((wanted,))
        if result.status != "ok":
            output = {"output": result.output} if result.output else {}
            raise ToolCallFailed(why_failed(result), status=result.status, **output)
        return result.output

    async def ask(self, question: str, *, options: Sequence[str] = (), key: str | None = None) -> str:
        """Puts a question to the user and waits for the answer, however long, also across a restart: an agent that is
        run again gets the answer that was given. `key` tells apart questions with the same text. Raises Declined."""
        return await self._ask("question", question, tuple(options), key or question)

    async def ask_about_limit(self, question: str, key: str) -> str:
        """The same for a limit that was reached: the run waits instead of failing. Who went on once is asked again at
        the next limit, so the answer to an earlier question never counts."""
        return await self._ask("limit", question, (), f"{key} {self.clock.new_id()}")

    async def was_stopped_at_limit(self) -> bool:
        """Whether an earlier attempt of this run was told, or got no answer in time, not to go on."""
        if not self.resuming:
            return False
        approvals = await self._sessions.store.reads.approvals(self.session_id)
        asked = [each for each in approvals if each.run_id == self.run.id and each.kind == "limit"]
        return bool(asked) and asked[-1].state != "responded"

    async def _ask(self, kind: Literal["question", "limit"], question: str, options: tuple[str, ...], key: str) -> str:
        if await self._answer(key) is None:
            command = AskUser(self._fence, self.clock.new_id(), kind, question, options, key, self.tools.expires_at())
            await self._submit(command)
        with self.time.waiting():
            await self._sessions.until(self.session_id, lambda context: not context.approvals)
        answered = await self._answer(key)
        if answered is None or answered.state != "responded":
            raise Declined(answered.answer if answered is not None and answered.answer else None)
        return answered.answer or ""

    async def _answer(self, key: str) -> Approval | None:
        approvals = await self._sessions.store.reads.approvals(self.session_id)
        return next((each for each in reversed(approvals) if (each.run_id, each.key) == (self.run.id, key)), None)

    async def _submit(self, command: Command) -> None:
        await self._sessions.submit(self.session_id, command, self.actor)

    async def leave_trace(self, error: ParleyError, model: str | None = None) -> None:
        """A reply that never was, closed with its error: who reads the session later sees why nothing follows. Nothing
        where something open is closed with it."""
        context = await self.context()
        if "begin" in TRANSITIONS[context.state.name]:
            async with self.stream(model=context.model if model is None else model) as reply:
                await reply.finish(f"error: {error.message}", status="error")

    def mark_seen(self) -> None:
        """Everything said until now counts as taken into account; called before the agent begins anew."""
        self._passes += 1
        context = self._sessions.shown(self.session_id)
        if context is not None:
            self._seen = max(self._seen, context.steered)

    async def finish(self, error: str | None = None) -> None:
        """Ends the run. Raises IllegalTransition with `unseen` in its details while a steering message waits."""
        await self._submit(FinishRun(self._fence, self._seen, error))
