"""Every route asks whether its caller may, before it answers or does anything."""

from __future__ import annotations

import pytest
from rest_cases import example_of, name_of
from rest_client import Rest
from rest_target import Target

from models.errors import Forbidden
from services.access import LOCAL, Action, Principal, Resource
from web.keys import ACCESS
from web.rest.route import Route
from web.rest.routes import ROUTES

ASKS_NOBODY = {
    "get_health": "says that the process answers, to whoever asks",
    "get_readiness": "says that the storage works, to whoever asks",
    "get_openapi": "is the documentation",
}


@pytest.fixture
async def target(rest: Rest) -> Target:
    return Target(rest, await rest.session())


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
async def test_a_caller_who_may_nothing_is_refused_by_every_route(
    target: Target, route: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails for a route that asks nobody, and for one that reads or does something before it asks."""
    asked: list[tuple[Principal, Action, Resource]] = []

    async def refuse(principal: Principal, action: Action, resource: Resource) -> None:
        asked.append((principal, action, resource))
        raise Forbidden()

    monkeypatch.setattr(target.rest.app[ACCESS], "check", refuse)
    example = example_of(route)
    body = None
    if route.takes_body:
        body = {name: value for name, value in target.body(route).items() if name not in example.without}
    needed = [field.alias or name for name, field in route.query.model_fields.items() if field.is_required()]
    query = "&".join(f"{name}={example.query[name]}" for name in needed)
    answer = await target.send(route, body, f"?{query}" if query else "")
    if name_of(route) in ASKS_NOBODY:
        assert (asked, answer.status) == ([], 200)
        return
    assert answer.status == 403, answer.data
    assert asked[0][0] == LOCAL


def test_every_exception_is_a_route() -> None:
    assert set(ASKS_NOBODY) <= {name_of(route) for route in ROUTES}
