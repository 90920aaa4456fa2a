"""The active branch as one run looks back on it: the newest message first, page by page, as far as somebody asks. Holds
nothing and chooses nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from models.messages import Message
from models.runs import Run
from services.engine.context import Context
from services.store.reads import MessageQuery, Reads

PAGE = 100


@dataclass(frozen=True, slots=True)
class PastMessage:
    """A message, whole unless it is waiting, and where it stands on the branch, from 1; None where it was taken out of
    its place. `waiting`: it waits for a run of its own, this one must not answer it. `size_bytes` of a large one."""

    message: Message
    position: int | None
    waiting: bool = False
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class History:
    """As of `context`: what comes later is not read. `run` None looks at it from outside."""

    reads: Reads
    context: Context
    run: Run | None = None

    async def newest_first(self) -> AsyncGenerator[PastMessage, None]:
        """What this run was asked and did comes first: a question that waited its turn lies in the journal before the
        answers of the run that was at work then, and behind them it is understood. Records are left out: they are no
        part of the talk. Close it where you stop early."""
        run, waiting = self.run, self._waiting()
        asked = run is None
        async for position, message in self._back():
            if message.is_record:
                continue
            if message.id in waiting:
                yield PastMessage(message, position, waiting=True)
                continue
            if run is not None and message.id == run.message_id:
                if asked and message.run_id == run.id:
                    continue
                asked = True
            elif run is not None and not asked and message.run_id != run.id:
                asked = True
                question = await self.question()
                if question is not None and question.run_id == run.id:
                    yield PastMessage(question, None)
            yield PastMessage(await self._whole(message), position, size_bytes=message.size or 0)

    async def question(self) -> Message | None:
        """The message that started the run, wherever it lies."""
        if self.run is None:
            return None
        found = await self.reads.messages(self.context.session_id, [self.run.message_id])
        return found[0] if found else None

    def _waiting(self) -> frozenset[str]:
        own = self.run.id if self.run is not None else None
        return frozenset(run.message_id for run in self.context.queue if run.id != own)

    async def _back(self) -> AsyncGenerator[tuple[int, Message], None]:
        branch, before = self.context.branch, self.context.branch.length + 1
        while before > 1:
            query = MessageQuery(take=PAGE, before=before, branch=branch.name)
            page = await self.reads.page(self.context.session_id, query)
            if not page.messages:
                return
            for offset in range(len(page.messages) - 1, -1, -1):
                yield page.first_position + offset, page.messages[offset]
            before = page.first_position

    async def _whole(self, message: Message) -> Message:
        """A page has the headers alone of what is large. One at a time, so that no more than one is held."""
        if not message.truncated:
            return message
        found = await self.reads.messages(self.context.session_id, [message.id])
        return found[0] if found else message
