"""Which level something that went wrong is logged at: ERROR is kept for faults of Parley's own. Never raises."""

from __future__ import annotations

from typing import Any

import structlog

from models.errors import ParleyError


def report(log: structlog.typing.FilteringBoundLogger, event: str, error: BaseException, **fields: Any) -> None:
    """A condition that has a name (the disk is full, a session is gone) is a warning that says which; anything else is
    an error, with its traceback."""
    if isinstance(error, ParleyError):
        log.warning(event, code=error.code, reason=error.message, **fields)
    else:
        log.error(event, exc_info=error, **fields)
