"""The sessions that are open on one connection: each stays joined until it is left, whatever happens in between."""

from __future__ import annotations

import asyncio

import structlog

from hub.client.chores import Chores
from hub.client.connection import ClientConnection
from hub.client.errors import CallError, CallFailed, ConnectionLost
from hub.client.rest import Rest, under
from hub.client.session_feed import JoinTimeout, SessionFeed
from hub.client.session_view import SessionView
from hub.client.wire import FeedMode, Json

log = structlog.get_logger(__name__)


class OpenSessions:
    def __init__(self, connection: ClientConnection, rest: Rest, chores: Chores, *, keep_events: bool) -> None:
        self._connection = connection
        self._rest = rest
        self._chores = chores
        self._keep_events = keep_events
        self._join_timeout = JoinTimeout(connection.call_timeout_s)
        self._feeds: dict[str, SessionFeed] = {}

    @property
    def views(self) -> dict[str, SessionView]:
        """By the session's id."""
        return {session_id: feed.view for session_id, feed in self._feeds.items()}

    def feed(self, session_id: str) -> SessionFeed:
        """Raises KeyError when the session is not open."""
        return self._feeds[session_id]

    async def open(self, session_id: str, mode: FeedMode, timeout_s: float) -> SessionView:
        """Raises CallFailed when the server refuses, TimeoutError."""
        feed = self._feed_for(session_id, mode)
        failures = 0
        async with asyncio.timeout(timeout_s):
            while feed.view.snapshot is None:
                await self._connection.connected()
                try:
                    await self._open(feed)
                except ConnectionLost as lost:
                    log.info("opened once more", session=session_id, reason=str(lost))
                    failures += 1
                    await asyncio.sleep(self._connection.backoff.wait_s(failures))
        return feed.view

    async def leave(self, session_id: str) -> None:
        self._feeds.pop(session_id, None)
        await self._connection.call("leave_session", {"sessionId": session_id})

    def rejoin_all(self) -> None:
        """After connecting, or to see whether a silent connection is alive."""
        for feed in list(self._feeds.values()):
            self._chores.start(feed.rejoin())

    def take(self, name: str, data: Json) -> None:
        """What the server told of a session; of one that isn't open it is of no interest."""
        feed = self._feeds.get(data.get("sessionId", ""))
        if feed is not None:
            feed.take(name, data)

    def _feed_for(self, session_id: str, mode: FeedMode) -> SessionFeed:
        view = SessionView(session_id, mode, keep_events=self._keep_events, committed=lambda: self._head_of(session_id))
        return SessionFeed(view, self._connection, self._rest, self._chores, self._join_timeout, self._is_kept)

    def _is_kept(self, feed: SessionFeed) -> bool:
        return self._feeds.get(feed.view.session_id) is feed

    async def _open(self, feed: SessionFeed) -> None:
        """One join. Only a feed that is joining or joined may be kept: the next connection joins all of them."""
        self._feeds[feed.view.session_id] = feed
        try:
            await feed.join()
        except BaseException:
            if feed.view.snapshot is None and self._is_kept(feed):
                del self._feeds[feed.view.session_id]
            raise

    async def _head_of(self, session_id: str) -> int:
        """How far the session's journal is; 0 for one that is gone, of which nothing more can come."""
        failures = 0
        while True:
            try:
                return int((await self._rest.get(under("sessions", session_id)))["head"])
            except CallError as failed:
                if isinstance(failed, CallFailed) and not failed.retryable:
                    return 0
                failures += 1
                await self._connection.pause_after(failed, failures)
