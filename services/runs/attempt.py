"""One attempt of a run: the agent at work in a task, from its first step to the run's end in the journal."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import structlog

from models.errors import (
    Fenced,
    IllegalTransition,
    ParleyError,
    SessionNotFound,
    StorageUnavailable,
    TurnTooLong,
)
from services.runs.agents import Agents
from services.runs.context import RunContext

log = structlog.get_logger(__name__)


class Attempt:
    """`over` is called when the task is. `interrupted` says then that it came to no end though nobody wanted that:
    somebody has to go on."""

    def __init__(self, context: RunContext, agents: Agents, over: Callable[[Attempt], None]) -> None:
        self.run = context.run
        self.interrupted = False
        self._finishing = False
        self._context = context
        self._agents = agents
        self.task = asyncio.get_running_loop().create_task(self._work(), name=f"run {self.run.id}")
        self.task.add_done_callback(lambda _: over(self))

    def lose(self) -> None:
        """The run was ended, or is somebody else's: the task has nothing left to say. One that has just written the
        end itself is let out."""
        if not self._finishing:
            self.task.cancel()

    async def _work(self) -> None:
        run = self.run
        logger = log.bind(session=run.session_id, run=run.id, attempt=run.attempt, agent=run.agent)
        logger.info("run started")
        try:
            with self._context.trace() as failed:
                error = await self._run_to_its_end()
                # What follows the code may be a user's words, or a tool's: it is for the session alone.
                code = error.partition(":")[0] if error is not None else None
                if code is not None:
                    failed(code)
            logger.info("run ended", error=code)
        except (Fenced, SessionNotFound):
            logger.info("run lost its session")
        except ParleyError as failure:
            logger.warning("run interrupted", reason=failure.message)
            self.interrupted = True
        except asyncio.CancelledError:
            logger.info("run stopped")

    async def _run_to_its_end(self) -> str | None:
        """Lets the agent work until it has seen all that steers it. Returns why the run failed, None when it
        completed."""
        while True:
            self._context.mark_seen()
            error = await self._run_agent()
            self._finishing = True
            try:
                await self._context.finish(error)
                return error
            except IllegalTransition as refused:
                if "unseen" not in refused.details:
                    raise
            finally:
                self._finishing = False

    async def _run_agent(self) -> str | None:
        try:
            context = self._context
            if context.time.limited:
                await context.turn()
            await context.time.bound(self._agents.resolve(self.run.agent).run(context), context.turn)
            return None
        except (Fenced, StorageUnavailable):
            raise
        except TurnTooLong as error:
            await self._context.leave_trace(error)
            return f"{error.code}: {error.message}"
        except ParleyError as error:
            return f"{error.code}: {error.message}"
        except Exception as error:
            # A fault of ours, or of the program that somebody runs as an agent.
            level = logging.ERROR if self._agents.is_ours(self.run.agent) else logging.WARNING
            log.log(level, "agent failed", session=self.run.session_id, run=self.run.id, exc_info=error)
            return f"internal_error: the agent failed ({type(error).__name__})"
