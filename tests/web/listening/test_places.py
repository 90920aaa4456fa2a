"""Who may come, and who has to go for them."""

from __future__ import annotations

import resource

import pytest
import structlog

from services.operating.seldom import Seldom
from web.listening.places import Capacity, Places, capacity, descriptors_for


class Guest:
    def __init__(self, address: str = "a", *, well_known: bool = False) -> None:
        self.address = address
        self.well_known = well_known
        self.displaced = False

    def displace(self) -> None:
        self.displaced = True

    def look_at(self, now: float) -> None:
        raise AssertionError("nobody looks here")


def places_for(connections: int, kept: int = 2) -> Places:
    return Places(Capacity(connections, kept), Seldom(structlog.get_logger()))


def entered(places: Places, *guests: Guest) -> list[Guest]:
    for guest in guests:
        places.enter(guest)
    return list(guests)


def test_a_newcomer_displaces_whoever_waited_longest() -> None:
    places = places_for(4)
    old = entered(places, Guest("a"), Guest("b"), Guest("c"), Guest("d"))
    places.works(old[0])
    entered(places, Guest("e"))
    assert [guest.displaced for guest in old] == [False, True, False, False]
    assert (len(places), places.at_work) == (4, 1)


def test_an_address_crowds_out_itself_before_others() -> None:
    places = places_for(8)
    quiet, *crowd = entered(places, Guest("a"), *(Guest("b") for _ in range(6)))
    assert not quiet.displaced
    assert [guest.displaced for guest in crowd] == [True, True, False, False, False, False]


def test_a_trusted_proxy_is_not_taken_for_a_crowd() -> None:
    places = places_for(8)
    crowd = entered(places, *(Guest("proxy", well_known=True) for _ in range(8)))
    assert not any(guest.displaced for guest in crowd)


def test_whoever_is_served_is_never_displaced_and_fills_the_house() -> None:
    places = places_for(2)
    served = entered(places, Guest(), Guest("b"))
    for guest in served:
        places.works(guest)
    full = [places.is_full]
    places.shed_one()
    assert not any(guest.displaced for guest in served)
    places.waits(served[1])
    full.append(places.is_full)
    assert full == [True, False]
    places.shed_one()
    assert served[1].displaced
    places.leave(served[0])
    assert (len(places), places.at_work) == (0, 0)


def test_the_last_places_are_kept_for_the_known_and_the_very_last_for_probes() -> None:
    places = places_for(10, kept=4)
    served = 0
    rooms = {False: 0, True: 0}
    while not places.is_full:
        guest = Guest(str(served))
        places.enter(guest)
        places.works(guest)
        served += 1
        for known in rooms:
            if places.has_room(known=known):
                rooms[known] = served
    assert (served, rooms[True], rooms[False]) == (10, 8, 6)


@pytest.mark.parametrize(
    ("max_sockets", "descriptors", "expected"),
    [
        (10_000, 1024, Capacity(896, 56)),
        (10_000, 1_000_000, Capacity(20_128, 1258)),
        (1, 1024, Capacity(130, 8)),
        (10_000, 100, Capacity(16, 4)),
    ],
)
def test_places_come_from_what_the_process_may_open(max_sockets: int, descriptors: int, expected: Capacity) -> None:
    assert capacity(max_sockets, descriptors) == expected
    assert expected.sockets == expected.connections - expected.kept


@pytest.mark.parametrize(
    ("limits", "asked", "allowed"),
    [
        ((1024, 4096), (4096, 4096), 4096),
        ((1024, 1024), (1024, 1024), 1024),
        ((1024, 1_000_000), (20_256, 1_000_000), 20_256),
        ((1024, resource.RLIM_INFINITY), (20_256, resource.RLIM_INFINITY), 20_256),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), None, 20_256),
        ((50_000, 100_000), None, 20_256),
    ],
)
def test_the_process_asks_for_as_many_descriptors_as_it_can_use(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], asked: tuple[int, int] | None, allowed: int
) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda which, wanted: told.append(wanted))
    assert descriptors_for(10_000) == allowed
    assert told == ([] if asked is None else [asked])
