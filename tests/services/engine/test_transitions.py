"""C1: every state and every step, in full. A state or a step that nobody thought of fails here."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from models.errors import IllegalTransition
from models.states import ContextState
from services.engine.transitions import TRANSITIONS, StateName, Step, step

STATE: TypeAdapter[ContextState] = TypeAdapter(ContextState)
ACTIVE, AWAITING, STREAMING = "active", "awaiting_llm", "streaming_response"

# What each state makes of each step; "-" is a deliberate refusal.
EXPECTED: dict[str, dict[str, str]] = {
    "initial": {
        "speak": ACTIVE,
        "start": "-",
        "request": "-",
        "begin": "-",
        "append": "-",
        "finalize": "-",
        "emit": "-",
        "finish": "-",
        "interrupt": "-",
    },
    "active": {
        "speak": ACTIVE,
        "start": ACTIVE,
        "request": AWAITING,
        "begin": STREAMING,
        "append": "-",
        "finalize": "-",
        "emit": ACTIVE,
        "finish": ACTIVE,
        "interrupt": ACTIVE,
    },
    "awaiting_llm": {
        "speak": AWAITING,
        "start": "-",
        "request": AWAITING,
        "begin": STREAMING,
        "append": "-",
        "finalize": "-",
        "emit": ACTIVE,
        "finish": ACTIVE,
        "interrupt": ACTIVE,
    },
    "streaming_response": {
        "speak": STREAMING,
        "start": "-",
        "request": "-",
        "begin": "-",
        "append": STREAMING,
        "finalize": ACTIVE,
        "emit": "-",
        "finish": ACTIVE,
        "interrupt": ACTIVE,
    },
    "error": {
        "speak": ACTIVE,
        "start": ACTIVE,
        "request": "-",
        "begin": "-",
        "append": "-",
        "finalize": "-",
        "emit": "-",
        "finish": "-",
        "interrupt": "-",
    },
}
EXTRA: dict[str, dict[str, Any]] = {
    "awaiting_llm": {"requestId": "q"},
    "streaming_response": {"messageId": "m"},
    "error": {"message": "broke"},
}
PAIRS = [(state, name) for state in get_args(StateName) for name in get_args(Step)]


def state_called(name: str) -> ContextState:
    return STATE.validate_python({"name": name, **EXTRA.get(name, {})})


def names_of_all_states() -> set[str]:
    union = get_args(ContextState)[0]
    return {each.model_fields["name"].default for each in get_args(union)}


def test_the_table_knows_every_state_that_a_context_can_be_in() -> None:
    assert names_of_all_states() == set(get_args(StateName)) == set(TRANSITIONS) == set(EXPECTED)


def test_every_state_has_a_decision_for_every_step() -> None:
    assert {(state, name) for state, row in EXPECTED.items() for name in row} == set(PAIRS)


@pytest.mark.parametrize(("state", "name"), PAIRS)
def test_a_step_leads_where_the_table_says_or_is_refused_and_says_why(state: StateName, name: Step) -> None:
    expected = EXPECTED[state][name]
    if expected != "-":
        assert step(state_called(state), name) == expected
        return
    with pytest.raises(IllegalTransition) as refused:
        step(state_called(state), name)
    assert refused.value.details == {"state": state, "step": name}
    assert state in refused.value.message
