"""A server with something to ask for: requests of every route, filled in with ids that exist."""

from __future__ import annotations

import json
from typing import Any

from rest_cases import Json, example_of
from rest_client import Reply, Rest

from web.rest.route import Route


class Target:
    """A server with one session, and paths and bodies filled in with its ids."""

    def __init__(self, rest: Rest, session_id: str) -> None:
        self.rest = rest
        self.session_id = session_id
        self.project_id = rest.chat.sessions.context(session_id).project_id  # type: ignore[union-attr]

    def path(self, route: Route, **ids: str) -> str:
        known = {"projectId": self.project_id, "sessionId": self.session_id, "messageId": "m", "name": "w"}
        return route.path.format(**{**known, **ids})

    def body(self, route: Route) -> Json:
        filled = json.dumps(example_of(route).body or {})
        filled = filled.replace("{session}", self.session_id).replace("{project}", self.project_id)
        body: Json = json.loads(filled)
        return body

    async def send(self, route: Route, body: object = None, query: str = "", **more: Any) -> Reply:
        return await self.rest.ask(route.method, self.path(route) + query, body, **more)
