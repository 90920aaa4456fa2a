"""Branches as they travel: paths through the pool, with the pins and the plan that belong to them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from models.payloads import PlanItem
from models.wire import Wire

PROMPT_SHOWN_BYTES = 1_024
"""A system prompt up to this travels with its branch: there may be 200 of them in a snapshot."""

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

    def view(self) -> BranchView:
        """As it travels in snapshots and events: small, however much is pinned to it."""
        prompt = self.system_prompt
        cut = prompt is not None and len(prompt.encode()) > PROMPT_SHOWN_BYTES
        return BranchView(
            name=self.name,
            parent=self.parent,
            forked_at=self.forked_at,
            length=self.length,
            system_prompt=None if cut else prompt,
            pins_changed=self.pins_changed,
            plan_changed=self.plan_changed,
            created_at_utc=self.created_at_utc,
            truncated=cut,
        )


class BranchView(Wire):
    """A branch without its pins and its plan: those of the active one stand beside it. With `truncated` its system
    prompt is left out too."""

    name: str
    parent: str | None
    forked_at: int
    length: int
    system_prompt: str | None
    pins_changed: bool
    plan_changed: bool
    created_at_utc: str
    truncated: bool = Field(default=False, exclude_if=lambda truncated: truncated is False)


class Entry(Wire):
    """A message of the pool on a path."""

    id: str
    ordinal: int
