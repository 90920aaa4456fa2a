"""The live lists: a list and the changes after it are the list as it is now, with no gap at the seam."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import hub_peer
import pytest
from harness import Harness, Json
from hub_peer import Peer, Throttle, eventually, peers, settled
from patience import HANG_S
from structlog.testing import capture_logs

from models.calls import CreateSessionBody
from models.errors import StorageUnavailable
from models.session import Session
from services.access import LOCAL
from services.engine.context import Context
from services.engine.snapshot import session_of
from services.llm.scripted import Pause, Say
from services.store.lists import SessionPage, SessionQuery

server, in_memory = hub_peer.server, hub_peer.in_memory


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.feeds.BATCH_S", 0.01)


def folded(peer: Peer, call: str, event: str) -> dict[str, Json]:
    """The client's list: what the last ack had, and every upsert and removal that came after it."""
    sessions: dict[str, Json] = {}
    for name, data in peer.log:
        if name == call:
            sessions = {session["id"]: session for session in data["sessions"]}
        elif name == event:
            if "removed" in data:
                sessions.pop(data["removed"], None)
            else:
                sessions[data["session"]["id"]] = data["session"]
    return sessions


def all_of(peer: Peer) -> dict[str, Json]:
    return folded(peer, "watch_sessions", "session")


def running_of(peer: Peer) -> dict[str, Json]:
    return folded(peer, "watch_running", "running")


async def listed(server: Harness, project_id: str | None = None) -> dict[str, Json]:
    page = await server.store.reads.sessions(SessionQuery(project_id))
    return {session.id: session.to_wire() for session in page.sessions}


async def agrees(server: Harness, peer: Peer, project_id: str | None = None) -> None:
    """Waits until the client's list is the journal's, but for the head, which moves with every word of a stream."""
    async with asyncio.timeout(HANG_S):
        while without_head(all_of(peer)) != without_head(await listed(server, project_id)):  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def without_head(sessions: dict[str, Json]) -> dict[str, Json]:
    return {session_id: {**session, "head": 0} for session_id, session in sessions.items()}


async def rename(server: Harness, session_id: str, title: str) -> None:
    await server.organizer.rename(LOCAL, session_id, title, None)


async def paused(server: Harness) -> tuple[str, asyncio.Event]:
    """A session whose run waits until the event is set."""
    go = asyncio.Event()
    server.scripted.register("paused", (Say("a"), Pause(go), Say("b")))
    session_id = await server.session("scripted:paused")
    return session_id, go


async def test_list_comes_in_the_ack_and_changes_follow(server: Harness) -> None:
    session_id = await server.session()
    async with peers(server.url) as (peer,):
        ack = await peer.call("watch_sessions", {})
        assert {session["id"]: session for session in ack["sessions"]} == await listed(server)
        await rename(server, session_id, "Renamed")
        new = await server.session()
        await agrees(server, peer)
        assert all_of(peer)[session_id]["title"] == "Renamed"
        await server.organizer.delete(LOCAL, new)
        await agrees(server, peer)
        assert {"removed": new} in peer.named("session")
        await server.organizer.restore(LOCAL, new)
        await agrees(server, peer)
        assert new in all_of(peer)


async def test_list_of_one_project_is_not_told_of_others(server: Harness) -> None:
    project = await server.store.projects.create("Trees")
    inside = (await server.organizer.create_session(LOCAL, CreateSessionBody(project_id=project.id))).id
    outside = await server.session()
    async with peers(server.url) as (peer,):
        ack = await peer.call("watch_sessions", {"projectId": project.id})
        assert [session["id"] for session in ack["sessions"]] == [inside]
        await rename(server, outside, "Elsewhere")
        await rename(server, inside, "Here")
        new = (await server.organizer.create_session(LOCAL, CreateSessionBody(project_id=project.id))).id
        await agrees(server, peer, project.id)
        assert set(all_of(peer)) == {inside, new}
        assert all(each["session"]["projectName"] == "Trees" for each in peer.named("session"))


async def test_running_list_follows_starts_and_ends(server: Harness) -> None:
    idle = await server.session()
    session_id, go = await paused(server)
    async with peers(server.url, 2) as (before, during):
        assert (await before.call("watch_running", {}))["sessions"] == []
        await during.call("send_message", {"sessionId": session_id, "content": "go"})
        await eventually(lambda: set(running_of(before)) == {session_id})
        ack = await during.call("watch_running", {})
        assert [(session["id"], session["state"]) for session in ack["sessions"]] == [(session_id, "RUNNING")]
        await rename(server, idle, "Still idle")
        go.set()
        await eventually(lambda: running_of(before) == running_of(during) == {})
        assert {"removed": session_id} in before.named("running")
        assert not any(idle in str(each) for each in before.named("running"))


async def test_deleting_a_running_session_removes_it_from_both_lists(server: Harness) -> None:
    session_id, _ = await paused(server)
    async with peers(server.url) as (peer,):
        await peer.call("watch_sessions", {})
        await peer.call("watch_running", {})
        await peer.call("send_message", {"sessionId": session_id, "content": "go"})
        await eventually(lambda: set(running_of(peer)) == {session_id})
        await server.organizer.delete(LOCAL, session_id)
        await eventually(lambda: running_of(peer) == all_of(peer) == {})


@pytest.mark.parametrize("call", ["watch_sessions", "watch_running"])
async def test_change_during_the_read_is_not_lost_at_the_seam(
    server: Harness, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Fails when the watcher is registered after the read, or when changes go out before the ack."""
    session_id, go = await paused(server)
    hold_list(server, monkeypatch, lambda: change(server, session_id))
    async with peers(server.url) as (peer,):
        await peer.call(call, {})
        told = [name for name, _ in peer.log if name != "user_state"]
        assert told[0] == call, "nothing before the ack"
        if call == "watch_sessions":
            await agrees(server, peer)
            assert all_of(peer)[session_id]["title"] == "While it was read"
        else:
            await eventually(lambda: set(running_of(peer)) == {session_id})
        go.set()
        await settled()


async def change(server: Harness, session_id: str) -> None:
    """Something that both lists show; given time to be told, if it were to be told too early."""
    await rename(server, session_id, "While it was read")
    async with peers(server.url) as (other,):
        await other.call("watch_sessions", {})
        await other.call("send_message", {"sessionId": session_id, "content": "go"})
        await eventually(lambda: all_of(other)[session_id]["state"] == "RUNNING")


def hold_list(server: Harness, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Any]) -> None:
    """The first list is read, then `meanwhile` happens, then the read returns."""
    left = [meanwhile]

    def holding(read: Callable[..., Any]) -> Callable[..., Any]:
        async def hold(*arguments: object) -> SessionPage:
            page: SessionPage = await read(*arguments)
            if left:
                await left.pop()()
            return page

        return hold

    monkeypatch.setattr(server.store.reads, "sessions", holding(server.store.reads.sessions))


async def test_second_list_read_while_changes_of_the_first_are_held_back_loses_nothing(
    in_memory: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when changes held back for a slow watcher are let go during the read of another list for it."""
    session_id, go = await paused(in_memory)
    throttle = Throttle(monkeypatch)
    async with peers(in_memory.url) as (peer,):
        await peer.call("watch_sessions", {})
        connection = in_memory.hub.transport.connections[peer.sid]
        throttle.hold(connection)
        await rename(in_memory, session_id, "Held back")
        await eventually(lambda: in_memory.hub.feeds._watchers[peer.sid].held)

        async def meanwhile() -> None:
            throttle.release(connection)
            await settled()
            await change(in_memory, session_id)

        hold_list(in_memory, monkeypatch, meanwhile)
        await peer.call("watch_running", {})
        await eventually(lambda: set(running_of(peer)) == {session_id})
        await agrees(in_memory, peer)
        go.set()
        await settled()


async def test_slow_watcher_gets_each_session_once_as_it_is_at_last(server: Harness, throttle: Throttle) -> None:
    """I7: changes are held by id, not by message. Fails when each change is kept for a watcher over its high water."""
    session_ids = [await server.session() for _ in range(3)]
    async with peers(server.url, 2) as (slow, quick):
        for peer in (slow, quick):
            await peer.call("watch_sessions", {})
        connection = server.hub.transport.connections[slow.sid]
        throttle.hold(connection)
        for turn in range(10):
            for session_id in session_ids:
                await rename(server, session_id, f"Title {turn}")
            await eventually(lambda turn=turn: titles(quick) == {f"Title {turn}"})  # type: ignore[misc]
        await server.organizer.delete(LOCAL, session_ids[0])
        await agrees(server, quick)
        assert slow.named("session") == []
        throttle.release(connection)
        await agrees(server, slow)
        assert len(slow.named("session")) == 3
        await rename(server, session_ids[1], "After")
        await agrees(server, slow)


@pytest.fixture
def throttle(monkeypatch: pytest.MonkeyPatch) -> Throttle:
    return Throttle(monkeypatch)


def titles(peer: Peer) -> set[str]:
    return {session["title"] for session in all_of(peer).values()}


async def test_run_that_ends_while_its_watcher_is_slow_leaves_the_running_list(
    server: Harness, throttle: Throttle
) -> None:
    session_id, go = await paused(server)
    async with peers(server.url, 2) as (slow, quick):
        for peer in (slow, quick):
            await peer.call("watch_running", {})
        await quick.call("send_message", {"sessionId": session_id, "content": "go"})
        await eventually(lambda: set(running_of(slow)) == {session_id})
        connection = server.hub.transport.connections[slow.sid]
        throttle.hold(connection)
        go.set()
        await eventually(lambda: running_of(quick) == {})
        throttle.release(connection)
        await eventually(lambda: running_of(slow) == {})


async def test_words_of_a_stream_are_no_news_for_the_lists(in_memory: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of many sessions must not be sent with every delta."""
    middle = asyncio.Event()
    in_memory.scripted.register("long", (*(Say(f"w{number} ") for number in range(300)), Pause(middle)))
    session_id = await in_memory.session("scripted:long")
    async with peers(in_memory.url) as (peer,):
        await peer.call("watch_sessions", {})
        await peer.call("send_message", {"sessionId": session_id, "content": "go"})

        def streamed() -> bool:
            context = in_memory.chat.sessions.context(session_id)
            return context is not None and context.stream is not None and context.stream.sequence == 300

        await eventually(streamed)
        assert len(peer.named("session")) <= 4
        middle.set()
        await agrees_at_the_end(in_memory, peer, session_id)


async def agrees_at_the_end(server: Harness, peer: Peer, session_id: str) -> None:
    await eventually(lambda: all_of(peer)[session_id]["state"] == "COMPLETED")
    await agrees(server, peer)


async def test_list_begins_with_the_last_changed_and_tells_the_changes_of_all(server: Harness) -> None:
    first = await server.session()
    for _ in range(3):
        await server.session()
    async with peers(server.url) as (peer,):
        ack = await peer.call("watch_sessions", {"take": 2})
        assert (len(ack["sessions"]), ack["hasMore"]) == (2, True)
        assert first not in {session["id"] for session in ack["sessions"]}
        await rename(server, first, "Changed last")
        await eventually(lambda: first in all_of(peer))
        ack = await peer.call("watch_sessions", {"take": 4})
        assert (ack["sessions"][0]["id"], ack["hasMore"]) == (first, False)
        for bad in (0, -1, 501, "1", 1.5, True, None):
            refused = await peer.call("watch_sessions", {"take": bad})
            assert refused["error"]["details"]["field"] == "take", bad


async def test_list_of_what_runs_is_bounded_and_what_it_left_out_is_told_when_it_changes(in_memory: Harness) -> None:
    runs = [await paused(in_memory) for _ in range(2)]
    async with peers(in_memory.url) as (peer,):
        for session_id, _ in runs:
            await peer.call("send_message", {"sessionId": session_id, "content": "go"})
        ack = await peer.call("watch_running", {"take": 1})
        assert (len(ack["sessions"]), ack["hasMore"]) == (1, True)
        for session_id, _ in runs:
            await rename(in_memory, session_id, "Runs")
        await eventually(lambda: set(running_of(peer)) == {session_id for session_id, _ in runs})
        for _, go in runs:
            go.set()
        await eventually(lambda: running_of(peer) == {})


async def test_unwatching_ends_each_list_by_itself(in_memory: Harness) -> None:
    session_id, go = await paused(in_memory)
    async with peers(in_memory.url, 2) as (peer, witness):
        for each in (peer, witness):
            await each.call("watch_sessions", {})
            await each.call("watch_running", {})
        await peer.call("unwatch_sessions", {})
        await witness.call("send_message", {"sessionId": session_id, "content": "go"})
        await eventually(lambda: set(running_of(peer)) == {session_id})
        assert peer.named("session") == []
        await peer.call("unwatch_running", {})
        go.set()
        await eventually(lambda: running_of(witness) == {})
        assert set(running_of(peer)) == {session_id}, "told no more"
        await peer.call("unwatch_running", {})
        assert set(in_memory.hub.feeds._watchers) == {witness.sid}
    await eventually(lambda: not in_memory.hub.feeds._watchers, "no watcher is left")


async def test_list_that_can_not_be_read_is_told_and_does_not_mute_the_others(
    in_memory: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await in_memory.session()
    async with peers(in_memory.url) as (peer,):
        await peer.call("watch_sessions", {})

        async def fail(query: SessionQuery) -> SessionPage:
            raise StorageUnavailable()

        with monkeypatch.context() as patched:
            patched.setattr(in_memory.store.reads, "sessions", fail)
            ack = await peer.call("watch_running", {})
        assert ack["error"]["code"] == "storage_unavailable"
        await rename(in_memory, session_id, "Still told")
        await agrees(in_memory, peer)


async def test_fault_in_one_session_does_not_mute_the_others(
    in_memory: Harness, monkeypatch: pytest.MonkeyPatch, throttle: Throttle
) -> None:
    """Nor itself, once it is over; in the batch for all and in what was held for one. Fails when a fault ends the task:
    nothing would be told ever after."""
    broken, sound = await in_memory.session(), await in_memory.session()

    def fails_for_one(context: Context, project_name: str) -> Session:
        if context.session_id == broken:
            raise RuntimeError("a bug")
        return session_of(context, project_name)

    async with peers(in_memory.url, 2) as (quick, slow):
        for peer in (quick, slow):
            await peer.call("watch_sessions", {})
        connection = in_memory.hub.transport.connections[slow.sid]
        throttle.hold(connection)
        with monkeypatch.context() as patched, capture_logs() as logs:
            for session_id in (broken, sound):
                await rename(in_memory, session_id, "Before")
            await eventually(lambda: titles(quick) == {"Before"})
            patched.setattr("services.library.session_of", fails_for_one)
            for session_id in (broken, sound):
                await rename(in_memory, session_id, "During")
            await eventually(lambda: titles(quick) == {"Before", "During"})
            throttle.release(connection)
            await eventually(lambda: "During" in titles(slow))
            await eventually(lambda: len([log for log in logs if log.get("exc_info")]) == 2, "both faults")
        assert all(log["session"] == broken for log in logs if log.get("exc_info"))
        for peer in (quick, slow):
            await rename(in_memory, broken, f"After {peer.sid}")
            await agrees(in_memory, peer)


async def test_project_that_nobody_has_leaves_no_watcher(in_memory: Harness) -> None:
    async with peers(in_memory.url) as (peer,):
        ack = await peer.call("watch_sessions", {"projectId": "nobody"})
        assert ack["error"]["code"] == "project_not_found"
        assert in_memory.hub.feeds._watchers == {}


async def test_what_ran_is_forgotten_with_its_last_watcher(in_memory: Harness) -> None:
    feeds = in_memory.hub.feeds
    session_id, go = await paused(in_memory)
    async with peers(in_memory.url, 2) as (first, last):
        for peer in (first, last):
            await peer.call("watch_running", {})
        await first.call("send_message", {"sessionId": session_id, "content": "go"})
        await eventually(lambda: running_of(last).keys() == {session_id})
        await first.call("unwatch_running", {})
        assert feeds._running == {session_id}, "its end has yet to be told"
    await eventually(lambda: not feeds._watchers and not feeds._running)
    go.set()
