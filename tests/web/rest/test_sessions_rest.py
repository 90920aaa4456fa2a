"""REST of sessions: create, list, edit, delete, restore, history."""

from __future__ import annotations

from rest_client import Rest


async def test_a_session_is_created_in_the_inbox_unless_a_project_is_named(stored: Rest) -> None:
    created = await stored.ask("POST", "/api/sessions", {"title": "  Plans "})
    assert (created.status, created.version_tag) == (201, '"v1"')
    session = created.data
    assert (session["title"], session["state"], session["projectName"]) == ("Plans", "IDLE", "Inbox")
    assert await stored.get(f"/api/sessions/{session['id']}") == session
    other = await stored.ask("POST", "/api/sessions", {"projectId": "nothing"})
    assert (other.status, other.code, other.field) == (404, "project_not_found", "projectId")


async def test_a_session_is_created_without_any_body(stored: Rest) -> None:
    assert (await stored.ask("POST", "/api/sessions")).status == 201


async def test_an_unknown_model_is_refused_by_name(stored: Rest) -> None:
    refused = await stored.ask("POST", "/api/sessions", {"model": "nothing"})
    assert (refused.status, refused.code, refused.field) == (400, "unknown_model", "model")


async def test_an_unknown_session_is_answered_as_the_contract_has_it(stored: Rest) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/messages"), ("POST", "/restore")):
        reply = await stored.ask(method, f"/api/sessions/nobody{path}")
        assert reply.status == 404
        assert (reply.data["error"], reply.code) == ("Session not found", "session_not_found")
    sent = await stored.ask("POST", "/api/contexts/nobody/actions/send_message", {"content": "hi"})
    assert (sent.status, sent.code) == (404, "session_not_found")


async def test_a_run_shows_in_the_running_list_until_it_ends(stored: Rest) -> None:
    session_id = await stored.session(model="scripted:words=2000,delay_ms=5,seed=1")
    await stored.say(session_id, "hello")
    [running] = (await stored.get("/api/sessions/running"))["sessions"]
    assert (running["id"], running["state"], running["projectName"]) == (session_id, "RUNNING", "Inbox")
    cancelled = await stored.post(f"/api/contexts/{session_id}/actions/cancel")
    assert cancelled == {"cancelled": True}
    assert (await stored.finished(session_id))["state"] == "CANCELLED"
    assert (await stored.get("/api/sessions/running"))["sessions"] == []
    assert await stored.post(f"/api/contexts/{session_id}/actions/cancel", {}) == {"cancelled": False}


async def test_a_session_is_renamed(stored: Rest) -> None:
    session_id = await stored.session()
    renamed = await stored.ask("PATCH", f"/api/sessions/{session_id}", {"title": "New"})
    assert (renamed.data["title"], renamed.version_tag) == ("New", '"v2"')


async def test_a_deleted_session_is_gone_until_it_is_restored(stored: Rest) -> None:
    session_id = await stored.talked()
    assert (await stored.ask("DELETE", f"/api/sessions/{session_id}")).data == {"success": True}
    assert (await stored.ask("GET", f"/api/sessions/{session_id}")).status == 404
    assert (await stored.ask("DELETE", f"/api/sessions/{session_id}")).status == 404
    for path in ("messages", "events", "runs", "branches", "participants"):
        assert (await stored.ask("GET", f"/api/sessions/{session_id}/{path}")).status == 404, path
    for path in ("", "/metadata", "/messages?ids=a"):
        assert (await stored.ask("GET", f"/api/contexts/{session_id}{path}")).status == 404, path
    restored = await stored.post(f"/api/sessions/{session_id}/restore")
    assert (restored["id"], restored["messageCount"]) == (session_id, 2)


async def test_a_purged_session_can_not_be_restored(stored: Rest) -> None:
    session_id = await stored.session()
    assert (await stored.ask("DELETE", f"/api/sessions/{session_id}?purge=true")).data == {"success": True}
    assert (await stored.ask("POST", f"/api/sessions/{session_id}/restore")).status == 404


async def test_a_deleted_session_can_still_be_purged(stored: Rest) -> None:
    session_id = await stored.session()
    await stored.ask("DELETE", f"/api/sessions/{session_id}?purge=false")
    assert (await stored.ask("DELETE", f"/api/sessions/{session_id}?purge=true")).status == 200
    assert (await stored.ask("POST", f"/api/sessions/{session_id}/restore")).status == 404


PAGES: tuple[tuple[str, list[int]], ...] = (
    ("", [1, 2, 3, 4, 5, 6]),
    ("?take=2", [1, 2]),
    ("?skip=4&take=50", [5, 6]),
    ("?skip=6", []),
    ("?skip=9007199254740991", []),
    ("?order=desc&take=2", [6, 5]),
    ("?order=desc&skip=1&take=2", [5, 4]),
    ("?before=3", [1, 2]),
    ("?before=7&take=2", [5, 6]),
    ("?after=4", [5, 6]),
    ("?after=2&take=1&order=asc", [3]),
    ("?scope=pool&skip=4", [5, 6]),
    ("?branch=main&take=1", [1]),
)


async def test_messages_are_paged(stored: Rest) -> None:
    session_id = await stored.talked(3)
    session = await stored.get(f"/api/sessions/{session_id}")
    for query, positions in PAGES:
        page = await stored.get(f"/api/sessions/{session_id}/messages{query}")
        assert [message["ordinal"] for message in page["messages"]] == positions, query
        assert (page["total"], page["head"]) == (6, session["head"])
        assert page["firstPosition"] == (positions[0] if positions else 0)


async def test_a_page_of_an_unknown_branch_is_refused(stored: Rest) -> None:
    reply = await stored.ask("GET", f"/api/sessions/{await stored.session()}/messages?branch=nothing")
    assert (reply.status, reply.code) == (404, "branch_not_found")


async def test_events_are_read_in_order_after_a_position(stored: Rest) -> None:
    session_id = await stored.talked()
    page = await stored.get(f"/api/sessions/{session_id}/events")
    assert [event["seq"] for event in page["events"]] == list(range(1, page["head"] + 1))
    assert page["events"][0]["type"] == "session.created"
    assert {event["epoch"] for event in page["events"]} == {page["epoch"]}
    rest = await stored.get(f"/api/sessions/{session_id}/events?after={page['head'] - 2}")
    assert rest["events"] == page["events"][-2:]
    assert not rest["hasMore"]
    beyond = await stored.get(f"/api/sessions/{session_id}/events?after=9007199254740991")
    assert (beyond["events"], beyond["hasMore"]) == ([], False)


async def test_runs_branches_and_participants_are_listed(stored: Rest) -> None:
    session_id = await stored.talked()
    [run] = (await stored.get(f"/api/sessions/{session_id}/runs"))["runs"]
    assert (run["state"], run["sessionId"]) == ("completed", session_id)
    branches = await stored.get(f"/api/sessions/{session_id}/branches")
    assert branches["activeBranch"] == "main"
    assert [(branch["name"], branch["length"]) for branch in branches["branches"]] == [("main", 2)]
    assert await stored.get(f"/api/sessions/{session_id}/participants") == {"participants": []}
