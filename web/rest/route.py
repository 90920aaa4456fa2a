"""What an entry of the route table is, and what its handler gets and gives. Never reads a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aiohttp import web

from models.calls import NoArguments
from models.errors import InvalidArgument, ParleyError
from models.wire import Wire
from services.access import Action, Principal, Resource
from services.chat import Chat
from services.context_editor import ContextEditor
from services.launcher import Launcher
from services.library import Library
from services.organizer import Organizer
from services.sessions.branches import Branches
from services.users import Users
from web.keys import ACCESS, BRANCHES, CHAT, EDITOR, LAUNCHER, LIBRARY, ORGANIZER, USERS
from web.rest.reading import BODY_LIMIT_BYTES, JSON_TYPE
from web.stream import AnswerStream

EXPECTED = "expected_version"
Body = TypeVar("Body", bound=Wire)
Query = TypeVar("Query", bound=Wire)


class NoQuery(Wire):
    """No query parameters."""


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is not JSON of a model."""

    body: bytes
    content_type: str


Answer = Wire | Mapping[str, Any] | Raw | AnswerStream


@dataclass(frozen=True, slots=True)
class Call(Generic[Body, Query]):
    """One request, parsed and checked. `if_match` is the version in the header of that name; for an ETag that is none
    of ours one that nothing has."""

    app: web.Application
    principal: Principal
    path: Mapping[str, str]
    body: Body
    query: Query
    if_match: int | None = None

    @property
    def chat(self) -> Chat:
        return self.app[CHAT]

    @property
    def library(self) -> Library:
        return self.app[LIBRARY]

    @property
    def launcher(self) -> Launcher:
        return self.app[LAUNCHER]

    @property
    def organizer(self) -> Organizer:
        return self.app[ORGANIZER]

    @property
    def editor(self) -> ContextEditor:
        return self.app[EDITOR]

    @property
    def branches(self) -> Branches:
        return self.app[BRANCHES]

    @property
    def users(self) -> Users:
        return self.app[USERS]

    async def check(self, action: Action, resource: Resource) -> None:
        """For what no service asks about. Raises Forbidden."""
        await self.app[ACCESS].check(self.principal, action, resource)

    @property
    def session_id(self) -> str:
        return self.path["sessionId"]

    @property
    def project_id(self) -> str:
        return self.path["projectId"]

    @property
    def version(self) -> int | None:
        """The version that the caller means, by header, body or query. Raises InvalidArgument when they differ."""
        told = (getattr(self.body, EXPECTED, None), getattr(self.query, EXPECTED, None), self.if_match)
        versions = {version for version in told if version is not None}
        if len(versions) > 1:
            raise InvalidArgument("expectedVersion and If-Match name different versions", field="expectedVersion")
        return next(iter(versions), None)


Handler = Callable[[Call[Any, Any]], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """`answer` is the model of the answer, or the media type of a Raw or Stream. The ETag of `versioned` answers names
    the version. `public` ones need no token. `aliases` are further paths of the same. `media_types` are those that a
    body may have, `body_limit_bytes` its size. `successor` is the path that should be used instead: the route is
    deprecated, and every answer of it says so."""

    method: str
    path: str
    handler: Handler
    body: type[Wire]
    query: type[Wire]
    answer: type[Wire] | str
    summary: str
    status: int
    errors: tuple[type[ParleyError], ...]
    versioned: bool
    public: bool
    aliases: tuple[str, ...]
    media_types: tuple[str, ...] = (JSON_TYPE,)
    successor: str | None = None
    body_limit_bytes: int = BODY_LIMIT_BYTES

    @property
    def takes_body(self) -> bool:
        return self.method in ("POST", "PUT", "PATCH")

    @property
    def wants_body(self) -> bool:
        return self.body is not NoArguments

    @property
    def tagged(self) -> bool:
        """Whether its answers have an ETag: JSON that is read, or has a version."""
        is_json = self.answer == JSON_TYPE or not isinstance(self.answer, str)
        return is_json and (self.method == "GET" or self.versioned)

    @property
    def guarded(self) -> bool:
        """Whether a request may be meant for one version only: it takes expectedVersion, and If-Match."""
        return EXPECTED in self.body.model_fields or EXPECTED in self.query.model_fields


def route(
    method: str,
    path: str,
    handler: Callable[[Call[Body, Query]], Awaitable[Answer]],
    body: type[Body],
    query: type[Query],
    answer: type[Wire] | str,
    summary: str,
    *,
    status: int = 200,
    errors: tuple[type[ParleyError], ...] = (),
    versioned: bool = False,
    public: bool = False,
) -> Route:
    """The signature holds the type checker to it: a handler takes the models that its entry names."""
    aliases = (path.removeprefix("/api"),) if path.startswith("/api/contexts/") else ()
    return Route(method, path, handler, body, query, answer, summary, status, errors, versioned, public, aliases)
