"""REST of searching and of lists: the shapes, the parameters, and that a restart keeps what can be found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from rest_client import Json, Rest


async def found(rest: Rest, query: str, more: str = "") -> list[str]:
    """Titles as they are, messages as what is marked in them."""
    answer = await rest.get(f"/api/search?q={quote(query)}{more}")
    assert answer["query"] == query
    return [
        result["session"]["title"] if result["type"] == "title" else _marked(result) for result in answer["results"]
    ]


def _marked(result: Json) -> str:
    return "|".join(fragment["text"] for fragment in result["snippet"] if fragment["match"])


async def told(rest: Rest, content: str, **arguments: str) -> str:
    session_id = await rest.session(**arguments)
    await rest.say(session_id, content)
    await rest.finished(session_id)
    return session_id


async def test_what_was_said_is_found_with_its_place_and_a_snippet(stored: Rest) -> None:
    session_id = await told(stored, "Where do the wild geese fly?\n" + "filler " * 100, title="Birds")
    [result] = (await stored.get("/api/search?q=WILD+geese"))["results"]
    assert (result["type"], result["session"]["id"], result["session"]["title"]) == ("message", session_id, "Birds")
    assert (result["position"], result["role"], result["kind"]) == (1, "user", "text")
    page = await stored.get(f"/api/sessions/{session_id}/messages?after={result['position'] - 1}&take=1")
    assert page["messages"][0]["id"] == result["messageId"]
    assert _marked(result) == "wild|geese"
    text = "".join(fragment["text"] for fragment in result["snippet"])
    assert text.startswith("Where do the wild geese fly? filler")
    assert len(text) <= 240


async def test_a_rename_is_found_at_once(stored: Rest) -> None:
    session_id = await stored.session(title="Old name")
    await stored.ask("PATCH", f"/api/sessions/{session_id}", {"title": "鶴の恩返し"})
    assert await found(stored, "恩返") == ["鶴の恩返し"]
    assert await found(stored, "old") == []


async def test_parameters_narrow_a_search(stored: Rest) -> None:
    project = (await stored.post("/api/projects", {"name": "Sea"}))["id"]
    await told(stored, "herring", title="Herring", projectId=project)
    away = await told(stored, "herring", title="Away")
    await stored.post(f"/api/contexts/{away}/actions/archive")
    assert await found(stored, "herring") == ["Herring", "herring", "herring"]
    assert await found(stored, "herring", f"&projectId={project}") == ["Herring", "herring"]
    assert await found(stored, "herring", "&archived=true") == ["herring"]
    assert await found(stored, "herring", "&archived=false&role=user") == ["herring"]
    assert await found(stored, "herring", "&role=user&role=agent&state=COMPLETED,FAILED") == ["herring", "herring"]
    assert await found(stored, "herring", "&kind=plan,image") == []
    assert await found(stored, "herring", "&from=2020-01-01&to=2020-01-02") == []
    assert await found(stored, "herring", "&from=2020-01-01T00:00:00%2B02:00&sort=oldest&take=1") == ["Herring"]
    unknown = await stored.ask("GET", "/api/search?q=a&projectId=nobody")
    assert (unknown.status, unknown.code) == (404, "project_not_found")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"),
        ("?q=", "q"),
        ("?q=-only", "q"),
        ("?q=%22%22", "q"),
        (f"?q={'a' * 257}", "q"),
        ("?q=a&take=0", "take"),
        ("?q=a&take=101", "take"),
        ("?q=a&sort=best", "sort"),
        ("?q=a&state=running", "state"),
        ("?q=a&state=RUNNING,,IDLE", "state"),
        ("?q=a&role=user&role=robot", "role"),
        ("?q=a&kind=poem", "kind"),
        ("?q=a&archived=maybe", "archived"),
        ("?q=a&from=yesterday", "from"),
        ("?q=a&from=2026-11-20T00:00:00", "from"),
        ("?q=a&to=2026-13-01", "to"),
        ("?q=a&to=20261120", "to"),
        ("?q=a&cursor=nonsense", "cursor"),
        ("?q=a&cursor=", "cursor"),
        (f"?q=a&projectId={'x' * 65}", "projectId"),
    ],
)
async def test_a_question_that_can_not_be_answered_says_why(stored: Rest, query: str, field: str) -> None:
    reply = await stored.ask("GET", f"/api/search{query}")
    assert (reply.status, reply.code, reply.field) == (400, "invalid_argument", field)


async def test_pages_of_a_search_and_of_a_list_are_fetched_by_cursor(stored: Rest) -> None:
    for number in range(5):
        await stored.session(title=f"Page {number}")
    for path, key in (("/api/search?q=page&take=2", "results"), ("/api/sessions?take=2&sort=title", "sessions")):
        seen: list[str] = []
        answer: Json = {"cursor": ""}
        while answer["cursor"] is not None:
            more = f"&cursor={answer['cursor']}" if answer["cursor"] else ""
            answer = await stored.get(path + more)
            assert answer["hasMore"] == (answer["cursor"] is not None)
            seen += [(each.get("session") or each)["title"] for each in answer[key]]
        assert sorted(seen) == [f"Page {number}" for number in range(5)]
    first = await stored.get("/api/sessions?take=2")
    other = await stored.ask("GET", f"/api/sessions?take=2&sort=created&cursor={first['cursor']}")
    assert (other.status, other.field) == (400, "cursor")


async def test_pages_by_title_go_on_however_long_the_titles_are(stored: Rest) -> None:
    titles = ["数" * 200, "数" * 199 + "据", "\U0002000b" * 200, "\x01" * 200, "ﷺ" * 200, "ﷺ" * 199 + "a", "b"]
    for title in titles:
        await stored.session(title=title)
    for order in ("asc", "desc"):
        shown: list[str] = []
        more = ""
        while len(shown) < 2 * len(titles):
            page = await stored.get(f"/api/sessions?sort=title&order={order}&take=1{more}")
            shown += [session["title"] for session in page["sessions"]]
            if not page["hasMore"]:
                break
            more = f"&cursor={page['cursor']}"
        assert sorted(shown) == sorted(titles)


async def test_sessions_of_all_projects_are_listed_sorted_and_filtered(stored: Rest) -> None:
    project = (await stored.post("/api/projects", {"name": "Sea"}))["id"]
    await stored.session(title="anchor", projectId=project)
    away = await stored.session(title="Éclair", projectId=project)
    await told(stored, "hello", title="Buoy")
    await stored.post(f"/api/contexts/{away}/actions/archive")

    async def titles(query: str) -> list[str]:
        answer = await stored.get(f"/api/sessions{query}")
        assert answer["total"] == len(answer["sessions"])
        return [session["title"] for session in answer["sessions"]]

    assert await titles("") == ["Buoy", "anchor"]
    assert await titles("?archived=all&sort=title") == ["anchor", "Buoy", "Éclair"]
    assert await titles("?archived=all&sort=title&order=desc") == ["Éclair", "Buoy", "anchor"]
    assert await titles("?archived=all&sort=created&order=asc") == ["anchor", "Éclair", "Buoy"]
    assert await titles("?archived=true") == ["Éclair"]
    assert await titles("?state=COMPLETED&state=FAILED") == ["Buoy"]
    assert await titles(f"?archived=all&q=ECL&projectId={project}") == ["Éclair"]
    assert (await stored.ask("GET", "/api/sessions?projectId=nobody")).code == "project_not_found"
    of_project = await stored.get(f"/api/projects/{project}/sessions")
    assert [session["title"] for session in of_project["sessions"]] == ["Éclair", "anchor"]
    assert [session["archived"] for session in of_project["sessions"]] == [True, False]
    assert (of_project["total"], of_project["hasMore"], of_project["cursor"]) == (2, False, None)
    filtered = await stored.get(f"/api/projects/{project}/sessions?archived=false&take=1&sort=title")
    assert [session["title"] for session in filtered["sessions"]] == ["anchor"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?take=501", "take"),
        ("?sort=size", "sort"),
        ("?order=up", "order"),
        ("?state=Idle", "state"),
        ("?archived=1", "archived"),
        ("?cursor=x", "cursor"),
        (f"?q={'x' * 201}", "q"),
    ],
)
async def test_a_list_that_can_not_be_read_says_why(rest: Rest, query: str, field: str) -> None:
    inbox = (await rest.get("/api/projects"))["projects"][0]["id"]
    for path in ("/api/sessions", f"/api/projects/{inbox}/sessions"):
        reply = await rest.ask("GET", path + query)
        assert (reply.status, reply.field) == (400, field)


async def test_a_list_without_parameters_is_bounded(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = (await rest.get("/api/projects"))["projects"][0]["id"]
    for _ in range(501):
        await rest.session()
    answer = await rest.get(f"/api/projects/{inbox}/sessions")
    assert (len(answer["sessions"]), answer["total"], answer["hasMore"]) == (500, 501, True)
    rest_of_it = await rest.get(f"/api/projects/{inbox}/sessions?cursor={answer['cursor']}")
    assert len(rest_of_it["sessions"]) == 1


async def test_what_was_found_is_found_after_a_restart(serve: Callable[..., Awaitable[Rest]], tmp_path: Path) -> None:
    settings: dict[str, Any] = {"database": None, "data": tmp_path / "data"}
    before = await serve(**settings)
    deleted = await told(before, "gone geese")
    kept = await told(before, "kept geese", title="Geese")
    await before.ask("DELETE", f"/api/sessions/{deleted}?purge=true")
    answers = [await before.get(f"/api/search?q=geese&sort={sort}") for sort in ("relevance", "newest")]
    assert {result["session"]["id"] for answer in answers for result in answer["results"]} == {kept}
    await before.client.close()
    after = await serve(**settings)
    assert [await after.get(f"/api/search?q=geese&sort={sort}") for sort in ("relevance", "newest")] == answers
