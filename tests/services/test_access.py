"""Who is calling, and what they may do."""

from __future__ import annotations

import pytest

from models.errors import Forbidden, Unauthenticated
from services.access import LOCAL, SYSTEM, Access, Principal


@pytest.mark.parametrize("token", [None, "", "anything"])
def test_without_a_token_everybody_who_reaches_the_port_is_local(token: str | None) -> None:
    access = Access()
    assert not access.needs_token
    assert access.resolve(token) == LOCAL


def test_with_a_token_only_who_shows_it_is_let_in() -> None:
    access = Access("s3cret-é")
    assert access.needs_token
    assert access.resolve("s3cret-é").kind == "token"
    for wrong in (None, "", "s3cret", "s3cret-é ", "S3CRET-É", "日本語"):
        with pytest.raises(Unauthenticated):
            access.resolve(wrong)


def test_a_token_that_no_encoding_knows_is_refused_like_any_wrong_one() -> None:
    with pytest.raises(Unauthenticated):
        Access("s3cret").resolve("\ud800")


@pytest.mark.parametrize("action", ["read", "write", "manage"])
def test_everybody_who_was_let_in_may_do_everything_and_nobody_else_anything(action: str) -> None:
    access = Access()
    for principal in (LOCAL, SYSTEM, Principal("local", "local", "token")):
        access.check(principal, action)  # type: ignore[arg-type]
    with pytest.raises(Forbidden):
        access.check(Principal("eve", "Eve", "guest"), action)  # type: ignore[arg-type]
