"""A tool: a function with a name, a schema and a risk, and the decorator that makes one. Never decides who may call it.

@tool(risk="read_only", category="time")
def now(zone: Annotated[str, Field(description="IANA name")] = "UTC") -> str:
    \"\"\"The current time.\"\"\"
"""

from __future__ import annotations

import inspect
import json
import re
import traceback
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeAlias, get_args

import structlog
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from models.errors import InvalidArgument, ParleyError
from models.payloads import Artifact
from models.states import Mode
from models.text import cleaned
from services.tools.context import ToolContext
from services.tools.errors import ToolError
from services.tools.schema import Signature, signature_of

Risk: TypeAlias = Literal["read_only", "idempotent", "unsafe"]
Policy: TypeAlias = Literal["auto", "ask", "off"]
Hook: TypeAlias = Callable[[], Awaitable[None] | None]

log = structlog.get_logger(__name__)

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
"""What every model API takes as a function name."""
TIMEOUT_S = 60.0
ERROR_MAX_CHARS = 4_000
_EVERY_MODE: frozenset[Mode] = frozenset(get_args(Mode))
_ACT: frozenset[Mode] = frozenset({"act"})


ToolEnd: TypeAlias = Literal["ok", "error", "timeout", "cancelled"]


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What the model reads. `note` is for people: it goes to the log. `status` is another one where the work failed,
    or did not come to its end, though there is something to show. `artifact` is kept as a message of its own, for
    people."""

    text: str
    note: str = ""
    status: ToolEnd = "ok"
    artifact: Artifact | None = None


@dataclass(frozen=True, slots=True)
class ToolFailed:
    """`kind` is the error's type; `transient` says that trying again may help."""

    kind: str
    message: str
    transient: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


class RunInThread(Protocol):
    """Where functions that are not async run."""

    async def __call__(self, work: Callable[[], object]) -> object: ...


@dataclass(frozen=True, slots=True)
class Tool:
    """`modes` and `roles` (empty: every role) say who is offered it; `policy` whether a person is asked first.

    `requires` names other tools, `executable:NAME` (on PATH) and `package:NAME` (importable). `startup` runs once
    before the first call, after that of the tools it requires, `shutdown` once at the end. The work of a `remote` tool
    is done elsewhere: we can stop waiting for it, and don't know whether it stops.
    """

    name: str
    description: str
    parameters: dict[str, Any] = field(hash=False)
    risk: Risk
    category: str
    timeout_s: float
    modes: frozenset[Mode]
    roles: frozenset[str]
    policy: Policy
    dangerous: bool
    requires: tuple[str, ...]
    function: Callable[..., object]
    signature: Signature
    startup: Hook | None = None
    shutdown: Hook | None = None
    remote: bool = False

    def with_policy(self, policy: Policy) -> Tool:
        """Raises InvalidArgument for `auto` where a person must always be asked."""
        _check_policy(self.name, policy, self.risk, self.dangerous)
        return replace(self, policy=policy)

    async def invoke(
        self, arguments: object, context: ToolContext, in_thread: RunInThread | None = None
    ) -> ToolOutput | ToolFailed:
        """Validates and calls. Every failure is a result; only cancelling passes through. A function that is not async
        runs through `in_thread`, without it right here."""
        try:
            given = self.signature.parse(arguments)
            if self.signature.injected:
                given[self.signature.injected] = context
            return output_of(await self._call(given, in_thread))
        except ToolError as error:
            return failed(error)
        except (Exception, SystemExit) as error:
            _log(self.name, error, context)
            return failed(error)

    async def _call(self, given: dict[str, Any], in_thread: RunInThread | None) -> object:
        if in_thread is not None and not inspect.iscoroutinefunction(self.function):
            answer = await in_thread(lambda: self.function(**given))
        else:
            answer = self.function(**given)
        return await answer if inspect.isawaitable(answer) else answer


def tool(
    *,
    risk: Risk = "unsafe",
    category: str = "general",
    name: str | None = None,
    description: str | None = None,
    timeout_s: float = TIMEOUT_S,
    modes: Iterable[Mode] | None = None,
    roles: Iterable[str] = (),
    policy: Policy | None = None,
    dangerous: bool = False,
    requires: Iterable[str] = (),
    startup: Hook | None = None,
    shutdown: Hook | None = None,
) -> Callable[[Callable[..., object]], Tool]:
    """Makes a Tool of a function. The name and, from the docstring, the description are the function's unless given.

    Left out, `risk` is the worst, `modes` are plan and act for read-only tools and act for others, and `policy` is auto
    for read-only tools and ask for others. Raises InvalidArgument where the tool could not be offered to a model.
    """

    def make(function: Callable[..., object]) -> Tool:
        signature = signature_of(function)
        made = Tool(
            name=_name(name or str(getattr(function, "__name__", ""))),
            description=_description(function, description),
            parameters=signature.json_schema(),
            risk=risk,
            category=category,
            timeout_s=timeout_s,
            modes=_modes(risk) if modes is None else frozenset(modes),
            roles=frozenset(roles),
            policy=policy or ("auto" if risk == "read_only" and not dangerous else "ask"),
            dangerous=dangerous,
            requires=tuple(requires),
            function=function,
            signature=signature,
            startup=startup,
            shutdown=shutdown,
        )
        _check_policy(made.name, made.policy, risk, dangerous)
        return made

    return make


def failed(error: BaseException) -> ToolFailed:
    """The error in words for the model: its type and message, never a traceback."""
    if isinstance(error, ToolError):
        return ToolFailed(type(error).__name__, _bounded(error.message), transient=error.retryable)
    passing = isinstance(error, ParleyError) and error.retryable
    transient = passing or isinstance(error, ConnectionError | TimeoutError)
    return ToolFailed(type(error).__name__, _bounded(str(error) or "no message"), transient=transient)


def _log(tool: str, error: BaseException, context: ToolContext) -> None:
    """Where it was raised, not its words: they may hold what somebody said."""
    frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    call = {"session": context.session_id, "run": context.run_id, "call": context.call_id}
    log.warning("tool_raised", tool=tool, kind=type(error).__name__, frames=frames, **call)


def _bounded(text: str) -> str:
    if len(text) <= ERROR_MAX_CHARS:
        return cleaned(text)
    note = f"… [cut: the error has {len(text):,} characters]"
    return cleaned(text[: ERROR_MAX_CHARS - len(note)] + note)


def output_of(answer: object) -> ToolOutput:
    """What a tool's function returned, as text."""
    match answer:
        case ToolOutput():
            return answer
        case str():
            return ToolOutput(answer)
        case None:
            return ToolOutput("")
        case BaseModel():
            return ToolOutput(answer.model_dump_json())
        case _:
            return ToolOutput(json.dumps(to_jsonable_python(answer), ensure_ascii=False))


def _modes(risk: Risk) -> frozenset[Mode]:
    return _EVERY_MODE if risk == "read_only" else _ACT


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise InvalidArgument(f"{name!r} is no tool name: letters, digits, _ and -, at most 64, no digit first")
    return name


def _description(function: Callable[..., object], given: str | None) -> str:
    text = given or inspect.getdoc(function) or ""
    if not text.strip():
        name = getattr(function, "__name__", "the tool")
        raise InvalidArgument(f"{name} needs a docstring: it tells the model what the tool is for")
    return text.strip()


def _check_policy(name: str, policy: Policy, risk: Risk, dangerous: bool) -> None:
    if policy == "auto" and (risk == "unsafe" or dangerous):
        raise InvalidArgument(f"{name} can't be “auto”: unsafe and dangerous tools ask, or are off", field="policy")
