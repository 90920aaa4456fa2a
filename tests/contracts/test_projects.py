"""The contract of projects: every backend passes all of it."""

from __future__ import annotations

import asyncio

import journal_store
import pytest
from journal_store import Store
from world import commit, create, decided

from models.commands import DeleteSession
from models.errors import Conflict, ProjectNotFound, SessionNotFound, VersionMismatch
from services.store.projects import INBOX

store = journal_store.store


async def test_the_inbox_exists_from_the_start_and_only_once(store: Store) -> None:
    projects = store.projects
    found = await asyncio.gather(*(projects.inbox() for _ in range(10)))
    assert len({project.id for project in found}) == 1
    assert found[0].name == INBOX
    assert await projects.all() == (found[0],)


async def test_projects_are_listed_in_the_order_of_creation(store: Store) -> None:
    projects = store.projects
    inbox = await projects.inbox()
    made = [await projects.create(name) for name in ("B", "A", "B", "日本語")]
    assert await projects.all() == (inbox, *made)
    assert await projects.get(made[3].id) == made[3]
    assert (made[0].version, made[0].current_session_id) == (1, None)


async def test_edits_move_the_version(store: Store) -> None:
    projects = store.projects
    project = await projects.create("A")
    renamed = await projects.rename(project.id, "B")
    assert (renamed.name, renamed.version) == ("B", 2)
    created = decided("s1", None, create(project.id))
    assert created is not None
    await commit(store.journal, created)
    current = await projects.set_current(project.id, "s1", expected_version=2)
    assert (current.current_session_id, current.version) == ("s1", 3)
    assert await projects.get(project.id) == current


async def test_a_deleted_session_is_no_current_session_and_that_is_an_edit(store: Store) -> None:
    """Taken out for the check: `not_current` among the projections, `check_current` in `set_current`."""
    projects = store.projects
    project, other = await projects.create("A"), await projects.create("B")
    created = decided("s", None, create(project.id))
    assert created is not None
    await commit(store.journal, created)
    with pytest.raises(Conflict):
        await projects.set_current(other.id, "s")
    await projects.set_current(project.id, "s")
    deleted = decided("s", created.after, DeleteSession())
    assert deleted is not None
    await commit(store.journal, deleted)
    cleared = await projects.get(project.id)
    assert (cleared.current_session_id, cleared.version) == (None, 3)
    for gone in ("s", "never was"):
        with pytest.raises(SessionNotFound):
            await projects.set_current(project.id, gone)
    await store.journal.purge("s")
    assert [await projects.get(each.id) for each in (project, other)] == [cleared, other]


async def test_an_edit_of_another_version_is_refused_with_the_current_one(store: Store) -> None:
    projects = store.projects
    project = await projects.rename((await projects.create("A")).id, "B", 1)
    for edit in (
        projects.rename(project.id, "C", 1),
        projects.set_current(project.id, "s", 1),
        projects.delete(project.id, 3),
    ):
        with pytest.raises(VersionMismatch) as refused:
            await edit
        assert refused.value.details == {"currentVersion": 2}
    assert await projects.get(project.id) == project


async def test_racing_edits_of_one_version_have_one_winner(store: Store) -> None:
    projects = store.projects
    project = await projects.create("A")
    results = await asyncio.gather(
        *(projects.rename(project.id, f"from {n}", 1) for n in range(10)), return_exceptions=True
    )
    assert sum(isinstance(each, VersionMismatch) for each in results) == 9
    assert (await projects.get(project.id)).version == 2


async def test_an_unknown_project_is_not_found(store: Store) -> None:
    projects = store.projects
    for call in (
        projects.get("x"),
        projects.rename("x", "y"),
        projects.set_current("x", "s"),
        projects.delete("x"),
    ):
        with pytest.raises(ProjectNotFound):
            await call


async def test_a_project_is_deleted_when_its_sessions_are_gone_for_good(store: Store) -> None:
    projects, journal = store.projects, store.journal
    await projects.inbox()
    project = await projects.create("A")
    created = decided("s", None, create(project.id))
    assert created is not None
    await commit(journal, created)
    with pytest.raises(Conflict) as refused:
        await projects.delete(project.id)
    assert refused.value.details == {"sessions": 1}
    deleted = decided("s", created.after, DeleteSession())
    assert deleted is not None
    await commit(journal, deleted)
    with pytest.raises(Conflict):
        await projects.delete(project.id)
    await journal.purge("s")
    await projects.delete(project.id, expected_version=1)
    with pytest.raises(ProjectNotFound):
        await projects.get(project.id)


async def test_the_inbox_stays(store: Store) -> None:
    projects = store.projects
    with pytest.raises(Conflict):
        await projects.delete((await projects.inbox()).id)


async def test_no_session_is_created_in_a_project_that_was_deleted_meanwhile(store: Store) -> None:
    """Taken out for the check: looking for the project in the transaction that creates the session."""
    projects, journal = store.projects, store.journal
    project = await projects.create("A")
    created = decided("s", None, create(project.id))
    assert created is not None
    await projects.delete(project.id)
    with pytest.raises(ProjectNotFound) as refused:
        await commit(journal, created)
    assert refused.value.details == {"field": "projectId"}
    assert (await store.reads.sessions()).sessions == ()
    with pytest.raises(SessionNotFound):
        await journal.load("s")


async def test_the_inbox_is_known_by_being_the_first_and_not_by_its_name(store: Store) -> None:
    """Taken out for the check: comparing with the first in `delete`, making the Inbox before any other project."""
    projects = store.projects
    other = await projects.create(INBOX)
    inbox = await projects.inbox()
    assert inbox.id != other.id
    renamed = await projects.rename(inbox.id, "Mine")
    await projects.delete(other.id)
    with pytest.raises(Conflict):
        await projects.delete(inbox.id)
    assert await projects.inbox() == renamed
    assert await projects.all() == (renamed,)
