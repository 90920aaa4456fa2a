"""What clients send, as models that validate it: the arguments of the socket's calls and the bodies of REST requests.

Errors name the field. Text with NUL or lone surrogates is refused here, so nothing behind has to ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from models.branches import MergeStrategy, Resolution
from models.errors import InvalidArgument
from models.messages import DisplayHint, Metadata
from models.payloads import PlanItem, TextPayload, UserPayload
from models.runs import OnBusy
from models.session import TITLE_MAX_CHARS
from models.states import Mode
from models.text import is_clean
from models.wire import Whole, Wire

BROADCAST_MAX_BYTES = 4 * 1024
METADATA_MAX_BYTES = 16 * 1024
DEPTH_MAX = 32
"""Nesting of JSON in free-form arguments (metadata, broadcast data)."""
VALUES_MAX = 100_000
"""Values in one free-form argument: to look at the millions that a body can have would hold up everybody else."""
SEQ_MAX = 2**53 - 1
"""The largest integer that every JSON client holds exactly."""
INTEGERS = range(-(2**63), 2**64)
"""Integers that JSON encoders write; beyond them a number in free-form arguments could be neither kept nor sent."""


def _clean(text: str) -> str:
    if not is_clean(text):
        raise ValueError("contains NUL or a lone surrogate")
    return text


def _clean_tree(value: Any) -> Any:
    check_tree(value)
    return value


def check_tree(value: Any) -> None:
    """Raises ValueError for JSON nested too deeply or of too many values, or with text or numbers that can't be
    stored."""
    level, room = [value], VALUES_MAX
    for _ in range(DEPTH_MAX + 1):
        below: list[Any] = []
        for each in level:
            # Counted before anything inside is looked at.
            if (room := room - _width(each)) < 0:
                raise ValueError(f"has more than {VALUES_MAX} values")
            below.extend(_checked_children(each))
        if not below:
            return
        level = below
    raise ValueError(f"is nested more than {DEPTH_MAX} levels deep")


def _width(value: Any) -> int:
    return len(value) if isinstance(value, Mapping | list | tuple) else 0


def _checked_children(value: Any) -> Iterable[Any]:
    if isinstance(value, str):
        _clean(value)
    elif isinstance(value, int) and value not in INTEGERS:
        raise ValueError("contains an integer of more than 64 bits")
    elif isinstance(value, Mapping):
        for key in value:
            _clean(str(key))
        return value.values()
    elif isinstance(value, list | tuple):
        return value
    return ()


Text = Annotated[str, AfterValidator(_clean)]
Id = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_clean)]
Title = Annotated[str, Field(max_length=TITLE_MAX_CHARS), AfterValidator(_clean)]
Name = Annotated[str, Field(min_length=1, max_length=TITLE_MAX_CHARS), AfterValidator(_clean)]
Seq = Annotated[int, Field(strict=True, ge=0, le=SEQ_MAX), Whole]
Version = Annotated[int, Field(strict=True, ge=1, le=SEQ_MAX), Whole]
BranchPosition = Version
Parsed = TypeVar("Parsed", bound=Wire | None)
JsonTree = Annotated[Any, AfterValidator(_clean_tree)]


class ClientMetadata(Wire):
    """What a client may say of its message."""

    display_hint: Annotated[DisplayHint | None, AfterValidator(lambda hint: _clean_model(hint))] = None
    trace_id: Annotated[Text | None, Field(max_length=200)] = None
    original_input: Text | None = None
    extra: Annotated[dict[str, Any], AfterValidator(_clean_tree)] = Field(default_factory=dict)

    def to_metadata(self) -> Metadata:
        return Metadata(
            display_hint=self.display_hint,
            trace_id=self.trace_id,
            original_input=self.original_input,
            extra=self.extra,
        )


class JoinSession(Wire):
    session_id: Id
    after: Seq | None = None
    epoch: Annotated[Text | None, Field(max_length=64)] = None
    mode: Literal["push", "signal"] = "push"


class LeaveSession(Wire):
    session_id: Id


class Edit(Wire):
    """What may be meant for one version only: the session's, or the project's, as the caller knows it. By itself an
    action that takes nothing else."""

    expected_version: Version | None = None


class Outgoing(Edit):
    """A message as a client writes it: `content`, or a `payload` of kind text, image or file_reference."""

    content: Annotated[Text | None, Field(min_length=1)] = None
    payload: Annotated[UserPayload | None, AfterValidator(lambda payload: _clean_model(payload))] = None
    client_message_id: Annotated[Text | None, Field(min_length=1, max_length=200)] = None
    metadata: ClientMetadata = ClientMetadata()
    on_busy: OnBusy = "enqueue"

    @model_validator(mode="after")
    def _has_something_to_say(self) -> Self:
        if self.content is None and self.payload is None:
            raise PydanticCustomError("missing", "content or payload is required", {"field": "content"})
        if isinstance(self.payload, TextPayload) and not (self.payload.text or self.content):
            raise PydanticCustomError("too_short", "must not be empty", {"field": "payload.text"})
        return self


def _clean_model(value: Parsed) -> Parsed:
    if value is not None:
        check_tree(value.model_dump())
    return value


class SendMessageCall(Outgoing):
    session_id: Id


class BroadcastMessage(Wire):
    session_id: Id
    data: JsonTree


class CancelRunArguments(Edit):
    run_id: Id | None = None


class CancelRunCall(CancelRunArguments):
    session_id: Id


class ApprovalAnswer(Edit):
    """`arguments` come with edit, `reason` is the reason of deny or the text of respond."""

    approval_id: Id
    decision: Literal["approve", "edit", "deny", "respond"]
    arguments: Annotated[dict[str, Any] | None, AfterValidator(_clean_tree)] = None
    reason: Annotated[Text | None, Field(max_length=20_000)] = None
    scope: Literal["once", "session"] = "once"


class ResolveApprovalCall(ApprovalAnswer):
    session_id: Id


class RevokeGrantBody(Edit):
    tool: Annotated[Text, Field(min_length=1, max_length=200)]


class SetModeBody(Edit):
    mode: Mode


class ForkBody(Edit):
    """At a message, at a position, or (neither) at the end of a branch: of `branch`, or the active one, or the one that
    has the message. `before` leaves that message out."""

    name: Annotated[Name | None, Field(max_length=100)] = None
    branch: Name | None = None
    message_id: Id | None = None
    position: BranchPosition | None = None
    before: bool = False
    system_prompt: Annotated[Text | None, Field(max_length=100_000)] = None
    switch: bool = True


class SwitchBranchBody(Edit):
    name: Name


class MergeBody(Edit):
    """`messageIds` go with cherry-pick, `summary` with summary, `name` with rebase. `preview` only says what it would
    do."""

    source: Name
    strategy: MergeStrategy
    message_ids: Annotated[tuple[Id, ...], Field(max_length=1000)] = ()
    summary: Annotated[Text, Field(max_length=100_000)] = ""
    name: Annotated[Name | None, Field(max_length=100)] = None
    resolution: Resolution | None = None
    preview: bool = False


class BranchPromptBody(Edit):
    branch: Name
    system_prompt: Annotated[Text | None, Field(max_length=100_000)] = None


PIN_MAX_CHARS = 8_000


class PinBody(Edit):
    """A message, or a text of its own."""

    message_id: Id | None = None
    text: Annotated[Text | None, Field(min_length=1, max_length=PIN_MAX_CHARS)] = None

    @model_validator(mode="after")
    def _has_something(self) -> Self:
        if (self.message_id is None) == (self.text is None):
            raise PydanticCustomError("missing", "either messageId or text is required", {"field": "messageId"})
        return self


class UnpinBody(Edit):
    pin_id: Id


class PlanBody(Edit):
    items: Annotated[tuple[PlanItem, ...], Field(max_length=100), AfterValidator(lambda items: _clean_items(items))]


def _clean_items(items: tuple[PlanItem, ...]) -> tuple[PlanItem, ...]:
    check_tree([item.model_dump() for item in items])
    return items


LIST_MAX = 500
"""The most sessions that one answer lists, and as many as a live list begins with."""
Take = Annotated[int, Field(strict=True, ge=1, le=LIST_MAX), Whole]


class WatchRunning(Wire):
    """The last changed of those that run."""

    take: Take = LIST_MAX


class WatchSessions(WatchRunning):
    project_id: Id | None = None


class NoArguments(Wire):
    pass


class CreateProject(Wire):
    name: Name


class EditProject(Edit):
    name: Name


class SetCurrentSession(Edit):
    session_id: Id


class CreateSessionBody(Wire):
    project_id: Id | None = None
    title: Title | None = None
    model: Annotated[Text | None, Field(min_length=1, max_length=200)] = None


class EditSession(Edit):
    title: Annotated[Title, Field(min_length=1)]


class SetModelBody(Edit):
    model: Annotated[Text, Field(min_length=1, max_length=200)]


Model = TypeVar("Model", bound=Wire)


def parse(model: type[Model], arguments: Any) -> Model:
    """Raises InvalidArgument: `details["field"]` is the first bad field, `details["fields"]` has all with their
    reasons."""
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        raise invalid(error) from None
    except RecursionError:
        raise InvalidArgument("The arguments are nested too deeply", field="") from None


def invalid(error: ValidationError) -> InvalidArgument:
    fields = [
        {"field": _field(each), "message": _reason(each)}
        for each in error.errors(include_url=False, include_input=False)[:20]
    ]
    first = fields[0]
    message = f"{first['field']}: {first['message']}" if first["field"] else first["message"]
    return InvalidArgument(message, field=first["field"], fields=fields)


def _field(error: ErrorDetails) -> str:
    """The path of the field, also where a rule over several fields was broken."""
    named = error.get("ctx", {}).get("field")
    return str(named) if named else ".".join(str(part) for part in error["loc"])


def _reason(error: ErrorDetails) -> str:
    """In words of the wire. A text that was checked before it was measured is but a value to the model."""
    about = error.get("ctx", {})
    if "field_type" not in about:
        return error["msg"].removeprefix("Value error, ")
    unit = "characters" if about["field_type"] == "Value" else "entries"
    if "max_length" in about:
        return f"should have at most {about['max_length']} {unit}"
    return f"should have at least {about['min_length']} {unit}"
