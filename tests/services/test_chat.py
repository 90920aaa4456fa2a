"""What callers can do with sessions and projects: arguments completed, access checked, commands through the door."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
from world import Workshop, no_sleep, workshop

from models.calls import METADATA_MAX_BYTES, CreateSessionBody, Outgoing, parse
from models.clock import SYSTEM_CLOCK
from models.commands import ArchiveContext, CommandFor, RenameSession, SetMode, UnarchiveContext
from models.errors import (
    Conflict,
    Forbidden,
    IdempotencyConflict,
    PayloadTooLarge,
    ProjectNotFound,
    SessionNotFound,
    UnknownModel,
    VersionMismatch,
)
from models.ids import EpochMs
from models.payloads import FileReferencePayload, TextPayload
from models.results import Cancelled, Edited
from models.session import Session
from services import pipeline
from services.access import LOCAL, Principal
from services.chat import Chat
from services.context_editor import ContextEditor
from services.library import Library
from services.llm.registry import Providers
from services.llm.scripted import Say, ScriptedProvider
from services.organizer import RESTORABLE_MS, Organizer
from services.search.query import SearchQuery
from services.store.lists import SessionQuery
from services.store.reads import MessageQuery
from services.store.store import Store
from services.users import Users

GUEST = Principal("eve", "Eve", "guest")  # type: ignore[arg-type]  # a kind that may do nothing


@dataclass
class Desk:
    chat: Chat
    organizer: Organizer
    editor: ContextEditor
    library: Library
    store: Store


def open_desk(shop: Workshop, steps: pipeline.Pipeline | None = None) -> Desk:
    sessions = shop.room.sessions
    scripted = ScriptedProvider({"test": (Say("ok"),)}, sleep=no_sleep)
    providers = Providers(SYSTEM_CLOCK, scripted=scripted)
    return Desk(
        Chat(sessions, providers, shop.agents, pipeline=steps or pipeline.standard()),
        Organizer(sessions, providers, Users(sessions.store.user_states), "demo"),
        ContextEditor(sessions, providers),
        Library(sessions),
        sessions.store,
    )


def message(**arguments: object) -> Outgoing:
    return parse(Outgoing, arguments)


async def test_a_session_gets_the_inbox_and_the_default_model_unless_told_otherwise() -> None:
    async with workshop() as shop:
        desk = open_desk(shop)
        plain = await desk.organizer.create_session(LOCAL, CreateSessionBody())
        assert (plain.project_name, plain.title, plain.state, plain.head) == ("Inbox", "", "IDLE", 1)
        project = await desk.store.projects.create("Other")
        body = CreateSessionBody(project_id=project.id, title="  Mine ", model="scripted:test")
        told = await desk.organizer.create_session(LOCAL, body)
        assert (told.project_name, told.title) == ("Other", "Mine")
        assert (await desk.store.reads.snapshot(told.id)).model == "scripted:test"
        assert (await desk.library.list_sessions(LOCAL, SessionQuery(project.id))).sessions == (told,)


async def test_a_session_of_an_unknown_project_or_model_is_refused_and_not_made() -> None:
    async with workshop() as shop:
        desk = open_desk(shop)
        with pytest.raises(ProjectNotFound) as refused:
            await desk.organizer.create_session(LOCAL, CreateSessionBody(project_id="x"))
        assert refused.value.details == {"field": "projectId"}
        with pytest.raises(UnknownModel):
            await desk.organizer.create_session(LOCAL, CreateSessionBody(model="nonsense"))
        assert (await desk.store.reads.sessions()).sessions == ()
        with pytest.raises(ProjectNotFound):
            await desk.library.list_sessions(LOCAL, SessionQuery("x"))
        with pytest.raises(ProjectNotFound):
            await desk.library.search(LOCAL, SearchQuery("word", "x"))


@pytest.mark.parametrize(
    ("arguments", "content", "payload"),
    [
        ({"content": "hi"}, "hi", TextPayload(text="hi")),
        ({"payload": {"kind": "text", "text": "p"}}, "p", TextPayload(text="p")),
        ({"content": "c", "payload": {"kind": "text", "text": "p"}}, "p", TextPayload(text="p")),
        (
            {"content": "c", "payload": {"kind": "text", "format": "plain"}},
            "c",
            TextPayload(text="c", format="plain"),
        ),
        ({"payload": {"kind": "file_reference", "path": "a"}}, "", FileReferencePayload(path="a")),
        ({"content": "see", "payload": {"kind": "file_reference", "path": "a"}}, "see", FileReferencePayload(path="a")),
    ],
)
async def test_a_message_has_its_plain_text_and_its_payload(
    arguments: dict[str, object], content: str, payload: TextPayload | FileReferencePayload
) -> None:
    async with workshop() as shop:
        desk = open_desk(shop)
        session = await desk.organizer.create_session(LOCAL, CreateSessionBody(model="scripted:test"))
        answer = await desk.chat.send_message(LOCAL, session.id, message(**arguments))
        (kept,) = await desk.store.reads.messages(session.id, [answer.message_id])
        assert (kept.content, kept.payload, kept.author, kept.role) == (content, payload, "local", "user")


async def test_the_clients_metadata_is_kept_and_the_source_added() -> None:
    async with workshop() as shop:
        desk = open_desk(shop)
        session = await desk.organizer.create_session(LOCAL, CreateSessionBody())
        metadata = {"traceId": "t", "extra": {"a": [1, None, "é"]}, "displayHint": {"collapsed": True}}
        answer = await desk.chat.send_message(LOCAL, session.id, message(content="x", metadata=metadata))
        (kept,) = await desk.store.reads.messages(session.id, [answer.message_id])
        assert (kept.metadata.trace_id, kept.metadata.extra, kept.metadata.source) == (
            "t",
            metadata["extra"],
            "user_input",
        )


async def test_what_is_too_large_is_refused_with_field_limit_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "MESSAGE_MAX_CHARS", 100)
    async with workshop() as shop:
        desk = open_desk(shop)
        session = await desk.organizer.create_session(LOCAL, CreateSessionBody())
        await desk.chat.send_message(LOCAL, session.id, message(content="x" * 100))
        with pytest.raises(PayloadTooLarge) as refused:
            await desk.chat.send_message(LOCAL, session.id, message(content="x" * 101))
        assert refused.value.details == {"field": "content", "limit": 100, "size": 101}
        laden = message(content="x", metadata={"extra": {"a": "x" * METADATA_MAX_BYTES}})
        with pytest.raises(PayloadTooLarge) as refused:
            await desk.chat.send_message(LOCAL, session.id, laden)
        assert refused.value.details["field"] == "metadata"
        assert (await desk.store.reads.session(session.id)).message_count == 1


async def test_i10_holds_through_here_too() -> None:
    async with workshop() as shop:
        desk = open_desk(shop)
        session = await desk.organizer.create_session(LOCAL, CreateSessionBody())
        first = await desk.chat.send_message(LOCAL, session.id, message(content="x", clientMessageId="c"))
        assert await desk.chat.send_message(LOCAL, session.id, message(content="x", clientMessageId="c")) == first
        with pytest.raises(IdempotencyConflict):
            await desk.chat.send_message(LOCAL, session.id, message(content="y", clientMessageId="c"))


async def test_i10_a_repetition_is_answered_whatever_the_processors_make_of_it_this_time() -> None:
    """Taken out for the check: the digest in the command; the lookup when a processor refuses."""
    made = iter(("[1] hi", "[2] hi", None))

    async def something_else_each_time(draft: pipeline.Draft) -> pipeline.Draft:
        content = next(made)
        if content is None:
            raise Forbidden("too often")
        return replace(draft, content=content, metadata=draft.metadata.model_copy(update={"original_input": "?"}))

    async with workshop() as shop:
        desk = open_desk(shop, pipeline.standard(own=[something_else_each_time]))
        session = await desk.organizer.create_session(LOCAL, CreateSessionBody())
        answers = [
            await desk.chat.send_message(LOCAL, session.id, message(content="hi", clientMessageId="c")) for _ in "123"
        ]
        assert answers == answers[:1] * 3
        assert [m.content for m in await shop.room.messages(session.id) if m.role == "user"] == ["[1] hi"]


async def test_i10_a_file_is_recognised_by_what_was_written_and_not_by_what_is_in_it() -> None:
    """Taken out for the check: the digest in the command."""

    async def read(draft: pipeline.Draft) -> pipeline.Draft:
        assert isinstance(draft.payload, FileReferencePayload)
        return replace(draft, content="LOOK", payload=draft.payload.model_copy(update={"path": "/a.py"}))

    async with workshop() as shop:
        desk = open_desk(shop, pipeline.standard(own=[read]))
        session = await desk.organizer.create_session(LOCAL, CreateSessionBody())
        asked = message(content="look", payload={"kind": "file_reference", "path": "a.py"}, clientMessageId="c")
        first = await desk.chat.send_message(LOCAL, session.id, asked)
        assert await desk.chat.send_message(LOCAL, session.id, asked) == first
        other = message(content="look", payload={"kind": "file_reference", "path": "/a.py"}, clientMessageId="c")
        with pytest.raises(IdempotencyConflict):
            await desk.chat.send_message(LOCAL, session.id, other)


async def test_renaming_checks_the_version() -> None:
    async with workshop() as shop:
        desk = open_desk(shop)
        session = await desk.organizer.create_session(LOCAL, CreateSessionBody())
        renamed = await desk.organizer.rename(LOCAL, session.id, "New", 1)
        assert (renamed.title, renamed.version) == ("New", 2)
        with pytest.raises(VersionMismatch) as refused:
            await desk.organizer.rename(LOCAL, session.id, "Newer", 1)
        assert refused.value.details == {"currentVersion": 2}


async def test_an_edit_is_answered_with_its_own_version_whatever_is_edited_before_the_session_is_read() -> None:
    """Fails when it is the version that was read: what is expected of it would overwrite what somebody else did."""
    async with workshop() as shop:
        desk = open_desk(shop)
        organizer, editor, others = desk.organizer, desk.editor, list[CommandFor[Edited]]()
        read = desk.store.reads.session

        async def read_late(session_id: str) -> Session:
            while others:
                await shop.room.do(session_id, others.pop())
            return await read(session_id)

        desk.store.reads.session = read_late  # type: ignore[method-assign]  # for this test alone
        others.append(RenameSession("before anything is known"))
        made = await organizer.create_session(LOCAL, CreateSessionBody())
        assert (made.version, (await read(made.id)).version) == (1, 2)
        edits: tuple[tuple[Callable[[], Awaitable[Session]], CommandFor[Edited], int], ...] = (
            (lambda: organizer.rename(LOCAL, made.id, "mine"), RenameSession("a"), 1),
            (lambda: organizer.rename(LOCAL, made.id, "a"), RenameSession("nothing was to be done"), 0),
            (lambda: editor.set_model(LOCAL, made.id, "scripted:test"), RenameSession("b"), 1),
            (lambda: editor.set_mode(LOCAL, made.id, "plan"), SetMode("act"), 1),
            (lambda: organizer.archive(LOCAL, made.id), UnarchiveContext(), 1),
            (lambda: organizer.restore(LOCAL, made.id), ArchiveContext(), 0),
            (lambda: organizer.unarchive(LOCAL, made.id), RenameSession("c"), 1),
        )
        for edit, other, moves in edits:
            before = (await read(made.id)).version
            others.append(other)
            mine = await edit()
            assert (mine.version, (await read(made.id)).version) == (before + moves, before + moves + 1)


async def test_the_model_is_switched_only_to_one_that_is_known() -> None:
    async with workshop() as shop:
        desk = open_desk(shop)
        session = await desk.organizer.create_session(LOCAL, CreateSessionBody())
        await desk.editor.set_model(LOCAL, session.id, "scripted:test")
        with pytest.raises(UnknownModel):
            await desk.editor.set_model(LOCAL, session.id, "nonsense")
        assert (await desk.store.reads.snapshot(session.id)).model == "scripted:test"


async def test_cancelling_says_whether_there_was_anything_to_cancel() -> None:
    async with workshop() as shop:
        desk = open_desk(shop)
        session = await desk.organizer.create_session(LOCAL, CreateSessionBody())
        assert await desk.chat.cancel(LOCAL, session.id) == Cancelled(False)
        sent = await desk.chat.send_message(LOCAL, session.id, message(content="x"))
        assert await desk.chat.cancel(LOCAL, session.id, sent.run_id) == Cancelled(True)


async def test_deleting_can_be_undone_and_purging_is_final() -> None:
    async with workshop() as shop:
        desk = open_desk(shop)
        session = await desk.organizer.create_session(LOCAL, CreateSessionBody())
        await desk.organizer.delete(LOCAL, session.id)
        with pytest.raises(SessionNotFound):
            await desk.organizer.delete(LOCAL, session.id)
        assert (await desk.organizer.restore(LOCAL, session.id)).id == session.id
        await desk.organizer.delete(LOCAL, session.id)
        await desk.organizer.delete(LOCAL, session.id, purge=True)
        for call in (desk.organizer.restore(LOCAL, session.id), desk.organizer.delete(LOCAL, session.id, purge=True)):
            with pytest.raises(SessionNotFound):
                await call
        alive = await desk.organizer.create_session(LOCAL, CreateSessionBody())
        await desk.organizer.delete(LOCAL, alive.id, purge=True)
        assert (await desk.store.reads.sessions()).sessions == ()


async def test_a_deletion_checks_the_version_at_the_door_where_nobody_can_come_between() -> None:
    """Taken out for the check: the version in DeleteSession."""
    async with workshop() as shop:
        desk = open_desk(shop)
        session = await desk.organizer.create_session(LOCAL, CreateSessionBody())
        renamed, deleted = await asyncio.gather(
            desk.organizer.rename(LOCAL, session.id, "faster", session.version),
            desk.organizer.delete(LOCAL, session.id, version=session.version),
            return_exceptions=True,
        )
        assert isinstance(deleted, VersionMismatch)
        assert deleted.details == {"currentVersion": session.version + 1}
        assert [each.title for each in (await desk.store.reads.sessions()).sessions] == ["faster"]
        await desk.organizer.delete(LOCAL, session.id, version=session.version + 1)
        with pytest.raises(SessionNotFound):
            await desk.organizer.delete(LOCAL, session.id, purge=True, version=session.version + 1)
        assert not isinstance(renamed, BaseException)


async def test_what_was_deleted_thirty_days_ago_is_purged() -> None:
    async with workshop() as shop:
        desk = open_desk(shop)
        old, kept = [await desk.organizer.create_session(LOCAL, CreateSessionBody()) for _ in range(2)]
        await desk.organizer.delete(LOCAL, old.id)
        shop.time.now += RESTORABLE_MS
        assert await desk.organizer.purge_expired() == 0
        shop.time.now += 1
        assert await desk.organizer.purge_expired() == 1
        with pytest.raises(SessionNotFound):
            await desk.organizer.restore(LOCAL, old.id)
        assert [each.id for each in (await desk.store.reads.sessions()).sessions] == [kept.id]
        assert await desk.organizer.purge_expired() == 0


async def test_what_is_restored_or_purged_while_the_expired_ones_are_purged_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Taken out for the check: purging by the journal's own look at whether it is still deleted; the `continue`."""
    async with workshop() as shop:
        desk = open_desk(shop)
        restored, gone, old = [await desk.organizer.create_session(LOCAL, CreateSessionBody()) for _ in range(3)]
        for each in (restored, gone, old):
            await desk.organizer.delete(LOCAL, each.id)
        expired = desk.store.reads.expired

        async def then_somebody_is_faster(before: EpochMs) -> tuple[str, ...]:
            found = await expired(before)
            await desk.organizer.restore(LOCAL, restored.id)
            await desk.organizer.delete(LOCAL, gone.id, purge=True)
            return found

        monkeypatch.setattr(desk.store.reads, "expired", then_somebody_is_faster)
        shop.time.now += RESTORABLE_MS + 1
        assert await desk.organizer.purge_expired() == 1
        assert [each.id for each in (await desk.store.reads.sessions()).sessions] == [restored.id]


async def test_the_current_session_must_belong_to_the_project() -> None:
    async with workshop() as shop:
        desk = open_desk(shop)
        session = await desk.organizer.create_session(LOCAL, CreateSessionBody())
        other = await desk.store.projects.create("Other")
        project = await desk.organizer.set_current(LOCAL, session.project_id, session.id, 1)
        assert (project.current_session_id, project.version) == (session.id, 2)
        with pytest.raises(Conflict) as refused:
            await desk.organizer.set_current(LOCAL, other.id, session.id)
        assert refused.value.details == {"projectId": session.project_id}
        with pytest.raises(SessionNotFound):
            await desk.organizer.set_current(LOCAL, other.id, "x")
        with pytest.raises(VersionMismatch):
            await desk.organizer.set_current(LOCAL, session.project_id, session.id, 1)


async def test_who_may_do_nothing_can_do_nothing_here() -> None:
    async with workshop() as shop:
        desk = open_desk(shop)
        session = await desk.organizer.create_session(LOCAL, CreateSessionBody())
        head = (await desk.store.reads.session(session.id)).head
        for call in (
            desk.organizer.create_session(GUEST, CreateSessionBody()),
            desk.chat.send_message(GUEST, session.id, message(content="x")),
            desk.chat.cancel(GUEST, session.id),
            desk.organizer.rename(GUEST, session.id, "x", None),
            desk.editor.set_model(GUEST, session.id, "scripted:test"),
            desk.organizer.delete(GUEST, session.id, purge=True),
            desk.organizer.restore(GUEST, session.id),
            desk.organizer.set_current(GUEST, session.project_id, session.id),
            desk.library.list_sessions(GUEST, SessionQuery()),
            desk.library.search(GUEST, SearchQuery("word")),
        ):
            with pytest.raises(Forbidden):
                await call
        assert (await desk.store.reads.session(session.id)).head == head
        assert (await desk.store.reads.page(session.id, MessageQuery())).total == 0
