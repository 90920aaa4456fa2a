"""Batches: many calls in one request, each answered in its place."""

from __future__ import annotations

from typing import Any

import pytest
from rest_client import Rest

from models.messages import Message
from services.library import Library
from services.organizer import Organizer
from services.store.reads import BATCH_BYTES
from web.rest import batches

Json = dict[str, Any]


async def batch(rest: Rest, name: str, *items: object) -> list[Json]:
    answered: list[Json] = (await rest.post(f"/api/batch/{name}", {"items": list(items)}))["results"]
    assert len(answered) == len(items)
    return answered


def codes(results: list[Json]) -> list[str | None]:
    return [None if each["ok"] else each["error"]["code"] for each in results]


async def test_many_messages_are_sent_in_their_order_and_a_bad_one_stops_none(stored: Rest) -> None:
    one, other = await stored.session(), await stored.session()
    results = await batch(
        stored,
        "send_messages",
        {"sessionId": one, "content": "first", "clientMessageId": "c1"},
        {"sessionId": other, "content": "elsewhere"},
        {"sessionId": "gone", "content": "lost"},
        {"sessionId": one},
        {"sessionId": one, "content": "stale", "expectedVersion": 9},
        {"sessionId": one, "content": "second"},
        {"sessionId": one, "content": "first", "clientMessageId": "c1"},
        {"sessionId": one, "content": "not the first", "clientMessageId": "c1"},
    )
    assert codes(results) == [
        None,
        None,
        "session_not_found",
        "invalid_argument",
        "version_mismatch",
        None,
        None,
        "idempotency_conflict",
    ]
    assert [each["status"] for each in results] == [202, 202, 404, 400, 412, 202, 202, 409]
    assert results[3]["error"]["details"]["field"] == "content"
    assert results[6] == results[0], "the same again for the same clientMessageId (I10)"
    await stored.finished(one)
    said = (await stored.get(f"/api/sessions/{one}/messages"))["messages"]
    assert [each["content"] for each in said if each["role"] == "user"] == ["first", "second"]
    await stored.finished(other)


async def test_many_sessions_and_messages_are_fetched(stored: Rest) -> None:
    one, other = await stored.talked(), await stored.session(title="t")
    ids = [each["id"] for each in (await stored.get(f"/api/sessions/{one}/messages"))["messages"]]
    results = await batch(
        stored,
        "fetch",
        {"sessionId": other},
        {"sessionId": one, "ids": [ids[1], "unknown", ids[0]]},
        {"sessionId": "gone"},
        {"sessionId": one, "ids": []},
        {"sessionId": one, "more": 1},
    )
    assert codes(results) == [None, None, "session_not_found", "invalid_argument", "invalid_argument"]
    assert results[0]["session"] == await stored.get(f"/api/sessions/{other}")
    known = await stored.get(f"/api/contexts/{one}/messages?ids={ids[1]},{ids[0]}")
    assert results[1]["messages"] == known["messages"]


async def test_what_is_fetched_at_once_is_bounded_over_all_items(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    assert BATCH_BYTES == 32 * 1024 * 1024
    monkeypatch.setattr(batches, "BATCH_BYTES", 1)
    one = await rest.talked()
    ids = [each["id"] for each in (await rest.get(f"/api/sessions/{one}/messages"))["messages"]]
    wanted = [{"sessionId": one, "ids": [each]} for each in ("unknown", *ids)]
    results = await batch(rest, "fetch", *wanted, {"sessionId": one})
    assert codes(results) == [None, None, "payload_too_large", None], "nothing found takes no room"


async def test_what_is_fetched_counts_all_that_a_message_holds_before_it_is_in(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image has no `content`. An item that is refused leaves its room to those behind it."""
    monkeypatch.setattr(batches, "BATCH_BYTES", 250_000)
    one = await rest.session()
    image = {"kind": "image", "source": "base64", "mimeType": "image/png", "data": "aGk=" * 40_000}
    sent = await batch(rest, "send_messages", *({"sessionId": one, "payload": image} for _ in range(2)))
    sent += await batch(rest, "send_messages", {"sessionId": one, "content": "small"})
    await rest.finished(one)
    results = await batch(rest, "fetch", *({"sessionId": one, "ids": [each["messageId"]]} for each in sent))
    assert codes(results) == [None, "payload_too_large", None]
    assert results[1]["error"]["details"] == {"limit": 250_000, "size": pytest.approx(160_000, rel=0.1)}


async def test_what_is_fetched_counts_the_bytes_of_small_messages_too(
    rest: Rest, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    """As they travel: none of these is over 64 KiB, and of the texts the characters alone would fit."""
    monkeypatch.setattr(batches, "BATCH_BYTES", 100_000)
    image = {"kind": "image", "source": "base64", "mimeType": "image/png", "data": "aGk=" * 12_000}
    cases: dict[str, tuple[Json, list[str | None]]] = {
        "images of 48 KB": ({"payload": image}, [None, None, "payload_too_large", None]),
        "texts of 60 KB": ({"content": "字" * 20_000}, [None, "payload_too_large", "payload_too_large", None]),
    }
    for name, (message, expected) in cases.items():
        with subtests.test(name):
            one = await rest.session()
            sent = await batch(rest, "send_messages", *({"sessionId": one, **message} for _ in range(3)))
            sent += await batch(rest, "send_messages", {"sessionId": one, "content": "small"})
            await rest.finished(one)
            results = await batch(rest, "fetch", *({"sessionId": one, "ids": [each["messageId"]]} for each in sent))
            assert codes(results) == expected


async def test_behind_a_full_batch_nothing_is_loaded(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_BYTES", 1)
    loaded: list[str] = []
    load = Library.messages

    async def counted(self: Library, principal: Any, session_id: str, ids: Any) -> tuple[Message, ...]:
        loaded.extend(ids)
        return await load(self, principal, session_id, ids)

    one = await rest.talked()
    ids = [each["id"] for each in (await rest.get(f"/api/sessions/{one}/messages"))["messages"]]
    monkeypatch.setattr(Library, "messages", counted)
    results = await batch(rest, "fetch", *({"sessionId": one, "ids": [each]} for each in ids))
    assert codes(results) == [None, "payload_too_large"]
    assert loaded == ids[:1]


async def test_many_sessions_are_deleted(stored: Rest) -> None:
    kept, one, other, purged = [await stored.session() for _ in range(4)]
    results = await batch(
        stored,
        "delete_sessions",
        {"sessionId": one},
        {"sessionId": kept, "expectedVersion": 2},
        {"sessionId": one},
        {"sessionId": other},
        {"sessionId": purged, "purge": True},
    )
    assert codes(results) == [None, "version_mismatch", "session_not_found", None, None]
    assert [each["id"] for each in (await stored.get("/api/sessions"))["sessions"]] == [kept]
    assert (await stored.ask("POST", f"/api/sessions/{one}/restore")).status == 200
    assert (await stored.ask("POST", f"/api/sessions/{purged}/restore")).status == 404


async def test_a_fault_of_ours_is_one_items_answer(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the items before it did is told all the same."""
    ids = [await rest.session() for _ in range(3)]
    delete = Organizer.delete

    async def fails_once(self: Organizer, principal: Any, session_id: str, **more: Any) -> None:
        if session_id == ids[1]:
            raise LookupError("a bug")
        await delete(self, principal, session_id, **more)

    monkeypatch.setattr(Organizer, "delete", fails_once)
    results = await batch(rest, "delete_sessions", *({"sessionId": each} for each in ids))
    assert codes(results) == [None, "internal_error", None]
    assert "a bug" not in str(results)


async def test_a_batch_has_at_most_a_hundred_items(rest: Rest) -> None:
    for name in ("send_messages", "fetch", "delete_sessions"):
        assert await batch(rest, name) == []
        refused = await rest.ask("POST", f"/api/batch/{name}", {"items": [{"sessionId": "s"}] * 101})
        assert (refused.status, refused.field) == (400, "items")
