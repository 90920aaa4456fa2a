"""Which steps each state of a context allows, as one table. Whatever is not in it is refused."""

from __future__ import annotations

from typing import Literal

from models.errors import IllegalTransition
from models.states import ContextState

Step = Literal["speak", "start", "request", "begin", "append", "finalize", "emit", "finish", "interrupt"]
StateName = Literal["initial", "active", "awaiting_llm", "streaming_response", "error"]

TRANSITIONS: dict[StateName, dict[Step, StateName]] = {
    "initial": {"speak": "active"},
    "active": {
        "speak": "active",
        "start": "active",
        "request": "awaiting_llm",
        "begin": "streaming_response",
        "emit": "active",
        "finish": "active",
        "interrupt": "active",
    },
    "awaiting_llm": {
        "speak": "awaiting_llm",
        "request": "awaiting_llm",
        "begin": "streaming_response",
        "emit": "active",
        "finish": "active",
        "interrupt": "active",
    },
    "streaming_response": {
        "speak": "streaming_response",
        "append": "streaming_response",
        "finalize": "active",
        "finish": "active",
        "interrupt": "active",
    },
    "error": {"speak": "active", "start": "active"},
}
"""`speak`: a user's message arrives (steering or queued while busy); `start`: a run begins; `request`: a model is
asked, or asked again; `begin`, `append`, `finalize`: a streamed reply; `emit`: a run writes a whole message;
`finish`: a run ends (an error then leads to `error`); `interrupt`: cancelled, or taken over after a crash."""


def step(state: ContextState, name: Step) -> StateName:
    """The next state's name. Raises IllegalTransition, which names the state and the step."""
    target = TRANSITIONS[state.name].get(name)
    if target is None:
        raise IllegalTransition(f"Not possible while the context is {state.name}", state=state.name, step=name)
    return target
