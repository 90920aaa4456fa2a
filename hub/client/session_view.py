"""One session as a client sees it: the folded snapshot, the cursor, and the rule that keeps both free of gaps.

    seq ≤ last: drop · seq = last + 1: apply · seq > last + 1: join again with `after`

What is folded is JSON, as it travels; `session`, `messages` and their like read it with the wire models. Never touches
a socket; hub/client/session_feed.py does, and so could a test.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from hub.client.reading import MessageReader, UnknownState, read, read_state
from hub.client.reducer import apply_event
from hub.client.wire import FeedMode, JoinAck, Json, SessionEvent
from models.approvals import Approval
from models.messages import Message
from models.runs import Run
from models.session import Session
from models.states import ContextState

Verdict = Literal["applied", "dropped", "gap"]
Mode = FeedMode
"""Its name in 0.1.0."""


class SessionView:
    """`snapshot` is None before the first join; `folded_from` is the head that it had when it came. `committed` asks
    the server how far the session's journal is."""

    def __init__(
        self,
        session_id: str,
        mode: FeedMode = "push",
        *,
        keep_events: bool = False,
        committed: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        self.session_id = session_id
        self.mode: FeedMode = mode
        self.snapshot: Json | None = None
        self.epoch: str | None = None
        self.last = 0
        self.folded_from = 0
        self.announced = 0
        self.participants: list[Json] = []
        self.joining = False
        self.on_event: Callable[[SessionEvent], None] | None = None
        self._committed = committed
        self._events: list[SessionEvent] | None = [] if keep_events else None
        self._early: list[SessionEvent] = []
        self._changed = asyncio.Event()
        self._reader = MessageReader()

    @property
    def session(self) -> Session | None:
        """None before the first join."""
        return read(Session, self.snapshot["session"]) if self.snapshot else None

    @property
    def state(self) -> ContextState | UnknownState | None:
        """Of the context; None before the first join."""
        return read_state(self.snapshot["state"]) if self.snapshot else None

    @property
    def messages(self) -> tuple[Message, ...]:
        """Of the active branch, oldest first: the newest 50 when it was joined, and all since. One with `truncated` is
        still being pulled."""
        return self._reader.read(self.snapshot["messages"]) if self.snapshot else ()

    @property
    def approvals(self) -> tuple[Approval, ...]:
        """Those that wait for an answer."""
        return tuple(read(Approval, each) for each in self.snapshot["approvals"]) if self.snapshot else ()

    @property
    def runs(self) -> tuple[Run, ...]:
        """The one at work, then those that wait for their turn."""
        if self.snapshot is None:
            return ()
        active = [self.snapshot["run"]] if self.snapshot["run"] is not None else []
        return tuple(read(Run, each) for each in (*active, *self.snapshot["queue"]))

    @property
    def events(self) -> list[SessionEvent]:
        """Everything applied since the last snapshot, in order. Raises RuntimeError unless it was to be kept: it grows
        with the session."""
        if self._events is None:
            raise RuntimeError("The events of this view are not kept; ask for keep_events")
        return self._events

    @property
    def behind(self) -> bool:
        """Signal mode: whether something was announced that was not pulled yet."""
        return self.announced > self.last

    def begin_join(self) -> Json:
        """The arguments for `join_session`. Until `joined`, events are kept: they may overtake the ack here."""
        self.joining = True
        self._early = []
        arguments: Json = {"sessionId": self.session_id, "mode": self.mode}
        if self.snapshot is not None:
            arguments |= {"after": self.last, "epoch": self.epoch}
        return arguments

    def forget(self) -> None:
        """The next join starts from a snapshot."""
        self.snapshot = None

    def joined(self, ack: JoinAck) -> bool:
        """Takes the ack. True when the client is up to date as far as the server said; False: join again (push) or
        pull (signal)."""
        self.joining = False
        self.participants = ack["participants"]
        if "snapshot" in ack:
            self._start_from(ack["snapshot"])
        self.epoch = ack["epoch"]
        early, self._early = self._early, []
        if self.mode == "signal":
            self.announced = max(self.announced, ack["head"])
            self._wake()
            return not self.behind
        gap = any(self.offer(event) == "gap" for event in (*ack["events"], *early))
        return not gap and not ack["hasMore"]

    def offer(self, event: SessionEvent) -> Verdict:
        """An event from the socket or from a pull."""
        if self.joining:
            self._early.append(event)
            return "dropped"
        if self.snapshot is None or event["seq"] <= self.last:
            return "dropped"
        if event["seq"] > self.last + 1 or event["epoch"] != self.epoch:
            return "gap"
        self.snapshot = apply_event(self.snapshot, event)
        self.last = event["seq"]
        if self._events is not None:
            self._events.append(event)
        if self.on_event is not None:
            self.on_event(event)
        self._wake()
        return "applied"

    def announce(self, seq: int) -> bool:
        """A signal or a head. True when the client is behind it."""
        self.announced = max(self.announced, seq)
        return self.behind and not self.joining

    def lacks(self, message_id: str) -> bool:
        """Whether only the header of the message, or its id, is here."""
        return self._known(message_id).get("truncated", False) is True

    def heal(self, message: Json) -> bool:
        """Puts a message that was pulled whole in the place of its header. False when it is older than the header:
        what happened since would be lost, so pull again."""
        known = self._known(message["id"])
        if self.snapshot is None or not known.get("truncated"):
            return True
        ended = known.get("status", "streaming") != "streaming" and message["status"] == "streaming"
        if ended or message["sequence"] < known.get("sequence", 0):
            return False
        messages = [message if each["id"] == message["id"] else each for each in self.snapshot["messages"]]
        self.snapshot = {**self.snapshot, "messages": messages}
        self._wake()
        return True

    def _known(self, message_id: str) -> Json:
        """The message as it is here; empty when it is not."""
        messages = self.snapshot["messages"] if self.snapshot else ()
        return next((each for each in messages if each["id"] == message_id), {})

    @property
    def session_state(self) -> str | None:
        return self.snapshot["session"]["state"] if self.snapshot else None

    def text(self) -> str:
        """The transcript's newest message; empty without one, and while it is still being pulled."""
        messages = self.snapshot["messages"] if self.snapshot else []
        return str(messages[-1].get("content", "")) if messages else ""

    async def until(self, condition: Callable[[SessionView], bool], timeout_s: float = 10.0) -> None:
        """Waits until `condition` holds. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    async def settled(self, timeout_s: float = 10.0) -> None:
        """Waits until nothing runs or waits in the session any more. What was committed before the call is seen first,
        also a run that was started elsewhere, whose events are still on their way. Raises TimeoutError,
        ConnectionLost when the client is closed."""
        async with asyncio.timeout(timeout_s):
            committed = await self._committed() if self._committed is not None else 0
            await self.until(lambda view: view.last >= committed and view._is_at_rest, timeout_s)

    @property
    def _is_at_rest(self) -> bool:
        return self.snapshot is not None and self.snapshot["session"]["state"] != "RUNNING"

    def _start_from(self, snapshot: Json) -> None:
        self.snapshot = snapshot
        self.last = snapshot["head"]
        self.announced = self.folded_from = self.last
        if self._events is not None:
            self._events = []
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
