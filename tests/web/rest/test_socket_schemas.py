"""The socket's half of the API document agrees with what is sent, and the TypeScript types with the document."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import hub_peer
import pytest
from harness import Harness
from hub_peer import Peer, eventually
from rest_client import DOCUMENT, problems
from stock_peers import NPM_PACKAGES, need

from hub.hub import CALLS
from hub.shapes import ACKS, EVENTS
from models.events import BODIES

Json = dict[str, Any]
in_memory = hub_peer.in_memory
ROOT = Path(__file__).parents[3]
SCENARIOS = sorted((ROOT / "tests" / "hub" / "scenarios").glob("*.json"))
SCHEMAS: Json = DOCUMENT.data["components"]["schemas"]


def wrong_ack(call: str, ack: Json) -> list[str]:
    assert ack["ok"], ack
    schema = SCHEMAS["SocketCalls"]["properties"][call]["properties"]["ack"]
    return problems({name: value for name, value in ack.items() if name != "ok"}, schema)


def event_schema(type_name: str) -> Json:
    body = next(body for body in BODIES if body.type == type_name)
    schema = SCHEMAS[f"{body.__name__}Event"]
    assert isinstance(schema, dict)
    return schema


def test_every_call_has_its_ack_described() -> None:
    assert set(ACKS) == set(CALLS) == set(SCHEMAS["SocketCalls"]["properties"])


def test_every_type_of_event_is_described() -> None:
    assert len(EVENTS) == len(BODIES) == len(SCHEMAS["JournalEvent"]["oneOf"])


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_events_and_snapshots_are_as_described(path: Path) -> None:
    scenario = json.loads(path.read_text(encoding="utf-8"))
    for snapshot in (scenario["snapshot"], scenario["expected"]):
        assert problems(snapshot, SCHEMAS["Snapshot"]) == []
    for event in scenario["events"]:
        assert problems(event, event_schema(event["type"])) == []


def test_nearly_every_type_is_held_to_its_description() -> None:
    """A scenario starts from a snapshot, so none holds the first event."""
    seen = {event["type"] for path in SCENARIOS for event in json.loads(path.read_text(encoding="utf-8"))["events"]}
    assert {body.type for body in BODIES} - seen == {"session.created"}


async def test_acks_and_server_events_are_as_described(in_memory: Harness) -> None:
    session_id = await in_memory.session("scripted:words=8,delay_ms=40,seed=1")
    ann, bob = await Peer.connect(in_memory.url), await Peer.connect(in_memory.url)
    try:
        for peer in (ann, bob):
            assert wrong_ack("watch_running", await peer.call("watch_running", {})) == []
            assert wrong_ack("watch_sessions", await peer.call("watch_sessions", {})) == []
        assert wrong_ack("join_session", await ann.join(session_id)) == []
        assert wrong_ack("join_session", await bob.join(session_id, mode="signal")) == []
        sent = await ann.call("send_message", {"sessionId": session_id, "content": "Hello"})
        assert wrong_ack("send_message", sent) == []
        typing = await bob.call("broadcast_message", {"sessionId": session_id, "data": {"type": "typing"}})
        assert wrong_ack("broadcast_message", typing) == []
        await eventually(lambda: any(each["type"] == "run.finished" for each in ann.named("event")), "the run's end")
        assert wrong_ack("cancel_run", await ann.call("cancel_run", {"sessionId": session_id})) == []
        for name in ("event", "broadcast", "presence", "session", "running", "user_state"):
            await ann.until(name)
        await bob.until("signal")
        assert wrong_ack("leave_session", await ann.call("leave_session", {"sessionId": session_id})) == []
        for name, data in (*ann.log, *bob.log):
            if name == "event":
                assert problems(data, event_schema(data["type"])) == []
            elif name not in CALLS:
                assert problems(data, SCHEMAS["ServerEvents"]["properties"][name]) == []
    finally:
        await ann.close()
        await bob.close()


@pytest.mark.node
def test_the_types_of_the_client_are_those_of_the_server() -> None:
    need(shutil.which("node") is not None, "Node is not installed")
    need((NPM_PACKAGES / "openapi-typescript").exists(), "web/node_modules is missing: run `make ui`")
    done = subprocess.run(
        ["node", "generate.mjs", "--check"],
        cwd=ROOT / "web" / "client",
        env={**os.environ, "PARLEY_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
