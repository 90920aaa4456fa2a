"""What a run has done since the user's last word to it, folded from the journal: the limits of a turn look at this, so
that a crash begins nothing anew. Decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

import orjson

from models.events import ContextStateChanged, Event, MessageCreated, RunStarted
from models.ids import EpochMs
from models.messages import Message
from models.payloads import AnyToolResult, ToolCall, calls_in
from models.states import AwaitingLLM, ContextState


@dataclass(frozen=True, slots=True)
class Turn:
    """`since` is the seq of the user's last word: the run's start, a message that steers, or an answer. `requests` are
    those to a model, `rounds` those of tools. `repeated` counts the same call with the same outcome, by its digest;
    digests of failures begin with “error”. `worked_ms` leaves out what the run waited for, and the time in which no
    process was there. The rest is what folding needs."""

    run_id: str
    since: int = 0
    requests: int = 0
    rounds: int = 0
    repeated: Mapping[str, int] = field(default_factory=dict)
    worked_ms: int = 0
    open_calls: Mapping[str, ToolCall] = field(default_factory=dict)
    request_id: str | None = None
    working_since: EpochMs | None = None


def follow(turn: Turn, events: Iterable[Event]) -> Turn:
    """The turn after `events`, which come in order. Others than those of its run change nothing."""
    repeated = Counter(turn.repeated)
    for event in events:
        turn = _worked(turn, event)
        match event.body:
            case RunStarted(run=run) if run.id == turn.run_id and run.attempt == 1:
                turn, repeated = _anew(turn, event), Counter()
            case MessageCreated(message=message) if message.run_id == turn.run_id:
                if message.role == "user":
                    turn, repeated = _anew(turn, event), Counter()
                elif calls := calls_in(message.payload):
                    rounds = turn.rounds if turn.open_calls else turn.rounds + 1
                    turn = replace(turn, rounds=rounds, open_calls={**turn.open_calls, **_by_id(calls)})
                elif isinstance(message.payload, AnyToolResult):
                    repeated[_digest(turn, message.payload, message)] += 1
                    turn = replace(turn, open_calls=_without(turn.open_calls, message.payload.call_id))
            case ContextStateChanged(state=AwaitingLLM() as state):
                turn = _asked(turn, state)
            case _:
                pass
    return replace(turn, repeated=dict(repeated))


def _anew(turn: Turn, event: Event) -> Turn:
    """Calls that are open stay so: their results are still to come."""
    return Turn(turn.run_id, since=event.seq, open_calls=turn.open_calls, working_since=turn.working_since)


def _asked(turn: Turn, state: AwaitingLLM) -> Turn:
    """A wait before the next request is none, and neither is the end of that wait."""
    if state.retry_at_utc is not None or state.request_id == turn.request_id:
        return replace(turn, request_id=state.request_id)
    return replace(turn, request_id=state.request_id, requests=turn.requests + 1)


def _worked(turn: Turn, event: Event) -> Turn:
    """What lies between two events counts when the run was at work then. The server itself speaks to a run that has
    lost its process, or waits: what lies before that was nobody's work."""
    working = turn.working_since is not None
    match event.body:
        case RunStarted(run=run) if run.id == turn.run_id:
            return replace(turn, working_since=event.at)
        case ContextStateChanged(state=state):
            working = not _waits(state)
        case _:
            pass
    began = event.at if turn.working_since is None or event.by.kind == "server" else turn.working_since
    worked_ms = turn.worked_ms + max(0, event.at - began)
    return replace(turn, worked_ms=worked_ms, working_since=event.at if working else None)


def _waits(state: ContextState) -> bool:
    """Whether the run waits for the user, or for the instant at which it asks its model again."""
    return state.name == "awaiting_user" or (isinstance(state, AwaitingLLM) and state.retry_at_utc is not None)


def _digest(turn: Turn, result: AnyToolResult, message: Message) -> str:
    """A call that is not known was asked for in an earlier turn. A failure says why in its error or its output."""
    call = turn.open_calls.get(result.call_id)
    asked = None if call is None else call.raw_arguments or call.arguments
    failed = result.status != "ok"
    said = [result.name, asked, result.error, message.content]
    told = sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return f"{'error' if failed else 'ok'} {told}"


def _by_id(calls: Iterable[ToolCall]) -> dict[str, ToolCall]:
    return {call.call_id: call for call in calls}


def _without(calls: Mapping[str, ToolCall], call_id: str) -> dict[str, ToolCall]:
    return {each: call for each, call in calls.items() if each != call_id}
