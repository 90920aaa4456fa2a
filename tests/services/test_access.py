"""Who is calling, and what they may do."""

from __future__ import annotations

import pytest

from models.errors import Forbidden, Unauthenticated
from services.access import LOCAL, SYSTEM, Access, Action, OnProject, OnServer, OnSession, OnUser, Principal, Resource


@pytest.mark.parametrize("token", [None, "", "anything"])
def test_without_a_token_everybody_who_reaches_the_port_is_local(token: str | None) -> None:
    access = Access()
    assert access.resolve(token) == LOCAL


def test_with_a_token_only_who_shows_it_is_let_in() -> None:
    access = Access("s3cret-é")
    assert access.resolve("s3cret-é").kind == "token"
    for wrong in (None, "", "s3cret", "s3cret-é ", "S3CRET-É", "日本語"):
        with pytest.raises(Unauthenticated):
            access.resolve(wrong)


def test_a_token_that_no_encoding_knows_is_refused_like_any_wrong_one() -> None:
    with pytest.raises(Unauthenticated):
        Access("s3cret").resolve("\ud800")


RESOURCES = (OnSession("s"), OnProject("p"), OnUser("u"), OnServer())


@pytest.mark.parametrize("action", ["read", "write", "approve", "manage"])
@pytest.mark.parametrize("resource", RESOURCES)
async def test_everybody_who_was_let_in_may_do_everything_and_nobody_else_anything(
    action: Action, resource: Resource
) -> None:
    access = Access()
    for principal in (LOCAL, SYSTEM, Principal("local", "local", "token")):
        await access.check(principal, action, resource)
        assert await access.visible(principal) is None
    with pytest.raises(Forbidden):
        await access.check(Principal("eve", "Eve", "guest"), action, resource)  # type: ignore[arg-type]
