"""The states of users in memory."""

from __future__ import annotations

from models.user_state import UserState
from services.store.memory.tables import Memory
from services.store.user_states import Edit, changed


class MemoryUserStates:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def get(self, user_id: str) -> UserState:
        return self._memory.user_states.get(user_id) or UserState()

    async def change(self, user_id: str, edit: Edit, expected_version: int | None = None) -> UserState:
        # No await: nobody comes between.
        before = self._memory.user_states.get(user_id) or UserState()
        after = changed(before, edit, expected_version, self._memory.clock())
        if after is not before:
            self._memory.user_states[user_id] = after
        return after

    async def mentioning(self, session_id: str) -> tuple[str, ...]:
        states = self._memory.user_states
        return tuple(user_id for user_id, state in states.items() if session_id in state.to_json())
