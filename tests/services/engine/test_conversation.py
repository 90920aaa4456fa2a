"""What a user's message brings about, alone and while a run is busy."""

from __future__ import annotations

import tracemalloc

import pytest
from histories import Maker
from world import T0, appending, create, decided, say

from models.commands import (
    AppendDelta,
    BeginStream,
    FinishRun,
    RequestModel,
    RunFence,
    SendMessage,
    StartRun,
    TakeOverRun,
)
from models.errors import IllegalTransition, QueueFull, RunAlreadyActive
from models.events import MessageCreated, RunQueued
from models.payloads import FileReferencePayload, ImagePayload
from models.results import Sent
from models.runs import OnBusy
from services.engine.context import Context
from services.engine.conversation import QUEUE_MAX, send, title_from
from services.engine.decide import decide


def fresh(title: str = "") -> Context:
    append = decided("s", None, create(title=title))
    assert append is not None
    return append.after


def after(context: Context, *commands: object) -> Context:
    for command in commands:
        append = decided("s", context, command)  # type: ignore[arg-type]  # what tests make are commands
        assert append is not None
        context = append.after
    return context


def running() -> Context:
    first = say("first")
    return after(fresh(), first, StartRun(first.run_id))


def types(context: Context, command: object) -> list[str]:
    return [body.type for body in decide("s", context, command, T0).events]  # type: ignore[arg-type]


def sent(context: Context, command: SendMessage) -> Sent:
    result = decide("s", context, command, T0).result
    assert isinstance(result, Sent)
    return result


def test_the_first_message_names_the_session_queues_a_run_and_wakes_the_context() -> None:
    assert types(fresh(), say("Hello there")) == [
        "message.created",
        "session.renamed",
        "run.queued",
        "session.state_changed",
        "context.state_changed",
    ]


def test_a_title_that_was_given_stays() -> None:
    assert after(fresh("Mine"), say("Hello")).title == "Mine"


def test_a_title_made_from_a_message_is_no_edit_and_leaves_the_version() -> None:
    context = after(fresh(), say("Hello"))
    assert (context.title, context.version) == ("Hello", 1)


def test_the_answer_names_the_message_its_seq_and_its_run() -> None:
    command = say()
    context = running()
    decision = decide("s", context, command, T0)
    assert decision.result == Sent(command.message_id, context.head + 1, command.run_id)


def test_enqueue_leaves_the_active_run_alone() -> None:
    context = running()
    queued = after(context, say(on_busy="enqueue"))
    assert queued.run == context.run
    assert len(queued.queue) == 1
    assert queued.session_state == "RUNNING"


def test_reject_refuses_while_busy_and_changes_nothing() -> None:
    waiting = after(fresh(), say())
    for busy in (running(), waiting):
        with pytest.raises(RunAlreadyActive):
            decide("s", busy, say(on_busy="reject"), T0)


@pytest.mark.parametrize("on_busy", ["enqueue", "reject", "interrupt", "steer"])
def test_on_busy_means_nothing_while_idle(on_busy: OnBusy) -> None:
    context = after(fresh(), say(on_busy=on_busy))
    assert len(context.queue) == 1


def test_queue_is_bounded_and_takes_another_after_an_interrupt_or_a_message_that_steers() -> None:
    """Fails without the bound in `send`."""
    context = running()
    for _ in range(QUEUE_MAX):
        context = after(context, say())
    with pytest.raises(QueueFull) as refused:
        decide("s", context, say(), T0)
    assert refused.value.details == {"limit": QUEUE_MAX}
    assert len(after(context, say(on_busy="steer")).queue) == QUEUE_MAX
    assert len(after(context, say(on_busy="interrupt")).queue) == 1


def test_interrupt_ends_the_active_run_and_the_queue_and_the_session_stays_running() -> None:
    context = after(running(), say(on_busy="enqueue"))
    command = say("now this", on_busy="interrupt")
    assert types(context, command) == ["run.finished", "run.finished", "message.created", "run.queued"]
    interrupted = after(context, command)
    assert interrupted.run is None
    assert [run.id for run in interrupted.queue] == [command.run_id]
    assert interrupted.session_state == "RUNNING"
    assert sent(context, command).seq == context.head + 3


def test_interrupt_closes_a_reply_in_mid_stream() -> None:
    context = running()
    assert context.run is not None
    fence = RunFence(context.run.id, 1)
    context = after(context, BeginStream(fence, "m", "a", "demo"), AppendDelta(fence, "m", "half"))
    interrupted = after(context, say(on_busy="interrupt"))
    assert interrupted.stream is None
    assert interrupted.state.name == "active"


def test_steer_joins_the_active_run_and_holds_back_its_end_until_it_was_seen() -> None:
    context = running()
    assert context.run is not None
    command = say("and also", on_busy="steer")
    assert types(context, command) == ["message.created"]
    assert sent(context, command).run_id == context.run.id
    steered = after(context, command)
    assert steered.steered == steered.pool_count
    fence = RunFence(context.run.id, 1)
    with pytest.raises(IllegalTransition) as refused:
        decide("s", steered, FinishRun(fence, seen=steered.steered - 1), T0)
    assert refused.value.details == {"unseen": steered.steered}
    assert after(steered, FinishRun(fence, seen=steered.steered)).session_state == "COMPLETED"


def test_a_run_that_fails_need_not_have_seen_what_steers_it() -> None:
    context = running()
    assert context.run is not None
    steered = after(context, say(on_busy="steer"))
    failed = after(steered, FinishRun(RunFence(context.run.id, 1), error="broke"))
    assert (failed.session_state, failed.steered) == ("FAILED", 0)


def test_steer_with_only_a_queue_waits_in_it() -> None:
    context = after(fresh(), say(), say(on_busy="steer"))
    assert len(context.queue) == 2


def test_a_steering_message_is_taken_over_with_the_run() -> None:
    """A new attempt has to see what the one before may not have."""
    context = running()
    assert context.run is not None
    steered = after(context, say(on_busy="steer"), TakeOverRun(context.run.id, 1, "died"))
    assert steered.steered == steered.pool_count


def test_a_message_after_an_error_brings_the_context_back() -> None:
    context = running()
    assert context.run is not None
    failed = after(context, FinishRun(RunFence(context.run.id, 1), error="broke"))
    assert failed.state.name == "error"
    assert after(failed, say()).state.name == "active"


def test_a_message_does_not_disturb_a_request_that_is_under_way() -> None:
    context = running()
    assert context.run is not None
    asked = after(context, RequestModel(RunFence(context.run.id, 1), "q"))
    assert after(asked, say()).state == asked.state


@pytest.mark.parametrize(
    ("payload", "source"),
    [
        (ImagePayload(source="url", data="u", mime_type="image/png"), "user_image_upload"),
        (FileReferencePayload(path="a"), "user_file_reference"),
        (None, "user_input"),
    ],
)
def test_the_source_follows_from_the_kind(payload: ImagePayload | FileReferencePayload | None, source: str) -> None:
    command = say("look")
    if payload is not None:
        command = Maker(lambda items: items[0]).send()
        command = type(command)(command.message_id, command.run_id, "ann", "look", payload)
    events, _ = send(fresh(), command, T0)
    created = events[0]
    assert isinstance(created, MessageCreated)
    assert created.message.metadata.source == source
    queued = next(body for body in events if isinstance(body, RunQueued))
    assert queued.run.message_id == created.message.id


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ("Hello", "Hello"),
        ("  \n first line \n second", "first line"),
        ("many   blanks\tin it", "many blanks in it"),
        ("", "Untitled"),
        (" \n\t ", "Untitled"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 60 + "…"),
        ("word " * 20, "word " * 11 + "word…"),
        ("長い" * 40, "長い" * 30 + "…"),
    ],
)
def test_a_title_is_the_first_line_cut_at_a_word(content: str, title: str) -> None:
    assert title_from(content) == title


def test_a_title_costs_no_more_of_a_long_message() -> None:
    """Fails when the first line is taken apart whole: ten megabytes of words are five million of them."""
    content = "word " * 200_000
    tracemalloc.start()
    try:
        assert title_from(content).startswith("word word")
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_positions_and_ordinals_follow_one_another() -> None:
    append = appending("s", running(), decide("s", running(), say(), T0).events)
    assert [event.seq for event in append.events] == list(range(append.events[0].seq, append.after.head + 1))
