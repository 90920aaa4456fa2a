"""The tools that runs may use: what a model is offered, what policy says of a call, and the call itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from models.clock import Clock
from models.ids import EpochMs
from models.messages import Message
from models.payloads import ToolCall, calls_in
from models.runs import Run
from models.states import Mode
from models.text import cleaned
from models.tools import ToolSpec
from models.user_state import UserApprovalPolicy
from services.engine.context import Context
from services.engine.policy import ApprovalPolicy, Verdict, stricter, verdict
from services.llm.arguments import UnreadableArguments, parse_arguments
from services.tools.context import Cancellation, ToolContext
from services.tools.errors import ToolUnavailable, UnknownTool
from services.tools.executor import Invocation, Outcome, ToolExecutor
from services.tools.registry import ToolRegistry
from services.tools.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call as a model wrote it."""

    call_id: str
    name: str
    arguments_json: str


async def _no_wish(user_id: str) -> UserApprovalPolicy:
    return "default"


@dataclass(frozen=True)
class Toolbox:
    """`allowed` are the names for the policy allow-list. Without a workspace the codebase tools are not offered.
    `wish_of` says what a user (by id) wants to be asked, at this moment."""

    registry: ToolRegistry
    executor: ToolExecutor
    workspace: Workspace | None = None
    policy: ApprovalPolicy = "auto"
    allowed: Collection[str] = field(default_factory=frozenset)
    approvals_expire_after_s: float | None = None
    server_of: Callable[[str], str | None] = lambda name: None
    wish_of: Callable[[str], Awaitable[UserApprovalPolicy]] = _no_wish

    def offered(self, mode: Mode) -> tuple[ToolSpec, ...]:
        """What `judge` would not refuse in this mode."""
        return tuple(
            ToolSpec(tool.name, tool.description, tool.parameters)
            for tool in self.registry.available(mode)
            if mode != "plan" or tool.risk == "read_only"
        )

    def judge(
        self,
        wanted: Wanted,
        context: Context,
        depth: int,
        wish: UserApprovalPolicy = "default",
        refusal: str | None = None,
    ) -> ToolCall:
        """The call with its verdict as status: approved, pending, or denied with a `refusal` that says why it can't
        run. One that is given refuses it, whatever it is."""
        if refusal is not None:
            return _cut_off(wanted, refusal)
        try:
            tool = self.registry.get(wanted.name)
        except (UnknownTool, ToolUnavailable) as error:
            return _refused(wanted, {}, error.message)
        if context.mode not in tool.modes:
            return _refused(wanted, {}, _not_in(tool.name, context.mode))
        arguments = parse_arguments(wanted.arguments_json)
        if isinstance(arguments, UnreadableArguments):
            return _refused(wanted, {}, arguments.message, arguments.raw)
        decided: Verdict = verdict(
            policy=stricter(self.policy, wish),
            tool_policy=tool.policy,
            risk=tool.risk,
            dangerous=tool.dangerous,
            granted=any(grant.tool == tool.name for grant in context.grants),
            allowed=self.allowed,
            name=tool.name,
            mode=context.mode,
            depth=depth,
        )
        call = ToolCall(call_id=wanted.call_id, name=tool.name, arguments=arguments, risk=tool.risk, mode=context.mode)
        match decided:
            case "run":
                return call.model_copy(update={"status": "approved", "decided_by": "policy"})
            case "ask":
                return call
            case "refuse":
                return _refused(wanted, arguments, _not_in(tool.name, context.mode))

    def expires_at(self, now: EpochMs) -> EpochMs | None:
        """Until when an approval that is asked for now may be answered; None: for ever."""
        if self.approvals_expire_after_s is None:
            return None
        return EpochMs(now + round(self.approvals_expire_after_s * 1000))

    def fits_plan(self, name: str) -> bool:
        """Whether plan mode allows a tool. An unknown one does no harm."""
        try:
            tool = self.registry.get(name)
        except (UnknownTool, ToolUnavailable):
            return True
        return tool.risk == "read_only" and "plan" in tool.modes

    def is_dangerous(self, name: str) -> bool:
        """Whether a tool is asked for each time, whatever was granted. An unknown one is not."""
        try:
            return self.registry.get(name).dangerous
        except (UnknownTool, ToolUnavailable):
            return False

    async def run(
        self,
        run: Run,
        call: ToolCall,
        read_message_content: Callable[[str], Awaitable[str | None]],
        clock: Clock | None = None,
    ) -> Outcome:
        """Executes one approved call. Cancelling the caller stops the work."""
        cancelled = Cancellation()
        context = ToolContext(
            session_id=run.session_id,
            run_id=run.id,
            call_id=call.call_id,
            workspace=self.workspace,
            cancelled=cancelled,
            read_message_content=read_message_content,
            clock=clock,
        )
        try:
            return await self.executor.execute(Invocation(call.call_id, call.name, call.arguments), context)
        finally:
            cancelled.set()


def _not_in(name: str, mode: Mode) -> str:
    return f"{name} is not available in {mode} mode"


def _cut_off(wanted: Wanted, refusal: str) -> ToolCall:
    """Shown as far as it came."""
    arguments = parse_arguments(wanted.arguments_json)
    if isinstance(arguments, UnreadableArguments):
        return _refused(wanted, {}, refusal, arguments.raw)
    return _refused(wanted, arguments, refusal)


def _refused(wanted: Wanted, arguments: dict[str, Any], refusal: str, raw: str | None = None) -> ToolCall:
    return ToolCall(
        call_id=wanted.call_id,
        name=wanted.name,
        arguments=arguments,
        status="denied",
        decided_by="policy",
        raw_arguments=raw,
        refusal=cleaned(refusal),
    )


def open_calls(message: Message | None) -> tuple[ToolCall, ...]:
    """The calls of a tool request that have no result yet."""
    calls = calls_in(message.payload) if message is not None else ()
    return tuple(call for call in calls if call.is_open)
