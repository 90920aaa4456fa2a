"""Who is calling, and what they may do to what: one place resolves the principal, one place decides. Knows no
transport."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Literal

from models.actors import SERVER, Actor, actor_named
from models.errors import Forbidden, Unauthenticated
from models.session import Visible

Action = Literal["read", "write", "approve", "manage"]
"""`approve` lets tools run, `manage` deletes and restores."""


@dataclass(frozen=True, slots=True)
class OnSession:
    session_id: str


@dataclass(frozen=True, slots=True)
class OnProject:
    project_id: str


@dataclass(frozen=True, slots=True)
class OnUser:
    """What a user keeps on the server."""

    user_id: str


@dataclass(frozen=True, slots=True)
class OnServer:
    """What belongs to no project: the list of them all, models, tools, numbers."""


Resource = OnSession | OnProject | OnUser | OnServer


@dataclass(frozen=True, slots=True)
class Principal:
    """A user as the server knows them. `system` is the server itself at work."""

    user_id: str
    name: str
    kind: Literal["local", "token", "system"]


LOCAL = Principal("local", "local", "local")
SYSTEM = Principal("system", "system", "system")


def actor_of(principal: Principal) -> Actor:
    """Who the events of a caller's commands are by."""
    if principal.kind == "system":
        return SERVER
    return actor_named(principal.user_id, principal.name, "user")


class Access:
    """Without a token everybody who reaches the (loopback) port is the user `local`; with one, whoever shows it."""

    def __init__(self, token: str | None = None) -> None:
        self._token = token

    def resolve(self, token: str | None) -> Principal:
        """Raises Unauthenticated when a token is needed and `token` isn't it."""
        if self._token is None:
            return LOCAL
        # JSON may bring lone surrogates: a token with some is wrong, not an error of ours.
        if token is None or not hmac.compare_digest(token.encode(errors="surrogatepass"), self._token.encode()):
            raise Unauthenticated()
        return Principal("local", "local", "token")

    async def check(self, principal: Principal, action: Action, resource: Resource) -> None:
        """Raises Forbidden; for what one may not even see SessionNotFound or ProjectNotFound, worded as for what isn't
        there. Everybody who was let in may do everything in this version; roles come with members."""
        if principal.kind not in ("local", "token", "system"):
            raise Forbidden(f"Not allowed to {action}")

    async def visible(self, principal: Principal) -> Visible:
        """The projects whose sessions a caller's lists, feeds and searches may show."""
        return None
