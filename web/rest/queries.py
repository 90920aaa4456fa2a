"""Query parameters as models. Numbers are plain decimal digits: no sign, no exponent, no other script's digits."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from models.calls import LIST_MAX, SEQ_MAX, Id, Text
from models.ids import EpochMs, from_iso
from models.messages import Role
from models.payloads import Kind
from models.session import TITLE_MAX_CHARS
from models.states import SessionState
from models.wire import Wire
from services.search.query import SEARCH_TAKE_MAX, SearchQuery
from services.store.lists import SessionQuery

IDS_MAX = 200
TAKE_MAX = 200
SEARCH_MAX_CHARS = 256
CURSOR_MAX_CHARS = 2_000
"""The place of a title whose every character is escaped, and something around it."""
STATES: tuple[str, ...] = get_args(SessionState)
ROLES: tuple[str, ...] = get_args(Role)
KINDS: tuple[str, ...] = get_args(Kind)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
DIGITS = re.compile(r"[0-9]{1,16}")


def _digits(value: str) -> int:
    if DIGITS.fullmatch(value) is None:
        raise ValueError("must be a whole number, 0 or more")
    return int(value)


def _flag(value: str) -> bool:
    if value in ("true", "false"):
        return value == "true"
    raise ValueError("must be true or false")


def _list_schema(part: str, most: str = "") -> WithJsonSchema:
    """The pattern of a text that has such parts with commas between."""
    return WithJsonSchema({"type": "string", "pattern": f"^{part}(,{part}){{0,{most}}}$"})


def _id_list(value: str) -> str:
    ids = value.split(",")
    if len(ids) > IDS_MAX:
        raise ValueError(f"names {len(ids)} ids; {IDS_MAX} are allowed")
    if any(not 1 <= len(each) <= 64 for each in ids):
        raise ValueError("must be ids of 1 to 64 characters, separated by commas")
    return value


def _one_of(known: tuple[str, ...]) -> Callable[[str], str]:
    def check(value: str) -> str:
        unknown = [part for part in value.split(",") if part not in known]
        if unknown:
            raise ValueError(f"must be of {', '.join(known)}; several with commas between")
        return value

    return check


def _several(known: tuple[str, ...]) -> WithJsonSchema:
    return _list_schema(f"({'|'.join(known)})")


def _parts(value: str | None) -> tuple[Any, ...]:
    """What `_one_of` has checked, as the literals that they are."""
    return tuple(value.split(",")) if value is not None else ()


def _instant(value: str | None) -> str | None:
    try:
        _at(value)
    except (ValueError, OverflowError):
        raise ValueError("must be a date or a time with its zone, for example 2026-11-20T09:00:00Z") from None
    return value


def _at(value: str | None) -> EpochMs | None:
    if value is None:
        return None
    return from_iso(f"{value}T00:00:00Z" if DATE.fullmatch(value) else value)


States = Annotated[str, AfterValidator(_one_of(STATES)), _several(STATES)]
Roles = Annotated[str, AfterValidator(_one_of(ROLES)), _several(ROLES)]
Kinds = Annotated[str, AfterValidator(_one_of(KINDS)), _several(KINDS)]
Instant = Annotated[
    str | None,
    AfterValidator(_instant),
    WithJsonSchema({"anyOf": [{"type": "string", "format": each} for each in ("date", "date-time")]}),
]
ArchivedFilter = Literal["true", "false", "all"]
ARCHIVED: dict[ArchivedFilter, bool | None] = {"true": True, "false": False, "all": None}
Cursor = Annotated[Text, Field(min_length=1, max_length=CURSOR_MAX_CHARS)]
Count = Annotated[int, Field(ge=0, le=SEQ_MAX), BeforeValidator(_digits)]
PositionParameter = Annotated[int, Field(ge=0, le=SEQ_MAX), BeforeValidator(_digits)]


class MessagesQuery(Wire):
    """Positions count a branch from 1. `scope=pool` is every message of the session, on whatever branch."""

    skip: Count = 0
    take: Annotated[int, Field(ge=1, le=TAKE_MAX), BeforeValidator(_digits)] = 50
    order: Literal["asc", "desc"] = "asc"
    before: PositionParameter | None = None
    after: PositionParameter | None = None
    branch: Annotated[Text | None, Field(min_length=1, max_length=200)] = None
    scope: Literal["branch", "pool"] = "branch"

    @model_validator(mode="after")
    def _is_one_question(self) -> Self:
        if self.before is not None and self.after is not None:
            raise ValueError("before and after exclude each other")
        if self.branch is not None and self.scope == "pool":
            raise ValueError("branch and scope=pool exclude each other")
        return self


class EventsQuery(Wire):
    after: Count = 0


class ChunksQuery(EventsQuery):
    """`intervals` brings of each chunk how long it came after the one before."""

    intervals: Annotated[bool, BeforeValidator(_flag)] = False


class IdsQuery(Wire):
    """Up to 200 message ids, separated by commas."""

    ids: Annotated[Text, AfterValidator(_id_list), _list_schema("[^,]{1,64}", str(IDS_MAX - 1))]

    @property
    def wanted(self) -> list[str]:
        return list(dict.fromkeys(self.ids.split(",")))


class ProjectListQuery(Wire):
    """Which sessions of a project, in which order. `state` may name several, also by being repeated; `q` is a part of
    the title. `order` is desc unless `sort` is title. A `cursor` is what the page before gave."""

    repeatable: ClassVar[frozenset[str]] = frozenset({"state"})
    state: States | None = None
    archived: ArchivedFilter = "all"
    q: Annotated[Text, Field(max_length=TITLE_MAX_CHARS)] = ""
    sort: Literal["updated", "created", "title"] = "updated"
    order: Literal["asc", "desc"] | None = None
    take: Annotated[int, Field(ge=1, le=LIST_MAX), BeforeValidator(_digits)] = LIST_MAX
    cursor: Cursor | None = None

    def question(self, project_id: str | None = None) -> SessionQuery:
        return SessionQuery(
            project_id=project_id,
            states=_parts(self.state),
            archived=ARCHIVED[self.archived],
            title=self.q,
            sort=self.sort,
            descending=None if self.order is None else self.order == "desc",
            take=self.take,
            cursor=self.cursor,
        )


class ListQuery(ProjectListQuery):
    """The same of all projects, or of one; without the archived ones unless they are asked for."""

    project_id: Id | None = None
    archived: ArchivedFilter = "false"
    take: Annotated[int, Field(ge=1, le=LIST_MAX), BeforeValidator(_digits)] = 50

    def question(self, project_id: str | None = None) -> SessionQuery:
        return super().question(self.project_id)


class SearchParameters(Wire):
    """`q`: words that all have to be there, "in quotes" next to each other, -excluded, begin* of a word (the last one
    always, while it is typed). `from` counts, `to` doesn't; a bare date is its midnight, UTC. `state`, `role` and
    `kind` may name several."""

    repeatable: ClassVar[frozenset[str]] = frozenset({"state", "role", "kind"})
    q: Annotated[Text, Field(min_length=1, max_length=SEARCH_MAX_CHARS)]
    project_id: Id | None = None
    state: States | None = None
    role: Roles | None = None
    kind: Kinds | None = None
    since: Annotated[Instant, Field(alias="from")] = None
    until: Annotated[Instant, Field(alias="to")] = None
    archived: ArchivedFilter = "all"
    sort: Literal["relevance", "newest", "oldest"] = "relevance"
    take: Annotated[int, Field(ge=1, le=SEARCH_TAKE_MAX), BeforeValidator(_digits)] = 20
    cursor: Cursor | None = None

    @property
    def question(self) -> SearchQuery:
        return SearchQuery(
            text=self.q,
            project_id=self.project_id,
            states=_parts(self.state),
            roles=_parts(self.role),
            kinds=_parts(self.kind),
            since=_at(self.since),
            until=_at(self.until),
            archived=ARCHIVED[self.archived],
            sort=self.sort,
            take=self.take,
            cursor=self.cursor,
        )


class VersionQuery(Wire):
    """`expectedVersion` is what If-Match is, for requests without a body."""

    expected_version: Count | None = None


class DeleteQuery(VersionQuery):
    """`purge=true` leaves nothing to restore."""

    purge: Annotated[bool, BeforeValidator(_flag)] = False
