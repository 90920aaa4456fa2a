"""Edits that are answered with the session. Never decides."""

from __future__ import annotations

from models.commands import CommandFor
from models.results import Edited
from models.session import Session
from services.access import Principal
from services.sessions.manager import SessionManager


async def edit(
    sessions: SessionManager,
    principal: Principal,
    session_id: str,
    command: CommandFor[Edited],
    version: int | None = None,
) -> Session:
    """Its version is the edit's own, also when somebody edits it before it is read: an edit that expects this version
    overwrites nothing that the caller did not see. Raises the errors of the door."""
    edited = await sessions.handle(session_id, command, principal, expected_version=version)
    session = await sessions.store.reads.session(session_id)
    return session.model_copy(update={"version": edited.version})
