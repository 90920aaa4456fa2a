"""Random histories of a session, reproducible from whatever picks: commands that are mostly legal, and their events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from models.commands import (
    AbandonRun,
    AppendDelta,
    BeginStream,
    CancelRun,
    Command,
    DeleteSession,
    EmitMessage,
    FinalizeStream,
    FinishRun,
    RenameSession,
    RequestModel,
    RestoreSession,
    RunFence,
    SendMessage,
    SetModel,
    StartRun,
    TakeOverRun,
)
from models.messages import MessageStatus
from models.payloads import FileReferencePayload, ImagePayload, Payload, PlanItem, PlanPayload, TextPayload
from models.runs import OnBusy
from models.usage import Usage
from services.engine.context import Context

Item = TypeVar("Item")

TEXTS = (
    "hello",
    "Привет, мир",
    "日本語 👩‍👩‍👧 \U0010ffff",
    'quotes " and \\ and \n two lines\ttab',
    "",
    "word " * 40,
    "large " * 12_000,
)
KINDS: tuple[str, ...] = (
    "send",
    "cancel",
    "start",
    "request",
    "begin",
    "append",
    "finalize",
    "emit",
    "finish",
    "take_over",
    "abandon",
    "rename",
    "set_model",
    "delete",
    "restore",
)
RUN_KINDS = ("request", "begin", "append", "finalize", "emit", "finish")


@dataclass
class Maker:
    """Makes commands for a context. `pick` chooses one of several; equal choices make equal histories."""

    pick: Callable[[Sequence[Any]], Any]
    made: int = 0

    def choose(self, items: Sequence[Item]) -> Item:
        chosen: Item = self.pick(items)
        return chosen

    def new(self, prefix: str) -> str:
        self.made += 1
        return f"{prefix}-{self.made}"

    def likely_kind(self, context: Context) -> str:
        """A kind that the context probably allows, so that histories come far."""
        if context.deleted_at is not None:
            return "restore"
        if context.run is None:
            return "start" if context.queue else "send"
        match context.state.name:
            case "streaming_response":
                return self.choose(("append", "append", "append", "append", "finalize", "send"))
            case "awaiting_llm":
                return self.choose(("begin", "begin", "emit", "request"))
            case _:
                return self.choose(("request", "begin", "emit", "finish", "take_over"))

    def any_command(self, context: Context) -> Command:
        kind = self.likely_kind(context) if self.choose((True, True, True, False)) else self.choose(KINDS)
        return self.command(kind, context)

    def command(self, kind: str, context: Context, fence: RunFence | None = None) -> Command:
        if kind in RUN_KINDS:
            return self.run_command(kind, context, fence or self.fence(context))
        match kind:
            case "send":
                return self.send()
            case "cancel":
                waiting = [run.id for run in context.queue]
                return CancelRun(self.choose([None, self.fence(context).run_id, "nobody", *waiting]))
            case "start":
                return StartRun(context.queue[0].id if context.queue else "nobody")
            case "take_over":
                held = fence or self.fence(context)
                return TakeOverRun(held.run_id, held.attempt, "the process died")
            case "abandon":
                held = fence or self.fence(context)
                return AbandonRun(held.run_id, held.attempt, "the process died")
            case "rename":
                version = self.choose((None, context.version, context.version + 1))
                return RenameSession(self.choose(("One", "Two", "Ünï")), version)
            case "set_model":
                return SetModel(self.choose(("demo", "scripted:words=2")))
            case "delete":
                return DeleteSession()
            case _:
                return RestoreSession()

    def run_command(self, kind: str, context: Context, fence: RunFence) -> Command:
        streaming = context.stream.message.id if context.stream else "none"
        text = self.choose(TEXTS)
        match kind:
            case "request":
                return RequestModel(fence, self.new("request"))
            case "begin":
                return BeginStream(fence, self.new("message"), "assistant", "demo")
            case "append":
                return AppendDelta(fence, self.choose((streaming, streaming, streaming, "other")), text or "x")
            case "finalize":
                usage = self.choose((None, Usage(input_tokens=3, output_tokens=4)))
                status: MessageStatus = self.choose(("complete", "error"))
                return FinalizeStream(fence, streaming, "stop", status, usage, self.choose((None, 7)))
            case "emit":
                emitted: tuple[Payload, ...] = (
                    TextPayload(text=text),
                    PlanPayload(items=(PlanItem(id="1", text="do"),)),
                )
                payload = self.choose(emitted)
                return EmitMessage(fence, self.new("message"), "assistant", "agent", text, payload)
            case _:
                return FinishRun(fence, self.choose((0, context.pool_count)), self.choose((None, None, "broke")))

    def send(self) -> SendMessage:
        text = self.choose(TEXTS)
        payloads: tuple[Payload, ...] = (
            TextPayload(text=text),
            TextPayload(text=text, format="plain"),
            ImagePayload(source="url", data="http://127.0.0.1/i.png", mime_type="image/png"),
            FileReferencePayload(path="a/b.py", start_line=1, end_line=2),
        )
        payload = self.choose(payloads)
        on_busy: OnBusy = self.choose(get_args(OnBusy))
        return SendMessage(
            message_id=self.new("message"),
            run_id=self.new("run"),
            author=self.choose(("ann", "bob")),
            content=text,
            payload=payload,
            client_message_id=self.choose((None, self.new("client"))),
            on_busy=on_busy,
            on_crash=self.choose(("resume", "fail")),
        )

    def fence(self, context: Context) -> RunFence:
        """The fence of the active run; one that nobody holds when none is active."""
        run = context.run
        return RunFence(run.id, run.attempt) if run else RunFence("nobody", 1)


def stale_fences(context: Context) -> tuple[RunFence, ...]:
    """Fences that must not pass: the attempts before and after the present one, and another run's."""
    run = context.run
    if run is None:
        return (RunFence("nobody", 1),)
    return (RunFence(run.id, run.attempt - 1), RunFence(run.id, run.attempt + 1), RunFence("nobody", run.attempt))
