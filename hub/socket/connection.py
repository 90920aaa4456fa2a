"""One client as the hub sees it, a sink: send, say goodbye, cut. Never reads packets, never knows rooms or sessions."""

from __future__ import annotations

from typing import Any, Protocol

from aiohttp import web

from hub.socket import frames
from hub.socket.frames import Frame
from hub.socket.outbox import Outbox

CLOSE_TRY_AGAIN = 1013
CLOSE_POLICY = 1008
DISCONNECT_GRACE_S = 1.0
"""After a Socket.IO disconnect the client closes by itself; cutting earlier races with stock clients handling it."""


class Link(Protocol):
    """The Engine.IO session below a connection."""

    outbox: Outbox

    def leave(self, last: list[Frame], reason: str, *, close_code: int, grace_s: float) -> None: ...

    async def gone(self) -> None: ...

    def let_go(self) -> None: ...

    def abort(self, reason: str) -> None: ...

    async def renew(self) -> None: ...


class Connection:
    """`state` is free for the hub; `principal` is set in `on_connect`. `closed` means: nothing more will be sent."""

    __slots__ = (
        "_held",
        "attachments_due",
        "closed",
        "connected",
        "connecting",
        "link",
        "outbox",
        "principal",
        "request",
        "sid",
        "state",
    )

    def __init__(self, sid: str, request: web.Request, link: Link) -> None:
        self.sid = sid
        self.request = request
        self.principal: Any = None
        self.state: Any = None
        self.closed = False
        self.connecting = False
        self.connected = False
        self.attachments_due = 0
        self.outbox = link.outbox
        self.link = link
        # What is sent during on_connect follows the packet that tells the client it is connected.
        self._held: list[Frame] | None = []

    @property
    def over_high_water(self) -> bool:
        """So much waits for this client that nothing more should be sent."""
        return self.outbox.over_high_water

    async def drained(self) -> None:
        """Returns once the client took most of what waits, or is gone."""
        await self.outbox.drained()

    def send(self, frame: Frame) -> None:
        """Never blocks and never raises; to a closed connection nothing is sent."""
        if self.closed:
            return
        if self._held is not None:
            self._held.append(frame)
        elif not self.outbox.put(frame):
            self.link.let_go()

    def emit(self, name: str, data: object) -> None:
        """Encode and send to this client alone; for many, make one frame and `send` it to each."""
        self.send(frames.event_frame(name, data))

    async def goodbye(self, code: str, reason: str, *, retryable: bool) -> None:
        """Say why, close, and return when the client is gone (bounded: about 2 s, then it is cut)."""
        self.dismiss(code, reason, retryable=retryable)
        await self.link.gone()

    def dismiss(self, code: str, reason: str, *, retryable: bool) -> None:
        """`goodbye` without waiting. Stock clients come back only after a close of the transport itself."""
        if self.closed:
            return
        self.closed = True
        farewell = frames.event_frame("goodbye", {"code": code, "retryable": retryable, "reason": reason})
        if retryable:
            self.link.leave([farewell], code, close_code=CLOSE_TRY_AGAIN, grace_s=0.0)
        else:
            last = [farewell, frames.DISCONNECT]
            self.link.leave(last, code, close_code=CLOSE_POLICY, grace_s=DISCONNECT_GRACE_S)

    def abort(self) -> None:
        """Cut at once; what is queued is dropped."""
        self.link.abort("aborted")

    def answer(self, frame: Frame) -> None:
        """Protocol answers (acks) pass while the connection is open, also before it is connected."""
        if not self.closed and not self.outbox.put(frame):
            self.link.let_go()

    def welcome(self) -> None:
        """Tell the client that it is connected; then what was sent meanwhile."""
        self.connected = True
        held, self._held = self._held, None
        self.answer(frames.connect_frame(self.sid))
        for frame in held or ():
            self.send(frame)

    def turn_away(self, error: dict[str, Any]) -> None:
        """Refuse the connection: for good by a connect error, else by a close after which stock clients try again.

        After a connect error the transport stays, for another try on it: older clients take its close for a reason to
        come back, for ever. Who does not try is cut like one that never did.
        """
        if error["retryable"]:
            self.closed = True
            self.link.leave([], error["code"], close_code=CLOSE_TRY_AGAIN, grace_s=0.0)
        else:
            self.connecting = False
            self.answer(frames.connect_error_frame(b"/", error))
