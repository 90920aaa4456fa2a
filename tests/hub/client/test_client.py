"""The Python client: whatever happens to its connection, each view ends with the journal's exact sequence (I3) and
folds to the fresh snapshot (I2), in both modes."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import hub_peer
import pytest
from harness import Harness, Json, serving
from hub_peer import eventually, settled
from patience import HANG_S
from slow_line import line

from hub.client import CallFailed, ConnectionLost, HubClient, SessionView
from hub.client.connection import ConnectionState
from hub.client.rest import under
from hub.client.wire import FeedMode, SessionEvent
from hub.socket.connection import Connection
from models.events import TRUNCATE_OVER_BYTES
from models.ids import new_id
from services.access import LOCAL
from services.llm.scripted import Mark, Pause, Say
from services.store.journal import PAGE_EVENTS

server, in_memory = hub_peer.server, hub_peer.in_memory
MODES: tuple[FeedMode, ...] = ("push", "signal")
both_modes = pytest.mark.parametrize("mode", MODES)


def client_of(url: str, **more: Any) -> HubClient:
    return HubClient(url, backoff_s=(0.01, 0.02), **{"call_timeout_s": 2.0, "keep_events": True, **more})


@pytest.fixture
async def client(in_memory: Harness) -> AsyncIterator[HubClient]:
    async with client_of(in_memory.url) as one:
        yield one


def connections(server: Harness) -> list[Connection]:
    return list(server.hub.transport.connections.values())


async def equals_the_journal(server: Harness, view: SessionView) -> None:
    """I2 and I3 for one view, once it has come to the head."""
    fresh = await server.snapshot(view.session_id)
    await eventually(lambda: view.last >= fresh["head"] and not view.joining, f"event {fresh['head']}")
    journal = await server.wires(view.session_id)
    assert view.events == journal[len(journal) - len(view.events) :]
    assert view.snapshot is not None
    kept = view.snapshot["messages"][-len(fresh["messages"]) :] if fresh["messages"] else []
    assert {**view.snapshot, "messages": kept} == fresh


# The ordinary way -------------------------------------------------------------------------------------------------


@both_modes
async def test_view_follows_a_run_from_its_message_to_its_end(server: Harness, mode: FeedMode) -> None:
    session_id = await server.session()
    async with client_of(server.url) as client:
        view = await client.open(session_id, mode)
        seen: list[SessionEvent] = []
        view.on_event = seen.append
        ack = await client.send_message(session_id, "hello")
        assert set(ack) >= {"messageId", "seq", "runId"}
        await view.until(lambda view: view.session_state == "COMPLETED")
        await equals_the_journal(server, view)
        assert seen == view.events
        assert seen[0]["seq"] == 2
        assert view.text() == (await server.snapshot(session_id))["messages"][-1]["content"]


@both_modes
async def test_open_before_the_server_is_there_waits_for_it(tmp_path: Path, mode: FeedMode) -> None:
    async with serving(tmp_path) as first:
        session_id, port, url = await first.session(), first.port, first.url
    async with client_of(url) as client:
        opening = asyncio.create_task(client.open(session_id, mode))
        await eventually(lambda: client.state == "reconnecting")
        async with serving(tmp_path, port=port) as second:
            await equals_the_journal(second, await opening)


async def test_open_goes_on_when_its_connection_is_lost_on_the_way(in_memory: Harness, client: HubClient) -> None:
    """Fails when `open` passes on the loss: its promise is the deadline."""
    session_id = await in_memory.session()
    cut = 3

    async def lose(session_id: str) -> None:
        nonlocal cut
        if cut:
            cut -= 1
            connections(in_memory)[0].abort()

    in_memory.hub.joiner.after_read = lose
    await equals_the_journal(in_memory, await client.open(session_id))
    assert cut == 0


async def test_open_of_an_unknown_session_is_refused_and_kept_nowhere(client: HubClient) -> None:
    with pytest.raises(CallFailed) as refused:
        await client.open(new_id())
    assert (refused.value.code, refused.value.retryable) == ("session_not_found", False)
    assert client.views == {}


@both_modes
async def test_view_that_was_opened_anew_does_not_join_once_more(
    in_memory: Harness, client: HubClient, mode: FeedMode
) -> None:
    """Seeds 1 and 9 of the fuzz: the join of the old view took the place of the new one's. Fails when a view that is
    not kept goes on joining."""
    session_id = await in_memory.session()
    old = await client.open(session_id, mode)
    connections(in_memory)[0].abort()
    await eventually(lambda: client.state == "reconnecting")
    feed = client._sessions.feed(session_id)
    joining = asyncio.create_task(feed.join())
    new = await client.open(session_id, mode)
    await joining
    joins = 0

    async def count(session_id: str) -> None:
        nonlocal joins
        joins += 1

    in_memory.hub.joiner.after_read = count
    await feed.rejoin()
    assert joins == 0
    assert old.joining is False
    await in_memory.commit(session_id, 3)
    await equals_the_journal(in_memory, new)
    assert old.events == []


async def test_leaving_ends_the_view(in_memory: Harness, client: HubClient) -> None:
    session_id = await in_memory.session()
    view = await client.open(session_id)
    await client.leave(session_id)
    await in_memory.commit(session_id, 3)
    await settled()
    assert view.events == []
    assert in_memory.hub.subscriptions == 0


# Lost, killed and stalled connections -------------------------------------------------------------------------------


@both_modes
async def test_server_that_restarts_is_found_again_and_nothing_is_missed(tmp_path: Path, mode: FeedMode) -> None:
    """I3. Fails when the client joins again without `after`, or only while it was told of the close."""
    async with serving(tmp_path) as first:
        session_id, port = await first.session(), first.port
        client = client_of(first.url)
        client.start()
        view = await client.open(session_id, mode)
        await first.commit(session_id, 3)
        await eventually(lambda: view.last == 4)
    await eventually(lambda: client.state == "reconnecting")
    async with serving(tmp_path, port=port) as second:
        await second.commit(session_id, 5)
        await equals_the_journal(second, view)
        assert [event["seq"] for event in view.events] == list(range(2, 10)), "no snapshot was needed"
        await client.send_message(session_id, "on we go")
        await view.until(lambda view: view.session_state == "COMPLETED")
        await equals_the_journal(second, view)
        await client.close()


@both_modes
async def test_sockets_that_are_cut_again_and_again_lose_nothing(server: Harness, mode: FeedMode) -> None:
    session_id = await server.session()
    async with client_of(server.url) as client:
        view = await client.open(session_id, mode)
        for _ in range(8):
            for connection in connections(server):
                connection.abort()
            await server.commit(session_id, 7)
            await eventually(lambda: client.state == "connected" and connections(server))
        await equals_the_journal(server, view)
        assert [event["seq"] for event in view.events] == list(range(2, 58))


@both_modes
async def test_stalled_socket_is_replaced_by_the_watchdog(in_memory: Harness, mode: FeedMode) -> None:
    """A line that swallows everything without a close. Fails when only a closed socket counts as lost."""
    session_id = await in_memory.session()
    states: list[ConnectionState] = []
    async with line(in_memory.port) as slow:
        patience: Json = {"call_timeout_s": 0.2, "silence_s": 0.2, "on_state": states.append}
        async with client_of(slow.url, **patience) as client:
            view = await client.open(session_id, mode)
            slow.mute = True
            await in_memory.commit(session_id, 5)
            await eventually(lambda: "reconnecting" in states, "the watchdog")
            assert view.last == 1
            slow.mute = False
            await eventually(lambda: view.last == 6)
            await equals_the_journal(in_memory, view)


async def test_handshake_that_is_never_answered_is_given_up(in_memory: Harness) -> None:
    """Fails when only calls have a deadline: a line may stall before the first of them."""
    session_id = await in_memory.session()
    async with line(in_memory.port) as slow, client_of(slow.url, call_timeout_s=0.2) as client:
        slow.mute = True
        opening = asyncio.create_task(client.open(session_id))
        await eventually(lambda: client.state == "reconnecting", "the deadline")
        slow.mute = False
        await equals_the_journal(in_memory, await opening)


async def test_silent_session_is_probed_and_stays_connected(in_memory: Harness) -> None:
    session_id = await in_memory.session()
    async with client_of(in_memory.url, silence_s=0.06) as client:
        view = await client.open(session_id)
        joins = 0

        async def count(session_id: str) -> None:
            nonlocal joins
            joins += 1

        in_memory.hub.joiner.after_read = count
        await eventually(lambda: joins >= 3, "probes")
        assert client.state == "connected"
        await in_memory.commit(session_id, 2)
        await equals_the_journal(in_memory, view)


async def test_calls_that_wait_for_a_connection_end_when_the_client_is_closed(tmp_path: Path) -> None:
    """Fails when `close` leaves them waiting for a connection that will never come."""
    async with serving(tmp_path) as server:
        url = server.url
    client = client_of(url)
    client.start()
    waiting = [
        asyncio.create_task(client.call("watch_running")),
        asyncio.create_task(client.send_message("s", "hello")),
        asyncio.create_task(client.open("s")),
    ]
    await eventually(lambda: client.state == "reconnecting")
    await client.close()
    async with asyncio.timeout(HANG_S):
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(outcome, ConnectionLost) for outcome in outcomes), outcomes
    with pytest.raises(ConnectionLost):
        await client.call("watch_running")


async def test_client_that_is_closed_while_it_connects_leaves_nothing_open(in_memory: Harness) -> None:
    """Fails, by a ResourceWarning, when the handshakes are cancelled in between. Seed 25 of the fuzz found it."""
    for steps in range(60):
        client = client_of(in_memory.url)
        client.start()
        for _ in range(steps):
            await asyncio.sleep(0)
        await client.close()
    gc.collect()
    await eventually(lambda: in_memory.hub.connections == 0)


# Refusals and goodbyes ------------------------------------------------------------------------------------------------


async def test_wrong_token_is_final_and_the_right_one_works() -> None:
    async with serving(token="right") as server:
        session_id = await server.session()
        async with client_of(server.url, token="wrong") as client:
            with pytest.raises(CallFailed) as refused:
                await client.open(session_id)
            assert refused.value.code == "unauthenticated"
            assert client.state == "closed"
            with pytest.raises(CallFailed):
                await client.call("watch_running")
        async with client_of(server.url, token="right") as client:
            await client.open(session_id)


@both_modes
async def test_goodbye_that_says_come_back_is_followed(in_memory: Harness, client: HubClient, mode: FeedMode) -> None:
    session_id = await in_memory.session()
    view = await client.open(session_id, mode)
    (connection,) = connections(in_memory)
    await connection.goodbye("draining", "Back in a moment", retryable=True)
    await in_memory.commit(session_id, 3)
    await equals_the_journal(in_memory, view)
    assert len(view.events) == 3


async def test_goodbye_for_good_closes_the_client(
    in_memory: Harness, client: HubClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.socket.connection.DISCONNECT_GRACE_S", 0.05)
    await client.open(await in_memory.session())
    (connection,) = connections(in_memory)
    await connection.goodbye("forbidden", "Not you", retryable=False)
    await eventually(lambda: client.state == "closed")
    with pytest.raises(CallFailed) as refused:
        await client.call("watch_running")
    assert (refused.value.code, refused.value.message) == ("forbidden", "Not you")


async def test_server_that_drains_is_asked_until_it_is_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as first:
        session_id, port = await first.session(), first.port
        client = client_of(first.url)
        client.start()
        view = await client.open(session_id)
        await first.hub.drain()
        await eventually(lambda: client.state == "reconnecting")
    async with serving(tmp_path, port=port) as second:
        await second.commit(session_id, 2)
        await equals_the_journal(second, view)
        await client.close()


# Sending ----------------------------------------------------------------------------------------------------------


async def test_a_server_that_stays_away_is_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken out for the check: the bound on the exponent; after 1,025 tries the number is too large for a float."""
    tries = 0

    async def refused() -> bool:
        nonlocal tries
        tries += 1
        return False

    one = HubClient("http://127.0.0.1:1", backoff_s=(1e-9, 1e-9))
    monkeypatch.setattr(one.connection, "_connect", refused)
    async with one:
        await eventually(lambda: tries > 1_100)
        assert one.connection.state == "reconnecting"


async def test_message_whose_ack_was_lost_is_sent_again_and_is_one(in_memory: Harness) -> None:
    """I10. Fails when `send_message` takes a new clientMessageId for each try, or the journal forgets the first."""
    session_id = await in_memory.session()
    async with line(in_memory.port) as slow, client_of(slow.url, call_timeout_s=0.2) as client:
        view = await client.open(session_id)
        slow.mute = True
        sending = asyncio.create_task(client.send_message(session_id, "once"))
        context = in_memory.chat.sessions.context
        await eventually(lambda: (now := context(session_id)) is not None and now.pool_count >= 1, "committed")
        await eventually(lambda: client.state == "reconnecting")
        slow.mute = False
        ack = await sending
        await view.until(lambda view: view.session_state == "COMPLETED")
        messages = (await in_memory.snapshot(session_id))["messages"]
        assert [message["id"] for message in messages if message["role"] == "user"] == [ack["messageId"]]
        await equals_the_journal(in_memory, view)


async def test_refusal_of_a_message_is_raised_and_not_repeated(in_memory: Harness, client: HubClient) -> None:
    in_memory.scripted.register("long", (Pause(asyncio.Event()),))
    session_id = await in_memory.session("scripted:long")
    await client.send_message(session_id, "first")
    with pytest.raises(CallFailed) as refused:
        await client.send_message(session_id, "second", onBusy="reject")
    assert refused.value.code == "run_active"
    assert (await client.cancel_run(session_id))["cancelled"] is True


# Large bodies, long absences, gaps ---------------------------------------------------------------------------------


@both_modes
async def test_message_too_large_to_travel_is_pulled(server: Harness, mode: FeedMode) -> None:
    """Live, and from a snapshot. Fails when nobody pulls what was announced as truncated."""
    session_id = await server.session()
    content = "large " * TRUNCATE_OVER_BYTES
    async with client_of(server.url) as client:
        view = await client.open(session_id, mode)
        await client.send_message(session_id, content)
        await eventually(lambda: first_content(view) == content, "the body, live")
        again = await client.open(session_id, mode)
        await eventually(lambda: first_content(again) == content, "the body, from the snapshot")


def first_content(view: SessionView) -> str:
    messages = view.snapshot["messages"] if view.snapshot else []
    return str(messages[0]["content"]) if messages else ""


async def test_large_message_that_could_not_be_pulled_is_pulled_later(
    in_memory: Harness, client: HubClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when one failed pull leaves the header in its place for ever."""
    get, failures = client.rest.get, [ConnectionLost("no"), ConnectionLost("still no")]

    async def flaky(path: str, **query: str | int) -> Json:
        if failures:
            raise failures.pop()
        return await get(path, **query)

    monkeypatch.setattr(client.rest, "get", flaky)
    session_id = await in_memory.session()
    view = await client.open(session_id)
    content = "large " * TRUNCATE_OVER_BYTES
    await client.send_message(session_id, content)
    await eventually(lambda: first_content(view) == content)


async def test_client_keeps_no_event_unless_it_is_asked_to(in_memory: Harness) -> None:
    """Fails when a view collects all that it applies: one that is open for days would grow and grow."""
    session_id = await in_memory.session()
    seen: list[SessionEvent] = []
    async with client_of(in_memory.url, keep_events=False) as client:
        view = await client.open(session_id)
        view.on_event = seen.append
        await in_memory.commit(session_id, 3)
        await eventually(lambda: view.last == 4)
        assert (view.folded_from, [event["seq"] for event in seen]) == (1, [2, 3, 4])
        assert view._events is None
        with pytest.raises(RuntimeError):
            view.events  # noqa: B018


async def test_chore_that_is_cancelled_before_its_first_step_leaves_no_coroutine(in_memory: Harness) -> None:
    """Fails when only the task around it is cancelled: Python complains of a coroutine that was never awaited."""
    begun: list[bool] = []

    async def work() -> None:
        begun.append(True)

    client = client_of(in_memory.url)
    client.start()
    chore = work()
    client._chores.start(chore)
    await client.close()
    assert begun == []
    await eventually(lambda: inspect.getcoroutinestate(chore) == inspect.CORO_CLOSED)


def test_pulled_message_that_is_older_than_the_view_does_not_undo_it() -> None:
    """Fails when `heal` takes any answer: the next chunk would follow a hole."""
    view = SessionView("s")
    header = {"id": "m", "content": "", "truncated": True, "status": "streaming", "sequence": 7}
    view.snapshot = {"messages": [header]}
    assert view.heal({"id": "m", "content": "to five", "status": "streaming", "sequence": 5}) is False
    assert view.snapshot["messages"] == [header]
    whole = {"id": "m", "content": "to eight", "status": "streaming", "sequence": 8}
    assert view.heal(whole) is True
    assert view.snapshot["messages"] == [whole]
    done = {**header, "status": "complete", "sequence": 8}
    view.snapshot = {"messages": [done]}
    assert view.heal(whole) is False
    assert view.snapshot["messages"] == [done]


@both_modes
async def test_stream_that_grew_large_before_the_join_ends_whole(server: Harness, mode: FeedMode) -> None:
    middle, go = asyncio.Event(), asyncio.Event()
    grown = [Say("x" * 8_000) for _ in range(10)]
    server.scripted.register("grown", (*grown, Mark(middle), Pause(go), *(Say(f" {n}") for n in range(200))))
    session_id = await server.session("scripted:grown")
    async with client_of(server.url) as client:
        await client.send_message(session_id, "go")
        await middle.wait()
        view = await client.open(session_id, mode)
        go.set()
        await view.until(lambda view: view.session_state == "COMPLETED")
        stored = (await server.store.reads.messages(session_id, [await newest_id(server, session_id)]))[0]
        await eventually(lambda: view.text() == stored.content, "the whole text")


async def newest_id(server: Harness, session_id: str) -> str:
    return str((await server.snapshot(session_id))["messages"][-1]["id"])


@both_modes
async def test_long_absence_is_made_up_for_page_by_page(tmp_path: Path, mode: FeedMode) -> None:
    """And what happens afterwards arrives. Fails when `hasMore` is not followed, or set in signal mode."""
    async with serving(tmp_path) as first:
        session_id, port = await first.session(), first.port
        client = client_of(first.url)
        client.start()
        view = await client.open(session_id, mode)
        await first.hub.drain()
        await first.fill(session_id, 2 * PAGE_EVENTS + 300)
    async with serving(tmp_path, port=port) as second:
        await eventually(lambda: view.last == 2 * PAGE_EVENTS + 301)
        await equals_the_journal(second, view)
        assert len(view.events) == 2 * PAGE_EVENTS + 300, "no snapshot was needed"
        await second.commit(session_id, 1)
        await equals_the_journal(second, view)
        await client.close()


async def test_gap_makes_the_client_join_again(in_memory: Harness, client: HubClient) -> None:
    """Fails when the client applies an event that does not follow its last, or waits for a better one."""
    session_id = await in_memory.session()
    view = await client.open(session_id)
    room = in_memory.hub.rooms.find(session_id)
    assert room is not None
    (subscription,) = room.subscriptions.values()
    subscription.follower.cursor = 3
    await in_memory.commit(session_id, 3)
    await equals_the_journal(in_memory, view)
    assert [event["seq"] for event in view.events] == [2, 3, 4]


@both_modes
async def test_head_that_is_ahead_makes_the_client_catch_up(mode: FeedMode) -> None:
    async with serving(head_every_s=0.05) as server, client_of(server.url) as client:
        session_id = await server.session()
        view = await client.open(session_id, mode)
        room = server.hub.rooms.find(session_id)
        assert room is not None
        (subscription,) = room.subscriptions.values()
        subscription.follower.cursor = 9
        await server.commit(session_id, 3)
        await equals_the_journal(server, view)


@both_modes
async def test_resync_starts_from_a_new_snapshot(in_memory: Harness, client: HubClient, mode: FeedMode) -> None:
    session_id = await in_memory.session()
    view = await client.open(session_id, mode)
    await in_memory.commit(session_id, 3)
    await eventually(lambda: view.last == 4)
    connections(in_memory)[0].emit("resync", {"sessionId": session_id, "reason": "a test"})
    await eventually(lambda: view.events == [] and view.snapshot is not None)
    await in_memory.commit(session_id, 2)
    await equals_the_journal(in_memory, view)
    assert [event["seq"] for event in view.events] == [5, 6]


@both_modes
async def test_resync_in_the_middle_of_a_join_is_heeded(in_memory: Harness, client: HubClient, mode: FeedMode) -> None:
    """Fails when the join's answer, which goes on from the old position, counts as up to date without a snapshot."""
    session_id = await in_memory.session()
    view = await client.open(session_id, mode)
    resynced = 0

    async def resync(session_id: str) -> None:
        nonlocal resynced
        if not resynced:
            resynced = 1
            connections(in_memory)[0].emit("resync", {"sessionId": session_id, "reason": "a test"})

    in_memory.hub.joiner.after_read = resync
    await in_memory.commit(session_id, 2)
    await eventually(lambda: view.last == 3)
    connections(in_memory)[0].abort()
    await eventually(lambda: resynced)
    await in_memory.commit(session_id, 2)
    await eventually(lambda: view.snapshot is not None and view.last == 5)
    await equals_the_journal(in_memory, view)


async def test_deletion_reaches_the_view_and_is_not_asked_about_for_ever(in_memory: Harness, client: HubClient) -> None:
    session_id = await in_memory.session()
    view = await client.open(session_id)
    await in_memory.organizer.delete(LOCAL, session_id)
    await eventually(lambda: view.events and view.events[-1]["type"] == "session.deleted")
    connections(in_memory)[0].abort()
    await eventually(lambda: client.state == "connected" and connections(in_memory))
    with pytest.raises(CallFailed) as refused:
        await client.open(session_id)
    assert refused.value.code == "session_not_found"
    assert client.state == "connected"


def test_what_is_in_an_id_leads_nowhere_else() -> None:
    assert under("sessions", "a/../b?c=d#e%", "events") == "/api/sessions/a%2F..%2Fb%3Fc%3Dd%23e%25/events"
