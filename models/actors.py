"""Who did something: the user, the agent or the server that an event is by. Decides nothing."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from pydantic import Field

from models.text import cleaned
from models.wire import Wire

ActorKind = Literal["user", "agent", "server", "unknown"]
FIELD_MAX_BYTES = 160
"""A signal carries its actor and has less than 1 KB."""
ACTORS_KEPT = 1_024
"""Few act at a time, and each command names one."""


def absent(value: object) -> bool:
    """For optional fields that don't travel when there is nothing to say."""
    return value is None


class Actor(Wire):
    """`onBehalfOf` is the id of the user who asked for the run that an agent carries out."""

    id: str
    name: str
    kind: ActorKind
    on_behalf_of: str | None = Field(default=None, exclude_if=absent)

    def __hash__(self) -> int:
        # Every delta's row asks for it, and few actors have the same id.
        return hash(self.id)

    def to_wire(self) -> dict[str, Any]:
        """By hand: every delta carries one."""
        wire: dict[str, Any] = {"id": self.id, "name": self.name, "kind": self.kind}
        if self.on_behalf_of is not None:
            wire["onBehalfOf"] = self.on_behalf_of
        return wire


UNKNOWN = Actor(id="", name="", kind="unknown")
"""Who wrote what is older than actors."""
SERVER = Actor(id="system", name="system", kind="server")
"""The server itself: it starts, takes over and gives up runs, and lets approvals expire."""


@lru_cache(maxsize=ACTORS_KEPT)
def actor_named(actor_id: str, name: str, kind: ActorKind, on_behalf_of: str | None = None) -> Actor:
    """With ids and names cut to what fits in a signal."""
    behalf = None if on_behalf_of is None else _cut(on_behalf_of)
    return Actor(id=_cut(actor_id), name=_cut(name), kind=kind, on_behalf_of=behalf)


def _cut(text: str) -> str:
    text = cleaned(text)
    encoded = text.encode()
    return text if len(encoded) <= FIELD_MAX_BYTES else encoded[:FIELD_MAX_BYTES].decode(errors="ignore")
