"""Accepts connections: no more than there are places for, and none while descriptors are short. Never reads a byte.

asyncio's own loop of accepting logs a traceback for each connection that it can't accept, and knows no limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable

import structlog

from services.operating.seldom import Seldom
from web.listening.places import Places

log = structlog.get_logger(__name__)

BACKLOG = 1024
"""Connections that the kernel holds for us while we do not accept."""
ACCEPT_AT_ONCE = 32
"""So many have no place yet and as many no descriptor back: fewer, together, than are reserved."""
PAUSE_S = 0.1
NOT_HERE = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
"""The name has addresses of a kind that this machine does not have."""
NEVER_MIND = (BlockingIOError, InterruptedError, ConnectionAbortedError)


class Listener:
    """`make` gives the protocol of a new connection, which then enters `places`."""

    def __init__(self, make: Callable[[], asyncio.Protocol] | None, places: Places) -> None:
        if make is None:
            raise RuntimeError("the runner is not set up")
        self._make = make
        self._places = places
        self._seldom = Seldom(log)
        self._listening: list[socket.socket] = []
        self._paused: dict[socket.socket, asyncio.TimerHandle] = {}
        self._welcomes: set[asyncio.Task[None]] = set()

    @property
    def addresses(self) -> list[object]:
        return [each.getsockname() for each in self._listening]

    async def start(self, host: str, port: int) -> None:
        """Raises OSError when the address can't be listened on."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self._listening = _bind([(family, address) for family, _, _, _, address in found])
        for each in self._listening:
            loop.add_reader(each, self._accept, each)

    async def close(self) -> None:
        """Accepts nothing more; who is connected stays."""
        for timer in self._paused.values():
            timer.cancel()
        self._paused.clear()
        for each in self._listening:
            asyncio.get_running_loop().remove_reader(each)
            each.close()
        self._listening = []
        await asyncio.gather(*self._welcomes, return_exceptions=True)

    def _accept(self, listening: socket.socket) -> None:
        while len(self._welcomes) < ACCEPT_AT_ONCE:
            if self._places.is_full:
                self._seldom.say(logging.WARNING, "connections wait: all places are taken", open=len(self._places))
                self._pause(listening)
                return
            try:
                accepted, _ = listening.accept()
            except NEVER_MIND:
                return
            except OSError as error:
                # Of descriptors (EMFILE, ENFILE) or memory; a place given back comes free with the loop's next turn.
                self._seldom.say(
                    logging.WARNING, "connections wait: out of resources", reason=str(error), open=len(self._places)
                )
                self._places.shed_one()
                self._pause(listening)
                return
            self._welcome(accepted)

    def _welcome(self, accepted: socket.socket) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(accepted))
        self._welcomes.add(task)
        task.add_done_callback(self._welcomes.discard)

    async def _serve(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._make, accepted)
        except OSError:
            accepted.close()

    def _pause(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)
        self._paused[listening] = loop.call_later(PAUSE_S, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        del self._paused[listening]
        asyncio.get_running_loop().add_reader(listening, self._accept, listening)


def _bind(wanted: list[tuple[int, tuple[object, ...]]]) -> list[socket.socket]:
    bound: list[socket.socket] = []
    missing: OSError | None = None
    with contextlib.ExitStack() as undo:
        for family, address in dict.fromkeys(wanted):
            try:
                each = socket.create_server(address, family=family, backlog=BACKLOG)
            except OSError as error:
                if error.errno not in NOT_HERE:
                    raise
                missing = error
                continue
            undo.callback(each.close)
            each.setblocking(False)
            bound.append(each)
        if not bound and missing is not None:
            raise missing
        undo.pop_all()
    return bound
