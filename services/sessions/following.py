"""Who follows which session: publishes each commit to the followers of its session. Never asks the journal: who lags
does that for itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from models.events import Event, SessionDeleted
from services.sessions.follow import Follower, Sink
from services.sessions.forms import Form, Telling
from services.sessions.listeners import Committed
from services.sessions.manager import SessionManager

F = TypeVar("F")
Deleted = Callable[[str], None]


class Followed:
    """A session while somebody follows it. Its followers may have sinks of different forms."""

    __slots__ = ("followers", "last_event", "last_seq", "session_id", "sessions")

    def __init__(self, session_id: str, sessions: SessionManager) -> None:
        self.session_id = session_id
        self.sessions = sessions
        self.last_seq = 0
        self.last_event: Event | None = None
        self.followers: dict[Follower[Any], None] = {}

    def publish(self, events: tuple[Event, ...]) -> None:
        telling = Telling(events)
        self.last_seq, self.last_event = telling.last, events[-1]
        for follower in list(self.followers):
            follower.offer(telling)


class Following:
    """One for all doors of a server, so that what goes out at several is encoded once."""

    def __init__(self, sessions: SessionManager) -> None:
        self._sessions = sessions
        self._followed: dict[str, Followed] = {}
        self._forms: dict[str, Form[Any]] = {}
        self._deleted: list[Deleted] = []
        sessions.subscribe(self._on_committed)
        sessions.subscribe_cuts(self._on_cut)

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._followed

    def when_deleted(self, listener: Deleted) -> None:
        """`listener` is called with the id of a session that was deleted, or has another journal now, after its
        followers were told and let go."""
        self._deleted.append(listener)

    def follow(self, session_id: str, sink: Sink[F], form: Form[F]) -> Follower[F]:
        """A new follower; from now on what is published counts for it. Join with it next; `leave` when it is over."""
        if self._forms.setdefault(form.name, form) is not form:
            raise ValueError(f"There is another form of the name {form.name!r}")
        followed = self._followed.get(session_id)
        if followed is None:
            followed = self._followed[session_id] = Followed(session_id, self._sessions)
            self._sessions.follow(session_id)
        follower = Follower(followed, sink, form)
        followed.followers[follower] = None
        return follower

    def leave(self, follower: Follower[F]) -> None:
        """Harmless when it has left before."""
        follower.end()
        followed = self._followed.get(follower.source.session_id)
        if followed is None:
            return
        followed.followers.pop(follower, None)
        if not followed.followers:
            self._forget(followed)

    def _on_committed(self, committed: Committed) -> None:
        session_id = committed.after.session_id
        followed = self._followed.get(session_id)
        if followed is None:
            return
        followed.publish(committed.events)
        if any(isinstance(event.body, SessionDeleted) for event in committed.events):
            self._evict_all(followed)

    def _evict_all(self, followed: Followed) -> None:
        """What is committed later, a restore perhaps, is for those who join again."""
        self._forget(followed)
        for follower in list(followed.followers):
            follower.evict()
        self._tell_deleted(followed.session_id)

    def _on_cut(self, session_id: str, reason: str) -> None:
        """What was published is not continued: all have to join anew."""
        followed = self._followed.get(session_id)
        if followed is None:
            return
        self._forget(followed)
        for follower in list(followed.followers):
            follower.cut(reason)
        self._tell_deleted(session_id)

    def _forget(self, followed: Followed) -> None:
        del self._followed[followed.session_id]
        self._sessions.unfollow(followed.session_id)

    def _tell_deleted(self, session_id: str) -> None:
        for listener in self._deleted:
            listener(session_id)
