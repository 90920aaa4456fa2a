"""Query parameters as models. Numbers are plain decimal digits: no sign, no exponent, no other script's digits."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from models.calls import SEQ_MAX, Text
from models.wire import Wire

IDS_MAX = 200
TAKE_MAX = 200
DIGITS = re.compile(r"[0-9]{1,16}")


def _digits(value: str) -> int:
    if DIGITS.fullmatch(value) is None:
        raise ValueError("must be a whole number, 0 or more")
    return int(value)


def _flag(value: str) -> bool:
    if value in ("true", "false"):
        return value == "true"
    raise ValueError("must be true or false")


def _id_list(value: str) -> str:
    ids = value.split(",")
    if len(ids) > IDS_MAX:
        raise ValueError(f"names {len(ids)} ids; {IDS_MAX} are allowed")
    if any(not 1 <= len(each) <= 64 for each in ids):
        raise ValueError("must be ids of 1 to 64 characters, separated by commas")
    return value


Count = Annotated[int, BeforeValidator(_digits), Field(ge=0, le=SEQ_MAX)]
Position = Annotated[int, BeforeValidator(_digits), Field(ge=0, le=SEQ_MAX)]


class MessagesQuery(Wire):
    """Positions count a branch from 1. `scope=pool` is every message of the session, on whatever branch."""

    skip: Count = 0
    take: Annotated[int, BeforeValidator(_digits), Field(ge=1, le=TAKE_MAX)] = 50
    order: Literal["asc", "desc"] = "asc"
    before: Position | None = None
    after: Position | None = None
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


class IdsQuery(Wire):
    """Up to 200 message ids, separated by commas."""

    ids: Annotated[Text, AfterValidator(_id_list)]

    @property
    def wanted(self) -> list[str]:
        return list(dict.fromkeys(self.ids.split(",")))


class DeleteQuery(Wire):
    """`purge=true` leaves nothing to restore."""

    purge: Annotated[bool, BeforeValidator(_flag)] = False
