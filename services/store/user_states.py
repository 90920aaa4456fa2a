"""The states of all users: one versioned document each. The interface and the rules; backends store them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import orjson

from models.errors import PayloadTooLarge, VersionMismatch
from models.ids import EpochMs, iso
from models.user_state import STATE_MAX_BYTES, Sections, UserState

Edit = Callable[[UserState], Sections]
"""What a state is to become. It may be asked more than once and must have no effect of its own."""


class UserStates(Protocol):
    async def get(self, user_id: str) -> UserState:
        """The defaults, as version 0, for who never wrote."""
        ...

    async def change(self, user_id: str, edit: Edit, expected_version: int | None = None) -> UserState:
        """Edits in one step: no other change comes between reading and writing. Returns the state after it, which is
        the one before when there is nothing to change. Raises VersionMismatch, which carries the current state,
        PayloadTooLarge, and what `edit` raises."""
        ...

    async def mentioning(self, session_id: str) -> tuple[str, ...]:
        """The users whose states may hold the session's id."""
        ...


def changed(before: UserState, edit: Edit, expected_version: int | None, now: EpochMs) -> UserState:
    """The rules that every backend keeps. `before` itself when nothing changes."""
    if expected_version not in (None, before.version):
        # As it is, so that the caller can merge into it without reading again.
        raise VersionMismatch(currentVersion=before.version, state=before)
    sections = edit(before)
    if sections.to_json() == before.sections.to_json():
        return before
    after = UserState.model_construct(
        **{name: getattr(sections, name) for name in Sections.model_fields},
        version=before.version + 1,
        updated_at_utc=iso(now),
    )
    _check_size(after)
    return after


def _check_size(state: UserState) -> None:
    wire = state.to_wire()
    size = len(orjson.dumps(wire))
    if size > STATE_MAX_BYTES:
        largest = max(wire, key=lambda name: len(orjson.dumps(wire[name])))
        message = f"The state would be larger than {STATE_MAX_BYTES} bytes; most of it is {largest}"
        raise PayloadTooLarge(message, field=largest, limit=STATE_MAX_BYTES, size=size)
