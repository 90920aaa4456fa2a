"""I9: the view sent to a model always fits its window. Taken out for the check: `left -= _cost(fitted)`."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.messages import Message, Metadata, Role, message_type_of
from models.payloads import ToolCall, ToolRequestPayload, ToolResultPayload
from services.engine.view import MESSAGE_OVERHEAD_TOKENS, Candidate, choose, clamp, input_budget


def view(history: Sequence[Message], costs: Sequence[int], budget: int) -> tuple[Message, ...]:
    return tuple(entry.message for entry in choose(candidates(history, costs), budget).messages)


def candidates(history: Sequence[Message], costs: Sequence[int]) -> list[Candidate]:
    """`costs` of the newest of them, which are those that were read."""
    read = history[len(history) - len(costs) :]
    return [
        Candidate(each, each.content, cost + MESSAGE_OVERHEAD_TOKENS) for each, cost in zip(read, costs, strict=True)
    ]


def message(content: str, role: Role = "user", ordinal: int = 1) -> Message:
    return Message(
        id=f"m{ordinal}",
        ordinal=ordinal,
        role=role,
        content=content,
        message_type=message_type_of("text"),
        kind="text",
        created_at_utc="2026-11-20T09:00:00.000Z",
        author="ann",
    )


def test_everything_that_fits_is_sent_in_order() -> None:
    history = [message("be kind", "system"), message("hi"), message("hello", "agent")]
    sent = view(history, [2, 1, 1], 1_000)
    assert [(each.role, each.content) for each in sent] == [
        ("system", "be kind"),
        ("user", "hi"),
        ("agent", "hello"),
    ]


def test_the_newest_messages_win_when_not_all_fit() -> None:
    history = [message(str(n)) for n in range(10)]
    sent = view(history, [10] * 10, 3 * (10 + MESSAGE_OVERHEAD_TOKENS))
    assert [each.content for each in sent] == ["7", "8", "9"]


def test_the_question_stays_when_the_answers_to_what_was_asked_meanwhile_fill_the_window() -> None:
    went_on = message("go on").model_copy(update={"metadata": Metadata(answers="Shall I go on?")})
    history = [message("the question"), *[message("old", "agent")] * 5, went_on, message("new", "agent")]
    sent = view(history, [1] * 8, 3 * (1 + MESSAGE_OVERHEAD_TOKENS))
    assert [each.content for each in sent] == ["the question", "go on", "new"]


def test_replies_that_broke_off_are_left_out_and_cost_nothing() -> None:
    broken = message("half a re", "agent").model_copy(update={"status": "error"})
    lost = broken.model_copy(update={"status": "interrupted"})
    stopped = broken.model_copy(update={"status": "cancelled", "content": "stopped"})
    sent = view([message("a"), broken, lost, stopped], [1, 9, 9, 7], 12 + 3 * MESSAGE_OVERHEAD_TOKENS)
    assert [each.content for each in sent] == ["a", "stopped"]


def test_costs_may_cover_only_the_newest() -> None:
    assert [each.content for each in view([message("old"), message("new")], [1], 100)] == ["new"]


def test_a_last_message_that_is_too_large_is_cut_at_its_end() -> None:
    sent = view([message("x" * 1_000)], [1_000], 100)
    assert len(sent) == 1
    assert 0 < len(sent[0].content) <= 96
    assert sent[0].content == "x" * len(sent[0].content)


def test_an_empty_history_gives_an_empty_view() -> None:
    assert view([], [], 100) == ()


@given(
    st.lists(st.tuples(st.text("ab ", max_size=400), st.sampled_from(["user", "agent", "system"])), max_size=30),
    st.integers(min_value=1, max_value=600),
)
def test_i9_the_view_fits_its_budget(said: list[tuple[str, Role]], budget: int) -> None:
    """With one token per character: what is sent costs at most the budget, and the last words are in."""
    history = [message(content, role, n) for n, (content, role) in enumerate(said)]
    sent = view(history, [len(each.content) for each in history], budget)
    cost = sum(len(each.content) + MESSAGE_OVERHEAD_TOKENS for each in sent)
    assert cost <= max(budget, MESSAGE_OVERHEAD_TOKENS)
    ordinals = [each.ordinal for each in sent]
    assert ordinals == sorted(ordinals)
    questions = [each.ordinal for each in history if each.role == "user"]
    assert not questions or questions[-1] in ordinals
    if history and budget >= 2 * MESSAGE_OVERHEAD_TOKENS:
        assert history[-1].ordinal in ordinals
    for each in sent:
        assert history[each.ordinal].content.startswith(each.content)


def request(ordinal: int, *call_ids: str) -> Message:
    calls = tuple(ToolCall(call_id=each, name="read", arguments={}, risk="read_only") for each in call_ids)
    return message("", "agent", ordinal).model_copy(
        update={"kind": "tool_request", "payload": ToolRequestPayload(calls=calls)}
    )


def result(ordinal: int, call_id: str, output: str) -> Message:
    payload = ToolResultPayload(call_id=call_id, name="read", status="ok", output=output)
    return message(output, "system", ordinal).model_copy(update={"kind": "tool_result", "payload": payload})


def test_a_large_result_is_cut_and_crowds_out_neither_its_request_nor_the_question() -> None:
    """Without units the result alone fills the window, and a result without its call is not sent: nothing is."""
    history = [message("What is in a.py?"), request(2, "c", "d"), result(3, "c", "w" * 6_000), result(4, "d", "short")]
    sent = view(history, [16, 10, 6_000, 5], 1_000)
    assert [each.kind for each in sent] == ["text", "tool_request", "tool_result", "tool_result"]
    assert 300 < len(sent[2].content) < 1_000
    assert sent[3].content == "short"


def test_a_request_that_does_not_fit_takes_its_results_with_it() -> None:
    history = [message("old"), request(2, "c"), result(3, "c", "r"), message("new", ordinal=4)]
    sent = view(history, [3, 500, 1, 3], 100)
    assert [each.content for each in sent] == ["new"]


def test_the_question_stays_in_view_however_long_the_work_on_it_takes() -> None:
    work = [message("x" * 50, "agent", n) for n in range(2, 40)]
    sent = view([message("the question"), *work], [12, *[50] * len(work)], 400)
    assert sent[0].content == "the question"
    assert sent[-1].ordinal == 39


@given(st.text(max_size=200), st.integers(min_value=0, max_value=500), st.integers(min_value=-10, max_value=500))
def test_a_clamped_text_is_a_beginning(text: str, cost: int, budget: int) -> None:
    cut = clamp(text, cost, budget)
    assert text.startswith(cut)


@pytest.mark.parametrize(
    ("window", "output", "budget"), [(128_000, 16_384, 111_616), (400_000, 128_000, 380_000), (100, 4_000, 1)]
)
def test_the_budget_is_the_window_less_a_reserve_of_at_most_20k(window: int, output: int, budget: int) -> None:
    assert input_budget(window, output) == budget
