"""What a command that was carried out tells its caller: frozen values in the engine's own words. JSON is made of them
in hub/ and web/."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sent:
    """A message, the seq from which what the command did is in the journal, and the run that the message starts, waits
    for or steers."""

    message_id: str
    seq: int
    run_id: str | None


@dataclass(frozen=True, slots=True)
class Emitted:
    message_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Whether there was anything to cancel."""

    cancelled: bool


@dataclass(frozen=True, slots=True)
class Edited:
    """`version` is the session's from here on, and what it was before if nothing had to change."""

    version: int = field(default=0, kw_only=True)


@dataclass(frozen=True, slots=True)
class Forked(Edited):
    """The branch that was made."""

    name: str


@dataclass(frozen=True, slots=True)
class Pinned(Edited):
    """The new pin, or the one that the message had."""

    pin_id: str


Result = Sent | Emitted | Cancelled | Edited | None
"""None for a command that has nothing to tell."""
