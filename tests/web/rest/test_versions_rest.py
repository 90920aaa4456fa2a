"""Optimistic concurrency: ETag, If-Match, expectedVersion. A lost race is told and changes nothing."""

from __future__ import annotations

import asyncio

import pytest
from rest_client import Rest


async def resource(rest: Rest, kind: str) -> tuple[str, str]:
    """Path and editable field of a new project or session."""
    if kind == "project":
        return f"/api/projects/{(await rest.post('/api/projects', {'name': 'a'}))['id']}", "name"
    return f"/api/sessions/{await rest.session(title='a')}", "title"


@pytest.mark.parametrize("kind", ["project", "session"])
async def test_an_edit_of_the_version_that_was_read_succeeds(stored: Rest, kind: str) -> None:
    path, field = await resource(stored, kind)
    read = await stored.ask("GET", path)
    edited = await stored.ask("PATCH", path, {field: "b"}, headers={"If-Match": read.etag})
    assert (edited.status, edited.etag) == (200, '"v2"')
    edited = await stored.ask("PATCH", path, {field: "c", "expectedVersion": 2})
    assert (edited.status, edited.etag) == (200, '"v3"')
    edited = await stored.ask("PATCH", path, {field: "d"}, headers={"If-Match": "*"})
    assert (edited.status, edited.etag) == (200, '"v4"')


@pytest.mark.parametrize("kind", ["project", "session"])
async def test_an_edit_of_another_version_is_told_the_current_one(stored: Rest, kind: str) -> None:
    path, field = await resource(stored, kind)
    await stored.ask("PATCH", path, {field: "b"})
    for tag in ('"v1"', '"v3"', 'W/"v2"', '"v2", "v1"', '"abc"', "v2", '"v0"', "", "\u00e9"):
        for method, body in (("PATCH", {field: "c"}), ("DELETE", None)):
            refused = await stored.ask(method, path, body, headers={"If-Match": tag})
            assert (refused.status, refused.code) == (412, "version_mismatch"), (method, tag)
            assert refused.data["details"] == {"currentVersion": 2}
    assert (await stored.get(path))[field] == "b"


@pytest.mark.parametrize("kind", ["project", "session"])
async def test_of_many_racing_edits_exactly_one_wins(stored: Rest, kind: str) -> None:
    path, field = await resource(stored, kind)
    racing = [stored.ask("PATCH", path, {field: f"by {n}"}, headers={"If-Match": '"v1"'}) for n in range(10)]
    replies = await asyncio.gather(*racing)
    [winner] = [reply for reply in replies if reply.status == 200]
    assert {reply.status for reply in replies if reply is not winner} == {412}
    assert (await stored.get(path))[field] == winner.data[field]


async def test_header_and_body_must_name_the_same_version(rest: Rest) -> None:
    path, field = await resource(rest, "project")
    body = {field: "b", "expectedVersion": 1}
    refused = await rest.ask("PATCH", path, body, headers={"If-Match": '"v2"'})
    assert (refused.status, refused.field) == (400, "expectedVersion")
    assert (await rest.ask("PATCH", path, body, headers={"If-Match": '"v1"'})).status == 200


async def test_the_current_session_is_guarded_by_the_projects_version(stored: Rest) -> None:
    path, _ = await resource(stored, "project")
    session = await stored.session(projectId=path.rpartition("/")[2])
    body = {"sessionId": session}
    assert (await stored.ask("PUT", f"{path}/current-session", body, headers={"If-Match": '"v7"'})).status == 412
    assert (await stored.ask("PUT", f"{path}/current-session", {**body, "expectedVersion": 1})).status == 200


async def test_messages_do_not_move_a_sessions_version(rest: Rest) -> None:
    session_id = await rest.talked()
    assert (await rest.ask("GET", f"/api/sessions/{session_id}")).etag == '"v1"'


async def test_a_session_is_deleted_at_the_version_that_was_read(stored: Rest) -> None:
    path, _ = await resource(stored, "session")
    assert (await stored.ask("DELETE", path, headers={"If-Match": '"v1"'})).status == 200
