"""Forking, switching and merging as callers ask for it: finds the messages of the paths and puts the command through
the door. Reads again when a branch moved meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from models.branches import Branch, Entry, MergeStrategy, Resolution
from models.commands import Fork, Merge, SwitchBranch
from models.errors import BranchMoved, BranchNotFound, InvalidArgument, MessageNotFound
from models.messages import Message
from models.results import Edited, Forked
from services.access import Action, OnSession, Principal
from services.engine.branching import conflicts
from services.engine.context import Context
from services.engine.snapshot import SNAPSHOT_MESSAGES
from services.sessions.manager import SessionManager
from services.store.reads import MessageQuery

ResultT = TypeVar("ResultT")
TRIES = 5
PAGE = 200
MERGED_MAX = 10_000


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What a merge would do: the messages that the target's path would gain, and what both sides changed."""

    strategy: MergeStrategy
    source: str
    target: str
    messages: tuple[Message, ...]
    conflicts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """What was merged, and the session's `version` from then on."""

    plan: MergePlan
    version: int


@dataclass(frozen=True)
class Branches:
    """Raises BranchNotFound, BranchExists, MessageNotFound, MergeConflict, RunAlreadyActive, InvalidArgument."""

    sessions: SessionManager

    async def fork(
        self,
        principal: Principal,
        session_id: str,
        *,
        name: str | None = None,
        branch: str | None = None,
        message_id: str | None = None,
        position: int | None = None,
        before: bool = False,
        system_prompt: str | None = None,
        switch: bool = True,
        version: int | None = None,
    ) -> Forked:
        """A branch of `branch` that ends with a message (`before`: with the one before it), by default with the last.
        Without `branch` it is one of the active branch, or of the first that has the message."""
        await self._check(principal, "write", session_id)
        context = await self._context(session_id)
        base = context.branch if branch is None else _known(context, branch)
        if message_id is not None:
            base, position = await self._place_of(context, base, message_id, elsewhere=branch is None)
        position = base.length if position is None else position
        position = max(0, position - 1) if before else position
        fork = Fork(
            name=name or _free_name(context, base.name),
            base=base.name,
            position=position,
            system_prompt=system_prompt,
            switch=switch,
            message_ids=await self._newest(session_id, base.name, position),
        )
        return await self.sessions.handle(session_id, fork, principal, expected_version=version)

    async def switch(self, principal: Principal, session_id: str, name: str, version: int | None = None) -> Edited:
        await self._check(principal, "write", session_id)

        async def attempt() -> Edited:
            context = await self._context(session_id)
            length = _known(context, name).length
            newest = await self._newest(session_id, name, length)
            command = SwitchBranch(name, length, newest, principal.user_id)
            return await self.sessions.handle(session_id, command, principal, expected_version=version)

        return await _again_while_moving(attempt)

    async def preview(
        self, principal: Principal, session_id: str, source: str, strategy: MergeStrategy, message_ids: tuple[str, ...]
    ) -> MergePlan:
        await self._check(principal, "read", session_id)
        context = await self._context(session_id)
        return await self._plan(context, source, strategy, message_ids)

    async def merge(
        self,
        principal: Principal,
        session_id: str,
        source: str,
        strategy: MergeStrategy,
        *,
        message_ids: tuple[str, ...] = (),
        resolution: Resolution | None = None,
        name: str | None = None,
        summary: str = "",
        version: int | None = None,
    ) -> Merged:
        """Merges `source` into the active branch; the plan is what was done, its `target` the branch that is active
        then. cherry-pick takes `message_ids`, summary the text that stands for the source, rebase the `name` of the
        branch that it makes."""
        await self._check(principal, "write", session_id)

        async def attempt() -> Merged:
            context = await self._context(session_id)
            plan = await self._plan(context, source, strategy, message_ids)
            rebased = name or _free_name(context, f"{context.active_branch} on {source}")
            entries = tuple(Entry(id=message.id, ordinal=message.ordinal) for message in plan.messages)
            shown: tuple[str, ...] = ()
            if strategy == "rebase":
                before = await self._newest(session_id, source, context.branches[source].length)
                shown = (*before, *(entry.id for entry in entries))[-SNAPSHOT_MESSAGES:]
            command = Merge(
                source=source,
                strategy=strategy,
                entries=entries if strategy != "summary" else (),
                source_length=context.branches[source].length,
                length=context.branch.length,
                by=principal.user_id,
                resolution=resolution,
                name=rebased if strategy == "rebase" else None,
                message_ids=shown,
                summary_id=self.sessions.clock.new_id() if strategy == "summary" else None,
                summary=summary,
            )
            edited = await self.sessions.handle(session_id, command, principal, expected_version=version)
            return Merged(replace(plan, target=rebased) if strategy == "rebase" else plan, edited.version)

        return await _again_while_moving(attempt)

    async def _place_of(
        self, context: Context, base: Branch, message_id: str, *, elsewhere: bool
    ) -> tuple[Branch, int]:
        """The branch that has a message, and where. Raises MessageNotFound."""
        session_id = context.session_id
        if (position := await self._position(session_id, base, message_id)) is not None:
            return base, position
        if elsewhere and await self.sessions.store.reads.messages(session_id, [message_id]):
            # Whatever is on a path, some branch has it as its own: no message is looked at twice.
            for other in context.branches.values():
                position = await self._position(session_id, other, message_id, after=other.forked_at)
                if position is not None:
                    return other, position
        raise MessageNotFound("This message is not on the branch", field="messageId")

    async def _position(self, session_id: str, branch: Branch, message_id: str, after: int = 0) -> int | None:
        """Where a message stands on a branch's path behind `after`, found from its end."""
        end = branch.length
        while end > after:
            query = MessageQuery(take=PAGE, before=end + 1, branch=branch.name)
            page = await self.sessions.store.reads.page(session_id, query)
            for offset, message in enumerate(page.messages):
                if message.id == message_id:
                    return page.first_position + offset
            end = page.first_position - 1
        return None

    async def _plan(
        self, context: Context, source: str, strategy: MergeStrategy, message_ids: tuple[str, ...]
    ) -> MergePlan:
        theirs, ours = _known(context, source), context.branch
        moving, base = (ours, theirs) if strategy == "rebase" else (theirs, ours)
        if strategy == "cherry-pick":
            parted = 0
            messages = await self._picked(context.session_id, theirs, message_ids)
        else:
            parted = common_length(context, theirs, ours)
            messages = await self._own(context.session_id, moving, parted)
        # What an earlier merge brought is there: a path never has a message twice.
        there = {message.id async for message in self._path(context.session_id, base, parted)}
        gained = tuple(message for message in messages if message.id not in there and not _is_switch(message))
        return MergePlan(strategy, theirs.name, ours.name, gained, conflicts(theirs, ours))

    async def _picked(self, session_id: str, branch: Branch, message_ids: tuple[str, ...]) -> tuple[Message, ...]:
        """The messages of those ids, in that order, each once. Raises MessageNotFound for one of another path."""
        if not message_ids:
            raise InvalidArgument("cherry-pick needs messageIds", field="messageIds")
        wanted = dict.fromkeys(message_ids)
        found = {each.id: each async for each in self._path(session_id, branch, 0) if each.id in wanted}
        if len(found) != len(wanted):
            raise MessageNotFound("A message is not on the branch", field="messageIds")
        return tuple(found[message_id] for message_id in wanted)

    async def _own(self, session_id: str, branch: Branch, after: int) -> tuple[Message, ...]:
        if branch.length - after > MERGED_MAX:
            raise InvalidArgument(f"At most {MERGED_MAX} messages can be merged at once", field="source")
        return tuple([message async for message in self._path(session_id, branch, after)])

    async def _path(self, session_id: str, branch: Branch, after: int) -> AsyncIterator[Message]:
        """The branch's messages behind a position, page by page."""
        while after < branch.length:
            query = MessageQuery(take=PAGE, after=after, branch=branch.name)
            page = await self.sessions.store.reads.page(session_id, query)
            for message in page.messages[: branch.length - after]:
                yield message
            after += PAGE

    async def _newest(self, session_id: str, branch: str, length: int) -> tuple[str, ...]:
        query = MessageQuery(take=SNAPSHOT_MESSAGES, before=length + 1, branch=branch)
        page = await self.sessions.store.reads.page(session_id, query)
        return tuple(message.id for message in page.messages)

    async def _check(self, principal: Principal, action: Action, session_id: str) -> None:
        """Before anything is read for the caller; the door asks again."""
        await self.sessions.access.check(principal, action, OnSession(session_id))

    async def _context(self, session_id: str) -> Context:
        return await self.sessions.until(session_id, lambda _: True)


def _is_switch(message: Message) -> bool:
    """What happened to one branch did not happen to another."""
    return message.kind == "system_control" and message.is_record


def common_length(context: Context, one: Branch, other: Branch) -> int:
    """How many messages the two paths share: up to where the first of their ways parted."""
    upto = {name: length for name, length in _ancestry(context, one)}
    for name, length in _ancestry(context, other):
        if name in upto:
            return min(length, upto[name])
    return 0


def _ancestry(context: Context, branch: Branch) -> list[tuple[str, int]]:
    """The branch and those it came from, each with how far its path is part of this one."""
    found, at, length = [], branch, branch.length
    while True:
        found.append((at.name, length))
        if at.parent is None:
            return found
        length = min(length, at.forked_at)
        at = context.branches[at.parent]


def _known(context: Context, name: str) -> Branch:
    branch = context.branches.get(name)
    if branch is None:
        raise BranchNotFound(name=name)
    return branch


def _free_name(context: Context, stem: str) -> str:
    number = 2
    while f"{stem} {number}" in context.branches:
        number += 1
    return f"{stem} {number}"


async def _again_while_moving(attempt: Callable[[], Awaitable[ResultT]]) -> ResultT:
    for _ in range(TRIES - 1):
        try:
            return await attempt()
        except BranchMoved:
            continue
    return await attempt()
