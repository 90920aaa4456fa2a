"""What the Python client reads with the wire models: everything that this server says, and what a newer one may say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Json

from hub.client import SessionView, wire
from hub.client.reading import MessageReader, UnknownState, read
from hub.shapes import EVENTS, CancelledAck, JoinAck, SentAck
from models.messages import Message
from models.session import Session
from models.snapshot import Snapshot
from models.wire import Wire
from web.rest.answers import EventPageAnswer

SCENARIOS = sorted((Path(__file__).parents[1] / "scenarios").glob("*.json"))
SERVER_ONLY = ("services", "web", "sqlalchemy", "sqlmodel", "hub.hub", "hub.socket", "hub.rooms", "openai", "alembic")


def snapshot(path: Path = SCENARIOS[0]) -> Json:
    found: Json = json.loads(path.read_text(encoding="utf-8"))["expected"]
    return found


def view_of(snapshot: Json) -> SessionView:
    view = SessionView(snapshot["sessionId"])
    view.snapshot = snapshot
    return view


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: str(path.stem))
def test_a_view_reads_what_the_server_made(path: Path) -> None:
    """Fails when a part is read from another key, or by another model."""
    made = Snapshot.model_validate(snapshot(path))
    view = view_of(snapshot(path))
    assert view.session == made.session
    assert view.state == made.state
    assert view.messages == made.messages
    assert view.approvals == made.approvals
    assert view.runs == ((made.run, *made.queue) if made.run else made.queue)


def test_a_view_that_has_not_joined_has_nothing_to_read() -> None:
    view = SessionView("s")
    assert (view.session, view.state, view.messages, view.approvals, view.runs) == (None, None, (), (), ())


def test_keys_that_a_newer_server_adds_are_left_out_at_every_depth() -> None:
    """Fails when the models' own strictness, which is for requests, is kept for answers."""
    made = snapshot()
    expected = Snapshot.model_validate(made)
    for part in (made["session"], made["state"], *made["messages"], *(each["metadata"] for each in made["messages"])):
        part["weather"] = {"sunny": True}
    view = view_of(made)
    assert (view.session, view.state, view.messages) == (expected.session, expected.state, expected.messages)


def test_values_that_are_not_known_stay_as_they_came_beside_those_that_are() -> None:
    made = snapshot()
    session = read(Session, {**made["session"], "state": "PAUSED", "completedAtUtc": None})
    assert (session.id, str(session.state)) == (made["session"]["id"], "PAUSED")
    metadata = {"source": "a_dream", "traceId": "t"}
    message = read(Message, {**made["messages"][0], "status": "folded", "metadata": metadata})
    assert (message.content, str(message.status)) == (made["messages"][0]["content"], "folded")
    assert (str(message.metadata.source), message.metadata.trace_id) == ("a_dream", "t")


def test_a_state_that_is_not_known_has_its_name_and_what_was_told_of_it() -> None:
    state = view_of({**snapshot(), "state": {"name": "asleep", "until": "8:00"}}).state
    assert isinstance(state, UnknownState)
    assert (state.name, state.model_extra) == ("asleep", {"until": "8:00"})


def test_a_message_of_a_kind_that_is_not_known_reads_as_its_text() -> None:
    made = snapshot()["messages"][0]
    message = read(Message, {**made, "kind": "hologram", "payload": {"kind": "hologram", "text": "It turns"}})
    assert message.kind == "text"
    assert message.content == made["content"]


def test_a_message_that_is_still_to_be_pulled_stands_in_its_place() -> None:
    made = snapshot()
    first, *_ = view_of({**made, "messages": [{"id": "m", "truncated": True}, *made["messages"]]}).messages
    assert (first.id, first.truncated, first.content) == ("m", True, "")


def test_a_message_is_read_once_until_it_changes() -> None:
    """Fails when a view of many messages reads them all again with each delta."""
    reader, (one, *others) = MessageReader(), snapshot()["messages"]
    before = reader.read([one, *others])
    grown = {**one, "content": one["content"] + "!"}
    after = reader.read([grown, *others])
    assert after[0].content == grown["content"]
    assert [each is known for each, known in zip(after[1:], before[1:], strict=True)] == [True] * len(others)


@pytest.mark.parametrize(
    ("shape", "model"),
    [
        (wire.SessionEvent, EVENTS[0]),
        (wire.JoinAck, JoinAck),
        (wire.Sent, SentAck),
        (wire.Cancelled, CancelledAck),
        (wire.EventPage, EventPageAnswer),
    ],
)
def test_keys_that_the_client_reads_are_those_that_the_server_documents(shape: type, model: type[Wire]) -> None:
    documented = {field.alias or name for name, field in model.model_fields.items()}
    assert set(shape.__annotations__) <= documented


def test_the_client_is_imported_without_the_server() -> None:
    """Fails when a module of the client imports one that brings the database, the hub or a model's SDK along."""
    code = f"import sys; import hub.client, hub.client.paging; print([n for n in {SERVER_ONLY} if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
