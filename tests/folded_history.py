"""One session's events as commands make them, and the snapshot that the server would give after each. No journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness import Json

from models.actors import SERVER, Actor
from models.branches import Entry
from models.commands import (
    AbandonRun,
    Command,
    ExpireApprovals,
    Fork,
    Merge,
    RunCommand,
    StartRun,
    SwitchBranch,
    TakeOverRun,
)
from models.events import BranchCreated, BranchMerged, Event, EventBody, MessageCreated
from models.ids import EpochMs
from models.messages import Message
from services.engine.apply import apply
from services.engine.context import MAIN_BRANCH, Context
from services.engine.decide import decide
from services.engine.snapshot import SNAPSHOT_MESSAGES, snapshot_of

T0 = 1_795_000_000_000
ANN = Actor(id="ann", name="Ann", kind="user")
SESSION = "01a1f850-0000-7000-8000-000000000001"


class History:
    """One session's events, and the snapshot that the server would give after each."""

    def __init__(self) -> None:
        self.now = T0
        self.by = ANN
        self.context: Context | None = None
        self.events: list[Event] = []
        self.messages: dict[str, Message] = {}
        self.paths: dict[str, list[str]] = {MAIN_BRANCH: []}
        self.snapshots: list[Json] = []

    def do(self, command: Command) -> None:
        """Raises what the engine raises; the history is then as before."""
        self.now += 137
        self.by = self._actor(command)
        self.happen(*decide(SESSION, self.context, self._informed(command), EpochMs(self.now)).events)

    def happen(self, *bodies: EventBody) -> None:
        for body in bodies:
            self._add(body)

    def mark(self) -> int:
        """The head, to take the old snapshot from."""
        return len(self.events)

    def scenario(self, name: str, since: int) -> Json:
        return {
            "name": name,
            "snapshot": self.snapshots[since - 1],
            "events": [event.to_wire() for event in self.events[since:]],
            "expected": self.snapshots[-1],
        }

    def _add(self, body: EventBody) -> None:
        event = Event(SESSION, "epoch-1", len(self.events) + 1, EpochMs(self.now), body, self.by)
        self.context = apply(self.context, event)
        self.events.append(event)
        message = getattr(body, "message", None)
        if isinstance(message, Message):
            self.messages[message.id] = message
        self._follow(body)
        newest = [self.messages[each] for each in self.paths[self.context.active_branch][-SNAPSHOT_MESSAGES:]]
        self.snapshots.append(snapshot_of(self.context, "Inbox", newest).to_wire())

    def _actor(self, command: Command) -> Actor:
        if isinstance(command, StartRun | TakeOverRun | AbandonRun | ExpireApprovals):
            return SERVER
        run = self.context.run if self.context is not None else None
        return run.actor if run is not None and isinstance(command, RunCommand) else ANN

    def _follow(self, body: EventBody) -> None:
        """What the event adds to which path."""
        assert self.context is not None
        match body:
            case MessageCreated():
                self.paths[self.context.active_branch].append(body.message.id)
            case BranchCreated():
                self.paths[body.branch.name] = self.paths[body.branch.parent or MAIN_BRANCH][: body.branch.forked_at]
            case BranchMerged():
                self.paths[body.branch.name].extend(entry.id for entry in body.messages)
            case _:
                pass

    def _informed(self, command: Command) -> Command:
        """With what the command's caller reads from the pool: entries that exist, and the newest of a path."""
        match command:
            case Fork(base=base) if base in self.paths:
                return replace(command, message_ids=_newest(self.paths[base][: command.position]))
            case SwitchBranch(name=name) if name in self.paths:
                return replace(command, message_ids=_newest(self.paths[name]))
            case Merge(source=source) if source in self.paths:
                known = list(self.messages.values())
                ordinals = {entry.ordinal for entry in command.entries}
                entries = tuple(Entry(id=each.id, ordinal=each.ordinal) for each in known if each.ordinal in ordinals)
                path = [*self.paths[source], *(entry.id for entry in entries)]
                return replace(command, entries=entries, message_ids=_newest(path))
            case _:
                return command


def _newest(path: Sequence[str]) -> tuple[str, ...]:
    return tuple(path[-SNAPSHOT_MESSAGES:])
