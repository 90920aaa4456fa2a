"""Bad input to every call, enumerated from the call table: refused in the ack, naming the field; never silence, never
`internal_error`, and the connection stays usable."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import hub_peer
import pytest
from harness import Harness, Json
from hub_peer import Peer, peers

from hub.hub import CALLS
from hub.socket.server import PAYLOAD_LIMIT_BYTES
from models.calls import DEPTH_MAX, METADATA_MAX_BYTES
from models.ids import new_id

in_memory = hub_peer.in_memory

MISSING = "01a1f850-0000-7000-8000-0000000000ff"
VALID: dict[str, Json] = {
    "join_session": {"after": 0, "epoch": "e", "mode": "push"},
    "leave_session": {},
    "send_message": {
        "content": "hello",
        "payload": {"kind": "text", "text": "hello", "format": "plain"},
        "clientMessageId": "c1",
        "metadata": {
            "displayHint": {"summary": "s", "collapsed": True, "icon": "i"},
            "traceId": "t",
            "originalInput": "o",
            "extra": {"key": "value"},
        },
        "onBusy": "enqueue",
        "expectedVersion": 1,
    },
    "broadcast_message": {"data": {"deep": ["text"]}},
    "cancel_run": {"runId": "r", "expectedVersion": 1},
    "resolve_approval": {
        "approvalId": "a",
        "decision": "approve",
        "arguments": {"key": "value"},
        "reason": "because",
        "scope": "once",
        "expectedVersion": 1,
    },
    "watch_sessions": {"projectId": "p", "take": 1},
    "unwatch_sessions": {},
    "watch_running": {"take": 1},
    "unwatch_running": {},
}
"""Every field of every call with a value that its model takes; sessionId is added where the model has it."""

UNKNOWN_IDS: dict[str, tuple[Json, str | None]] = {
    "join_session": ({}, "session_not_found"),
    "leave_session": ({}, None),
    "send_message": ({"content": "hello"}, "session_not_found"),
    "broadcast_message": ({"data": 1}, "session_not_found"),
    "cancel_run": ({}, "session_not_found"),
    "resolve_approval": ({"approvalId": MISSING, "decision": "approve"}, "session_not_found"),
    "watch_sessions": ({"projectId": MISSING}, "project_not_found"),
    "unwatch_sessions": ({}, None),
    "watch_running": ({}, None),
    "unwatch_running": ({}, None),
}
"""The code that ids which nobody has are refused with; None where there is nothing to miss."""

SAMPLES: dict[str, list[Any]] = {
    "string": ["text"],
    "integer": [7, -1, 2**53, 2**63, 2**64 - 1],
    "number": [1.5, 1e300, -0.1],
    "boolean": [True, False],
    "array": [[], [{}], ["text"]],
    "object": [{}, {"text": 1}],
    "null": [None],
}
ABSURD = [-1, -(2**63), 2**53, 2**63, 2**64, 1.5, 2.0**53, -1.0, 1e308, True, False, "0", "1"]
"""Not one of them is a position in a journal."""


def schema_of(name: str) -> Json:
    return CALLS[name].arguments.model_json_schema(by_alias=True)


def properties(name: str) -> Json:
    found: Json = schema_of(name).get("properties", {})
    return found


def types_of(schema: Json, definitions: Json) -> set[str]:
    """The JSON types that a field takes; all for one that takes anything."""
    if "$ref" in schema:
        return types_of(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return set().union(*(types_of(each, definitions) for each in schema[union]))
    return {schema["type"]} if "type" in schema else set(SAMPLES)


def complete(name: str, session_id: str) -> Json:
    """Valid arguments with every field."""
    arguments: Json = json.loads(json.dumps(VALID[name]))
    return {"sessionId": session_id, **arguments} if "sessionId" in properties(name) else arguments


def strings(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every string inside."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from strings(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from strings(child, (*path, index))


def replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@pytest.fixture
async def peer(in_memory: Harness) -> AsyncIterator[Peer]:
    async with peers(in_memory.url) as (one,):
        yield one


@pytest.fixture
async def session_id(in_memory: Harness) -> str:
    return await in_memory.session()


async def refused(peer: Peer, name: str, *arguments: object, field: str | None = None) -> Json:
    """The error of a call that must be refused for its arguments, and leave the connection usable."""
    ack = await peer.call(name, *arguments)
    assert ack["ok"] is False, (name, arguments)
    error: Json = ack["error"]
    assert error["code"] != "internal_error", (name, arguments)
    assert set(error) == {"code", "message", "retryable", "details"}
    assert isinstance(error["message"], str)
    assert error["message"]
    if field is not None:
        assert error["code"] in ("invalid_argument", "payload_too_large"), (name, arguments, error)
        assert named(error, field), (name, arguments, error)
    assert await peer.call("unwatch_running", {}) == {"ok": True}
    return error


def named(error: Json, field: str) -> bool:
    return any(
        each["field"] == field or each["field"].startswith(f"{field}.")
        for each in (error["details"], *error["details"].get("fields", ()))
    )


def test_every_call_has_cases() -> None:
    """A new call, or a new field of one, fails here until it has its cases."""
    assert set(VALID) == set(UNKNOWN_IDS) == set(CALLS)
    for name in CALLS:
        assert set(complete(name, "s")) == set(properties(name)), name


@pytest.mark.parametrize("name", CALLS)
async def test_wrong_type_of_any_field_is_refused_by_its_name(peer: Peer, session_id: str, name: str) -> None:
    definitions = schema_of(name).get("$defs", {})
    for field, schema in properties(name).items():
        taken = types_of(schema, definitions)
        for kind in set(SAMPLES) - taken:
            for value in SAMPLES[kind]:
                await refused(peer, name, {**complete(name, session_id), field: value}, field=field)


@pytest.mark.parametrize("name", CALLS)
async def test_missing_and_extra_fields_are_refused_by_their_names(peer: Peer, session_id: str, name: str) -> None:
    arguments = complete(name, session_id)
    for field in schema_of(name).get("required", ()):
        await refused(peer, name, {key: value for key, value in arguments.items() if key != field}, field=field)
    for extra in ("nonsense", "session", "__class__", "", "a" * 1_000):
        await refused(peer, name, {**arguments, extra: 1}, field=extra)


@pytest.mark.parametrize("name", CALLS)
async def test_wrong_number_and_kind_of_arguments_is_refused(peer: Peer, session_id: str, name: str) -> None:
    arguments = complete(name, session_id)
    wrong: tuple[tuple[object, ...], ...] = (
        (arguments, arguments),
        (arguments, {}, {}),
        (arguments, None),
        ({}, 1, 2, 3),
    )
    for several in wrong:
        await refused(peer, name, *several, field="arguments")
    for no_object in (None, [], [arguments], "text", session_id, 7, 1.5, True):
        await refused(peer, name, no_object, field="arguments")
    required = schema_of(name).get("required", ())
    if required:
        await refused(peer, name, field=required[0])
    else:
        assert (await peer.call(name))["ok"]


@pytest.mark.parametrize("name", CALLS)
async def test_nul_in_any_string_is_refused_by_the_fields_name(peer: Peer, session_id: str, name: str) -> None:
    arguments = complete(name, session_id)
    for path in strings(arguments):
        # The arguments of a tool are checked once there are tools; until then the call is refused as a whole.
        field = None if name == "resolve_approval" and path[0] == "arguments" else str(path[0])
        await refused(peer, name, replaced(arguments, path, "a\0b"), field=field)


@pytest.mark.parametrize("name", CALLS)
async def test_lone_surrogate_in_any_string_is_refused(peer: Peer, session_id: str, name: str) -> None:
    """It is no JSON at all, so the packet is named and not the field."""
    arguments = complete(name, session_id)
    for path in strings(arguments):
        for lone in ("\ud800", "a\udfffb", "\udc00\ud800"):
            error = await refused(peer, name, replaced(arguments, path, lone))
            assert error["code"] in ("malformed_packet", "invalid_argument")


async def test_nul_in_keys_is_refused(peer: Peer, session_id: str) -> None:
    for name, field in (("send_message", "metadata"), ("broadcast_message", "data")):
        arguments = complete(name, session_id)
        if field == "metadata":
            arguments["metadata"]["extra"] = {"a\0": 1}
        else:
            arguments["data"] = [{"a\0": 1}]
        await refused(peer, name, arguments, field=field)


@pytest.mark.parametrize("name", CALLS)
async def test_ids_that_nobody_has_are_refused(peer: Peer, name: str) -> None:
    arguments, code = UNKNOWN_IDS[name]
    for session_id in (MISSING, new_id(), "nobody", "🪵", "../../etc", "%00", "' OR 1=1 --"):
        wanted = {**arguments, **({"sessionId": session_id} if "sessionId" in properties(name) else {})}
        if code is None:
            assert (await peer.call(name, wanted))["ok"]
        else:
            assert (await refused(peer, name, wanted))["code"] == code


@pytest.mark.parametrize("name", [name for name in CALLS if "sessionId" in properties(name)])
async def test_ids_of_absurd_length_are_refused_by_the_fields_name(peer: Peer, session_id: str, name: str) -> None:
    arguments = complete(name, session_id)
    for wrong in ("", "x" * 65, "x" * 100_000):
        await refused(peer, name, {**arguments, "sessionId": wrong}, field="sessionId")


async def test_run_that_nobody_has_is_not_cancelled(peer: Peer, session_id: str) -> None:
    ack = await peer.call("cancel_run", {"sessionId": session_id, "runId": MISSING})
    assert ack == {"ok": True, "cancelled": False}


async def test_absurd_positions_are_refused(peer: Peer, session_id: str) -> None:
    for after in ABSURD:
        await refused(peer, "join_session", {"sessionId": session_id, "after": after}, field="after")
    raw = f'["join_session",{{"sessionId":"{session_id}","after":%s}}]'
    for literal in ("1e999", "NaN", "Infinity", "-1e-5", "0x10", "1_000", "9" * 5_000):
        ack = await peer.raw_call("90", raw % literal)
        assert ack["error"]["code"] in ("malformed_packet", "invalid_argument"), literal


async def test_integers_in_the_clothes_of_floats_are_integers(peer: Peer, session_id: str) -> None:
    """JSON has one kind of number."""
    snapshot = await peer.call("join_session", {"sessionId": session_id})
    raw = f'["join_session",{{"sessionId":"{session_id}","epoch":"{snapshot["epoch"]}","after":%s}}]'
    for number, literal in enumerate(("1.0", "1e0", "10.0e-1", "1")):
        ack = await peer.raw_call(f"8{number}", raw % literal)
        assert (ack["ok"], ack["recovered"]) == (True, True), literal
    assert (await peer.raw_call("91", '["watch_running",{"take":3.0}]'))["ok"]
    line = {"kind": "file_reference", "path": "a.py", "startLine": True}
    await refused(
        peer, "send_message", {"sessionId": session_id, "payload": line}, field="payload.file_reference.startLine"
    )


async def test_json_nested_too_deeply_is_refused(peer: Peer, session_id: str) -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for level in range(levels):
            value = [value] if level % 2 else {"a": value}
        return value

    for levels in (DEPTH_MAX + 1, 200):
        deep = nested(levels)
        await refused(peer, "broadcast_message", {"sessionId": session_id, "data": deep}, field="data")
        metadata = {"extra": {"a": deep}}
        message = {"sessionId": session_id, "content": "x", "metadata": metadata}
        await refused(peer, "send_message", message, field="metadata")
        await refused(peer, "join_session", {"sessionId": deep}, field="sessionId")
    for levels in (1_000, 100_000):
        ack = await peer.raw_call(
            "91", f'["broadcast_message",{{"sessionId":"s","data":{"[" * levels}{"]" * levels}}}]'
        )
        assert ack["error"]["code"] in ("malformed_packet", "invalid_argument")
    await peer.join(session_id)
    assert (await peer.call("broadcast_message", {"sessionId": session_id, "data": nested(DEPTH_MAX)}))["ok"]


async def test_message_without_anything_to_say_is_refused(peer: Peer, session_id: str) -> None:
    await refused(peer, "send_message", {"sessionId": session_id}, field="content")
    await refused(peer, "send_message", {"sessionId": session_id, "content": ""}, field="content")
    empty = {"kind": "text", "text": ""}
    await refused(peer, "send_message", {"sessionId": session_id, "payload": empty}, field="payload")
    for kind in ("tool_result", "streaming_response", "nonsense", None, 1):
        wrong = {"sessionId": session_id, "payload": {"kind": kind}}
        await refused(peer, "send_message", wrong, field="payload")


async def test_lengths_at_the_limit_pass_and_above_are_refused(peer: Peer, session_id: str) -> None:
    message = {"sessionId": session_id, "content": "hello"}
    assert (await peer.call("send_message", {**message, "clientMessageId": "x" * 200}))["ok"]
    await refused(peer, "send_message", {**message, "clientMessageId": "x" * 201}, field="clientMessageId")
    trace = {"traceId": "x" * 201}
    await refused(peer, "send_message", {**message, "metadata": trace}, field="metadata")
    fits = {"extra": {"a": "x" * (METADATA_MAX_BYTES - 500)}}
    assert (await peer.call("send_message", {**message, "metadata": fits}))["ok"]
    for size in (METADATA_MAX_BYTES, 500_000):
        error = await refused(
            peer, "send_message", {**message, "metadata": {"extra": {"a": "x" * size}}}, field="metadata"
        )
        assert error["details"]["limit"] == METADATA_MAX_BYTES
    for value in (2**64, 10**30):
        ack = await peer.raw_call("92", f'["broadcast_message",{{"sessionId":"{session_id}","data":[{value}]}}]')
        assert ack["error"]["code"] in ("invalid_argument", "session_not_found")


@pytest.mark.parametrize("over", [-1, 0, 1, 1_000, 900_000])
async def test_packet_at_the_limit_passes_and_above_is_refused_in_the_ack(
    in_memory: Harness, peer: Peer, session_id: str, over: int
) -> None:
    """Far above, beyond the transport's own limit, the connection is closed: see the transport's tests."""
    start, end = f'["send_message",{{"sessionId":"{session_id}","content":"', '"}]'
    filling = PAYLOAD_LIMIT_BYTES + over - len(f"2{93}{start}{end}")
    ack = await peer.raw_call("93", start + "x" * filling + end)
    if over > 0:
        assert ack["error"]["code"] == "payload_too_large"
        assert ack["error"]["details"] == {"limit": PAYLOAD_LIMIT_BYTES, "size": PAYLOAD_LIMIT_BYTES + over}
        assert (await in_memory.snapshot(session_id))["messages"] == []
    else:
        assert ack["ok"]
    assert (await peer.call("unwatch_running"))["ok"]


@pytest.mark.parametrize(
    "name", ["nope", "", "Join_Session", "join_session ", "__class__", "connect", "日本", "x" * 9_999]
)
async def test_unknown_call_is_refused_by_name(peer: Peer, name: str) -> None:
    any_number: tuple[tuple[object, ...], ...] = ((), ({},), (1, 2, 3))
    for arguments in any_number:
        error = await refused(peer, name, *arguments)
        assert (error["code"], error["details"]) == ("unknown_call", {"call": name[:64]})


async def test_call_that_is_no_event_is_refused(peer: Peer) -> None:
    for array in ("[]", "[1]", "[null,{}]", '[["join_session"]]', "{}", '"join_session"', "[", "nonsense", '["a"]x'):
        ack = await peer.raw_call("94", array) if array[0] in '[{"n' else {}
        assert ack["error"]["code"] == "malformed_packet", array
    assert (await peer.call("unwatch_running"))["ok"]


async def test_an_approval_that_nobody_asked_for_is_not_found(peer: Peer, session_id: str) -> None:
    error = await refused(peer, "resolve_approval", complete("resolve_approval", session_id))
    assert (error["code"], error["retryable"]) == ("approval_not_found", False)


async def test_refusals_change_nothing(in_memory: Harness, peer: Peer, session_id: str) -> None:
    """I8 at the hub: the journal is as before."""
    before = await in_memory.wires(session_id)
    for name in CALLS:
        await refused(peer, name, {**complete(name, session_id), "nonsense": 1})
    assert await in_memory.wires(session_id) == before
    assert in_memory.hub.subscriptions == 0


GUARDED = ("send_message", "cancel_run", "resolve_approval")


def test_every_call_that_is_kept_in_the_journal_may_be_meant_for_one_version() -> None:
    """The others keep nothing: they listen, stop listening, or speak to those who are there."""
    assert {name for name in CALLS if "expectedVersion" in properties(name)} == set(GUARDED)


@pytest.mark.parametrize("name", GUARDED)
async def test_i8_a_call_for_another_version_changes_nothing(
    in_memory: Harness, peer: Peer, session_id: str, name: str
) -> None:
    """Fails for a call that does not hand the version on."""
    before = await in_memory.store.journal.load(session_id)
    arguments = {"sessionId": session_id, **UNKNOWN_IDS[name][0], "expectedVersion": before.version + 1}
    ack = await peer.call(name, arguments)
    assert (ack["error"]["code"], ack["error"]["details"]) == ("version_mismatch", {"currentVersion": before.version})
    assert await in_memory.store.journal.load(session_id) == before
    if name == "send_message":
        assert (await peer.call(name, {**arguments, "expectedVersion": before.version}))["ok"]
