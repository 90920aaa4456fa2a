"""Random commands against the pure engine: whatever is asked, in whatever order, the rules of design §4 to §7 hold.

Taken out for the check, each makes this fail: `_check_fence` (I4), the closing of streams in `_ended`, the state change
in `cancel` for a queue (I6), `+ 1` in the ordinals.
"""

from __future__ import annotations

import copy
from typing import get_args

import pytest
from histories import KINDS, RUN_KINDS, Maker, stale_fences
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from world import T0, appending, create, decided

from models import commands
from models.commands import CancelRun, Command, CommandFor, CreateSession, DeleteSession, RestoreSession
from models.errors import Fenced, ParleyError, SessionNotFound
from models.events import BY_TYPE, Event, EventBody, MessageBody, MessageCreated, MessageDelta, RunFinished
from models.ids import EpochMs
from models.payloads import AnyToolResult, ToolCall
from models.results import Cancelled
from services.engine.apply import apply, apply_all
from services.engine.context import Context
from services.engine.decide import EDITS, decide
from services.engine.tools import calls_of

ENDS = {"completed": "COMPLETED", "failed": "FAILED", "cancelled": "CANCELLED"}


class EngineMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.now = int(T0)
        self.made = 0

    @initialize()
    def begin(self) -> None:
        append = decided("s", None, create(title="t"), now=self.now)
        assert append is not None
        self.context: Context = append.after
        self.events.extend(append.events)

    def maker(self, data: st.DataObject) -> Maker:
        return Maker(lambda items: data.draw(st.sampled_from(items)), self.made)

    @rule(data=st.data())
    def something_likely(self, data: st.DataObject) -> None:
        maker = self.maker(data)
        command = maker.command(maker.likely_kind(self.context), self.context)
        self.made = maker.made
        self.ask(command)

    @rule(data=st.data(), kind=st.sampled_from(KINDS))
    def anything(self, data: st.DataObject, kind: str) -> None:
        maker = self.maker(data)
        command = maker.command(kind, self.context)
        self.made = maker.made
        self.ask(command)

    @rule(data=st.data(), kind=st.sampled_from((*RUN_KINDS, "take_over", "abandon")))
    def i4_a_write_with_a_stale_fence_is_refused(self, data: st.DataObject, kind: str) -> None:
        maker = self.maker(data)
        fence = data.draw(st.sampled_from(stale_fences(self.context)))
        command = maker.command(kind, self.context, fence)
        self.made = maker.made
        with pytest.raises(SessionNotFound if self.context.deleted_at else Fenced):
            decide("s", self.context, command, EpochMs(self.now))

    @rule()
    def a_session_that_exists_is_not_created_again(self) -> None:
        with pytest.raises(ParleyError):
            decide("s", self.context, create(), EpochMs(self.now))

    @rule(step_ms=st.integers(min_value=-1_000, max_value=60_000))
    def time_goes_on_or_is_set_back(self, step_ms: int) -> None:
        self.now += step_ms

    def ask(self, command: Command) -> None:
        untouched = copy.deepcopy(self.context)
        try:
            decision = decide("s", self.context, command, EpochMs(self.now))
        except ParleyError:
            assert self.context == untouched, "I8: an illegal command changes nothing"
            return
        assert isinstance(decision.result, result_of(type(command))), "the caller gets what the command names"
        if not decision.events:
            return
        append = appending("s", self.context, decision.events, now=self.now)
        assert self.context == untouched, "applying makes a new context"
        self.context = append.after
        self.events.extend(append.events)

    @invariant()
    def i6_cancelling_always_works(self) -> None:
        if self.context.deleted_at is not None:
            return
        decision = decide("s", self.context, CancelRun(), EpochMs(self.now))
        assert decision.result == Cancelled(self.context.busy)
        if not decision.events:
            return
        cancelled = appending("s", self.context, decision.events).after
        assert not cancelled.busy
        assert cancelled.stream is None
        assert cancelled.session_state == "CANCELLED"
        assert cancelled.state.name in ("active", "error")
        assert cancelled.request is None
        assert cancelled.approvals == ()

    @invariant()
    def seqs_and_ordinals_and_sequences_are_dense(self) -> None:
        assert [event.seq for event in self.events] == list(range(1, self.context.head + 1))
        created = [event.body.message for event in self.events if isinstance(event.body, MessageCreated)]
        assert [message.ordinal for message in created] == list(range(1, self.context.pool_count + 1))
        if len(self.context.branches) == 1:
            assert self.context.branch.length == self.context.pool_count
        sequences: dict[str, int] = {}
        for event in self.events:
            if isinstance(event.body, MessageDelta):
                assert event.body.sequence == sequences.get(event.body.message_id, 0) + 1
                sequences[event.body.message_id] = event.body.sequence

    @invariant()
    def the_session_state_says_what_the_runs_do(self) -> None:
        context = self.context
        ended = [event.body.run for event in self.events if isinstance(event.body, RunFinished)]
        if context.busy:
            expected = "RUNNING"
        elif ended:
            expected = ENDS[ended[-1].state]
        else:
            expected = "IDLE"
        assert context.session_state == expected
        assert (context.completed_at is not None) == (expected in ENDS.values())

    @invariant()
    def at_most_one_run_is_active_and_no_run_is_lost(self) -> None:
        runs = {event.body.run.id: event.body.run for event in self.events if hasattr(event.body, "run")}
        active = [run for run in runs.values() if run.state in ("running", "awaiting_input")]
        waiting = [run for run in runs.values() if run.state == "queued"]
        assert [run.id for run in active] == ([self.context.run.id] if self.context.run else [])
        assert {run.id for run in waiting} == {run.id for run in self.context.queue}

    @invariant()
    def the_context_state_says_what_is_in_progress(self) -> None:
        context, state = self.context, self.context.state
        assert (context.stream is not None) == (state.name == "streaming_response")
        if state.name == "streaming_response" and context.stream is not None:
            assert (state.message_id, state.sequence) == (context.stream.message.id, context.stream.sequence)
        if state.name in ("awaiting_llm", "streaming_response"):
            assert context.run is not None
        if context.run is not None:
            assert state.name not in ("initial", "error", "archived")
            assert (context.run.state == "awaiting_input") == bool(context.approvals)
        assert (state.name == "awaiting_user") == bool(context.approvals)
        if state.name == "awaiting_user":
            assert state.approval_ids == tuple(approval.id for approval in context.approvals)

    @invariant()
    def every_call_has_one_result_once_it_is_over_and_none_before(self) -> None:
        """I9's ground: a call that is done is paired, and after the run nothing is left open."""
        calls: dict[str, ToolCall] = {}
        results: list[str] = []
        for event in self.events:
            payload = event.body.message.payload if isinstance(event.body, MessageBody) else None
            if payload is not None and payload.kind in ("tool_request", "mcp_tool_request"):
                calls |= {call.call_id: call for call in payload.calls}
            elif isinstance(payload, AnyToolResult) and isinstance(event.body, MessageCreated):
                results.append(payload.call_id)
        assert sorted(results) == sorted(call_id for call_id, call in calls.items() if not call.is_open)
        assert all(call.status in ("done", "denied") for call in calls.values() if not call.is_open)
        still_open = {call_id for call_id, call in calls.items() if call.is_open}
        requests = self.context.requests
        assert still_open == {call.call_id for each in requests for call in calls_of(each) if call.is_open}
        if self.context.run is None:
            assert not requests
        executing = {call_id for call_id, call in calls.items() if call.status == "executing"}
        assert bool(executing) == (self.context.state.name == "processing_tool")

    @invariant()
    def a_message_that_does_not_stream_has_ended(self) -> None:
        """A reply is closed with all its chunks, whoever ends it."""
        last: dict[str, str] = {}
        texts: dict[str, str] = {}
        for event in self.events:
            if isinstance(event.body, MessageDelta):
                texts[event.body.message_id] = texts.get(event.body.message_id, "") + event.body.delta
            elif isinstance(event.body, MessageBody):
                message = event.body.message
                last[message.id] = message.status
                if message.id in texts:
                    assert message.content == texts[message.id]
        open_now = {self.context.stream.message.id} if self.context.stream else set()
        assert {each for each, status in last.items() if status == "streaming"} == open_now

    @invariant()
    def a_workflow_is_open_only_inside_its_run(self) -> None:
        if self.context.run is None:
            assert self.context.workflow is None
        if self.context.state.name == "processing_workflow":
            assert self.context.workflow is not None

    @invariant()
    def a_branch_is_at_least_as_long_as_what_it_shares(self) -> None:
        branches = self.context.branches
        assert self.context.active_branch in branches
        for branch in branches.values():
            assert branch.forked_at <= branch.length
            assert branch.parent is None or branch.forked_at <= branches[branch.parent].length

    def teardown(self) -> None:
        """I2, its server half: folding the journal anew, from JSON, gives the same context."""
        if not self.events:
            return
        assert apply_all(None, self.events) == self.context
        kept = [Event(e.session_id, e.epoch, e.seq, e.at, _as_kept(e.body)) for e in self.events]
        assert apply_all(None, kept) == self.context


def _as_kept(body: EventBody) -> EventBody:
    """As a journal gives it back. What travels of a branch is less."""
    return BY_TYPE[body.type].model_validate_json(body.model_dump_json(by_alias=True))


LONG = settings(max_examples=120, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
EngineMachine.TestCase.settings = settings(LONG, max_examples=20)
TestEngine = EngineMachine.TestCase


class LongEngineMachine(EngineMachine):
    """The same, for longer."""


LongEngineMachine.TestCase.settings = LONG
TestEngineForLong = pytest.mark.slow(LongEngineMachine.TestCase)


def test_a_journal_with_a_hole_or_no_beginning_is_refused() -> None:
    append = decided("s", None, create())
    assert append is not None
    first = append.events[0]
    with pytest.raises(ValueError, match="hole"):
        apply(append.after, Event("s", "e1", 3, T0, first.body))
    with pytest.raises(ValueError, match="starts with"):
        apply(None, Event("s", "e1", 2, T0, first.body))
    with pytest.raises(ValueError, match=r"can't follow"):
        apply(append.after, Event("s", "e1", 2, T0, first.body))
    with pytest.raises(ValueError, match="nothing streams"):
        apply(append.after, Event("s", "e1", 2, T0, MessageDelta(message_id="m", sequence=1, delta="x")))
    with pytest.raises(ValueError, match="empty"):
        apply_all(None, [])


def test_unknown_sessions_are_not_found_whatever_is_asked() -> None:
    for kind in KINDS:
        maker = Maker(lambda items: items[0])
        append = decided("s", None, create())
        assert append is not None
        with pytest.raises(SessionNotFound):
            decide("s", None, maker.command(kind, append.after), T0)


def test_a_deleted_session_can_only_be_restored() -> None:
    append = decided("s", None, create())
    assert append is not None
    deleted = decided("s", append.after, DeleteSession())
    assert deleted is not None
    for kind in set(KINDS) - {"restore"}:
        with pytest.raises(SessionNotFound):
            decide("s", deleted.after, Maker(lambda items: items[0]).command(kind, deleted.after), T0)
    restored = decided("s", deleted.after, RestoreSession())
    assert restored is not None
    assert restored.after.deleted_at is None
    assert decided("s", restored.after, RestoreSession()) is None


def test_every_command_has_a_kind_here() -> None:
    """A command that nobody thought of fails: it must be made by `histories` to be tested."""
    maker = Maker(lambda items: items[0])
    append = decided("s", None, create())
    assert append is not None
    made = {type(maker.command(kind, append.after)) for kind in KINDS}
    assert made | {CreateSession} == set(get_args(Command)) == commands_for()
    assert EDITS < made


def commands_for() -> set[type]:
    classes = (each for each in vars(commands).values() if isinstance(each, type))
    return {each for each in classes if issubclass(each, CommandFor) and each is not CommandFor}


def result_of(kind: type[Command]) -> type:
    """What a command says that its caller gets: `CommandFor[Sent]`."""
    (base,) = kind.__orig_bases__  # type: ignore[union-attr]  # of every class with a parameter in its bases
    (result,) = get_args(base)
    return result  # type: ignore[no-any-return]
