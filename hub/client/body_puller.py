"""Pulls the messages of a view whose body did not travel, or that came with a branch by their ids, until they are
there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from hub.client.chores import Chores
from hub.client.connection import ClientConnection
from hub.client.errors import CallError
from hub.client.rest import Rest, under
from hub.client.session_view import SessionView

PULLED_AT_ONCE = 50
"""Messages in one request, after a switch to a branch that this client has not seen."""


class BodyPuller:
    """`is_wanted` says whether anybody still looks at the view."""

    def __init__(
        self, view: SessionView, connection: ClientConnection, rest: Rest, chores: Chores, is_wanted: Callable[[], bool]
    ) -> None:
        self._view = view
        self._connection = connection
        self._rest = rest
        self._chores = chores
        self._is_wanted = is_wanted

    def pull_lacking(self) -> None:
        """Large ones one by one; those that this view has not seen on its branch, many at once."""
        snapshot = self._view.snapshot
        lacking = [each for each in (snapshot["messages"] if snapshot else ()) if each.get("truncated")]
        unseen = [message["id"] for message in lacking if "role" not in message]
        large = [[message["id"]] for message in lacking if "role" in message]
        for ids in (*large, *(unseen[at : at + PULLED_AT_ONCE] for at in range(0, len(unseen), PULLED_AT_ONCE))):
            self.pull(ids)

    def pull(self, ids: Sequence[str]) -> None:
        self._chores.start(self._pull(ids))

    async def _pull(self, ids: Sequence[str]) -> None:
        """REST may fail, and its answer may be behind the events."""
        view, backoff, failures = self._view, self._connection.backoff, 0
        while self._is_wanted() and (lacking := [each for each in ids if view.lacks(each)]):
            try:
                found = await self._rest.get(under("contexts", view.session_id, "messages"), ids=",".join(lacking))
            except CallError as failed:
                if failed.code == "payload_too_large" and len(lacking) > 1:
                    half = len(lacking) // 2
                    await self._pull(lacking[:half])
                    ids = lacking[half:]
                    continue
                if not failed.retryable:
                    raise
                failures += 1
                await asyncio.sleep(backoff.wait_s(failures))
                continue
            if all([view.heal(message) for message in found["messages"]]):
                return
            failures += 1
            await asyncio.sleep(backoff.wait_s(failures))
