"""Every method of the nouns that callers use asks whether the caller may, before anything else."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from world import Workshop, no_sleep, workshop

from models.calls import ApprovalAnswer, CreateSessionBody, Outgoing, parse
from models.clock import SYSTEM_CLOCK
from models.errors import Forbidden
from services.access import Principal
from services.chat import Chat
from services.context_editor import ContextEditor
from services.library import Library
from services.llm.registry import Providers
from services.llm.scripted import ScriptedProvider
from services.organizer import Organizer
from services.search.query import SearchQuery
from services.sessions.branches import Branches
from services.store.lists import SessionQuery
from services.store.reads import MessageQuery
from services.users import Users

GUEST = Principal("eve", "Eve", "guest")  # type: ignore[arg-type]  # a kind that may do nothing
NOUNS: tuple[type, ...] = (Library, Chat, Organizer, ContextEditor, Branches)
ASKS_NOBODY = {
    "Organizer.purge_expired": "is the server's own housekeeping",
}
METHODS = {
    f"{noun.__name__}.{name}": (noun, name)
    for noun in NOUNS
    for name, method in inspect.getmembers(noun, inspect.iscoroutinefunction)
    if not name.startswith("_")
}
GIVEN: dict[str, Any] = {
    "ids": ["m"],
    "message_id": "m",
    "after": 0,
    "message": parse(Outgoing, {"content": "hello"}),
    "name": "x",
    "given": {},
    "answer": parse(ApprovalAnswer, {"approvalId": "a", "decision": "approve"}),
    "tool": "t",
    "wanted": CreateSessionBody(),
    "title": "t",
    "version": None,
    "mode": "plan",
    "model": "demo",
    "branch": "main",
    "prompt": None,
    "text": "t",
    "pin_id": "p",
    "items": (),
    "source": "main",
    "strategy": "append",
    "message_ids": (),
}


def made(noun: type, shop: Workshop) -> Any:
    sessions = shop.room.sessions
    providers = Providers(SYSTEM_CLOCK, scripted=ScriptedProvider(sleep=no_sleep))
    if noun is Chat:
        return Chat(sessions, providers, shop.agents)
    if noun is Organizer:
        return Organizer(sessions, providers, Users(sessions.store.user_states), "demo")
    return ContextEditor(sessions, providers) if noun is ContextEditor else noun(sessions)


@pytest.mark.parametrize("method", METHODS)
async def test_a_caller_who_may_nothing_is_refused_by_every_method(method: str) -> None:
    if method in ASKS_NOBODY:
        return
    noun, name = METHODS[method]
    async with workshop() as shop:
        session_id = await shop.room.create()
        context = shop.room.state(session_id)
        query = {"page": MessageQuery(), "search": SearchQuery("word"), "list_sessions": SessionQuery()}.get(name)
        given = {
            **GIVEN,
            "session_id": session_id,
            "project_id": context.project_id,
            "context": context,
            "query": query,
        }
        call = getattr(made(noun, shop), name)
        needed = [each for each, at in inspect.signature(call).parameters.items() if at.default is inspect._empty]
        assert needed[0] == "principal", "the caller comes first"
        with pytest.raises(Forbidden):
            await call(GUEST, **{each: given[each] for each in needed[1:]})
        assert shop.room.state(session_id) == context


def test_every_exception_is_a_method() -> None:
    assert set(ASKS_NOBODY) <= set(METHODS)


def test_the_hub_and_rest_read_through_the_nouns_alone() -> None:
    """What reads the store itself asks nobody."""
    root = Path(__file__).parents[2]
    files = [*(root / "hub").rglob("*.py"), *(root / "web" / "rest").rglob("*.py")]
    assert files
    found = [
        f"{file.name}: {line.strip()}"
        for file in files
        for line in file.read_text().splitlines()
        if re.search(r"\.(store\.)?(reads|journal|leases)\.\w+\(|\.store\.(search|projects|user_states)\b", line)
    ]
    assert found == []
