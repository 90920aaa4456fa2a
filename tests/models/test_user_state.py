"""The document of a user's state: merge patches, what is kept though unknown, and refusals that name the field."""

from __future__ import annotations

from typing import Any

import pytest

from models.calls import parse
from models.errors import InvalidArgument
from models.user_state import OPEN_MAX, PatchUserState, ReplaceUserState, Sections, UserState, merge_patch

RFC_7396: tuple[tuple[Any, Any, Any], ...] = (
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
)
"""The examples of its appendix A."""
BAD: tuple[tuple[dict[str, Any], str], ...] = (
    ({"activeSessions": "s"}, "activeSessions"),
    ({"activeSessions": [7]}, "activeSessions.0"),
    ({"activeSessions": [""]}, "activeSessions.0"),
    ({"activeSessions": ["s"] * (OPEN_MAX + 1)}, "activeSessions"),
    ({"tabs": ["s"]}, "tabs"),
    ({"tabs": {"s": "1"}}, "tabs.s"),
    ({"tabs": {"s": True}}, "tabs.s"),
    ({"tabs": {"s": float("inf")}}, "tabs.s"),
    ({"tabs": {"x" * 65: 1}}, f"tabs.{'x' * 65}.[key]"),
    ({"tabs": {"a\0": 1}}, "tabs.a\0.[key]"),
    ({"lastSessionId": 7}, "lastSessionId"),
    ({"lastSessionId": "x" * 65}, "lastSessionId"),
    ({"ui": "open"}, "ui"),
    ({"ui": {"a": "\0"}}, "ui"),
    ({"ui": {"\ud800": 1}}, "ui"),
    ({"ui": {"a": 2**64}}, "ui"),
    ({"preferences": []}, "preferences"),
    ({"preferences": {"theme": "sepia"}}, "preferences.theme"),
    ({"preferences": {"fontSize": 12}}, "preferences.fontSize"),
    ({"preferences": {"language": "fr"}}, "preferences.language"),
    ({"preferences": {"defaultModel": ""}}, "preferences.defaultModel"),
    ({"preferences": {"approvalPolicy": "auto"}}, "preferences.approvalPolicy"),
    ({"preferences": {"sendKey": "space"}}, "preferences.sendKey"),
    ({"preferences": {"notifications": 1}}, "preferences.notifications"),
    ({"preferences": {"later": "\0"}}, "preferences.later"),
    ({"preferences": {"a\0": 1}}, "preferences"),
    ({"windows": {}}, "windows"),
    ({"version": 3}, "version"),
    ({"updatedAtUtc": None}, "updatedAtUtc"),
    ({"expectedVersion": -1}, "expectedVersion"),
    ({"expectedVersion": "1"}, "expectedVersion"),
)


@pytest.mark.parametrize(("target", "patch", "result"), RFC_7396)
def test_a_patch_is_merged_as_the_rfc_says(target: Any, patch: Any, result: Any) -> None:
    kept = repr(target)
    assert merge_patch(target, patch) == result
    assert repr(target) == kept, "what is patched stays as it was"


@pytest.mark.parametrize("model", [ReplaceUserState, PatchUserState])
@pytest.mark.parametrize(("body", "field"), BAD, ids=str)
def test_what_can_never_work_is_refused_by_field(
    model: type[ReplaceUserState | PatchUserState], body: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        parse(model, body)
    assert refused.value.details["field"] == field


def test_deep_trees_are_refused() -> None:
    deep: Any = 1
    for _ in range(40):
        deep = {"a": deep}
    for body in ({"ui": deep}, {"preferences": {"later": deep}}):
        with pytest.raises(InvalidArgument):
            parse(PatchUserState, body)


def test_a_patch_says_what_it_was_given_and_nothing_else() -> None:
    body = {"tabs": {"a": 1.0, "b": None}, "preferences": {"theme": None, "later": {"x": None}}, "ui": None}
    assert parse(PatchUserState, {**body, "expectedVersion": 3}).changes == body
    assert parse(PatchUserState, {}).changes == {}


def test_the_same_open_sessions_are_the_same_document_in_any_order() -> None:
    one, other = parse(Sections, {"activeSessions": ["b", "a", "b"]}), parse(Sections, {"activeSessions": ["a", "b"]})
    assert one.to_json() == other.to_json()


def test_every_number_is_a_rank() -> None:
    ranks = {"a": -1, "b": 0.5, "c": 1e308, "d": 0}
    assert parse(Sections, {"tabs": ranks}).tabs == ranks


def test_a_session_that_is_gone_is_open_nowhere() -> None:
    state = UserState(
        version=4, active_sessions=("a", "b"), tabs={"a": 1, "b": 2}, last_session_id="a", ui={"expanded": {"a": True}}
    )
    left = Sections(active_sessions=("b",), tabs={"b": 2}, ui={"expanded": {"a": True}})
    assert state.without("a") == left
    assert state.without("c") == state.sections
