"""What users keep on the server: reads and changes their states, and tells who listens. Never knows who is connected.

A change is carried through once it was begun: a caller who is cancelled leaves nobody untold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from models.calls import parse
from models.errors import StorageUnavailable, UnknownModel
from models.user_state import PatchUserState, Sections, UserApprovalPolicy, UserState, merge_patch
from services.store.user_states import Edit, UserStates

log = structlog.get_logger(__name__)

StateListener = Callable[[str, UserState], None]
CLOSE_WITHIN_S = 5.0


class Users:
    """`check_model` raises UnknownModel for what can't be anybody's default model."""

    def __init__(self, states: UserStates, *, check_model: Callable[[str], object] = lambda name: None) -> None:
        self._states = states
        self._check_model = check_model
        self._listeners: list[StateListener] = []
        self._changes: set[asyncio.Task[UserState]] = set()

    def subscribe(self, listener: StateListener) -> None:
        """`listener(user_id, state)` is called in the loop after every change, and may be called again with a state
        that it knows: an older or equal version is no news. It must not block."""
        self._listeners.append(listener)

    async def close(self) -> None:
        """Waits for the changes that were begun, 5 s at most. Ask for none after."""
        if self._changes:
            await asyncio.wait(self._changes, timeout=CLOSE_WITHIN_S)

    async def state(self, user_id: str) -> UserState:
        return await self._states.get(user_id)

    async def replace(self, user_id: str, wanted: Sections, expected_version: int | None = None) -> UserState:
        """Raises VersionMismatch, PayloadTooLarge, UnknownModel."""
        return await self._change(user_id, lambda before: self._checked(before, wanted.sections), expected_version)

    async def patch(self, user_id: str, patch: PatchUserState, expected_version: int | None = None) -> UserState:
        """Raises VersionMismatch, PayloadTooLarge, UnknownModel, InvalidArgument for what can't be merged."""

        def edit(before: UserState) -> Sections:
            merged = merge_patch(before.sections.to_wire(), patch.changes)
            return self._checked(before, parse(Sections, merged))

        return await self._change(user_id, edit, expected_version)

    async def reset(self, user_id: str, expected_version: int | None = None) -> UserState:
        """Back to the defaults, as a new version. Raises VersionMismatch."""
        return await self._change(user_id, lambda before: Sections(), expected_version)

    async def forget_session(self, session_id: str) -> None:
        """The session is gone for good: nobody has it open any more. Ids that stay behind when the storage fails do no
        harm: who opens one is told that there is no such session."""
        try:
            for user_id in await self._states.mentioning(session_id):
                await self._change(user_id, lambda before: before.without(session_id))
        except StorageUnavailable as error:
            log.warning("a purged session is still in users' states", session=session_id, reason=error.message)

    async def approval_policy(self, user_id: str) -> UserApprovalPolicy:
        return (await self.state(user_id)).preferences.approval_policy

    def _checked(self, before: UserState, after: Sections) -> Sections:
        """A default that was good once may stay, else nothing else could be changed any more."""
        model = after.preferences.default_model
        if model is not None and model != before.preferences.default_model:
            try:
                self._check_model(model)
            except UnknownModel as error:
                error.details["field"] = "preferences.defaultModel"
                raise
        return after

    async def _change(self, user_id: str, edit: Edit, expected_version: int | None = None) -> UserState:
        task = asyncio.get_running_loop().create_task(self._change_and_tell(user_id, edit, expected_version))
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        return await asyncio.shield(task)

    async def _change_and_tell(self, user_id: str, edit: Edit, expected_version: int | None) -> UserState:
        state = await self._states.change(user_id, edit, expected_version)
        # Also when nothing changed: it may have been written by a change whose outcome nobody learned.
        for listener in self._listeners:
            try:
                listener(user_id, state)
            except Exception:
                log.exception("a listener failed", user=user_id)
        return state
