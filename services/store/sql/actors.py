"""Actors in SQL: each is stored once and stands as an integer in the rows of its events."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, text

from models.actors import UNKNOWN, Actor
from services.store.journal import Append

ACTORS_KEPT = 10_000
"""Keys remembered; then all are forgotten and looked up again."""
FIND = text("SELECT key FROM actors WHERE id = :id AND name = :name AND kind = :kind AND on_behalf_of = :on_behalf_of")
INSERT = text(
    "INSERT INTO actors (id, name, kind, on_behalf_of) VALUES (:id, :name, :kind, :on_behalf_of) RETURNING key"
)

ActorKeys = dict[Actor, int | None]


class ActorIndex:
    """A key is remembered once the transaction that it was looked up in is durable: one that was handed out inside a
    transaction and rolled back with it may be given to another actor."""

    def __init__(self) -> None:
        self._kept: ActorKeys = {UNKNOWN: None}
        self._given: ActorKeys = {}

    def keys_of(self, connection: Connection, appends: Iterable[Append]) -> ActorKeys:
        """In the writer's thread. Unknown is no row: the column is empty, as it is in events that are older."""
        found: ActorKeys = {}
        last: Actor | None = None
        for append in appends:
            for event in append.events:
                if event.by is not last and event.by not in found:
                    found[event.by] = self._key_of(connection, event.by)
                last = event.by
        return found

    def keep(self, append: Append) -> None:
        """In the loop, once the append is durable. The writer begins nothing before it has told of all it did."""
        if not self._given:
            return
        if len(self._kept) >= ACTORS_KEPT:
            self._kept = {UNKNOWN: None}
        for event in append.events:
            if event.by in self._given:
                self._kept[event.by] = self._given.pop(event.by)

    def _key_of(self, connection: Connection, actor: Actor) -> int | None:
        if actor in self._kept:
            return self._kept[actor]
        values = {"id": actor.id, "name": actor.name, "kind": actor.kind, "on_behalf_of": actor.on_behalf_of or ""}
        key = connection.execute(FIND, values).scalar() or connection.execute(INSERT, values).scalar()
        self._given[actor] = key
        return key
