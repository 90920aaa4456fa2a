"""The journal as a plain SELECT sees it: what every client's list is compared with. Never uses the server's readers."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from server_process import read_only

from hub.client import SessionView
from models.events import BY_CODE, BranchBody, MessageDelta
from models.messages import Message

Entry = tuple[int, str, dict[str, Any]]
"""(seq, type, data)"""

EVENTS = """
    SELECT e.seq, e.code, e.at, e.sequence, e.data, m.id, m.content
    FROM events e JOIN sessions s ON s.key = e.session
    LEFT JOIN messages m ON m.session = e.session AND m.ordinal = e.message
    WHERE s.id = ? ORDER BY e.seq
"""
STATE = "SELECT c.state FROM contexts c JOIN sessions s ON s.key = c.session WHERE s.id = ?"
SESSION_STATE = "SELECT state FROM sessions WHERE id = ?"
Row = tuple[int, int, int, int | None, str, str | None, str | None]


def entries(database: Path, session_id: str) -> list[Entry]:
    return [_entry(row) for row in _rows(database, session_id)]


def seen_by(view: SessionView) -> list[Entry]:
    """Everything that was applied since the view's snapshot; its client was made with `keep_events`."""
    return [(event["seq"], event["type"], event["data"]) for event in view.events]


def resumed_or_ended_at_ms(database: Path, session_id: str, after: int) -> int | None:
    """When the first run after a position was taken up again or ended; None when neither happened."""
    for row in _rows(database, session_id):
        if row[0] > after and BY_CODE[row[1]].type in ("run.started", "run.finished"):
            return row[2]
    return None


def is_in_mid_stream(database: Path, session_id: str) -> bool:
    with closing(read_only(database)) as db:
        (state,) = db.execute(STATE, (session_id,)).fetchone()
    return bool(json.loads(state)["name"] == "streaming_response")


def session_state(database: Path, session_id: str) -> str:
    with closing(read_only(database)) as db:
        return str(db.execute(SESSION_STATE, (session_id,)).fetchone()[0])


def _rows(database: Path, session_id: str) -> list[Row]:
    with closing(read_only(database)) as db:
        try:
            return db.execute(EVENTS, (session_id,)).fetchall()
        except sqlite3.OperationalError as error:
            raise AssertionError(f"the journal can't be read: {error}") from error


def _entry(row: Row) -> Entry:
    """A delta's row is its bare text; a message's text is stored once, with the message."""
    seq, code, _, sequence, data, message_id, content = row
    kind = BY_CODE[code].type
    if code == MessageDelta.code:
        return seq, kind, {"messageId": message_id, "sequence": sequence, "delta": data}
    body: dict[str, Any] = json.loads(data)
    if issubclass(BY_CODE[code], BranchBody):
        return seq, kind, BY_CODE[code].model_validate(body).to_wire()
    message = body.get("message")
    if message is None or message["status"] == "streaming":
        return seq, kind, body
    assert sequence is None, "an event too large to travel; none of these tests should make one"
    whole = Message.model_validate(message).with_body(content or "")
    return seq, kind, {**body, "message": whole.to_wire()}
