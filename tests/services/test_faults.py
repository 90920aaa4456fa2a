"""ERROR is for faults of our own."""

from __future__ import annotations

import structlog

from models.errors import StorageUnavailable
from services.faults import report

log = structlog.get_logger(__name__)


def test_a_condition_with_a_name_is_a_warning_and_anything_else_an_error_with_its_traceback() -> None:
    fault = KeyError("x")
    with structlog.testing.capture_logs() as logs:
        report(log, "stuck", StorageUnavailable("The disk is full"), session="s")
        report(log, "stuck", fault, session="s")
    code = StorageUnavailable.code
    assert logs == [
        {"event": "stuck", "log_level": "warning", "code": code, "reason": "The disk is full", "session": "s"},
        {"event": "stuck", "log_level": "error", "exc_info": fault, "session": "s"},
    ]
