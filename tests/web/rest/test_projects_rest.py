"""REST of projects, on each storage."""

from __future__ import annotations

from rest_client import Rest


async def test_the_inbox_exists_from_the_start(stored: Rest) -> None:
    [inbox] = (await stored.get("/api/projects"))["projects"]
    assert inbox["name"] == "Inbox"
    assert await stored.get(f"/api/projects/{inbox['id']}") == inbox


async def test_a_project_is_created_renamed_and_deleted(stored: Rest) -> None:
    created = await stored.ask("POST", "/api/projects", {"name": "Alpha"})
    assert (created.status, created.version_tag) == (201, '"v1"')
    path = f"/api/projects/{created.data['id']}"
    renamed = await stored.ask("PATCH", path, {"name": "Beta"})
    assert (renamed.data["name"], renamed.data["version"], renamed.version_tag) == ("Beta", 2, '"v2"')
    assert (await stored.ask("DELETE", path)).data == {"success": True}
    assert (await stored.ask("GET", path)).code == "project_not_found"


async def test_the_inbox_and_a_project_with_sessions_stay(stored: Rest) -> None:
    [inbox] = (await stored.get("/api/projects"))["projects"]
    assert (await stored.ask("DELETE", f"/api/projects/{inbox['id']}")).code == "conflict"
    project = (await stored.post("/api/projects", {"name": "Alpha"}))["id"]
    await stored.session(projectId=project)
    refused = await stored.ask("DELETE", f"/api/projects/{project}")
    assert (refused.status, refused.data["details"]) == (409, {"sessions": 1})


async def test_the_current_session_of_a_project_is_set(stored: Rest) -> None:
    project = (await stored.post("/api/projects", {"name": "Alpha"}))["id"]
    session = await stored.session(projectId=project)
    path = f"/api/projects/{project}/current-session"
    reply = await stored.ask("PUT", path, {"sessionId": session})
    assert reply.data == {"success": True, "currentSessionId": session}
    assert (await stored.get(f"/api/projects/{project}"))["currentSessionId"] == session


async def test_a_session_of_another_project_can_not_be_current(stored: Rest) -> None:
    project = (await stored.post("/api/projects", {"name": "Alpha"}))["id"]
    path = f"/api/projects/{project}/current-session"
    assert (await stored.ask("PUT", path, {"sessionId": await stored.session()})).status == 409
    assert (await stored.ask("PUT", path, {"sessionId": "nobody"})).code == "session_not_found"


async def test_sessions_are_listed_by_project(stored: Rest) -> None:
    project = (await stored.post("/api/projects", {"name": "Alpha"}))["id"]
    session = await stored.session(projectId=project, title="One")
    await stored.session(title="Elsewhere")
    [listed] = (await stored.get(f"/api/projects/{project}/sessions"))["sessions"]
    assert (listed["id"], listed["title"], listed["projectName"]) == (session, "One", "Alpha")
    assert (await stored.ask("GET", "/api/projects/nothing/sessions")).code == "project_not_found"
