"""Which steps each state of a context allows, as one table. Whatever is not in it is refused."""

from __future__ import annotations

from typing import Literal

from models.errors import IllegalTransition
from models.states import ContextState

Step = Literal[
    "speak",
    "start",
    "request",
    "begin",
    "append",
    "finalize",
    "emit",
    "call",
    "execute",
    "return",
    "ask",
    "answer",
    "advance",
    "finish",
    "interrupt",
    "branch",
    "edit",
    "archive",
    "unarchive",
]
StateName = Literal[
    "initial",
    "active",
    "awaiting_user",
    "awaiting_llm",
    "processing_tool",
    "processing_workflow",
    "streaming_response",
    "error",
    "archived",
]

TRANSITIONS: dict[StateName, dict[Step, frozenset[StateName]]] = {
    "initial": {
        "speak": frozenset({"active"}),
        "branch": frozenset({"initial"}),
        "edit": frozenset({"initial"}),
        "archive": frozenset({"archived"}),
    },
    "active": {
        "speak": frozenset({"active"}),
        "start": frozenset({"active"}),
        "request": frozenset({"awaiting_llm"}),
        "begin": frozenset({"streaming_response"}),
        "emit": frozenset({"active"}),
        "call": frozenset({"active", "awaiting_user"}),
        "execute": frozenset({"processing_tool", "awaiting_user"}),
        "return": frozenset({"active"}),
        "ask": frozenset({"awaiting_user"}),
        "advance": frozenset({"processing_workflow"}),
        "finish": frozenset({"active", "error"}),
        "interrupt": frozenset({"active"}),
        "branch": frozenset({"active"}),
        "edit": frozenset({"active"}),
        "archive": frozenset({"archived"}),
    },
    "awaiting_user": {
        "speak": frozenset({"awaiting_user", "active", "processing_workflow"}),
        "answer": frozenset({"awaiting_user", "active", "processing_workflow"}),
        "finish": frozenset({"active", "error"}),
        "interrupt": frozenset({"active", "awaiting_user"}),
        "edit": frozenset({"awaiting_user"}),
    },
    "awaiting_llm": {
        "speak": frozenset({"awaiting_llm"}),
        "request": frozenset({"awaiting_llm"}),
        "begin": frozenset({"streaming_response"}),
        "emit": frozenset({"active", "processing_workflow"}),
        "call": frozenset({"active", "processing_workflow", "awaiting_user"}),
        "ask": frozenset({"awaiting_user"}),
        "finish": frozenset({"active", "error"}),
        "interrupt": frozenset({"active"}),
        "edit": frozenset({"awaiting_llm"}),
    },
    "processing_tool": {
        "speak": frozenset({"processing_tool"}),
        "return": frozenset({"processing_tool", "active", "processing_workflow"}),
        "finish": frozenset({"active", "error"}),
        "interrupt": frozenset({"active"}),
        "edit": frozenset({"processing_tool"}),
    },
    "processing_workflow": {
        "speak": frozenset({"processing_workflow"}),
        "request": frozenset({"awaiting_llm"}),
        "begin": frozenset({"streaming_response"}),
        "emit": frozenset({"processing_workflow"}),
        "call": frozenset({"processing_workflow", "awaiting_user"}),
        "execute": frozenset({"processing_tool", "awaiting_user"}),
        "return": frozenset({"processing_workflow"}),
        "ask": frozenset({"awaiting_user"}),
        "advance": frozenset({"processing_workflow", "active"}),
        "finish": frozenset({"active", "error"}),
        "interrupt": frozenset({"active"}),
        "edit": frozenset({"processing_workflow"}),
    },
    "streaming_response": {
        "speak": frozenset({"streaming_response"}),
        "append": frozenset({"streaming_response"}),
        "finalize": frozenset({"active", "processing_workflow"}),
        "finish": frozenset({"active", "error"}),
        "interrupt": frozenset({"active"}),
        "edit": frozenset({"streaming_response"}),
    },
    "error": {
        "speak": frozenset({"active"}),
        "start": frozenset({"active"}),
        "branch": frozenset({"error"}),
        "edit": frozenset({"error"}),
        "archive": frozenset({"archived"}),
    },
    "archived": {"branch": frozenset({"archived"}), "unarchive": frozenset({"active", "initial"})},
}
"""`speak`: a user's message arrives (steering or queued while busy); `start`: a run begins; `request`: a model is
asked, or asked again; `begin`, `append`, `finalize`: a streamed reply; `emit`: a run writes a whole message; `call`:
tools are asked for; `execute`, `return`: they work; `ask`, `answer`: the user is asked and answers; `advance`: a
workflow begins or goes on; `finish`: a run ends; `interrupt`: it is cancelled, or taken over after a crash; `branch`:
a fork becomes active; `edit`: whatever else edits the session. With more than one target, the events decide."""


def check(state: ContextState, name: Step) -> None:
    """Raises IllegalTransition, which names the state and the step."""
    if name not in TRANSITIONS[state.name]:
        raise IllegalTransition(f"Not possible while the context is {state.name}", state=state.name, step=name)
