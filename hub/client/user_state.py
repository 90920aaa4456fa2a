"""The user's own state as the Python client keeps it: the newest that came, and changes that survive a race.

A change is a merge patch (RFC 7396) of the version that this client knows. When somebody was faster it is laid over
theirs: what both touched is this client's, all else theirs; of the active sessions, what this client opened and closed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from hub.client.errors import CallError
from hub.client.wire import Json

PATH = "/api/me/state"


class UserStateStore:
    """`value` is the newest that came; None before the first. `request` makes one REST request: method, path, and
    `json` as the body. `again` waits before another try, the longer the more have
    failed, or raises what it is given when there is no use in one."""

    def __init__(
        self,
        request: Callable[..., Awaitable[Json]],
        again: Callable[[CallError, int], Awaitable[None]],
    ) -> None:
        self.value: Json | None = None
        self._request = request
        self._again = again
        self._fresh = True

    def connected(self) -> None:
        """A new connection: whatever the server tells first replaces what is known, older or not, for it may have been
        set back to a backup."""
        self._fresh = True

    def take(self, state: Json) -> None:
        """What the server told: by the socket, or by REST, which may come before or after."""
        if self._fresh or self.value is None or state["version"] > self.value["version"]:
            self.value, self._fresh = state, False

    async def update(self, patch: Json) -> Json:
        """Tries until the server has taken it: a patch can be repeated without harm. Returns the state with it. Raises
        CallFailed for what can never work."""
        base, failures = self.value, 0
        while True:
            try:
                if base is None:
                    base = await self._request("GET", PATH)
                state = await self._request("PATCH", PATH, json={**patch, "expectedVersion": base["version"]})
                self.take(state)
                return state
            except CallError as failed:
                current = failed.details.get("state")
                if base is None or current is None:
                    failures += 1
                    await self._again(failed, failures)
                else:
                    patch, base = rebased(patch, base, current), current


def rebased(patch: Json, base: Json, current: Json) -> Json:
    """The patch of `base`, as a patch of `current` that keeps what was done there. Only the list of active sessions
    needs it: the other sections merge key by key."""
    wanted = patch.get("activeSessions")
    if wanted is None:
        return patch
    before = set(base["activeSessions"])
    opened, closed = set(wanted) - before, before - set(wanted)
    return {**patch, "activeSessions": sorted((set(current["activeSessions"]) | opened) - closed)}
