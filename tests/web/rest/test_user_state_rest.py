"""A user's own state over REST: reading, replacing, merging, resetting; versions; refusals that name the field."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from rest_client import Reply, Rest

from models.user_state import CHANGE_MAX_BYTES, OPEN_MAX, STATE_MAX_BYTES

Json = dict[str, Any]
Serve = Callable[..., Awaitable[Rest]]
STATE = "/api/me/state"
DEFAULTS: Json = {
    "version": 0,
    "updatedAtUtc": None,
    "activeSessions": [],
    "tabs": {},
    "lastSessionId": None,
    "ui": {},
    "preferences": {
        "theme": "system",
        "fontSize": "medium",
        "language": "auto",
        "defaultModel": None,
        "approvalPolicy": "default",
        "sendKey": "enter",
        "notifications": False,
    },
}


async def patch(rest: Rest, body: object, **more: Any) -> Reply:
    return await rest.ask("PATCH", STATE, body, **more)


def sections(state: Json) -> Json:
    return {name: value for name, value in state.items() if name not in ("version", "updatedAtUtc")}


async def test_who_never_wrote_reads_the_defaults(stored: Rest) -> None:
    reply = await stored.ask("GET", STATE)
    assert (reply.status, reply.version_tag, reply.data) == (200, '"v0"', DEFAULTS)


async def test_a_patch_merges_and_null_removes(stored: Rest) -> None:
    first = await patch(
        stored,
        {
            "tabs": {"a": 1, "b": 2},
            "ui": {"sidebar": "open", "expanded": {"x": True, "y": False}},
            "preferences": {"theme": "dark", "fontSize": "large", "soon": {"a": [1]}},
            "lastSessionId": "a",
            "activeSessions": ["b", "a"],
        },
    )
    assert (first.status, first.version_tag) == (200, '"v1"')
    second = await patch(
        stored,
        {
            "tabs": {"a": None, "c": 0.5},
            "ui": {"expanded": {"y": None}},
            "preferences": {"theme": None},
            "lastSessionId": None,
        },
    )
    assert sections(second.data) == {
        "activeSessions": ["a", "b"],
        "tabs": {"b": 2, "c": 0.5},
        "lastSessionId": None,
        "ui": {"sidebar": "open", "expanded": {"x": True}},
        "preferences": {**DEFAULTS["preferences"], "fontSize": "large", "soon": {"a": [1]}},
    }
    assert await stored.get(STATE) == second.data
    third = await patch(stored, {"tabs": None, "ui": None, "preferences": None, "activeSessions": None})
    assert sections(third.data) == sections(DEFAULTS)
    assert third.data["version"] == 3


async def test_a_patch_may_be_declared_as_a_merge_patch(rest: Rest) -> None:
    declared = {"Content-Type": "application/merge-patch+json; charset=utf-8"}
    assert (await patch(rest, {"lastSessionId": "s"}, headers=declared)).data["lastSessionId"] == "s"
    refused = await rest.ask("PUT", STATE, {}, headers=declared)
    assert (refused.status, refused.field) == (400, "Content-Type")


async def test_a_replacement_puts_what_is_left_out_back_to_its_default(stored: Rest) -> None:
    await patch(stored, {"tabs": {"a": 1}, "preferences": {"theme": "dark", "soon": 1}})
    replaced = await stored.ask("PUT", STATE, {"lastSessionId": "s", "preferences": {"sendKey": "mod-enter"}})
    assert (replaced.status, replaced.version_tag) == (200, '"v2"')
    assert sections(replaced.data) == {
        **sections(DEFAULTS),
        "lastSessionId": "s",
        "preferences": {**DEFAULTS["preferences"], "sendKey": "mod-enter"},
    }
    assert await stored.get(STATE) == replaced.data


async def test_a_deletion_goes_back_to_the_defaults_and_never_to_an_older_version(stored: Rest) -> None:
    assert (await stored.ask("DELETE", STATE)).data == DEFAULTS
    await patch(stored, {"lastSessionId": "s"})
    deleted = await stored.ask("DELETE", STATE)
    assert (deleted.status, deleted.version_tag, sections(deleted.data)) == (200, '"v2"', sections(DEFAULTS))
    assert (await stored.ask("DELETE", STATE)).data == deleted.data, "nothing is left to change"


async def test_what_changes_nothing_bumps_nothing(stored: Rest) -> None:
    first = await patch(stored, {"tabs": {"a": 1}, "activeSessions": ["a", "b"]})
    same: tuple[Json, ...] = ({}, {"tabs": {"a": 1.0, "gone": None}}, {"activeSessions": ["b", "a"]}, {"ui": {}})
    for body in same:
        assert (await patch(stored, body)).data == first.data, body
    assert (await stored.ask("PUT", STATE, sections(first.data))).data == first.data


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_another_version_is_refused_with_the_whole_current_state(stored: Rest, method: str) -> None:
    long = "x" * 2_000
    current = (await patch(stored, {"ui": {"draft": long}, "tabs": {"a": 0.25}})).data
    for tag in ('"v0"', '"v2"', 'W/"v1"', "nonsense", "v1"):
        body: Json | None = None if method == "DELETE" else {"lastSessionId": "s"}
        refused = await stored.ask(method, STATE, body, headers={"If-Match": tag})
        assert (refused.status, refused.code) == (412, "version_mismatch"), tag
        assert refused.data["details"] == {"currentVersion": 1, "state": current}, "long texts too"
    assert await stored.get(STATE) == current
    taken = await stored.ask(method, STATE, body, headers={"If-Match": '"v1"'})
    assert (taken.status, taken.version_tag) == (200, '"v2"')


async def test_a_state_that_was_never_written_has_a_version_to_name(stored: Rest) -> None:
    for tag in ("nonsense", '"v1"', 'W/"v0"', '"v00"', ""):
        refused = await patch(stored, {"lastSessionId": "s"}, headers={"If-Match": tag})
        assert (refused.status, refused.data["details"]["currentVersion"]) == (412, 0), tag
    assert (await patch(stored, {"lastSessionId": "s"}, headers={"If-Match": '"v0"'})).version_tag == '"v1"'


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_the_expected_version_may_stand_in_the_body(rest: Rest, method: str) -> None:
    assert (await rest.ask(method, STATE, {"lastSessionId": "a", "expectedVersion": 0})).data["version"] == 1
    refused = await rest.ask(method, STATE, {"lastSessionId": "b", "expectedVersion": 0})
    assert (refused.status, refused.data["details"]["currentVersion"]) == (412, 1)
    both = await rest.ask(method, STATE, {"expectedVersion": 1}, headers={"If-Match": '"v2"'})
    assert (both.status, both.field) == (400, "expectedVersion")


async def test_of_many_racing_patches_of_one_version_exactly_one_wins(stored: Rest) -> None:
    racing = [patch(stored, {"lastSessionId": f"s{n}", "expectedVersion": 0}) for n in range(10)]
    replies = await asyncio.gather(*racing)
    [winner] = [reply for reply in replies if reply.status == 200]
    assert {reply.status for reply in replies if reply is not winner} == {412}
    assert await stored.get(STATE) == winner.data


async def test_racing_patches_without_a_version_are_all_kept(stored: Rest) -> None:
    await asyncio.gather(*(patch(stored, {"tabs": {f"s{n}": n}}) for n in range(20)))
    state = await stored.get(STATE)
    assert (state["tabs"], state["version"]) == ({f"s{n}": n for n in range(20)}, 20)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tabs": {"s": "first"}}, "tabs.s"),
        ({"tabs": {f"s{n}": n for n in range(OPEN_MAX + 1)}}, "tabs"),
        ({"activeSessions": [f"s{n}" for n in range(OPEN_MAX + 1)]}, "activeSessions"),
        ({"preferences": {"theme": "sepia"}}, "preferences.theme"),
        ({"preferences": {"approvalPolicy": "auto"}}, "preferences.approvalPolicy"),
        ({"preferences": {"notifications": "yes"}}, "preferences.notifications"),
        ({"ui": ["sidebar"]}, "ui"),
        ({"version": 3}, "version"),
    ],
    ids=str,
)
async def test_bad_values_are_refused_by_field_and_change_nothing(
    rest: Rest, method: str, body: Json, field: str
) -> None:
    refused = await rest.ask(method, STATE, body)
    assert (refused.status, refused.code, refused.field) == (400, "invalid_argument", field)
    assert await rest.get(STATE) == DEFAULTS


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_an_unknown_default_model_is_refused_with_those_that_are_known(rest: Rest, method: str) -> None:
    refused = await rest.ask(method, STATE, {"preferences": {"defaultModel": "openai:gone"}})
    assert (refused.status, refused.code, refused.field) == (400, "unknown_model", "preferences.defaultModel")
    assert "demo" in refused.data["details"]["known"]
    assert (await rest.ask(method, STATE, {"preferences": {"defaultModel": "demo"}})).status == 200


async def test_the_document_has_a_limit_at_which_it_still_fits(stored: Rest) -> None:
    empty = len(orjson.dumps((await patch(stored, {"ui": {"a": ""}})).data))
    fits = await patch(stored, {"ui": {"a": "x" * (STATE_MAX_BYTES - empty)}})
    assert (fits.status, len(fits.raw)) == (200, STATE_MAX_BYTES)
    above = await patch(stored, {"ui": {"b": ""}})
    assert (above.status, above.code, above.field) == (413, "payload_too_large", "ui")
    assert above.data["details"]["limit"] == STATE_MAX_BYTES
    assert await stored.get(STATE) == fits.data


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_change_that_could_never_fit_is_refused_unread(rest: Rest, method: str) -> None:
    escaped = b'{"ui":{"a":"' + b"\\u65e5" * (STATE_MAX_BYTES // 3 - 200) + b'"}}'
    assert STATE_MAX_BYTES < len(escaped) < CHANGE_MAX_BYTES
    assert (await rest.ask(method, STATE, raw=escaped)).status == 200
    beyond = b'{"ui":' + b" " * CHANGE_MAX_BYTES + b"{}}"
    refused = await rest.ask(method, STATE, raw=beyond)
    assert (refused.status, refused.code, refused.field) == (413, "payload_too_large", "body")
    assert refused.data["details"]["limit"] == CHANGE_MAX_BYTES


async def test_a_restart_keeps_the_state(serve: Serve, tmp_path: Path) -> None:
    first = await serve(database=None, data=tmp_path / "data")
    written = (await patch(first, {"tabs": {"a": 1}, "preferences": {"soon": [1], "theme": "dark"}})).data
    await first.client.close()
    again = await serve(database=None, data=tmp_path / "data")
    assert await again.get(STATE) == written
    assert (await patch(again, {"lastSessionId": "s"})).data["version"] == 2


async def test_a_purged_session_is_closed_everywhere_and_a_deleted_one_stays(stored: Rest) -> None:
    session_id, other = await stored.session(), await stored.session()
    opened = {"tabs": {session_id: 1, other: 2}, "activeSessions": [session_id], "lastSessionId": session_id}
    before = (await patch(stored, opened)).data
    await stored.ask("DELETE", f"/api/sessions/{session_id}")
    assert await stored.get(STATE) == before, "it can be restored, and is open again then"
    await stored.ask("DELETE", f"/api/sessions/{session_id}?purge=true")
    state = await stored.get(STATE)
    assert (state["tabs"], state["activeSessions"], state["lastSessionId"]) == ({other: 2}, [], None)
    assert state["version"] == before["version"] + 1


async def test_ids_of_sessions_that_never_were_do_no_harm(rest: Rest) -> None:
    state = (await patch(rest, {"tabs": {"nobody": 1}, "lastSessionId": "nobody"})).data
    assert await rest.get(STATE) == state
    assert (await rest.ask("GET", f"/api/sessions/{state['lastSessionId']}")).status == 404


async def test_a_token_is_needed_where_there_is_one(serve: Serve) -> None:
    guarded = await serve(token="secret")
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        body: Json | None = {} if method in ("PUT", "PATCH") else None
        assert (await guarded.ask(method, STATE, body)).status == 401
