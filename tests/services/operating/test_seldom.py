"""Lines about conditions: the first at once, then one a minute."""

from __future__ import annotations

import logging

import structlog
from structlog.testing import capture_logs

from services.operating.seldom import Seldom


def test_a_condition_is_told_once_a_minute_and_then_how_often_it_was_not() -> None:
    now = [0.0]
    with capture_logs() as lines:
        seldom = Seldom(structlog.get_logger(), clock=lambda: now[0])
        for now[0] in (0.0, 1.0, 59.9):
            seldom.say(logging.WARNING, "short", at=now[0])
            seldom.say(logging.INFO, "slow", at=now[0])
        now[0] = 60.0
        seldom.say(logging.WARNING, "short", at=now[0])
        now[0] = 120.0
        seldom.say(logging.WARNING, "short", at=now[0])
    assert lines == [
        {"event": "short", "log_level": "warning", "at": 0.0},
        {"event": "slow", "log_level": "info", "at": 0.0},
        {"event": "short", "log_level": "warning", "at": 60.0, "unsaid": 2},
        {"event": "short", "log_level": "warning", "at": 120.0},
    ]
