"""Random histories of a session, reproducible from whatever picks: commands that are mostly legal, and their events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from models.approvals import ApprovalDecision
from models.branches import Entry
from models.commands import (
    AbandonRun,
    AddPin,
    AppendDelta,
    ArchiveContext,
    AskUser,
    BeginStream,
    BeginWorkflow,
    CancelRun,
    ChangePlan,
    Command,
    CountUsage,
    DeleteSession,
    EmitMessage,
    ExpireApprovals,
    FinalizeStream,
    FinishRun,
    FinishTool,
    Fork,
    Merge,
    RemovePin,
    RenameSession,
    RequestModel,
    RequestTools,
    ResolveApproval,
    RestoreSession,
    RetryRun,
    RevokeGrant,
    RunFence,
    SendMessage,
    SetBranchPrompt,
    SetMode,
    SetModel,
    Spent,
    StartRun,
    StartTools,
    SwitchBranch,
    TakeOverRun,
    UnarchiveContext,
    UpdateWorkflow,
)
from models.ids import EpochMs
from models.messages import MessageStatus
from models.payloads import (
    FileReferencePayload,
    ImagePayload,
    Payload,
    PlanItem,
    PlanPayload,
    TextPayload,
    ToolCall,
    WorkflowExecutionPayload,
    WorkflowStatus,
)
from models.runs import OnBusy
from models.usage import Usage
from services.engine.context import Context
from services.engine.tools import open_request

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
    "count",
    "finish",
    "take_over",
    "abandon",
    "rename",
    "set_model",
    "tools",
    "start_tools",
    "finish_tool",
    "ask",
    "workflow",
    "advance",
    "resolve",
    "expire",
    "revoke",
    "set_mode",
    "fork",
    "switch",
    "merge",
    "branch_prompt",
    "pin",
    "unpin",
    "plan",
    "archive",
    "unarchive",
    "retry",
    "delete",
    "restore",
)
ACTIVE_KINDS = ("request", "begin", "emit", "tools", "tools", "ask", "workflow", "advance", "finish", "take_over")
QUIET_KINDS = ("send", "send", "retry", "fork", "switch", "merge", "pin")
RUN_KINDS = (
    "request",
    "begin",
    "append",
    "finalize",
    "emit",
    "count",
    "tools",
    "start_tools",
    "finish_tool",
    "ask",
    "workflow",
    "advance",
    "finish",
)


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
        if context.state.name == "archived":
            return "unarchive"
        if context.run is None:
            return "start" if context.queue else self.choose(QUIET_KINDS)
        if context.request is not None and context.state.name in ("active", "processing_workflow"):
            return self.choose(("start_tools", "start_tools", "finish_tool", "take_over"))
        match context.state.name:
            case "awaiting_user":
                return self.choose(("resolve", "resolve", "resolve", "send"))
            case "processing_tool":
                return self.choose(("finish_tool", "finish_tool", "finish_tool", "take_over", "finish"))
            case "streaming_response":
                return self.choose(("append", "append", "append", "append", "finalize", "send"))
            case "awaiting_llm":
                return self.choose(("begin", "begin", "emit", "request"))
            case _:
                return self.choose(ACTIVE_KINDS)

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
                return RenameSession(self.choose(("One", "Two", "Ünï")))
            case "set_model":
                return SetModel(self.choose(("demo", "scripted:words=2")), "ann")
            case "resolve":
                return self.resolve(context)
            case "expire":
                return ExpireApprovals()
            case "revoke":
                return RevokeGrant(self.choose(("look", "smash")))
            case "set_mode":
                return SetMode(self.choose(("plan", "act")), "ann")
            case "fork":
                base = self.choose(sorted(context.branches))
                position = self.choose(range(context.branches[base].length + 1))
                prompt = self.choose((None, "Be brief."))
                return Fork(self.new("branch"), base, position, prompt, self.choose((True, True, False)))
            case "switch":
                name = self.choose(sorted(context.branches))
                return SwitchBranch(name, context.branches[name].length, (), "ann")
            case "merge":
                return self.merge(context)
            case "branch_prompt":
                return SetBranchPrompt(self.choose(sorted(context.branches)), self.choose((None, "Be kind.")))
            case "pin":
                return AddPin(self.new("pin"), self.choose(TEXTS[:4]), "ann", self.choose((None, "message-1")))
            case "unpin":
                return RemovePin(self.choose([pin.id for pin in context.branch.pins] or ["no"]))
            case "plan":
                return ChangePlan(self.choose(((), (PlanItem(id="1", text=self.new("step")),))))
            case "archive":
                return ArchiveContext()
            case "unarchive":
                return UnarchiveContext()
            case "retry":
                return RetryRun(self.new("run"), "message-1", "ann", on_crash=self.choose(("resume", "fail")))
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
            case "count":
                return CountUsage(fence, Spent("demo", Usage(input_tokens=2, output_tokens=1)))
            case "tools":
                return self.tools(fence)
            case "start_tools":
                calls = open_request(context)[1] if context.requests else ()
                return StartTools(fence, tuple(call.call_id for call in calls if call.status == "approved") or ("no",))
            case "finish_tool":
                return self.finish_tool(context, fence, text)
            case "workflow":
                running = WorkflowExecutionPayload(name="w", execution_id=self.new("execution"), status="running")
                return BeginWorkflow(fence, self.new("message"), "assistant", running)
            case "advance":
                return self.advance(context, fence)
            case "ask":
                kind_asked: Literal["question", "limit"] = self.choose(("question", "limit"))
                return AskUser(fence, self.new("approval"), kind_asked, "Which?", ("a", "b"), self.new("key"))
            case _:
                return FinishRun(fence, self.choose((0, context.pool_count)), self.choose((None, None, "broke")))

    def tools(self, fence: RunFence) -> RequestTools:
        calls = tuple(
            ToolCall(
                call_id=self.new("call"),
                name=self.choose(("look", "smash")),
                arguments={"what": self.choose(TEXTS[:5])},
                risk=self.choose(("read_only", "idempotent", "unsafe")),
                status=self.choose(("approved", "approved", "pending", "denied")),
            )
            for _ in range(self.choose((1, 1, 2, 3)))
        )
        asked = {call.call_id: self.new("approval") for call in calls if call.status == "pending"}
        servers = {call.call_id: server for call in calls if (server := self.choose(("", "", "git", "box")))}
        expires_at = self.choose((None, EpochMs(0)))
        return RequestTools(
            fence, self.new("message"), "assistant", calls, asked, servers=servers, expires_at=expires_at
        )

    def advance(self, context: Context, fence: RunFence) -> UpdateWorkflow:
        payload = context.workflow.payload if context.workflow is not None else None
        execution = payload.execution_id if isinstance(payload, WorkflowExecutionPayload) else "none"
        status: WorkflowStatus = self.choose(("running", "running", "completed", "failed"))
        now = WorkflowExecutionPayload(name="w", execution_id=execution, status=status, current_step=self.made)
        return UpdateWorkflow(fence, now)

    def finish_tool(self, context: Context, fence: RunFence, text: str) -> FinishTool:
        calls = open_request(context)[1] if context.requests else ()
        ids = [call.call_id for call in calls if call.status in ("executing", "denied")] or ["no"]
        return FinishTool(fence, self.new("message"), self.choose(ids), self.choose(("ok", "error", "timeout")), text)

    def merge(self, context: Context) -> Merge:
        source = self.choose(sorted(context.branches))
        ordinals = range(1, context.pool_count + 1)
        entries = tuple(Entry(id=f"of {ordinal}", ordinal=ordinal) for ordinal in ordinals[-3:])
        return Merge(
            source=source,
            strategy=self.choose(("append", "cherry-pick", "rebase", "summary")),
            entries=entries,
            source_length=context.branches[source].length,
            length=context.branch.length,
            by="ann",
            resolution=self.choose((None, "source", "target")),
            name=self.new("branch"),
            summary_id=self.new("message"),
            summary=self.choose(("they agreed", "")),
        )

    def resolve(self, context: Context) -> ResolveApproval:
        pending = [approval.id for approval in context.approvals] or ["no"]
        decision: ApprovalDecision = self.choose(("approve", "edit", "deny", "respond", "respond"))
        return ResolveApproval(
            self.choose(pending),
            decision,
            by=self.choose(("ann", "bob")),
            arguments=self.choose((None, {"what": "else"})),
            answer=self.choose((None, "because", "well")),
            scope=self.choose(("once", "session")),
        )

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
