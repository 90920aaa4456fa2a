"""What the model of the boundary walk says, decided by what it is shown alone: it may be asked again after any crash.

Both providers play it: the scripted one inside the server, and the endpoint on loopback.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Wish:
    """A call that the model wants."""

    call_id: str
    name: str
    arguments: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    words: tuple[str, ...] = ()
    wishes: tuple[Wish, ...] = ()


PLAN, WALK, ASIDE = "Plan the way", "Walk the way", "Say something aside"
WAY = "left"
"""What the user answers when asked which way."""
LOOK = Answer(("I look ", "first."), (Wish("call_look", "look", {"where": "ahead"}),))
SIDE_BY_SIDE = Answer(
    ("I do ", "three things."),
    (
        Wish("call_fetch", "fetch", {"what": "the hammer"}),
        Wish("call_stumble", "stumble", {"over": "a stone"}),
        Wish("call_dream", "dream", {"about": "sheep"}),
    ),
)
SMASH = Answer((), (Wish("call_smash", "smash", {"what": "the vase"}),))


def answer_to(messages: Sequence[Json]) -> Answer:
    """`messages` as chat completions take them."""
    users = [at for at, message in enumerate(messages) if message["role"] == "user"]
    # What the user answers to the agent's question comes between; it is no new task.
    asked = next((at for at in reversed(users) if messages[at]["content"] != WAY), users[-1])
    results = sum(message["role"] == "tool" for message in messages[asked:])
    match (messages[asked]["content"], results):
        case (text, 0) if text == PLAN:
            return LOOK
        case (text, _) if text == PLAN:
            return Answer(("Left ", "or ", "right."))
        case (text, 0) if text == WALK:
            return SIDE_BY_SIDE
        case (text, 3) if text == WALK:
            return SMASH
        case (text, 4) if text == WALK:
            return Answer(("All ", "done."))
        case (text, 0) if text == ASIDE:
            return Answer(("Aside, ", "then."))
        case (text, count):
            return Answer((f"Summed up: {text} ({count})",))


def unpaired(messages: Sequence[Json]) -> Iterator[str]:
    """Every call that hasn't exactly one result right behind its turn, every result without a call, every id that is
    used twice (I9)."""
    open_calls: list[str] = []
    seen: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            call_id = message["tool_call_id"]
            if call_id not in open_calls:
                yield f"a result without a call: {call_id}"
                continue
            open_calls.remove(call_id)
            continue
        yield from (f"no result: {call_id}" for call_id in open_calls)
        open_calls = [call["id"] for call in message.get("tool_calls") or ()]
        yield from (f"used twice: {call_id}" for call_id in open_calls if call_id in seen)
        seen.update(open_calls)
    yield from (f"no result: {call_id}" for call_id in open_calls)
