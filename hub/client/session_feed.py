"""Feeds one view: joins its session, follows it event by event, and joins again where something is missing.

In signal mode it pulls by REST what was announced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import structlog

from hub.client.body_puller import BodyPuller
from hub.client.chores import Chores
from hub.client.connection import ClientConnection
from hub.client.errors import CallError, CallFailed, ConnectionLost, NoAnswer
from hub.client.rest import Rest, under
from hub.client.session_view import SessionView
from hub.client.wire import EventPage, JoinAck, Json, SessionEvent

log = structlog.get_logger(__name__)

JOIN_TIMEOUT_MAX_S = 120.0
"""An answer to a join may hold 256 KiB, which a line of 8 KB/s carries for half a minute: after a join without an
answer the next one gets twice the time, up to this."""


class JoinTimeout:
    """How long joins of one connection wait for their answers: learnt from those before."""

    def __init__(self, call_timeout_s: float) -> None:
        self.now_s = self._least_s = call_timeout_s

    def was_short(self, waited_s: float) -> None:
        self.now_s = min(2 * waited_s, max(JOIN_TIMEOUT_MAX_S, self._least_s))

    def was_enough(self, waited_s: float) -> None:
        self.now_s = max(self._least_s, waited_s / 2)


class SessionFeed:
    """`is_kept` says whether it is still the one that feeds its session: another may have taken its place."""

    def __init__(
        self,
        view: SessionView,
        connection: ClientConnection,
        rest: Rest,
        chores: Chores,
        join_timeout: JoinTimeout,
        is_kept: Callable[[SessionFeed], bool],
    ) -> None:
        self.view = view
        self._connection = connection
        self._rest = rest
        self._chores = chores
        self._join_timeout = join_timeout
        self._is_kept = is_kept
        self._bodies = BodyPuller(view, connection, rest, chores, lambda: is_kept(self))
        self._pulling = False

    def take(self, name: str, data: Json) -> None:
        """What the server told of this session."""
        match name:
            case "event":
                self._take_event(cast(SessionEvent, data))
            case "signal" | "head":
                if self.view.announce(data["seq"]):
                    self._chores.start(self._catch_up() if self.view.mode == "signal" else self.rejoin())
            case "resync":
                self.view.forget()
                self._chores.start(self.rejoin())
            case _:
                pass

    async def join(self) -> None:
        """Joins until the view is up to date. Raises ConnectionLost, CallFailed."""
        view, up_to_date = self.view, False
        while not up_to_date:
            view.joining = True  # from now on, also while there is no connection: one join at a time
            try:
                await self._connection.connected()
                if not self._is_kept(self):
                    view.joining = False  # left, or opened anew: its place on the server is not ours any more
                    return
                ack = await self._ask_to_join()
            except BaseException:
                view.joining = False
                raise
            # Without a snapshot, it was dropped while this join was under way, and its answer went on from it.
            up_to_date = view.joined(ack) and view.snapshot is not None
            if view.mode == "signal" and view.snapshot is not None:
                self._chores.start(self._catch_up())
                break
        self._bodies.pull_lacking()

    async def rejoin(self, failures: int = 0) -> None:
        """As `join`, in the background: a lost connection ends it, the next one begins anew."""
        if self.view.joining:
            return
        try:
            await self.join()
        except ConnectionLost:
            return
        except CallFailed as refused:
            log.warning("join refused", session=self.view.session_id, code=refused.code)
            if refused.retryable:
                await asyncio.sleep(self._connection.backoff.wait_s(failures + 1))
                self._chores.start(self.rejoin(failures + 1))

    async def _ask_to_join(self) -> JoinAck:
        timeout_s = self._join_timeout.now_s
        try:
            ack = await self._connection.call("join_session", self.view.begin_join(), timeout_s=timeout_s)
        except NoAnswer:
            self._join_timeout.was_short(timeout_s)
            raise
        self._join_timeout.was_enough(timeout_s)
        return cast(JoinAck, ack)

    def _take_event(self, event: SessionEvent) -> None:
        verdict = self.view.offer(event)
        if verdict == "gap":
            self._chores.start(self.rejoin())
        elif event["data"].get("truncated"):
            self._bodies.pull([event["data"]["message"]["id"]])
        elif verdict == "applied" and event["type"] in ("branch.switched", "branch.merged"):
            self._bodies.pull_lacking()

    async def _catch_up(self) -> None:
        """Pulls until it worked, once at a time: REST may fail while the socket lives, and no signal need follow."""
        if self._pulling:
            return
        self._pulling = True
        failures = 0
        try:
            while self._is_kept(self):
                if await self._pulled():
                    return
                failures += 1
                await asyncio.sleep(self._connection.backoff.wait_s(failures))
        finally:
            self._pulling = False

    async def _pulled(self) -> bool:
        """False when it is worth another try."""
        try:
            await self._pull()
        except CallError as failed:
            if not failed.retryable:
                raise
            log.info("postponed", reason=str(failed))
            return False
        return True

    async def _pull(self) -> None:
        """Signal mode: reads what was announced, in order."""
        view = self.view
        while view.behind and not view.joining:
            page = cast(EventPage, await self._rest.get(under("sessions", view.session_id, "events"), after=view.last))
            if page["epoch"] != view.epoch:
                view.forget()
                self._chores.start(self.rejoin())
                return
            for event in page["events"]:
                self._take_event(event)
            if not page["events"]:
                view.announced = view.last
