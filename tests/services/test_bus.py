"""Hints between the nodes of one process."""

from __future__ import annotations

import structlog
from world import settled

from models.heads import Head
from services.bus import Hint, MemoryBus


async def test_a_hint_reaches_every_other_node_and_not_the_one_that_gave_it() -> None:
    one = MemoryBus("one")
    others = [MemoryBus("two", beside=one), MemoryBus("three", beside=one)]
    heard: dict[str, list[Hint]] = {}
    for bus in (one, *others):
        bus.subscribe(heard.setdefault(bus.node, []).append)
    one.publish("s", Head("e", 3))
    assert not any(heard.values()), "nobody is called from within a commit"
    await settled()
    assert heard == {"one": [], "two": [Hint("one", "s", Head("e", 3))], "three": [Hint("one", "s", Head("e", 3))]}


async def test_hints_of_one_turn_for_a_topic_are_one() -> None:
    one = MemoryBus("one")
    two = MemoryBus("two", beside=one)
    heard: list[Hint] = []
    two.subscribe(heard.append)
    for seq in (1, 2, 3):
        one.publish("s", Head("e", seq))
    one.publish("t", Head("e", 9))
    await settled()
    one.publish("s", Head("e", 4))
    await settled()
    assert [(hint.topic, hint.head.seq) for hint in heard] == [("s", 3), ("t", 9), ("s", 4)]


async def test_a_failing_listener_harms_neither_the_others_nor_who_published() -> None:
    one = MemoryBus("one")
    two = MemoryBus("two", beside=one)
    heard: list[Hint] = []

    def fails(_hint: Hint) -> None:
        raise LookupError("a bug in a listener")

    two.subscribe(fails)
    hear_no_more = two.subscribe(heard.append)
    with structlog.testing.capture_logs() as logs:
        one.publish("s", Head("e", 1))
        await settled()
    assert [each["event"] for each in logs] == ["a listener of the bus failed"]
    hear_no_more()
    with structlog.testing.capture_logs():
        one.publish("s", Head("e", 2))
        await settled()
    assert [hint.head.seq for hint in heard] == [1]
