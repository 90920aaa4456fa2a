"""REST of contexts: snapshot, pulls of signal mode, actions; with and without the prefix."""

from __future__ import annotations

import itertools

import pytest
from rest_client import Rest
from world import let_go

from models.ids import from_iso


@pytest.mark.parametrize("prefix", ["/api/contexts", "/contexts"])
async def test_a_context_is_read_whole_and_without_its_messages(stored: Rest, prefix: str) -> None:
    session_id = await stored.talked()
    snapshot = await stored.get(f"{prefix}/{session_id}")
    assert [message["role"] for message in snapshot["messages"]] == ["user", "agent"]
    metadata = await stored.get(f"{prefix}/{session_id}/metadata")
    assert {**metadata, "messages": snapshot["messages"]} == snapshot


async def test_metadata_is_read_when_the_session_is_not_in_memory(stored: Rest) -> None:
    session_id = await stored.talked()
    warm = await stored.get(f"/api/contexts/{session_id}/metadata")
    let_go(stored.chat.sessions)
    assert await stored.get(f"/api/contexts/{session_id}/metadata") == warm


@pytest.mark.parametrize("prefix", ["/api/contexts", "/contexts"])
async def test_messages_are_pulled_by_id(stored: Rest, prefix: str) -> None:
    session_id = await stored.talked()
    page = (await stored.get(f"/api/sessions/{session_id}/messages"))["messages"]
    [first, second] = [message["id"] for message in page]
    batch = await stored.get(f"{prefix}/{session_id}/messages?ids={second},nothing,{first},{second}")
    assert (batch["requestedCount"], batch["foundCount"]) == (3, 2)
    assert sorted(batch["messages"], key=lambda message: int(message["ordinal"])) == page


async def test_a_message_of_megabytes_travels_whole_by_rest(stored: Rest) -> None:
    session_id = await stored.session()
    text = "ab " * 1_000_000
    sent = await stored.say(session_id, text)
    batch = await stored.get(f"/api/contexts/{session_id}/messages?ids={sent['messageId']}")
    assert batch["messages"][0]["content"] == text
    snapshot = await stored.get(f"/api/contexts/{session_id}")
    assert snapshot["messages"][0]["truncated"] is True


async def test_the_chunks_of_a_reply_add_up_to_its_text(stored: Rest) -> None:
    session_id = await stored.talked()
    reply = (await stored.get(f"/api/sessions/{session_id}/messages"))["messages"][1]
    path = f"/api/contexts/{session_id}/messages/{reply['id']}/streaming-chunks"
    page = await stored.get(path)
    assert (page["contextId"], page["messageId"], page["hasMore"]) == (session_id, reply["id"], False)
    assert "".join(chunk["delta"] for chunk in page["chunks"]) == reply["content"]
    assert [chunk["sequence"] for chunk in page["chunks"]] == list(range(1, page["currentSequence"] + 1))
    later = await stored.get(f"{path}?after={page['currentSequence'] - 1}")
    assert later["chunks"] == page["chunks"][-1:]
    timed = await stored.get(f"{path}?intervals=true")
    times = [from_iso(chunk["at"]) for chunk in page["chunks"]]
    expected = [None, *(later - earlier for earlier, later in itertools.pairwise(times))]
    assert [chunk["intervalMs"] for chunk in timed["chunks"]] == expected
    assert (await stored.get(f"{path}?intervals=true&after=1"))["chunks"] == timed["chunks"][1:]
    assert reply["metadata"]["streaming"]["chunksCount"] == len(times)
    assert "intervalMs" not in page["chunks"][0]
    missing = await stored.ask("GET", f"/api/contexts/{session_id}/messages/nothing/streaming-chunks")
    assert (missing.status, missing.code) == (404, "message_not_found")


async def test_a_message_is_accepted_and_starts_a_run(stored: Rest) -> None:
    session_id = await stored.session()
    path = f"/contexts/{session_id}/actions/send_message"
    sent = await stored.ask("POST", path, {"content": "hello", "sessionId": session_id})
    assert sent.status == 202
    assert set(sent.data) == {"messageId", "seq", "runId"}
    assert (await stored.finished(session_id))["state"] == "COMPLETED"


async def test_a_message_with_a_rich_payload_keeps_it(stored: Rest) -> None:
    session_id = await stored.session()
    payload = {"kind": "file_reference", "path": "a.py", "startLine": 1, "endLine": 2}
    metadata = {"displayHint": {"summary": "a file"}, "traceId": "t", "extra": {"deep": [1, None, {"x": "y"}]}}
    await stored.post(
        f"/api/contexts/{session_id}/actions/send_message",
        {"content": "look", "payload": payload, "metadata": metadata},
    )
    [message, *_] = (await stored.get(f"/api/sessions/{session_id}/messages"))["messages"]
    assert (message["payload"]["path"], message["messageType"]) == ("a.py", "artifact")
    assert message["metadata"]["extra"] == metadata["extra"]


async def test_the_session_of_the_body_must_be_that_of_the_path(rest: Rest) -> None:
    path = f"/api/contexts/{await rest.session()}/actions/send_message"
    refused = await rest.ask("POST", path, {"content": "hello", "sessionId": "another"})
    assert (refused.status, refused.field) == (400, "sessionId")


async def test_i10_the_same_client_message_id_makes_one_message(stored: Rest) -> None:
    session_id = await stored.session()
    first = await stored.say(session_id, "hello", clientMessageId="c1")
    assert await stored.say(session_id, "hello", clientMessageId="c1") == first
    path = f"/api/contexts/{session_id}/actions/send_message"
    other = await stored.ask("POST", path, {"content": "goodbye", "clientMessageId": "c1"})
    assert (other.status, other.code, other.field) == (409, "idempotency_conflict", "clientMessageId")


async def test_a_message_can_be_refused_while_a_run_is_active(stored: Rest) -> None:
    session_id = await stored.session(model="scripted:words=2000,delay_ms=5,seed=1")
    await stored.say(session_id, "hello")
    path = f"/api/contexts/{session_id}/actions/send_message"
    refused = await stored.ask("POST", path, {"content": "again", "onBusy": "reject"})
    assert (refused.status, refused.code) == (409, "run_active")
    other = await stored.post(f"/api/contexts/{session_id}/actions/cancel", {"runId": "nothing"})
    assert other == {"cancelled": False}
    await stored.post(f"/api/contexts/{session_id}/actions/cancel")


async def test_the_model_of_a_session_is_changed(stored: Rest) -> None:
    session_id = await stored.session()
    await stored.post(f"/api/contexts/{session_id}/actions/set_model", {"model": "demo"})
    assert (await stored.get(f"/api/contexts/{session_id}"))["model"] == "demo"
    refused = await stored.ask("POST", f"/api/contexts/{session_id}/actions/set_model", {"model": "nothing"})
    assert (refused.code, refused.field) == ("unknown_model", "model")
