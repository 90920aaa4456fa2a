"""Random requests, reproducible from a seed: whatever is sent, the answer is one that the OpenAPI document describes,
and never a 5xx."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from rest_cases import BAD_NUMBERS, BAD_TEXTS, Json, example_of, leaves, replaced
from rest_client import Rest

from web.rest.route import Route
from web.rest.routes import ROUTES

REQUESTS = 400
FRESH = random.SystemRandom().randrange(1 << 32)
ATOMS: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 1e308, 2**63, 2**64 - 1, -(2**63)),
    *("", "a", "\0", "\x7f", "\u202e", "\ud800", "\U0001f600", "x" * 300, "../..", "%00", "{}", "'; DROP TABLE"),
    *("null", "text", "image", "file_reference", "streaming_response", [], {}),
)


class Chance:
    """What a seed makes up."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def value(self, depth: int = 0) -> Any:
        kind = self.random.random()
        if kind < 0.7 or depth > 3:
            return self.random.choice(ATOMS)
        if kind < 0.85:
            return [self.value(depth + 1) for _ in range(self.random.randrange(3))]
        return {str(self.random.choice(ATOMS)): self.value(depth + 1) for _ in range(self.random.randrange(3))}

    def query(self, route: Route) -> str:
        bad = (*BAD_NUMBERS[:12], *BAD_TEXTS, "1", "3", "pool", "desc")
        chosen = [
            f"{name}={self.random.choice((value, *bad))}"
            for name, value in example_of(route).query.items()
            if self.random.random() < 0.5
        ]
        return "?" + "&".join(chosen) if chosen else ""

    def body(self, route: Route, ids: dict[str, str]) -> bytes | None:
        if not route.takes_body:
            return None
        text = json.dumps(example_of(route).body)
        body: Json = json.loads(text.replace("{session}", ids["sessionId"]).replace("{project}", ids["projectId"]))
        places = [path for path, _ in leaves(body) if len(path) == 1] or [("surplus",)]
        for _ in range(self.random.randrange(3)):
            body = replaced(body, self.random.choice(places), self.value())
        kept = {name: value for name, value in body.items() if self.random.random() < 0.8}
        return json.dumps(kept).encode()

    def headers(self) -> dict[str, str]:
        tag = self.random.choice(('"v1"', '"v2"', "*", "x", None, None, None))
        return {"If-Match": tag} if tag is not None else {}


@pytest.mark.parametrize(
    "seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(FRESH, id="fresh", marks=pytest.mark.slow)]
)
async def test_any_request_gets_an_answer_that_is_described(stored: Rest, seed: int) -> None:
    print(f"seed {seed}")
    chance = Chance(seed)
    for number in range(REQUESTS):
        if number % 50 == 0:
            project = (await stored.post("/api/projects", {"name": "a"}))["id"]
            sessions = [await stored.session(projectId=project), await stored.session(), "nobody"]
        route = chance.random.choice(ROUTES)
        ids = {"projectId": chance.random.choice((project, "nothing")), "sessionId": chance.random.choice(sessions)}
        path = route.path.format(**ids, messageId="m", name="w") + chance.query(route)
        raw = chance.body(route, ids)
        reply = await stored.ask(route.method, path, raw=raw, headers=chance.headers())
        assert reply.status < 500, (route.method, path, raw, reply.raw)
