"""The fence: only the attempt that holds the session may write for a run (I4)."""

from __future__ import annotations

from models.commands import AbandonRun, RunFence, TakeOverRun
from models.errors import Fenced
from models.runs import Run
from services.engine.context import Context


def check_fence(context: Context, fence: RunFence | TakeOverRun | AbandonRun) -> Run:
    """Raises Fenced unless this attempt is the one that holds the session."""
    run = context.run
    if run is None or run.id != fence.run_id or run.attempt != fence.attempt:
        raise Fenced()
    return run
