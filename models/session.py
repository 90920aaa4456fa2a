"""Sessions and projects as they travel."""

from __future__ import annotations

from models.states import SessionState
from models.wire import Wire

TITLE_MAX_CHARS = 200


class Session(Wire):
    """`messageCount` counts the active branch; `head` is the last sequence number of the journal; `version` moves
    with every edit (title, mode, model, branches, prompts, pins, plan, grants, archiving), not with messages. In an
    `archived` one nothing can be said; a `waiting` one is RUNNING and stands still until the user answers."""

    id: str
    project_id: str
    project_name: str
    title: str
    state: SessionState
    created_at_utc: str
    updated_at_utc: str
    completed_at_utc: str | None = None
    message_count: int = 0
    head: int = 0
    version: int = 1
    archived: bool = False
    waiting: bool = False


Visible = frozenset[str] | None
"""The ids of the projects that somebody may see; None stands for all of them."""


class Project(Wire):
    id: str
    name: str
    current_session_id: str | None = None
    created_at_utc: str
    version: int = 1
