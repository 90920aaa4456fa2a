"""Room for runs: how many may be at work at once, and which sessions wait until there is room again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

RunStep = Callable[[str], Awaitable[None]]
"""What is done for a session once there is room."""


class Places:
    """A run that waits, for its user or for its model's time, holds none. It goes on at once, be there room or not."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: set[str] = set()
        self._claims = 0
        self._postponed: dict[str, RunStep] = {}

    @property
    def full(self) -> bool:
        return len(self._held) + self._claims >= self._most

    def claim(self) -> None:
        """A place for a run that has no task yet; give it back with `unclaim`."""
        self._claims += 1

    def unclaim(self) -> None:
        self._claims -= 1

    def take(self, run_id: str) -> None:
        self._held.add(run_id)

    def free(self, run_id: str) -> bool:
        """Whether it held one."""
        held = run_id in self._held
        self._held.discard(run_id)
        return held

    def postpone(self, session_id: str, step: RunStep) -> None:
        self._postponed[session_id] = step

    @property
    def wanted(self) -> bool:
        return bool(self._postponed)

    def next(self) -> tuple[str, RunStep] | None:
        """Who has waited longest, if there is room now."""
        if not self._postponed or self.full:
            return None
        session_id = next(iter(self._postponed))
        return session_id, self._postponed.pop(session_id)
