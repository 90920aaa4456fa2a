"""How many connections there may be, and which of them has to go when one too many comes. Never touches a socket."""

from __future__ import annotations

import logging
import resource
from dataclasses import dataclass
from typing import Protocol

from hub.socket.proxies import crowd_of
from services.operating.seldom import Seldom

RESERVED_DESCRIPTORS = 128
"""Kept for the database, tools, model endpoints, and the connections that are accepted in one go."""
FEWEST_CONNECTIONS = 16
FEWEST_KEPT = 4
KEPT_PART = 16
"""One place in so many is kept."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """`connections` at once. The last `kept` of them are for clients with a token and for the socket, which asks for it
    itself; the last half of these for probes alone."""

    connections: int
    kept: int

    @property
    def sockets(self) -> int:
        """How many of the connections may become sockets."""
        return self.connections - self.kept


def capacity(max_sockets: int, descriptors: int) -> Capacity:
    """What the process may open, or twice what its sockets need: a client that polls has two connections."""
    most = min(descriptors - RESERVED_DESCRIPTORS, _wanted(max_sockets))
    connections = max(FEWEST_CONNECTIONS, most)
    return Capacity(connections, max(FEWEST_KEPT, connections // KEPT_PART))


def descriptors_for(max_sockets: int) -> int:
    """How many the process may open, after it has asked for as many as `capacity` can use."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _wanted(max_sockets) + RESERVED_DESCRIPTORS
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed


def _wanted(max_sockets: int) -> int:
    return 2 * max_sockets + RESERVED_DESCRIPTORS


class Guest(Protocol):
    """A connection. `well_known` ones, of a trusted proxy, stand for many clients. What it says of itself may change
    while it works."""

    address: str
    well_known: bool

    def displace(self) -> None:
        """Close without a word."""
        ...

    def look_at(self, now: float) -> None:
        """Close if its time is over."""
        ...


class Places:
    """All connections of a server. A guest waits as long as we wait for something of it: a first head, the rest of a
    body, the next request. Who comes displaces who waited longest, so that the newcomer always has its chance."""

    def __init__(self, capacity: Capacity, seldom: Seldom) -> None:
        self.capacity = capacity
        self._seldom = seldom
        self._open: dict[Guest, None] = {}
        self._waiting: dict[Guest, str] = {}
        self._by_address: dict[str, dict[Guest, None]] = {}
        self._share = capacity.connections // 2

    def __len__(self) -> int:
        return len(self._open)

    @property
    def guests(self) -> list[Guest]:
        return list(self._open)

    @property
    def at_work(self) -> int:
        return len(self._open) - len(self._waiting)

    @property
    def is_full(self) -> bool:
        """No place is free and nobody can be displaced."""
        return len(self._open) >= self.capacity.connections and not self._waiting

    def enter(self, guest: Guest) -> None:
        self._open[guest] = None
        self.waits(guest)
        if len(self._open) > self.capacity.connections:
            self._displace(next(iter(self._waiting)))

    def leave(self, guest: Guest) -> None:
        self._open.pop(guest, None)
        self.works(guest)

    def waits(self, guest: Guest) -> None:
        if guest not in self._open or guest in self._waiting:
            return
        crowd = self._waiting[guest] = crowd_of(guest.address)
        neighbours = self._by_address.setdefault(crowd, {})
        neighbours[guest] = None
        if len(neighbours) > self._share and not guest.well_known:
            self._displace(next(iter(neighbours)))

    def works(self, guest: Guest) -> None:
        if guest not in self._waiting:
            return
        crowd = self._waiting.pop(guest)
        neighbours = self._by_address[crowd]
        del neighbours[guest]
        if not neighbours:
            del self._by_address[crowd]

    def shed_one(self) -> None:
        """Gives one descriptor back, if anybody waits."""
        if self._waiting:
            self._displace(next(iter(self._waiting)))

    def has_room(self, *, known: bool) -> bool:
        """Whether a request that is no probe may be handled beside those that are. `known` callers have a token, or ask
        for the socket."""
        kept = self.capacity.kept // 2 if known else self.capacity.kept
        return self.at_work <= self.capacity.connections - kept

    def _displace(self, guest: Guest) -> None:
        self._seldom.say(
            logging.WARNING, "connections displaced", peer=guest.address, open=len(self), most=self.capacity.connections
        )
        self.leave(guest)
        guest.displace()
