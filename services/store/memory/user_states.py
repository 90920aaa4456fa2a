"""The states of users in memory."""

from __future__ import annotations

from models.clock import Clock
from models.user_state import UserState
from services.store.user_states import Edit, changed


class MemoryUserStates:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._states: dict[str, UserState] = {}

    async def get(self, user_id: str) -> UserState:
        return self._states.get(user_id) or UserState()

    async def change(self, user_id: str, edit: Edit, expected_version: int | None = None) -> UserState:
        # No await: nobody comes between.
        before = self._states.get(user_id) or UserState()
        after = changed(before, edit, expected_version, self._clock())
        if after is not before:
            self._states[user_id] = after
        return after

    async def mentioning(self, session_id: str) -> tuple[str, ...]:
        return tuple(user_id for user_id, state in self._states.items() if session_id in state.to_json())
