"""Optimistic concurrency: ETag, If-Match, expectedVersion. A lost race is told and changes nothing."""

from __future__ import annotations

import asyncio

import pytest
from rest_cases import name_of
from rest_client import Rest

from web.rest.routes import ROUTES


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
    assert (edited.status, edited.version_tag) == (200, '"v2"')
    edited = await stored.ask("PATCH", path, {field: "c", "expectedVersion": 2})
    assert (edited.status, edited.version_tag) == (200, '"v3"')
    edited = await stored.ask("PATCH", path, {field: "d"}, headers={"If-Match": "*"})
    assert (edited.status, edited.version_tag) == (200, '"v4"')


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
    assert (await rest.ask("GET", f"/api/sessions/{session_id}")).version_tag == '"v1"'


async def test_a_session_is_deleted_at_the_version_that_was_read(stored: Rest) -> None:
    path, _ = await resource(stored, "session")
    assert (await stored.ask("DELETE", path, headers={"If-Match": '"v1"'})).status == 200


ACTIONS: dict[str, dict[str, object]] = {
    "edit_session": {"title": "other"},
    "delete_session": {},
    "restore_session": {},
    "send_message": {"content": "hello"},
    "post_message": {"content": "hello"},
    "cancel_run": {},
    "set_model": {"model": "scripted:words=2"},
    "set_mode": {"mode": "plan"},
    "retry": {},
    "archive": {},
    "unarchive": {},
    "resolve_approval": {"approvalId": "a", "decision": "approve"},
    "revoke_grant": {"tool": "t"},
    "fork": {},
    "switch_branch": {"name": "b"},
    "merge": {"source": "b", "strategy": "append"},
    "set_branch_prompt": {"branch": "b", "systemPrompt": "p"},
    "pin": {"text": "t"},
    "unpin": {"pinId": "p"},
    "set_plan": {"items": [{"id": "1", "text": "t"}]},
}
WRITING = {name_of(each): each for each in ROUTES if each.method != "GET" and "{sessionId}" in each.path}


async def two_branches(rest: Rest) -> str:
    session_id = await rest.talked()
    await rest.post(f"/api/contexts/{session_id}/actions/fork", {"name": "b", "switch": False})
    return session_id


def test_every_route_that_writes_to_a_session_is_tried_here() -> None:
    assert set(ACTIONS) == set(WRITING)


async def test_what_writes_to_a_session_may_be_meant_for_one_version(rest: Rest, subtests: pytest.Subtests) -> None:
    """Fails for a handler or a service that does not hand the version on."""
    session_id = await two_branches(rest)
    before = await rest.get(f"/api/sessions/{session_id}")
    other = before["version"] + 1
    for name, arguments in ACTIONS.items():
        with subtests.test(name):
            entry = WRITING[name]
            path, takes_body = entry.path.replace("{sessionId}", session_id), entry.takes_body
            tagged = {"If-Match": f'"v{other}-{"0" * 24}"'}
            by_header = await rest.ask(entry.method, path, arguments if takes_body else None, headers=tagged)
            named = {**arguments, "expectedVersion": other}
            named_path = path if takes_body else f"{path}?expectedVersion={other}"
            by_name = await rest.ask(entry.method, named_path, named if takes_body else None)
            for refused in (by_header, by_name):
                assert (refused.status, refused.code) == (412, "version_mismatch"), refused.raw
                assert refused.data["details"] == {"currentVersion": before["version"]}
    assert await rest.get(f"/api/sessions/{session_id}") == before


@pytest.mark.parametrize("name", ACTIONS)
async def test_what_edits_a_session_makes_a_version_that_the_next_one_needs(rest: Rest, name: str) -> None:
    """What is meant for the version that was read works once; then that version is over, if it was an edit."""
    if name in ("delete_session", "resolve_approval", "unpin", "unarchive"):
        return
    session_id = await two_branches(rest)
    session = f"/api/sessions/{session_id}"
    read = await rest.ask("GET", session)
    entry = WRITING[name]
    path = entry.path.replace("{sessionId}", session_id)
    done = await rest.ask(entry.method, path, ACTIONS[name], headers={"If-Match": read.etag})
    assert done.status == entry.status, done.raw
    edits = name not in ("send_message", "post_message", "cancel_run", "retry", "restore_session", "revoke_grant")
    assert (await rest.get(session))["version"] == read.data["version"] + edits
    if edits or name == "revoke_grant":
        assert done.data["version"] == read.data["version"] + edits


async def test_each_edit_is_told_the_version_that_the_next_one_needs(rest: Rest) -> None:
    """Fails when it has to be read: somebody else may have edited in between. What changes nothing leaves it."""
    session_id = await two_branches(rest)
    actions = f"/api/contexts/{session_id}/actions"
    version = (await rest.get(f"/api/sessions/{session_id}"))["version"]
    pin: dict[str, object] = {}
    for name, makes in (
        ("set_plan", True),
        ("set_plan", False),
        ("set_branch_prompt", True),
        ("pin", True),
        ("unpin", True),
        ("fork", True),
        ("switch_branch", True),
        ("revoke_grant", False),
    ):
        arguments = pin if name == "unpin" else ACTIONS[name]
        done = await rest.post(f"{actions}/{name}", {**arguments, "expectedVersion": version})
        assert done["version"] == version + makes, name
        version = done["version"]
        pin = {"pinId": done.get("pinId")}
    preview = await rest.post(f"{actions}/merge", {"source": "main", "strategy": "append", "preview": True})
    assert "version" not in preview


async def test_an_etag_stands_for_one_body(stored: Rest) -> None:
    """Whatever moves a body (messages, a run, the project's name) moves the tag; what is the same is not sent again."""
    session_id = await stored.session(title="t")
    project_id = (await stored.get(f"/api/sessions/{session_id}"))["projectId"]
    paths = (f"/api/sessions/{session_id}", f"/api/contexts/{session_id}/metadata", f"/api/sessions/{session_id}/runs")
    bodies: dict[str, bytes] = {}
    for change in (None, "say", "rename the project", None):
        if change == "say":
            await stored.say(session_id, "hello")
            await stored.finished(session_id)
        elif change is not None:
            await stored.ask("PATCH", f"/api/projects/{project_id}", {"name": "Other"})
        for path in paths:
            reply = await stored.ask("GET", path)
            assert bodies.setdefault(path + reply.etag, reply.raw) == reply.raw
            assert not reply.etag.startswith("W/")
            for tag in (reply.etag, f'"other", {reply.etag}', f"W/{reply.etag}", "*"):
                unchanged = await stored.ask("GET", path, headers={"If-None-Match": tag})
                assert (unchanged.status, unchanged.raw, unchanged.etag) == (304, b"", reply.etag)
            for tag in ('"other"', '"v1"', "nonsense", ""):
                assert (await stored.ask("GET", path, headers={"If-None-Match": tag})).raw == reply.raw
    assert len(bodies) == 8, "of the session and its metadata three each, of the runs two"


async def test_a_project_whose_current_session_is_deleted_has_another_version(stored: Rest) -> None:
    project = (await stored.post("/api/projects", {"name": "a"}))["id"]
    session = await stored.session(projectId=project)
    path = f"/api/projects/{project}"
    await stored.ask("PUT", f"{path}/current-session", {"sessionId": session})
    read = await stored.ask("GET", path)
    await stored.ask("DELETE", f"/api/sessions/{session}")
    deleted = await stored.ask("GET", path)
    assert (deleted.data["currentSessionId"], deleted.data["version"]) == (None, 3)
    assert deleted.etag != read.etag
    assert (await stored.ask("PATCH", path, {"name": "b"}, headers={"If-Match": read.etag})).status == 412
    assert (await stored.ask("PUT", f"{path}/current-session", {"sessionId": session})).code == "session_not_found"


async def test_what_is_archived_is_read_forked_restored_and_deleted_alone(
    rest: Rest, subtests: pytest.Subtests
) -> None:
    session_id = await two_branches(rest)
    await rest.post(f"/api/contexts/{session_id}/actions/archive")
    before = await rest.get(f"/api/contexts/{session_id}")
    free = ("delete_session", "restore_session", "cancel_run", "archive", "unarchive", "resolve_approval", "fork")
    for name in [each for each in ACTIONS if each not in free]:
        with subtests.test(name):
            entry = WRITING[name]
            refused = await rest.ask(entry.method, entry.path.replace("{sessionId}", session_id), ACTIONS[name])
            assert (refused.status, refused.code) == (409, "illegal_transition")
            assert refused.data["details"]["state"] == "archived"
    assert await rest.get(f"/api/contexts/{session_id}") == before
    forked = await rest.ask("POST", f"/api/contexts/{session_id}/actions/fork", {"name": "c"})
    assert forked.status == 201
    assert (await rest.get(f"/api/sessions/{session_id}"))["archived"]
    assert (await rest.ask("DELETE", f"/api/sessions/{session_id}")).status == 200
