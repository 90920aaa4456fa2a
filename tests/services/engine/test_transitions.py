"""C1: every state and every step, in full. A state or a step that nobody thought of fails here."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from models.errors import IllegalTransition
from models.states import ContextState
from services.engine.transitions import TRANSITIONS, StateName, Step, check

STATE: TypeAdapter[ContextState] = TypeAdapter(ContextState)
# Every step that each state allows, written down a second time: whatever is missing is a deliberate refusal.
ALLOWED: dict[str, str] = {
    "initial": "speak branch edit archive",
    "active": "speak start request begin emit call execute return ask advance finish interrupt branch edit archive",
    "awaiting_user": "speak answer finish interrupt edit",
    "awaiting_llm": "speak request begin emit call ask finish interrupt edit",
    "processing_tool": "speak return finish interrupt edit",
    "processing_workflow": "speak request begin emit call execute return ask advance finish interrupt edit",
    "streaming_response": "speak append finalize finish interrupt edit",
    "error": "speak start branch edit archive",
    "archived": "branch unarchive",
}
EXTRA: dict[str, dict[str, Any]] = {
    "awaiting_llm": {"requestId": "q"},
    "awaiting_user": {"reason": "tool", "approvalIds": ["a"]},
    "processing_tool": {"toolIds": ["c"]},
    "processing_workflow": {"workflowId": "w"},
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
    assert names_of_all_states() == set(get_args(StateName)) == set(TRANSITIONS) == set(ALLOWED)


def test_the_table_knows_every_step_and_leads_to_known_states() -> None:
    assert {name for row in TRANSITIONS.values() for name in row} == set(get_args(Step))
    assert {target for row in TRANSITIONS.values() for targets in row.values() for target in targets} == set(ALLOWED)


@pytest.mark.parametrize(("state", "name"), PAIRS)
def test_a_step_is_allowed_as_the_table_says_or_refused_with_the_reason(state: StateName, name: Step) -> None:
    if name in ALLOWED[state].split():
        check(state_called(state), name)
        return
    with pytest.raises(IllegalTransition) as refused:
        check(state_called(state), name)
    assert refused.value.details == {"state": state, "step": name}
    assert state in refused.value.message
