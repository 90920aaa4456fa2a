"""What the transport asks of the hub, and what the hub answers. Never touches a socket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from hub.socket.connection import Connection


@dataclass(frozen=True)
class Ack:
    """`data` (with `ok`) is written first; `then` runs right after it, with no await in between: "ack and go live"."""

    data: dict[str, Any]
    then: Callable[[], None] | None = None


class CallHandler(Protocol):
    """Calls of one connection come in order, one at a time. `on_disconnect` comes last, once, if it was connected."""

    def admit(self, request: web.Request) -> None:
        """At every HTTP request, before anything else: may it talk to us? Raises ParleyError, answered with its
        status."""

    async def on_connect(self, connection: Connection, auth: object) -> None:
        """At the Socket.IO connect. Raises ParleyError to refuse; `auth` is what the client sent, unchecked."""

    async def on_call(self, connection: Connection, name: str, args: list[object]) -> Ack:
        """Any call with any arguments, unknown ones too. Raises ParleyError, which becomes the ack's error."""

    def on_disconnect(self, connection: Connection, reason: str) -> None:
        """The client is gone and nothing can be sent any more."""
