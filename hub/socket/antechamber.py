"""Sessions that have not said who they are: few at once, fewer of one address, and the newest stay. Never ends one."""

from __future__ import annotations

from typing import Generic, TypeVar

Session = TypeVar("Session")


class Antechamber(Generic[Session]):
    """They take nobody's place: whoever has a token needs a moment here and goes on, whoever floods it crowds out
    itself. There are `allowance` at most, and `share` of one address."""

    def __init__(self, allowance: int, share: int) -> None:
        self._allowance = allowance
        self._share = share
        self._waiting: dict[Session, str] = {}
        self._by_address: dict[str, dict[Session, None]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, session: Session, address: str) -> Session | None:
        """The session that has to go for it, if one has to; it has left already."""
        self._waiting[session] = address
        neighbours = self._by_address.setdefault(address, {})
        neighbours[session] = None
        if len(neighbours) > self._share:
            crowded_out = next(iter(neighbours))
        elif len(self._waiting) > self._allowance:
            crowded_out = next(iter(self._waiting))
        else:
            return None
        self.leave(crowded_out)
        return crowded_out

    def leave(self, session: Session) -> None:
        """Also for one that is not there (any more)."""
        address = self._waiting.pop(session, None)
        if address is None:
            return
        neighbours = self._by_address[address]
        del neighbours[session]
        if not neighbours:
            del self._by_address[address]
