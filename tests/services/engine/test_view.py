"""I9: the view sent to a model always fits its window. Taken out for the check: `left -= cost` in view()."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.messages import Message, Role, message_type_of
from services.engine.view import MESSAGE_OVERHEAD_TOKENS, clamp, input_budget, view


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
    spoken = [each.content for each in history]
    assert [each.content for each in sent[1:]] == (spoken[-len(sent) :][1:] if sent else [])
    if spoken:
        assert spoken[-1].startswith(sent[-1].content)


@given(st.text(max_size=200), st.integers(min_value=0, max_value=500), st.integers(min_value=-10, max_value=500))
def test_a_clamped_text_is_a_beginning(text: str, cost: int, budget: int) -> None:
    cut = clamp(text, cost, budget)
    assert text.startswith(cut)


@pytest.mark.parametrize(
    ("window", "output", "budget"), [(128_000, 16_384, 111_616), (400_000, 128_000, 380_000), (100, 4_000, 1)]
)
def test_the_budget_is_the_window_less_a_reserve_of_at_most_20k(window: int, output: int, budget: int) -> None:
    assert input_budget(window, output) == budget
