"""Branches as they travel: paths through the pool, with the pins and the plan that belong to them."""

from __future__ import annotations

from typing import Literal

from models.payloads import PlanItem
from models.wire import Wire

MergeStrategy = Literal["append", "cherry-pick", "rebase", "summary"]
Resolution = Literal["source", "target"]


class Pin(Wire):
    """Something that is always sent to the model: a message by its id, or a text of its own."""

    id: str
    message_id: str | None = None
    text: str
    created_at_utc: str
    created_by: str


class Branch(Wire):
    """The parent's path up to `forkedAt`, then its own; `length` counts both. `pinsChanged` and `planChanged` say
    whether they were touched since the fork: a merge asks when both sides did."""

    name: str
    parent: str | None = None
    forked_at: int = 0
    length: int = 0
    system_prompt: str | None = None
    pins: tuple[Pin, ...] = ()
    plan: tuple[PlanItem, ...] = ()
    pins_changed: bool = False
    plan_changed: bool = False
    created_at_utc: str


class Entry(Wire):
    """A message of the pool on a path."""

    id: str
    ordinal: int
