"""Spans for who watches the server with OpenTelemetry: their names, their attributes, and how they hang together.

A command is the parent of its append and of what it shows; a run is the child of the command that asked for it, and the
parent of its model requests, its tool calls and its own commands. Chunks of a reply have no spans, and no attribute has
anybody's words. Nothing is imported and nothing recorded unless the process has configured a tracer provider.
"""

from __future__ import annotations

import sys
from asyncio import Future
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from models.commands import AppendDelta, Command, RetryRun, SendMessage, StartRun, TakeOverRun
from models.errors import ParleyError
from models.payloads import ToolCall
from models.runs import Run
from services.llm.provider import Finished, ModelEvent, ModelRequest

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

ASKED_MAX = 10_000
"""Runs that wait, whose commands are remembered; beyond it the oldest begins a trace of its own."""
NOWHERE = nullcontext()

OnAppended = Callable[[BaseException | None], None]
Note = Callable[[str], None]
Look = Callable[[AsyncIterator[ModelEvent]], AsyncIterator[ModelEvent]]


class Tracing:
    """Records nothing. What `command` returns is given to `append` and `publish`; None means that there is no span."""

    def command(self, session_id: str, command: Command, answer: Future[Any]) -> Span | None:
        """From the moment that a command is asked for until it is answered."""
        return None

    def append(self, command: Span, events: int, done: OnAppended) -> OnAppended:
        """From here to the call of what is returned, which goes on with `done`."""
        return done

    def publish(self, command: Span | None) -> AbstractContextManager[None]:
        """While listeners are told."""
        return NOWHERE

    def run(self, run: Run) -> AbstractContextManager[Note]:
        """One attempt. What it gives is told the code of what failed the run: nobody's words."""
        return nullcontext(_ignored)

    def model_request(self, request: ModelRequest) -> AbstractContextManager[Look]:
        """What it gives looks at the reply as it passes."""
        return nullcontext(_unseen)

    def tool_call(self, call: ToolCall) -> AbstractContextManager[Note]:
        """What it gives is told how the call ended."""
        return nullcontext(_ignored)


OFF = Tracing()


def configured_tracing() -> Tracing:
    """By what the process has set up before this: without that the API need not even be imported."""
    api = sys.modules.get("opentelemetry.trace")
    if api is None or isinstance(api.get_tracer_provider(), api.ProxyTracerProvider):
        return OFF
    return Spans(api.get_tracer("parley"))


class Spans(Tracing):
    """Records with an OpenTelemetry tracer."""

    def __init__(self, tracer: Tracer) -> None:
        from opentelemetry import context, trace

        self._tracer = tracer
        self._context = context
        self._trace = trace
        self._asked: OrderedDict[str, Context] = OrderedDict()

    def command(self, session_id: str, command: Command, answer: Future[Any]) -> Span | None:
        if isinstance(command, AppendDelta):
            return None
        name = type(command).__name__
        attributes = {"parley.command": name, "gen_ai.conversation.id": session_id}
        parent = self._asked.get(command.run_id) if isinstance(command, StartRun | TakeOverRun) else None
        span = self._tracer.start_span(f"command {name}", context=parent, attributes=attributes)
        if isinstance(command, SendMessage | RetryRun):
            self._remember(command.run_id, self._trace.set_span_in_context(span))
        answer.add_done_callback(lambda _: self._answered(span, answer))
        return span

    def append(self, command: Span, events: int, done: OnAppended) -> OnAppended:
        within = self._trace.set_span_in_context(command)
        span = self._tracer.start_span("append", context=within, attributes={"parley.events": events})

        def appended(error: BaseException | None) -> None:
            if error is not None:
                self._fail(span, type(error).__name__)
            span.end()
            token = self._context.attach(within)
            try:
                done(error)
            finally:
                self._context.detach(token)

        return appended

    @contextmanager
    def publish(self, command: Span | None) -> Iterator[None]:
        if command is None:
            yield
            return
        with self._tracer.start_as_current_span("publish", context=self._trace.set_span_in_context(command)):
            yield

    @contextmanager
    def run(self, run: Run) -> Iterator[Note]:
        attributes: dict[str, str | int] = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": run.agent,
            "gen_ai.conversation.id": run.session_id,
            "parley.run.id": run.id,
            "parley.run.attempt": run.attempt,
        }
        parent = self._asked.pop(run.id, None) or self._context.Context()
        name = f"invoke_agent {run.agent}"
        with self._tracer.start_as_current_span(name, context=parent, attributes=attributes) as span:
            yield lambda reason: self._fail(span, reason)

    @contextmanager
    def model_request(self, request: ModelRequest) -> Iterator[Look]:
        provider = request.model.partition(":")[0]
        model = request.model.removeprefix(f"{provider}:")
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
            "parley.request.id": request.request_id,
        }
        kind = self._trace.SpanKind.CLIENT
        with self._tracer.start_as_current_span(f"chat {model}", kind=kind, attributes=attributes) as span:
            yield lambda events: _noting_the_end(events, span)

    @contextmanager
    def tool_call(self, call: ToolCall) -> Iterator[Note]:
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call.name,
            "gen_ai.tool.call.id": call.call_id,
        }
        with self._tracer.start_as_current_span(f"execute_tool {call.name}", attributes=attributes) as span:
            yield lambda status: self._fail(span, status) if status != "ok" else None

    def _remember(self, run_id: str, command: Context) -> None:
        self._asked[run_id] = command
        if len(self._asked) > ASKED_MAX:
            self._asked.popitem(last=False)

    def _answered(self, span: Span, answer: Future[Any]) -> None:
        error = None if answer.cancelled() else answer.exception()
        if error is not None:
            self._fail(span, error.code if isinstance(error, ParleyError) else type(error).__name__)
        span.end()

    def _fail(self, span: Span, reason: str) -> None:
        span.set_attribute("error.type", reason)
        span.set_status(self._trace.StatusCode.ERROR, reason)


async def _noting_the_end(events: AsyncIterator[ModelEvent], span: Span) -> AsyncIterator[ModelEvent]:
    async for event in events:
        if isinstance(event, Finished):
            span.set_attribute("gen_ai.response.finish_reasons", (event.reason,))
            if event.usage is not None:
                span.set_attribute("gen_ai.usage.input_tokens", event.usage.input_tokens)
                span.set_attribute("gen_ai.usage.output_tokens", event.usage.output_tokens)
        yield event


def _unseen(events: AsyncIterator[ModelEvent]) -> AsyncIterator[ModelEvent]:
    return events


def _ignored(_: str) -> None:
    return None
