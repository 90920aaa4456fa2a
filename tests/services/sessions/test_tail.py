"""The tail: the newest events of a session, bounded, without holes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from world import T0

from models.events import Event, MessageCreated, MessageDelta, SessionRenamed
from models.messages import Message
from services.sessions.tail import KEPT_CHARS, KEPT_EVENTS, Tail


def renamed(seq: int) -> Event:
    return Event("s", "e", seq, T0, SessionRenamed(title="t", version=1))


def delta(seq: int, chars: int) -> Event:
    return Event("s", "e", seq, T0, MessageDelta(message_id="m", sequence=1, delta="x" * chars))


def test_an_empty_tail_reaches_nowhere() -> None:
    assert Tail().since(0) is None


def test_it_gives_what_comes_after_a_position() -> None:
    tail = Tail()
    tail.extend(renamed(seq) for seq in range(5, 11))
    assert tail.since(3) is None
    for after in range(4, 10):
        events = tail.since(after)
        assert events is not None
        assert [event.seq for event in events] == list(range(after + 1, 11))
    assert tail.since(10) == ()
    assert tail.since(99) == ()


def test_it_keeps_a_bounded_number_of_events() -> None:
    tail = Tail()
    tail.extend(renamed(seq) for seq in range(1, KEPT_EVENTS + 101))
    assert tail.since(99) is None
    events = tail.since(100)
    assert events is not None
    assert len(events) == KEPT_EVENTS


def test_it_keeps_a_bounded_amount_of_text() -> None:
    tail = Tail()
    for seq in range(1, 101):
        tail.extend([delta(seq, 10_000)])
    kept = KEPT_CHARS // 10_000
    assert tail.since(100 - kept - 1) is None
    events = tail.since(100 - kept)
    assert events is not None
    assert len(events) == kept


def test_an_event_larger_than_all_that_is_kept_leaves_nothing_behind() -> None:
    tail = Tail()
    tail.extend([renamed(1)])
    large = Message(
        id="m",
        ordinal=1,
        role="user",
        content="x" * (KEPT_CHARS + 1),
        message_type="text",
        kind="text",
        created_at_utc="2026-11-20T09:00:00.000Z",
        author="ann",
    )
    tail.extend([Event("s", "e", 2, T0, MessageCreated(message=large))])
    assert tail.since(1) is None
    tail.extend([renamed(3)])
    assert tail.since(1) is None
    events = tail.since(2)
    assert events is not None
    assert [event.seq for event in events] == [3]


def test_a_hole_makes_it_begin_anew() -> None:
    tail = Tail()
    tail.extend([renamed(1), renamed(2)])
    tail.extend([renamed(5)])
    assert tail.since(2) is None
    assert tail.since(4) == (renamed(5),)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 60_000)), max_size=60), st.integers(0, 200))
def test_what_it_gives_is_always_complete(steps: list[tuple[int, int]], after: int) -> None:
    tail, seq = Tail(), 0
    for gap, chars in steps:
        seq += gap
        tail.extend([delta(seq, chars)])
    events = tail.since(after)
    if events is not None:
        assert [event.seq for event in events] == list(range(after + 1, seq + 1))
