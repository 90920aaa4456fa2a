"""Pings and death on a clock that the test moves."""

from __future__ import annotations

from hub.socket import frames
from hub.socket.liveness import Liveness
from hub.socket.outbox import Outbox


def test_the_first_ping_comes_after_an_interval_or_a_share_earlier() -> None:
    assert not Liveness(0, 25, 20).is_due(24)
    assert Liveness(0, 25, 20).is_due(25)
    assert Liveness(0, 25, 20, early=0.4).is_due(15)


def test_a_client_that_was_heard_after_the_ping_lives() -> None:
    liveness, outbox = Liveness(0, 25, 20), Outbox()
    liveness.pinged(25)
    liveness.heard()
    assert not liveness.is_dead(60, outbox, busy=False)
    assert liveness.is_due(50)


def test_a_client_that_is_silent_for_the_timeout_is_dead_however_often_it_is_pinged() -> None:
    liveness, outbox = Liveness(0, 5, 20), Outbox()
    for now in (5, 10, 15, 20, 25):
        liveness.pinged(now)
        assert not liveness.is_dead(now, outbox, busy=False)
    assert liveness.is_dead(26, outbox, busy=False)


def test_a_ping_that_a_sweep_sends_late_counts_from_when_it_was_due_unless_the_server_stood_still() -> None:
    for late, dead_after in ((0.9, 45), (1.1, 46.1)):
        liveness, outbox = Liveness(0, 25, 20), Outbox()
        liveness.pinged(25 + late)
        assert not liveness.is_dead(dead_after, outbox, busy=False)
        assert liveness.is_dead(dead_after + 0.1, outbox, busy=False)


def test_a_client_whose_call_is_being_handled_is_not_silent() -> None:
    liveness, outbox = Liveness(0, 25, 20), Outbox()
    liveness.pinged(25)
    assert not liveness.is_dead(100, outbox, busy=True)
    liveness.excuse(101)
    assert not liveness.is_dead(121, outbox, busy=False)
    assert liveness.is_dead(122, outbox, busy=False)


async def test_a_client_that_keeps_taking_its_backlog_is_not_silent_and_one_that_takes_nothing_is() -> None:
    liveness, outbox = Liveness(0, 25, 20), Outbox()
    outbox.put(frames.PING)
    liveness.pinged(25)
    assert not liveness.is_dead(26, outbox, busy=False)
    await outbox.poll()
    outbox.put(frames.PING)
    assert not liveness.is_dead(46, outbox, busy=False)
    liveness.pinged(50)
    assert liveness.is_dead(71, outbox, busy=False)
