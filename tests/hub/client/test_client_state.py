"""The client's half of the user's state, without any server: what it keeps, and how a change survives a race."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from hub.client import CallError, CallFailed, ConnectionLost
from hub.client.user_state import UserStateStore, rebased
from models.user_state import UserState

Json = dict[str, Any]


def state(version: int, *active: str) -> Json:
    return UserState(version=version, active_sessions=active).to_wire()


def mismatch(current: Json) -> CallFailed:
    details = {"currentVersion": current["version"], "state": current}
    return CallFailed({"code": "version_mismatch", "message": "moved", "retryable": False, "details": details})


def refusal(code: str, *, retryable: bool) -> CallFailed:
    return CallFailed({"code": code, "message": code, "retryable": retryable, "details": {}})


class Server:
    """Answers with what the test planned, in turn, and keeps what it was asked."""

    def __init__(self, *answers: Json | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Json | None]] = []
        self.waited = 0
        self.client = UserStateStore(self.request, self.again)

    async def request(self, method: str, path: str, json: Json | None = None) -> Json:
        assert path == "/api/me/state"
        self.asked.append((method, json))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def again(self, failed: CallError, failures: int) -> None:
        if not failed.retryable:
            raise failed
        self.waited += 1


@pytest.mark.parametrize(
    ("base", "wanted", "current", "merged"),
    [
        (["a"], ["a", "b"], ["a", "c"], ["a", "b", "c"]),
        (["a", "b"], ["a"], ["a", "b", "c"], ["a", "c"]),
        (["a"], ["b"], ["a"], ["b"]),
        (["a"], ["a"], [], []),
        ([], ["a"], ["a"], ["a"]),
        (["a", "b"], [], ["a", "b", "c"], ["c"]),
    ],
)
def test_what_was_opened_and_closed_is_laid_over_what_others_did(
    base: Sequence[str], wanted: Sequence[str], current: Sequence[str], merged: Sequence[str]
) -> None:
    patch = {"activeSessions": wanted, "tabs": {"x": None}}
    assert rebased(patch, state(1, *base), state(2, *current)) == {"activeSessions": merged, "tabs": {"x": None}}


def test_a_patch_that_leaves_the_active_sessions_alone_or_removes_them_all_stays_as_it_is() -> None:
    for patch in ({"tabs": {"a": 1}}, {"activeSessions": None}):
        assert rebased(patch, state(1, "a"), state(2, "b")) == patch


async def test_a_lost_race_is_repeated_on_the_state_that_came_with_the_refusal() -> None:
    server = Server(mismatch(state(2, "a", "c")), mismatch(state(3, "c")), state(4, "b", "c"))
    server.client.take(state(1, "a"))
    assert await server.client.update({"activeSessions": ["a", "b"]}) == state(4, "b", "c")
    assert [json for _, json in server.asked] == [
        {"activeSessions": ["a", "b"], "expectedVersion": 1},
        {"activeSessions": ["a", "b", "c"], "expectedVersion": 2},
        {"activeSessions": ["b", "c"], "expectedVersion": 3},
    ]
    assert server.client.value == state(4, "b", "c")


async def test_what_came_meanwhile_is_not_taken_for_what_the_patch_was_made_of() -> None:
    """Fails when a repetition goes on from the newest state: what another client opened would look closed by this."""
    server = Server(ConnectionLost("gone"), mismatch(state(2, "a", "c")), state(3, "a", "b", "c"))
    server.client.take(state(1, "a"))

    async def hear(failed: CallError, failures: int) -> None:
        server.client.take(state(2, "a", "c"))

    server.client._again = hear
    await server.client.update({"activeSessions": ["a", "b"]})
    assert server.asked[-1] == ("PATCH", {"activeSessions": ["a", "b", "c"], "expectedVersion": 2})


async def test_without_a_state_it_is_read_first() -> None:
    server = Server(ConnectionLost("gone"), state(7), state(8))
    assert await server.client.update({"lastSessionId": "s"}) == state(8)
    assert server.asked == [("GET", None), ("GET", None), ("PATCH", {"lastSessionId": "s", "expectedVersion": 7})]
    assert server.waited == 1


async def test_what_can_never_work_is_raised_and_what_passes_is_tried_again() -> None:
    server = Server(refusal("storage_unavailable", retryable=True), refusal("invalid_argument", retryable=False))
    server.client.take(state(1))
    with pytest.raises(CallFailed) as failed:
        await server.client.update({"tabs": {"a": "first"}})
    assert (failed.value.code, server.waited) == ("invalid_argument", 1)


def test_an_older_state_is_dropped_unless_a_new_connection_begins_with_it() -> None:
    client = Server().client
    client.take(state(3))
    client.take(state(2))
    assert client.value == state(3)
    client.connected()
    client.take(state(1))
    assert client.value == state(1), "the server was set back"
    client.take(state(1, "other"))
    assert client.value == state(1)
